//! What lets the demo tagger see colours, as small as llama.cpp takes it, and with a result that can be foretold.

use std::fs;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The corners of the cube of colours, as red, green and blue, in the words that a picture of such a colour becomes.
const COLOURS: [([bool; 3], &str); 8] = [
    ([false, false, false], "black"),
    ([false, false, true], "blue"),
    ([false, true, false], "green"),
    ([false, true, true], "cyan"),
    ([true, false, false], "red"),
    ([true, false, true], "pink"),
    ([true, true, false], "yellow"),
    ([true, true, true], "white"),
];

/// Side in pixels of what it makes of any picture.
const SIDE: u32 = 32;
/// Side in pixels of its patches; each becomes one token.
const PATCH: u8 = 16;
/// Features of a patch: the mean of its red, green and blue, and one that is 0, since some backends like even numbers.
const FEATURES: u32 = 4;
/// How sharply a colour is told from the next.
const SHARPNESS: f32 = 20.0;

/// Types of values in a GGUF file by their numbers.
const U32: u32 = 4;
const F32: u32 = 6;
const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;
/// ggml's number of 32-bit floating point tensors.
const TENSOR_F32: u32 = 0;
const ALIGNMENT: usize = 32;

/// Writes a projector (`mmproj`) for a language model in GGUF whose token embedding is `Q8_0`, as the demo tagger's is. It makes of
/// each quarter of a picture the word for the colour that it has most of: the model reads what it would read if the word
/// had been written. Nothing in it is learned.
///
/// # Panics
/// The model can't be read or is another kind, or the file can't be written.
pub fn mmproj(path: &Path, model: &Path) {
    let words = Words::read(model);
    let width = u32::try_from(words.embeddings[0].len()).expect("a width");
    let mut file = Gguf::default();
    file.text("general.architecture", "clip");
    file.text("general.name", "colours");
    file.flag("clip.has_vision_encoder");
    file.text("clip.projector_type", "mlp");
    for (key, value) in [
        ("image_size", SIDE),
        ("patch_size", u32::from(PATCH)),
        ("embedding_length", FEATURES),
        ("feed_forward_length", FEATURES),
        ("attention.head_count", 1),
        // llama.cpp leaves the last layer out for this kind of projector, so of one it runs none.
        ("block_count", 1),
        ("projection_dim", width),
    ] {
        file.number(&format!("clip.vision.{key}"), value);
    }
    file.float("clip.vision.attention.layer_norm_epsilon", 1e-5);
    file.floats("clip.vision.image_mean", &[0.0; 3]);
    file.floats("clip.vision.image_std", &[1.0; 3]);

    let (features, pixels) = (FEATURES as usize, usize::from(PATCH).pow(2));
    let means = (0..features * 3 * pixels).map(|at| {
        let (feature, channel) = (at / (3 * pixels), at / pixels % 3);
        if feature == channel {
            f32::from(PATCH).powi(-2)
        } else {
            0.0
        }
    });
    file.tensor(
        "v.patch_embd.weight",
        &[PATCH.into(), PATCH.into(), 3, FEATURES],
        means.collect(),
    );
    let patches = (SIDE / u32::from(PATCH)).pow(2);
    file.zeros("v.position_embd.weight", &[FEATURES, patches]);
    for name in ["attn_out", "ffn_up", "ffn_down"] {
        file.zeros(&format!("v.blk.0.{name}.weight"), &[FEATURES, FEATURES]);
    }
    // Each colour's unit is half the sharpness where the patch has it, as much below 0 one corner of the cube away, which is
    // nothing behind the library's GELU, and the more the nearer between.
    let count = u32::try_from(COLOURS.len()).expect("few");
    let (mut near, mut bias) = (Vec::new(), Vec::new());
    for (corner, _) in COLOURS {
        near.extend(corner.map(|full| if full { SHARPNESS } else { -SHARPNESS }));
        near.push(0.0);
        let full: f32 = corner.map(|full| f32::from(u8::from(full))).iter().sum();
        bias.push(SHARPNESS * (0.5 - full));
    }
    file.tensor("mm.0.weight", &[FEATURES, count], near);
    file.tensor("mm.0.bias", &[count], bias);
    let mut says = Vec::new();
    for feature in 0..width as usize {
        let of_feature = words.embeddings.iter().map(|word| word[feature]);
        says.extend(of_feature.map(|value| value / (SHARPNESS / 2.0)));
    }
    file.tensor("mm.2.weight", &[count, width], says);
    file.zeros("mm.2.bias", &[width]);
    fs::write(path, file.bytes()).expect("a projector can be written");
}

/// What a language model reads where the colours' words are written.
struct Words {
    embeddings: Vec<Vec<f32>>,
}

