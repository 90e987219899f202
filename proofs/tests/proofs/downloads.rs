//! A model's download that is broken off from outside: by Ctrl-C, by a full disk, by the death of the API. What came stays
//! beside its place, and the next call asks for the rest alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mystic_testkit::{FileServer, Manners, program, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::models::Models;
use crate::stack::{API, Stack};

const TENSOR: usize = 4 << 20;
const STALLS_AFTER: usize = 1 << 20;

/// A model of one tensor, as safetensors.
fn content() -> Vec<u8> {
    let header = format!(
        "{{\"a\":{{\"dtype\":\"U8\",\"shape\":[{TENSOR}],\"data_offsets\":[0,{TENSOR}]}}}}"
    );
    let length = (header.len() as u64).to_le_bytes();
    let tensor = (0..TENSOR).map(|at| at.to_le_bytes()[1] ^ at.to_le_bytes()[2]);
    length
        .into_iter()
        .chain(header.into_bytes())
        .chain(tensor)
        .collect()
}

/// A catalogue whose model `one` comes from this server.
fn catalogue(server: &FileServer, content: &[u8]) -> String {
    format!(
        "[[model]]\nname = \"one\"\narchitecture = \"\"\nlicence = \"MIT\"\n\
         [[model.file]]\npath = \"one.safetensors\"\nsize = {}\nsha256 = \"{}\"\nsource = {{ url = \"{}\" }}\n",
        content.len(),
        hex::encode(Sha256::digest(content)),
        server.url
    )
}

fn stalling(content: &[u8]) -> FileServer {
    let manners = Manners {
        stalls_after: STALLS_AFTER,
        ..Manners::KIND
    };
    FileServer::start(content.to_vec(), manners)
}

fn pull(dir: &Path) -> Command {
    let mut command = Command::new(program("mystic").expect("built"));
    command
        .arg("--set")
        .arg(format!("models.dir={}", dir.display()))
        .args(["models", "pull", "one"])
        .stdout(Stdio::null());
    command
}

/// The model's file below a directory, and the one that grows beside it.
fn files(dir: &Path) -> [PathBuf; 2] {
    ["one.safetensors", "one.safetensors.part"].map(|name| dir.join(name))
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |there| there.len())
}

/// That the file was asked for twice, the second time from where the first broke off.
fn assert_gone_on_with(server: &FileServer, at_least: usize) {
    let asked = server.asked();
    assert!(
        matches!(asked[..], [None, Some(from)] if from >= at_least && from < TENSOR),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_pull_that_ctrl_c_breaks_off_keeps_what_came_and_the_next_asks_for_the_rest() {
    let content = content();
    let server = stalling(&content);
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    fs::write(dir.join("catalog.toml"), catalogue(&server, &content)).expect("written");
    let [whole, part] = files(dir);
    // Whoever runs the tests in the background has Ctrl-C ignored, and so would all that is started from there.
    let command = pull(dir);
    let mut pulling = Command::new("env")
        .arg("--default-signal=INT")
        .arg(command.get_program())
        .args(command.get_args())
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs");
    wait_until("the bytes to come", async || {
        size(&part) == STALLS_AFTER as u64
    })
    .await;
    let pid = i32::try_from(pulling.id()).expect("a process id");
    kill(Pid::from_raw(pid), Signal::SIGINT).expect("it is there");
    let ended = pulling.wait().expect("it ends");
    assert!(!ended.success());
    assert!(!whole.exists());
    assert_eq!(size(&part), STALLS_AFTER as u64);

    server.go_on();
    let again = pull(dir).output().expect("it runs");
    assert!(again.status.success(), "{again:?}");
    assert_eq!(fs::read(&whole).expect("there"), content);
    assert!(!part.exists());
    assert_gone_on_with(&server, STALLS_AFTER);
}

#[test]
fn a_pull_that_fills_the_disk_says_so_and_the_next_goes_on_where_there_is_room() {
    const SCRIPT: &str = r#"
        dir=$1 mystic=$2
        pull() { "$mystic" --set "models.dir=$dir" models pull one; }
        mount -t tmpfs -o size=2m models "$dir" && cp "$dir.toml" "$dir/catalog.toml" || exit 10
        pull && exit 11
        test ! -e "$dir/one.safetensors" && test -s "$dir/one.safetensors.part" || exit 12
        mount -o remount,size=16m "$dir" || exit 13
        pull && cp "$dir/one.safetensors" "$dir.safetensors" || exit 14
    "#;
    let content = content();
    let server = FileServer::start(content.clone(), Manners::KIND);
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("models");
    fs::create_dir(&dir).expect("made");
    fs::write(dir.with_extension("toml"), catalogue(&server, &content)).expect("written");
    // A disk of its own, in namespaces where everybody may mount one, gone with the last process in them.
    let pulled = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"])
        .arg(&dir)
        .arg(program("mystic").expect("built"))
        .output()
        .expect("it runs");
    assert!(pulled.status.success(), "{pulled:?}");
    let said = String::from_utf8_lossy(&pulled.stderr);
    assert!(said.contains("No space left on device"), "{said}");
    let brought = fs::read(dir.with_extension("safetensors"));
    assert_eq!(brought.expect("there"), content);
    assert_gone_on_with(&server, STALLS_AFTER);
}

#[tokio::test]
async fn a_pull_over_rest_outlives_the_api_that_was_killed_in_it() {
    let content = content();
    let server = stalling(&content);
    let models = Models::new(&[("painter", 1)], 1);
    let catalogue = catalogue(&server, &content);
    fs::write(models.path().join("catalog.toml"), catalogue).expect("written");
    let mut stack = Stack::with_models(models.path()).await;
    stack.post("models/one/pull").await;
    let [whole, part] = files(models.path());
    stack
        .when("the bytes to come", async || {
            size(&part) == STALLS_AFTER as u64
        })
        .await;
    stack.kill(API);
    stack
        .when("the end of the API", async || stack.has_ended(API))
        .await;
    assert!(!whole.exists());
    server.go_on();
    stack.restart_api().await;
    let operation = async || -> Value {
        let url = format!("{}/api/v1/models", stack.url);
        let answer = stack.http.get(url).send().await.expect("an answer");
        let shown: Value = answer.json().await.expect("JSON");
        shown["catalogue"][0]["operation"].clone()
    };
    stack
        .when("the pull to end", async || {
            operation().await["state"] != "running"
        })
        .await;
    let ended = operation().await;
    assert_eq!(ended["state"], "done", "{ended}");
    assert_eq!(fs::read(&whole).expect("there"), content);
    assert_gone_on_with(&server, STALLS_AFTER);
}
