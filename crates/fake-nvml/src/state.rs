//! The machine that the library pretends to be on.

use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The state file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Whether the kernel driver is there; without it the library's start fails.
    pub driver_loaded: bool,
    /// The driver's version.
    pub driver_version: String,
    /// The cards in the order of their index. A card keeps its place: handles are places.
    pub cards: Vec<Card>,
    /// Error events since the machine's start; only ever appended to.
    pub xids: Vec<XidEvent>,
    /// Functions (by C symbol) that hang for as long as they are listed.
    pub hang: Vec<String>,
}

/// A card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The UUID, `GPU-…`.
    pub uuid: String,
    /// The product's name.
    pub name: String,
    /// Memory in MiB.
    pub total_mib: u64,
    /// What the driver keeps of it, in MiB.
    pub reserved_mib: u64,
    /// Memory in MiB that is taken by nobody in `processes`: other containers, other drivers.
    pub hidden_mib: u64,
    /// The processes that the driver shows.
    pub processes: Vec<Process>,
    /// Share of time in which the card computed, in percent; `None` is not supported.
    pub utilisation_percent: Option<u32>,
    /// Temperature in °C; `None` is not supported.
    pub temperature_celsius: Option<u32>,
    /// Power drawn in milliwatts; `None` is not supported.
    pub power_milliwatts: Option<u32>,
    /// Whether the card can report error events.
    pub reports_xids: bool,
    /// Whether the card fell off the bus: every call about it fails.
    pub lost: bool,
    /// Whether the card must be reset: every call about it says so.
    pub reset_required: bool,
    /// How often the card was reset; whoever opened the library before the last time finds it lost.
    pub resets: u64,
}

/// A process on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// The process id, as the host numbers it.
    pub pid: u32,
    /// Its memory in MiB; `None` is taken memory of 0 whose figure the driver doesn't tell.
    pub used_mib: Option<u64>,
    /// In which of the driver's lists it is.
    pub kind: ProcessKind,
}

/// What a process does on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessKind {
    /// It computes.
    Compute,
    /// It draws.
    Graphics,
    /// It does both and is in both lists.
    Both,
}

/// An error event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XidEvent {
    /// The card's UUID.
    pub uuid: String,
    /// The event's number.
    pub xid: u64,
}

impl State {
    /// A healthy machine with these cards.
    #[must_use]
    pub fn with_cards(cards: Vec<Card>) -> Self {
        Self {
            driver_loaded: true,
            driver_version: "570.133.20".to_owned(),
            cards,
            xids: Vec::new(),
            hang: Vec::new(),
        }
    }

    /// Reads a state file.
    ///
    /// # Errors
    /// The file is unreadable or not a state.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&std::fs::read(path)?)?)
    }

    /// Replaces a state file at once: no reader sees half of it.
    ///
    /// # Errors
    /// The folder is not writable.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.persist(path)?;
        Ok(())
    }
}

impl Card {
    /// A healthy, empty card with this memory in MiB.
    #[must_use]
    pub fn new(uuid: impl Into<String>, name: impl Into<String>, total_mib: u64) -> Self {
        Self {
            uuid: uuid.into(),
            name: name.into(),
            total_mib,
            reserved_mib: 0,
            hidden_mib: 0,
            processes: Vec::new(),
            utilisation_percent: Some(0),
            temperature_celsius: Some(35),
            power_milliwatts: Some(30_000),
            reports_xids: true,
            lost: false,
            reset_required: false,
            resets: 0,
        }
    }

    /// What is taken of the memory, in MiB, less what the driver keeps.
    pub(crate) fn used_mib(&self) -> u64 {
        let shown: u64 = self.processes.iter().filter_map(|p| p.used_mib).sum();
        shown + self.hidden_mib
    }
}

impl Process {
    /// A computing process that holds this memory in MiB.
    #[must_use]
    pub fn computing(pid: u32, used_mib: u64) -> Self {
        Self {
            pid,
            used_mib: Some(used_mib),
            kind: ProcessKind::Compute,
        }
    }
}
