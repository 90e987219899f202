//! Any bytes as a file's head, and any length that the file is said to have: no panic, no more memory than the limits allow.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mystic_weights::Header;

fuzz_target!(|input: &[u8]| {
    let Some((length, head)) = input.split_first_chunk() else {
        return;
    };
    let Ok(header) = Header::parse(head, u64::from_le_bytes(*length)) else {
        return;
    };
    let modules = header.modules();
    assert_eq!(modules.total(), header.tensor_bytes());
    let _ = (header.architecture(), header.kind());
    if let Ok(model) = header.language_model() {
        let inside: u64 = model.layer_bytes.iter().sum();
        assert_eq!(inside + model.outside_bytes, header.tensor_bytes());
    }
});
