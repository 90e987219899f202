//! `mystic models`: which models there are, where they come from, and whether they are what they should be.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use mystic_library::{Catalog, Import, Model, Places, State};
use serde::Deserialize;

use crate::checkout::Checkout;
use crate::error::{Result, Tried, sentence};
use crate::remote::Connection;
use crate::setup::models::places;

/// What is done with models.
#[derive(Debug, Subcommand)]
pub enum Models {
    /// List what the catalogue has, and what else lies in the models directory
    List,
    /// Bring models into the models directory; what broke off is gone on with
    Pull {
        /// Their names in the catalogue
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Take a file of this machine into the models directory
    Import {
        /// A GGUF or safetensors file
        file: PathBuf,
        /// Its path below the models directory [default: its own name]
        #[arg(long)]
        path: Option<String>,
        /// Its name in the catalogue [default: its own name without the ending]
        #[arg(long)]
        name: Option<String>,
        /// SPDX name of its licence
        #[arg(long, default_value = "unknown")]
        licence: String,
    },
    /// Compare models with their checksums, all where none is named
    Verify {
        /// Their names in the catalogue
        names: Vec<String>,
    },
    /// Delete a model's files
    Rm {
        /// Its name in the catalogue
        name: String,
        /// Even where a preset needs it
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Does what is asked for with the models in `dir`.
///
/// # Errors
/// A name is not known, a model can't be had, is not what it should be, or is needed.
pub async fn models(checkout: Option<&Checkout>, dir: &Path, asked: Models) -> Result<()> {
    let places = places(checkout, dir)?;
    let catalog = catalog(&places)?;
    match asked {
        Models::List => list(&places.models, &catalog),
        Models::Pull { names } => {
            for model in named(&catalog, &names)? {
                pull(&places, model)?;
            }
            Ok(())
        }
        Models::Import {
            file,
            path,
            name,
            licence,
        } => {
            let own = |part: Option<&std::ffi::OsStr>| {
                part.and_then(|part| part.to_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            let path = path.unwrap_or_else(|| own(file.file_name()));
            let name = name.unwrap_or_else(|| own(file.file_stem()));
            let import = Import {
                from: file,
                path,
                name,
                licence,
            };
            let model = import
                .run(&places.models, &mut |_| ControlFlow::Continue(()))
                .tried(|| "the file is not taken in")?;
            println!("{}: {}, {}", model.name, model.architecture, import.path);
            Ok(())
        }
        Models::Verify { names } => verify(&places.models, &named(&catalog, &names)?),
        Models::Rm {
            name,
            force,
            connection,
        } => {
            let model = named(&catalog, &[name])?[0];
            let needed = needed(&places.models, &connection, model).await?;
            if !needed.is_empty() && !force {
                return sentence(format!(
                    "{} is needed by {}; --force deletes it all the same",
                    model.name,
                    needed.join(", ")
                ));
            }
            let gone = mystic_library::remove(&places.models, &catalog, model)
                .tried(|| format!("{} is not deleted", model.name))?;
            for path in gone {
                println!("{path} is deleted");
            }
            Ok(())
        }
    }
}

/// What the models directory's catalogue has, and what the source tree's has beside it.
fn catalog(places: &Places) -> Result<Catalog> {
    let read = |dir: &Path| Catalog::read(dir).tried(|| "the catalogue can't be used");
    let mut catalog = read(&places.models)?;
    for model in read(&places.sources)?.models {
        if catalog.model(&model.name).is_none() {
            catalog.models.push(model);
        }
    }
    Ok(catalog)
}

/// The models of these names; all where none is named.
fn named<'a>(catalog: &'a Catalog, names: &[String]) -> Result<Vec<&'a Model>> {
    if names.is_empty() {
        return Ok(catalog.models.iter().collect());
    }
    let mut found = Vec::new();
    for name in names {
        let Some(model) = catalog.model(name) else {
            let known: Vec<&str> = catalog.models.iter().map(|it| it.name.as_str()).collect();
            return sentence(format!(
                "no model is named {name}; the catalogue has {}",
                known.join(", ")
            ));
        };
        found.push(model);
    }
    Ok(found)
}

fn list(dir: &Path, catalog: &Catalog) -> Result<()> {
    for model in &catalog.models {
        let size: u64 = model.files.iter().map(|file| file.size).sum();
        let mut state = "here";
        for file in &model.files {
            match mystic_library::look(&dir.join(&file.path), file)
                .tried(|| "models can't be looked at")?
            {
                State::Good => {}
                State::Missing => state = "not here",
                State::Corrupt(_) => {
                    state = "damaged";
                    break;
                }
            }
        }
        println!(
            "{:<24} {:<20} {:>10} MiB  {:<12} {state}",
            model.name,
            model.architecture,
            size >> 20,
            model.licence
        );
    }
    let found = mystic_weights::scan(dir).tried(|| format!("cannot read {}", dir.display()))?;
    let mut others = found
        .iter()
        .filter(|found| catalog.files().all(|file| file.path != found.path))
        .peekable();
    if others.peek().is_some() {
        println!("\nIn no catalogue:");
    }
    for other in others {
        let what = match &other.header {
            Ok(header) => match header.architecture() {
                Some(architecture) => format!("{}, {architecture}", header.kind()),
                None => header.kind().to_string(),
            },
            Err(problem) => problem.to_string(),
        };
        println!("{:<45} {:>10} MiB  {what}", other.path, other.bytes >> 20);
    }
    Ok(())
}

/// Brings a model's files, showing how far each is.
pub fn pull(places: &Places, model: &Model) -> Result<()> {
    for file in &model.files {
        let bar = ProgressBar::new(file.size).with_message(file.path.clone());
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {eta}")
        {
            bar.set_style(style);
        }
        let mut show = |there| {
            bar.set_position(there);
            ControlFlow::Continue(())
        };
        mystic_library::fetch(places, file, &mut show)
            .tried(|| format!("{} can't be had", model.name))?;
        bar.finish_and_clear();
        println!("{} is here ({})", file.path, model.licence);
    }
    Ok(())
}

fn verify(dir: &Path, models: &[&Model]) -> Result<()> {
    let mut bad = 0;
    for model in models {
        for file in &model.files {
            let state = mystic_library::verify(&dir.join(&file.path), file)
                .tried(|| format!("{} can't be verified", model.name))?;
            match state {
                State::Good => println!("{}: ok", file.path),
                State::Missing => println!("{}: missing", file.path),
                State::Corrupt(ref why) => println!("{}: corrupt: {why}", file.path),
            }
            bad += usize::from(state != State::Good);
        }
    }
    if bad > 0 {
        return sentence(format!(
            "{bad} files are not as they should be; `mystic models pull` brings them"
        ));
    }
    Ok(())
}

/// The files of a preset, of whichever engine.
#[derive(Debug, Deserialize)]
pub struct PresetFiles {
    name: String,
    file: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
}

impl PresetFiles {
    fn needs(&self, model: &Model) -> bool {
        let mut paths = self.files.values().chain(&self.file);
        paths.any(|path| model.files.iter().any(|file| file.path == *path))
    }
}

/// The presets that need a model: those of the models directory, and those of the API where one answers.
async fn needed(dir: &Path, connection: &Connection, model: &Model) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Presets {
        #[serde(default)]
        preset: Vec<PresetFiles>,
    }
    let path = dir.join("presets.toml");
    let mut presets = Vec::new();
    if path.exists() {
        let text =
            std::fs::read_to_string(&path).tried(|| format!("cannot read {}", path.display()))?;
        let read: Presets =
            toml::from_str(&text).tried(|| format!("{} is malformed", path.display()))?;
        presets = read.preset;
    }
    match connection.client()?.presets().await {
        Ok(known) => presets.extend(known),
        Err(error) => eprintln!(
            "no API says which presets it has ({error}); those of {} count",
            path.display()
        ),
    }
    let needing = presets.iter().filter(|preset| preset.needs(model));
    let mut names: Vec<String> = needing
        .map(|preset| format!("preset {}", preset.name))
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}
