//! The kernel's word on processes that it ended for want of memory, the machine's or that of a container's limit.

/// How many there were at one moment. It doesn't say which: one that ended by its signal while there was another is
/// taken for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct OomKills(u64);

impl OomKills {
    /// So far; always the same where the kernel doesn't count them.
    pub(super) fn now() -> Self {
        let counters = std::fs::read_to_string("/proc/vmstat").unwrap_or_default();
        let count = counters
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
        Self(count.unwrap_or_default())
    }

    /// Whether there was one since.
    pub(super) fn went_on(self) -> bool {
        Self::now().0 > self.0
    }
}
