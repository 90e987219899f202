//! Engine children as the system sees them: who lives, since when, and whose child it is.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(25);
/// How long a dead worker's child may take to die, seconds: the kernel sends its signal at once.
const DYING: f64 = 2.0;

/// What was seen of one engine child. Times in seconds since the machine's start.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) last: f64,
    /// Since when its parent is none of our workers.
    pub(super) orphan_since: Option<f64>,
}

#[derive(Default)]
struct Shared {
    /// The programs that engine children run.
    engines: Vec<PathBuf>,
    parents: Mutex<HashSet<u32>>,
    seen: Mutex<BTreeMap<u32, Seen>>,
    over: AtomicBool,
}

/// Looks at the system's processes until it is dropped.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// Watches the processes that run one of these programs.
    pub(super) fn start(engines: Vec<PathBuf>) -> Self {
        let shared = Arc::new(Shared {
            engines,
            ..Shared::default()
        });
        let watching = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            while !watching.over.load(Ordering::Relaxed) {
                watching.look();
                std::thread::sleep(EVERY);
            }
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Says that a process is a worker of ours.
    pub(super) fn adopt(&self, worker: u32) {
        held(&self.shared.parents).insert(worker);
    }

    /// Everything that was seen.
    pub(super) fn seen(&self) -> BTreeMap<u32, Seen> {
        held(&self.shared.seen).clone()
    }

    /// Children that outlived their worker.
    pub(super) fn orphans(&self) -> Vec<u32> {
        let seen = self.seen();
        let outlived = |seen: &Seen| {
            seen.orphan_since
                .is_some_and(|since| seen.last - since > DYING)
        };
        seen.iter()
            .filter(|(_, seen)| outlived(seen))
            .map(|(pid, _)| *pid)
            .collect()
    }

    /// Children that live now.
    pub(super) fn living(&self) -> Vec<u32> {
        self.shared
            .living()
            .into_iter()
            .map(|(pid, _)| pid)
            .collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn look(&self) {
        let living = self.living();
        let now = uptime();
        let parents = held(&self.parents).clone();
        let mut all = held(&self.seen);
        for (pid, parent) in living {
            let seen = all.entry(pid).or_insert(Seen {
                last: now,
                orphan_since: None,
            });
            seen.last = now;
            if parents.contains(&parent) {
                seen.orphan_since = None;
            } else {
                seen.orphan_since.get_or_insert(now);
            }
        }
    }

    /// Engine children with their parents. One that is dead and not yet reaped has no command line any more.
    fn living(&self) -> Vec<(u32, u32)> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|process| {
                let pid: u32 = process.file_name().to_str()?.parse().ok()?;
                let line = fs::read(process.path().join("cmdline")).ok()?;
                let program = line.split(|byte| *byte == 0).next()?;
                let of_ours = |engine: &PathBuf| engine.as_os_str().as_encoded_bytes() == program;
                if !self.engines.iter().any(of_ours) {
                    return None;
                }
                let stat = fs::read_to_string(process.path().join("stat")).ok()?;
                // `pid (name) state parent …`, and a name may hold anything.
                let (_, after_name) = stat.rsplit_once(") ")?;
                let parent = after_name.split(' ').nth(1)?.parse().ok()?;
                Some((pid, parent))
            })
            .collect()
    }
}

fn uptime() -> f64 {
    let text = fs::read_to_string("/proc/uptime").expect("an uptime");
    let seconds = text.split(' ').next().expect("a number");
    seconds.parse().expect("a number")
}
