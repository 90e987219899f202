//! The `OpenAPI` document, made from the handlers themselves.

use std::collections::BTreeMap;

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{self, ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::routes::{
    devices, estimates, events, images, jobs, keys, models, pauses, presets, prompt_templates,
    queue, residents, settings, tag_aliases, uploads, wildcards, workers,
};
use crate::state::App;
use crate::wire::JobProgress;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "MystiCanvas",
        description = "Image generation and tagging on GPUs that you own: submit jobs, follow them, fetch the pictures.",
        license(name = "MIT", identifier = "MIT")
    ),
    components(schemas(Problem, JobProgress, mystic_store::EventRecord)),
    modifiers(&Keys),
    security(("api_key" = []), ()),
    tags(
        (name = "jobs", description = "Submit, follow, cancel and try again"),
        (name = "images", description = "Finished pictures"),
        (name = "tags", description = "How tags are written"),
        (name = "prompts", description = "What helps to write prompts, and what you want of all"),
        (name = "uploads", description = "Pictures and masks to start from"),
        (name = "queue", description = "What runs and what waits"),
        (name = "events", description = "Server-sent events"),
        (name = "keys", description = "Who may come in"),
        (name = "fleet", description = "Devices, workers and models")
    )
)]
struct Document;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("api_key", scheme);
    }
}

/// Every error, in one shape.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        let response = ResponseBuilder::new()
            .description("The request was not served")
            .content("application/problem+json", content)
            .build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}

/// The documented routes.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(jobs::submit::submit))
        .routes(routes!(jobs::list::list))
        .routes(routes!(
            jobs::show::show,
            jobs::reprioritise::reprioritise,
            jobs::delete::delete
        ))
        .routes(routes!(jobs::cancel::cancel))
        .routes(routes!(jobs::cancel_all::cancel_all))
        .routes(routes!(jobs::delete_all::delete_all))
        .routes(routes!(jobs::retry_all::retry_all))
        .routes(routes!(jobs::retry::retry))
        .routes(routes!(jobs::preview::preview))
        .routes(routes!(jobs::events::events))
        .routes(routes!(events::stream::stream))
        .routes(routes!(queue::show::show))
        .routes(routes!(queue::activity::activity))
        .routes(routes!(
            pauses::list::list,
            pauses::pause::pause,
            pauses::resume::resume
        ))
        .routes(routes!(images::list::list))
        .routes(routes!(images::import::import))
        .routes(routes!(images::facets::facets))
        .routes(routes!(images::bulk::bulk))
        .routes(routes!(
            images::show::show,
            images::mark::mark,
            images::delete::delete
        ))
        .routes(routes!(images::restore::restore))
        .routes(routes!(images::tag::tag, images::untag::untag))
        .routes(routes!(images::lineage::lineage))
        .routes(routes!(images::similar::similar))
        .routes(routes!(images::settings::settings))
        .routes(routes!(images::receipt::receipt))
        .routes(routes!(images::verify::verify))
        .routes(routes!(images::file::file))
        .routes(routes!(images::thumb::thumb))
        .routes(routes!(uploads::add::add))
        .routes(routes!(devices::list::list))
        .routes(routes!(residents::unload::unload))
        .routes(routes!(workers::list::list))
        .routes(routes!(workers::drain::drain))
        .routes(routes!(workers::forget::forget))
        .routes(routes!(models::list::list))
        .routes(routes!(models::import::import))
        .routes(routes!(models::pull::pull, models::cancel::cancel))
        .routes(routes!(models::verify::verify))
        .routes(routes!(models::delete::delete))
        .routes(routes!(presets::list::list))
        .routes(routes!(
            presets::show::show,
            presets::put::put,
            presets::delete::delete
        ))
        .routes(routes!(estimates::list::list))
        .routes(routes!(estimates::reset::reset))
        .routes(routes!(prompt_templates::list::list))
        .routes(routes!(
            prompt_templates::put::put,
            prompt_templates::delete::delete
        ))
        .routes(routes!(wildcards::list::list))
        .routes(routes!(tag_aliases::list::list))
        .routes(routes!(tag_aliases::put::put, tag_aliases::delete::delete))
        .routes(routes!(settings::show::show, settings::change::change))
        .routes(routes!(keys::list::list, keys::create::create))
        .routes(routes!(keys::revoke::revoke))
}

/// The document.
#[must_use]
pub fn document() -> openapi::OpenApi {
    router().into_openapi()
}

/// The document as `api openapi` prints it and `api/openapi.json` keeps it.
///
/// # Errors
/// It can't be written down as JSON.
pub fn document_json() -> serde_json::Result<String> {
    // Through a value, so that the order of keys does not hang on the library's.
    let mut text = serde_json::to_string_pretty(&serde_json::to_value(document())?)?;
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_in_the_repository_is_current() {
        let kept = include_str!("../openapi.json");
        let made = document_json().expect("JSON");
        assert!(
            kept == made,
            "run `cargo run -p api -- openapi > api/openapi.json`"
        );
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let document = serde_json::to_value(document()).expect("JSON");
        let mut open = vec![&document];
        let mut references = 0;
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::Object(object) => {
                    if let Some(serde_json::Value::String(reference)) = object.get("$ref") {
                        let pointer = reference.strip_prefix('#').expect("a local reference");
                        assert!(document.pointer(pointer).is_some(), "{reference}");
                        references += 1;
                    }
                    open.extend(object.values());
                }
                serde_json::Value::Array(list) => open.extend(list),
                _ => {}
            }
        }
        assert!(references > 50, "{references}");
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_a_summary_and_the_one_shape_of_errors() {
        let document = serde_json::to_value(document()).expect("JSON");
        let mut names = std::collections::BTreeSet::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for operation in item.as_object().expect("operations").values() {
                let name = operation["operationId"].as_str().expect("a name");
                assert!(names.insert(name.to_owned()), "{name} twice");
                assert!(operation["summary"].is_string(), "{path}");
                assert!(operation["responses"]["default"].is_object(), "{path}");
            }
        }
        assert_eq!(names.len(), 65);
    }
}
