//! Owners of what the native library allocates for a model that draws, and its callbacks. All unsafe code of the worker is
//! here and in `upscaler.rs`.

#![expect(
    unsafe_code,
    reason = "the native library is called here and in `upscaler.rs`, and nowhere else"
)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null_mut};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use diffusion_rs::api::{SampleMethod, Scheduler};
use diffusion_rs_sys as sys;
use mystic_domain::{FailureKind, ImageFiles, ImageFlags};
use mystic_engine::child::EngineError;

use super::observer::{Level, Observer};
use super::placement::Placement;
use super::settings::Settings;

/// A loaded model. The library frees it when this is dropped.
pub struct Context {
    // Fields drop in this order: freeing the model may still log.
    model: LoadedModel,
    callbacks: Callbacks,
}

impl Context {
    /// Opens the files and sets the model up; its weights are read when the first picture needs them.
    ///
    /// # Errors
    /// `ModelCorrupt` where the library refuses the files, `OutOfMemory` where it says that memory ran out,
    /// `InvalidInput` for a path with a NUL character, `Internal` while this process holds another model: the
    /// library's callbacks are global.
    pub fn load(
        files: &ImageFiles,
        flags: ImageFlags,
        threads: u32,
        placement: Placement,
        observer: Arc<Observer>,
    ) -> Result<Self, EngineError> {
        let callbacks = Callbacks::install(observer)?;
        let paths = Paths::new(files)?;
        let mut params = MaybeUninit::<sys::sd_ctx_params_t>::uninit();
        // SAFETY: the function writes every field through the pointer, which is valid for writes.
        let mut params = unsafe {
            sys::sd_ctx_params_init(params.as_mut_ptr());
            params.assume_init()
        };
        params.model_path = paths.model.as_ptr();
        params.diffusion_model_path = paths.diffusion_model.as_ptr();
        params.vae_path = paths.vae.as_ptr();
        params.taesd_path = paths.taesd.as_ptr();
        params.clip_l_path = paths.clip_l.as_ptr();
        params.clip_g_path = paths.clip_g.as_ptr();
        params.t5xxl_path = paths.t5xxl.as_ptr();
        params.llm_path = paths.llm.as_ptr();
        params.n_threads = c_int::try_from(threads).unwrap_or(c_int::MAX);
        // The memory formulae of GPUs assume it; on a CPU it is the slower way.
        let on_a_card = cfg!(any(feature = "cuda", feature = "vulkan"));
        params.diffusion_flash_attn = flags.flash_attention.unwrap_or(on_a_card);
        params.diffusion_conv_direct = flags.diffusion_conv_direct;
        params.vae_conv_direct = flags.vae_conv_direct;
        params.enable_mmap = flags.mmap;
        params.backend = placement.backend.as_ptr();
        params.params_backend = placement.params_backend.as_ptr();
        params.max_vram = placement.max_vram.0;
        params.stream_layers = placement.stream_layers;
        // SAFETY: `params` and the strings that it points to outlive the call, which copies what it keeps.
        let model = unsafe { sys::new_sd_ctx(&raw const params) };
        let model = NonNull::new(model)
            .ok_or_else(|| callbacks.observer.failure(FailureKind::ModelCorrupt))?;
        Ok(Self {
            model: LoadedModel(model),
            callbacks,
        })
    }

    /// Whether the model makes pictures; the library has video models too.
    #[must_use]
    pub fn draws_images(&self) -> bool {
        // SAFETY: the model is loaded for as long as `self.model` lives.
        unsafe { sys::sd_ctx_supports_image_generation(self.model.0.as_ptr()) }
    }

    /// Draws one picture; `None` where the library gives none, its log lines say why.
    pub fn draw(&mut self, settings: &Settings) -> Option<Picture> {
        let mut params = MaybeUninit::<sys::sd_img_gen_params_t>::uninit();
        // SAFETY: the function writes every field through the pointer, which is valid for writes.
        let mut params = unsafe {
            sys::sd_img_gen_params_init(params.as_mut_ptr());
            params.assume_init()
        };
        params.prompt = settings.prompt.as_ptr();
        params.negative_prompt = settings.negative_prompt.as_ptr();
        params.width = settings.width;
        params.height = settings.height;
        params.seed = settings.seed;
        params.sample_params.sample_steps = settings.steps;
        params.sample_params.guidance.txt_cfg = settings.cfg;
        params.sample_params.sample_method = settings.sampler;
        params.sample_params.scheduler = settings.scheduler;
        if let Some(tile) = settings.tile {
            params.vae_tiling_params.enabled = true;
            params.vae_tiling_params.rel_size_x = tile.width;
            params.vae_tiling_params.rel_size_y = tile.height;
        }
        params.strength = settings.strength;
        let (width, height) = (params.width.cast_unsigned(), params.height.cast_unsigned());
        // The library reads these pixels and never writes them; `Settings` saw that there are as many as it is told.
        let image = |pixels: &[u8], channel| sys::sd_image_t {
            width,
            height,
            channel,
            data: pixels.as_ptr().cast_mut(),
        };
        if let Some(start) = &settings.start {
            params.init_image = image(&start.rgb, 3);
            if let Some(mask) = &start.mask {
                params.mask_image = image(mask, 1);
            }
        }
        let loras: Vec<sys::sd_lora_t> = settings
            .loras
            .iter()
            .map(|(path, weight)| sys::sd_lora_t {
                is_high_noise: false,
                multiplier: *weight,
                path: path.as_ptr(),
            })
            .collect();
        params.loras = loras.as_ptr();
        params.lora_count = u32::try_from(loras.len()).unwrap_or_default();
        if let Some(second) = settings.hires {
            params.hires.enabled = true;
            params.hires.upscaler = second.upscaler;
            params.hires.target_width = second.width;
            params.hires.target_height = second.height;
            params.hires.steps = second.steps;
            params.hires.denoising_strength = second.strength;
        }
        self.callbacks.arm_previews();
        // SAFETY: the model is loaded and `&mut self` keeps other calls out; `params` and the strings, pixels and list
        // that it points to outlive the call.
        let images = unsafe { sys::generate_image(self.model.0.as_ptr(), &raw const params) };
        NonNull::new(images).and_then(Picture::own)
    }

