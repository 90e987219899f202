//! Where a configuration comes from: the only place of the project that reads the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::layers::Layers;
use super::{Config, ConfigError};

/// Read when it is there and no other file is named.
const DEFAULT_FILE: &str = "mystic.toml";

/// The names that deployments commonly set, and the keys that they stand for.
const ALIASES: [(&str, [&str; 2]); 2] = [
    ("DATABASE_URL", ["database", "url"]),
    ("REDIS_URL", ["redis", "url"]),
];

/// The configuration flags that every service has in common; flatten them into its own.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ConfigArgs {
    /// Configuration file [default: ./mystic.toml if it is there]
    #[arg(long, env = "MYSTIC_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Set one key, over the file and the environment; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", global = true)]
    pub set: Vec<String>,
}

impl ConfigArgs {
    /// Reads the file, the environment and the flags, and checks everything.
    ///
    /// # Errors
    /// The file can't be read, a key is unknown, or a value isn't allowed.
    pub fn load(&self) -> Result<Config, ConfigError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the environment"
        )]
        let environment = std::env::vars_os();
        self.load_with(environment)
    }

    /// The same with an environment that the caller gives.
    ///
    /// # Errors
    /// The file can't be read, a key is unknown, or a value isn't allowed.
    pub fn load_with(
        &self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Config, ConfigError> {
        let mut layers = Layers::default();
        self.add_file(&mut layers)?;
        add_environment(&mut layers, environment)?;
        for flag in &self.set {
            let (key, value) = flag.split_once('=').ok_or(ConfigError::Flag)?;
            let keys: Vec<&str> = key.trim().split('.').collect();
            if keys.len() < 2 {
                return Err(ConfigError::Flag);
            }
            layers.add_text(&keys, &format!("--set {key}"), value);
        }
        Config::from_layers(layers)
    }

    fn add_file(&self, layers: &mut Layers) -> Result<(), ConfigError> {
        let path = self.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        match std::fs::read_to_string(path) {
            Ok(text) => layers.add_toml(path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.config.is_none() => {
                Ok(())
            }
            Err(source) => Err(ConfigError::Read {
                path: path.into(),
                source,
            }),
        }
    }
}

fn add_environment(
    layers: &mut Layers,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), ConfigError> {
    let mut own = Vec::new();
    for (name, value) in environment {
        let Some(name) = name.to_str() else { continue };
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        let rest = name.strip_prefix("MYSTIC_");
        if alias.is_none() && rest.is_none() {
            continue;
        }
        let value = value.to_str().ok_or_else(|| ConfigError::Variable {
            name: name.into(),
            hint: "its value is not UTF-8 text".into(),
        })?;
        if let Some((_, keys)) = alias {
            layers.add_text(keys, name, value);
        } else if let Some(rest) = rest {
            own.push((name.to_owned(), rest.to_ascii_lowercase(), value.to_owned()));
        }
    }
    for (name, rest, value) in own {
        let keys: Vec<&str> = rest.split("__").collect();
        if keys.len() > 1 {
            layers.add_text(&keys, &name, &value);
        } else if let Some((section, key)) = misspelt(&rest) {
            return Err(ConfigError::Variable {
                hint: format!(
                    "write MYSTIC_{}__{} with two underscores",
                    section.to_ascii_uppercase(),
                    key.to_ascii_uppercase()
                ),
                name,
            });
        }
    }
    Ok(())
}

/// Section and key of a variable in which one underscore stands for two.
fn misspelt(rest: &str) -> Option<(&str, &str)> {
    let (section, key) = rest.split_once('_')?;
    Config::SECTIONS
        .contains(&section)
        .then_some((section, key))
}
