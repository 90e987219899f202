//! All of a run that is left to chance, drawn from its seed before it begins.

use std::time::Duration;

use mystic_domain::FailureKind;
use mystic_process::fault::Point;
use mystic_testkit::{Direction, Script, Then, When};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::slot::{Host, Service, Slot};

/// How long clients submit, at a tenth of production times.
const WORKLOAD_MS: u64 = 5_000;

/// Silences, at a tenth, after which a lease is someone else's while the silent one is still at its job.
const JUST_REAPED_MS: std::ops::Range<u64> = 2_600..5_500;

/// What a run's machine allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ground {
    /// Pictures go to a small disk of their own.
    pub(super) small_disk: bool,
    /// Clocks can be faked.
    pub(super) clocks: bool,
}

/// How long everything takes, against a tenth of production times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Tenth,
    Production,
}

impl Pace {
    pub(super) fn of(self, milliseconds: u64) -> Duration {
        match self {
            Self::Tenth => Duration::from_millis(milliseconds),
            Self::Production => Duration::from_millis(10 * milliseconds),
        }
    }
}

/// What sort of jobs a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jobs {
    /// Many, over in less time than a lease takes to be reaped.
    Short,
    /// Few that last longer than that: a worker that was silent finds its job in another's hands when it speaks again,
    /// since that other one had nothing else to do.
    Lasting,
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) pace: Pace,
    /// One of the diffusion workers has the real engine.
    pub(super) real_engine: bool,
    pub(super) script: Script,
    pub(super) engine_faults: Vec<(When, Then)>,
    pub(super) budget_mib: u32,
    pub(super) idle_unload: Duration,
    pub(super) requests: Vec<Request>,
    pub(super) faults: Vec<Timed>,
    /// What happens to processes at a named point in their first life; the first one of each counts.
    pub(super) mishaps: Vec<(Slot, Mishap)>,
    /// The machine whose clock is in our hand.
    pub(super) clock: Option<Host>,
    /// Whose disk is slow.
    pub(super) slow_disk: Option<SlowDisk>,
}

/// A client's request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) at: Duration,
    pub(super) prompt: String,
    pub(super) seed: u32,
    pub(super) steps: u32,
    pub(super) batch: u32,
    pub(super) priority: i16,
    pub(super) auto_tag: bool,
    pub(super) not_before: Option<Duration>,
    pub(super) timeout_s: Option<u32>,
    pub(super) key: Option<String>,
    /// So many clients send it at once, under the same key.
    pub(super) copies: u32,
    /// An end is asked for so long after it was accepted.
    pub(super) cancel: Option<Duration>,
}

/// Where a process dies or falls silent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mishap {
    /// It dies when it passes a point for the so many-th time.
    Death(Point, u32),
    /// It stops there, and goes on as if nothing had been.
    Silence(Point, u32, Duration),
    /// It dies in its so many-th `fsync`: between a file and its name.
    Fsync(u32),
}

/// Whose disk is slow, by how many milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) enum SlowDisk {
    Worker(Slot, u32),
    Postgres(u32),
}

/// A fault, when it begins and how long it lasts.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    pub(super) at: Duration,
    pub(super) lasts: Duration,
    pub(super) fault: Fault,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Kill(Slot),
    Stop(Slot),
    RedisDown,
    RedisFlushed,
    RedisStalled,
    PostgresRestarted,
    PostgresKilled,
    Partition(Slot, Service),
    PartitionOneWay(Slot, Service, Direction),
    Cut(Slot, Service),
    HalfClosed(Slot, Service, Direction),
    Delayed(Slot, Service, u64),
    DiskFull { to_the_last_byte: bool },
    Clock(Host, &'static str),
}

impl Fault {
    /// Its name in the summary.
    pub(super) fn name(self) -> String {
        match self {
            Self::Kill(slot) => format!("kill:{}", slot.program()),
            Self::Stop(slot) => format!("stop:{}", slot.program()),
            Self::RedisDown => "redis_restart".into(),
            Self::RedisFlushed => "redis_flush".into(),
            Self::RedisStalled => "redis_stall".into(),
            Self::PostgresRestarted => "postgres_restart".into(),
            Self::PostgresKilled => "postgres_kill".into(),
            Self::Partition(_, service) => format!("partition:{}", name(service)),
            Self::PartitionOneWay(_, service, _) => format!("partition_one_way:{}", name(service)),
            Self::Cut(_, service) => format!("cut:{}", name(service)),
            Self::HalfClosed(_, service, _) => format!("half_close:{}", name(service)),
            Self::Delayed(_, service, _) => format!("delay:{}", name(service)),
            Self::DiskFull { .. } => "disk_full".into(),
            Self::Clock(Host::Postgres, _) => "clock:postgres".into(),
            Self::Clock(..) => "clock:host".into(),
        }
    }
}