    /// The name of the sampler that these settings are drawn with, also where they leave it to the model.
    #[must_use]
    pub fn sampler_of(&self, settings: &Settings) -> String {
        let sampler = self.resolved_sampler(settings);
        // SAFETY: the function takes any value, and returns a string that lives as long as the program.
        unsafe { CStr::from_ptr(sys::sd_sample_method_name(sampler)) }
            .to_string_lossy()
            .into_owned()
    }

    /// The name of the noise schedule that these settings are drawn with, also where they leave it to the model.
    #[must_use]
    pub fn scheduler_of(&self, settings: &Settings) -> String {
        let mut scheduler = settings.scheduler;
        if scheduler == Scheduler::SCHEDULER_COUNT {
            let sampler = self.resolved_sampler(settings);
            // SAFETY: the model is loaded for as long as `self.model` lives.
            scheduler = unsafe { sys::sd_get_default_scheduler(self.model.0.as_ptr(), sampler) };
        }
        // SAFETY: the function takes any value, and returns a string that lives as long as the program.
        unsafe { CStr::from_ptr(sys::sd_scheduler_name(scheduler)) }
            .to_string_lossy()
            .into_owned()
    }

    fn resolved_sampler(&self, settings: &Settings) -> SampleMethod {
        if settings.sampler != SampleMethod::SAMPLE_METHOD_COUNT {
            return settings.sampler;
        }
        // SAFETY: the model is loaded for as long as `self.model` lives.
        unsafe { sys::sd_get_default_sample_method(self.model.0.as_ptr()) }
    }
}

/// Owns the native model.
struct LoadedModel(NonNull<sys::sd_ctx_t>);

impl Drop for LoadedModel {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `new_sd_ctx` and is freed here only.
        unsafe { sys::free_sd_ctx(self.0.as_ptr()) }
    }
}

/// A picture's pixels, in the library's memory. Freed when this is dropped.
pub struct Picture(NonNull<sys::sd_image_t>);

impl Picture {
    /// Takes over what `generate_image` returned for one picture.
    fn own(images: NonNull<sys::sd_image_t>) -> Option<Self> {
        let picture = Self(images);
        let image = picture.image();
        (!image.data.is_null() && image.channel == 3).then_some(picture)
    }

    fn image(&self) -> &sys::sd_image_t {
        // SAFETY: the array holds one image for as long as `self` lives.
        unsafe { self.0.as_ref() }
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.image().width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.image().height
    }

    /// RGB, 8 bits each, row by row.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        let image = self.image();
        let bytes = image.width as usize * image.height as usize * 3;
        // SAFETY: the library allocated width × height × channel bytes; `own` saw that there are 3 channels.
        unsafe { slice::from_raw_parts(image.data, bytes) }
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the array of one image came from `generate_image` and is freed here only.
        unsafe { sys::free_sd_images(self.0.as_ptr(), 1) }
    }
}

/// The sampler of this name in the library.
#[must_use]
pub fn sampler(name: &str) -> Option<SampleMethod> {
    let name = CString::new(name).ok()?;
    // SAFETY: the function compares the string with its own and keeps nothing.
    let method = unsafe { sys::str_to_sample_method(name.as_ptr()) };
    (method != SampleMethod::SAMPLE_METHOD_COUNT).then_some(method)
}

/// The noise schedule of this name in the library.
#[must_use]
pub fn scheduler(name: &str) -> Option<Scheduler> {
    let name = CString::new(name).ok()?;
    // SAFETY: the function compares the string with its own and keeps nothing.
    let scheduler = unsafe { sys::str_to_scheduler(name.as_ptr()) };
    (scheduler != Scheduler::SCHEDULER_COUNT).then_some(scheduler)
}

/// How a second pass enlarges latents.
pub(super) type HiresUpscaler = sys::sd_hires_upscaler_t;

