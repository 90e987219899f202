//! Every rung of the ladder through the real engine child. `make test-vulkan` shows what this prints.

mod child;

use child::{Child, instructions, model_file};
use mystic_domain::{ContextPlan, EngineKind, FailureKind, Plan};

const CONTEXT: u32 = 2048;

#[test]
fn every_rung_is_accepted_and_tags_as_the_first_does() {
    let file = model_file();
    let file = file.to_str().expect("the path is UTF-8");
    let mut wrong = Vec::new();
    println!("{:<20} {:<9} tags; buffers in MiB", "rung", "accepted");
    for plan in Plan::ladder(EngineKind::Llm) {
        let mut child = Child::start();
        let name = plan.as_str();
        if let Err((_, message)) = child.load_as(file, CONTEXT, plan.context()) {
            println!("{name:<20} refused   {message}");
            wrong.push(name);
            continue;
        }
        let tagged = child
            .tag("a red circle on a blue background", &instructions())
            .expect("tags");
        println!(
            "{name:<20} yes       {:?}; {:?}",
            tagged.names(),
            child.buffers
        );
        let names = tagged.names();
        let known = |word: &&str| names.iter().any(|tag| tag.contains(word));
        let lies = lies(&child.buffers, plan.context());
        if !["red", "circle", "blue"].iter().all(known) || !lies {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Whether the cache is as large as the plan's bits make it, and parts of it and of the weights lie beside the card as
/// the plan wants them. Without a card all is in system memory.
fn lies(buffers: &[(String, i64)], context: ContextPlan) -> bool {
    let sum = |part: &str, on_card: bool| -> i64 {
        let chosen = buffers
            .iter()
            .filter(|(module, _)| module.contains(part) && module.starts_with("CPU") != on_card);
        chosen.map(|(_, mib)| mib).sum()
    };
    // 2,048 tokens of the demo model: 45 MiB in 16 bits, 23.9 MiB in 8 with their scales.
    let cache = sum("KV", true) + sum("KV", false);
    let quantised = (24..=25).contains(&cache);
    let card = cfg!(any(feature = "cuda", feature = "vulkan"));
    match context {
        ContextPlan::Default => cache == 45 && (sum("KV", true) == 45) == card,
        ContextPlan::HalfOffloaded if card => {
            quantised && sum("KV", true) <= 12 && sum("model", true) < sum("model", false)
        }
        _ => quantised && (sum("KV", false) == 0) == card,
    }
}

#[test]
fn a_diffusion_models_plan_is_refused_by_name() {
    let file = model_file();
    let file = file.to_str().expect("the path is UTF-8");
    let refused = Child::start().load_as(file, CONTEXT, ContextPlan::Streamed);
    let (kind, message) = refused.expect_err("refused");
    assert_eq!(kind, FailureKind::InvalidInput);
    assert!(message.contains("streamed"), "{message}");
}
