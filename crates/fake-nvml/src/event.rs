//! Error events: sets of cards to listen to, and waiting on them.

use std::collections::BTreeMap;
use std::ffi::{c_uint, c_ulonglong};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlEventData_t, nvmlEventSet_t, nvmlEventTypeXidCriticalError,
    nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST, nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT,
    nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED, nvmlReturn_enum_NVML_ERROR_TIMEOUT, nvmlReturn_t,
};

use crate::call::{LOOK_AGAIN, Outcome, answer, any_card, card, is_gone, put, state};
use crate::state::State;

const XID: c_ulonglong = nvmlEventTypeXidCriticalError as c_ulonglong;

/// The cards of a set, by handle address, each with how many of the state's events are behind it.
type EventSet = BTreeMap<usize, usize>;

/// The open sets by the address of their handle. A C interface has nowhere else to keep what its handles mean.
static SETS: Mutex<BTreeMap<usize, EventSet>> = Mutex::new(BTreeMap::new());

fn sets() -> MutexGuard<'static, BTreeMap<usize, EventSet>> {
    SETS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes an empty set.
///
/// # Safety
/// `set` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlEventSetCreate(set: *mut nvmlEventSet_t) -> nvmlReturn_t {
    answer("nvmlEventSetCreate", |_| {
        let mut sets = sets();
        let id = sets.last_key_value().map_or(1, |(last, _)| last + 1);
        // SAFETY: this function's contract.
        unsafe { put(set, std::ptr::without_provenance_mut(id))? };
        sets.insert(id, EventSet::new());
        Ok(())
    })
}

/// Which events the card can report.
///
/// # Safety
/// `types` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetSupportedEventTypes(
    device: nvmlDevice_t,
    types: *mut c_ulonglong,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetSupportedEventTypes", |state| {
        let supported = if card(state, device)?.reports_xids {
            XID
        } else {
            0
        };
        // SAFETY: this function's contract.
        unsafe { put(types, supported) }
    })
}

/// Adds a card to a set; events before this are never delivered.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceRegisterEvents(
    device: nvmlDevice_t,
    types: c_ulonglong,
    set: nvmlEventSet_t,
) -> nvmlReturn_t {
    answer("nvmlDeviceRegisterEvents", |state| {
        if !card(state, device)?.reports_xids || types != XID {
            return Err(nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED);
        }
        let mut sets = sets();
        let set = sets
            .get_mut(&set.addr())
            .ok_or(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT)?;
        set.insert(device.addr(), state.xids.len());
        Ok(())
    })
}

/// Delivers the set's next event, waiting for it at most `timeout` ms. A lost card's events come before its loss.
///
/// # Safety
/// `data` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlEventSetWait_v2(
    set: nvmlEventSet_t,
    data: *mut nvmlEventData_t,
    timeout: c_uint,
) -> nvmlReturn_t {
    answer("nvmlEventSetWait_v2", |present| {
        let mut event = next_event(set, present)?;
        let mut looks = u128::from(timeout) / LOOK_AGAIN.as_millis();
        while event.is_none() {
            looks = looks
                .checked_sub(1)
                .ok_or(nvmlReturn_enum_NVML_ERROR_TIMEOUT)?;
            sleep(LOOK_AGAIN);
            event = next_event(set, &state()?)?;
        }
        // SAFETY: this function's contract.
        event.map_or(Ok(()), |event| unsafe { put(data, event) })
    })
}

fn next_event(set: nvmlEventSet_t, state: &State) -> Outcome<Option<nvmlEventData_t>> {
    let mut sets = sets();
    let set = sets
        .get_mut(&set.addr())
        .ok_or(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT)?;
    for (&device, seen) in set.iter_mut() {
        let device: nvmlDevice_t = std::ptr::without_provenance_mut(device);
        let card = any_card(state, device)?;
        let next = (*seen..state.xids.len()).find(|&i| state.xids[i].uuid == card.uuid);
        if let Some(next) = next {
            *seen = next + 1;
            return Ok(Some(nvmlEventData_t {
                device,
                eventType: XID,
                eventData: state.xids[next].xid,
                gpuInstanceId: u32::MAX,
                computeInstanceId: u32::MAX,
            }));
        }
        if is_gone(card) {
            return Err(nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST);
        }
    }
    Ok(None)
}

/// Ends a set.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlEventSetFree(set: nvmlEventSet_t) -> nvmlReturn_t {
    answer("nvmlEventSetFree", |_| {
        let freed = sets().remove(&set.addr());
        freed
            .map(drop)
            .ok_or(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT)
    })
}
