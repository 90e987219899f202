//! Letting in machines that share no directory with us: what `api worker-access` does.

use std::time::Duration;

use mystic_process::config::SecretUrl;
use mystic_store::{JoinKeyRecord, Machine, Store};
use url::Url;

use crate::keys::{self, KeyError};

/// What begins every join key, after what begins every secret of ours.
const JOIN: &str = "join_";

/// What a machine needs, and nothing can show again.
pub struct Granted {
    /// The database, under the machine's own role.
    pub database: String,
    /// The machine's join key.
    pub join_key: String,
}

/// Lets a machine in, for good or for a while. It reaches the database of `ours` at `host` where that is given.
///
/// # Errors
/// It is in already, roles can't be made, or the database is away.
pub async fn grant(
    store: &Store,
    ours: &SecretUrl,
    machine: &Machine,
    life: Option<Duration>,
    host: Option<&str>,
) -> Result<Granted, KeyError> {
    let (password, join_key) = (keys::secret("")?, keys::secret(JOIN)?);
    let role = store
        .grant_access(machine, &password, keys::hash(&join_key), life)
        .await?;
    Ok(Granted {
        database: theirs(ours, &role, &password, host),
        join_key,
    })
}

/// Our URL of the database as another machine would write it.
fn theirs(ours: &SecretUrl, role: &str, password: &str, host: Option<&str>) -> String {
    let ours = Url::parse(ours.expose()).ok();
    let address = ours.as_ref().and_then(|url| {
        let name = url.host_str().filter(|name| !name.is_empty())?;
        Some(match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        })
    });
    let address = host.map(str::to_owned).or(address);
    let address = address.as_deref().unwrap_or("localhost");
    let database = ours.as_ref().map_or("/mystic", Url::path);
    format!("postgres://{role}:{password}@{address}{database}")
}

/// A line about a machine.
#[must_use]
pub fn line(machine: &JoinKeyRecord) -> String {
    let JoinKeyRecord {
        name,
        created_at,
        expires_at,
        revoked_at,
        tokens,
    } = machine;
    let state = match (revoked_at, expires_at) {
        (Some(at), _) => format!("revoked {at:.0}"),
        (None, Some(at)) => format!("until {at:.0}"),
        (None, None) => "for good".to_owned(),
    };
    format!("{name:40}  since {created_at:.0}  {state}  {tokens} tokens")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_s_url_names_its_role_and_the_address_that_it_reaches() {
        let written = |ours: &str, host: Option<&str>| {
            theirs(&SecretUrl::new(ours), "mystic_worker_studio", "pw", host)
        };
        let tcp = "postgres://mystic:secret@postgres:5432/canvas?sslmode=disable";
        assert_eq!(
            written(tcp, None),
            "postgres://mystic_worker_studio:pw@postgres:5432/canvas"
        );
        assert_eq!(
            written(tcp, Some("10.0.0.1:54320")),
            "postgres://mystic_worker_studio:pw@10.0.0.1:54320/canvas"
        );
        let socket = "postgres:///mystic?host=/run/postgresql";
        assert_eq!(
            written(socket, None),
            "postgres://mystic_worker_studio:pw@localhost/mystic"
        );
    }
}
