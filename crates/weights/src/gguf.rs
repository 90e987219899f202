//! The GGUF header, versions 2 and 3, as `gguf.h` describes it.

use std::collections::BTreeMap;
use std::io::BufRead;

use crate::head::{Head, within};
use crate::header::{Format, Header, Tensor};
use crate::layout::{self, Placed};
use crate::{Dtype, Problem, limits};

pub(crate) const MAGIC: &[u8] = b"GGUF";

/// The metadata that somebody asks for. The rest is passed over: vocabularies are most of a header.
pub(crate) type Metadata = BTreeMap<String, Value>;

/// A kept value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(u64),
    Truth(bool),
    /// One number for each layer.
    Numbers(Vec<u64>),
    Text(String),
}

const ARCHITECTURE: &str = "general.architecture";
const ALIGNMENT: &str = "general.alignment";
const PARTS: &str = "split.count";

/// What follows the architecture's name in the keys that are kept.
pub(crate) const LAYERS: &str = ".block_count";
pub(crate) const CONTEXT: &str = ".context_length";
pub(crate) const WIDTH: &str = ".embedding_length";
pub(crate) const HEADS: &str = ".attention.head_count";
pub(crate) const KV_HEADS: &str = ".attention.head_count_kv";
pub(crate) const KEY_LENGTH: &str = ".attention.key_length";

/// Whether a projector is for pictures.
pub(crate) const SEES: &str = ".has_vision_encoder";
/// Its kind.
pub(crate) const PROJECTOR: &str = ".projector_type";
/// What the buffer depends on that it reads a picture in: the picture's side, a patch's, a patch's features, and those between
/// the two halves of a layer, with the most that each may be.
pub(crate) const SEEN: [(&str, u64); 4] = [
    (".image_size", limits::SIDE),
    (".patch_size", limits::SIDE),
    (WIDTH, limits::FEATURES),
    (".feed_forward_length", limits::FEATURES),
];

const KEPT: [&str; 8] = [
    LAYERS, CONTEXT, WIDTH, HEADS, KV_HEADS, KEY_LENGTH, SEES, PROJECTOR,
];

/// Types of metadata by their numbers in the file.
const TRUTH: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

impl Header {
    /// The architecture that a GGUF file names.
    pub(crate) fn named_architecture(&self) -> Option<&str> {
        match self.metadata.get(ARCHITECTURE) {
            Some(Value::Text(name)) => Some(name),
            _ => None,
        }
    }

    /// Of how many parts this file is one.
    pub(crate) fn parts(&self) -> u64 {
        match self.metadata.get(PARTS) {
            Some(Value::Number(parts)) => *parts,
            _ => 1,
        }
    }
}

/// Reads what follows the magic.
pub(crate) fn parse<R: BufRead>(head: &mut Head<R>) -> Result<Header, Problem> {
    let version = head.u32("the version")?;
    if !matches!(version, 2 | 3) {
        return Err(Problem::Version { found: version });
    }
    let tensors = head.count("tensors", limits::TENSORS)?;
    let entries = head.count("metadata entries", limits::ENTRIES)?;
    let mut metadata = Metadata::new();
    for _ in 0..entries {
        let key = head.string("a metadata key", limits::NAME)?;
        if let Some(value) = entry(head, &key)?
            && metadata.insert(key.clone(), value).is_some()
        {
            return Err(Problem::Twice {
                what: "metadata",
                name: key,
            });
        }
    }
    let alignment = alignment(&metadata)?;
    let mut placed = Vec::new();
    for _ in 0..tensors {
        placed.push(tensor(head, alignment)?);
    }
    let data = head.at().next_multiple_of(alignment);
    layout::check(&placed, data, alignment - 1, head.len())?;
    let tensors: Vec<Tensor> = placed.into_iter().map(|at| at.tensor).collect();
    let taken: u64 = tensors.iter().map(|tensor| tensor.bytes).sum();
    Ok(Header {
        format: Format::Gguf(version),
        tensors,
        other_bytes: head.len() - taken,
        metadata,
    })
}

