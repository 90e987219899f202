//! The one field of Exif that tools write parameters into: the user's comment, in the Exif directory of the first one.

/// Number of the field that says where the Exif directory is.
const EXIF_DIRECTORY: u16 = 0x8769;
/// Number of the user's comment.
const USER_COMMENT: u16 = 0x9286;
/// Bytes before a comment's text that say how it is written.
const CODE: usize = 8;

/// The user's comment, where there is one in ASCII or Unicode.
pub(super) fn user_comment(exif: &[u8]) -> Option<String> {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let tiff = Tiff { bytes: tiff, big };
    let (_, first) = tiff.entry(tiff.word(4)?, EXIF_DIRECTORY)?;
    let (length, at) = tiff.entry(first, USER_COMMENT)?;
    let comment = tiff.at(at, usize::try_from(length).ok()?)?;
    let (code, text) = comment.split_at_checked(CODE)?;
    match code {
        b"UNICODE\0" => utf16(text, big),
        b"ASCII\0\0\0" => std::str::from_utf8(text).ok().map(str::to_owned),
        _ => None,
    }
}

/// Written in the order of the file's other numbers, or, as some tools do, always the larger half first: of prompts, which
/// are mostly Latin, the reading with more of such letters is meant.
fn utf16(text: &[u8], big: bool) -> Option<String> {
    let read = |big: bool| {
        let units = text.chunks_exact(2).map(|two| {
            let two = [two[0], two[1]];
            if big {
                u16::from_be_bytes(two)
            } else {
                u16::from_le_bytes(two)
            }
        });
        let units: Vec<u16> = units.collect();
        String::from_utf16(&units).ok()
    };
    let latin = |text: &String| text.chars().filter(char::is_ascii).count();
    let [own, other] = [read(big), read(!big)];
    match (own, other) {
        (Some(own), Some(other)) if latin(&other) > latin(&own) => Some(other),
        (own, other) => own.or(other),
    }
}

struct Tiff<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl Tiff<'_> {
    fn at(&self, offset: u32, length: usize) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        self.bytes.get(start..start.checked_add(length)?)
    }

    fn half(&self, offset: u32) -> Option<u16> {
        let two = self.at(offset, 2)?.try_into().ok()?;
        Some(if self.big {
            u16::from_be_bytes(two)
        } else {
            u16::from_le_bytes(two)
        })
    }

    fn word(&self, offset: u32) -> Option<u32> {
        let four = self.at(offset, 4)?.try_into().ok()?;
        Some(if self.big {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        })
    }

    /// The count and the value of a directory's entry.
    fn entry(&self, directory: u32, number: u16) -> Option<(u32, u32)> {
        let entries = u32::from(self.half(directory)?);
        (0..entries).find_map(|entry| {
            let at = directory.checked_add(2 + 12 * entry)?;
            let found = self.half(at)? == number;
            found.then_some((
                self.word(at.checked_add(4)?)?,
                self.word(at.checked_add(8)?)?,
            ))
        })
    }
}
