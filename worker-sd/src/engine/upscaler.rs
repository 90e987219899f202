//! Owners of what the native library allocates for a network that enlarges.

#![expect(
    unsafe_code,
    reason = "the native library is called here and in `context.rs`, and nowhere else"
)]

use std::ffi::{CString, c_int};
use std::ptr::{NonNull, null};
use std::slice;
use std::sync::Arc;

use diffusion_rs_sys as sys;
use mystic_domain::{FailureKind, UpscaleModel};
use mystic_engine::child::EngineError;

use super::context::Callbacks;
use super::observer::Observer;

/// A loaded network. The library frees it when this is dropped.
pub struct Upscaler {
    // Fields drop in this order: freeing the network may still log.
    network: Network,
    _callbacks: Callbacks,
}

impl Upscaler {
    /// Opens the file; its weights are read when the first picture needs them.
    ///
    /// # Errors
    /// `ModelCorrupt` where the library refuses the file, `OutOfMemory` where it says that memory ran out, `InvalidInput`
    /// for a path with a NUL character, `Internal` while this process holds another model.
    pub fn load(
        model: &UpscaleModel,
        threads: u32,
        observer: Arc<Observer>,
    ) -> Result<Self, EngineError> {
        let callbacks = Callbacks::install(observer)?;
        let path = CString::new(model.file.as_str())
            .map_err(|error| EngineError::new(FailureKind::InvalidInput, error.to_string()))?;
        let count = |number: u32| c_int::try_from(number).unwrap_or(c_int::MAX);
        // SAFETY: the path outlives the call, which copies it; no backends are named.
        let network = unsafe {
            sys::new_upscaler_ctx(
                path.as_ptr(),
                false,
                count(threads),
                count(model.tile),
                null(),
                null(),
            )
        };
        let network = NonNull::new(network)
            .ok_or_else(|| callbacks.observer.failure(FailureKind::ModelCorrupt))?;
        Ok(Self {
            network: Network(network),
            _callbacks: callbacks,
        })
    }

    /// How much larger it makes each side.
    #[must_use]
    pub fn scale(&self) -> u32 {
        // SAFETY: the network is loaded for as long as `self.network` lives.
        let scale = unsafe { sys::get_upscale_factor(self.network.0.as_ptr()) };
        u32::try_from(scale).unwrap_or(0)
    }

    /// Enlarges a picture; `None` where there are not as many pixels as that size has, or the library gives none and its
    /// log lines say why.
    pub fn enlarge(&mut self, rgb: &[u8], width: u32, height: u32) -> Option<Enlarged> {
        if rgb.len() as u64 != 3 * u64::from(width) * u64::from(height) {
            return None;
        }
        let source = sys::sd_image_t {
            width,
            height,
            channel: 3,
            data: rgb.as_ptr().cast_mut(),
        };
        let scale = self.scale();
        // SAFETY: the network is loaded and `&mut self` keeps other calls out; the library reads the pixels, of which
        // there are as many as it is told, and never writes them.
        let picture = unsafe { sys::upscale(self.network.0.as_ptr(), source, scale) };
        Enlarged::own(picture)
    }
}

/// Owns the native network.
struct Network(NonNull<sys::upscaler_ctx_t>);

impl Drop for Network {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `new_upscaler_ctx` and is freed here only.
        unsafe { sys::free_upscaler_ctx(self.0.as_ptr()) }
    }
}

/// An enlarged picture's pixels, in the library's memory. Freed when this is dropped.
pub struct Enlarged {
    width: u32,
    height: u32,
    pixels: NonNull<u8>,
}

impl Enlarged {
    /// Takes over what `upscale` returned.
    fn own(image: sys::sd_image_t) -> Option<Self> {
        let picture = Self {
            width: image.width,
            height: image.height,
            pixels: NonNull::new(image.data)?,
        };
        (image.channel == 3).then_some(picture)
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// RGB, 8 bits each, row by row.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        let bytes = self.width as usize * self.height as usize * 3;
        // SAFETY: the library allocated width × height × channel bytes; `own` saw that there are 3 channels.
        unsafe { slice::from_raw_parts(self.pixels.as_ptr(), bytes) }
    }
}

impl Drop for Enlarged {
    fn drop(&mut self) {
        // SAFETY: the library took the pixels from `malloc` and leaves them to its caller; they are freed here only.
        unsafe { libc::free(self.pixels.as_ptr().cast()) }
    }
}
