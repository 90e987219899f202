//! The engine children that live, one for each resident model.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mystic_domain::ResidentId;

use crate::engine::EngineChild;

/// A resident's place: its child while one lives. Whoever locks it talks to the child alone.
pub(crate) type Place = Arc<tokio::sync::Mutex<Option<EngineChild>>>;

/// The children of this worker.
#[derive(Clone, Debug)]
pub(crate) struct Children {
    places: Arc<Mutex<HashMap<ResidentId, Resident>>>,
    /// The program that children run.
    pub(crate) program: PathBuf,
}

#[derive(Debug)]
struct Resident {
    place: Place,
    pid: Option<u32>,
}

impl Children {
    pub(crate) fn new(program: PathBuf) -> Self {
        Self {
            places: Arc::default(),
            program,
        }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<ResidentId, Resident>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of a resident, made where there is none.
    pub(crate) fn place(&self, resident: ResidentId) -> Place {
        let mut places = self.places();
        let entry = places.entry(resident).or_insert_with(|| Resident {
            place: Place::default(),
            pid: None,
        });
        Arc::clone(&entry.place)
    }

    /// Notes the process that a resident's child runs in.
    pub(crate) fn note_pid(&self, resident: ResidentId, pid: Option<u32>) {
        if let Some(entry) = self.places().get_mut(&resident) {
            entry.pid = pid;
        }
    }

    /// Forgets a resident whose child is dead.
    pub(crate) fn forget(&self, resident: ResidentId) {
        self.places().remove(&resident);
    }

    /// Every resident with its process.
    pub(crate) fn all(&self) -> Vec<(ResidentId, Option<u32>)> {
        self.places()
            .iter()
            .map(|(resident, entry)| (*resident, entry.pid))
            .collect()
    }
}
