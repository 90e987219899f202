//! What must hold of the whole, proven on the programs as they are shipped: see `tests/proofs`, and [`chaos`] for what
//! must hold whatever breaks.

pub mod chaos;
