//! Named points at which a process can be made to die, for proofs of what a crash leaves behind.
//!
//! `MYSTIC_DIE_AT=claimed:2` ends the process, as `kill -9` does, when it passes that point for the second time. In a
//! release build no point does anything.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, raise};

const VARIABLE: &str = "MYSTIC_DIE_AT";

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal;)*) => {
        /// Where a process can be made to die.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point {
            $($(#[$doc])* $point,)*
        }

        impl Point {
            /// Every point.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Its name, as `MYSTIC_DIE_AT` takes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$point => $name,)* }
            }
        }
    };
}

points! {
    /// The API has stored a job and not yet told anybody.
    Submitted = "submitted";
    /// The scheduler has granted a lease and not yet told its worker.
    Granted = "granted";
    /// The scheduler has given one silent worker up, perhaps of several.
    Reaped = "reaped";
    /// The scheduler has taken one unclaimed lease back, perhaps of several.
    Expired = "expired";
    /// A worker has registered and not yet beaten.
    Registered = "registered";
    /// A worker has claimed a lease and not yet begun.
    Claimed = "claimed";
    /// A worker has a new engine child that knows of no model yet.
    ChildStarted = "child_started";
    /// The engine's pixels are written, the picture's file is not.
    PixelsWritten = "pixels_written";
    /// The picture's file has its row and not its name.
    FileStaged = "file_staged";
    /// The picture's file has its name, the picture has no row.
    FileNamed = "file_named";
    /// A picture has its row, the job is not settled.
    ImageCommitted = "image_committed";
    /// All work of an attempt is done, the job is not settled.
    Settling = "settling";
    /// The job is settled; a dead child's memory is not yet given back.
    Settled = "settled";
}

impl Point {
    fn parse(text: &str) -> Option<(Self, u32)> {
        let (name, passage) = text.split_once(':').unwrap_or((text, "1"));
        let point = Self::ALL.iter().find(|point| point.as_str() == name)?;
        Some((*point, passage.parse().ok()?))
    }
}

/// Dies here, if this process was started to.
pub fn point(here: Point) {
    if cfg!(debug_assertions)
        && let Some((point, passage)) = armed()
        && point == here
    {
        static PASSED: AtomicU32 = AtomicU32::new(0);
        if PASSED.fetch_add(1, Ordering::Relaxed) + 1 == passage {
            // Nothing can be done about a signal that is not delivered, and it always is.
            let _ = raise(Signal::SIGKILL);
        }
    }
}

/// What the environment asks for, read once.
fn armed() -> Option<(Point, u32)> {
    static ARMED: OnceLock<Option<(Point, u32)>> = OnceLock::new();
    *ARMED.get_or_init(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "no setting of the product: it exists for proofs alone, and not in a release"
        )]
        let text = std::env::var(VARIABLE).ok()?;
        Point::parse(&text)
    })
}

#[cfg(test)]
mod tests {
    use super::Point;

    #[test]
    fn a_point_is_named_alone_or_with_its_passage() {
        assert_eq!(Point::parse("claimed"), Some((Point::Claimed, 1)));
        assert_eq!(Point::parse("settled:3"), Some((Point::Settled, 3)));
        assert_eq!(Point::parse("nowhere:3"), None);
        assert_eq!(Point::parse("settled:x"), None);
    }
}
