//! Ways to break a file.

use proptest::prelude::*;
use proptest::sample::Index;

/// One change of a file's bytes; places are in its header.
#[derive(Clone, Debug)]
pub enum Break {
    Bit(Index, u8),
    Byte(Index, u8),
    Number(Index, u64),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Cut(Index),
}

pub fn any_break() -> impl Strategy<Value = Break> {
    let number = prop_oneof![
        0..70_u64,
        any::<u64>(),
        (0..64_u32).prop_map(|bit| 1 << bit),
        (0..64_u32).prop_map(|bit| u64::MAX >> bit),
        Just(1 << 16),
        Just((1 << 16) + 1),
    ];
    // What JSON is made of, beside anything else.
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"0123456789-.,:[]{}\"e nul\\".to_vec())
    ];
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Break::Bit(at, bit)),
        (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Break::Byte(at, byte)),
        (any::<Index>(), number).prop_map(|(at, number)| Break::Number(at, number)),
        (any::<Index>(), prop::collection::vec(byte, 1..9))
            .prop_map(|(at, bytes)| Break::Insert(at, bytes)),
        (any::<Index>(), 1..16_usize).prop_map(|(at, bytes)| Break::Remove(at, bytes)),
        any::<Index>().prop_map(Break::Cut),
    ]
}

impl Break {
    /// Breaks a file whose header ends at `end`.
    pub fn apply(&self, file: &mut Vec<u8>, end: usize) {
        let at = |index: &Index| index.index(end.min(file.len()).max(1)).min(file.len());
        match self {
            Self::Bit(index, bit) => {
                let at = at(index);
                if let Some(byte) = file.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Byte(index, value) => {
                let at = at(index);
                if let Some(byte) = file.get_mut(at) {
                    *byte = *value;
                }
            }
            Self::Number(index, number) => {
                let at = at(index);
                for (byte, value) in file[at..].iter_mut().zip(number.to_le_bytes()) {
                    *byte = value;
                }
            }
            Self::Insert(index, bytes) => {
                let at = at(index);
                file.splice(at..at, bytes.iter().copied());
            }
            Self::Remove(index, bytes) => {
                let at = at(index);
                file.drain(at..(at + bytes).min(file.len()));
            }
            Self::Cut(index) => {
                let at = index.index(file.len().max(1));
                file.truncate(at);
            }
        }
    }
}
