//! The real NVML wrapper against the fake library: cards, strangers, loss, error events and a driver that hangs.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use mystic_domain::{DeviceId, Mib};
use mystic_gpu::{
    Child, DetectError, DeviceKind, DeviceSource, InventoryConfig, NvmlSource, OpenError, Others,
    ProcessUse, SourceChoice, Telemetry, TelemetryError, Xid, XidClass, detect, others,
};
use mystic_testkit::nvml::{Card, FakeNvml, Process, ProcessKind};

const A: &str = "GPU-aaaaaaaa-0000-0000-0000-000000000001";
const B: &str = "GPU-bbbbbbbb-0000-0000-0000-000000000002";
const MEMORY: &str = "nvmlDeviceGetMemoryInfo_v2";

/// Long: only a call that hangs reaches it.
const PATIENT: Duration = Duration::from_mins(1);
/// Short: for calls that are made to hang.
const BRIEF: Duration = Duration::from_millis(50);

fn two_cards() -> Result<FakeNvml> {
    Ok(FakeNvml::new(vec![
        Card::new(A, "NVIDIA GeForce RTX 4090", 24_564),
        Card::new(B, "NVIDIA GeForce RTX 3060", 12_288),
    ])?)
}

async fn open(fake: &FakeNvml) -> Result<NvmlSource> {
    Ok(NvmlSource::open(Some(fake.library_path()), PATIENT).await?)
}

fn id(uuid: &str) -> DeviceId {
    DeviceId(uuid.to_owned())
}

async fn read(source: &NvmlSource, uuid: &str) -> Result<Telemetry, TelemetryError> {
    source.telemetry(&id(uuid), &[]).await
}

fn config(fake: &FakeNvml, source: SourceChoice) -> InventoryConfig {
    InventoryConfig {
        source,
        nvml_library: Some(fake.library_path()),
        query_timeout: PATIENT,
        ..InventoryConfig::for_host("here")
    }
}

#[tokio::test]
async fn cards_are_listed_with_uuid_name_and_memory() -> Result<()> {
    let fake = two_cards()?;
    let source = detect(&config(&fake, SourceChoice::Auto)).await?;
    let listed: Vec<_> = source
        .devices()
        .iter()
        .map(|d| (d.id.0.as_str(), d.name.as_str(), d.kind, d.total))
        .collect();
    assert_eq!(
        listed,
        [
            (A, "NVIDIA GeForce RTX 4090", DeviceKind::Cuda, Mib(24_564)),
            (B, "NVIDIA GeForce RTX 3060", DeviceKind::Cuda, Mib(12_288)),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_reading_tells_memory_processes_and_health() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    fake.set(|state| {
        let card = &mut state.cards[0];
        card.reserved_mib = 400;
        card.hidden_mib = 100;
        card.processes = vec![
            Process::computing(10, 5_000),
            Process {
                kind: ProcessKind::Both,
                ..Process::computing(11, 700)
            },
            Process {
                used_mib: None,
                ..Process::computing(12, 0)
            },
        ];
        card.utilisation_percent = Some(97);
        card.temperature_celsius = Some(71);
        card.power_milliwatts = Some(312_900);
    })?;
    let process = |pid, used: Option<i64>| ProcessUse {
        pid,
        used: used.map(Mib),
        reclaimable: Mib(0),
    };
    let expected = Telemetry {
        total: Mib(24_564),
        used: Mib(6_200),
        free: Mib(18_364),
        reserve: Mib(0),
        processes: vec![
            process(10, Some(5_000)),
            process(11, Some(700)),
            process(12, None),
        ],
        utilisation_percent: Some(97),
        temperature_celsius: Some(71),
        power_watts: Some(312),
        xids: Vec::new(),
    };
    assert_eq!(read(&source, A).await?, expected);
    assert_eq!(read(&source, B).await?.used, Mib(0));
    Ok(())
}

#[tokio::test]
async fn figures_that_a_card_lacks_are_none_and_spoil_nothing() -> Result<()> {
    let fake = two_cards()?;
    fake.set(|state| {
        let card = &mut state.cards[0];
        card.utilisation_percent = None;
        card.temperature_celsius = None;
        card.power_milliwatts = None;
        card.reports_xids = false;
    })?;
    let source = open(&fake).await?;
    let telemetry = read(&source, A).await?;
    assert_eq!(telemetry.free, Mib(24_564));
    assert_eq!(telemetry.utilisation_percent, None);
    assert_eq!(telemetry.temperature_celsius, None);
    assert_eq!(telemetry.power_watts, None);
    Ok(())
}

#[tokio::test]
async fn memory_that_strangers_take_while_we_run_is_others() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    let child = Child {
        pid: 10,
        ready_booking: Some(Mib(6_000)),
    };
    fake.set(|state| state.cards[0].processes = vec![Process::computing(10, 5_000)])?;
    let before = others(&read(&source, A).await?, &[child]);
    fake.set(|state| {
        state.cards[0].processes.push(Process::computing(99, 3_000));
        state.cards[0].hidden_mib = 250;
    })?;
    let after = others(&read(&source, A).await?, &[child]);
    let exactly = |used| Others {
        used: Mib(used),
        estimated: false,
    };
    assert_eq!((before, after), (exactly(0), exactly(3_250)));
    Ok(())
}

#[tokio::test]
async fn pids_that_do_not_match_make_others_an_estimate() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    fake.set(|state| {
        state.cards[0].processes = vec![
            Process::computing(410_010, 5_000),
            Process::computing(99, 3_000),
        ];
    })?;
    let child = Child {
        pid: 10,
        ready_booking: Some(Mib(5_500)),
    };
    let expected = Others {
        used: Mib(2_500),
        estimated: true,
    };
    assert_eq!(others(&read(&source, A).await?, &[child]), expected);
    Ok(())
}

