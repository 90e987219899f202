//! `mystic verify`: draws a picture again with what made it, and says whether the two are the same.

use std::fmt::Display;
use std::time::Duration;

use clap::Args;
use image::RgbImage;
use sha2::{Digest, Sha256};

use crate::client::{Client, HashedFile, MadeWith, Receipt};
use crate::error::{Result, Tried, sentence};
use crate::follow::follow;
use crate::remote::Connection;

/// How often a file's hash is asked for that its worker has not read yet.
const LOOK: Duration = Duration::from_millis(250);
/// How often that is done before it is said to be unknown: for a minute.
const LOOKS: u32 = 240;

/// A picture to verify.
#[derive(Debug, Args)]
pub struct Verify {
    /// The picture's id
    image: String,
    #[command(flatten)]
    connection: Connection,
}

/// Draws a picture again and compares the pixels. What was drawn is deleted.
///
/// # Errors
/// The pixels are others, the API refuses or is away, or the job fails.
pub async fn verify(verify: Verify) -> Result<()> {
    let (client, image) = (verify.connection.client()?, verify.image);
    let first = client.receipt(&image).await?;
    let kept = pixels(&client, &image).await?;
    let job = follow(&client, &client.verify(&image).await?.id).await?;
    let Some(drawn) = job.images.first() else {
        return sentence(format!("job {} has drawn nothing", job.id));
    };
    let verdict = compare(&client, &first, &kept, &drawn.id).await;
    client.delete_for_good(&drawn.id).await?;
    let differences = verdict?;
    if differences.is_empty() {
        println!(
            "verified: drawn again, picture {image} has the same pixels ({})",
            first.pixels_sha256
        );
        return Ok(());
    }
    for difference in &differences {
        println!("{difference}");
    }
    sentence(format!(
        "picture {image} is not verified: drawn again it has other pixels"
    ))
}

/// What keeps a picture from being verified, a line each; none where the pixels are the same.
async fn compare(
    client: &Client,
    first: &Receipt,
    kept: &RgbImage,
    again: &str,
) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    if sha256(kept) != first.pixels_sha256 {
        lines.push(format!(
            "its file: holds the pixels {}, and its receipt says {}",
            sha256(kept),
            first.pixels_sha256
        ));
    }
    let second = client.receipt(again).await?;
    if second.pixels_sha256 != first.pixels_sha256 {
        let second = read_through(client, again, second).await?;
        lines.push(apart(kept, &pixels(client, again).await?));
        lines.extend(differences(first, &second));
    }
    Ok(lines)
}

/// The receipt once its files are hashed, or as it is after a while.
async fn read_through(client: &Client, image: &str, mut receipt: Receipt) -> Result<Receipt> {
    let whole = |receipt: &Receipt| {
        let made = receipt.made_with.as_ref();
        let mut files = made
            .into_iter()
            .flat_map(|made| made.files.iter().chain(&made.loras));
        files.all(|file| file.sha256.is_some())
    };
    for _ in 0..LOOKS {
        if whole(&receipt) {
            break;
        }
        tokio::time::sleep(LOOK).await;
        receipt = client.receipt(image).await?;
    }
    Ok(receipt)
}

async fn pixels(client: &Client, image: &str) -> Result<RgbImage> {
    let file = client.file(image).await?;
    let decoded = image::load_from_memory(&file);
    Ok(decoded
        .tried(|| format!("the file of picture {image} can't be read"))?
        .into_rgb8())
}

fn sha256(pixels: &RgbImage) -> String {
    hex::encode(Sha256::digest(pixels.as_raw()))
}

/// How far two pictures are apart.
fn apart(one: &RgbImage, other: &RgbImage) -> String {
    if one.dimensions() != other.dimensions() {
        let ((width, height), (wide, high)) = (one.dimensions(), other.dimensions());
        return format!("size: {width} × {height}, drawn again {wide} × {high}");
    }
    let pairs = one.as_raw().iter().zip(other.as_raw());
    let differences = pairs.map(|(one, other)| one.abs_diff(*other));
    let (most, sum) = differences.fold((0, 0_u64), |(most, sum), difference| {
        (difference.max(most), sum + u64::from(difference))
    });
    #[expect(
        clippy::cast_precision_loss,
        reason = "a picture has far fewer than 2^44 values, each below 2^8"
    )]
    let mean = sum as f64 / one.as_raw().len().max(1) as f64;
    format!("pixels: at most {most} of 255 apart, {mean:.4} on average")
}

