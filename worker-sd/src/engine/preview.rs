//! What a picture is becoming while it is sampled: now and then the library's own projection of its latents to colours,
//! which takes neither memory nor a decoder.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::write_pixels;

/// Least time between two previews.
const PACE: Duration = Duration::from_millis(500);

/// Where previews go, and when the next may.
#[derive(Debug, Default)]
pub(super) struct Previews {
    path: Option<PathBuf>,
    last: Option<Instant>,
    /// The library has no projection for this model.
    impossible: bool,
}

impl Previews {
    /// From now on they go there, or nowhere. The pace is kept from one picture to the next.
    pub(super) fn send_to(&mut self, path: Option<&Path>) {
        self.path = path.map(Path::to_owned);
    }

    /// Where one goes that is there at `now`; none where it would come too early or is not wanted.
    pub(super) fn due(&mut self, now: Instant) -> Option<PathBuf> {
        if self.last.is_some_and(|last| now - last < PACE) {
            return None;
        }
        let path = self.path.clone()?;
        self.last = Some(now);
        Some(path)
    }

    /// Notes that there are none of this model.
    pub(super) fn give_up(&mut self) {
        self.impossible = true;
    }

    /// Whether the library is to make them.
    pub(super) fn wanted(&self) -> bool {
        self.path.is_some() && !self.impossible
    }
}

/// Puts a preview in the place of the one before: whoever reads there finds one of them whole.
pub(super) fn put(path: &Path, rgb: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("part");
    write_pixels(&unfinished, rgb)?;
    std::fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "some moment to count from")]
    fn previews_keep_their_pace_and_their_silence() {
        let mut previews = Previews::default();
        let start = Instant::now();
        assert_eq!((previews.due(start), previews.wanted()), (None, false));
        let path = Path::new("there");
        previews.send_to(Some(path));
        assert!(previews.wanted());
        assert_eq!(previews.due(start).as_deref(), Some(path));
        assert_eq!(previews.due(start + PACE / 2), None);
        previews.send_to(Some(path));
        assert_eq!(
            previews.due(start + PACE / 2),
            None,
            "of the next picture too"
        );
        assert_eq!(previews.due(start + PACE).as_deref(), Some(path));
        previews.give_up();
        assert!(!previews.wanted());
    }
}
