//! A prompt written out: one line, read token by token as it is written.

/// What was written so far.
#[derive(Default)]
pub struct Line {
    bytes: Vec<u8>,
    complete: bool,
}

impl Line {
    /// Takes a token's bytes. The line ends at the first line break behind a word.
    pub fn push(&mut self, piece: &[u8]) {
        for &byte in piece {
            match byte {
                b'\n' | b'\r' if self.bytes.iter().any(|byte| !byte.is_ascii_whitespace()) => {
                    self.complete = true;
                }
                _ if self.complete => {}
                _ => self.bytes.push(byte),
            }
        }
    }

    /// Whether the line has ended.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The words: control characters are spaces, and what the model put around them as a quotation is gone. None where
    /// there is nothing to read. `whole`: the model came to an end; else the last sentence may be cut off and goes, if
    /// there is one before it.
    pub fn into_words(self, whole: bool) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text.replace(char::is_control, " ");
        let text = text.trim_matches(|c: char| c.is_whitespace() || "\"“”`".contains(c));
        let end = text.rfind(['.', ',', ';', '!']).filter(|_| !whole);
        let text = end.map_or(text, |end| &text[..end]);
        let words: Vec<&str> = text
            .split_whitespace()
            .filter(|word| *word != "\u{fffd}")
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]], whole: bool) -> Option<String> {
        let mut line = Line::default();
        for piece in pieces {
            line.push(piece);
        }
        line.into_words(whole)
    }

    #[test]
    fn a_line_break_ends_it_once_there_is_a_word() {
        assert_eq!(
            read(&[b"\n\n \"a red", b" circle\"\nand more"], true).as_deref(),
            Some("a red circle")
        );
        assert_eq!(read(&[b"\n", b" \"\""], true), None);
    }

    #[test]
    fn what_is_cut_off_ends_with_its_last_whole_part() {
        let said: &[&[u8]] = &[b"a red circle, soft light, on a ta"];
        assert_eq!(
            read(said, false).as_deref(),
            Some("a red circle, soft light")
        );
        assert_eq!(read(&[b"a red cir"], false).as_deref(), Some("a red cir"));
    }
}