impl Words {
    fn read(model: &Path) -> Self {
        let mut file = Reader(BufReader::new(fs::File::open(model).expect("the model")));
        assert_eq!(file.u32(), u32::from_le_bytes(*b"GGUF"));
        file.u32();
        let (tensors, entries) = (file.u64(), file.u64());
        let mut tokens = Vec::new();
        for _ in 0..entries {
            let key = file.text();
            let kind = file.u32();
            if key == "tokenizer.ggml.tokens" {
                assert_eq!((kind, file.u32()), (ARRAY, STRING));
                tokens = (0..file.u64()).map(|_| file.text()).collect();
            } else {
                file.pass(kind);
            }
        }
        let mut embedding = None;
        for _ in 0..tensors {
            let name = file.text();
            let shape: Vec<u64> = (0..file.u32()).map(|_| file.u64()).collect();
            let (kind, start) = (file.u32(), file.u64());
            if name == "token_embd.weight" {
                assert_eq!(kind, 8, "Q8_0");
                embedding = Some((shape[0], start));
            }
        }
        let (width, start) = embedding.expect("a token embedding");
        let data = file.0.stream_position().expect("a place");
        let data = data.next_multiple_of(ALIGNMENT as u64) + start;
        let row = width / 32 * 34;
        let embeddings = COLOURS.map(|(_, word)| {
            // As inside a text, behind a space, in the vocabulary's own writing.
            let token = format!("\u{120}{word}");
            let token = tokens.iter().position(|there| *there == token);
            let token = token.unwrap_or_else(|| panic!("{word} is one token")) as u64;
            let place = SeekFrom::Start(data + token * row);
            file.0.seek(place).expect("a row");
            (0..width / 32).flat_map(|_| file.block()).collect()
        });
        Self {
            embeddings: embeddings.into(),
        }
    }
}

/// Reads a GGUF file that is known to be whole.
struct Reader(BufReader<fs::File>);

impl Reader {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).expect("the model is whole");
        bytes
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    fn text(&mut self) -> String {
        let mut text = vec![0; usize::try_from(self.u64()).expect("short")];
        self.0.read_exact(&mut text).expect("the model is whole");
        String::from_utf8_lossy(&text).into_owned()
    }

    fn pass(&mut self, kind: u32) {
        match kind {
            STRING => {
                self.text();
            }
            ARRAY => {
                let of = self.u32();
                for _ in 0..self.u64() {
                    self.pass(of);
                }
            }
            kind => {
                let size = match kind {
                    0 | 1 | BOOL => 1,
                    2 | 3 => 2,
                    U32 | 5 | F32 => 4,
                    _ => 8,
                };
                self.0.seek_relative(size).expect("the model is whole");
            }
        }
    }

    /// 32 values of 8 bits with a scale of 16 before them.
    fn block(&mut self) -> [f32; 32] {
        let scale = half(u16::from_le_bytes(self.bytes()));
        self.bytes::<32>()
            .map(|value| f32::from(value.cast_signed()) * scale)
    }
}

/// A normal number of 16 bits.
fn half(bits: u16) -> f32 {
    let exponent = i32::from((bits >> 10) & 31);
    let mantissa = f32::from(bits & 1023) / 1024.0;
    let size = if exponent == 0 {
        mantissa * 2.0_f32.powi(-14)
    } else {
        (1.0 + mantissa) * 2.0_f32.powi(exponent - 15)
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// A GGUF file on its way.
#[derive(Default)]
struct Gguf {
    entries: u64,
    metadata: Vec<u8>,
    tensors: u64,
    infos: Vec<u8>,
    data: Vec<u8>,
}

impl Gguf {
    fn key(&mut self, key: &str, kind: u32) {
        self.entries += 1;
        text(&mut self.metadata, key);
        self.metadata.extend(kind.to_le_bytes());
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key, STRING);
        text(&mut self.metadata, value);
    }

    fn flag(&mut self, key: &str) {
        self.key(key, BOOL);
        self.metadata.push(1);
    }

    fn number(&mut self, key: &str, value: u32) {
        self.key(key, U32);
        self.metadata.extend(value.to_le_bytes());
    }

    fn float(&mut self, key: &str, value: f32) {
        self.key(key, F32);
        self.metadata.extend(value.to_le_bytes());
    }

    fn floats(&mut self, key: &str, values: &[f32]) {
        self.key(key, ARRAY);
        self.metadata.extend(F32.to_le_bytes());
        self.metadata.extend((values.len() as u64).to_le_bytes());
        self.metadata
            .extend(values.iter().copied().flat_map(f32::to_le_bytes));
    }

    /// A tensor; its shape is innermost first.
    fn tensor(&mut self, name: &str, shape: &[u32], values: Vec<f32>) {
        assert_eq!(values.len(), shape.iter().product::<u32>() as usize);
        self.tensors += 1;
        text(&mut self.infos, name);
        let dimensions = u32::try_from(shape.len()).expect("few");
        self.infos.extend(dimensions.to_le_bytes());
        for size in shape {
            self.infos.extend(u64::from(*size).to_le_bytes());
        }
        self.infos.extend(TENSOR_F32.to_le_bytes());
        self.infos.extend((self.data.len() as u64).to_le_bytes());
        self.data
            .extend(values.into_iter().flat_map(f32::to_le_bytes));
        self.data
            .resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
    }

    fn zeros(&mut self, name: &str, shape: &[u32]) {
        let values = vec![0.0; shape.iter().product::<u32>() as usize];
        self.tensor(name, shape, values);
    }

    fn bytes(self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3_u32.to_le_bytes());
        file.extend(self.tensors.to_le_bytes());
        file.extend(self.entries.to_le_bytes());
        file.extend(self.metadata);
        file.extend(self.infos);
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.extend(self.data);
        file
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.bytes());
}
