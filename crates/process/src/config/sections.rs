//! The sections of `mystic.toml` with their defaults. `mystic.example.toml` says the same to users.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use mystic_domain::Mib;
use serde::Deserialize;
use url::Url;

use super::secret::{SecretText, SecretUrl, join_key, postgres_url, redis_url};
use super::values::{
    directory, filter, host_name, http_url, mib, milliseconds, plain_http_url, seconds,
    some_directory, some_mib, whole,
};

/// Any free port of the loopback address.
const LOOPBACK_ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// `[database]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Database {
    /// Postgres, with its password if it has one. `DATABASE_URL` is an alias.
    #[serde(deserialize_with = "postgres_url")]
    pub url: SecretUrl,
    /// Connections that one process may hold.
    #[serde(deserialize_with = "whole::<1, 1000, _, _>")]
    pub max_connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: SecretUrl::new("postgres://mystic@127.0.0.1:5432/mystic"),
            max_connections: 10,
        }
    }
}

/// `[redis]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Redis {
    /// Redis, with its password if it has one. `REDIS_URL` is an alias.
    #[serde(deserialize_with = "redis_url")]
    pub url: SecretUrl,
    /// What all keys and channels begin with, so that several stacks can share one Redis.
    #[serde(deserialize_with = "host_name")]
    pub namespace: String,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: SecretUrl::new("redis://127.0.0.1:6379"),
            namespace: "mystic".into(),
        }
    }
}

/// `[api]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Api {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Host names that requests may name besides the address that it listens on and `localhost`.
    pub allowed_hosts: Vec<String>,
    /// Largest request body, bytes.
    #[serde(deserialize_with = "whole::<1024, 1_073_741_824, _, _>")]
    pub max_body_bytes: usize,
    /// Longest prompt, bytes of UTF-8.
    #[serde(deserialize_with = "whole::<1, 1_048_576, _, _>")]
    pub max_prompt_bytes: usize,
    /// Largest file that is uploaded, bytes.
    #[serde(deserialize_with = "whole::<1024, 1_073_741_824, _, _>")]
    pub max_upload_bytes: usize,
    /// Largest picture that is uploaded, pixels.
    #[serde(deserialize_with = "whole::<4096, 1_073_741_824, _, _>")]
    pub max_upload_pixels: u64,
    /// Largest job: images × steps × megapixels.
    #[serde(deserialize_with = "whole::<1, 1_000_000, _, _>")]
    pub max_cost: u32,
    /// What users reach the API under, when it isn't the address that it listens on.
    #[serde(deserialize_with = "http_url")]
    pub public_url: Option<Url>,
    /// How long a token of a worker that has no shared store is good for; its worker asks for the next at half of that.
    #[serde(rename = "worker_token_s", deserialize_with = "seconds")]
    pub worker_token: Duration,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8787)),
            allowed_hosts: Vec::new(),
            max_body_bytes: 1 << 20,
            max_prompt_bytes: 8192,
            max_upload_bytes: 32 << 20,
            max_upload_pixels: 1 << 24,
            max_cost: 1000,
            public_url: None,
            worker_token: Duration::from_hours(1),
        }
    }
}

/// `[scheduler]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Scheduler {
    /// Where `/health` and `/metrics` are served.
    pub listen: SocketAddr,
    /// How often the reconcilers run when nothing wakes them.
    #[serde(rename = "tick_ms", deserialize_with = "milliseconds")]
    pub tick: Duration,
    /// How long a granted lease waits for its worker's claim.
    #[serde(rename = "unclaimed_lease_s", deserialize_with = "seconds")]
    pub unclaimed_lease: Duration,
    /// How long a leading scheduler may be silent before another leads.
    #[serde(rename = "leader_silence_s", deserialize_with = "seconds")]
    pub leader_silence: Duration,
    #[serde(rename = "lease_s", deserialize_with = "seconds")]
    pub(super) lease: Duration,
    #[serde(rename = "reap_after_s", deserialize_with = "seconds")]
    pub(super) reap_after: Duration,
}

impl Default for Scheduler {
    fn default() -> Self {
        let times = crate::LeaseTimes::default();
        Self {
            listen: LOOPBACK_ANY,
            tick: Duration::from_secs(1),
            unclaimed_lease: Duration::from_secs(5),
            leader_silence: Duration::from_secs(15),
            lease: times.lease(),
            reap_after: times.reap(),
        }
    }
}

