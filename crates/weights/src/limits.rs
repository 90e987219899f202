//! What a header may hold: several times what the largest known models have.

/// Bytes of a GGUF header, which holds the whole vocabulary: 12 MiB for 200,000 tokens and their merges.
pub const GGUF_HEADER: u64 = 64 << 20;

/// Bytes of a safetensors header: 1 MiB is much.
pub const SAFETENSORS_HEADER: u64 = 16 << 20;

/// Tensors in a file; unfused video models have some 4,000.
pub const TENSORS: u64 = 1 << 16;

/// Entries of metadata.
pub const ENTRIES: u64 = 1 << 12;

/// Bytes of a tensor's name or of a metadata key.
pub const NAME: u64 = 256;

/// Bytes of a string in the metadata: some hold a tokenizer's whole JSON.
pub const STRING: u64 = 32 << 20;

/// Elements of an array in the metadata.
pub const ELEMENTS: u64 = 1 << 22;

/// Dimensions of a tensor.
pub const DIMENSIONS: u64 = 8;

/// Bytes to which GGUF tensors may be aligned.
pub const ALIGNMENT: u64 = 1 << 16;

/// Pixels of a side of the pictures that a projector reads.
pub const SIDE: u64 = 1 << 14;

/// Features of a patch of such a picture.
pub const FEATURES: u64 = 1 << 16;

/// Layers of a language model.
pub const LAYERS: u64 = 1 << 10;
