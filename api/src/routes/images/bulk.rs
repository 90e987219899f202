use axum::extract::State;
use axum::{Extension, Json};
use mystic_domain::{ImageId, InvalidField, JobKind};
use mystic_store::{Change, Retagging};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::filter::FilterImages;
use super::mark;
use crate::extract::{JsonBody, Query, typed};
use crate::guard::Owner;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::routes::jobs::submit::known_preset;
use crate::routes::presets::delete::retired;
use crate::state::App;
use crate::tags::all_stored;

/// Of jobs that tag many pictures anew: all that somebody waits for comes first.
const RETAG_PRIORITY: i16 = -50;

/// Pictures that are changed in one transaction.
const AT_ONCE: i64 = 500;

/// What to do with each picture of a filter. Unknown fields are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum BulkAction {
    /// Rate it, or make it a favourite; what is absent stays.
    Mark {
        /// 1 to 5; 0 takes the rating back.
        #[serde(default)]
        #[schema(minimum = 0, maximum = 5)]
        rating: Option<i16>,
        /// Whether it is a favourite.
        #[serde(default)]
        favourite: Option<bool>,
    },
    /// Give it these tags by hand.
    Tag {
        /// The tags, at most 20.
        tags: Vec<String>,
    },
    /// Take these tags off.
    Untag {
        /// The tags, at most 20.
        tags: Vec<String>,
    },
    /// Have a language model tag it anew, by jobs that everything else comes before; one that waits for tags has its job.
    Retag {
        /// The language model; the server's tagging preset where absent.
        #[serde(default)]
        preset: Option<String>,
    },
    /// Put it into the bin.
    Bin {},
    /// Take it out of the bin; with `bin=true`.
    Restore {},
    /// Delete it for good; with `bin=true`.
    Delete {},
}

/// What a change of many pictures did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BulkChanged {
    /// Pictures of the filter.
    matched: usize,
    /// Those that were changed. The others can't have more tags, or jobs are still at work with them.
    changed: usize,
}

/// Change all pictures of a filter
///
/// Those that were there when the request came; one that is made meanwhile is left alone. Some hundred at a time, so that
/// a request that is broken off has changed some; repeating it does the rest.
#[utoipa::path(
    post,
    path = "/api/v1/images/bulk",
    tag = "images",
    operation_id = "change_images",
    params(FilterImages),
    request_body = BulkAction,
    responses((status = 200, description = "How many", body = BulkChanged), Problems)
)]
pub async fn bulk(
    State(app): State<App>,
    Extension(Owner(owner)): Extension<Owner>,
    Query(filter): Query<FilterImages>,
    JsonBody(body): JsonBody,
) -> Result<Json<BulkChanged>, Problem> {
    if filter.is_empty() {
        let refused = Problem::missing_field(
            "A filter is missing, so that nobody changes all by leaving it out.",
        );
        let allowed = Some("one parameter of the list at least".to_owned());
        return Err(refused.about("ids", None, allowed));
    }
    let work = work(&app, typed(body)?, filter.bin).await?;
    let filter = filter.checked()?;
    let mut done = BulkChanged::default();
    let mut after = None;
    // Newest first: what comes meanwhile is newer than the first page and so never in a later one.
    loop {
        let places = app.store.image_places(&filter, after, AT_ONCE).await?;
        let Some(last) = places.last() else { break };
        after = Some(*last);
        let ids: Vec<ImageId> = places.iter().map(|(_, id)| ImageId(*id)).collect();
        let changed = match &work {
            Work::Change(change) => app.store.change_images(&ids, change).await?,
            Work::Delete => app.store.delete_images(&ids).await?,
            Work::Retag(preset) => {
                let retagging = app.store.retag(&ids, preset, &owner, RETAG_PRIORITY);
                match retagging.await? {
                    Retagging::Queued(queued) => queued,
                    Retagging::Retired(preset) => return Err(retired(&preset)),
                }
            }
        };
        done.matched += ids.len();
        done.changed += changed.len();
    }
    tracing::info!(
        matched = done.matched,
        changed = done.changed,
        "many pictures changed"
    );
    Ok(Json(done))
}

enum Work {
    Change(Change),
    Delete,
    Retag(String),
}

