//! What runs on NVML's thread: the cards, their error events and their readings.

use std::collections::BTreeMap;
use std::path::Path;

use mystic_domain::{DeviceId, Mib};
use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::{Device, EventSet, Nvml};
use tokio::sync::{mpsc, oneshot};

use super::{OpenError, Question, Request};
use crate::source::{DeviceInfo, DeviceKind, ProcessUse, Telemetry, TelemetryError};
use crate::xid::{Xid, XidClass};

/// Error events taken from a card at once, so that a storm of them can't keep a reading from its answer.
const XIDS_AT_ONCE: usize = 64;

/// NVML's own number for an error event that it can't name.
const UNKNOWN_XID: u64 = 999;

/// Error events by card that reached no caller yet; they outlive a closed library.
type Undelivered = BTreeMap<DeviceId, Vec<Xid>>;

struct Card<'nvml> {
    info: DeviceInfo,
    device: Device<'nvml>,
    /// A set per card tells whose event it is even when the card is lost and can't be asked.
    events: Option<EventSet<'nvml>>,
}

/// How the answering from one opened library ended.
enum End {
    /// A card failed, or is asked for and wasn't there when the library was opened. After a reset every handle of
    /// before is dead, and an open library would stand in the way of the reset.
    Reopen(Option<Request>),
    /// Every asker is gone.
    Done,
}

/// Opens NVML, reports the cards and answers until every asker is gone. After a card failed, NVML is closed and opened
/// again for the next request.
pub(super) fn serve(
    library: Option<&Path>,
    started: oneshot::Sender<Result<Vec<DeviceInfo>, OpenError>>,
    mut inbox: mpsc::Receiver<Question>,
) {
    let nvml = match init(library) {
        Ok(nvml) => nvml,
        Err(error) => return tell(started, Err(OpenError::Init(error))),
    };
    let cards = match list(&nvml) {
        Ok(cards) if cards.is_empty() => return tell(started, Err(OpenError::NoCards)),
        Ok(cards) => cards,
        Err(error) => return tell(started, Err(OpenError::Init(error))),
    };
    let known: Vec<DeviceInfo> = cards.iter().map(|card| card.info.clone()).collect();
    tell(started, Ok(known.clone()));
    let mut desk = Desk {
        known: known.into_iter().map(|info| info.id).collect(),
        undelivered: Undelivered::new(),
    };
    let mut end = desk.answer(&cards, None, &mut inbox);
    drop(cards);
    drop(nvml);
    while let End::Reopen(unanswered) = end {
        let Some(request) = unanswered.or_else(|| next(&[], &mut inbox)) else {
            return;
        };
        end = match init(library) {
            Ok(nvml) => match list(&nvml) {
                Ok(cards) => desk.answer(&cards, Some(request), &mut inbox),
                Err(error) => desk.refuse(request, &error),
            },
            Err(error) => desk.refuse(request, &error),
        };
    }
}

fn init(library: Option<&Path>) -> Result<Nvml, NvmlError> {
    let mut builder = Nvml::builder();
    if let Some(library) = library {
        builder.lib_path(library.as_os_str());
    }
    builder.init()
}

