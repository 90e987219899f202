use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::{At, Error, Result};
use crate::home::Home;
use crate::kept::Kept;
use crate::programs::{PostgresPrograms, find_postgres};

const READY_WITHIN: Duration = Duration::from_mins(1);
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
const ORPHAN_GONE_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);

/// Whether what was committed must survive a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It must.
    Kept,
    /// It need not: for tests, which are quicker so.
    Disposable,
}

/// Who can reach a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Its own user, over a socket file.
    Private,
    /// Other machines too, on its usual port of every address: for tests in networks of their own.
    Network,
}

/// Who comes over the network needs a password.
const NETWORK_RULES: &str = "local all all trust\nhost all all all scram-sha-256\n";

/// A private `PostgreSQL` server, stopped when this value is dropped.
#[derive(Debug)]
pub struct Postgres {
    child: Kept,
    sockets: PathBuf,
    durability: Durability,
}

impl Postgres {
    /// Name of the superuser.
    pub const USER: &str = "mystic";
    /// Name of the database that a new cluster has.
    pub const DATABASE: &str = "mystic";

    /// Starts the server in `home` and waits until it takes connections. A cluster is made on
    /// the first start and found again on every later one.
    ///
    /// # Errors
    /// [`Error::ProgramMissing`], [`Error::VersionMissing`], [`Error::Ended`],
    /// [`Error::NotReady`] and [`Error::Io`].
    pub fn start(home: &Home, durability: Durability) -> Result<Self> {
        Self::start_with(home, durability, Exposure::Private, &[])
    }

    /// As [`Postgres::start`], with these variables in the server's environment.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_with(
        home: &Home,
        durability: Durability,
        exposure: Exposure,
        environment: &[(OsString, OsString)],
    ) -> Result<Self> {
        let data = home.data().join("postgres");
        let programs = programs_for(&data)?;
        if !data.join("PG_VERSION").is_file() {
            make_cluster(home, &programs, &data, durability)?;
        }
        end_orphan(&data)?;

        let (log_path, mut log) = home.log("postgres.log")?;
        let log_start = log.seek(SeekFrom::End(0)).at("cannot read", &log_path)?;
        let mut command = home.command(&programs.program("postgres"));
        command.arg("-D").arg(&data);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        for setting in settings(home.sockets(), durability) {
            command.arg("-c").arg(setting);
        }
        if exposure == Exposure::Network {
            let rules = home.data().join("pg_hba.network.conf");
            fs::write(&rules, NETWORK_RULES).at("cannot write", &rules)?;
            command.args(["-c", "listen_addresses=*", "-c"]);
            command.arg(format!("hba_file={}", rules.display()));
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().at("cannot open", &log_path)?)
            .stderr(log);
        // SIGINT is Postgres' fast shutdown, SIGQUIT its immediate one.
        let death_signal = match durability {
            Durability::Kept => Signal::SIGINT,
            Durability::Disposable => Signal::SIGQUIT,
        };
        let child = Kept::start(command, death_signal).at("cannot start", &programs.bin)?;
        let server = Self {
            child,
            sockets: home.sockets().to_owned(),
            durability,
        };
        server.wait_ready(&data, &log_path, log_start)?;
        Ok(server)
    }

    /// Where a server in `home` listens.
    #[must_use]
    pub fn socket(home: &Home) -> PathBuf {
        home.sockets().join(".s.PGSQL.5432")
    }

    /// URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://{user}@localhost/{database}?host={host}",
            user = Self::USER,
            host = encode(&self.sockets),
        )
    }

    /// The server's process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// The server's process, to be watched.
    #[must_use]
    pub fn process(&self) -> &Kept {
        &self.child
    }

    fn wait_ready(&self, data: &Path, log: &Path, log_start: u64) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.child.ended() {
                return Err(Error::Ended {
                    program: "postgres",
                    status,
                    log: tail(log, log_start),
                });
            }
            if postmaster(data).is_some_and(|seen| seen.pid == self.pid() && seen.ready) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::NotReady {
                    program: "postgres",
                    seconds: READY_WITHIN.as_secs(),
                    log: tail(log, log_start),
                });
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let gentle = match self.durability {
            Durability::Kept => Signal::SIGINT,
            Durability::Disposable => Signal::SIGQUIT,
        };
        self.child.stop(gentle, STOPPED_WITHIN);
    }
}

fn settings(sockets: &Path, durability: Durability) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=".to_owned(),
        format!("unix_socket_directories={}", quoted(sockets)),
        "unix_socket_permissions=0700".to_owned(),
        "port=5432".to_owned(),
        "max_connections=300".to_owned(),
        "logging_collector=off".to_owned(),
    ];
    if durability == Durability::Disposable {
        settings.extend(
            [
                "fsync=off",
                "full_page_writes=off",
                "synchronous_commit=off",
                "autovacuum=off",
            ]
            .map(str::to_owned),
        );
    }
    settings
}

