use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The programs of one installed `PostgreSQL` version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresPrograms {
    /// Directory that holds `postgres` and `initdb`.
    pub bin: PathBuf,
}

impl PostgresPrograms {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// Finds a program on `PATH`.
#[must_use]
pub fn find_on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| file.is_file())
}

/// Finds `PostgreSQL`: the major version asked for, or the highest one that is installed.
///
/// # Errors
/// [`Error::ProgramMissing`] when there is none.
pub fn find_postgres(version: Option<&str>) -> Result<PostgresPrograms> {
    let mut found: Vec<(u32, PathBuf)> = versions_below("/usr/lib/postgresql", "", "bin")
        .chain(versions_below("/usr", "pgsql-", "bin"))
        .collect();
    found.sort();
    let installed = match version {
        Some(wanted) => found
            .iter()
            .find(|(version, _)| version.to_string() == wanted),
        None => found.last(),
    };
    if let Some((_, bin)) = installed {
        return Ok(PostgresPrograms { bin: bin.clone() });
    }
    find_on_path("initdb")
        .and_then(|initdb| initdb.canonicalize().ok())
        .and_then(|initdb| initdb.parent().map(Path::to_owned))
        .filter(|bin| bin.join("postgres").is_file())
        .map(|bin| PostgresPrograms { bin })
        .ok_or(Error::ProgramMissing {
            program: "postgres",
            package: "postgresql",
        })
}

/// Finds `redis-server`.
///
/// # Errors
/// [`Error::ProgramMissing`] when there is none.
pub fn find_redis() -> Result<PathBuf> {
    find_on_path("redis-server")
        .or_else(|| Some(PathBuf::from("/usr/bin/redis-server")).filter(|file| file.is_file()))
        .ok_or(Error::ProgramMissing {
            program: "redis-server",
            package: "redis-server",
        })
}

fn versions_below(
    root: &str,
    prefix: &'static str,
    bin: &'static str,
) -> impl Iterator<Item = (u32, PathBuf)> {
    std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(move |entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            let bin = entry.path().join(bin);
            (bin.join("initdb").is_file() && bin.join("postgres").is_file())
                .then_some((version, bin))
        })
}
