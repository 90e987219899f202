//! What every exported function does: find the state, hang if told to, answer with NVML's return codes.

use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr, c_char, c_uint, c_void};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST,
    nvmlReturn_enum_NVML_ERROR_INSUFFICIENT_SIZE, nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT,
    nvmlReturn_enum_NVML_ERROR_RESET_REQUIRED, nvmlReturn_enum_NVML_ERROR_UNKNOWN,
    nvmlReturn_enum_NVML_SUCCESS, nvmlReturn_t,
};

use crate::state::{Card, State};

/// A function's outcome; the error is an NVML return code.
pub(crate) type Outcome<T = ()> = Result<T, nvmlReturn_t>;

/// How often a waiting or hanging function looks at the state again.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// Answers a call of `symbol` from the present state, after it hung for as long as the state says.
pub(crate) fn answer(symbol: &str, body: impl FnOnce(&State) -> Outcome) -> nvmlReturn_t {
    let outcome = loop {
        match state() {
            Ok(state) if state.hang.iter().any(|hanging| hanging == symbol) => sleep(LOOK_AGAIN),
            Ok(state) => break body(&state),
            Err(code) => break Err(code),
        }
    };
    outcome.err().unwrap_or(nvmlReturn_enum_NVML_SUCCESS)
}

/// The present state.
pub(crate) fn state() -> Outcome<State> {
    let read = state_path().ok_or_else(|| std::io::Error::other("this library has no path"));
    read.and_then(|path| State::read(&path)).map_err(|error| {
        eprintln!("fake NVML: the state beside the library can't be read: {error}");
        nvmlReturn_enum_NVML_ERROR_UNKNOWN
    })
}

/// The state file of this copy of the library: its own path with the extension `json`.
fn state_path() -> Option<PathBuf> {
    let mut info = MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: the address is that of a function in this library, and `info` is writable for the call's length.
    let found = unsafe { libc::dladdr(state_path as *const c_void, info.as_mut_ptr()) };
    if found == 0 {
        return None;
    }
    // SAFETY: dladdr succeeded, so it filled `info`; the loader keeps the name for as long as the library is loaded.
    let name = unsafe { CStr::from_ptr(info.assume_init().dli_fname) };
    Some(Path::new(OsStr::from_bytes(name.to_bytes())).with_extension("json"))
}

/// The handle of the card at this place: the place plus one, so that no handle is null. Handles are never followed.
pub(crate) fn handle(place: usize) -> nvmlDevice_t {
    std::ptr::without_provenance_mut(place + 1)
}

/// The card behind a handle, lost or not.
pub(crate) fn any_card(state: &State, device: nvmlDevice_t) -> Outcome<&Card> {
    let place = device.addr().checked_sub(1);
    place
        .and_then(|place| state.cards.get(place))
        .ok_or(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT)
}

/// The card behind a handle, unless it is lost or has to be reset.
pub(crate) fn card(state: &State, device: nvmlDevice_t) -> Outcome<&Card> {
    match any_card(state, device)? {
        card if is_gone(card) => Err(nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST),
        card if card.reset_required => Err(nvmlReturn_enum_NVML_ERROR_RESET_REQUIRED),
        card => Ok(card),
    }
}

/// How often each card had been reset when the library was started, by UUID.
static RESETS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// Notes the cards as they are when the library is started.
pub(crate) fn note_resets(state: &State) {
    let resets = state
        .cards
        .iter()
        .map(|card| (card.uuid.clone(), card.resets));
    *RESETS.lock().unwrap_or_else(PoisonError::into_inner) = resets.collect();
}

/// Whether the card is lost, or was reset since the library was started.
pub(crate) fn is_gone(card: &Card) -> bool {
    let resets = RESETS.lock().unwrap_or_else(PoisonError::into_inner);
    card.lost || resets.get(&card.uuid) != Some(&card.resets)
}

/// Writes a result to where the caller wants it.
///
/// # Safety
/// `target` is null or writable for a `T`.
pub(crate) unsafe fn put<T>(target: *mut T, value: T) -> Outcome {
    if target.is_null() {
        return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
    }
    // SAFETY: not null, and writable by this function's contract.
    unsafe { target.write(value) };
    Ok(())
}

/// Writes a text with its final NUL into the caller's buffer.
///
/// # Safety
/// `target` is null or writable for `length` bytes.
pub(crate) unsafe fn put_text(target: *mut c_char, length: c_uint, text: &str) -> Outcome {
    if target.is_null() {
        return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
    }
    if text.len() >= length as usize {
        return Err(nvmlReturn_enum_NVML_ERROR_INSUFFICIENT_SIZE);
    }
    // SAFETY: the text and its NUL fit into the `length` bytes that are writable by this function's contract.
    unsafe {
        target.copy_from_nonoverlapping(text.as_ptr().cast(), text.len());
        target.add(text.len()).write(0);
    }
    Ok(())
}