/// The way of enlarging latents of this name in the library.
pub(super) fn hires_upscaler(name: &str) -> Option<HiresUpscaler> {
    let name = CString::new(name).ok()?;
    // SAFETY: the function compares the string with its own and keeps nothing.
    let upscaler = unsafe { sys::str_to_sd_hires_upscaler(name.as_ptr()) };
    (upscaler != HiresUpscaler::SD_HIRES_UPSCALER_COUNT).then_some(upscaler)
}

/// Whether a model of this process has the library's global callbacks.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// The library's global callbacks, pointed at one observer until this is dropped.
pub(super) struct Callbacks {
    pub(super) observer: Arc<Observer>,
}

impl Callbacks {
    pub(super) fn install(observer: Arc<Observer>) -> Result<Self, EngineError> {
        if INSTALLED.swap(true, Ordering::AcqRel) {
            return Err(EngineError::new(
                FailureKind::Internal,
                "this process holds a model already",
            ));
        }
        let callbacks = Self { observer };
        let data = Arc::as_ptr(&callbacks.observer).cast_mut().cast();
        // SAFETY: `data` stays valid until `drop` takes the callbacks back, and the library calls them only inside
        // calls on the one model that is dropped before them.
        unsafe {
            sys::sd_set_log_callback(Some(on_log), data);
            sys::sd_set_progress_callback(Some(on_progress), data);
        }
        Ok(callbacks)
    }

    /// Has the library project the latents after each step of the next picture, or not.
    fn arm_previews(&self) {
        let wanted = self.observer.wants_previews();
        let callback: sys::sd_preview_cb_t = if wanted { Some(on_preview) } else { None };
        let data = Arc::as_ptr(&self.observer).cast_mut().cast();
        let mode = sys::preview_t::PREVIEW_PROJ;
        // SAFETY: as in `install`.
        unsafe { sys::sd_set_preview_callback(callback, mode, 1, true, false, data) }
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        // SAFETY: no native call is under way, since the model is gone.
        unsafe {
            sys::sd_set_log_callback(None, null_mut());
            sys::sd_set_progress_callback(None, null_mut());
            let none = sys::preview_t::PREVIEW_NONE;
            sys::sd_set_preview_callback(None, none, 1, true, false, null_mut());
        }
        INSTALLED.store(false, Ordering::Release);
    }
}

unsafe extern "C" fn on_log(level: sys::sd_log_level_t, text: *const c_char, data: *mut c_void) {
    // SAFETY: `Callbacks` installed this with a live observer, and the library passes a string that ends with NUL.
    let (observer, text) = unsafe { (&*data.cast::<Observer>(), CStr::from_ptr(text)) };
    let level = match level {
        sys::sd_log_level_t::SD_LOG_DEBUG => Level::Debug,
        sys::sd_log_level_t::SD_LOG_INFO => Level::Info,
        sys::sd_log_level_t::SD_LOG_WARN => Level::Warn,
        _ => Level::Error,
    };
    observer.log(level, &text.to_string_lossy());
}

unsafe extern "C" fn on_progress(step: c_int, of: c_int, _seconds: f32, data: *mut c_void) {
    // SAFETY: `Callbacks` installed this with a live observer.
    let observer = unsafe { &*data.cast::<Observer>() };
    observer.progress(
        u32::try_from(step).unwrap_or(0),
        u32::try_from(of).unwrap_or(0),
    );
}

unsafe extern "C" fn on_preview(
    _step: c_int,
    frames: c_int,
    images: *mut sys::sd_image_t,
    _noisy: bool,
    data: *mut c_void,
) {
    if frames < 1 || images.is_null() {
        return;
    }
    // SAFETY: `Callbacks` installed this with a live observer, and the library passes that many images.
    let (observer, image) = unsafe { (&*data.cast::<Observer>(), &*images) };
    if image.data.is_null() || image.channel != 3 {
        return;
    }
    let bytes = image.width as usize * image.height as usize * 3;
    // SAFETY: the library allocated width × height × channel bytes, and frees them after this call.
    let rgb = unsafe { slice::from_raw_parts(image.data, bytes) };
    observer.preview(image.width, image.height, rgb);
}

/// A model's paths as the library takes them: an absent one is empty.
struct Paths {
    model: CString,
    diffusion_model: CString,
    vae: CString,
    taesd: CString,
    clip_l: CString,
    clip_g: CString,
    t5xxl: CString,
    llm: CString,
}

impl Paths {
    fn new(files: &ImageFiles) -> Result<Self, EngineError> {
        let path = |path: Option<&str>| {
            let path = CString::new(path.unwrap_or_default());
            path.map_err(|error| EngineError::new(FailureKind::InvalidInput, error.to_string()))
        };
        Ok(Self {
            model: path(files.model.as_deref())?,
            diffusion_model: path(files.diffusion_model.as_deref())?,
            vae: path(files.vae.as_deref())?,
            taesd: path(files.taesd.as_deref())?,
            clip_l: path(files.clip_l.as_deref())?,
            clip_g: path(files.clip_g.as_deref())?,
            t5xxl: path(files.t5xxl.as_deref())?,
            llm: path(files.llm.as_deref())?,
        })
    }
}
