//! Who may come in: host names, other sites' pages, API keys.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use mystic_process::config::Api;

use crate::extract::header_text;
use crate::problem::Problem;
use crate::state::App;

/// The owner of what is done without a key.
pub const LOCAL: &str = "local";

/// Whose request this is: the name of its API key, or [`LOCAL`].
#[derive(Clone, Debug)]
pub struct Owner(pub String);

/// The rules of one listening address.
#[derive(Debug)]
pub struct Guard {
    listen: IpAddr,
    names: Vec<String>,
}

impl Guard {
    /// The rules for an API that listens on `listen`.
    pub fn new(listen: SocketAddr, api: &Api) -> Self {
        let public = api.public_url.as_ref().and_then(|url| url.host_str());
        let configured = api.allowed_hosts.iter().map(String::as_str).chain(public);
        let names = configured.chain(["localhost"]).map(bare).collect();
        Self {
            listen: listen.ip(),
            names,
        }
    }

    /// Whether only this machine can reach us.
    pub fn is_loopback(&self) -> bool {
        self.listen.is_loopback()
    }

    /// Whether `host` (with or without a port) is a name of ours. A page that rebinds its own name to our address
    /// can't forge one; addresses can't be rebound, so those that we may have are let in.
    fn knows(&self, host: &str) -> bool {
        let host = bare(host);
        match host.parse::<IpAddr>() {
            Ok(address) => {
                address.is_loopback() || address == self.listen || self.listen.is_unspecified()
            }
            Err(_) => self.names.contains(&host),
        }
    }
}

/// A host without its port and brackets, in lower case.
fn bare(host: &str) -> String {
    let host = host.trim().to_ascii_lowercase();
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default().to_owned();
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name.to_owned(),
        _ => host,
    }
}

/// Refuses host names that aren't ours, and changes that other sites' pages ask for.
pub async fn check_site(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let headers = request.headers();
    let host = header_text(headers, header::HOST.as_str())
        .or_else(|| request.uri().host())
        .unwrap_or_default();
    if !app.guard.knows(host) {
        return Err(Problem::misdirected(
            "This host name is not one of ours; api.allowed_hosts lists the others.",
        )
        .about("host", Some(host.to_owned()), None));
    }
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if changes && let Some(origin) = header_text(headers, header::ORIGIN.as_str()) {
        let ours = origin
            .parse::<Uri>()
            .ok()
            .and_then(|uri| uri.host().map(|host| app.guard.knows(host)));
        if ours != Some(true) {
            return Err(
                Problem::cross_site("Pages of other sites can't change anything here.").about(
                    "origin",
                    Some(origin.to_owned()),
                    None,
                ),
            );
        }
    }
    Ok(next.run(request).await)
}

/// Finds the request's owner: a key's name, or `local` where this machine alone can reach us and no key was sent.
pub async fn find_owner(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let owner = match bearer(request.headers())? {
        Some(bearer) => app
            .store
            .key_owner(crate::keys::hash(&bearer))
            .await?
            .ok_or_else(|| Problem::unauthorized("This API key is not known."))?,
        None if app.guard.is_loopback() => LOCAL.to_owned(),
        None => {
            return Err(Problem::unauthorized(
                "Send `Authorization: Bearer <API key>`.",
            ));
        }
    };
    request.extensions_mut().insert(Owner(owner));
    Ok(next.run(request).await)
}