/// `[worker]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Worker {
    /// The host's name in the ledger; unset: the machine id.
    pub host: Option<String>,
    /// The device that this worker serves (`GPU-…` or `<host>/cpu`); unset: the only or the first one.
    pub device: Option<String>,
    /// Where `/health` and `/metrics` are served.
    pub listen: SocketAddr,
    #[serde(rename = "heartbeat_s", deserialize_with = "seconds")]
    pub(super) heartbeat: Duration,
    /// How long a running job goes on while its lease can't be renewed.
    #[serde(rename = "offline_grace_s", deserialize_with = "seconds")]
    pub offline_grace: Duration,
    /// Engine children (one resident model each) at a time.
    #[serde(deserialize_with = "whole::<1, 64, _, _>")]
    pub max_children: u32,
    /// How long an unused model stays loaded.
    #[serde(rename = "idle_unload_s", deserialize_with = "seconds")]
    pub idle_unload: Duration,
    /// How long an engine may show no progress, at least, before it counts as hung.
    #[serde(rename = "hang_timeout_s", deserialize_with = "seconds")]
    pub hang_timeout: Duration,
    /// Whether pictures are shown while they are sampled.
    pub previews: bool,
    /// The executable that engine children run; unset: the worker's own.
    pub engine_binary: Option<PathBuf>,
    /// Where pictures are sent; unset: they are put into the store's directory, which the API shares.
    #[serde(deserialize_with = "plain_http_url")]
    pub api_url: Option<Url>,
    /// What the API lets this machine in by.
    #[serde(deserialize_with = "join_key")]
    pub join_key: Option<SecretText>,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            host: None,
            device: None,
            listen: LOOPBACK_ANY,
            heartbeat: crate::LeaseTimes::default().heartbeat(),
            offline_grace: Duration::from_mins(10),
            max_children: 4,
            idle_unload: Duration::from_mins(5),
            hang_timeout: Duration::from_mins(2),
            previews: true,
            engine_binary: None,
            api_url: None,
            join_key: None,
        }
    }
}

/// `[store]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Store {
    /// The directory that pictures go to, from a path or a `file://` URL.
    #[serde(deserialize_with = "directory")]
    pub outputs: PathBuf,
    /// Free disk space below which nothing new is started.
    #[serde(rename = "min_free_mib", deserialize_with = "mib")]
    pub min_free: Mib,
    /// How long a file that no picture uses is left alone.
    #[serde(rename = "collect_after_s", deserialize_with = "seconds")]
    pub collect_after: Duration,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            outputs: "./outputs".into(),
            min_free: Mib(512),
            collect_after: Duration::from_hours(1),
        }
    }
}

/// `[models]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Models {
    /// The directory that presets' file names are relative to.
    #[serde(deserialize_with = "directory")]
    pub dir: PathBuf,
    /// The directory whose model files may be imported over REST; unset: none.
    #[serde(deserialize_with = "some_directory")]
    pub import_dir: Option<PathBuf>,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            dir: "./models".into(),
            import_dir: None,
        }
    }
}

/// `[tagging]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Tagging {
    /// Whether pictures are tagged when the submitter doesn't say.
    pub enabled: bool,
    /// The LLM preset that tags.
    pub preset: String,
    /// What the LLM is told before the examples.
    pub system_prompt: String,
    /// What an LLM is told instead that sees the picture: one whose preset has an `mmproj`.
    pub vision_system_prompt: String,
    /// Worked examples shown to the LLM, in this order.
    pub examples: Vec<TaggingExample>,
    /// Tags kept per picture.
    #[serde(deserialize_with = "whole::<1, 100, _, _>")]
    pub max_tags: usize,
}

/// `[[tagging.examples]]`: a prompt and the tags that it should get.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with prompt and tags")]
pub struct TaggingExample {
    /// The picture's prompt.
    pub prompt: String,
    /// Its tags.
    pub tags: Vec<String>,
}