#[tokio::test]
async fn a_lost_card_is_a_typed_error_and_its_neighbour_goes_on() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    fake.report_xid(A, 79)?;
    fake.set(|state| state.cards[0].lost = true)?;
    let Err(TelemetryError::Lost { device, xids }) = read(&source, A).await else {
        bail!("a lost card expected")
    };
    assert_eq!(device, id(A));
    let classes: Vec<_> = xids.iter().map(|xid| xid.class()).collect();
    assert_eq!(classes, [XidClass::Device]);
    assert_eq!(read(&source, B).await?.free, Mib(12_288));
    Ok(())
}

#[tokio::test]
async fn a_card_that_is_lost_at_the_start_is_left_out() -> Result<()> {
    let fake = two_cards()?;
    fake.set(|state| state.cards[0].lost = true)?;
    let source = open(&fake).await?;
    let ids: Vec<_> = source.devices().iter().map(|d| d.id.clone()).collect();
    assert_eq!(ids, [id(B)]);
    Ok(())
}

#[tokio::test]
async fn a_card_that_was_reset_is_read_again_through_a_library_opened_anew() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    fake.lose(A)?;
    for _ in 0..2 {
        let lost = read(&source, A).await;
        assert!(matches!(lost, Err(TelemetryError::Lost { .. })), "{lost:?}");
        assert_eq!(read(&source, B).await?.free, Mib(12_288));
    }
    fake.reset(A)?;
    let back = read(&source, A).await?;
    assert_eq!((back.free, back.xids), (Mib(24_564), vec![]));
    assert_eq!(read(&source, B).await?.free, Mib(12_288));
    Ok(())
}

#[tokio::test]
async fn a_card_that_must_be_reset_is_lost_until_then() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    fake.set(|state| state.cards[0].reset_required = true)?;
    let lost = read(&source, A).await;
    assert!(matches!(lost, Err(TelemetryError::Lost { .. })), "{lost:?}");
    fake.reset(A)?;
    assert_eq!(read(&source, A).await?.free, Mib(24_564));
    Ok(())
}

#[tokio::test]
async fn while_the_driver_is_reloaded_its_cards_are_lost_and_then_they_are_back() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    fake.lose(A)?;
    fake.set(|state| state.driver_loaded = false)?;
    for _ in 0..2 {
        let lost = read(&source, A).await;
        assert!(matches!(lost, Err(TelemetryError::Lost { .. })), "{lost:?}");
    }
    fake.set(|state| state.driver_loaded = true)?;
    fake.reset(A)?;
    assert_eq!(read(&source, A).await?.free, Mib(24_564));
    Ok(())
}

#[tokio::test]
async fn error_events_reach_one_reading_of_their_card_with_their_class() -> Result<()> {
    let fake = two_cards()?;
    fake.report_xid(A, 62)?;
    let source = open(&fake).await?;
    fake.report_xid(A, 31)?;
    fake.report_xid(B, 48)?;
    fake.report_xid(A, 119)?;
    let a = read(&source, A).await?.xids;
    assert_eq!(a, [Xid(31), Xid(119)], "62 came before we listened");
    let b = read(&source, B).await?.xids;
    let classes: Vec<_> = a.iter().chain(&b).map(|xid| xid.class()).collect();
    assert_eq!(
        classes,
        [XidClass::Application, XidClass::Device, XidClass::Device]
    );
    assert_eq!(read(&source, A).await?.xids, []);
    Ok(())
}

