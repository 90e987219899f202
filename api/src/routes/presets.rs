//! `/api/v1/presets`

pub mod delete;
pub mod list;
pub mod put;
pub mod show;

use crate::problem::Problem;

fn no_preset(name: &str) -> Problem {
    Problem::not_found(format!(
        "No preset is named {name:?}; /api/v1/presets has the names."
    ))
}