async fn work(app: &App, action: BulkAction, bin: bool) -> Result<Work, Problem> {
    let of_the_bin = matches!(action, BulkAction::Restore {} | BulkAction::Delete {});
    if of_the_bin && !bin {
        let allowed = "true: only what is in the bin is restored or deleted for good";
        return Err(InvalidField::new("bin", false, allowed).into());
    }
    let some = |tags: Vec<String>| {
        let tags = all_stored("tags", &tags)?;
        if tags.is_empty() {
            return Err(InvalidField::new("tags", "none", "one tag at least"));
        }
        Ok(tags)
    };
    Ok(Work::Change(match action {
        BulkAction::Mark { rating, favourite } => mark::change(rating, favourite)?,
        BulkAction::Tag { tags } => Change::Tag(some(tags)?),
        BulkAction::Untag { tags } => Change::Untag(some(tags)?),
        BulkAction::Retag { preset } => {
            let name = preset.as_deref().unwrap_or(&app.config.tagging.preset);
            let preset = known_preset(app, "preset", name, JobKind::Tag).await?;
            return Ok(Work::Retag(preset.name));
        }
        BulkAction::Bin {} => Change::Bin,
        BulkAction::Restore {} => Change::Restore,
        BulkAction::Delete {} => return Ok(Work::Delete),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, problem};

    #[tokio::test]
    async fn all_of_a_filter_are_changed_and_no_other() {
        let api = TestApi::start().await;
        for prompt in ["a red circle", "a blue circle", "a square"] {
            api.picture(prompt).await;
        }
        let change = async |query: &str, action: &Value| {
            let path = format!("/api/v1/images/bulk?{query}");
            let answer = api.post(&path).json(action).send().await;
            answer.expect("an answer")
        };
        let count = async |query: &str| -> usize {
            let page = api.shown(&format!("/api/v1/images?{query}")).await;
            page["images"].as_array().map_or(0, Vec::len)
        };
        let two = json!({"matched": 2, "changed": 2});
        let rate = json!({"action": "mark", "rating": 5});
        assert_eq!(body(change("q=circle", &rate).await).await, two);
        assert_eq!(count("rating_min=5").await, 2);
        let tag = json!({"action": "tag", "tags": ["Round", "shape"]});
        assert_eq!(body(change("rating_min=5", &tag).await).await, two);
        assert_eq!(count("tags=round,shape").await, 2);
        let untag = json!({"action": "untag", "tags": ["shape"]});
        assert_eq!(body(change("tags=round", &untag).await).await, two);
        assert_eq!(count("tags=shape").await, 0);
        assert_eq!(
            body(change("tags=round", &json!({"action": "bin"})).await).await,
            two
        );
        assert_eq!((count("").await, count("bin=true").await), (1, 2));
        let restored = change("bin=true&q=red", &json!({"action": "restore"})).await;
        assert_eq!(body(restored).await, json!({"matched": 1, "changed": 1}));
        let deleted = change("bin=true", &json!({"action": "delete"})).await;
        assert_eq!(body(deleted).await, json!({"matched": 1, "changed": 1}));
        assert_eq!((count("").await, count("bin=true").await), (2, 0));
    }

    #[tokio::test]
    async fn nobody_changes_all_by_leaving_something_out() {
        let api = TestApi::start().await;
        api.picture("a red circle").await;
        for (query, action, field) in [
            ("", json!({"action": "bin"}), "ids"),
            ("bin=false", json!({"action": "bin"}), "ids"),
            ("q=red", json!({"action": "delete"}), "bin"),
            ("q=red", json!({"action": "restore"}), "bin"),
            ("q=red", json!({"action": "tag", "tags": []}), "tags"),
            ("q=red", json!({"action": "tag", "tags": ["!"]}), "tags"),
            ("q=red", json!({"action": "mark"}), "rating"),
            ("q=red", json!({"action": "mark", "rating": 9}), "rating"),
            ("q=red", json!({"action": "bin", "extra": 1}), "extra"),
            ("limit=1", json!({"action": "bin"}), "limit"),
        ] {
            let path = format!("/api/v1/images/bulk?{query}");
            let answer = api.post(&path).json(&action).send().await;
            let refused = problem(answer.expect("an answer"), 422).await;
            assert_eq!(refused["field"], field, "{query} {action}");
        }
        let page = api.shown("/api/v1/images").await;
        assert_eq!(page["images"].as_array().map(Vec::len), Some(1));
    }

    #[tokio::test]
    async fn many_are_tagged_anew_behind_all_else_and_none_twice() {
        let api = TestApi::start().await;
        let (circle, square) = (api.picture("a circle").await, api.picture("a square").await);
        let retag = async |query: &str, action: Value| {
            let path = format!("/api/v1/images/bulk?{query}");
            let post = api.post(&path).json(&action);
            post.send().await.expect("an answer")
        };
        let all = "owner=local";
        let first = body(retag("q=circle", json!({"action": "retag"})).await).await;
        assert_eq!(first, json!({"matched": 1, "changed": 1}));
        let rest = body(retag(all, json!({"action": "retag"})).await).await;
        assert_eq!(rest, json!({"matched": 2, "changed": 1}));
        let jobs = api.shown("/api/v1/jobs?kind=tag&state=queued").await;
        let jobs = jobs["jobs"].as_array().expect("a list");
        let mut of: Vec<(&str, i64)> = jobs
            .iter()
            .filter_map(|job| Some((job["params"]["prompt"].as_str()?, job["priority"].as_i64()?)))
            .collect();
        of.sort_unstable();
        assert_eq!(of, [("a circle", -50), ("a square", -50)]);
        for image in [circle, square] {
            let shown = api.shown(&format!("/api/v1/images/{image}")).await;
            assert_eq!(shown["tags_state"], "pending");
        }
        let painter = json!({"action": "retag", "preset": "demo"});
        assert_eq!(
            problem(retag(all, painter).await, 422).await["field"],
            "preset"
        );
    }
}
