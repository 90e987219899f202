//! What a picture's file goes through on its way to the disk, as the kernel sees it.

use std::process::Command;

use super::*;

/// Where the traced half of the test finds its database, its outputs and its file.
const PLACE: &str = "MYSTIC_TEST_SHELF";

/// Puts one file. Runs under strace, started by the test below.
#[tokio::test]
#[ignore = "half of a test: the other half starts it under strace"]
async fn puts_one_file() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test has no configuration but its environment"
    )]
    let place = std::env::var(PLACE).expect("started by the other half");
    let (outputs, database) = place.split_once(' ').expect("two values");
    let store = Store::connect(database, 1).expect("a URL");
    let shelf = Shelf::open(store, Path::new(outputs), Mib(0), None).expect("a shelf");
    shelf.put(b"pixels".to_vec()).await.expect("put");
}

#[tokio::test]
async fn a_file_is_on_the_disk_before_it_has_its_name_and_its_folder_after() {
    let postgres = mystic_testkit::Postgres::start().await;
    let outputs = tempfile::tempdir().expect("a directory");
    let log = outputs.path().join("strace");
    let this = std::env::current_exe().expect("a program");
    let traced = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-e",
            "trace=fsync,fdatasync,rename,renameat,renameat2",
            "-o",
        ])
        .arg(&log)
        .arg(this)
        .args([
            "--exact",
            "picture::save::tests::puts_one_file",
            "--ignored",
        ])
        .env(
            PLACE,
            format!("{} {}", outputs.path().display(), postgres.url()),
        )
        .output()
        .expect("strace is installed (packages/test.txt)");
    let said = String::from_utf8_lossy(&traced.stdout);
    assert!(
        traced.status.success() && said.contains("1 passed"),
        "{said}"
    );

    let name = file_path(&hex::encode(Sha256::digest(b"pixels")));
    let file = outputs.path().join(&name);
    assert_eq!(std::fs::read(&file).expect("a file"), b"pixels");
    let calls = std::fs::read_to_string(&log).expect("a log");
    let place = |what: &str, call: &str, holds: &str| {
        let mut lines = calls.lines();
        let found = lines.position(|line| line.contains(call) && line.contains(holds));
        found.unwrap_or_else(|| panic!("no {what} among\n{calls}"))
    };
    // An unfinished file lies beside its place, under its name and a number.
    let unfinished = format!("{}#", file.display());
    let folder = format!("{}>", file.parent().expect("a folder").display());
    let synced = place("sync of the file", "sync(", &unfinished);
    let named = place("rename", "rename", &unfinished);
    let listed = calls
        .lines()
        .skip(named)
        .any(|line| line.contains("sync(") && line.contains(&folder));
    assert!(synced < named && listed, "{calls}");
}

#[tokio::test]
async fn a_file_is_announced_before_it_is_written_and_not_written_while_it_is_being_deleted() {
    let postgres = mystic_testkit::Postgres::start().await;
    let outputs = tempfile::tempdir().expect("a directory");
    let store = Store::connect(&postgres.url(), 1).expect("a URL");
    let shelf = Shelf::open(store.clone(), outputs.path(), Mib(0), None).expect("a shelf");
    let file = shelf.put(b"pixels".to_vec()).await.expect("put");
    let swept = store.sweep_files(std::time::Duration::ZERO).await;
    assert_eq!(
        swept.expect("swept"),
        [file],
        "the sweep knows what was announced"
    );
    let again = shelf.put(b"pixels".to_vec()).await;
    assert!(matches!(again, Err(SaveError::Deleting)), "{again:?}");
}

#[test]
fn a_full_disk_is_one_wherever_it_is() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    for error in [
        SaveError::Read(full),
        SaveError::Uplink(UplinkError::Full("no room".into())),
        SaveError::Full {
            free: Mib(1),
            min_free: Mib(2),
        },
    ] {
        assert_eq!(error.failure().kind, FailureKind::DiskFull, "{error}");
        assert!(!error.is_passing());
    }
    assert_eq!(SaveError::Pixels.failure().kind, FailureKind::Internal);
}
