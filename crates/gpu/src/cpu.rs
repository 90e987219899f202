//! The processor as a device: a budget of system memory, read from `/proc`.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use mystic_domain::{DeviceId, Mib, Need};
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::source::{
    DeviceInfo, DeviceKind, DeviceSource, HeldFuture, ProcessUse, Telemetry, TelemetryError,
    TelemetryFuture,
};

/// Why the processor can't be a device or be read.
#[derive(Debug, thiserror::Error)]
pub enum CpuError {
    /// A file of `/proc` can't be read.
    #[error("{path} can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of `/proc` lacks a line.
    #[error("{path} has no figure {field}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// The line's name.
        field: &'static str,
    },
    /// The budget is no part of the system's memory.
    #[error("a budget of {budget} is not between 1 MiB and the system's {system}")]
    Budget {
        /// The configured or default budget.
        budget: Mib,
        /// The system's memory.
        system: Mib,
    },
}

/// The processor of this host as the one device `<host>/cpu`.
#[derive(Debug)]
pub struct CpuSource {
    device: [DeviceInfo; 1],
    proc: PathBuf,
}

impl CpuSource {
    /// The processor of `host` with this budget, or the default: all of the system's memory but 2 GiB, or three
    /// quarters of it, whichever is less.
    ///
    /// # Errors
    /// [`CpuError`]: `/proc` is unreadable or the budget is no part of the system's memory.
    pub fn open(host: &str, budget: Option<Mib>) -> Result<Self, CpuError> {
        Self::under(Path::new("/proc"), host, budget)
    }

    fn under(proc: &Path, host: &str, budget: Option<Mib>) -> Result<Self, CpuError> {
        let system = Memory::read(proc)?.total;
        let budget = budget.unwrap_or_else(|| default_budget(system));
        if !(Mib(1)..=system).contains(&budget) {
            return Err(CpuError::Budget { budget, system });
        }
        let device = DeviceInfo {
            id: DeviceId(format!("{host}/cpu")),
            name: processor_name(proc)?,
            kind: DeviceKind::Cpu,
            total: budget,
        };
        Ok(Self {
            device: [device],
            proc: proc.to_owned(),
        })
    }

    fn read(&self, device: &DeviceId, children: &[u32]) -> Result<Telemetry, TelemetryError> {
        let [info] = &self.device;
        if *device != info.id {
            return Err(TelemetryError::UnknownDevice(device.clone()));
        }
        let system = Memory::read(&self.proc)?;
        let mut processes = Vec::with_capacity(children.len());
        for &pid in children {
            processes.extend(resident_set(&self.proc, pid)?);
        }
        Ok(Telemetry {
            total: info.total,
            used: system.total.saturating_sub(system.available),
            free: info.total.min(system.available),
            reserve: system.total.saturating_sub(info.total),
            processes,
            utilisation_percent: None,
            temperature_celsius: None,
            power_watts: None,
            xids: Vec::new(),
        })
    }
}

impl DeviceSource for CpuSource {
    fn devices(&self) -> &[DeviceInfo] {
        &self.device
    }

    fn telemetry<'a>(&'a self, device: &'a DeviceId, children: &'a [u32]) -> TelemetryFuture<'a> {
        // Files of /proc are made in memory: reading them can't block.
        Box::pin(std::future::ready(self.read(device, children)))
    }

    fn count_most(&self, pid: u32) -> bool {
        // The kernel forgets the largest resident set so far.
        std::fs::write(self.proc.join(pid.to_string()).join("clear_refs"), "5").is_ok()
    }

    fn held<'a>(&'a self, _device: &'a DeviceId, pid: u32, counted: bool) -> HeldFuture<'a> {
        let field = if counted { "VmHWM" } else { "VmRSS" };
        let status = std::fs::read_to_string(self.proc.join(pid.to_string()).join("status"));
        let held = status.ok().and_then(|text| kib_as_mib(&text, field));
        Box::pin(std::future::ready(held))
    }

    fn bound(&self, pid: u32, booked: Need) -> io::Result<()> {
        let status = std::fs::read_to_string(self.proc.join(pid.to_string()).join("status"))?;
        let figure = |field| kib_as_mib(&status, field).ok_or(io::ErrorKind::InvalidData);
        let most = most_data(figure("VmData")?, figure("VmRSS")?, booked);
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
        let most = u64::try_from(most.0).unwrap_or_default() << 20;
        // Ours is what the process was started with.
        let maximum = getrlimit(Resource::Data).maximum;
        let bound = Rlimit {
            current: Some(maximum.map_or(most, |maximum| most.min(maximum))),
            maximum,
        };
        prlimit(Some(pid), Resource::Data, bound)?;
        Ok(())
    }
}

