//! The name under which this host's devices and workers are known.

use std::path::Path;

use sha2::{Digest, Sha256};

/// Why this host has no name.
#[derive(Debug, thiserror::Error)]
pub enum HostIdError {
    /// The configured name can't be part of a device's id.
    #[error(
        "the host name {0:?} is not made of letters, digits, '.', '_' and '-' (1 to 64 of them)"
    )]
    Invalid(String),
    /// No name is configured and the machine's id can't be read.
    #[error("no host name is configured and {path} can't be read")]
    NoMachineId {
        /// The file with the machine's id.
        path: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// No name is configured and the machine's id is empty, as in a fresh container.
    #[error("no host name is configured and {0} is empty")]
    EmptyMachineId(&'static str),
}

const MACHINE_ID: &str = "/etc/machine-id";

/// The configured host name, or one derived from `/etc/machine-id`: the machine's id itself is confidential
/// (machine-id(5)), this name is shown to users.
///
/// # Errors
/// [`HostIdError`]: the configured name is invalid, or there is none and the machine has no id.
pub fn host_id(configured: Option<&str>) -> Result<String, HostIdError> {
    match configured {
        Some(name) => valid(name),
        None => derived(Path::new(MACHINE_ID)),
    }
}

fn valid(name: &str) -> Result<String, HostIdError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if (1..=64).contains(&name.len()) && name.chars().all(allowed) {
        Ok(name.to_owned())
    } else {
        Err(HostIdError::Invalid(name.to_owned()))
    }
}

fn derived(path: &Path) -> Result<String, HostIdError> {
    let id = std::fs::read_to_string(path).map_err(|source| HostIdError::NoMachineId {
        path: MACHINE_ID,
        source,
    })?;
    let id = id.trim();
    if id.is_empty() {
        return Err(HostIdError::EmptyMachineId(MACHINE_ID));
    }
    let digest = Sha256::new()
        .chain_update("mysticanvas host\n")
        .chain_update(id)
        .finalize();
    Ok(hex::encode(&digest[..6]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_name_is_kept() {
        assert_eq!(host_id(Some("gpu-1.lab")).unwrap(), "gpu-1.lab");
    }

    #[test]
    fn a_name_that_would_break_a_device_id_is_refused() {
        let long = "x".repeat(65);
        for name in ["", "a/b", "two words", "é", long.as_str()] {
            assert!(
                matches!(host_id(Some(name)), Err(HostIdError::Invalid(_))),
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_derived_name_is_stable_short_and_hides_the_machine_id() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        std::fs::write(&one, "0123456789abcdef0123456789abcdef\n").unwrap();
        std::fs::write(&two, "fedcba9876543210fedcba9876543210\n").unwrap();
        let name = derived(&one).unwrap();
        assert_eq!(name, derived(&one).unwrap());
        assert_ne!(name, derived(&two).unwrap());
        assert_eq!(valid(&name).unwrap(), name);
        assert!(!"0123456789abcdef0123456789abcdef".contains(&name));
    }

    #[test]
    fn a_machine_without_an_id_needs_a_configured_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("machine-id");
        assert!(matches!(
            derived(&path),
            Err(HostIdError::NoMachineId { .. })
        ));
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(
            derived(&path),
            Err(HostIdError::EmptyMachineId(_))
        ));
    }
}