/// Reads an entry's value; none where nobody asks for it.
fn entry<R: BufRead>(head: &mut Head<R>, key: &str) -> Result<Option<Value>, Problem> {
    let kept = [ARCHITECTURE, ALIGNMENT, PARTS].contains(&key)
        || KEPT.iter().any(|end| key.ends_with(end))
        || SEEN.iter().any(|(end, _)| key.ends_with(end));
    let unknown = |found: String| Problem::MetadataType {
        key: key.to_owned(),
        found,
    };
    match head.u32("a metadata type")? {
        STRING if kept => head
            .string("a metadata value", limits::NAME)
            .map(|text| Some(Value::Text(text))),
        STRING => {
            let length = head.count("bytes of a metadata string", limits::STRING)?;
            head.skip(length, "a metadata string")?;
            Ok(None)
        }
        ARRAY => {
            let of = head.u32("an array's type")?;
            let elements = head.count("elements of a metadata array", limits::ELEMENTS)?;
            if of == STRING {
                for _ in 0..elements {
                    let length = head.count("bytes of a metadata string", limits::STRING)?;
                    head.skip(length, "a metadata string")?;
                }
                return Ok(None);
            }
            let size = size(of).ok_or_else(|| unknown(format!("an array of type {of}")))?;
            if !kept || !integer(of) {
                head.skip(elements * size, "a metadata array")?;
                return Ok(None);
            }
            within(
                format!("elements of metadata {key}"),
                elements,
                limits::LAYERS,
            )?;
            let numbers = (0..elements).map(|_| number(head, of, size));
            let numbers = numbers.collect::<Result<Vec<u64>, Problem>>()?;
            Ok(Some(Value::Numbers(numbers)))
        }
        other => {
            let size = size(other).ok_or_else(|| unknown(format!("of type {other}")))?;
            let number = number(head, other, size)?;
            let value = match other {
                TRUTH => Some(Value::Truth(number != 0)),
                _ => integer(other).then_some(Value::Number(number)),
            };
            Ok(value.filter(|_| kept))
        }
    }
}

/// Bytes of a number or of a truth value.
fn size(of: u32) -> Option<u64> {
    match of {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// A number of this type and size. A negative one reads as a very large one, and is refused as such.
fn number<R: BufRead>(head: &mut Head<R>, of: u32, size: u64) -> Result<u64, Problem> {
    let number = head.number(size, "a metadata value")?;
    let above = 64 - 8 * size;
    match of {
        1 | 3 | 5 => Ok(((number << above).cast_signed() >> above).cast_unsigned()),
        _ => Ok(number),
    }
}

/// Whether a type is of whole numbers.
fn integer(of: u32) -> bool {
    matches!(of, 0..=5 | 10 | 11)
}

fn alignment(metadata: &Metadata) -> Result<u64, Problem> {
    let found = match metadata.get(ALIGNMENT) {
        None => return Ok(32),
        Some(Value::Number(bytes)) if bytes.is_power_of_two() && *bytes <= limits::ALIGNMENT => {
            return Ok(*bytes);
        }
        Some(Value::Number(bytes)) => bytes.to_string(),
        Some(_) => "no number".to_owned(),
    };
    let allowed = format!("a power of 2 up to {}", limits::ALIGNMENT);
    Err(Problem::metadata(ALIGNMENT, &found, allowed))
}

fn tensor<R: BufRead>(head: &mut Head<R>, alignment: u64) -> Result<Placed, Problem> {
    let name = head.string("a tensor's name", limits::NAME)?;
    let dimensions = u64::from(head.u32("a tensor's dimensions")?);
    within(
        format!("dimensions of tensor {name}"),
        dimensions,
        limits::DIMENSIONS,
    )?;
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        shape.push(head.u64("a tensor's dimensions")?);
    }
    let row = shape.first().copied().unwrap_or(1);
    shape.reverse();
    let number = head.u32("a tensor's type")?;
    let start = head.u64("a tensor's place")?;
    let Some(dtype) = Dtype::ggml(number) else {
        return Err(Problem::Dtype {
            tensor: name,
            found: number.to_string(),
            allowed: "ggml",
        });
    };
    // ggml divides by its dimensions, and a block never goes on in the next row.
    let elements = shape.iter().try_fold(1_u64, |all, n| all.checked_mul(*n));
    let bytes = elements
        .filter(|all| *all > 0 && row.is_multiple_of(dtype.block))
        .and_then(|all| dtype.size(all));
    let Some(bytes) = bytes else {
        return Err(Problem::Shape {
            tensor: name,
            shape,
            allowed: format!(
                "dimensions from 1, the last a multiple of {} ({}), less than 2^64 bytes in all",
                dtype.block, dtype.name
            ),
        });
    };
    if !start.is_multiple_of(alignment) {
        return Err(Problem::Place {
            tensor: name,
            found: start,
            allowed: format!("multiples of {alignment}"),
        });
    }
    let tensor = Tensor {
        name,
        dtype,
        shape,
        bytes,
    };
    Ok(Placed { tensor, start })
}
