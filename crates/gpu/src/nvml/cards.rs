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

use super::{OpenError, Request};
use crate::source::{DeviceInfo, DeviceKind, ProcessUse, Telemetry, TelemetryError};
use crate::xid::Xid;

/// Error events taken from a card at once, so that a storm of them can't keep a reading from its answer.
const XIDS_AT_ONCE: usize = 64;

/// NVML's own number for an error event that it can't name.
const UNKNOWN_XID: u64 = 999;

struct Card<'nvml> {
    info: DeviceInfo,
    device: Device<'nvml>,
    /// A set per card tells whose event it is even when the card is lost and can't be asked.
    events: Option<EventSet<'nvml>>,
    /// Error events that reached no caller yet.
    xids: Vec<Xid>,
}

/// Opens NVML, reports the cards and answers until every asker is gone.
pub(super) fn serve(
    library: Option<&Path>,
    started: oneshot::Sender<Result<Vec<DeviceInfo>, OpenError>>,
    mut inbox: mpsc::Receiver<Request>,
) {
    let mut builder = Nvml::builder();
    if let Some(library) = library {
        builder.lib_path(library.as_os_str());
    }
    let nvml = match builder.init() {
        Ok(nvml) => nvml,
        Err(error) => return tell(started, Err(OpenError::Init(error))),
    };
    let mut cards = match list(&nvml) {
        Ok(cards) if cards.is_empty() => return tell(started, Err(OpenError::NoCards)),
        Ok(cards) => cards,
        Err(error) => return tell(started, Err(OpenError::Init(error))),
    };
    tell(
        started,
        Ok(cards.iter().map(|card| card.info.clone()).collect()),
    );
    while let Some(request) = inbox.blocking_recv() {
        // Asked while a call hung and given up since.
        if request.reply.is_closed() {
            continue;
        }
        let Some(card) = cards.iter_mut().find(|card| card.info.id == request.device) else {
            let unknown = TelemetryError::UnknownDevice(request.device);
            drop(request.reply.send(Err(unknown)));
            continue;
        };
        if let Err(undelivered) = request.reply.send(card.answer()) {
            card.take_back(undelivered);
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
        xids: Vec::new(),
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
    fn answer(&mut self) -> Result<Telemetry, TelemetryError> {
        self.collect_xids();
        match self.read() {
            Ok(mut telemetry) => {
                telemetry.xids = std::mem::take(&mut self.xids);
                Ok(telemetry)
            }
            Err(error) if is_lost(&error) => Err(TelemetryError::Lost {
                device: self.info.id.clone(),
                xids: std::mem::take(&mut self.xids),
            }),
            Err(source) => Err(TelemetryError::Nvml {
                device: self.info.id.clone(),
                source,
            }),
        }
    }

    /// Keeps the error events of an answer that nobody waited for.
    fn take_back(&mut self, undelivered: Result<Telemetry, TelemetryError>) {
        if let Ok(Telemetry { xids, .. }) | Err(TelemetryError::Lost { xids, .. }) = undelivered {
            self.xids = xids;
        }
    }

    fn collect_xids(&mut self) {
        let Some(events) = &self.events else { return };
        while self.xids.len() < XIDS_AT_ONCE {
            // A bound of 0 ms never waits; it ends with a timeout, or with the card's loss, which the reading tells.
            let Ok(event) = events.wait(0) else { return };
            match event.event_data {
                Some(XidError::Value(code)) => self.xids.push(Xid(code)),
                Some(XidError::Unknown) => self.xids.push(Xid(UNKNOWN_XID)),
                None => {}
            }
        }
    }

    fn read(&self) -> Result<Telemetry, NvmlError> {
        let device = &self.device;
        let memory = device.memory_info()?;
        let total = whole_mib(memory.total);
        let free = whole_mib(memory.free);
        let mut running = optional(device.running_compute_processes())?.unwrap_or_default();
        running.extend(optional(device.running_graphics_processes())?.unwrap_or_default());
        Ok(Telemetry {
            total,
            // NVML's own `used` leaves out what the driver reserves, which nobody can allocate either.
            used: total.saturating_sub(free),
            free,
            reserve: Mib(0),
            processes: merged(running),
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