impl Default for Tagging {
    fn default() -> Self {
        let example = |prompt: &str, tags: &[&str]| TaggingExample {
            prompt: prompt.into(),
            tags: tags.iter().map(|&tag| tag.into()).collect(),
        };
        Self {
            enabled: true,
            preset: "demo-tagger".into(),
            system_prompt: "You turn a picture's description into search tags. Write a JSON array. Each tag is a \
                            few words copied from the description. Cover the whole description and add nothing."
                .into(),
            vision_system_prompt: "You find search tags for a picture. Look at it: words beside it are the description that \
                                   it was made from, and may be wrong. Write a JSON array. Each tag is a few words for \
                                   what can be seen."
                .into(),
            examples: vec![
                example(
                    "a white rabbit under a tall tree, pencil sketch",
                    &["white rabbit", "tall tree", "pencil sketch"],
                ),
                example(
                    "(fantasy forest:1.2), glowing mushrooms, mist, <lora:glow:0.6>, concept art",
                    &["fantasy forest", "glowing mushrooms", "mist", "concept art"],
                ),
                example(
                    "a green square on a white background",
                    &["green square", "white background"],
                ),
                example(
                    "three purple hexagons on an orange background",
                    &["three purple hexagons", "orange background"],
                ),
                example("a dog", &["dog"]),
            ],
            max_tags: 12,
        }
    }
}

/// `[prompts]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Prompts {
    /// The directory of wildcards: `__name__` in a prompt stands for a line of `name.txt`.
    pub wildcards: PathBuf,
    /// The LLM preset that writes prompts out.
    pub preset: String,
    /// What the LLM is told before the examples.
    pub system_prompt: String,
    /// Worked examples shown to the LLM, in this order.
    pub examples: Vec<PromptExample>,
    /// Most tokens of a prompt that is written out.
    #[serde(deserialize_with = "whole::<1, 1024, _, _>")]
    pub max_tokens: u32,
}

/// `[[prompts.examples]]`: a prompt as it comes, and as it should be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with prompt and enhanced")]
pub struct PromptExample {
    /// As it comes.
    pub prompt: String,
    /// As it should be.
    pub enhanced: String,
}

impl Default for Prompts {
    fn default() -> Self {
        let example = |prompt: &str, enhanced: &str| PromptExample {
            prompt: prompt.into(),
            enhanced: enhanced.into(),
        };
        Self {
            wildcards: "./wildcards".into(),
            preset: "demo-tagger".into(),
            system_prompt: "You write prompts for a painter. Repeat the given words, then add what can be seen: \
                            setting, light, colours, style. One line, parts separated by commas."
                .into(),
            examples: vec![
                example(
                    "a rabbit",
                    "a rabbit, white fur, sitting in tall grass, soft morning light, shallow depth of field, photograph",
                ),
                example(
                    "old lighthouse in a storm",
                    "old lighthouse in a storm, high waves against the rocks, dark clouds, one warm beam of light, oil \
                     painting",
                ),
                example(
                    "portrait of a woman with red hair",
                    "portrait of a woman with red hair, freckles, green eyes, window light from the left, dark \
                     background, fine detail",
                ),
            ],
            max_tokens: 96,
        }
    }
}

/// `[gpu]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Gpu {
    /// The NVML library; unset: the system's.
    pub nvml_library: Option<PathBuf>,
    /// Memory budget of the `cpu` device; unset: worked out from the system's memory.
    #[serde(rename = "cpu_budget_mib", deserialize_with = "some_mib")]
    pub cpu_budget: Option<Mib>,
    /// Memory of each device that is never booked.
    #[serde(rename = "headroom_mib", deserialize_with = "mib")]
    pub headroom: Mib,
    /// Diffusion jobs that a device runs at a time.
    #[serde(deserialize_with = "whole::<1, 16, _, _>")]
    pub compute_turns: u32,
}

impl Default for Gpu {
    fn default() -> Self {
        Self {
            nvml_library: None,
            cpu_budget: None,
            headroom: Mib(512),
            compute_turns: 1,
        }
    }
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// Which lines are written: `tracing` directives such as `info,mystic_store=debug`.
    #[serde(deserialize_with = "filter")]
    pub filter: String,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a terminal.
    Human,
    /// One JSON object per line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Human,
            filter: "info".into(),
        }
    }
}

/// `[shutdown]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct Drain {
    /// How long after the first signal a process is cut, finished or not.
    #[serde(rename = "deadline_s", deserialize_with = "seconds")]
    pub deadline: Duration,
    /// How long the API goes on taking new connections after the first signal, while `/health` says that it leaves.
    #[serde(rename = "linger_s", deserialize_with = "seconds")]
    pub linger: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            deadline: Duration::from_mins(5),
            linger: Duration::from_secs(1),
        }
    }
}