/// The setting is a comma-separated list of identifiers.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('"', "\"\""))
}

fn encode(path: &Path) -> String {
    let mut text = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn programs_for(data: &Path) -> Result<PostgresPrograms> {
    let Ok(text) = fs::read_to_string(data.join("PG_VERSION")) else {
        return find_postgres(None);
    };
    let version = text.trim();
    let programs = find_postgres(Some(version)).map_err(|_| Error::VersionMissing {
        data: data.to_owned(),
        version: version.to_owned(),
    })?;
    Ok(programs)
}

/// Makes the cluster beside its place and renames it, so that a half-made one is never used.
fn make_cluster(
    home: &Home,
    programs: &PostgresPrograms,
    data: &Path,
    durability: Durability,
) -> Result<()> {
    let unfinished = home.data().join("postgres.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).at("cannot remove", &unfinished)?;
    }
    home.private_dir("postgres.new")?;
    let mut initdb = home.command(&programs.program("initdb"));
    initdb
        .arg("-D")
        .arg(&unfinished)
        .args(["-U", Postgres::USER])
        .args(["--auth-local=trust", "--auth-host=reject"])
        .args(["--encoding=UTF8", "--locale=C.UTF-8"]);
    if durability == Durability::Disposable {
        initdb.arg("--no-sync");
    }
    finish("initdb", initdb, &programs.bin)?;

    let mut single = home.command(&programs.program("postgres"));
    single
        .args(["--single", "-D"])
        .arg(&unfinished)
        .arg("postgres");
    let statement = unfinished.join("create-database");
    fs::write(
        &statement,
        format!("CREATE DATABASE {};\n", Postgres::DATABASE),
    )
    .at("cannot write", &statement)?;
    single.stdin(fs::File::open(&statement).at("cannot read", &statement)?);
    finish("postgres", single, &programs.bin)?;
    fs::remove_file(&statement).at("cannot remove", &statement)?;
    fs::rename(&unfinished, data).at("cannot rename", &unfinished)
}

fn finish(program: &'static str, mut command: std::process::Command, bin: &Path) -> Result<()> {
    let output = command.output().at("cannot start a program of", bin)?;
    if output.status.success() {
        return Ok(());
    }
    let mut log = String::from_utf8_lossy(&output.stdout).into_owned();
    log.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(Error::Ended {
        program,
        status: output.status,
        log: last_lines(&log),
    })
}

struct Postmaster {
    pid: u32,
    ready: bool,
}

fn postmaster(data: &Path) -> Option<Postmaster> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    // The eighth line is the status: starting, stopping, ready, standby.
    let ready = lines.nth(6).is_some_and(|status| status.trim() == "ready");
    Some(Postmaster { pid, ready })
}

/// We hold the directory's lock: a server that still runs in it has lost its parent and is about
/// to end, and a file that names any other process is left over from a crash.
fn end_orphan(data: &Path) -> Result<()> {
    let Some(Postmaster { pid, .. }) = postmaster(data) else {
        return Ok(());
    };
    let cwd = PathBuf::from(format!("/proc/{pid}/cwd"));
    let lives = || fs::read_link(&cwd).is_ok_and(|cwd| cwd == data);
    let started = Instant::now();
    let mut asked = false;
    while lives() {
        let waited = started.elapsed();
        if waited > ORPHAN_GONE_WITHIN {
            return Err(Error::AlreadyRunning {
                pid,
                dir: data.to_owned(),
            });
        }
        if !asked && waited > Duration::from_secs(1) {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGINT);
            asked = true;
        }
        std::thread::sleep(POLL);
    }
    let file = data.join("postmaster.pid");
    match fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).at("cannot remove", &file)
        }
        _ => Ok(()),
    }
}

pub(crate) fn tail(log: &Path, from: u64) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = fs::File::open(log) {
        let _ = file.seek(SeekFrom::Start(from));
        let _ = file.read_to_end(&mut text);
    }
    last_lines(&String::from_utf8_lossy(&text))
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_url_keeps_its_slashes_and_escapes_the_rest() {
        assert_eq!(encode(Path::new("/a b/ü?")), "/a%20b/%C3%BC%3F");
    }

    #[test]
    fn only_the_status_line_says_that_the_server_is_ready() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("postmaster.pid");
        fs::write(&file, "7\n/data\n1\n5432\n/run\n\n 5 6\nstarting\n").unwrap();
        assert!(!postmaster(dir.path()).unwrap().ready);
        fs::write(&file, "7\n/data\n1\n5432\n/run\n\n 5 6\nready   \n").unwrap();
        let seen = postmaster(dir.path()).unwrap();
        assert!(seen.ready);
        assert_eq!(seen.pid, 7);
    }
}
