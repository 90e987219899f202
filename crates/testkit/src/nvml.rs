//! A host with NVIDIA cards that aren't there: the fake NVML library and the state that it plays.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

pub use fake_nvml::{Card, Process, ProcessKind, State, XidEvent};
use tempfile::TempDir;

const LIBRARY: &str = "libfake_nvml.so";

/// A copy of the fake NVML library with a state of its own: hosts of one test are independent of each other, in one
/// process or in several. Configure [`Self::library_path`] as the code under test's NVML library.
#[derive(Debug)]
pub struct FakeNvml {
    folder: TempDir,
    state: Mutex<State>,
}

impl FakeNvml {
    /// A healthy host with these cards.
    ///
    /// # Errors
    /// The library was not built, or the temporary folder is not writable.
    pub fn new(cards: Vec<Card>) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let state = State::with_cards(cards);
        state.write(&folder.path().join(LIBRARY).with_extension("json"))?;
        // A copy, since the loader takes two links to one file for one library.
        std::fs::copy(crate::library(LIBRARY)?, folder.path().join(LIBRARY))?;
        Ok(Self {
            folder,
            state: Mutex::new(state),
        })
    }

    /// The library to load in place of `libnvidia-ml.so.1`.
    #[must_use]
    pub fn library_path(&self) -> PathBuf {
        self.folder.path().join(LIBRARY)
    }

    /// The state file, which the library reads at every call.
    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        self.library_path().with_extension("json")
    }

    /// Changes the host; the library's next call sees all of the change.
    ///
    /// # Errors
    /// The state file can't be replaced.
    pub fn set(&self, change: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        state.write(&self.state_path())
    }

    /// Lets a card report an error event.
    ///
    /// # Errors
    /// The state file can't be replaced.
    pub fn report_xid(&self, uuid: &str, xid: u64) -> io::Result<()> {
        let uuid = uuid.to_owned();
        self.set(|state| state.xids.push(XidEvent { uuid, xid }))
    }

    /// Lets a card fall off the bus, with the error event that says so.
    ///
    /// # Errors
    /// The state file can't be replaced.
    pub fn lose(&self, uuid: &str) -> io::Result<()> {
        self.set(|state| {
            state.xids.push(XidEvent {
                uuid: uuid.to_owned(),
                xid: 79,
            });
            for card in state.cards.iter_mut().filter(|card| card.uuid == uuid) {
                card.lost = true;
            }
        })
    }

    /// Resets a card: it works again, for those who open the library anew.
    ///
    /// # Errors
    /// The state file can't be replaced.
    pub fn reset(&self, uuid: &str) -> io::Result<()> {
        self.set(|state| {
            for card in state.cards.iter_mut().filter(|card| card.uuid == uuid) {
                card.lost = false;
                card.reset_required = false;
                card.resets += 1;
            }
        })
    }
}
