//! The text chunks of a PNG.

use std::io::Cursor;

use png::{Decoder, Limits};

/// Longest text that is unpacked, bytes.
const LONGEST: usize = 1 << 20;
/// What all chunks before the pixels may take, bytes.
const MOST: usize = 16 << 20;

/// Our own JSON, and the parameters that other tools read. They lie before the pixels, where every tool writes them.
pub(super) fn chunks(file: &[u8]) -> (Option<String>, Option<String>) {
    let decoder = Decoder::new_with_limits(Cursor::new(file), Limits { bytes: MOST });
    let Ok(reader) = decoder.read_info() else {
        return (None, None);
    };
    let info = reader.info();
    let find = |keyword: &str| {
        let mut plain = info.uncompressed_latin1_text.iter();
        let plain = plain.find(|chunk| chunk.keyword == keyword);
        if let Some(chunk) = plain {
            return Some(chunk.text.clone());
        }
        let mut unicode = info.utf8_text.iter();
        if let Some(chunk) = unicode.find(|chunk| chunk.keyword == keyword) {
            let mut chunk = chunk.clone();
            chunk.decompress_text_with_limit(LONGEST).ok()?;
            return chunk.get_text().ok();
        }
        let mut packed = info.compressed_latin1_text.iter();
        let mut chunk = packed.find(|chunk| chunk.keyword == keyword)?.clone();
        chunk.decompress_text_with_limit(LONGEST).ok()?;
        chunk.get_text().ok()
    };
    let [own, parameters] = ["mysticanvas", "parameters"]
        .map(|keyword| find(keyword).filter(|text| text.len() <= LONGEST));
    (own, parameters)
}
