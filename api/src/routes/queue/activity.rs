use axum::Json;
use axum::extract::State;
use chrono::TimeDelta;
use mystic_domain::JobKind;
use mystic_store::{Activity, ActivityBy, ActivityFilter};
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::extract::Query;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::query;
use crate::state::App;

/// Minutes that are shown when the request doesn't say.
const DEFAULT_MINUTES: i64 = 60;
/// Most minutes: a week.
const MAX_MINUTES: i64 = 7 * 24 * 60;
/// Columns are made wider until there are at most so many.
const COLUMNS: i64 = 60;

/// Which ended jobs to count.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowActivity {
    /// Count by this.
    #[serde(default)]
    #[param(inline, required = false)]
    by: ActivityBy,
    /// How far to look back, minutes.
    #[serde(default = "default_minutes", deserialize_with = "minutes")]
    #[param(minimum = 1, maximum = 10_080, default = 60, required = false)]
    minutes: i64,
    /// This kind.
    kind: Option<JobKind>,
    /// This preset.
    preset: Option<String>,
    /// This owner.
    owner: Option<String>,
}

fn default_minutes() -> i64 {
    DEFAULT_MINUTES
}

fn minutes<'de, D: Deserializer<'de>>(value: D) -> Result<i64, D::Error> {
    query::within(value, 1..=MAX_MINUTES)
}

/// Count what ended lately
///
/// Jobs that succeeded and failed, and how long they had waited, in at most 60 columns of whole minutes, by preset, device,
/// worker or owner. Columns in which nothing ended are left out.
#[utoipa::path(
    get,
    path = "/api/v1/queue/activity",
    tag = "queue",
    operation_id = "show_activity",
    params(ShowActivity),
    responses((status = 200, description = "What ended", body = Activity), Problems)
)]
pub async fn activity(
    State(app): State<App>,
    Query(asked): Query<ShowActivity>,
) -> Result<Json<Activity>, Problem> {
    let each = (asked.minutes + COLUMNS - 1) / COLUMNS;
    let columns = (asked.minutes + each - 1) / each;
    let filter = ActivityFilter {
        by: asked.by,
        kind: asked.kind,
        preset: asked.preset,
        owner: asked.owner,
        columns: i32::try_from(columns).unwrap_or(i32::MAX),
        column: TimeDelta::minutes(each),
    };
    Ok(Json(app.store.activity(&filter).await?))
}

#[cfg(test)]
mod tests {
    use mystic_domain::{Failure, FailureKind};
    use mystic_store::Outcome;
    use serde_json::{Value, json};

    use crate::testing::{TestApi, problem};

    #[tokio::test]
    async fn what_ended_is_counted_by_preset_device_and_worker() {
        let api = TestApi::start().await;
        assert_eq!(
            api.shown("/api/v1/queue/activity").await["groups"],
            json!([])
        );
        let worker = api.worker().await;
        let done = api.accepted().await;
        let fence = worker.take(done).await;
        worker.picture(done, fence, 0, b"picture").await;
        worker.settle(done, fence, &Outcome::Succeeded).await;
        let device = api.store.devices().await.expect("devices").remove(0);
        let gone = api.store.child_gone(worker.worker, device.residents[0].id);
        gone.await.expect("unloaded");
        let failed = api.accepted().await;
        let fence = worker.take(failed).await;
        let failure = Failure::new(FailureKind::InvalidInput, "it can't be drawn");
        worker
            .settle(failed, fence, &Outcome::Failed(failure))
            .await;
        let cancelled = api.accepted().await;
        api.store.cancel(cancelled).await.expect("cancelled");

        for (by, name) in [
            ("preset", json!("demo")),
            ("owner", json!("local")),
            ("device", json!(device.id)),
            ("worker", json!(worker.worker)),
        ] {
            let shown = api
                .shown(&format!("/api/v1/queue/activity?by={by}&kind=generate"))
                .await;
            let [group] = &shown["groups"].as_array().expect("a list")[..] else {
                panic!("{shown}")
            };
            assert_eq!(group["name"], name, "{by}");
            let total = &group["total"];
            assert_eq!(
                (&total["succeeded"], &total["failed"]),
                (&json!(1), &json!(1))
            );
            assert!(
                total["wait_p95_ms"].as_f64() >= total["wait_p50_ms"].as_f64(),
                "{shown}"
            );
            let sum = |field: &str| -> i64 {
                let columns = group["columns"].as_array().expect("columns").iter();
                columns.filter_map(|column| column[field].as_i64()).sum()
            };
            assert_eq!((sum("succeeded"), sum("failed")), (1, 1), "{shown}");
            let last = shown["columns"].as_i64().expect("a number") - 1;
            let columns = group["columns"].as_array().expect("columns");
            // A minute may have begun between the two.
            assert!(
                columns
                    .iter()
                    .all(|column| column["column"].as_i64() >= Some(last - 1)),
                "{shown}"
            );
        }
        for nobody in ["kind=tag", "preset=other", "owner=other"] {
            let shown = api.shown(&format!("/api/v1/queue/activity?{nobody}")).await;
            assert_eq!(shown["groups"], json!([]), "{nobody}");
        }
    }

    #[tokio::test]
    async fn a_week_has_as_many_columns_as_an_hour() {
        let api = TestApi::start().await;
        for (minutes, columns, column_s) in [
            (1, 1, 60),
            (60, 60, 60),
            (90, 45, 120),
            (10_080, 60, 10_080),
        ] {
            let shown = api
                .shown(&format!("/api/v1/queue/activity?minutes={minutes}"))
                .await;
            let seen: (&Value, &Value) = (&shown["columns"], &shown["column_s"]);
            assert_eq!(seen, (&json!(columns), &json!(column_s)), "{minutes}");
        }
        for wrong in [
            "minutes=0",
            "minutes=10081",
            "minutes=many",
            "by=kind",
            "since=1",
        ] {
            let answer = api.get(&format!("/api/v1/queue/activity?{wrong}")).send();
            let answer = answer.await.expect("an answer");
            assert_eq!(answer.status(), 422, "{wrong}");
            problem(answer, 422).await;
        }
    }
}