/// On one runtime thread: if a hanging query blocked it, the bound could never fire and this test would never end.
#[tokio::test(flavor = "current_thread")]
async fn a_hanging_query_is_a_typed_error_and_later_readings_succeed() -> Result<()> {
    let fake = two_cards()?;
    // On a busy machine even the start of a healthy driver can exceed the short bound.
    let source = loop {
        match NvmlSource::open(Some(fake.library_path()), BRIEF).await {
            Err(OpenError::Hung { .. }) => tokio::task::yield_now().await,
            opened => break opened?,
        }
    };
    fake.report_xid(A, 13)?;
    fake.set(|state| state.hang = vec![MEMORY.to_owned()])?;
    // More than fit into the channel: past its bound they fail without waiting.
    for _ in 0..8 {
        match read(&source, A).await {
            Err(TelemetryError::Hung { device, after }) => {
                assert_eq!((device, after), (id(A), BRIEF));
            }
            other => bail!("a hung query expected, not {other:?}"),
        }
    }
    fake.set(|state| state.hang.clear())?;
    let recovered = loop {
        match read(&source, A).await {
            Err(TelemetryError::Hung { .. }) => tokio::task::yield_now().await,
            other => break other?,
        }
    };
    assert_eq!(recovered.free, Mib(24_564));
    assert_eq!(
        recovered.xids,
        [Xid(13)],
        "what the hung reading saw is not lost"
    );
    Ok(())
}

#[tokio::test]
async fn a_driver_that_hangs_at_the_start_is_not_taken_for_a_host_without_cards() -> Result<()> {
    let fake = two_cards()?;
    fake.set(|state| state.hang = vec!["nvmlInit_v2".to_owned()])?;
    let hanging = InventoryConfig {
        query_timeout: BRIEF,
        ..config(&fake, SourceChoice::Auto)
    };
    let error = detect(&hanging).await.err().context("an error")?;
    assert!(
        matches!(error, DetectError::Nvml(OpenError::Hung { after: BRIEF })),
        "{error:?}"
    );
    // Lets the thread go on before its library's folder is removed.
    fake.set(|state| state.hang.clear())?;
    Ok(())
}

#[tokio::test]
async fn without_a_usable_card_the_processor_is_the_device() -> Result<()> {
    let no_driver = two_cards()?;
    no_driver.set(|state| state.driver_loaded = false)?;
    let no_cards = FakeNvml::new(Vec::new())?;
    let mut no_library = config(&no_cards, SourceChoice::Auto);
    no_library.nvml_library = Some(no_cards.state_path());
    for config in [
        config(&no_driver, SourceChoice::Auto),
        config(&no_cards, SourceChoice::Auto),
        no_library,
    ] {
        let source = detect(&config).await?;
        assert_eq!(source.devices()[0].id, id("here/cpu"));
        let demanded = InventoryConfig {
            source: SourceChoice::Nvml,
            ..config
        };
        assert!(matches!(
            detect(&demanded).await,
            Err(DetectError::Nvml(OpenError::Init(_) | OpenError::NoCards))
        ));
    }
    Ok(())
}

#[tokio::test]
async fn a_device_of_another_host_is_unknown() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    assert!(matches!(
        read(&source, "GPU-elsewhere").await,
        Err(TelemetryError::UnknownDevice(device)) if device == id("GPU-elsewhere")
    ));
    Ok(())
}

#[tokio::test]
async fn two_hosts_in_one_process_are_independent() -> Result<()> {
    let one = FakeNvml::new(vec![Card::new(A, "one", 8_192)])?;
    let two = FakeNvml::new(vec![Card::new(B, "two", 16_384)])?;
    let sources = [open(&one).await?, open(&two).await?];
    one.set(|state| state.cards[0].lost = true)?;
    assert!(matches!(
        read(&sources[0], A).await,
        Err(TelemetryError::Lost { .. })
    ));
    assert_eq!(read(&sources[1], B).await?.total, Mib(16_384));
    Ok(())
}

#[tokio::test]
async fn what_one_process_holds_is_told_without_taking_an_error_event() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    fake.set(|state| {
        state.cards[0].processes = vec![Process::computing(10, 5_000), Process::computing(11, 700)];
    })?;
    fake.report_xid(A, 31)?;
    assert!(!source.count_most(10));
    assert_eq!(source.held(&id(A), 10, false).await, Some(Mib(5_000)));
    assert_eq!(source.held(&id(A), 12, false).await, None);
    assert_eq!(source.held(&id(B), 10, false).await, None);
    assert_eq!(read(&source, A).await?.xids, [Xid(31)]);
    Ok(())
}

#[tokio::test]
async fn what_a_process_of_a_lost_card_holds_is_not_told_and_opens_nothing() -> Result<()> {
    let fake = two_cards()?;
    let source = open(&fake).await?;
    fake.set(|state| state.cards[0].processes = vec![Process::computing(10, 5_000)])?;
    fake.lose(A)?;
    assert_eq!(source.held(&id(A), 10, false).await, None);
    assert!(matches!(
        read(&source, A).await,
        Err(TelemetryError::Lost { .. })
    ));
    fake.reset(A)?;
    assert_eq!(source.held(&id(A), 10, false).await, None);
    read(&source, A).await?;
    assert_eq!(source.held(&id(A), 10, false).await, Some(Mib(5_000)));
    Ok(())
}
