//! The safetensors header: its length, then JSON that says of each tensor its type, shape and place.

use std::fmt;
use std::io::BufRead;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::gguf::Metadata;
use crate::head::{Head, plain, within};
use crate::header::{Format, Header, Tensor};
use crate::layout::{self, Placed};
use crate::{Dtype, Problem, limits};

/// The key of what is no tensor.
const METADATA: &str = "__metadata__";

/// Reads a header of this length, whose first byte was taken: a brace.
pub(crate) fn parse<R: BufRead>(head: &mut Head<R>, length: u64) -> Result<Header, Problem> {
    within("bytes of the header", length, limits::SAFETENSORS_HEADER)?;
    let mut json = vec![b'{'];
    json.append(&mut head.bytes(length.saturating_sub(1), "the header")?);
    let mut placed = Vec::new();
    let mut problem = None;
    let mut from = serde_json::Deserializer::from_slice(&json);
    let read = Tensors {
        placed: &mut placed,
        problem: &mut problem,
    }
    .deserialize(&mut from)
    .and_then(|()| from.end());
    if let Err(error) = read {
        return Err(problem.unwrap_or_else(|| Problem::Json(told(&error))));
    }
    let end = layout::check(&placed, head.at(), 0, head.len())?;
    if end < head.len() {
        return Err(Problem::Longer {
            end,
            len: head.len(),
        });
    }
    Ok(Header {
        format: Format::Safetensors,
        tensors: placed.into_iter().map(|at| at.tensor).collect(),
        other_bytes: head.at(),
        metadata: Metadata::new(),
    })
}

/// What serde says, which repeats as much of the header as it likes.
fn told(error: &serde_json::Error) -> String {
    let all = error.to_string();
    let end = format!(" at line {} column {}", error.line(), error.column());
    match all.strip_suffix(&end) {
        Some(start) if start.chars().count() > 128 => start
            .chars()
            .take(128)
            .chain("…".chars())
            .chain(end.chars())
            .collect(),
        _ => all,
    }
}

/// All of the header's tensors; what breaks a rule of ours is in `problem`.
struct Tensors<'a> {
    placed: &'a mut Vec<Placed>,
    problem: &'a mut Option<Problem>,
}

impl<'de> DeserializeSeed<'de> for Tensors<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Tensors<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut described = false;
        while let Some(name) = map.next_key::<String>()? {
            let taken = if name == METADATA {
                if std::mem::replace(&mut described, true) {
                    Err(Problem::Twice {
                        what: "metadata",
                        name: METADATA.to_owned(),
                    })
                } else {
                    let Counted(entries) = map.next_value::<Option<Counted>>()?.unwrap_or_default();
                    within("metadata entries", entries, limits::ENTRIES)
                }
            } else {
                let info = map.next_value::<Info>()?;
                place(&name, info).and_then(|at| {
                    self.placed.push(at);
                    within("tensors", self.placed.len() as u64, limits::TENSORS)
                })
            };
            if let Err(problem) = taken {
                *self.problem = Some(problem);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

/// What the header says of one tensor.
#[derive(Deserialize)]
struct Info {
    dtype: String,
    shape: Shape,
    data_offsets: (u64, u64),
}

/// A shape's dimensions, no more than are allowed, and how many there are.
struct Shape {
    kept: Vec<u64>,
    dimensions: u64,
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Dimensions)
    }
}

struct Dimensions;

impl<'de> Visitor<'de> for Dimensions {
    type Value = Shape;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of dimensions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Shape, A::Error> {
        let mut kept = Vec::new();
        let mut dimensions = 0;
        while let Some(size) = from.next_element()? {
            dimensions += 1;
            if dimensions <= limits::DIMENSIONS {
                kept.push(size);
            }
        }
        Ok(Shape { kept, dimensions })
    }
}

/// How many entries a map of strings has.
#[derive(Default)]
struct Counted(u64);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Counted;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counted, A::Error> {
        let mut entries = 0;
        while map.next_entry::<String, String>()?.is_some() {
            entries += 1;
        }
        Ok(Counted(entries))
    }
}

fn place(name: &str, info: Info) -> Result<Placed, Problem> {
    within("bytes of a tensor's name", name.len() as u64, limits::NAME)?;
    let tensor = plain("a tensor's name", name.into())?;
    let Shape { kept, dimensions } = info.shape;
    within(
        format!("dimensions of tensor {name}"),
        dimensions,
        limits::DIMENSIONS,
    )?;
    let Some(dtype) = Dtype::safetensors(&info.dtype) else {
        return Err(Problem::Dtype {
            tensor,
            found: info.dtype.escape_debug().take(64).collect(),
            allowed: "safetensors",
        });
    };
    let bytes = kept
        .iter()
        .try_fold(1_u64, |all, n| all.checked_mul(*n))
        .and_then(|elements| dtype.size(elements));
    let Some(bytes) = bytes else {
        return Err(Problem::Shape {
            tensor,
            shape: kept,
            allowed: format!(
                "a multiple of {} elements ({}), less than 2^64 bytes in all",
                dtype.block, dtype.name
            ),
        });
    };
    let (start, end) = info.data_offsets;
    if end.checked_sub(start) != Some(bytes) {
        return Err(Problem::Size {
            tensor,
            found: end.saturating_sub(start),
            allowed: bytes,
        });
    }
    let tensor = Tensor {
        name: tensor,
        dtype,
        shape: kept,
        bytes,
    };
    Ok(Placed { tensor, start })
}