fn name(service: Service) -> &'static str {
    match service {
        Service::Postgres => "postgres",
        Service::Redis => "redis",
    }
}

impl Plan {
    /// The run of this seed: the same on every machine that allows the same.
    pub(super) fn draw(seed: u64, pace: Pace, ground: Ground) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let clock = (ground.clocks && rng.random_bool(0.4)).then(|| {
            *pick(
                &mut rng,
                &[
                    Host::Control,
                    Host::A,
                    Host::B,
                    Host::Postgres,
                    Host::Postgres,
                ],
            )
        });
        let slow_disk = rng.random_bool(0.25).then(|| {
            let by = rng.random_range(20..200);
            if rng.random_bool(0.5) {
                // It syncs every file that it has when it starts after a crash.
                SlowDisk::Postgres(by / 20)
            } else {
                SlowDisk::Worker(*pick(&mut rng, &[Slot::SdA, Slot::SdB]), by)
            }
        });
        let mut faults: Vec<Timed> = (0..rng.random_range(3..=6))
            .map(|_| draw_fault(&mut rng, pace, ground))
            .collect();
        if let Some(host) = clock {
            let to = *pick(&mut rng, &["-20", "+20", "-1h", "+1h"]);
            faults.push(Timed {
                at: pace.of(rng.random_range(200..WORKLOAD_MS)),
                lasts: pace.of(rng.random_range(500..3_000)),
                fault: Fault::Clock(host, to),
            });
        }
        let jobs = match pace {
            Pace::Tenth => *pick(&mut rng, &[Jobs::Short, Jobs::Short, Jobs::Lasting]),
            // The minute to drain in is the same there: work ten times as long does not fit.
            Pace::Production => Jobs::Short,
        };
        if jobs == Jobs::Lasting {
            let silences = rng.random_range(2..=4);
            faults.extend((0..silences).map(|_| draw_silence(&mut rng, pace)));
        }
        let mut mishaps = Vec::new();
        if jobs == Jobs::Lasting {
            mishaps.push(draw_silent_writer(&mut rng, pace));
        }
        mishaps.extend((0..rng.random_range(0..=2)).map(|_| draw_death(&mut rng)));
        let engine_faults = (0..rng.random_range(0..=3))
            .map(|_| draw_engine_fault(&mut rng))
            .collect();
        Self {
            pace,
            real_engine: rng.random_bool(0.2),
            script: Script {
                loading_ms: rng.random_range(0..400),
                step_ms: match jobs {
                    Jobs::Short => rng.random_range(1..25),
                    Jobs::Lasting => rng.random_range(100..250),
                },
                memory_mib: rng.random_range(1..8),
                picture_mib: 0,
            },
            engine_faults,
            budget_mib: *pick(&mut rng, &[1024, 4096]),
            idle_unload: pace.of(*pick(&mut rng, &[300, 2_000, 30_000])),
            requests: draw_requests(&mut rng, pace, seed, jobs),
            faults,
            mishaps,
            clock,
            slow_disk,
        }
    }
}

fn pick<'a, T>(rng: &mut StdRng, from: &'a [T]) -> &'a T {
    from.choose(rng).expect("something to choose from")
}

fn draw_requests(rng: &mut StdRng, pace: Pace, run: u64, jobs: Jobs) -> Vec<Request> {
    let words = ["red", "green", "circle", "square", "blue", "yellow", "star"];
    let (requests, steps, batches) = match jobs {
        Jobs::Short => (15..35, 1..=8, 1..=4),
        Jobs::Lasting => (3..6, 3..=6, 3..=4),
    };
    (0..rng.random_range(requests))
        .map(|number: u32| {
            let key = rng
                .random_bool(0.6)
                .then(|| format!("run-{run}-request-{number}"));
            let copies = if key.is_some() && rng.random_bool(0.4) {
                rng.random_range(2..=4)
            } else {
                1
            };
            Request {
                at: pace.of(rng.random_range(0..WORKLOAD_MS)),
                prompt: format!("a {} {}", pick(rng, &words), pick(rng, &words)),
                // Few seeds, so that jobs share files by their content.
                seed: rng.random_range(0..1000),
                steps: rng.random_range(steps.clone()),
                batch: rng.random_range(batches.clone()),
                priority: rng.random_range(-2..=2),
                auto_tag: rng.random_bool(0.4),
                not_before: rng
                    .random_bool(0.15)
                    .then(|| pace.of(rng.random_range(200..2_000))),
                timeout_s: rng.random_bool(0.1).then(|| rng.random_range(1..=2)),
                key,
                copies,
                cancel: rng
                    .random_bool(0.2)
                    .then(|| pace.of(rng.random_range(0..2_000))),
            }
        })
        .collect()
}

