//! A file of the store over HTTP: it never changes, so its name is its `ETag`.

use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mystic_domain::file_path;
use mystic_process::disk;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};

use crate::extract::header_text;
use crate::problem::Problem;
use crate::state::App;

const FOREVER: &str = "private, max-age=31536000, immutable";

/// Answers with the picture of this SHA-256 and format, a part of it, or the news that the client has it already.
///
/// # Errors
/// The store does not have the file or can't read it, or the range lies outside of it.
pub async fn serve(
    files: &LocalFileSystem,
    sha256: &str,
    format: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let etag = format!("\"{sha256}\"");
    let same = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, FOREVER.to_owned()),
    ];
    if names(header_text(headers, header::IF_NONE_MATCH.as_str()), &etag) {
        return Ok((StatusCode::NOT_MODIFIED, same).into_response());
    }
    let path = Path::from(file_path(sha256));
    let size = files
        .head(&path)
        .await
        .map_err(|error| unreadable(&error))?
        .size;
    let asked = header_text(headers, header::RANGE.as_str());
    let still = header_text(headers, header::IF_RANGE.as_str()).is_none_or(|tag| tag == etag);
    let range = match asked
        .filter(|_| still)
        .map(|range| parse_range(range, size))
    {
        Some(Asked::Part(range)) => Some(range),
        Some(Asked::Outside) => {
            let problem = Problem::range_not_satisfiable(format!("The file has {size} bytes."));
            return Ok((
                [(header::CONTENT_RANGE, format!("bytes */{size}"))],
                problem,
            )
                .into_response());
        }
        Some(Asked::All) | None => None,
    };
    let options = GetOptions {
        range: range.clone().map(GetRange::Bounded),
        ..GetOptions::default()
    };
    let found = files
        .get_opts(&path, options)
        .await
        .map_err(|error| unreadable(&error))?;
    let length = found.range.end - found.range.start;
    let body = Body::from_stream(found.into_stream());
    let about = [
        (header::CONTENT_TYPE, format!("image/{format}")),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
    ];
    Ok(match range {
        Some(Range { start, end }) => {
            let part = [(
                header::CONTENT_RANGE,
                format!("bytes {start}-{}/{size}", end - 1),
            )];
            (StatusCode::PARTIAL_CONTENT, same, about, part, body).into_response()
        }
        None => (same, about, body).into_response(),
    })
}

/// Refuses while pictures would not fit. A disk that can't be asked refuses nothing: the worker asks again.
pub fn check_room(app: &App) -> Result<(), Problem> {
    let store = &app.config.store;
    match disk::free(&store.outputs) {
        Ok(free) if free < store.min_free => Err(Problem::store_full(format!(
            "{free} are free for pictures, and {} are kept back (store.min_free_mib).",
            store.min_free
        ))),
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::debug!(%error, "the room for pictures is not known");
            Ok(())
        }
    }
}

fn unreadable(error: &object_store::Error) -> Problem {
    if matches!(error, object_store::Error::NotFound { .. }) {
        tracing::error!(%error, "a picture's file is missing");
        return Problem::not_found("The picture is known, but its file is not in the store.");
    }
    tracing::error!(%error, "the store can't be read");
    Problem::unavailable("The picture's file can't be read at the moment.")
}

/// Whether a list of `ETag`s names this one.
fn names(list: Option<&str>, etag: &str) -> bool {
    list.is_some_and(|list| {
        list.split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// One range inside of the file.
    Part(Range<u64>),
    /// Nothing of the file.
    Outside,
    /// No range that we read; RFC 9110 lets a server answer with the whole.
    All,
}

fn parse_range(text: &str, size: u64) -> Asked {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Asked::All;
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..size.min(last.saturating_add(1)),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(tail)) if first.is_empty() => size.saturating_sub(tail)..size,
        _ => return Asked::All,
    };
    if range.is_empty() {
        Asked::Outside
    } else {
        Asked::Part(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file() {
        assert_eq!(parse_range("bytes=0-9", 100), Asked::Part(0..10));
        assert_eq!(parse_range("bytes=90-1000", 100), Asked::Part(90..100));
        assert_eq!(parse_range("bytes=90-", 100), Asked::Part(90..100));
        assert_eq!(parse_range("bytes=-10", 100), Asked::Part(90..100));
        assert_eq!(parse_range("bytes=-1000", 100), Asked::Part(0..100));
    }

    #[test]
    fn what_lies_outside_is_said_and_what_we_do_not_read_is_the_whole() {
        assert_eq!(parse_range("bytes=100-", 100), Asked::Outside);
        assert_eq!(parse_range("bytes=-0", 100), Asked::Outside);
        for whole in [
            "bytes=0-1,3-4",
            "bytes=9-3",
            "pages=1-2",
            "bytes=-",
            "bytes=a-b",
        ] {
            assert_eq!(parse_range(whole, 100), Asked::All, "{whole}");
        }
    }

    #[test]
    fn etags_match_in_lists_and_when_weak() {
        assert!(names(Some("\"a\", W/\"b\""), "\"b\""));
        assert!(names(Some("*"), "\"b\""));
        assert!(!names(Some("\"a\""), "\"b\""));
        assert!(!names(None, "\"b\""));
    }
}