/// The data that a process may have which rests with so much of it, and with so much in memory.
///
/// Memory itself can't be bounded without a control group of our own, and a booking can't bound data: libraries reserve
/// some that they never touch (stable-diffusion.cpp 450 MiB), and what is mapped from files is none. So what is left of
/// the booking comes on top of the data at rest, with a quarter more, since a need covers 99 of 100 attempts, and with
/// what computing reserves: two stacks of 8 MiB for each core.
fn most_data(data: Mib, in_memory: Mib, booked: Need) -> Mib {
    let left = (booked.resident + booked.working).saturating_sub(in_memory);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let stacks = Mib(64 + 16 * i64::try_from(cores).unwrap_or(1));
    data + left.max(booked.working).parts(5, 4) + stacks
}

fn default_budget(system: Mib) -> Mib {
    system.saturating_sub(Mib(2048)).min(Mib(system.0 * 3 / 4))
}

struct Memory {
    total: Mib,
    available: Mib,
}

impl Memory {
    fn read(proc: &Path) -> Result<Self, CpuError> {
        let path = proc.join("meminfo");
        let text = read(&path)?;
        let figure = |field| kib_as_mib(&text, field).ok_or(missing(&path, field));
        Ok(Self {
            total: figure("MemTotal")?,
            available: figure("MemAvailable")?,
        })
    }
}

/// The resident set of a process; `None` once it is gone or a zombie, which holds no memory.
fn resident_set(proc: &Path, pid: u32) -> Result<Option<ProcessUse>, CpuError> {
    let path = proc.join(pid.to_string()).join("status");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        // ESRCH: the process ended between open and read.
        Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(3) => {
            return Ok(None);
        }
        Err(source) => return Err(CpuError::Read { path, source }),
    };
    Ok(kib_as_mib(&text, "VmRSS").map(|used| ProcessUse {
        pid,
        used: Some(used),
        reclaimable: kib_as_mib(&text, "RssFile").unwrap_or_default(),
    }))
}

fn processor_name(proc: &Path) -> Result<String, CpuError> {
    let text = read(&proc.join("cpuinfo"))?;
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| Some(rest.split_once(':')?.1.trim()));
    Ok(model.unwrap_or("CPU").to_owned())
}

/// A line `<field>:   <n> kB`, rounded down to MiB.
fn kib_as_mib(text: &str, field: &str) -> Option<Mib> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kib: i64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(Mib(kib / 1024))
}

fn read(path: &Path) -> Result<String, CpuError> {
    std::fs::read_to_string(path).map_err(|source| CpuError::Read {
        path: path.to_owned(),
        source,
    })
}

