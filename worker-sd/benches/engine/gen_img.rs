//! The high-level library as it comes.

use std::path::PathBuf;

use diffusion_rs::api::{ConfigBuilder, ModelConfig, ModelConfigBuilder, SampleMethod, gen_img};
use mystic_domain::GenerateParams;

use crate::support::{demo_files, threads};

/// `gen_img` with the demo model.
pub struct GenImg {
    model: ModelConfig,
    directory: tempfile::TempDir,
}

impl GenImg {
    /// Settings of the demo model.
    pub fn new() -> Self {
        let files = demo_files();
        let model = ModelConfigBuilder::default()
            .model(PathBuf::from(files.model.expect("a model")))
            .taesd(PathBuf::from(files.taesd.expect("an autoencoder")))
            .n_threads(i32::try_from(threads()).expect("few threads"))
            .build()
            .expect("a complete configuration");
        Self {
            model,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// Draws one picture to a PNG file.
    pub fn draw(&mut self, params: &GenerateParams) {
        let config = ConfigBuilder::default()
            .prompt(params.prompt.as_str())
            .width(params.width.cast_signed())
            .height(params.height.cast_signed())
            .steps(params.steps.cast_signed())
            .cfg_scale(params.cfg)
            .sampling_method(SampleMethod::EULER_SAMPLE_METHOD)
            .seed(params.seed)
            .output(self.path())
            .build()
            .expect("a complete configuration");
        gen_img(&config, &mut self.model).expect("a picture");
    }

    /// The last picture's pixels.
    pub fn pixels(&self) -> Vec<u8> {
        let picture = image::open(self.path()).expect("a PNG file");
        picture.into_rgb8().into_raw()
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("picture.png")
    }
}
