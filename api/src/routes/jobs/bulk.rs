//! What is done to all jobs of a filter.

use mystic_domain::{FailureKind, InvalidField, JobKind, JobState};
use mystic_store::{JobFilter, JobRecord, Store};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::problem::Problem;
use crate::routes::query;

/// Jobs that are looked at together, in one transaction where all of them change alike.
const AT_ONCE: i64 = 500;

/// Which jobs: those that each parameter allows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SomeJobs {
    /// Any of these states, separated by commas; required, so that nobody means everything by leaving something out.
    #[serde(deserialize_with = "query::list")]
    #[param(style = Form, explode = false)]
    state: Vec<JobState>,
    /// This kind.
    kind: Option<JobKind>,
    /// This preset.
    preset: Option<String>,
    /// This owner.
    owner: Option<String>,
    /// Failed for this reason.
    #[param(inline)]
    failure: Option<FailureKind>,
}

/// Pages of jobs, newest first: what comes meanwhile is newer than the first page and so never in a later one.
pub struct Pages<'a> {
    store: &'a Store,
    filter: JobFilter,
}

impl SomeJobs {
    /// Those of the jobs that are there now.
    ///
    /// # Errors
    /// No state is named, or one that is not allowed.
    pub fn pages<'a>(self, store: &'a Store, allowed: &[JobState]) -> Result<Pages<'a>, Problem> {
        let names = || {
            let names: Vec<&str> = allowed.iter().map(|state| state.as_str()).collect();
            names.join(", ")
        };
        if let Some(other) = self.state.iter().find(|state| !allowed.contains(state)) {
            return Err(InvalidField::new("state", other.as_str(), names()).into());
        }
        if self.state.is_empty() {
            return Err(InvalidField::new("state", "", names()).into());
        }
        Ok(Pages {
            store,
            filter: JobFilter {
                states: self.state,
                kind: self.kind,
                preset: self.preset,
                owner: self.owner,
                failure: self.failure,
                after: None,
                limit: AT_ONCE,
            },
        })
    }
}

impl Pages<'_> {
    /// The next page; empty after the last.
    ///
    /// # Errors
    /// The database's.
    pub async fn next(&mut self) -> Result<Vec<JobRecord>, Problem> {
        let jobs = self.store.jobs(&self.filter).await?;
        if let Some(last) = jobs.last() {
            self.filter.after = Some((last.created_at, last.id.0));
        }
        Ok(jobs)
    }
}
