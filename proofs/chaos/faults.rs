//! Faults, carried out and undone.

use std::sync::Arc;

use mystic_testkit::{Direction, Flow};
use nix::sys::signal::Signal;
use std::time::Duration;
use tokio::task::{JoinSet, spawn_blocking};

use super::plan::{Fault, Timed};
use super::slot::{Service, Slot};
use super::stack::Stack;

const BOTH: [Direction; 2] = [Direction::ToServer, Direction::ToClient];

/// Lets all faults of the plan happen; returns when the last is over.
pub(super) async fn all(stack: &Arc<Stack>) {
    let mut running = JoinSet::new();
    for timed in stack.plan.faults.clone() {
        running.spawn(one(Arc::clone(stack), timed));
    }
    running.join_all().await;
}

async fn one(stack: Arc<Stack>, timed: Timed) {
    tokio::time::sleep(timed.at).await;
    begin(&stack, timed.fault).await;
    tokio::time::sleep(timed.lasts).await;
    undo(&stack, timed.fault).await;
}

fn flow(stack: &Stack, slot: Slot, service: Service, directions: &[Direction], flow: Flow) {
    for direction in directions {
        stack.proxies[&(slot, service)].set(*direction, flow);
    }
}

async fn begin(stack: &Arc<Stack>, fault: Fault) {
    match fault {
        Fault::Kill(slot) => stack.program(slot).kill(),
        Fault::Stop(slot) => stack.program(slot).signal(Signal::SIGSTOP),
        Fault::RedisDown => blocking(stack, |stack| stack.servers.redis.stop()).await,
        Fault::RedisFlushed => {
            // One that is away holds nothing.
            stack.servers.redis.flush().await;
        }
        Fault::RedisStalled => stack.servers.redis.signal(Signal::SIGSTOP),
        Fault::PostgresRestarted => blocking(stack, |stack| stack.servers.postgres.stop()).await,
        Fault::PostgresKilled => blocking(stack, |stack| stack.servers.postgres.kill()).await,
        Fault::Partition(slot, service) => flow(stack, slot, service, &BOTH, Flow::Stopped),
        Fault::PartitionOneWay(slot, service, direction) => {
            flow(stack, slot, service, &[direction], Flow::Stopped);
        }
        Fault::Cut(slot, service) => stack.proxies[&(slot, service)].cut(),
        Fault::HalfClosed(slot, service, direction) => {
            stack.proxies[&(slot, service)].half_close(direction);
        }
        Fault::Delayed(slot, service, milliseconds) => {
            let delayed = Flow::Delayed(Duration::from_millis(milliseconds));
            flow(stack, slot, service, &BOTH, delayed);
        }
        Fault::DiskFull { to_the_last_byte } => {
            blocking(stack, move |stack| stack.disk.fill(to_the_last_byte)).await;
        }
        Fault::Clock(_, offset) => stack.clock.iter().for_each(|clock| clock.set(offset)),
    }
}

async fn undo(stack: &Arc<Stack>, fault: Fault) {
    match fault {
        Fault::Kill(slot) => stack.program(slot).may_live(),
        Fault::Stop(slot) => stack.program(slot).signal(Signal::SIGCONT),
        Fault::RedisDown => blocking(stack, |stack| stack.servers.redis.again()).await,
        Fault::RedisStalled => stack.servers.redis.signal(Signal::SIGCONT),
        Fault::PostgresRestarted | Fault::PostgresKilled => {
            blocking(stack, |stack| stack.servers.postgres.again()).await;
        }
        Fault::Partition(slot, service)
        | Fault::PartitionOneWay(slot, service, _)
        | Fault::Delayed(slot, service, _) => stack.proxies[&(slot, service)].heal(),
        Fault::DiskFull { .. } => stack.disk.clear(),
        Fault::Clock(..) => stack.clock.iter().for_each(|clock| clock.set("+0")),
        Fault::RedisFlushed | Fault::Cut(..) | Fault::HalfClosed(..) => {}
    }
}

/// Undoes whatever overlapping faults may have left.
pub(super) async fn heal(stack: &Arc<Stack>) {
    for proxy in stack.proxies.values() {
        proxy.heal();
    }
    for program in &stack.programs {
        program.signal(Signal::SIGCONT);
        program.may_live();
    }
    stack.disk.clear();
    stack.clock.iter().for_each(|clock| clock.set("+0"));
    stack.servers.redis.signal(Signal::SIGCONT);
    blocking(stack, |stack| {
        stack.servers.redis.again();
        stack.servers.postgres.again();
    })
    .await;
}

async fn blocking(stack: &Arc<Stack>, act: impl FnOnce(&Stack) + Send + 'static) {
    let stack = Arc::clone(stack);
    spawn_blocking(move || act(&stack)).await.expect("no panic");
}
