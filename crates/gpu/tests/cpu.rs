//! The processor's figures on the machine that runs the test.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use mystic_domain::{DeviceId, Mib, Need};
use mystic_gpu::{
    Child, CpuSource, DeviceKind, DeviceSource, InventoryConfig, SourceChoice, Telemetry, others,
};

#[tokio::test]
async fn this_machine_is_a_device_with_plausible_memory() -> Result<()> {
    let source = CpuSource::open("here", None)?;
    let [device] = source.devices() else {
        anyhow::bail!("one device expected")
    };
    assert_eq!(device.id, DeviceId("here/cpu".to_owned()));
    assert_eq!(device.kind, DeviceKind::Cpu);
    let own = std::process::id();
    let telemetry = source.telemetry(&device.id, &[own]).await?;
    assert_eq!(telemetry.total, device.total);
    assert!(telemetry.free <= telemetry.total);
    let [process] = telemetry.processes.as_slice() else {
        anyhow::bail!("this process expected")
    };
    assert_eq!(process.pid, own);
    let used = process.used.context("a resident set")?;
    assert!(used.0 > 0 && used < telemetry.total + telemetry.reserve);
    assert!(process.reclaimable <= used);
    Ok(())
}

#[tokio::test]
async fn memory_that_this_process_takes_is_seen_and_is_not_others() -> Result<()> {
    const TAKEN: usize = 256 << 20;
    let default = CpuSource::open("here", None)?;
    let device = &default.devices()[0].id;
    let own = std::process::id();
    let before = default.telemetry(device, &[own]).await?;
    let system = before.total + before.reserve;
    let taken = vec![1_u8; TAKEN];
    // The whole system as the budget: no reserve hides what strangers hold.
    let whole = CpuSource::open("here", Some(system))?;
    let after = whole.telemetry(device, &[own]).await?;
    assert_eq!(std::hint::black_box(&taken).len(), TAKEN);

    let used = |reading: &Telemetry| reading.processes[0].used.context("a resident set");
    let more = used(&after)? - used(&before)?;
    assert!(more >= Mib(250), "{more} more");
    let child = Child {
        pid: own,
        ready_booking: None,
    };
    let ours = used(&after)? - after.processes[0].reclaimable;
    let strangers = others(&after, &[child]);
    assert!(!strangers.estimated);
    assert_eq!(strangers.used + ours, others(&after, &[]).used);
    Ok(())
}

#[tokio::test]
async fn the_processor_can_be_chosen() -> Result<()> {
    let config = InventoryConfig {
        source: SourceChoice::Cpu,
        ..InventoryConfig::for_host("here")
    };
    let source = mystic_gpu::detect(&config).await?;
    assert_eq!(source.devices()[0].kind, DeviceKind::Cpu);
    Ok(())
}

#[tokio::test]
async fn the_most_that_a_process_held_is_counted_from_when_it_is_asked_for() -> Result<()> {
    const TAKEN: usize = 256 << 20;
    let take = || drop(std::hint::black_box(vec![1_u8; TAKEN]));
    let source = CpuSource::open("here", None)?;
    let (device, own) = (&source.devices()[0].id, std::process::id());
    take();
    if !source.count_most(own) {
        // A kernel without it; its processes are looked at again and again instead.
        return Ok(());
    }
    let held = async || source.held(device, own, true).await.context("a figure");
    let before = held().await?;
    take();
    let more = held().await? - before;
    assert!((Mib(250)..Mib(300)).contains(&more), "{more} more");
    Ok(())
}

#[tokio::test]
async fn a_process_that_takes_more_than_is_booked_for_it_fails_and_another_does_not() -> Result<()>
{
    let source = CpuSource::open("here", None)?;
    // It keeps so many bytes of an endless line that it looks for the end of.
    let takes = |mib: u32, working: i64| {
        let greedy =
            format!("read go && exec head -c {mib}M /dev/zero | exec tail -n 1 > /dev/null");
        let mut child = Command::new("sh")
            .args(["-c", &greedy])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let booked = Need {
            resident: Mib(0),
            working: Mib(working),
        };
        source.bound(child.id(), booked)?;
        child.stdin.take().context("a pipe")?.write_all(b"\n")?;
        anyhow::Ok(child.wait()?.success())
    };
    assert!(takes(64, 100)?);
    assert!(!takes(4096, 100)?);
    Ok(())
}
