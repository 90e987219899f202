//! What attempts took becomes what the next ones are expected to take.

use mystic_store::Store;

use super::{Reconcile, RunError, acted};

/// Takes the attempts that have ended into the averages and estimates.
pub struct Learn {
    store: Store,
}

impl Learn {
    /// Learns from this database.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }
}

impl Reconcile for Learn {
    const NAME: &'static str = "learn";

    async fn run(&mut self) -> Result<(), RunError> {
        while self.store.learn().await? > 0 {
            acted::<Self>("learn");
        }
        Ok(())
    }
}
