//! How far the models are that waiting jobs wait for.

use mystic_domain::{Phase, Progress, WaitReason};
use mystic_store::{JobRecord, StoreError};

use crate::routes::progress_of;
use crate::state::App;

/// Completes the reasons of jobs that wait for a model by how much of it is loaded, where the job that has it loaded says so.
///
/// # Errors
/// The database's.
pub async fn complete<'a>(
    app: &App,
    jobs: impl IntoIterator<Item = &'a mut JobRecord>,
) -> Result<(), StoreError> {
    let waiting = jobs
        .into_iter()
        .filter_map(|job| match &mut job.wait_reason {
            Some(WaitReason::ModelLoading {
                device,
                preset,
                percent,
            }) => Some((&*device, &*preset, percent)),
            _ => None,
        });
    let waiting: Vec<_> = waiting.collect();
    if waiting.is_empty() {
        return Ok(());
    }
    let loads = app.outlooks.loads(&app.store).await?;
    let jobs: Vec<_> = loads.iter().map(|load| load.job).collect();
    let said = progress_of(app, &jobs).await;
    for (device, preset, percent) in waiting {
        let mut loads = loads.iter();
        let load = loads.find(|load| load.device == *device && load.preset == *preset);
        *percent = load.and_then(|load| loaded(said.get(&load.job)?));
    }
    Ok(())
}

/// Per cent of the model that are loaded.
fn loaded(said: &Progress) -> Option<u8> {
    if said.phase != Phase::Loading || said.of == 0 {
        return None;
    }
    let percent = u64::from(said.step.min(said.of)) * 100 / u64::from(said.of);
    u8::try_from(percent).ok()
}

#[cfg(test)]
mod tests {
    use mystic_domain::{Phase, Progress, WaitReason};
    use mystic_store::Wait;
    use serde_json::json;

    use super::loaded;
    use crate::testing::TestApi;

    fn said(phase: Phase, step: u32, of: u32) -> Progress {
        Progress {
            phase,
            step,
            of,
            index: 0,
            attempt: 1,
            preview: 0,
        }
    }

    #[test]
    fn a_load_is_told_in_per_cent_where_it_is_one_and_says_how_far_it_is() {
        assert_eq!(loaded(&said(Phase::Loading, 3, 8)), Some(37));
        assert_eq!(loaded(&said(Phase::Loading, 9, 8)), Some(100));
        assert_eq!(loaded(&said(Phase::Loading, 0, 0)), None);
        assert_eq!(loaded(&said(Phase::Sampling, 3, 8)), None);
    }

    #[tokio::test]
    async fn who_waits_for_a_model_learns_how_much_of_it_is_loaded() {
        let api = TestApi::start().await;
        let (loads, waits) = (api.accepted().await, api.accepted().await);
        let worker = api.worker().await;
        worker.take(loads).await;
        let device = worker.device.clone();
        let reason = WaitReason::ModelLoading {
            device: device.clone(),
            preset: "demo".into(),
            percent: None,
        };
        let wait = Wait {
            job: waits,
            reason,
            ahead_ms: 0,
        };
        api.store.note_waits(&[wait]).await.expect("noted");
        let path = format!("/api/v1/jobs/{waits}");
        let told = json!({ "reason": "model_loading", "device": device, "preset": "demo" });
        assert_eq!(api.shown(&path).await["wait_reason"], told);
        let progress = said(Phase::Loading, 1, 4);
        let published = api.queue.publish_progress(loads, &progress).await;
        published.expect("published");
        let told =
            json!({ "reason": "model_loading", "device": device, "preset": "demo", "percent": 25 });
        assert_eq!(api.shown(&path).await["wait_reason"], told);
        let queue = api.shown("/api/v1/queue").await;
        assert_eq!(queue["waiting"][0]["wait_reason"], told);
        let listed = api.shown("/api/v1/jobs?state=queued").await;
        assert_eq!(listed["jobs"][0]["wait_reason"], told);
    }
}