fn missing(path: &Path, field: &'static str) -> CpuError {
    CpuError::Missing {
        path: path.to_owned(),
        field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A /proc of a host with 8 GiB, of which 5,000 MiB are available, and a process 10 of 3,000 MiB.
    fn host() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "meminfo",
            "MemTotal:        8388608 kB\nMemFree:          204800 kB\nMemAvailable:    5120000 kB\n",
        );
        write("cpuinfo", "processor\t: 0\nmodel name\t: Abacus 9\n");
        std::fs::create_dir(folder.path().join("10")).unwrap();
        write(
            "10/status",
            "Name:\tengine\nVmHWM:\t 4000000 kB\nVmRSS:\t 3072000 kB\nRssAnon:\t 1024000 kB\nRssFile:\t 2048000 kB\n",
        );
        std::fs::create_dir(folder.path().join("11")).unwrap();
        write("11/status", "Name:\tengine\nState:\tZ (zombie)\n");
        folder
    }

    #[test]
    fn the_default_budget_leaves_two_gib_or_a_quarter() {
        assert_eq!(default_budget(Mib(4_096)), Mib(2_048));
        assert_eq!(default_budget(Mib(8_192)), Mib(6_144));
        assert_eq!(default_budget(Mib(65_536)), Mib(49_152));
        assert_eq!(default_budget(Mib(1_024)), Mib(0));
    }

    #[test]
    fn telemetry_tells_the_system_and_the_living_children() {
        let host = host();
        let source = CpuSource::under(host.path(), "here", Some(Mib(6_000))).unwrap();
        let [device] = source.devices() else {
            panic!("one device")
        };
        assert_eq!(device.id, DeviceId("here/cpu".into()));
        assert_eq!(
            (device.name.as_str(), device.kind),
            ("Abacus 9", DeviceKind::Cpu)
        );
        let telemetry = source.read(&device.id, &[10, 11, 12]).unwrap();
        assert_eq!(telemetry.total, Mib(6_000));
        assert_eq!(telemetry.used, Mib(3_192));
        assert_eq!(telemetry.free, Mib(5_000));
        assert_eq!(telemetry.reserve, Mib(2_192));
        assert_eq!(
            telemetry.processes,
            [ProcessUse {
                pid: 10,
                used: Some(Mib(3_000)),
                reclaimable: Mib(2_000),
            }]
        );
    }

    #[tokio::test]
    async fn a_process_holds_what_it_holds_now_unless_its_most_is_counted() {
        let host = host();
        let source = CpuSource::under(host.path(), "here", None).unwrap();
        let device = &source.devices()[0].id;
        assert_eq!(source.held(device, 10, false).await, Some(Mib(3_000)));
        assert_eq!(source.held(device, 10, true).await, Some(Mib(3_906)));
        for gone in [11, 12] {
            assert_eq!(source.held(device, gone, true).await, None);
        }
        assert!(!source.count_most(12));
    }

    #[test]
    fn what_is_left_of_a_booking_comes_on_top_of_the_data_at_rest() {
        let booked = |working| Need {
            resident: Mib(1000),
            working: Mib(working),
        };
        let beside = most_data(Mib(0), Mib(1000), booked(0));
        assert!(beside >= Mib(80), "{beside}");
        let more = |in_memory, working| {
            most_data(Mib(700), Mib(in_memory), booked(working)) - beside - Mib(700)
        };
        assert_eq!(more(1000, 400), Mib(500));
        // Less is in memory than is booked, since its files are not read yet: it may read them to memory of its own.
        assert_eq!(more(600, 400), Mib(1000));
        // A model that takes more than is booked for it leaves its job what is booked for that.
        assert_eq!(more(5000, 400), Mib(500));
    }

    #[test]
    fn free_is_never_more_than_the_budget() {
        let host = host();
        let source = CpuSource::under(host.path(), "here", Some(Mib(1_000))).unwrap();
        let telemetry = source.read(&source.devices()[0].id, &[]).unwrap();
        assert_eq!(telemetry.free, Mib(1_000));
    }

    #[test]
    fn a_budget_beyond_the_system_is_refused() {
        let host = host();
        for budget in [Mib(0), Mib(8_193)] {
            let error = CpuSource::under(host.path(), "here", Some(budget)).unwrap_err();
            assert!(matches!(error, CpuError::Budget { .. }), "{error}");
        }
    }

    #[test]
    fn a_device_of_another_host_is_unknown() {
        let host = host();
        let source = CpuSource::under(host.path(), "here", None).unwrap();
        let error = source.read(&DeviceId("there/cpu".into()), &[]).unwrap_err();
        assert!(matches!(error, TelemetryError::UnknownDevice(_)));
    }
}
