//! Every rung of the ladder through the real engine child. `make test-vulkan` shows what this prints.

mod support;

use mystic_domain::{ContextPlan, EngineKind, FailureKind, Plan};
use mystic_engine::Event;
use support::{Child, demo_files, demo_params};

/// Most that a rung's picture differs from the first one's, of 255: tiles by 6, and on a card what the processor rounds
/// another way.
const LARGEST: u8 = 8;

/// On a card the library cuts a network that is streamed, and draws another picture with it: no worker offers that rung.
/// Should it draw the same one day, this says so.
fn draws_another(plan: Plan) -> bool {
    plan == Plan::Streamed && cfg!(any(feature = "cuda", feature = "vulkan"))
}

#[test]
fn every_rung_is_accepted_and_draws_the_picture_of_the_first() {
    let params = demo_params(10);
    let mut first: Option<Vec<u8>> = None;
    let mut wrong = Vec::new();
    println!(
        "{:<20} {:<9} {:<14} weights",
        "rung", "accepted", "error to full"
    );
    for plan in Plan::ladder(EngineKind::Sd) {
        let mut child = Child::start();
        let name = plan.as_str();
        match child.load_as(demo_files(), plan.context()) {
            Event::Loaded { .. } => {}
            refused => {
                println!("{name:<20} refused   {refused:?}");
                wrong.push(name);
                continue;
            }
        }
        let pixels = child.draw(&params, *plan).pixels;
        let first = first.get_or_insert_with(|| pixels.clone());
        let pairs = first.iter().zip(&pixels);
        let error = pairs.map(|(a, b)| a.abs_diff(*b)).max().expect("pixels");
        let stderr = child.stderr();
        let (_, weights) = stderr.split_once("total params memory size").expect("said");
        let (_, weights) = weights.split_once("): ").expect("sums first");
        let weights = weights.lines().next().unwrap_or_default();
        println!("{name:<20} yes       {error:>3} of 255     {weights}");
        if (error > LARGEST) != draws_another(*plan) || !lies(weights, plan.context()) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Whether the library says that the weights lie where the plan wants them. Without a card all of them are in system
/// memory, whatever the plan.
fn lies(weights: &str, context: ContextPlan) -> bool {
    let on_card = if cfg!(any(feature = "cuda", feature = "vulkan")) {
        match context {
            ContextPlan::TextEncoderOnCpu => [false, true, true],
            ContextPlan::VaeOnCpu => [false, true, false],
            ContextPlan::Streamed => [false; 3],
            _ => [true; 3],
        }
    } else {
        [false; 3]
    };
    let modules = ["text_encoders", "diffusion_model", "vae"];
    modules.iter().zip(on_card).all(|(module, on_card)| {
        let said = weights.split(", ").find(|part| part.starts_with(module));
        said.is_some_and(|said| said.ends_with(if on_card { "(VRAM)" } else { "(RAM)" }))
    })
}

#[test]
fn a_language_models_plan_is_refused_by_name() {
    let refused = Child::start().load_as(demo_files(), ContextPlan::HalfOffloaded);
    let Event::Failed { kind, message } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(kind, FailureKind::InvalidInput);
    assert!(message.contains("half_offloaded"), "{message}");
}
