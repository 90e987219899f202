//! Machines as network namespaces: one in the middle, and a cable to each other one that can be pulled.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, id};

use mystic_services::find_on_path;
use nix::sched::{CloneFlags, setns};

const PREFIX: &str = "mystic";
/// Where `ip netns` keeps them.
const KEPT: &str = "/var/run/netns";

/// The machines; they are gone with this value.
pub struct Network {
    ip: PathBuf,
    /// The way into the machine in the middle.
    main: PathBuf,
    hosts: Vec<&'static str>,
}

impl Network {
    /// Makes them; what a killed test left behind is removed on the way.
    pub fn new(hosts: &[&'static str]) -> Result<Self, String> {
        let ip = find_on_path("ip").ok_or("the program ip is not installed (iproute2)")?;
        let mut network = Self {
            ip,
            main: Path::new(KEPT).join(name(MAIN)),
            hosts: Vec::new(),
        };
        network.remove_leftovers();
        network.add(MAIN)?;
        for &host in hosts {
            network.add(host)?;
            let (main, there) = (name(MAIN), name(host));
            let cable = cable(host);
            network.run(&format!(
                "link add name {cable} netns {main} type veth peer name wire netns {there}"
            ))?;
            for (namespace, end, address) in [
                (&main, cable.as_str(), network.main_from(host)),
                (&there, "wire", network.address(host, 2)),
            ] {
                network.run(&format!("-n {namespace} addr add {address}/24 dev {end}"))?;
                network.run(&format!("-n {namespace} link set dev {end} up"))?;
            }
        }
        Ok(network)
    }

    fn add(&mut self, host: &'static str) -> Result<(), String> {
        self.run(&format!("netns add {}", name(host)))?;
        self.hosts.push(host);
        self.run(&format!("-n {} link set dev lo up", name(host)))
    }

    fn run(&self, arguments: &str) -> Result<(), String> {
        let output = Command::new(&self.ip).args(arguments.split(' ')).output();
        let output = output.map_err(|error| format!("ip {arguments}: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("ip {arguments}: {}", said.trim()))
    }

    /// Moves this thread, and what it starts from now on, to the machine in the middle.
    pub fn enter(&self) -> Result<(), String> {
        let main = &self.main;
        let file = File::open(main).map_err(|error| format!("{}: {error}", main.display()))?;
        setns(file, CloneFlags::CLONE_NEWNET).map_err(|errno| format!("setns: {errno}"))
    }

    /// The machine in the middle, as another one reaches it.
    pub fn main_from(&self, host: &str) -> String {
        self.address(host, 1)
    }

    fn address(&self, host: &str, end: u8) -> String {
        let place = self.hosts.iter().position(|known| *known == host);
        format!("10.77.{}.{end}", place.expect("a host of this network"))
    }

    /// A program on a machine.
    pub fn command(&self, host: &str, program: &Path) -> Command {
        let mut command = Command::new(&self.ip);
        command.args(["netns", "exec", &name(host)]).arg(program);
        command
    }

    /// Pulls a machine's cable: what is sent is lost, and nobody is told.
    pub fn pull(&self, host: &str) {
        self.set(host, "down");
    }

    /// Plugs it in again.
    pub fn plug(&self, host: &str) {
        self.set(host, "up");
    }

    fn set(&self, host: &str, state: &str) {
        let set = format!("-n {} link set dev {} {state}", name(MAIN), cable(host));
        self.run(&set).expect("a cable");
    }

    fn remove_leftovers(&self) {
        for kept in std::fs::read_dir(KEPT).into_iter().flatten().flatten() {
            let kept = kept.file_name();
            let Some(kept) = kept.to_str() else { continue };
            let maker = kept
                .strip_prefix(PREFIX)
                .and_then(|rest| rest.strip_prefix('-')?.split('-').next());
            if let Some(maker) = maker
                && !Path::new("/proc").join(maker).exists()
            {
                let _ = self.run(&format!("netns del {kept}"));
            }
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in &self.hosts {
            let _ = self.run(&format!("netns del {}", name(host)));
        }
    }
}

const MAIN: &str = "main";

/// The namespace of a machine of this process's network.
fn name(host: &str) -> String {
    format!("{PREFIX}-{}-{host}", id())
}

/// The middle's end of a machine's cable.
fn cable(host: &str) -> String {
    format!("to_{host}")
}
