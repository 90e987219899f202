//! A file's header, of either format.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::gguf::{self, Metadata};
use crate::head::Head;
use crate::{Dtype, Problem, WeightsError, safetensors};

/// What a file's header says, as far as it was held against the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The file's format.
    pub format: Format,
    /// Its tensors, at least one, in the order of the header.
    pub tensors: Vec<Tensor>,
    /// What is in the file beside its tensors, in bytes: header, alignment.
    pub other_bytes: u64,
    pub(crate) metadata: Metadata,
}

/// A file's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// GGUF of this version.
    Gguf(u32),
    /// Safetensors.
    Safetensors,
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in the file.
    pub name: String,
    /// The type of its elements.
    pub dtype: Dtype,
    /// Its dimensions, outermost first in both formats.
    pub shape: Vec<u64>,
    /// Its size in the file, in bytes.
    pub bytes: u64,
}

/// Reads a file's header.
///
/// # Errors
/// The file can't be read, is of no known format, promises more than it has, or breaks a rule of its format.
pub fn read(path: &Path) -> Result<Header, WeightsError> {
    open(path).map_err(|problem| problem.of(path))
}

fn open(path: &Path) -> Result<Header, Problem> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Problem::NoFile);
    }
    Header::parse(BufReader::with_capacity(1 << 16, file), metadata.len())
}

impl Header {
    /// Reads the header at the start of a file of this length.
    ///
    /// # Errors
    /// As [`read`].
    pub fn parse(file: impl BufRead, len: u64) -> Result<Self, Problem> {
        let mut head = Head::new(file, len);
        let mut start = head.bytes(len.min(4), "the magic")?;
        if start == gguf::MAGIC {
            return gguf::parse(&mut head);
        }
        start.extend(head.bytes(len.min(9) - start.len() as u64, "the header's length")?);
        match start.first_chunk() {
            Some(length) if start.get(8) == Some(&b'{') => {
                safetensors::parse(&mut head, u64::from_le_bytes(*length))
            }
            _ => Err(Problem::Format {
                found: start.escape_ascii().to_string(),
            }),
        }
    }

    /// All tensors' bytes in the file.
    #[must_use]
    pub fn tensor_bytes(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.bytes).sum()
    }
}
