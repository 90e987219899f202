//! Every SQL statement of the project. Postgres is the only truth: each state change is one transaction here.
//!
//! Lock order in every transaction: devices → workers → residents → jobs → leases → images.

mod access;
mod error;
mod estimates;
mod events;
mod fleet;
mod images;
mod jobs;
mod keys;
mod leader;
mod learn;
mod leases;
mod ledger;
mod models;
mod pauses;
mod pool;
mod presets;
mod provenance;
mod row;
mod schema;
mod settings;
mod templates;
mod uploads;

use sqlx::PgPool;

pub use access::{Bearer, Issued, JoinKeyRecord, Machine, MachineNameError};
pub use error::StoreError;
pub use estimates::{EstimateRecord, LearnedNeed};
pub use events::{EventCursor, EventRecord, Wakeups};
pub use fleet::{
    Beat, BeatReply, DeviceInfo, DeviceRecord, DeviceTelemetry, LeaseRecord, Registration,
    ResidentRecord, ServedPreset, WorkerRecord,
};
pub use images::{
    AliasRecord, Bin, COUNTED, Change, Committed, Deleting, Facets, ImageFilter, ImageRecord,
    Imported, Lineage, MAX_TAGS, NewImage, NewImport, Place, PutAlias, RANKED, Retagging, Similar,
    SizeCount, TagRecord, ValueCount,
};
pub use jobs::{
    Activity, ActivityBy, ActivityColumn, ActivityCount, ActivityFilter, ActivityGroup,
    AttemptRecord, Cancelled, Deleted, JobFilter, JobRecord, NewJob, Reprioritised, Retried,
    Submitted,
};
pub use keys::KeyRecord;
pub use leader::Leader;
pub use learn::LearnedTime;
pub use leases::{
    Batch, BatchDrawer, Claimed, Grant, Granted, HeldJob, Help, NextPicture, Outcome, Preload,
    QueuedJob, Seat, Settled, Snapshot, SnapshotPreset, SnapshotWorker, Spent, Wait,
};
pub use models::{Holder, ModelOperation, NewOperation, OperationBegun, OperationKind};
pub use pauses::PauseRecord;
pub use presets::{PresetOnWorker, PresetRecord, PresetRetired, PresetWritten};
pub use settings::OwnerSettings;
pub use templates::{NewTemplate, TemplateRecord};
pub use uploads::{NewUpload, UploadRecord};

/// What a store call returns.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The database. Clones share one pool of connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: pool::Pool,
    /// The lead under which a scheduler's decisions are made; see [`Store::leading`].
    epoch: Option<i64>,
}

impl Store {
    /// Opens a pool; connections are made when they are needed.
    ///
    /// # Errors
    /// A URL that can't be read.
    pub fn connect(url: &str, max_connections: u32) -> Result<Self> {
        Ok(Self {
            pool: pool::Pool::open(url, max_connections)?,
            epoch: None,
        })
    }

    /// The pool itself, for tests that look behind the store.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        self.pool.lines()
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }
}
