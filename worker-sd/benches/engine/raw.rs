//! The bare library: one context, no callbacks, no files.

use std::ffi::CString;
use std::mem::MaybeUninit;

use diffusion_rs_sys as sys;
use mystic_domain::GenerateParams;

use crate::support::{demo_files, threads};

/// A context with the demo model.
pub struct Context(*mut sys::sd_ctx_t);

impl Context {
    /// Loads the demo model.
    pub fn load() -> Self {
        let path = CString::new(demo_files().model.expect("a model")).expect("no NUL");
        let mut params = MaybeUninit::uninit();
        // SAFETY: the initialiser writes every field; the path outlives the call.
        let context = unsafe {
            sys::sd_ctx_params_init(params.as_mut_ptr());
            let mut params = params.assume_init();
            params.model_path = path.as_ptr();
            params.taesd_path = path.as_ptr();
            params.n_threads = i32::try_from(threads()).expect("few threads");
            sys::new_sd_ctx(&raw const params)
        };
        assert!(!context.is_null(), "the demo model loads");
        Self(context)
    }

    /// Draws one picture and copies its pixels.
    pub fn draw(&mut self, wanted: &GenerateParams) -> Vec<u8> {
        let prompt = CString::new(wanted.prompt.as_str()).expect("no NUL");
        let mut params = MaybeUninit::uninit();
        // SAFETY: the initialiser writes every field, the prompt outlives the call, and the one image that comes back
        // has width × height × 3 bytes and is freed once.
        unsafe {
            sys::sd_img_gen_params_init(params.as_mut_ptr());
            let mut params = params.assume_init();
            params.prompt = prompt.as_ptr();
            params.width = wanted.width.cast_signed();
            params.height = wanted.height.cast_signed();
            params.seed = wanted.seed;
            params.sample_params.sample_steps = wanted.steps.cast_signed();
            params.sample_params.guidance.txt_cfg = wanted.cfg;
            params.sample_params.sample_method = sys::sample_method_t::EULER_SAMPLE_METHOD;
            let image = sys::generate_image(self.0, &raw const params);
            assert!(!image.is_null(), "a picture");
            let bytes = (*image).width as usize * (*image).height as usize * 3;
            let pixels = std::slice::from_raw_parts((*image).data, bytes).to_vec();
            sys::free_sd_images(image, 1);
            pixels
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it came from `new_sd_ctx` and is freed once.
        unsafe { sys::free_sd_ctx(self.0) }
    }
}
