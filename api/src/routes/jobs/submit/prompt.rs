//! What is drawn, of what was asked for: styles stand around the prompt, and its choices are made by the seed.

use mystic_domain::dynamic::{self, DynamicError};
use mystic_domain::{AskedPrompt, GenerateParams, InvalidField};

use super::terms::text;
use crate::problem::Problem;
use crate::routes::prompt_templates::put::PROMPT;
use crate::state::App;
use crate::wildcards::Folder;

/// The most styles around one prompt.
const MAX_STYLES: usize = 16;

/// The most names that a refusal lists.
const MAX_LISTED: usize = 20;

/// Puts the styles around the prompt and makes its choices; what was asked for is kept where that changes anything.
pub(super) async fn make(
    app: &App,
    params: &mut GenerateParams,
    styles: Vec<String>,
) -> Result<(), Problem> {
    let asked = AskedPrompt {
        prompt: params.prompt.clone(),
        negative_prompt: params.negative_prompt.clone(),
        styles,
    };
    style(app, params, &asked.styles).await?;
    for (field, words) in [
        ("params.prompt", &mut params.prompt),
        ("params.negative_prompt", &mut params.negative_prompt),
    ] {
        if words.contains(['{', '_', '\\']) {
            *words = choose(app, field, words.clone(), params.seed).await?;
        }
        text(
            field,
            words,
            app.config.api.max_prompt_bytes,
            field == "params.prompt",
        )?;
    }
    let changed = !asked.styles.is_empty()
        || asked.prompt != params.prompt
        || asked.negative_prompt != params.negative_prompt;
    params.asked = changed.then_some(asked);
    Ok(())
}

async fn style(app: &App, params: &mut GenerateParams, styles: &[String]) -> Result<(), Problem> {
    if styles.is_empty() {
        return Ok(());
    }
    if styles.len() > MAX_STYLES {
        let allowed = format!("up to {MAX_STYLES} names");
        return Err(
            InvalidField::new("params.styles", format!("{} names", styles.len()), allowed).into(),
        );
    }
    let templates = app.store.templates().await?;
    for (at, name) in styles.iter().enumerate() {
        let Some(template) = templates.iter().find(|template| template.name == *name) else {
            let names = templates.iter().map(|template| template.name.as_str());
            let field = format!("params.styles[{at}]");
            let allowed = one_of(names, "no prompt template is there");
            return Err(InvalidField::new(&field, name.replace('\0', "\u{2400}"), allowed).into());
        };
        params.prompt = template.content.replace(PROMPT, &params.prompt);
        if !template.negative_prompt.is_empty() {
            if !params.negative_prompt.is_empty() {
                params.negative_prompt.push_str(", ");
            }
            params.negative_prompt.push_str(&template.negative_prompt);
        }
    }
    Ok(())
}

async fn choose(
    app: &App,
    field: &'static str,
    words: String,
    seed: i64,
) -> Result<String, Problem> {
    let folder = app.config.prompts.wildcards.clone();
    // It reads files.
    tokio::task::spawn_blocking(move || {
        let mut folder = Folder::new(&folder);
        dynamic::expand(&words, seed, &mut folder).map_err(|error| {
            let allowed = match &error {
                DynamicError::Unknown(_) => {
                    let known = folder.names().unwrap_or_default();
                    one_of(
                        known.iter().map(String::as_str),
                        "the directory prompts.wildcards has none",
                    )
                }
                DynamicError::TooDeep(_) => "wildcards that come to an end".to_owned(),
                DynamicError::TooLong => "fewer words".to_owned(),
                DynamicError::TooFew { there, .. } => format!("up to {there}"),
            };
            Problem::invalid_field(format!("{field}: {error}.")).about(
                field,
                Some(words.chars().take(60).collect()),
                Some(allowed),
            )
        })
    })
    .await
    .map_err(|_| Problem::internal("The prompt's choices were not made to the end."))?
}

fn one_of<'a>(names: impl Iterator<Item = &'a str>, none: &str) -> String {
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => format!("none: {none}"),
        n if n > MAX_LISTED => format!("one of {}, …", names[..MAX_LISTED].join(", ")),
        _ => format!("one of {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{TestApi, body, generate, problem};

    #[tokio::test]
    async fn choices_are_made_by_the_seed_and_what_was_asked_for_is_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("colour.txt"), "red\nblue\n").expect("written");
        let api = TestApi::with(|config| config.prompts.wildcards = dir.path().to_owned()).await;
        let asked = "a __colour__ {circle|square}";
        let submit = async |prompt: &str, seed: i64| {
            let mut request = generate();
            request["params"]["prompt"] = json!(prompt);
            request["params"]["seed"] = json!(seed);
            api.submit(&request).await
        };
        let made = async |seed| body(submit(asked, seed).await).await["params"].take();
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..12 {
            let params = made(seed).await;
            assert_eq!(params["asked"]["prompt"], asked);
            let prompt = params["prompt"].as_str().expect("text").to_owned();
            assert!(!prompt.contains(['_', '{', '|']), "{prompt}");
            assert_eq!(made(seed).await["prompt"], prompt.as_str(), "the same seed");
            seen.insert(prompt);
        }
        assert!(seen.len() > 2, "{seen:?}");
        let plain = body(submit("a {\"json\": 1} snake_case", 1).await).await;
        assert_eq!(plain["params"]["prompt"], "a {\"json\": 1} snake_case");
        assert_eq!(plain["params"].get("asked"), None);

        let listed = api.shown("/api/v1/wildcards").await;
        assert_eq!(listed, json!([{"name": "colour", "lines": 2}]));
        let refusals = [
            ("a __shape__", "one of colour"),
            ("{3$$a|b}", "up to 2"),
            ("{ | }", "some text"),
        ];
        for (prompt, allowed) in refusals {
            let refused = problem(submit(prompt, 1).await, 422).await;
            assert_eq!(refused["field"], "params.prompt", "{refused}");
            assert_eq!(refused["allowed"], Value::from(allowed), "{refused}");
        }
    }
}
