//! How language models are asked, from the configuration.

use mystic_engine::{EnhanceExample, EnhanceInstructions, TagExample, TagInstructions};
use mystic_process::config::{Prompts, Tagging};

/// How tags are asked for.
#[must_use]
pub fn tagging(tagging: &Tagging) -> TagInstructions {
    let examples = tagging.examples.iter().map(|example| TagExample {
        prompt: example.prompt.clone(),
        tags: example.tags.clone(),
    });
    TagInstructions {
        system: tagging.system_prompt.clone(),
        examples: examples.collect(),
        max_tags: u32::try_from(tagging.max_tags).unwrap_or(u32::MAX),
    }
}

/// How tags are asked for of a model that sees the picture.
#[must_use]
pub fn seeing(config: &Tagging) -> TagInstructions {
    TagInstructions {
        system: config.vision_system_prompt.clone(),
        ..tagging(config)
    }
}

/// How prompts are written out.
#[must_use]
pub fn enhancing(prompts: &Prompts) -> EnhanceInstructions {
    let examples = prompts.examples.iter().map(|example| EnhanceExample {
        prompt: example.prompt.clone(),
        enhanced: example.enhanced.clone(),
    });
    EnhanceInstructions {
        system: prompts.system_prompt.clone(),
        examples: examples.collect(),
        max_tokens: prompts.max_tokens,
    }
}
