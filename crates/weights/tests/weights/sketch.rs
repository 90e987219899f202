//! Small files of both formats, written as their writers would.

use mystic_weights::{Dtype, Header, Problem};

/// A file to be written: the tensors' data are zeros.
#[derive(Clone, Debug, Default)]
pub struct Sketch {
    pub entries: Vec<(String, Entry)>,
    pub tensors: Vec<Planned>,
}

/// A metadata value.
#[derive(Clone, Debug)]
pub enum Entry {
    Byte(i8),
    Number(u32),
    Large(u64),
    Truth(bool),
    Text(String),
    Numbers(Vec<u32>),
    Texts(Vec<String>),
}

/// A tensor: name, ggml's number of its type, dimensions outermost first.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub name: String,
    pub dtype: u32,
    pub shape: Vec<u64>,
}

pub fn tensor(name: &str, dtype: u32, shape: &[u64]) -> Planned {
    Planned {
        name: name.to_owned(),
        dtype,
        shape: shape.to_owned(),
    }
}

impl Planned {
    pub fn dtype(&self) -> Dtype {
        Dtype::ggml(self.dtype).expect("a known type")
    }

    pub fn bytes(&self) -> u64 {
        let size = self.dtype().size(self.shape.iter().product());
        size.expect("whole blocks")
    }
}

pub const F32: u32 = 0;
pub const F16: u32 = 1;
pub const Q8_0: u32 = 8;

impl Sketch {
    pub fn of(tensors: Vec<Planned>) -> Self {
        let entries = Vec::new();
        Self { entries, tensors }
    }

    /// Of tensors with these names.
    pub fn named(names: &[&str]) -> Self {
        Self::of(names.iter().map(|name| tensor(name, F16, &[4])).collect())
    }

    pub fn with(mut self, key: &str, value: Entry) -> Self {
        self.entries.push((key.to_owned(), value));
        self
    }

    /// As a GGUF file, and where its header ends.
    pub fn gguf(&self, version: u32) -> (Vec<u8>, usize) {
        let mut file = self.gguf_header(version);
        let end = file.len();
        let alignment = self.alignment();
        for tensor in &self.tensors {
            let data = file.len().next_multiple_of(alignment);
            file.resize(data + usize::try_from(tensor.bytes()).expect("small"), 0);
        }
        (file, end)
    }

    fn alignment(&self) -> usize {
        let mut said = self.entries.iter().filter_map(|(key, value)| match value {
            Entry::Number(number) if key == "general.alignment" => Some(*number as usize),
            _ => None,
        });
        said.next().unwrap_or(32)
    }

    /// A GGUF file's header alone.
    pub fn gguf_header(&self, version: u32) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        put(&mut file, version);
        long(&mut file, self.tensors.len() as u64);
        long(&mut file, self.entries.len() as u64);
        for (key, value) in &self.entries {
            text(&mut file, key);
            value.write(&mut file);
        }
        let mut start = 0;
        for tensor in &self.tensors {
            text(&mut file, &tensor.name);
            put(&mut file, u32::try_from(tensor.shape.len()).expect("few"));
            for size in tensor.shape.iter().rev() {
                long(&mut file, *size);
            }
            put(&mut file, tensor.dtype);
            long(&mut file, start);
            start = (start + tensor.bytes()).next_multiple_of(self.alignment() as u64);
        }
        file
    }

    /// As a safetensors file, and where its header ends. Of the metadata only texts are written.
    pub fn safetensors(&self) -> (Vec<u8>, usize) {
        let mut json = serde_json::Map::new();
        let texts = self.entries.iter().filter_map(|(key, value)| match value {
            Entry::Text(text) => Some((key.clone(), text.as_str().into())),
            _ => None,
        });
        let texts: serde_json::Map<String, serde_json::Value> = texts.collect();
        if !texts.is_empty() {
            json.insert("__metadata__".to_owned(), texts.into());
        }
        let mut start = 0;
        for tensor in &self.tensors {
            let end = start + tensor.bytes();
            let info = serde_json::json!({
                "dtype": tensor.dtype().name, "shape": tensor.shape, "data_offsets": [start, end],
            });
            json.insert(tensor.name.clone(), info);
            start = end;
        }
        let start = usize::try_from(start).expect("small");
        json_file(&serde_json::Value::from(json).to_string(), start)
    }
}

/// A safetensors file of this header and so many bytes of data.
pub fn json_file(json: &str, data: usize) -> (Vec<u8>, usize) {
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.bytes());
    let end = file.len();
    file.resize(end + data, 0);
    (file, end)
}

impl Entry {
    fn write(&self, file: &mut Vec<u8>) {
        match self {
            Self::Byte(number) => {
                put(file, 1);
                file.extend(number.to_le_bytes());
            }
            Self::Number(number) => {
                put(file, 4);
                put(file, *number);
            }
            Self::Large(number) => {
                put(file, 10);
                long(file, *number);
            }
            Self::Truth(truth) => {
                put(file, 7);
                file.push((*truth).into());
            }
            Self::Text(value) => {
                put(file, 8);
                text(file, value);
            }
            Self::Numbers(numbers) => {
                put(file, 9);
                put(file, 4);
                long(file, numbers.len() as u64);
                for number in numbers {
                    put(file, *number);
                }
            }
            Self::Texts(texts) => {
                put(file, 9);
                put(file, 8);
                long(file, texts.len() as u64);
                for value in texts {
                    text(file, value);
                }
            }
        }
    }
}

fn put(file: &mut Vec<u8>, number: u32) {
    file.extend(number.to_le_bytes());
}

fn long(file: &mut Vec<u8>, number: u64) {
    file.extend(number.to_le_bytes());
}

fn text(file: &mut Vec<u8>, text: &str) {
    long(file, text.len() as u64);
    file.extend(text.bytes());
}

/// Reads a header from memory.
pub fn parse(file: &[u8]) -> Result<Header, Problem> {
    Header::parse(file, file.len() as u64)
}

/// A language model of so many layers, one tensor in each.
pub fn language(layers: u32) -> Sketch {
    let mut tensors = vec![tensor("token_embd.weight", Q8_0, &[2, 32])];
    for layer in 0..layers {
        tensors.push(tensor(&format!("blk.{layer}.attn_q.weight"), F16, &[8]));
    }
    Sketch::of(tensors)
        .with("general.architecture", Entry::Text("llama".into()))
        .with("llama.block_count", Entry::Number(layers))
        .with("llama.context_length", Entry::Large(8192))
        .with("llama.embedding_length", Entry::Number(576))
        .with("llama.attention.head_count", Entry::Number(9))
        .with("llama.attention.head_count_kv", Entry::Number(3))
        .with(
            "tokenizer.ggml.tokens",
            Entry::Texts(vec!["a".into(), "b".into()]),
        )
}
