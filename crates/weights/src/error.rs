//! Why a file can't be used.

use std::path::PathBuf;

/// A file and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct WeightsError {
    /// The file as it was asked for.
    pub path: PathBuf,
    /// Its problem.
    pub problem: Problem,
}

/// What is wrong with a file: what was found, and what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It can't be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is a directory or a device.
    #[error("it is no regular file")]
    NoFile,
    /// It is of another format.
    #[error(
        "it is neither GGUF nor safetensors: it starts with \"{found}\"; allowed: \"GGUF\", or a header's length and \"{{\""
    )]
    Format {
        /// Its first bytes, escaped.
        found: String,
    },
    /// A GGUF file of another version or byte order.
    #[error("its GGUF version is {found}; allowed: 2 or 3, little-endian")]
    Version {
        /// As it reads.
        found: u32,
    },
    /// The file is shorter than its header promises.
    #[error("it is cut off: {what} ends at byte {end}, the file at {len}")]
    Cut {
        /// What lies beyond the end.
        what: String,
        /// Where that would end.
        end: u64,
        /// The file's length.
        len: u64,
    },
    /// A safetensors file is longer than its header promises.
    #[error(
        "its tensors end at byte {end}, the file at {len}; allowed: nothing behind the tensors"
    )]
    Longer {
        /// Where the last tensor ends.
        end: u64,
        /// The file's length.
        len: u64,
    },
    /// More of something than any model has.
    #[error("{what}: {found}; allowed: at most {allowed}")]
    Over {
        /// Of what.
        what: String,
        /// How much.
        found: u64,
        /// The limit.
        allowed: u64,
    },
    /// No tensors at all.
    #[error("it holds no tensors; allowed: at least 1")]
    Empty,
    /// A name that is no text, or one that no log or table takes.
    #[error("{what} is \"{found}\"; allowed: UTF-8 without control characters")]
    Text {
        /// Which.
        what: &'static str,
        /// Its bytes, escaped.
        found: String,
    },
    /// The same name again.
    #[error("{what} {name} is there twice; allowed: once")]
    Twice {
        /// Tensor or metadata.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A metadata entry of an unknown type, or an array of arrays.
    #[error("metadata {key} is {found}; allowed: types 0 to 12, and no arrays in an array")]
    MetadataType {
        /// The entry.
        key: String,
        /// What it is.
        found: String,
    },
    /// A metadata value that can't be.
    #[error("metadata {key} is {found}; allowed: {allowed}")]
    Metadata {
        /// The entry.
        key: String,
        /// Its value.
        found: String,
        /// What can be.
        allowed: String,
    },
    /// The safetensors header is no such JSON.
    #[error("its header is no safetensors header: {0}")]
    Json(String),
    /// A type of elements that is not known.
    #[error("tensor {tensor} has elements of type {found}; allowed: the types of {allowed}")]
    Dtype {
        /// The tensor.
        tensor: String,
        /// Its type.
        found: String,
        /// Whose types are known.
        allowed: &'static str,
    },
    /// A shape that can't be.
    #[error("tensor {tensor} has the shape {shape:?}; allowed: {allowed}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// Its dimensions, outermost first.
        shape: Vec<u64>,
        /// What can be.
        allowed: String,
    },
    /// Shape and type say another size than the header.
    #[error("tensor {tensor} takes {found} bytes; allowed: {allowed}, as its shape and type say")]
    Size {
        /// The tensor.
        tensor: String,
        /// As the header says.
        found: u64,
        /// As its shape says.
        allowed: u64,
    },
    /// A tensor overlaps another, leaves a hole, or is not aligned.
    #[error("tensor {tensor} begins at byte {found} of the tensors' data; allowed: {allowed}")]
    Place {
        /// The tensor.
        tensor: String,
        /// Where it begins.
        found: u64,
        /// Where it may.
        allowed: String,
    },
}

impl Problem {
    /// The same problem of a named file.
    pub(crate) fn of(self, path: impl Into<PathBuf>) -> WeightsError {
        WeightsError {
            path: path.into(),
            problem: self,
        }
    }

    pub(crate) fn metadata(
        key: impl Into<String>,
        found: &impl ToString,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Metadata {
            key: key.into(),
            found: found.to_string(),
            allowed: allowed.into(),
        }
    }
}