/// The next reading that somebody still waits for: others were asked for while a call hung and given up since. What
/// is asked of processes meanwhile is answered from these cards.
fn next(cards: &[Card<'_>], inbox: &mut mpsc::Receiver<Question>) -> Option<Request> {
    loop {
        match inbox.blocking_recv()? {
            Question::Reading(request) if !request.reply.is_closed() => return Some(request),
            Question::Held { device, pid, reply } if !reply.is_closed() => {
                let card = cards.iter().find(|card| card.info.id == device);
                let _ = reply.send(card.and_then(|card| card.held(pid)));
            }
            Question::Reading(_) | Question::Held { .. } => {}
        }
    }
}

/// What outlives a closed library.
struct Desk {
    /// The cards that were there at the start: one that is not shown any more is lost, any other is unknown.
    known: Vec<DeviceId>,
    undelivered: Undelivered,
}

impl Desk {
    /// Answers requests, the given one first, until a card fails or every asker is gone.
    fn answer(
        &mut self,
        cards: &[Card<'_>],
        first: Option<Request>,
        inbox: &mut mpsc::Receiver<Question>,
    ) -> End {
        let mut first = first;
        loop {
            let opened_for_it = first.is_some();
            let Some(request) = first.take().or_else(|| next(cards, inbox)) else {
                return End::Done;
            };
            if !self.known.contains(&request.device) {
                let unknown = TelemetryError::UnknownDevice(request.device);
                drop(request.reply.send(Err(unknown)));
                continue;
            }
            let card = cards.iter().find(|card| card.info.id == request.device);
            let reading = match card {
                Some(card) => card.answer(&mut self.undelivered),
                None if opened_for_it => Err(self.lost(&request.device)),
                None => {
                    self.collect(cards);
                    return End::Reopen(Some(request));
                }
            };
            let failed = match &reading {
                Ok(telemetry) => telemetry
                    .xids
                    .iter()
                    .any(|xid| xid.class() == XidClass::Device),
                Err(_) => true,
            };
            self.deliver(request, reading);
            if failed {
                self.collect(cards);
                return End::Reopen(None);
            }
        }
    }

    /// Takes the events over that a closed library would forget.
    fn collect(&mut self, cards: &[Card<'_>]) {
        for card in cards {
            card.collect_xids(&mut self.undelivered);
        }
    }

    /// NVML itself can't be opened again, as while the driver is reloaded: the card is not there.
    fn refuse(&mut self, request: Request, error: &NvmlError) -> End {
        tracing::debug!(%error, "NVML does not open again yet");
        let reading = Err(if self.known.contains(&request.device) {
            self.lost(&request.device)
        } else {
            TelemetryError::UnknownDevice(request.device.clone())
        });
        self.deliver(request, reading);
        End::Reopen(None)
    }

    fn lost(&mut self, device: &DeviceId) -> TelemetryError {
        TelemetryError::Lost {
            device: device.clone(),
            xids: self.undelivered.remove(device).unwrap_or_default(),
        }
    }

    /// Answers, and keeps the error events of an answer that nobody waited for.
    fn deliver(&mut self, request: Request, reading: Result<Telemetry, TelemetryError>) {
        if let Err(Ok(Telemetry { xids, .. }) | Err(TelemetryError::Lost { xids, .. })) =
            request.reply.send(reading)
        {
            self.undelivered.insert(request.device, xids);
        }
    }
}

/// An opener that gave up drops the source's sender too, which ends the thread.
fn tell(
    started: oneshot::Sender<Result<Vec<DeviceInfo>, OpenError>>,
    outcome: Result<Vec<DeviceInfo>, OpenError>,
) {
    drop(started.send(outcome));
}

/// The usable cards: one that can't say who it is (lost, no permission) is left out.
fn list(nvml: &Nvml) -> Result<Vec<Card<'_>>, NvmlError> {
    let mut cards = Vec::new();
    for index in 0..nvml.device_count()? {
        match nvml
            .device_by_index(index)
            .and_then(|device| open(nvml, device))
        {
            Ok(card) => cards.push(card),
            Err(error) => tracing::warn!(index, %error, "a card is left out"),
        }
    }
    Ok(cards)
}

fn open<'nvml>(nvml: &'nvml Nvml, device: Device<'nvml>) -> Result<Card<'nvml>, NvmlError> {
    let info = DeviceInfo {
        id: DeviceId(device.uuid()?),
        name: device.name()?,
        kind: DeviceKind::Cuda,
        total: whole_mib(device.memory_info()?.total),
    };
    let events = match error_events(nvml, &device) {
        Ok(events) => events,
        Err(error) => {
            tracing::warn!(device = %info.id, %error, "error events of this card are not seen");
            None
        }
    };
    Ok(Card {
        info,
        device,
        events,
    })
}

fn error_events<'nvml>(
    nvml: &'nvml Nvml,
    device: &Device<'nvml>,
) -> Result<Option<EventSet<'nvml>>, NvmlError> {
    let wanted = EventTypes::CRITICAL_XID_ERROR;
    if !device.supported_event_types()?.contains(wanted) {
        return Ok(None);
    }
    let set = nvml.create_event_set()?;
    let set = device
        .register_events(wanted, set)
        .map_err(|error| error.error)?;
    Ok(Some(set))
}

