//! Which devices this host has, what is used on them and by whom.
//!
//! A [`DeviceSource`] lists devices and reads their telemetry: [`NvmlSource`] for NVIDIA cards, [`CpuSource`] for a
//! host without one. [`detect()`] chooses. [`others()`] tells the memory of strangers from ours.

mod cpu;
mod detect;
mod host;
mod nvml;
mod others;
mod source;
mod xid;

pub use cpu::{CpuError, CpuSource};
pub use detect::{DetectError, InventoryConfig, SourceChoice, detect};
pub use host::{HostIdError, host_id};
pub use nvml::{NvmlSource, OpenError};
pub use others::{Child, Others, others};
pub use source::{
    DeviceInfo, DeviceKind, DeviceSource, HeldFuture, ProcessUse, Telemetry, TelemetryError,
    TelemetryFuture,
};
pub use xid::{Xid, XidClass};
