//! What is asked of a card.

use std::ffi::{c_char, c_uint};

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlProcessInfo_t,
    nvmlReturn_enum_NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
    nvmlReturn_enum_NVML_ERROR_INSUFFICIENT_SIZE, nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT,
    nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED, nvmlReturn_t, nvmlTemperatureSensors_t,
    nvmlUtilization_t,
};

use crate::call::{Outcome, answer, card, put, put_text};
use crate::state::{Process, ProcessKind, State};

const MIB: u64 = 1 << 20;

/// NVML's struct version: the size with the version in the top byte.
const MEMORY_V2: usize = size_of::<nvmlMemory_v2_t>() | (2 << 24);

/// NVML's mark for a figure that isn't available (all bits set), and for "no MIG instance".
const NOT_AVAILABLE: u64 = u64::MAX;
const NO_INSTANCE: u32 = u32::MAX;

/// The card's name.
///
/// # Safety
/// `name` is null or writable for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetName(
    device: nvmlDevice_t,
    name: *mut c_char,
    length: c_uint,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetName", |state| {
        // SAFETY: this function's contract.
        unsafe { put_text(name, length, &card(state, device)?.name) }
    })
}

/// The card's UUID.
///
/// # Safety
/// `uuid` is null or writable for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetUUID(
    device: nvmlDevice_t,
    uuid: *mut c_char,
    length: c_uint,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetUUID", |state| {
        // SAFETY: this function's contract.
        unsafe { put_text(uuid, length, &card(state, device)?.uuid) }
    })
}

/// The card's memory, where `used` includes what the driver keeps.
///
/// # Safety
/// `memory` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMemoryInfo(
    device: nvmlDevice_t,
    memory: *mut nvmlMemory_t,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetMemoryInfo", |state| {
        let card = card(state, device)?;
        let taken = card.used_mib() + card.reserved_mib;
        let info = nvmlMemory_t {
            total: card.total_mib * MIB,
            free: card.total_mib.saturating_sub(taken) * MIB,
            used: taken * MIB,
        };
        // SAFETY: this function's contract.
        unsafe { put(memory, info) }
    })
}

/// The card's memory, where what the driver keeps is apart from `used`.
///
/// # Safety
/// `memory` is null, or readable and writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMemoryInfo_v2(
    device: nvmlDevice_t,
    memory: *mut nvmlMemory_v2_t,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetMemoryInfo_v2", |state| {
        if memory.is_null() {
            return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
        }
        // SAFETY: not null, and readable by this function's contract; the version is the caller's to set.
        let version = unsafe { (*memory).version };
        if version as usize != MEMORY_V2 {
            return Err(nvmlReturn_enum_NVML_ERROR_ARGUMENT_VERSION_MISMATCH);
        }
        let card = card(state, device)?;
        let used = card.used_mib();
        let info = nvmlMemory_v2_t {
            version,
            total: card.total_mib * MIB,
            reserved: card.reserved_mib * MIB,
            free: card.total_mib.saturating_sub(used + card.reserved_mib) * MIB,
            used: used * MIB,
        };
        // SAFETY: this function's contract.
        unsafe { put(memory, info) }
    })
}

/// The processes that compute on the card.
///
/// # Safety
/// `count` is null, or readable and writable; `infos` is null or writable for `*count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetComputeRunningProcesses_v3(
    device: nvmlDevice_t,
    count: *mut c_uint,
    infos: *mut nvmlProcessInfo_t,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetComputeRunningProcesses_v3", |state| {
        // SAFETY: this function's contract.
        unsafe { put_processes(state, device, ProcessKind::Compute, count, infos) }
    })
}

/// The processes that draw on the card.
///
/// # Safety
/// `count` is null, or readable and writable; `infos` is null or writable for `*count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetGraphicsRunningProcesses_v3(
    device: nvmlDevice_t,
    count: *mut c_uint,
    infos: *mut nvmlProcessInfo_t,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetGraphicsRunningProcesses_v3", |state| {
        // SAFETY: this function's contract.
        unsafe { put_processes(state, device, ProcessKind::Graphics, count, infos) }
    })
}

/// Writes the processes in this list, or how many there are where the caller's room is too small.
///
/// # Safety
/// `count` is null, or readable and writable; `infos` is null or writable for `*count` entries.
unsafe fn put_processes(
    state: &State,
    device: nvmlDevice_t,
    list: ProcessKind,
    count: *mut c_uint,
    infos: *mut nvmlProcessInfo_t,
) -> Outcome {
    if count.is_null() {
        return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
    }
    let listed: Vec<&Process> = card(state, device)?
        .processes
        .iter()
        .filter(|process| process.kind == list || process.kind == ProcessKind::Both)
        .collect();
    // SAFETY: not null, and readable by this function's contract.
    let room = unsafe { count.read() } as usize;
    // SAFETY: this function's contract.
    unsafe { put(count, c_uint::try_from(listed.len()).unwrap_or(c_uint::MAX))? };
    if listed.len() > room {
        return Err(nvmlReturn_enum_NVML_ERROR_INSUFFICIENT_SIZE);
    }
    for (place, process) in listed.into_iter().enumerate() {
        if infos.is_null() {
            return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
        }
        let info = nvmlProcessInfo_t {
            pid: process.pid,
            usedGpuMemory: process.used_mib.map_or(NOT_AVAILABLE, |used| used * MIB),
            gpuInstanceId: NO_INSTANCE,
            computeInstanceId: NO_INSTANCE,
        };
        // SAFETY: not null, and `place` is below the room that the caller vouched for.
        unsafe { infos.add(place).write(info) };
    }
    Ok(())
}

/// How busy the card is.
///
/// # Safety
/// `utilization` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetUtilizationRates(
    device: nvmlDevice_t,
    utilization: *mut nvmlUtilization_t,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetUtilizationRates", |state| {
        let gpu = supported(card(state, device)?.utilisation_percent)?;
        // SAFETY: this function's contract.
        unsafe { put(utilization, nvmlUtilization_t { gpu, memory: gpu }) }
    })
}

/// How warm the card is.
///
/// # Safety
/// `celsius` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetTemperature(
    device: nvmlDevice_t,
    _sensor: nvmlTemperatureSensors_t,
    celsius: *mut c_uint,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetTemperature", |state| {
        let value = supported(card(state, device)?.temperature_celsius)?;
        // SAFETY: this function's contract.
        unsafe { put(celsius, value) }
    })
}

/// What power the card draws.
///
/// # Safety
/// `milliwatts` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetPowerUsage(
    device: nvmlDevice_t,
    milliwatts: *mut c_uint,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetPowerUsage", |state| {
        let value = supported(card(state, device)?.power_milliwatts)?;
        // SAFETY: this function's contract.
        unsafe { put(milliwatts, value) }
    })
}

fn supported(figure: Option<u32>) -> Outcome<u32> {
    figure.ok_or(nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED)
}
