use axum::extract::State;
use axum::{Extension, Json};
use mystic_domain::{InvalidField, Pause};
use mystic_store::PauseRecord;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::{JsonBody, typed};
use crate::guard::Owner;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::state::App;

/// Longest name of an owner, as API keys have it.
const LONGEST_OWNER: usize = 64;

/// What to stop. Unknown fields are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseRequest {
    /// How much is stopped.
    scope: PauseScope,
    /// Which owner, preset or device; absent for the queue.
    #[serde(default)]
    name: Option<String>,
    /// For a device: its idle models are unloaded, so that others can have its memory.
    #[serde(default)]
    release: bool,
}

/// How much is stopped.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PauseScope {
    /// Every job.
    Queue,
    /// The jobs of one owner.
    Owner,
    /// The jobs that ask for one preset.
    Preset,
    /// One device.
    Device,
}

impl PauseScope {
    /// The pause of this scope and name.
    ///
    /// # Errors
    /// A name that is missing, or given for the queue.
    pub(super) fn of(self, name: Option<String>) -> Result<Pause, Problem> {
        let named = |name: Option<String>| {
            name.filter(|name| !name.is_empty()).ok_or_else(|| {
                Problem::missing_field("name is missing: it says which owner, preset or device.")
                    .about("name", None, Some("a name".to_owned()))
            })
        };
        match (self, name) {
            (Self::Queue, None) => Ok(Pause::Queue),
            (Self::Queue, Some(name)) => {
                Err(InvalidField::new("name", name, "no name: the queue is one").into())
            }
            (Self::Owner, name) => Ok(Pause::Owner(named(name)?)),
            (Self::Preset, name) => Ok(Pause::Preset(named(name)?)),
            (Self::Device, name) => Ok(Pause::Device(mystic_domain::DeviceId(named(name)?))),
        }
    }
}

/// Stop the queue, an owner, a preset or a device
///
/// Queued jobs that it covers wait with the reason `paused` until it is ended; what runs goes on, and jobs are accepted
/// as before. A device with `release` gives back the memory of its idle models too. A repeat changes only `release`.
#[utoipa::path(
    post,
    path = "/api/v1/pauses",
    tag = "queue",
    operation_id = "pause",
    request_body = PauseRequest,
    responses((status = 200, description = "The pause", body = PauseRecord), Problems)
)]
pub async fn pause(
    State(app): State<App>,
    Extension(Owner(by)): Extension<Owner>,
    JsonBody(body): JsonBody,
) -> Result<Json<PauseRecord>, Problem> {
    let PauseRequest {
        scope,
        name,
        release,
    } = typed(body)?;
    let pause = scope.of(name)?;
    check(&app, &pause).await?;
    if release && !matches!(pause, Pause::Device(_)) {
        return Err(
            InvalidField::new("release", true, "true for a device only, false otherwise").into(),
        );
    }
    let record = app.store.pause(&pause, release, &by).await?;
    tracing::info!(scope = pause.scope(), name = pause.name(), release, %by, "paused");
    Ok(Json(record))
}

/// What is not there can't be stopped; an owner may come later.
async fn check(app: &App, pause: &Pause) -> Result<(), Problem> {
    match pause {
        Pause::Owner(owner) if owner.len() > LONGEST_OWNER || owner.contains('\0') => {
            Err(InvalidField::new("name", owner, "the name of an API key, or `local`").into())
        }
        Pause::Queue | Pause::Owner(_) => Ok(()),
        Pause::Preset(preset) => match app.store.preset(preset).await? {
            Some(_) => Ok(()),
            None => Err(InvalidField::new("name", preset, "a name from /api/v1/presets").into()),
        },
        Pause::Device(device) => {
            let devices = app.store.devices().await?;
            if devices.iter().any(|known| known.id == *device) {
                return Ok(());
            }
            let ids: Vec<&str> = devices.iter().map(|known| known.id.0.as_str()).collect();
            let allowed = if ids.is_empty() {
                "no device is known yet".to_owned()
            } else {
                ids.join(", ")
            };
            Err(InvalidField::new("name", device, allowed).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn what_is_stopped_is_listed_until_it_is_resumed() {
        let api = TestApi::start().await;
        let worker = api.worker().await;
        let device = api.store.devices().await.expect("devices").remove(0).id;
        let stopped = [
            json!({"scope": "queue"}),
            json!({"scope": "owner", "name": "anna"}),
            json!({"scope": "preset", "name": "demo"}),
            json!({"scope": "device", "name": device, "release": true}),
        ];
        for pause in &stopped {
            for _ in 0..2 {
                let answer = api.post("/api/v1/pauses").json(pause).send().await;
                let answer = answer.expect("an answer");
                assert_eq!(answer.status(), 200);
                let shown = body(answer).await;
                assert_eq!(
                    (&shown["scope"], &shown["name"]),
                    (&pause["scope"], &pause["name"])
                );
                assert_eq!(shown["paused_by"], "local");
            }
        }
        let listed = api.shown("/api/v1/pauses").await;
        assert_eq!(listed.as_array().map(Vec::len), Some(stopped.len()));
        assert_eq!(api.shown("/api/v1/devices").await[0]["paused"], true);
        for pause in &stopped {
            let mut query = vec![("scope", pause["scope"].as_str().expect("text"))];
            query.extend(pause["name"].as_str().map(|name| ("name", name)));
            let resume = || {
                let url = format!("{}/api/v1/pauses", api.url);
                api.client.delete(url).query(&query).send()
            };
            assert_eq!(resume().await.expect("an answer").status(), 204);
            problem(resume().await.expect("an answer"), 404).await;
        }
        assert_eq!(api.shown("/api/v1/pauses").await, json!([]));
        assert_eq!(api.shown("/api/v1/devices").await[0]["paused"], false);
        drop(worker);
    }

    #[tokio::test]
    async fn what_is_not_there_or_makes_no_sense_is_refused_by_name() {
        let api = TestApi::start().await;
        for (request, field) in [
            (json!({}), "scope"),
            (json!({"scope": "world"}), "scope"),
            (json!({"scope": "queue", "name": "all"}), "name"),
            (json!({"scope": "owner"}), "name"),
            (json!({"scope": "owner", "name": ""}), "name"),
            (json!({"scope": "owner", "name": "x".repeat(65)}), "name"),
            (json!({"scope": "preset", "name": "nothing"}), "name"),
            (json!({"scope": "device", "name": "nowhere/cpu"}), "name"),
            (json!({"scope": "queue", "release": true}), "release"),
            (json!({"scope": "queue", "colour": "red"}), "colour"),
        ] {
            let answer = api.post("/api/v1/pauses").json(&request).send().await;
            let refused = problem(answer.expect("an answer"), 422).await;
            assert_eq!(refused["field"], field, "{request}");
        }
        assert_eq!(api.shown("/api/v1/pauses").await, json!([]));
    }
}
