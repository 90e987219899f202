//! Named points at which a process can be made to die or to stop, for proofs of what a crash or a silence leaves behind.
//!
//! `MYSTIC_FAULT_AT=claimed:2` ends the process, as `kill -9` does, when it passes that point for the second time;
//! `MYSTIC_FAULT_AT=claimed:2:3000` stops it there, as Ctrl-Z does, and lets it go on after 3000 ms. In a release build
//! no point does anything.

use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, raise};

const VARIABLE: &str = "MYSTIC_FAULT_AT";

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal;)*) => {
        /// Where a process can be made to die or to stop.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point {
            $($(#[$doc])* $point,)*
        }

        impl Point {
            /// Every point.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Its name, as `MYSTIC_FAULT_AT` takes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$point => $name,)* }
            }
        }
    };
}

points! {
    /// The API has stored a job and not yet told anybody.
    Submitted = "submitted";
    /// The scheduler has granted a lease and not yet told its worker.
    Granted = "granted";
    /// The scheduler has given one silent worker up, perhaps of several.
    Reaped = "reaped";
    /// The scheduler has taken one unclaimed lease back, perhaps of several.
    Expired = "expired";
    /// A worker has registered and not yet beaten.
    Registered = "registered";
    /// A worker has claimed a lease and not yet begun.
    Claimed = "claimed";
    /// A worker has a new engine child that knows of no model yet.
    ChildStarted = "child_started";
    /// The engine's pixels are written, the picture's file is not.
    PixelsWritten = "pixels_written";
    /// The picture's file has its row and not its name.
    FileStaged = "file_staged";
    /// The picture's file has its name, the picture has no row.
    FileNamed = "file_named";
    /// A picture has its row, the job is not settled.
    ImageCommitted = "image_committed";
    /// All work of an attempt is done, the job is not settled.
    Settling = "settling";
    /// The job is settled; a dead child's memory is not yet given back.
    Settled = "settled";
}

/// What happens where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault {
    point: Point,
    /// The passage of the point, from 1.
    passage: u32,
    /// How long the process stops; it dies where absent.
    stops: Option<Duration>,
}

impl Fault {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(':');
        let name = words.next()?;
        let fault = Self {
            point: *Point::ALL.iter().find(|point| point.as_str() == name)?,
            passage: words.next().map_or(Ok(1), str::parse).ok()?,
            stops: match words.next() {
                Some(milliseconds) => Some(Duration::from_millis(milliseconds.parse().ok()?)),
                None => None,
            },
        };
        words.next().is_none().then_some(fault)
    }

    // Nothing can be done about a signal that is not delivered, and it always is.
    fn happen(self) {
        let Some(silence) = self.stops else {
            let _ = raise(Signal::SIGKILL);
            return;
        };
        // A process that is stopped can't wake itself.
        let waker = Command::new("sh")
            .args(["-c", "sleep $0; kill -CONT $PPID"])
            .arg(silence.as_secs_f64().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        if waker.is_ok() {
            let _ = raise(Signal::SIGSTOP);
        }
    }
}

/// Dies or stops here, if this process was started to.
pub fn point(here: Point) {
    if cfg!(debug_assertions)
        && let Some(fault) = armed()
        && fault.point == here
    {
        static PASSED: AtomicU32 = AtomicU32::new(0);
        if PASSED.fetch_add(1, Ordering::Relaxed) + 1 == fault.passage {
            fault.happen();
        }
    }
}

/// What the environment asks for, read once.
fn armed() -> Option<Fault> {
    static ARMED: OnceLock<Option<Fault>> = OnceLock::new();
    *ARMED.get_or_init(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "no setting of the product: it exists for proofs alone, and not in a release"
        )]
        let text = std::env::var(VARIABLE).ok()?;
        Fault::parse(&text)
    })
}

#[cfg(test)]
mod tests {
    use super::{Duration, Fault, Point};

    #[test]
    fn a_fault_is_a_point_its_passage_and_a_silence() {
        let fault = |point, passage, stops| {
            Some(Fault {
                point,
                passage,
                stops,
            })
        };
        assert_eq!(Fault::parse("claimed"), fault(Point::Claimed, 1, None));
        assert_eq!(Fault::parse("settled:3"), fault(Point::Settled, 3, None));
        let silence = Some(Duration::from_secs(3));
        assert_eq!(
            Fault::parse("settled:3:3000"),
            fault(Point::Settled, 3, silence)
        );
        for wrong in ["nowhere:3", "settled:x", "settled:3:y", "settled:3:1:1"] {
            assert_eq!(Fault::parse(wrong), None, "{wrong}");
        }
    }
}
