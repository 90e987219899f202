//! A picture's tags appear all at once, with the end of the job that found them.

use mystic_domain::{ImageId, JobId, tags};
use sqlx::PgConnection;

use super::aliases;
use super::change::name_tags;
use crate::{Result, events};

/// Replaces the tags that models gave a picture by these, as one wrote them who read its prompt (`llm`) or saw it (`vlm`),
/// and tells the job that made it.
pub(crate) async fn store_tags(
    tx: &mut PgConnection,
    image: ImageId,
    job: JobId,
    source: &str,
    found: &[(String, f32)],
) -> Result<()> {
    let found = aliases::resolve(tx, normalised(found)).await?;
    name_tags(tx, found.iter().map(|(name, _)| name.as_str())).await?;
    // An imported picture was made by no job.
    let made_by: Option<Option<uuid::Uuid>> =
        sqlx::query_scalar("UPDATE images SET tags_state = 'done' WHERE id = $1 RETURNING job_id")
            .bind(image.0)
            .fetch_optional(&mut *tx)
            .await?;
    sqlx::query("DELETE FROM image_tags WHERE image_id = $1 AND source <> 'user'")
        .bind(image.0)
        .execute(&mut *tx)
        .await?;
    let (names, confidence): (Vec<&str>, Vec<f32>) = found
        .iter()
        .map(|(name, confidence)| (name.as_str(), *confidence))
        .unzip();
    sqlx::query(
        "INSERT INTO image_tags (image_id, tag_id, source, confidence, job_id, position)
         SELECT $1, tags.id, $5, found.confidence, $2, found.position
         FROM unnest($3::text[], $4::real[]) WITH ORDINALITY AS found (name, confidence, position)
         JOIN tags ON tags.name = found.name",
    )
    .bind(image.0)
    .bind(job.0)
    .bind(names)
    .bind(confidence)
    .bind(source)
    .execute(&mut *tx)
    .await?;
    if let Some(made_by) = made_by.flatten() {
        let data = serde_json::json!({ "image": image });
        events::record(tx, JobId(made_by), "tagged", data).await?;
    }
    Ok(())
}

/// In their one form, each with the confidence of what it was first written as.
fn normalised(found: &[(String, f32)]) -> Vec<(String, f32)> {
    let form = |tag: &str| tags::normalise([tag], 1).pop();
    let names = tags::normalise(found.iter().map(|(tag, _)| tag.as_str()), found.len());
    let scored = names.into_iter().map(|name| {
        let mut same = found
            .iter()
            .filter(|(tag, _)| form(tag).as_ref() == Some(&name));
        let confidence = same.next().map_or(0.0, |(_, confidence)| *confidence);
        (name, confidence.clamp(0.0, 1.0))
    });
    scored.collect()
}