impl Card<'_> {
    fn answer(&self, undelivered: &mut Undelivered) -> Result<Telemetry, TelemetryError> {
        self.collect_xids(undelivered);
        let mut xids = || undelivered.remove(&self.info.id).unwrap_or_default();
        match self.read() {
            Ok(mut telemetry) => {
                telemetry.xids = xids();
                Ok(telemetry)
            }
            Err(error) if is_lost(&error) => Err(TelemetryError::Lost {
                device: self.info.id.clone(),
                xids: xids(),
            }),
            Err(source) => Err(TelemetryError::Nvml {
                device: self.info.id.clone(),
                source,
            }),
        }
    }

    fn collect_xids(&self, undelivered: &mut Undelivered) {
        let Some(events) = &self.events else { return };
        let xids = undelivered.entry(self.info.id.clone()).or_default();
        while xids.len() < XIDS_AT_ONCE {
            // A bound of 0 ms never waits; it ends with a timeout, or with the card's loss, which the reading tells.
            let Ok(event) = events.wait(0) else { return };
            match event.event_data {
                Some(XidError::Value(code)) => xids.push(Xid(code)),
                Some(XidError::Unknown) => xids.push(Xid(UNKNOWN_XID)),
                None => {}
            }
        }
    }

    fn processes(&self) -> Result<Vec<ProcessUse>, NvmlError> {
        let mut running = optional(self.device.running_compute_processes())?.unwrap_or_default();
        running.extend(optional(self.device.running_graphics_processes())?.unwrap_or_default());
        Ok(merged(running))
    }

    /// What a process holds. A card that fails is told by its next reading.
    fn held(&self, pid: u32) -> Option<Mib> {
        let processes = self.processes().ok()?;
        processes.iter().find(|process| process.pid == pid)?.used
    }

    fn read(&self) -> Result<Telemetry, NvmlError> {
        let device = &self.device;
        let memory = device.memory_info()?;
        let total = whole_mib(memory.total);
        let free = whole_mib(memory.free);
        Ok(Telemetry {
            total,
            // NVML's own `used` leaves out what the driver reserves, which nobody can allocate either.
            used: total.saturating_sub(free),
            free,
            reserve: Mib(0),
            processes: self.processes()?,
            utilisation_percent: optional(device.utilization_rates())?.map(|rates| rates.gpu),
            temperature_celsius: optional(device.temperature(TemperatureSensor::Gpu))?,
            power_watts: optional(device.power_usage())?.map(|milliwatts| milliwatts / 1000),
            xids: Vec::new(),
        })
    }
}

fn is_lost(error: &NvmlError) -> bool {
    matches!(error, NvmlError::GpuLost | NvmlError::ResetRequired)
}

/// A figure that not every card or driver has; only a lost card fails the whole reading.
fn optional<T>(figure: Result<T, NvmlError>) -> Result<Option<T>, NvmlError> {
    match figure {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_lost(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

/// One entry per process: one that computes and draws is in both of NVML's lists with the same figure.
fn merged(running: Vec<ProcessInfo>) -> Vec<ProcessUse> {
    let mut by_pid: BTreeMap<u32, Option<Mib>> = BTreeMap::new();
    for process in running {
        let used = match process.used_gpu_memory {
            UsedGpuMemory::Used(bytes) => Some(Mib::from_bytes(bytes)),
            UsedGpuMemory::Unavailable => None,
        };
        let known = by_pid.entry(process.pid).or_default();
        *known = (*known).max(used);
    }
    by_pid
        .into_iter()
        .map(|(pid, used)| ProcessUse {
            pid,
            used,
            reclaimable: Mib(0),
        })
        .collect()
}

/// Bytes rounded down to MiB: of memory to give, a part of a MiB is none.
fn whole_mib(bytes: u64) -> Mib {
    Mib(i64::try_from(bytes >> 20).unwrap_or(i64::MAX))
}
