//! What lets a language model see, as its GGUF header describes it: a network that reads pictures, and one that says what it
//! read in the language model's terms. llama.cpp calls the file an mmproj and its architecture `clip`.

use crate::gguf::{PROJECTOR, SEEN, SEES, Value};
use crate::header::Header;
use crate::{Problem, limits};

/// What every projector's architecture is.
const ARCHITECTURE: &str = "clip";

/// Kinds that read pictures of one size, cut into patches; llama.cpp brings whatever it is given to that size.
const OF_ONE_SIZE: [&str; 6] = ["mlp", "ldp", "ldpv2", "gemma3", "idefics3", "internvl"];

/// Side in pixels of the largest square that llama.cpp makes room for when it loads one of the other kinds: 46 × 46 tokens, of
/// 2 × 2 patches of 14 pixels each (`set_warmup_n_tokens` in its `clip.cpp`).
const LARGEST_READ: u64 = 1288;

/// What a projector's memory depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projector {
    /// Its kind by llama.cpp's name, as `mlp`.
    pub kind: String,
    /// Bytes of its tensors.
    pub bytes: u64,
    /// Bytes of the buffer that it reads a picture in.
    pub buffer: u64,
}

impl Header {
    /// What lets a language model see.
    ///
    /// # Errors
    /// The file is no GGUF, or does not say what such a file's header says.
    pub fn projector(&self) -> Result<Projector, Problem> {
        let named = self.named_architecture().unwrap_or("missing");
        if named != ARCHITECTURE {
            let allowed = "clip: a projector, which llama.cpp calls an mmproj, in a GGUF file";
            return Err(Problem::metadata("general.architecture", &named, allowed));
        }
        // Some are for sounds alone.
        let key = format!("{ARCHITECTURE}{SEES}");
        if self.metadata.get(&key) != Some(&Value::Truth(true)) {
            return Err(Problem::metadata(key, &"missing or false", "true"));
        }
        let kinds = [PROJECTOR, ".vision.projector_type"].map(|end| format!("{ARCHITECTURE}{end}"));
        let kind = kinds.iter().find_map(|key| match self.metadata.get(key) {
            Some(Value::Text(kind)) if !kind.is_empty() => Some(kind.clone()),
            _ => None,
        });
        let Some(kind) = kind else {
            let [key, _] = kinds;
            return Err(Problem::metadata(key, &"missing", "a projector's type"));
        };
        let [side, patch, width, feed_forward] = self.sizes()?;
        let side = if OF_ONE_SIZE.contains(&kind.as_str()) {
            side
        } else {
            side.max(LARGEST_READ)
        };
        let patches = (side / patch).pow(2);
        Ok(Projector {
            kind,
            bytes: self.tensor_bytes(),
            buffer: buffer(patches, width, feed_forward),
        })
    }

    fn sizes(&self) -> Result<[u64; 4], Problem> {
        let mut sizes = [0; 4];
        for ((name, most), size) in SEEN.into_iter().zip(&mut sizes) {
            let key = format!("{ARCHITECTURE}.vision{name}");
            let found = match self.metadata.get(&key) {
                Some(Value::Number(number)) if (1..=most).contains(number) => {
                    *size = *number;
                    continue;
                }
                Some(Value::Number(number)) => number.to_string(),
                Some(_) => "no number".to_owned(),
                None => "missing".to_owned(),
            };
            return Err(Problem::metadata(key, &found, format!("1 to {most}")));
        }
        let [side, patch, ..] = sizes;
        if patch > side {
            let key = format!("{ARCHITECTURE}.vision{}", SEEN[1].0);
            let allowed = format!("1 to {side}, the picture's side");
            return Err(Problem::metadata(key, &patch, allowed));
        }
        Ok(sizes)
    }
}

/// Four sets of a patch's features (what goes in, queries, keys, values) and what it becomes between a layer's two halves, in
/// f32. The library attends with flash attention, so no table of patches by patches is made. Against networks of these sizes
/// with no weights to speak of, on a processor: 18 MiB of 18 for a ViT-L of 336 pixels, 122 of 139 for a `SigLIP` of 896.
fn buffer(patches: u64, width: u64, feed_forward: u64) -> u64 {
    patches * (4 * width + feed_forward) * 4
}

/// What the sizes are bounded by: their product is a number.
const _: () = assert!(
    limits::SIDE
        .pow(2)
        .checked_mul(20 * limits::FEATURES)
        .is_some(),
    "the largest buffer overflows"
);
