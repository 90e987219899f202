//! NVIDIA cards through NVML.
//!
//! NVML's calls block, and on a sick driver they hang for good. They are all made on one thread of their own, which
//! is asked over a bounded channel and waited for with a bound: while a call hangs, readings fail as hung at once or
//! at the bound, and start to succeed again when the driver answers. After a card failed the library is closed and
//! opened anew at each reading, since nothing opened before a reset works after it.

mod cards;

use std::path::PathBuf;
use std::time::Duration;

use mystic_domain::{DeviceId, Mib};
use nvml_wrapper::error::NvmlError;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::source::{
    DeviceInfo, DeviceSource, HeldFuture, Telemetry, TelemetryError, TelemetryFuture,
};

/// Why NVML can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The library doesn't load, or the driver behind it refuses.
    #[error("NVML does not load")]
    Init(#[source] NvmlError),
    /// NVML works and shows no usable card.
    #[error("NVML shows no usable card")]
    NoCards,
    /// The driver did not answer in time.
    #[error("the driver did not start within {after:?}")]
    Hung {
        /// The configured bound.
        after: Duration,
    },
    /// The system gave no thread.
    #[error("no thread for NVML")]
    Thread(#[source] std::io::Error),
    /// The thread ended before it answered.
    #[error("NVML's thread ended before it answered")]
    Died,
}

/// A reading asked of the thread.
struct Request {
    device: DeviceId,
    reply: oneshot::Sender<Result<Telemetry, TelemetryError>>,
}

/// What the thread is asked.
enum Question {
    /// All that is known of a card.
    Reading(Request),
    /// What a process holds of a card; no answer where that can't be told.
    Held {
        device: DeviceId,
        pid: u32,
        reply: oneshot::Sender<Option<Mib>>,
    },
}

/// How many questions may wait for the thread: a reading's, and one for each child. More only wait when a call hangs,
/// and then fail at once.
const WAITING: usize = 16;

/// The NVIDIA cards of this host.
#[derive(Debug)]
pub struct NvmlSource {
    devices: Vec<DeviceInfo>,
    questions: mpsc::Sender<Question>,
    bound: Duration,
}

impl NvmlSource {
    /// Loads NVML, from its usual place where no library is named, and lists its cards. `bound` is how long this and
    /// each later reading may take before it counts as hung.
    ///
    /// # Errors
    /// [`OpenError`]: NVML does not load, hangs, or shows no card.
    pub async fn open(library: Option<PathBuf>, bound: Duration) -> Result<Self, OpenError> {
        let (started, start) = oneshot::channel();
        let (questions, inbox) = mpsc::channel(WAITING);
        std::thread::Builder::new()
            .name("nvml".to_owned())
            .spawn(move || cards::serve(library.as_deref(), started, inbox))
            .map_err(OpenError::Thread)?;
        let devices = match timeout(bound, start).await {
            Ok(Ok(devices)) => devices?,
            Ok(Err(_)) => return Err(OpenError::Died),
            Err(_) => return Err(OpenError::Hung { after: bound }),
        };
        Ok(Self {
            devices,
            questions,
            bound,
        })
    }

    async fn ask(&self, device: &DeviceId) -> Result<Telemetry, TelemetryError> {
        let hung = || TelemetryError::Hung {
            device: device.clone(),
            after: self.bound,
        };
        let (reply, mut answer) = oneshot::channel();
        let request = Request {
            device: device.clone(),
            reply,
        };
        self.questions
            .try_send(Question::Reading(request))
            .map_err(|error| match error {
                TrySendError::Full(_) => hung(),
                TrySendError::Closed(_) => TelemetryError::Stopped,
            })?;
        match timeout(self.bound, &mut answer).await {
            Ok(Ok(reading)) => reading,
            Ok(Err(_)) => Err(TelemetryError::Stopped),
            Err(_) => {
                // An answer may have come between the bound and now; dropped, its error events would be lost.
                answer.close();
                answer.try_recv().unwrap_or_else(|_| Err(hung()))
            }
        }
    }
}

impl DeviceSource for NvmlSource {
    fn devices(&self) -> &[DeviceInfo] {
        &self.devices
    }

    fn telemetry<'a>(&'a self, device: &'a DeviceId, _children: &'a [u32]) -> TelemetryFuture<'a> {
        Box::pin(self.ask(device))
    }

    fn count_most(&self, _pid: u32) -> bool {
        false
    }

    fn held<'a>(&'a self, device: &'a DeviceId, pid: u32, _counted: bool) -> HeldFuture<'a> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let device = device.clone();
            let question = Question::Held { device, pid, reply };
            self.questions.try_send(question).ok()?;
            timeout(self.bound, answer).await.ok()?.ok()?
        })
    }
}
