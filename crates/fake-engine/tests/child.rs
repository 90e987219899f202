//! An engine child ends with its supervisor, whatever it is doing.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const ENGINE: &str = env!("CARGO_BIN_EXE_fake-engine");
const POLL: Duration = Duration::from_millis(10);
/// Polls before a process that should have ended counts as one that does not.
const POLLS: u32 = 3_000;

/// Waits until there is no such process, or only what is left of one that nobody has asked after.
fn assert_ends(pid: &str) {
    let living = || {
        let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    for _ in 0..POLLS {
        if !living() {
            return;
        }
        std::thread::sleep(POLL);
    }
    panic!("process {pid} lives on");
}

#[test]
fn a_child_whose_pipe_is_closed_ends() {
    let mut child = Command::new(ENGINE)
        .arg("engine")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut greeting = String::new();
    let mut events = BufReader::new(child.stdout.take().expect("a pipe"));
    events.read_line(&mut greeting).expect("a greeting");
    drop(child.stdin.take());
    assert_ends(&child.id().to_string());
    assert!(child.wait().expect("reaped").success());
}

#[test]
fn a_child_whose_supervisor_is_killed_ends_though_its_pipes_stay_open() {
    // The shell is the supervisor; both of the child's pipes are ours, and we keep them.
    let mut supervisor = Command::new("sh")
        .args(["-c", "exec 3<&0; \"$0\" engine <&3 & echo $!; wait", ENGINE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    // Taken out, since whoever waits for a process closes its standard input first.
    let commands = supervisor.stdin.take();
    let mut events = BufReader::new(supervisor.stdout.take().expect("a pipe"));
    let (mut first, mut second) = (String::new(), String::new());
    events.read_line(&mut first).expect("a line");
    events.read_line(&mut second).expect("a line");
    // The shell's line and the child's greeting come in either order.
    let pid = [&first, &second]
        .into_iter()
        .find(|line| line.trim().parse::<u32>().is_ok());
    let pid = pid.expect("a process id").trim().to_owned();
    supervisor.kill().expect("killed");
    supervisor.wait().expect("reaped");
    assert_ends(&pid);
    let mut rest = String::new();
    events.read_to_string(&mut rest).expect("closed by its end");
    drop(commands);
}
