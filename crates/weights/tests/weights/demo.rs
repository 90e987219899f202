//! The files that the demo runs on.

use std::path::PathBuf;

use mystic_weights::{Architecture, Format, Header, Modules, read};

fn demo(name: &str) -> (Header, u64) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../models")
        .join(name);
    let length = std::fs::metadata(&path).expect("make demo brings it").len();
    (read(&path).expect("a header"), length)
}

#[test]
fn the_demo_painter_is_told_by_its_parts() {
    let (header, length) = demo("demo/demo-painter-q8_0.gguf");
    assert_eq!(header.format, Format::Gguf(3));
    assert_eq!(header.tensors.len(), 227);
    assert_eq!(header.tensor_bytes() + header.other_bytes, length);
    assert_eq!(header.architecture(), Some(Architecture::ZImage));
    let embedder = &header.tensors[2];
    assert_eq!(embedder.name, "model.diffusion_model.x_embedder.weight");
    assert_eq!((embedder.dtype.name, embedder.bytes), ("F16", 32_768));
    assert_eq!(embedder.shape, [256, 64]);
    let modules = header.modules();
    assert_eq!(modules.total(), header.tensor_bytes());
    assert_eq!(
        modules,
        Modules {
            diffusion: 7_288_704,
            text_encoders: 5_165_952,
            autoencoder: 4_925_772,
            rest: 0,
        }
    );
    let no_language = header.language_model().expect_err("it paints");
    assert_eq!(
        no_language.to_string(),
        "metadata z_image.block_count is missing; allowed: 1 to 1024"
    );
}

#[test]
fn the_demo_tagger_says_what_its_preset_says() {
    let (header, length) = demo("demo-tagger/smollm2-135m-instruct-q4_1.gguf");
    assert_eq!(header.tensors.len(), 272);
    assert_eq!(header.tensor_bytes() + header.other_bytes, length);
    assert_eq!(header.architecture(), None);
    let model = header.language_model().expect("a language model");
    assert_eq!(model.architecture, "llama");
    assert_eq!((model.layers, model.kv_heads, model.head_dim), (30, 3, 64));
    assert_eq!(model.context, 8192);
    assert_eq!(model.layer_bytes.len(), 30);
    let layers: u64 = model.layer_bytes.iter().sum();
    assert_eq!(layers + model.outside_bytes, header.tensor_bytes());
    // The token embedding, 49,152 × 576 in Q8_0, and the output's norm.
    assert_eq!(model.outside_bytes, 49_152 * 576 / 32 * 34 + 576 * 4);
}
