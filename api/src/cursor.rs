//! Opaque places in a list that is ordered by (time, id), newest first.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The last row of a page; the next page begins after it, whatever was added in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the row was made, to the microsecond, which is what the database keeps.
    pub at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}

impl Cursor {
    /// As the store wants it.
    pub fn place(self) -> (DateTime<Utc>, Uuid) {
        (self.at, self.id)
    }

    fn encode(self) -> String {
        let mut bytes = self.at.timestamp_micros().to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 24] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (at, id) = bytes.split_first_chunk::<8>()?;
        let at = DateTime::from_timestamp_micros(i64::from_be_bytes(*at))?;
        (0..=9999)
            .contains(&chrono::Datelike::year(&at))
            .then_some(())?;
        Some(Self {
            at,
            id: Uuid::from_slice(id).ok()?,
        })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.encode())
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::decode(&text).ok_or_else(|| {
            serde::de::Error::custom(
                "not a cursor of this list, expected the `next` of an earlier page",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_way_out_and_back() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).expect("a time");
        let cursor = Cursor {
            at,
            id: Uuid::now_v7(),
        };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
    }

    #[test]
    fn what_we_never_made_is_refused() {
        for text in ["", "next", "AAAA", "%%%", &"A".repeat(64)] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
        let endless = Cursor {
            at: DateTime::<Utc>::MAX_UTC,
            id: Uuid::nil(),
        };
        assert_eq!(Cursor::decode(&endless.encode()), None);
    }
}
