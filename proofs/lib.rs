//! What must hold of the whole, proven on the programs as they are shipped: see `tests/proofs`.
