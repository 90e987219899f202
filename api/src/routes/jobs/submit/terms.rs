//! What requests of every kind have in common, and how it is checked.

use chrono::{DateTime, Datelike, Utc};
use mystic_domain::{InvalidField, JobId, JobKind, JobParams, Preset};
use mystic_store::NewJob;

use crate::problem::Problem;
use crate::state::App;

/// Attempts allowed where nobody says how many.
pub(crate) const DEFAULT_ATTEMPTS: i32 = 5;

pub(super) fn default_attempts() -> i32 {
    DEFAULT_ATTEMPTS
}

/// What a request of any kind says of its job.
pub(super) struct Terms {
    pub(super) priority: i16,
    pub(super) max_attempts: i32,
    pub(super) not_before: Option<DateTime<Utc>>,
    pub(super) timeout_s: Option<i32>,
}

impl Terms {
    /// The terms, if they are allowed.
    pub(super) fn checked(self) -> Result<Self, InvalidField> {
        let Self {
            priority,
            max_attempts,
            not_before,
            timeout_s,
        } = self;
        if !(-100..=100).contains(&priority) {
            return Err(InvalidField::new("priority", priority, "-100 to 100"));
        }
        if !(1..=100).contains(&max_attempts) {
            return Err(InvalidField::new("max_attempts", max_attempts, "1 to 100"));
        }
        if let Some(timeout_s) = timeout_s.filter(|seconds| !(1..=86_400).contains(seconds)) {
            return Err(InvalidField::new("timeout_s", timeout_s, "1 to 86400"));
        }
        match not_before {
            Some(at) if !(1970..=9999).contains(&at.year()) => Err(InvalidField::new(
                "not_before",
                at,
                "a time of the years 1970 to 9999",
            )),
            _ => Ok(self),
        }
    }

    /// A job on these terms; whose it is comes later.
    pub(super) fn job(self, params: JobParams, preset: String) -> NewJob {
        NewJob {
            id: JobId::generate(),
            params,
            preset,
            owner: String::new(),
            priority: self.priority,
            max_attempts: self.max_attempts,
            not_before: self.not_before,
            timeout_s: self.timeout_s,
            idempotency: None,
            parent_image: None,
            auto: false,
        }
    }
}

pub(crate) fn text(
    field: &str,
    text: &str,
    max_bytes: usize,
    required: bool,
) -> Result<(), InvalidField> {
    let shown = || text.chars().take(60).collect::<String>();
    if required && text.trim().is_empty() {
        return Err(InvalidField::new(field, "empty", "some text"));
    }
    if text.len() > max_bytes {
        let given = format!("{} bytes long", text.len());
        return Err(InvalidField::new(
            field,
            given,
            format!("up to {max_bytes} bytes of UTF-8"),
        ));
    }
    if text.contains('\0') {
        return Err(InvalidField::new(
            field,
            shown().replace('\0', "\u{2400}"),
            "text without NUL",
        ));
    }
    Ok(())
}

pub(crate) async fn known_preset(
    app: &App,
    field: &str,
    name: &str,
    kind: JobKind,
) -> Result<Preset, Problem> {
    let asked = if name.contains('\0') {
        None
    } else {
        app.store.preset(name).await?
    };
    if let Some(preset) = asked.filter(|preset| preset.does(kind)) {
        return Ok(preset);
    }
    let presets = app.store.presets().await?;
    let fitting = presets
        .iter()
        .map(|record| &record.preset)
        .filter(|preset| preset.does(kind));
    let names: Vec<&str> = fitting.map(|preset| preset.name.as_str()).collect();
    let allowed = if names.is_empty() {
        format!(
            "none: no preset for jobs of kind {} is known",
            kind.as_str()
        )
    } else {
        format!("one of {}", names.join(", "))
    };
    Err(InvalidField::new(field, name.replace('\0', "\u{2400}"), allowed).into())
}
