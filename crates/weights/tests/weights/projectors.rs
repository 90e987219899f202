//! What lets a language model see is told from its header.

use mystic_weights::{Kind, Projector};

use crate::sketch::{Entry, F16, Sketch, parse, tensor};

/// A projector for `SigLIP`'s 27 layers on 896 × 896 pixels, as Gemma 3's is.
fn siglip() -> Sketch {
    Sketch::of(vec![tensor("v.patch_embd.weight", F16, &[4, 8])])
        .with("general.architecture", Entry::Text("clip".into()))
        .with("clip.has_vision_encoder", Entry::Truth(true))
        .with("clip.projector_type", Entry::Text("gemma3".into()))
        .with("clip.vision.image_size", Entry::Number(896))
        .with("clip.vision.patch_size", Entry::Number(14))
        .with("clip.vision.embedding_length", Entry::Number(1152))
        .with("clip.vision.feed_forward_length", Entry::Number(4304))
}

fn changed(key: &str, value: Entry) -> Sketch {
    let mut sketch = siglip();
    sketch.entries.retain(|(there, _)| there != key);
    sketch.with(key, value)
}

fn found(sketch: &Sketch) -> Projector {
    let header = parse(&sketch.gguf(3).0).expect("a header");
    assert_eq!(header.kind(), Kind::Projector);
    header.projector().expect("a projector")
}

fn refusal(sketch: &Sketch) -> String {
    let header = parse(&sketch.gguf(3).0).expect("a header");
    header.projector().expect_err("refused").to_string()
}

#[test]
fn a_projector_says_what_reading_a_picture_takes() {
    let there = found(&siglip());
    assert_eq!((there.kind.as_str(), there.bytes), ("gemma3", 64));
    assert_eq!(there.buffer, 64 * 64 * (4 * 1152 + 4304) * 4);
    // One that reads any size gets the largest that the library makes room for.
    let any = found(&changed(
        "clip.projector_type",
        Entry::Text("qwen2vl_merger".into()),
    ));
    assert_eq!(any.buffer, 92 * 92 * (4 * 1152 + 4304) * 4);
    // Where it hears too each of the two has its kind.
    let mut both = siglip();
    both.entries.retain(|(key, _)| key != "clip.projector_type");
    let both = both.with("clip.vision.projector_type", Entry::Text("gemma3".into()));
    assert_eq!(found(&both), there);
}

#[test]
fn what_is_no_projector_for_pictures_says_so() {
    let said = refusal(&crate::sketch::language(1));
    assert_eq!(
        said,
        "metadata general.architecture is llama; allowed: clip: a projector, which llama.cpp calls an mmproj, in a GGUF file"
    );
    let missing = "metadata general.architecture is missing;";
    assert!(refusal(&Sketch::named(&["a"])).starts_with(missing));
    for truth in [Entry::Truth(false), Entry::Number(1)] {
        assert_eq!(
            refusal(&changed("clip.has_vision_encoder", truth)),
            "metadata clip.has_vision_encoder is missing or false; allowed: true"
        );
    }
    for (key, value, said) in [
        (
            "clip.projector_type",
            Entry::Number(1),
            "missing; allowed: a projector's type",
        ),
        (
            "clip.vision.patch_size",
            Entry::Number(0),
            "0; allowed: 1 to 16384",
        ),
        (
            "clip.vision.patch_size",
            Entry::Number(897),
            "897; allowed: 1 to 896, the picture's side",
        ),
        (
            "clip.vision.image_size",
            Entry::Large(u64::MAX),
            "18446744073709551615; allowed: 1 to 16384",
        ),
        (
            "clip.vision.embedding_length",
            Entry::Text("w".into()),
            "no number; allowed: 1 to 65536",
        ),
    ] {
        assert_eq!(
            refusal(&changed(key, value)),
            format!("metadata {key} is {said}")
        );
    }
}
