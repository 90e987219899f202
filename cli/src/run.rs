//! Runs the programs that set-up and tests consist of.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::error::{Error, Result, Tried};

/// Runs a program to its end. What it prints goes to standard error, since standard output
/// belongs to the result of our own command.
///
/// # Errors
/// It cannot be started, or ends with a failure; `what` says what it was run for.
pub fn run(what: &str, command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .tried(|| format!("{what}: {} cannot be started", name(command)))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::Program {
            what: what.to_owned(),
            program: line(command),
            status,
        })
    }
}

/// What a program prints, if it runs and succeeds.
pub fn output_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
