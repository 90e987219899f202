//! What names and numbers tell: parts, families, language models.

use mystic_weights::Architecture::{
    Chroma, Flux, Flux2, QwenImage, Sd1, Sd2, Sd3, Sdxl, Svd, Wan, ZImage,
};
use mystic_weights::{Architecture, Header, Modules};

use crate::sketch::{Entry, F16, Sketch, language, parse, tensor};

fn header(sketch: &Sketch) -> Header {
    let (file, _) = sketch.safetensors();
    parse(&file).expect("a header")
}

fn modules(names: &[&str]) -> [u64; 4] {
    let Modules {
        diffusion,
        text_encoders,
        autoencoder,
        rest,
    } = header(&Sketch::named(names)).modules();
    // All tensors have the same size.
    [diffusion, text_encoders, autoencoder, rest].map(|bytes| bytes / 8)
}

#[test]
fn a_checkpoint_is_told_apart_by_its_prefixes() {
    assert_eq!(
        modules(&[
            "model.diffusion_model.input_blocks.0.0.weight",
            "model.diffusion_model.out.0.weight",
            "cond_stage_model.transformer.text_model.final_layer_norm.weight",
            "first_stage_model.decoder.conv_in.weight",
            "first_stage_model.encoder.conv_in.weight",
            "first_stage_model.quant_conv.weight",
            "model_ema.diffusion_modelinput_blocks00weight",
            "alphas_cumprod",
        ]),
        [2, 1, 3, 2]
    );
    assert_eq!(
        modules(&[
            "model.diffusion_model.label_emb.0.0.weight",
            "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight",
            "conditioner.embedders.1.model.ln_final.weight",
            "vae.decoder.conv_in.weight",
        ]),
        [1, 2, 1, 0]
    );
    assert_eq!(
        modules(&[
            "unet.conv_in.weight",
            "te.text_model.final_layer_norm.weight",
            "te.1.text_model.final_layer_norm.weight",
            "tae.decoder.layers.0.weight",
        ]),
        [1, 2, 1, 0]
    );
    assert_eq!(
        modules(&[
            "model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight",
            "text_encoders.clip_l.transformer.text_model.final_layer_norm.weight",
            "text_encoders.t5xxl.transformer.shared.weight",
        ]),
        [1, 2, 0, 0]
    );
}

#[test]
fn a_file_of_one_part_is_that_part_as_a_whole() {
    for diffusion in [
        [
            "double_blocks.0.img_attn.proj.weight",
            "final_layer.linear.weight",
        ],
        ["down_blocks.0.resnets.0.conv1.weight", "conv_in.weight"],
        ["transformer_blocks.0.attn.to_q.weight", "proj_out.weight"],
        [
            "transformer.single_transformer_blocks.0.norm.linear.weight",
            "transformer.proj_out.weight",
        ],
        ["blocks.0.cross_attn.norm_k.weight", "head.head.weight"],
        ["cap_embedder.0.weight", "layers.0.attention.qkv.weight"],
    ] {
        assert_eq!(modules(&diffusion), [2, 0, 0, 0], "{diffusion:?}");
    }
    for text in [
        [
            "text_model.embeddings.token_embedding.weight",
            "text_projection.weight",
        ],
        [
            "encoder.block.0.layer.0.SelfAttention.q.weight",
            "encoder.final_layer_norm.weight",
        ],
        ["enc.blk.0.attn_q.weight", "enc.output_norm.weight"],
        ["transformer.resblocks.0.ln_1.weight", "ln_final.weight"],
        ["model.layers.0.self_attn.q_proj.weight", "lm_head.weight"],
        ["token_embd.weight", "blk.0.attn_q.weight"],
    ] {
        assert_eq!(modules(&text), [0, 2, 0, 0], "{text:?}");
    }
    for autoencoder in [
        ["decoder.up.0.block.0.conv1.weight", "quant_conv.weight"],
        [
            "encoder.down_blocks.0.resnets.0.conv1.weight",
            "post_quant_conv.weight",
        ],
        ["decoder.upsamples.0.residual.0.gamma", "conv1.weight"],
        ["decoder.layers.0.weight", "decoder.layers.2.weight"],
    ] {
        assert_eq!(modules(&autoencoder), [0, 0, 2, 0], "{autoencoder:?}");
    }
    assert_eq!(modules(&["lora_unet_mid_block.alpha"]), [0, 0, 0, 1]);
}

#[test]
fn files_of_a_preset_add_up() {
    let one = header(&Sketch::named(&["double_blocks.0.img_mod.lin.weight"]));
    let two = header(&Sketch::named(&[
        "encoder.block.0.layer.0.DenseReluDense.wo.weight",
    ]));
    let three = header(&Sketch::named(&[
        "decoder.up.0.block.0.conv1.weight",
        "unheard.of",
    ]));
    let all: Modules = [&one, &two, &three].map(Header::modules).into_iter().sum();
    assert_eq!(
        all,
        Modules {
            diffusion: 8,
            text_encoders: 8,
            autoencoder: 16,
            rest: 0,
        }
    );
    assert_eq!(all.total(), 32);
}

