//! The page, built into the program.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::extract::header_text;
use crate::problem::Problem;

#[derive(RustEmbed)]
#[folder = "../frontend/dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";
/// Encodings that the page's build writes each text in, best first, and what such a twin is called after its file.
/// Browsers take brotli from their own machine or over TLS alone.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];
/// Files under here carry a hash of their content in their name.
const HASHED: &str = "assets/";
const NO_SCRIPT_BUT_OURS: &str = "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// A file of the page, or the page itself for paths that its own router knows.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    serve_from::<Dist>(&method, &uri, &headers)
}

fn serve_from<Pages: RustEmbed>(method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return Problem::not_found(format!("There is nothing at {}.", uri.path())).into_response();
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let problem = Problem::method_not_allowed("Pages are read with GET.");
        return ([(header::ALLOW, "GET, HEAD")], problem).into_response();
    }
    if path.split('/').any(|part| part == "..") {
        return Problem::not_found(format!("There is nothing at {}.", uri.path())).into_response();
    }
    let twin = ENCODINGS.iter().any(|(_, after)| path.ends_with(after));
    let own = !path.is_empty() && !twin;
    if let Some(file) = Pages::get(path).filter(|_| own) {
        return answer::<Pages>(path, file, headers);
    }
    // A missing file is an error, a path without an extension is a view of the page.
    if path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains('.'))
    {
        return Problem::not_found(format!("There is nothing at {}.", uri.path())).into_response();
    }
    match Pages::get(INDEX) {
        Some(index) => answer::<Pages>(INDEX, index, headers),
        None => {
            Problem::not_found("This program was built without its page; the API is at /api/docs.")
                .into_response()
        }
    }
}

fn answer<Pages: RustEmbed>(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let kind = file.metadata.mimetype().to_owned();
    let mut twins = ENCODINGS.iter().filter(|(name, _)| takes(headers, name));
    let twin = twins.find_map(|(name, after)| Some((name, Pages::get(&format!("{path}{after}"))?)));
    let (encoding, file) = match twin {
        Some((name, twin)) => (Some(HeaderValue::from_static(name)), twin),
        None => (None, file),
    };
    let etag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let cache = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let about = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, cache.to_owned()),
        (header::VARY, header::ACCEPT_ENCODING.to_string()),
        (
            header::CONTENT_SECURITY_POLICY,
            NO_SCRIPT_BUT_OURS.to_owned(),
        ),
    ];
    if header_text(headers, header::IF_NONE_MATCH.as_str()) == Some(etag.as_str()) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let mut answer = (about, [(header::CONTENT_TYPE, kind)], Body::from(file.data)).into_response();
    if let Some(encoding) = encoding {
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_ENCODING, encoding);
    }
    answer
}

/// Whether an encoding is among those that the client takes.
fn takes(headers: &HeaderMap, encoding: &str) -> bool {
    let taken = header_text(headers, header::ACCEPT_ENCODING.as_str()).unwrap_or_default();
    taken.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").map(str::parse::<f32>);
        name.trim() == encoding
            && weight.is_none_or(|weight| weight.is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(RustEmbed)]
    #[folder = "tests/page"]
    struct Page;

    #[derive(RustEmbed)]
    #[folder = "tests/no-page"]
    #[allow_missing = true]
    struct NoPage;

    fn get<Pages: RustEmbed>(path: &str, headers: &HeaderMap) -> Response {
        serve_from::<Pages>(&Method::GET, &path.parse().expect("a path"), headers)
    }

    fn header(response: &Response, name: header::HeaderName) -> &str {
        response.headers()[name].to_str().expect("text")
    }

    #[test]
    fn the_page_answers_for_its_own_views_and_allows_no_inline_script() {
        for path in ["/", "/jobs/1", "/index.html"] {
            let page = get::<Page>(path, &HeaderMap::new());
            assert_eq!(page.status(), 200, "{path}");
            assert_eq!(header(&page, header::CONTENT_TYPE), "text/html");
            assert_eq!(header(&page, header::CACHE_CONTROL), "no-cache");
            let policy = header(&page, header::CONTENT_SECURITY_POLICY);
            assert!(
                policy.contains("default-src 'self'") && !policy.contains("unsafe"),
                "{policy}"
            );
        }
    }

    #[test]
    fn hashed_files_are_kept_for_ever_and_not_sent_twice() {
        let file = get::<Page>("/assets/app-3f2a.js", &HeaderMap::new());
        assert!(header(&file, header::CACHE_CONTROL).contains("immutable"));
        assert_eq!(header(&file, header::CONTENT_TYPE), "text/javascript");
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, file.headers()[header::ETAG].clone());
        assert_eq!(get::<Page>("/assets/app-3f2a.js", &headers).status(), 304);
    }

    #[test]
    fn a_client_gets_the_best_encoding_that_it_takes() {
        for (taken, best) in [
            ("gzip, deflate, br", "br"),
            ("br;q=0.5, *;q=0", "br"),
            ("gzip", "gzip"),
            ("br;q=0, gzip", "gzip"),
            ("brotli", ""),
            ("", ""),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, taken.parse().expect("a value"));
            let file = get::<Page>("/assets/app-3f2a.js", &headers);
            assert_eq!(header(&file, header::CONTENT_TYPE), "text/javascript");
            assert_eq!(header(&file, header::VARY), "accept-encoding");
            let encoding = file.headers().get(header::CONTENT_ENCODING);
            let encoding = encoding.map_or("", |it| it.to_str().expect("text"));
            assert_eq!(encoding, best, "{taken}");
            headers.insert(header::IF_NONE_MATCH, file.headers()[header::ETAG].clone());
            assert_eq!(get::<Page>("/assets/app-3f2a.js", &headers).status(), 304);
        }
    }

    #[test]
    fn what_is_not_of_the_page_is_not_served() {
        for path in [
            "/assets/app-3f2a.js.br",
            "/assets/missing.js",
            "/../Cargo.toml",
            "/..%2FCargo.toml",
            "/assets/../../../Cargo.toml",
        ] {
            assert_eq!(get::<Page>(path, &HeaderMap::new()).status(), 404, "{path}");
        }
        assert_eq!(get::<NoPage>("/", &HeaderMap::new()).status(), 404);
    }
}