fn draw_fault(rng: &mut StdRng, pace: Pace, ground: Ground) -> Timed {
    let slot = *pick(rng, &Slot::ALL);
    let service = *pick(rng, &[Service::Postgres, Service::Postgres, Service::Redis]);
    let direction = *pick(rng, &[Direction::ToServer, Direction::ToClient]);
    let kinds = if ground.small_disk { 14 } else { 13 };
    let fault = match rng.random_range(0..kinds) {
        0 | 1 => Fault::Kill(slot),
        2 => Fault::Stop(slot),
        3 => Fault::RedisDown,
        4 => Fault::RedisFlushed,
        5 => Fault::RedisStalled,
        6 => Fault::PostgresRestarted,
        7 => Fault::PostgresKilled,
        8 => Fault::Partition(slot, service),
        9 => Fault::PartitionOneWay(slot, service, direction),
        10 => Fault::Cut(slot, service),
        11 => Fault::HalfClosed(slot, service, direction),
        12 => Fault::Delayed(slot, service, rng.random_range(5..150)),
        _ => Fault::DiskFull {
            to_the_last_byte: rng.random_bool(0.5),
        },
    };
    let lasts = match fault {
        // A tenth of the minute that a stop lasts in production.
        Fault::Stop(_) => 6_000,
        Fault::Kill(_) => rng.random_range(100..2_000),
        Fault::RedisFlushed | Fault::Cut(..) | Fault::HalfClosed(..) => 0,
        Fault::RedisDown | Fault::PostgresRestarted | Fault::PostgresKilled => {
            rng.random_range(0..2_000)
        }
        _ => rng.random_range(300..4_000),
    };
    Timed {
        at: pace.of(rng.random_range(200..WORKLOAD_MS)),
        lasts: pace.of(lasts),
        fault,
    }
}

/// A worker that is alive and is not heard: stopped, or away from Postgres.
fn draw_silence(rng: &mut StdRng, pace: Pace) -> Timed {
    let slot = *pick(
        rng,
        &[Slot::SdA, Slot::SdA, Slot::SdB, Slot::SdB, Slot::LlmA],
    );
    let fault = if rng.random_bool(0.5) {
        Fault::Stop(slot)
    } else {
        Fault::Partition(slot, Service::Postgres)
    };
    Timed {
        at: pace.of(rng.random_range(200..WORKLOAD_MS)),
        lasts: pace.of(rng.random_range(JUST_REAPED_MS)),
        fault,
    }
}

/// A painter that falls silent right before it writes: what it writes when it goes on is the first thing that it does.
fn draw_silent_writer(rng: &mut StdRng, pace: Pace) -> (Slot, Mishap) {
    let slot = *pick(rng, &[Slot::SdA, Slot::SdB]);
    let before = [Point::FileStaged, Point::FileNamed, Point::Settling];
    let (point, passage) = (*pick(rng, &before), rng.random_range(1..4));
    let lasts = pace.of(rng.random_range(JUST_REAPED_MS));
    (slot, Mishap::Silence(point, passage, lasts))
}

fn draw_death(rng: &mut StdRng) -> (Slot, Mishap) {
    let slot = *pick(rng, &Slot::ALL);
    let painter = matches!(slot, Slot::SdA | Slot::SdB);
    let death = if painter && rng.random_bool(0.15) {
        Mishap::Fsync(rng.random_range(1..8))
    } else {
        Mishap::Death(*pick(rng, slot.points()), rng.random_range(1..6))
    };
    (slot, death)
}

fn draw_engine_fault(rng: &mut StdRng) -> (When, Then) {
    let steps = rng.random_range(0..4);
    let when = *pick(
        rng,
        &[
            When::Loading,
            When::Sampling { steps },
            When::Sampling { steps },
            When::Tagging,
        ],
    );
    let then = match rng.random_range(0..5) {
        0 => Then::Abort {
            saying: "ggml.c:1234: GGML_ASSERT(ne[0] > 0) failed".into(),
        },
        1 => Then::Abort {
            saying: "cudaMalloc failed: out of memory".into(),
        },
        2 => Then::Exit { status: 3 },
        3 => Then::Hang,
        _ => Then::Fail {
            kind: FailureKind::Internal,
            message: "drawn".into(),
        },
    };
    (when, then)
}

#[cfg(test)]
mod tests {
    use super::{Ground, Pace, Plan};

    #[test]
    fn a_seed_is_one_run() {
        let ground = Ground {
            small_disk: true,
            clocks: true,
        };
        let draw = |seed| format!("{:?}", Plan::draw(seed, Pace::Tenth, ground));
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