#[test]
fn families_are_told_by_their_telltales() {
    let families: [(&str, &[u64], Option<Architecture>); 19] = [
        (
            "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
            &[320, 768],
            Some(Sd1),
        ),
        (
            "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
            &[320, 1024],
            Some(Sd2),
        ),
        (
            "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight",
            &[640, 2048],
            Some(Sdxl),
        ),
        (
            "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight",
            &[640, 2048],
            Some(Sdxl),
        ),
        (
            "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight",
            &[640, 1280],
            None,
        ),
        ("input_blocks.8.0.time_mixer.mix_factor", &[1], Some(Svd)),
        (
            "joint_blocks.0.context_block.attn.qkv.weight",
            &[8],
            Some(Sd3),
        ),
        ("pos_embed.proj.weight", &[8], Some(Sd3)),
        ("double_blocks.0.img_attn.qkv.weight", &[8], Some(Flux)),
        (
            "single_transformer_blocks.0.attn.to_q.weight",
            &[8],
            Some(Flux),
        ),
        ("double_stream_modulation_img.lin.weight", &[8], Some(Flux2)),
        (
            "distilled_guidance_layer.in_proj.weight",
            &[8],
            Some(Chroma),
        ),
        ("cap_embedder.0.weight", &[8], Some(ZImage)),
        (
            "transformer_blocks.0.img_mod.1.weight",
            &[8],
            Some(QwenImage),
        ),
        ("blocks.0.cross_attn.norm_k.weight", &[8], Some(Wan)),
        ("conv_in.weight", &[8], None),
        ("text_model.final_layer_norm.weight", &[768], None),
        ("decoder.up.0.block.0.conv1.weight", &[8], None),
        ("unheard.of", &[8], None),
    ];
    for (name, shape, family) in families {
        // Whole families come with the blocks of the one they build on.
        let mut tensors = vec![tensor(name, F16, shape)];
        if matches!(family, Some(Flux2 | Chroma)) {
            tensors.insert(0, tensor("double_blocks.0.img_attn.qkv.weight", F16, &[8]));
        }
        assert_eq!(
            header(&Sketch::of(tensors.clone())).architecture(),
            family,
            "{name}"
        );
        if family.is_some() {
            for tensor in &mut tensors {
                tensor.name.insert_str(0, "model.diffusion_model.");
            }
            let checkpoint = header(&Sketch::of(tensors));
            assert_eq!(checkpoint.architecture(), family, "{name} in a checkpoint");
        }
    }
}

fn model(sketch: &Sketch) -> Result<mystic_weights::LanguageModel, String> {
    let (file, _) = sketch.gguf(3);
    let header = parse(&file).expect("a header");
    header
        .language_model()
        .map_err(|problem| problem.to_string())
}

#[test]
fn a_language_model_says_layers_heads_and_context() {
    let said = model(&language(2)).expect("a language model");
    assert_eq!((said.layers, said.kv_heads, said.head_dim), (2, 3, 64));
    assert_eq!(said.context, 8192);
    assert_eq!(said.layer_bytes, [16, 16]);
    assert_eq!(said.outside_bytes, 68);

    let longer = language(2).with("llama.attention.key_length", Entry::Number(128));
    assert_eq!(model(&longer).expect("a language model").head_dim, 128);

    let mut every = language(2);
    every.entries.retain(|(key, _)| !key.ends_with("_kv"));
    assert_eq!(model(&every).expect("a language model").kv_heads, 9);
    let mixed = every.with("llama.attention.head_count_kv", Entry::Numbers(vec![0, 4]));
    assert_eq!(model(&mixed).expect("a language model").kv_heads, 4);
}

#[test]
fn a_recurrent_model_has_no_heads() {
    let mut sketch = language(2);
    sketch
        .entries
        .retain(|(key, _)| !key.contains("head_count"));
    let sketch = sketch.with("llama.attention.head_count", Entry::Number(0));
    let said = model(&sketch).expect("a language model");
    assert_eq!((said.layers, said.kv_heads, said.head_dim), (2, 0, 0));
}

#[test]
fn a_header_that_is_no_language_models_says_what_it_lacks() {
    let changed = |key: &str, value: Entry| {
        let mut sketch = language(2);
        sketch.entries.retain(|(there, _)| there != key);
        model(&sketch.with(key, value)).expect_err("refused")
    };
    let mut nameless = language(2);
    nameless.entries.remove(0);
    assert_eq!(
        model(&nameless),
        Err("metadata general.architecture is missing; allowed: the architecture's name, in a GGUF file".into())
    );
    assert_eq!(
        changed("split.count", Entry::Number(3)),
        "metadata split.count is 3; allowed: 1: a whole file"
    );
    assert_eq!(
        changed("llama.block_count", Entry::Number(1)),
        "metadata llama.block_count is 1; allowed: more than 1, as tensor blk.1.attn_q.weight says"
    );
    assert_eq!(
        changed("llama.block_count", Entry::Number(4_000_000_000)),
        "metadata llama.block_count is 4000000000; allowed: 1 to 1024"
    );
    assert_eq!(
        changed("llama.block_count", Entry::Byte(-1)),
        "metadata llama.block_count is 18446744073709551615; allowed: 1 to 1024"
    );
    assert_eq!(
        changed("llama.context_length", Entry::Text("long".into())),
        "metadata llama.context_length is no number; allowed: 1 to 4294967295"
    );
    assert_eq!(
        changed(
            "llama.attention.head_count_kv",
            Entry::Numbers(vec![1, 1 << 16])
        ),
        "metadata llama.attention.head_count_kv is 65536; allowed: 0 to 65535"
    );
    assert_eq!(
        changed("llama.embedding_length", Entry::Number(8)),
        "metadata llama.embedding_length is 8; allowed: 9 to 4294967295"
    );
}
