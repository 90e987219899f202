//! The private services against the programs that are really installed.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mystic_services::{Durability, Error, Home, Kept, Postgres, Redis, find_postgres};
use nix::sys::signal::Signal;

fn place() -> tempfile::TempDir {
    place_with_mode(0o755)
}

fn place_with_mode(mode: u32) -> tempfile::TempDir {
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempdir()
        .unwrap()
}

fn psql(server: &Postgres, sql: &str) -> String {
    let program = find_postgres(None).unwrap().bin.join("psql");
    let output = Command::new(program)
        .args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
        .arg(server.url(Postgres::DATABASE))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn second_start_finds_the_data_of_the_first() {
    let dir = place();
    {
        let home = Home::open(dir.path()).unwrap();
        let server = Postgres::start(&home, Durability::Kept).unwrap();
        psql(&server, "CREATE TABLE kept AS SELECT 42 AS answer");
    }
    let home = Home::open(dir.path()).unwrap();
    let server = Postgres::start(&home, Durability::Kept).unwrap();
    assert_eq!(psql(&server, "SELECT answer FROM kept"), "42");
    drop(server);
    home.remove().unwrap();
}

#[test]
fn cluster_is_utf8_and_listens_on_no_port() {
    let dir = place();
    let home = Home::open(dir.path()).unwrap();
    let server = Postgres::start(&home, Durability::Disposable).unwrap();
    assert_eq!(psql(&server, "SHOW server_encoding"), "UTF8");
    assert_eq!(psql(&server, "SHOW listen_addresses"), "");
    assert_eq!(psql(&server, "SELECT upper('ü')"), "Ü");
    drop(server);
    home.remove().unwrap();
}

#[test]
fn killed_server_leaves_a_pid_file_that_the_next_start_survives() {
    let dir = place();
    let home = Home::open(dir.path()).unwrap();
    let server = Postgres::start(&home, Durability::Kept).unwrap();
    psql(&server, "CREATE TABLE kept AS SELECT 42 AS answer");
    let file = home.data().join("postgres/postmaster.pid");
    server.process().signal(Signal::SIGKILL);
    assert!(server.process().wait(Duration::from_secs(10)).is_some());
    drop(server);
    // The id of a process that lives and is not Postgres: this one.
    let text = std::fs::read_to_string(&file).unwrap();
    let rest = text.split_once('\n').unwrap().1;
    std::fs::write(&file, format!("{}\n{rest}", std::process::id())).unwrap();

    let server = Postgres::start(&home, Durability::Kept).unwrap();
    assert_eq!(psql(&server, "SELECT answer FROM kept"), "42");
    drop(server);
    home.remove().unwrap();
}

#[test]
fn second_holder_is_told_the_process_of_the_first() {
    let dir = place();
    let home = Home::open(dir.path()).unwrap();
    let error = Home::open(dir.path()).unwrap_err();
    assert!(
        matches!(error, Error::AlreadyRunning { pid, .. } if pid == std::process::id()),
        "{error}"
    );
    home.remove().unwrap();
}

#[test]
fn directory_below_a_closed_one_keeps_its_data_where_the_services_can_read() {
    let dir = place_with_mode(0o700);
    let deep = dir.path().join("a".repeat(60)).join("b".repeat(60));
    let home = Home::open(&deep).unwrap();
    let data = home.data().to_owned();
    let server = Postgres::start(&home, Durability::Disposable).unwrap();
    let redis = Redis::start(&home).unwrap();
    assert_eq!(psql(&server, "SELECT 1"), "1");
    if nix::unistd::Uid::effective().is_root() {
        assert!(!data.starts_with(dir.path()), "{}", data.display());
        let note = std::fs::read_to_string(deep.join("data-root")).unwrap();
        assert_eq!(Path::new(note.trim()), data);
    } else {
        assert!(data.starts_with(dir.path()), "{}", data.display());
    }
    drop((server, redis));
    home.remove().unwrap();
    assert!(!data.exists());
}

#[test]
fn redis_answers_until_it_is_dropped() {
    let dir = place();
    let home = Home::open(dir.path()).unwrap();
    let redis = Redis::start(&home).unwrap();
    let url = redis.url();
    let socket = Path::new(url.strip_prefix("redis+unix://").unwrap());
    assert!(UnixStream::connect(socket).is_ok());
    drop(redis);
    assert!(UnixStream::connect(socket).is_err());
    home.remove().unwrap();
}

#[test]
fn kept_child_reports_how_it_ended() {
    let mut command = Command::new("sh");
    command.args(["-c", "exit 7"]);
    let child = Kept::start(command, Signal::SIGKILL).unwrap();
    let status = child.wait(Duration::from_secs(10)).unwrap();
    assert_eq!(status.code(), Some(7));

    let mut command = Command::new("sh");
    command.args(["-c", "trap '' TERM; while :; do sleep 0.05; done"]);
    let child = Kept::start(command, Signal::SIGKILL).unwrap();
    child.stop(Signal::SIGTERM, Duration::from_millis(200));
    assert!(child.ended().is_some());
}
