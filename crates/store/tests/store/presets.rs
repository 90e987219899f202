//! Presets that change while they are used: what is loaded stays what was booked, and nobody gets the wrong one.

use mystic_domain::{EngineKind, JobState, Model, Plan, Preset};
use mystic_store::{
    Beat, DeviceTelemetry, Outcome, PresetRetired, PresetWritten, ServedPreset, Submitted,
};

use crate::support::{PAINTER, WEIGHTS, Worker, World, load, new_job, presets, sit};

/// The painter with other limits, or with other flags.
fn painter(max_steps: u32, mmap: bool) -> Preset {
    let [mut preset, _] = presets();
    if let Model::Sd(model) = &mut preset.model {
        model.limits.max_steps = max_steps;
        model.flags.mmap = mmap;
    }
    preset
}

fn served(preset: &Preset) -> ServedPreset {
    ServedPreset {
        preset: preset.name.clone(),
        signature: preset.signature(),
        weights: WEIGHTS,
        plans: vec![Plan::Full],
        problem: None,
    }
}

impl World {
    async fn put(&self, preset: &Preset) -> PresetWritten {
        self.store.put_preset(preset).await.expect("written")
    }

    /// Whether the worker is told to look at its presets again.
    async fn has_to_look(&self, worker: &Worker) -> bool {
        let beat = Beat {
            worker: worker.id,
            device: worker.device.clone(),
            held: Vec::new(),
            telemetry: DeviceTelemetry::default(),
            residents: Vec::new(),
        };
        self.store.beat(&beat).await.expect("beaten").presets
    }

    /// Whether a worker serves the painter in the scheduler's eyes.
    async fn is_served(&self, worker: &Worker) -> bool {
        let snapshot = self.store.snapshot(10).await.expect("a snapshot");
        let worker = snapshot.workers.into_iter().find(|it| it.id == worker.id);
        let mut presets = worker.expect("a ready worker").presets.into_iter();
        presets.any(|served| served.name == PAINTER)
    }

    async fn estimates_of_the_painter(&self) -> usize {
        let all = self.store.estimates().await.expect("estimates");
        all.iter().filter(|seen| seen.preset == PAINTER).count()
    }
}

#[tokio::test]
async fn a_model_of_other_flags_takes_no_further_job_and_one_of_other_limits_does() {
    let world = World::new().await;
    let (_, theirs) = world.let_in().await;
    let worker = world.worker().await;
    assert!(!world.has_to_look(&worker).await);
    sqlx::query(
        "INSERT INTO estimates (preset, bucket, plan, seen, ratio, samples, formula_mib, updated_at)
         VALUES ($1, 1, 'full', '{1}', 1, 1, 1, now())",
    )
    .bind(PAINTER)
    .execute(world.store.pool())
    .await
    .expect("an estimate");
    let first = world.submit().await;
    let lease = world.run(&worker, first).await;
    let ready = world.store.resident_ready(worker.id, lease.resident).await;
    assert!(ready.expect("answered"));
    world
        .settle(&worker, lease, &Outcome::Succeeded, true)
        .await;

    let limits = painter(40, false);
    assert_eq!(world.put(&limits).await, PresetWritten::Replaced);
    assert_eq!(world.put(&limits).await, PresetWritten::Same);
    assert!(!world.has_to_look(&worker).await);
    assert_eq!(world.estimates_of_the_painter().await, 1);
    let second = world.submit().await;
    let seated = world.grant(&sit(&worker, second, lease.resident)).await;
    let seated = seated.expect("the same files");
    let claimed = world.store.claim(worker.id, second, seated.fence).await;
    claimed.expect("answered").expect("ours");
    world
        .settle(&worker, seated, &Outcome::Succeeded, true)
        .await;

    let flags = painter(40, true);
    assert_eq!(world.put(&flags).await, PresetWritten::Replaced);
    assert_eq!(world.estimates_of_the_painter().await, 0);
    assert!(world.device(&worker).await.residents[0].outdated);
    let third = world.submit().await;
    let on_the_old = sit(&worker, third, lease.resident);
    assert_eq!(world.grant(&on_the_old).await.map(|it| it.job), None);

    // It is of no use to load it before the worker has looked: what to book is not known.
    world
        .store
        .child_gone(worker.id, lease.resident)
        .await
        .expect("freed");
    assert!(world.has_to_look(&worker).await);
    assert!(!world.is_served(&worker).await);
    assert!(world.grant(&load(&worker, third)).await.is_none());

    let seen = theirs.store.presets_of(EngineKind::Sd).await;
    assert_eq!(seen.expect("as a worker"), std::slice::from_ref(&flags));
    let serve = async |served: ServedPreset| {
        let news = theirs.store.serve(worker.id, &[served]).await;
        news.expect("as a worker")
    };
    assert_eq!(serve(served(&flags)).await, [PAINTER]);
    assert!(serve(served(&flags)).await.is_empty(), "no news");
    assert!(!world.has_to_look(&worker).await);
    assert!(world.is_served(&worker).await);
    let lease = world.lease(&worker, third).await;
    let claimed = world.store.claim(worker.id, third, lease.fence).await;
    assert_eq!(claimed.expect("answered").expect("ours").preset, flags);
    world.assert_ledger().await;
}

#[tokio::test]
async fn what_was_booked_is_loaded_though_its_preset_changes_before_the_claim() {
    let world = World::new().await;
    let worker = world.worker().await;
    let job = world.submit().await;
    let lease = world.lease(&worker, job).await;
    world.put(&painter(1, true)).await;
    let claimed = world.store.claim(worker.id, job, lease.fence).await;
    let [before, _] = presets();
    assert_eq!(claimed.expect("answered").expect("ours").preset, before);
    assert!(world.device(&worker).await.residents[0].outdated);
}

#[tokio::test]
async fn a_preset_is_never_retired_under_a_job_that_is_being_accepted() {
    let world = World::new().await;
    let [preset, _] = presets();
    let mut refused = 0;
    for _ in 0..30 {
        let submits: Vec<_> = (0..4)
            .map(|_| {
                let store = world.store.clone();
                tokio::spawn(async move { store.submit(&new_job(0)).await })
            })
            .collect();
        let retired = world.store.retire_preset(PAINTER).await.expect("answered");
        let mut accepted = Vec::new();
        for submit in submits {
            match submit.await.expect("no panic").expect("answered") {
                Submitted::New(job) => accepted.push(job.id),
                Submitted::Retired(name) => {
                    assert_eq!(name, PAINTER);
                    refused += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        match retired {
            PresetRetired::Yes => assert_eq!(accepted, []),
            PresetRetired::InUse(_) => assert_ne!(accepted, []),
            PresetRetired::NotFound => panic!("it was there"),
        }
        for job in accepted {
            world.store.cancel(job).await.expect("cancelled");
            assert_eq!(world.state(job).await, JobState::Cancelled);
        }
        let back = world.put(&preset).await;
        let created = matches!(retired, PresetRetired::Yes);
        assert_eq!(back == PresetWritten::Created, created, "{back:?}");
    }
    // Both come first now and then, or this shows nothing; what is refused at last is certain.
    assert_eq!(
        world.store.retire_preset(PAINTER).await.expect("answered"),
        PresetRetired::Yes
    );
    let late = world.store.submit(&new_job(0)).await.expect("answered");
    assert_eq!(late, Submitted::Retired(PAINTER.into()));
    assert!(refused < 4 * 30, "{refused}");
}
