//! The `parameters` text: a prompt, what is to be avoided, and a line of settings.

use mystic_domain::{GenerateParams, SAMPLERS, SCHEDULERS};

use super::Recipe;

const NEGATIVE: &str = "Negative prompt:";
const SETTINGS: &str = "Steps:";
/// Settings of a line that are looked at.
const MOST: usize = 200;
/// Schedules that older versions write behind the sampler's name.
const BEHIND: [&str; 3] = [" karras", " exponential", " sgm uniform"];

/// Reads it. What has no line of settings is a prompt alone.
pub(super) fn parse(text: &str) -> Recipe {
    let lines: Vec<&str> = text.lines().collect();
    let settings = lines.iter().rposition(|line| line.starts_with(SETTINGS));
    let words = &lines[..settings.unwrap_or(lines.len())];
    let avoided = words.iter().position(|line| line.starts_with(NEGATIVE));
    let (prompt, avoided) = words.split_at(avoided.unwrap_or(words.len()));
    let avoided = avoided.join("\n");
    let avoided = avoided.strip_prefix(NEGATIVE).unwrap_or(&avoided);
    let mut recipe = Recipe {
        params: GenerateParams {
            prompt: prompt.join("\n").trim().to_owned(),
            negative_prompt: avoided.trim().to_owned(),
            ..GenerateParams::default()
        },
        model: None,
    };
    if let Some(at) = settings {
        for (name, value) in pairs(lines[at]).take(MOST) {
            set(&mut recipe, name, value);
        }
    }
    recipe
}

fn set(recipe: &mut Recipe, name: &str, value: String) {
    let params = &mut recipe.params;
    match name {
        "Steps" => params.steps = value.parse().unwrap_or_default(),
        "CFG scale" => params.cfg = value.parse().unwrap_or_default(),
        "Seed" => params.seed = value.parse().unwrap_or_default(),
        "Size" => {
            let sides = value.split_once('x');
            let number = |side: &str| side.trim().parse().unwrap_or_default();
            (params.width, params.height) =
                sides.map_or((0, 0), |(width, height)| (number(width), number(height)));
        }
        "Sampler" => sampler(params, value),
        "Schedule type" => params.scheduler = schedule(&value).or(params.scheduler.take()),
        "Model" => recipe.model = Some(value),
        _ => {}
    }
}

/// The settings of a line. A value with a comma in it is quoted as JSON.
fn pairs(line: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once(':')?;
        let after = after.trim_start();
        let quoted = after.starts_with('"').then(|| {
            let mut texts = serde_json::Deserializer::from_str(after).into_iter::<String>();
            let text = texts.next()?.ok()?;
            Some((text, &after[texts.byte_offset()..]))
        });
        let (value, left) = quoted.flatten().unwrap_or_else(|| {
            let end = after.find(',').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        });
        let name = name.trim();
        rest = left.trim_start().trim_start_matches(',').trim_start();
        Some((name, value))
    })
}

/// A sampler by the library's name where it has one, else as it is written.
fn sampler(params: &mut GenerateParams, written: String) {
    let mut name = written.to_lowercase();
    if let Some(behind) = BEHIND.iter().find(|behind| name.ends_with(**behind)) {
        name.truncate(name.len() - behind.len());
        params.scheduler = schedule(behind);
    }
    if name == "default" {
        return;
    }
    let plain = match name.strip_suffix(" a") {
        Some(name) => format!("{}_a", name.replace(' ', "")),
        None => name.replace(' ', ""),
    };
    let known = SAMPLERS.iter().any(|known| *known == plain);
    params.sampler = Some(if known { plain } else { written });
}

/// A schedule by the library's name; what it does not have is the model's own.
fn schedule(written: &str) -> Option<String> {
    let name = written.trim().to_lowercase().replace(' ', "_");
    SCHEDULERS.contains(&name.as_str()).then_some(name)
}
