//! Start, end and what is asked of the machine as a whole.

use std::ffi::{CStr, c_char, c_uint};

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlReturn_enum_NVML_ERROR_DRIVER_NOT_LOADED,
    nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST, nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT,
    nvmlReturn_enum_NVML_ERROR_NOT_FOUND, nvmlReturn_enum_NVML_SUCCESS, nvmlReturn_t,
};

use crate::call::{answer, card, handle, note_resets, put, put_text};
use crate::state::State;

/// Starts NVML.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> nvmlReturn_t {
    answer("nvmlInit_v2", started)
}

/// Starts NVML; the flags change nothing here.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlInitWithFlags(_flags: c_uint) -> nvmlReturn_t {
    answer("nvmlInitWithFlags", started)
}

fn started(state: &State) -> Result<(), nvmlReturn_t> {
    if state.driver_loaded {
        note_resets(state);
        Ok(())
    } else {
        Err(nvmlReturn_enum_NVML_ERROR_DRIVER_NOT_LOADED)
    }
}

/// Ends NVML.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> nvmlReturn_t {
    nvmlReturn_enum_NVML_SUCCESS
}

/// A return code in words.
#[expect(
    non_upper_case_globals,
    reason = "the constants are named by NVML's header"
)]
#[unsafe(no_mangle)]
pub extern "C" fn nvmlErrorString(result: nvmlReturn_t) -> *const c_char {
    let words: &'static CStr = match result {
        nvmlReturn_enum_NVML_SUCCESS => c"Success",
        nvmlReturn_enum_NVML_ERROR_DRIVER_NOT_LOADED => c"Driver Not Loaded",
        nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST => c"GPU is lost",
        _ => c"Unknown Error",
    };
    words.as_ptr()
}

/// The driver's version.
///
/// # Safety
/// `version` is null or writable for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlSystemGetDriverVersion(
    version: *mut c_char,
    length: c_uint,
) -> nvmlReturn_t {
    answer("nvmlSystemGetDriverVersion", |state| {
        // SAFETY: this function's contract.
        unsafe { put_text(version, length, &state.driver_version) }
    })
}

/// How many cards there are, lost ones included.
///
/// # Safety
/// `count` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetCount_v2(count: *mut c_uint) -> nvmlReturn_t {
    answer("nvmlDeviceGetCount_v2", |state| {
        let cards = c_uint::try_from(state.cards.len());
        // SAFETY: this function's contract.
        unsafe { put(count, cards.unwrap_or(c_uint::MAX)) }
    })
}

/// The handle of a card by its place.
///
/// # Safety
/// `device` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(
    index: c_uint,
    device: *mut nvmlDevice_t,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetHandleByIndex_v2", |state| {
        let found = handle(index as usize);
        card(state, found)?;
        // SAFETY: this function's contract.
        unsafe { put(device, found) }
    })
}

/// The handle of a card by its UUID.
///
/// # Safety
/// `uuid` is null or a text that ends with NUL, `device` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetHandleByUUID(
    uuid: *const c_char,
    device: *mut nvmlDevice_t,
) -> nvmlReturn_t {
    answer("nvmlDeviceGetHandleByUUID", |state| {
        if uuid.is_null() {
            return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
        }
        // SAFETY: not null, and ends with NUL by this function's contract.
        let wanted = unsafe { CStr::from_ptr(uuid) }.to_bytes();
        let place = state
            .cards
            .iter()
            .position(|card| card.uuid.as_bytes() == wanted)
            .ok_or(nvmlReturn_enum_NVML_ERROR_NOT_FOUND)?;
        card(state, handle(place))?;
        // SAFETY: this function's contract.
        unsafe { put(device, handle(place)) }
    })
}