/// What two pictures that should be the same were made with, where that differs or is not known.
fn differences(first: &Receipt, second: &Receipt) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: &str, one: &dyn Display, other: &dyn Display| {
        let (one, other) = (one.to_string(), other.to_string());
        if one != other {
            found.push(format!("{what}: {one}, drawn again {other}"));
        }
    };
    differ("plan", &first.plan.as_str(), &second.plan.as_str());
    let (Some(before), Some(now)) = (&first.made_with, &second.made_with) else {
        found.push("made with: not known, the picture is from before that was noted".to_owned());
        return found;
    };
    differ("version", &before.version, &now.version);
    differ("libraries", &libraries(before), &libraries(now));
    let device = |made: &MadeWith| format!("{} ({})", made.device.name, made.device.kind);
    differ("device", &device(before), &device(now));
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".to_owned());
    differ("sampler", &name(&before.sampler), &name(&now.sampler));
    differ("scheduler", &name(&before.scheduler), &name(&now.scheduler));
    for (before, now) in [(&before.files, &now.files), (&before.loras, &now.loras)] {
        found.extend(before.iter().filter_map(|file| {
            let same = now.iter().find(|other| other.role == file.role);
            differing(file, same)
        }));
    }
    if found.is_empty() {
        found.push("nothing that is known differs in what they were made with".to_owned());
    }
    found
}

fn libraries(made: &MadeWith) -> String {
    let named = made.libraries.iter();
    let named: Vec<String> = named
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    named.join(", ")
}

/// How a file differs that both were made with; none where it is the same.
fn differing(file: &HashedFile, now: Option<&HashedFile>) -> Option<String> {
    let HashedFile { role, path, sha256 } = file;
    let Some(now) = now else {
        return Some(format!("{role}: {path}, drawn again without it"));
    };
    match (sha256, &now.sha256) {
        (Some(one), Some(other)) if one == other => None,
        (Some(one), Some(other)) => Some(format!(
            "{role}: {path} is {one}, drawn again {} is {other}",
            now.path
        )),
        _ => Some(format!(
            "{role}: whether {path} is the same is not known, since it was not hashed before it was changed"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(change: impl FnOnce(&mut serde_json::Value)) -> Receipt {
        let file = |role: &str, sha256: &str| serde_json::json!({ "role": role, "path": "a.gguf", "bytes": 1, "sha256": sha256 });
        let mut receipt = serde_json::json!({
            "pixels_sha256": "1", "plan": "full",
            "made_with": {
                "version": "1", "libraries": { "sd": "2" }, "sampler": "euler", "scheduler": "discrete",
                "device": { "id": "a/cpu", "kind": "cpu", "name": "a processor" },
                "files": [file("files.model", "aa")], "loras": [file("bend", "bb")],
            },
        });
        change(&mut receipt);
        serde_json::from_value(receipt).unwrap()
    }

    #[test]
    fn all_that_differs_is_named_and_nothing_else() {
        let first = receipt(|_| {});
        let nothing = "nothing that is known differs in what they were made with";
        assert_eq!(differences(&first, &receipt(|_| {})), [nothing]);
        for (pointer, value, line) in [
            ("/plan", "vae_tiling", "plan: full, drawn again vae_tiling"),
            ("/made_with/version", "3", "version: 1, drawn again 3"),
            (
                "/made_with/libraries/sd",
                "4",
                "libraries: sd 2, drawn again sd 4",
            ),
            (
                "/made_with/device/name",
                "a card",
                "device: a processor (cpu), drawn again a card (cpu)",
            ),
            (
                "/made_with/sampler",
                "heun",
                "sampler: euler, drawn again heun",
            ),
            (
                "/made_with/scheduler",
                "karras",
                "scheduler: discrete, drawn again karras",
            ),
            (
                "/made_with/files/0/sha256",
                "cc",
                "files.model: a.gguf is aa, drawn again a.gguf is cc",
            ),
            (
                "/made_with/loras/0/sha256",
                "cc",
                "bend: a.gguf is bb, drawn again a.gguf is cc",
            ),
            (
                "/made_with/loras/0/role",
                "fold",
                "bend: a.gguf, drawn again without it",
            ),
        ] {
            let second = receipt(|it| *it.pointer_mut(pointer).unwrap() = value.into());
            assert_eq!(differences(&first, &second), [line]);
        }
        let unread = receipt(|it| it["made_with"]["files"][0]["sha256"] = serde_json::Value::Null);
        assert!(differences(&first, &unread)[0].contains("not known"));
        let before = receipt(|it| it["made_with"] = serde_json::Value::Null);
        assert!(differences(&before, &first)[0].contains("not known"));
    }

    #[test]
    fn pictures_are_as_far_apart_as_their_values() {
        let one = RgbImage::from_pixel(2, 2, image::Rgb([10, 20, 30]));
        let mut other = one.clone();
        other.put_pixel(1, 1, image::Rgb([10, 32, 30]));
        let line = apart(&one, &other);
        assert_eq!(line, "pixels: at most 12 of 255 apart, 1.0000 on average");
        assert!(apart(&one, &RgbImage::new(1, 2)).starts_with("size: 2 × 2"));
    }
}