/// The key that a request carries: as a bearer, or as a Basic password, which browsers ask for by themselves.
pub fn bearer(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let unreadable =
        || Problem::unauthorized("The Authorization header is neither a bearer nor Basic.");
    let (scheme, rest) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(unreadable)?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Ok(Some(rest.trim().to_owned())),
        "basic" => {
            let pair = BASE64_STANDARD
                .decode(rest.trim())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            let key = pair
                .as_deref()
                .and_then(|pair| pair.split_once(':'))
                .map(|(_, key)| key.to_owned());
            key.map(Some).ok_or_else(unreadable)
        }
        _ => Err(unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(listen: &str, allowed: &[&str]) -> Guard {
        let api = Api {
            allowed_hosts: allowed.iter().map(ToString::to_string).collect(),
            ..Api::default()
        };
        Guard::new(listen.parse().expect("an address"), &api)
    }

    #[test]
    fn only_loopback_names_and_configured_ones_are_ours() {
        let guard = guard("127.0.0.1:8787", &["Canvas.example"]);
        for ours in [
            "localhost",
            "LOCALHOST:8787",
            "127.0.0.1:1",
            "[::1]:8787",
            "::1",
            "canvas.example:443",
        ] {
            assert!(guard.knows(ours), "{ours}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "192.168.0.7",
            "127.0.0.1.nip.io",
            "[::2]",
        ] {
            assert!(!guard.knows(other), "{other}");
        }
    }

    #[test]
    fn an_open_address_is_reached_by_any_address_but_not_by_any_name() {
        let guard = guard("0.0.0.0:8787", &[]);
        assert!(guard.knows("192.168.0.7:8787"));
        assert!(!guard.knows("rebound.example:8787"));
    }

    use mystic_domain::JobId;

    use crate::server::StartError;
    use crate::testing::{TestApi, body, generate, problem};

    /// An address that is not loopback and yet reaches nobody else.
    const OPEN: &str = "0.0.0.0:0";

    #[tokio::test]
    async fn an_open_address_without_a_key_is_refused_and_says_how_to_make_one() {
        let open = TestApi::prepared(
            |config| config.api.listen = OPEN.parse().expect("an address"),
            async |_| {},
        );
        let Err(error) = open.await else {
            panic!("it starts")
        };
        assert!(matches!(error, StartError::Open(_)));
        assert!(
            error.to_string().contains("mystic keys create NAME"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn off_loopback_every_route_wants_the_key_and_jobs_belong_to_it() {
        let mut key = String::new();
        let open = |config: &mut mystic_process::Config| {
            config.api.listen = OPEN.parse().expect("an address");
        };
        let api = TestApi::prepared(open, async |store| {
            key = crate::keys::create(store, "ada").await.expect("a key");
        });
        let api = api.await.expect("it starts");
        let job = JobId::generate();
        for path in [
            "jobs",
            "queue",
            "images",
            "devices",
            "workers",
            "presets",
            "events",
            &format!("jobs/{job}"),
        ] {
            let answer = api
                .get(&format!("/api/v1/{path}"))
                .send()
                .await
                .expect("an answer");
            assert!(answer.headers().contains_key("www-authenticate"));
            problem(answer, 401).await;
        }
        problem(api.submit(&generate()).await, 401).await;
        let post = api.post("/api/v1/jobs").json(&generate());
        let wrong = post
            .try_clone()
            .expect("a copy")
            .bearer_auth("mystic_0000")
            .send()
            .await;
        problem(wrong.expect("an answer"), 401).await;
        let accepted = post
            .try_clone()
            .expect("a copy")
            .bearer_auth(&key)
            .send()
            .await
            .expect("an answer");
        assert_eq!(accepted.status(), 202);
        assert_eq!(body(accepted).await["owner"], "ada");
        let basic = post
            .basic_auth("anybody", Some(&key))
            .send()
            .await
            .expect("an answer");
        assert_eq!(body(basic).await["owner"], "ada");
        let health = api.get("/health").send().await.expect("an answer");
        assert_ne!(health.status(), 401);
    }

    #[tokio::test]
    async fn on_loopback_no_key_is_local_and_a_wrong_one_is_refused() {
        let api = TestApi::start().await;
        assert_eq!(body(api.submit(&generate()).await).await["owner"], "local");
        let wrong = api
            .get("/api/v1/jobs")
            .bearer_auth("mystic_0000")
            .send()
            .await;
        problem(wrong.expect("an answer"), 401).await;
        let key = crate::keys::create(&api.store, "ada").await.expect("a key");
        let ours = api
            .post("/api/v1/jobs")
            .json(&generate())
            .bearer_auth(key)
            .send()
            .await
            .expect("an answer");
        assert_eq!(body(ours).await["owner"], "ada");
    }

    #[tokio::test]
    async fn other_host_names_and_other_sites_are_refused() {
        let api = TestApi::start().await;
        let rebound = api
            .get("/api/v1/jobs")
            .header("host", "rebound.example")
            .send()
            .await;
        assert_eq!(
            problem(rebound.expect("an answer"), 421).await["value"],
            "rebound.example"
        );
        let page = api.get("/").header("host", "rebound.example").send().await;
        problem(page.expect("an answer"), 421).await;
        let from = async |origin: &str| {
            let post = api
                .post("/api/v1/jobs")
                .json(&generate())
                .header("origin", origin);
            post.send().await.expect("an answer")
        };
        problem(from("https://evil.example").await, 403).await;
        problem(from("null").await, 403).await;
        assert_eq!(from(&api.url).await.status(), 202);
    }

    #[tokio::test]
    async fn a_key_is_kept_only_as_its_hash_and_its_name_is_checked() {
        let api = TestApi::start().await;
        let key = crate::keys::create(&api.store, "ada").await.expect("a key");
        assert_eq!(key.len(), "mystic_".len() + 64);
        assert_eq!(
            api.store
                .key_owner(crate::keys::hash(&key))
                .await
                .expect("read")
                .as_deref(),
            Some("ada")
        );
        for name in ["ada", "local", "", "a b", "-a", &"a".repeat(65)] {
            assert!(
                crate::keys::create(&api.store, name).await.is_err(),
                "{name}"
            );
        }
    }
}
