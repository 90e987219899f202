//! The service's pixels against the library called without it. One test a file: the library's callbacks are global,
//! so a process holds one model.

mod support;

use diffusion_rs::api::{ConfigBuilder, ModelConfigBuilder, SampleMethod, gen_img};
use mystic_domain::{ContextPlan, ImageFlags, Mib, Plan};
use support::{Child, demo_files, demo_params, threads};
use worker_sd::engine::{Placement, SdEngine, Settings};

#[test]
fn the_child_the_engine_in_process_and_gen_img_give_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let params = demo_params(42);
    let child = Child::with_demo_model().draw(&params, Plan::Full).pixels;

    let path = directory.path().join("pixels");
    let placement = Placement::of(ContextPlan::Default, Mib(0)).unwrap();
    let mut engine = SdEngine::open(
        &demo_files(),
        ImageFlags::default(),
        threads(),
        placement,
        |_| (),
    )
    .unwrap();
    let settings = Settings::new(&params, params.seed, Plan::Full, None, &[]).unwrap();
    engine.draw(&settings, &path).unwrap();
    drop(engine);
    assert_eq!(child, std::fs::read(&path).unwrap());

    let path = directory.path().join("gen_img.png");
    let files = demo_files();
    let mut model = ModelConfigBuilder::default()
        .model(std::path::PathBuf::from(files.model.unwrap()))
        .taesd(std::path::PathBuf::from(files.taesd.unwrap()))
        .n_threads(threads().cast_signed())
        .build()
        .unwrap();
    let config = ConfigBuilder::default()
        .prompt(params.prompt)
        .width(128)
        .height(128)
        .steps(8)
        .cfg_scale(params.cfg)
        .sampling_method(SampleMethod::EULER_SAMPLE_METHOD)
        .seed(params.seed)
        .output(path.clone())
        .build()
        .unwrap();
    gen_img(&config, &mut model).unwrap();
    let picture = image::open(&path).unwrap().into_rgb8();
    assert_eq!(child, picture.into_raw());
}
