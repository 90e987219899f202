//! Models as large as a test wants: whole files for whoever reads their headers, and holes on the disk.

use std::fmt::Write;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use tempfile::TempDir;

/// Bytes of a half-precision number.
const F16: u64 = 2;

/// A models directory of image models that draw 128 × 128 in next to no memory, and of one that tags.
pub struct Models(TempDir);

impl Models {
    /// Of these names and sizes in MiB.
    pub fn new(painters: &[(&str, u64)], tagger_mib: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut catalogue = String::new();
        for (name, mib) in painters {
            painter(&folder.path().join(format!("{name}.safetensors")), *mib);
            write!(
                catalogue,
                "[[preset]]\nname = \"{name}\"\ntitle = \"{name}\"\nengine = \"sd\"\n\
                 files = {{ model = \"{name}.safetensors\" }}\n\
                 defaults = {{ width = 128, height = 128, steps = 1, cfg = 1.0 }}\n\
                 limits = {{ multiple = 8, min_side = 128, max_side = 128, max_steps = 50, max_batch = 64 }}\n\
                 memory = {{ decode_bytes_per_pixel = 1 }}\n"
            )
            .expect("written");
        }
        tagger(&folder.path().join("tagger.gguf"), tagger_mib);
        catalogue.push_str(
            "[[preset]]\nname = \"demo-tagger\"\ntitle = \"Tagger\"\nengine = \"llm\"\nfile = \"tagger.gguf\"\n\
             context = 2048\nlayers = 1\nkv_heads = 1\nhead_dim = 80\n",
        );
        std::fs::write(folder.path().join("presets.toml"), catalogue).expect("written");
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A diffusion network and nothing beside it, so that no plan takes less memory.
pub fn painter(path: &Path, mib: u64) {
    let bytes = mib << 20;
    let header = serde_json::json!({ "model.diffusion_model.out.2.weight": {
        "dtype": "F16", "shape": [bytes / F16], "data_offsets": [0, bytes],
    } });
    let header = header.to_string();
    let length = header.len() as u64;
    let start = [&length.to_le_bytes(), header.as_bytes()].concat();
    with_hole(path, &start, bytes);
}

/// A language model whose heads are no multiple of 32, so that it is loaded in one way only.
fn tagger(path: &Path, mib: u64) {
    let bytes = mib << 20;
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let number = |key: &str, value: u32| {
        let kind = 4_u32;
        [
            text(key),
            kind.to_le_bytes().into(),
            value.to_le_bytes().into(),
        ]
        .concat()
    };
    let (one, string, f16) = (1_u64, 8_u32, 1_u32);
    let mut start = [
        b"GGUF".to_vec(),
        3_u32.to_le_bytes().into(),
        one.to_le_bytes().into(),
        6_u64.to_le_bytes().into(),
        text("general.architecture"),
        string.to_le_bytes().into(),
        text("llama"),
        number("llama.block_count", 1),
        number("llama.context_length", 2048),
        number("llama.attention.head_count", 1),
        number("llama.attention.head_count_kv", 1),
        number("llama.attention.key_length", 80),
        text("output.weight"),
        1_u32.to_le_bytes().into(),
        (bytes / F16).to_le_bytes().into(),
        f16.to_le_bytes().into(),
        0_u64.to_le_bytes().into(),
    ]
    .concat();
    start.resize(start.len().next_multiple_of(32), 0);
    with_hole(path, &start, bytes);
}

fn with_hole(path: &Path, start: &[u8], bytes: u64) {
    let mut file = File::create(path).expect("made");
    file.write_all(start).expect("written");
    file.set_len(start.len() as u64 + bytes).expect("as long");
}
