//! The head of a file, read forwards: never beyond the file's length nor the header's limit.

use std::io::{BufRead, ErrorKind};

use crate::{Problem, limits};

pub(crate) struct Head<R> {
    from: R,
    at: u64,
    len: u64,
    most: u64,
}

impl<R: BufRead> Head<R> {
    /// Reads from the start of a file of this length.
    pub(crate) fn new(from: R, len: u64) -> Self {
        Self {
            from,
            at: 0,
            len,
            most: limits::GGUF_HEADER,
        }
    }

    /// The file's length in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Bytes that were read.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// That so many bytes follow, in the file and in what a header may take.
    fn room(&self, bytes: u64, what: &'static str) -> Result<(), Problem> {
        let end = self.at.saturating_add(bytes);
        if end > self.len {
            return Err(Problem::Cut {
                what: what.to_owned(),
                end,
                len: self.len,
            });
        }
        if end > self.most {
            return Err(Problem::Over {
                what: format!("bytes of the header up to {what}"),
                found: end,
                allowed: self.most,
            });
        }
        Ok(())
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Problem> {
        self.room(N as u64, what)?;
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    pub(crate) fn u32(&mut self, what: &'static str) -> Result<u32, Problem> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, Problem> {
        self.array(what).map(u64::from_le_bytes)
    }

    /// A number that says how many follow.
    pub(crate) fn count(&mut self, what: &'static str, allowed: u64) -> Result<u64, Problem> {
        let found = self.u64(what)?;
        within(what, found, allowed)?;
        Ok(found)
    }

    /// A little-endian number of 1, 2, 4 or 8 bytes.
    pub(crate) fn number(&mut self, bytes: u64, what: &'static str) -> Result<u64, Problem> {
        self.room(bytes, what)?;
        let mut number = [0; 8];
        for byte in number.iter_mut().zip(0..bytes).map(|(byte, _)| byte) {
            *byte = self.array::<1>(what)?[0];
        }
        Ok(u64::from_le_bytes(number))
    }

    pub(crate) fn bytes(&mut self, bytes: u64, what: &'static str) -> Result<Vec<u8>, Problem> {
        self.room(bytes, what)?;
        let len = usize::try_from(bytes).unwrap_or(usize::MAX);
        let mut taken = vec![0; len];
        self.from.read_exact(&mut taken)?;
        self.at += bytes;
        Ok(taken)
    }

    /// A string behind its length.
    pub(crate) fn string(&mut self, what: &'static str, allowed: u64) -> Result<String, Problem> {
        let length = self.count(what, allowed)?;
        plain(what, self.bytes(length, what)?)
    }

    pub(crate) fn skip(&mut self, bytes: u64, what: &'static str) -> Result<(), Problem> {
        self.room(bytes, what)?;
        let mut left = bytes;
        while left > 0 {
            let there = self.from.fill_buf()?.len();
            if there == 0 {
                return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
            }
            let step = usize::try_from(left).map_or(there, |left| left.min(there));
            self.from.consume(step);
            left -= step as u64;
        }
        self.at += bytes;
        Ok(())
    }
}

/// A name that can be said: problems are logged and kept in Postgres, which takes no zero byte.
pub(crate) fn plain(what: &'static str, bytes: Vec<u8>) -> Result<String, Problem> {
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains(char::is_control) => Ok(text),
        Ok(text) => Err(Problem::Text {
            what,
            found: text.escape_debug().to_string(),
        }),
        Err(error) => Err(Problem::Text {
            what,
            found: error.as_bytes().escape_ascii().to_string(),
        }),
    }
}

pub(crate) fn within(what: impl Into<String>, found: u64, allowed: u64) -> Result<(), Problem> {
    if found > allowed {
        let what = what.into();
        return Err(Problem::Over {
            what,
            found,
            allowed,
        });
    }
    Ok(())
}
