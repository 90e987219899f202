//! A real engine child with the demo model, for tests and benches.

#![allow(
    dead_code,
    reason = "each program that includes this takes what it needs"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, ExitStatus, Stdio};

use mystic_domain::{ContextPlan, FailureKind, TextModel};
use mystic_engine::{
    Command, EnhanceInstructions, Event, LoadModel, PROTOCOL, Picture, ScoredTag, TagInstructions,
};
use mystic_process::config::{Prompts, Tagging};

/// The demo model's name in the cache of downloads, and below a models directory.
const NAMES: [&str; 2] = [
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "demo-tagger/smollm2-135m-instruct-q4_1.gguf",
];

/// The child's process and its pipes.
pub struct Child {
    process: std::process::Child,
    commands: Option<ChildStdin>,
    events: BufReader<ChildStdout>,
    /// Buffers that the native library has reported.
    pub buffers: Vec<(String, i64)>,
}

/// What a tag command gave.
#[derive(Debug, PartialEq)]
pub struct Tagged {
    pub tags: Vec<ScoredTag>,
    pub reused: u32,
    pub read: u32,
    pub written: u32,
}

impl Tagged {
    pub fn names(&self) -> Vec<&str> {
        self.tags.iter().map(|tag| tag.tag.as_str()).collect()
    }
}

pub type Failed = (FailureKind, String);

impl Child {
    pub fn start() -> Self {
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_worker-llm"))
            .arg("engine")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let commands = process.stdin.take();
        let events = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        let mut child = Self {
            process,
            commands,
            events,
            buffers: Vec::new(),
        };
        let Event::Hello { protocol, .. } = child.event() else {
            panic!("the first event is hello");
        };
        assert_eq!(protocol, PROTOCOL);
        child
    }

    /// A child with the demo model in a context of this many tokens.
    pub fn with_model(context: u32) -> Self {
        let mut child = Self::start();
        let file = model_file();
        let file = file.to_str().expect("the path is UTF-8");
        child.load(file, context).expect("the demo model loads");
        child
    }

    pub fn load(&mut self, file: &str, context: u32) -> Result<(), Failed> {
        self.load_as(file, context, ContextPlan::Default)
    }

    pub fn load_as(&mut self, file: &str, context: u32, plan: ContextPlan) -> Result<(), Failed> {
        self.load_model(demo(file, context), plan)
    }

    pub fn load_model(&mut self, model: TextModel, plan: ContextPlan) -> Result<(), Failed> {
        self.send(&Command::Load {
            model: LoadModel::Llm {
                model,
                threads: 2,
                context: plan,
            },
        });
        match self.last() {
            Event::Loaded { .. } => Ok(()),
            Event::Failed { kind, message } => Err((kind, message)),
            other => panic!("load ends with {other:?}"),
        }
    }

    pub fn tag(&mut self, prompt: &str, instructions: &TagInstructions) -> Result<Tagged, Failed> {
        self.tag_picture(prompt, None, instructions)
    }

    pub fn tag_picture(
        &mut self,
        prompt: &str,
        picture: Option<Picture>,
        instructions: &TagInstructions,
    ) -> Result<Tagged, Failed> {
        self.send(&Command::Tag {
            order: "test".into(),
            prompt: prompt.to_owned(),
            picture,
            instructions: instructions.clone(),
        });
        match self.last() {
            Event::Tags { tags, said } => Ok(Tagged {
                tags,
                reused: said.reused_tokens,
                read: said.read_tokens,
                written: said.written_tokens,
            }),
            Event::Failed { kind, message } => Err((kind, message)),
            other => panic!("tag ends with {other:?}"),
        }
    }

    pub fn enhance(
        &mut self,
        prompt: &str,
        seed: i64,
        instructions: &EnhanceInstructions,
    ) -> Result<String, Failed> {
        self.send(&Command::Enhance {
            order: "test".into(),
            prompt: prompt.to_owned(),
            seed,
            instructions: instructions.clone(),
        });
        match self.last() {
            Event::Enhanced { prompt, .. } => Ok(prompt),
            Event::Failed { kind, message } => Err((kind, message)),
            other => panic!("enhancing ends with {other:?}"),
        }
    }

    /// Closes the child's input and waits for its end.
    pub fn end(mut self) -> ExitStatus {
        drop(self.commands.take());
        self.process.wait().expect("the child can be waited for")
    }

    fn send(&mut self, command: &Command) {
        let mut line = serde_json::to_vec(command).expect("a command is JSON");
        line.push(b'\n');
        let commands = self.commands.as_mut().expect("the input is open");
        commands.write_all(&line).expect("the child reads");
    }

    /// The event that ends a command.
    fn last(&mut self) -> Event {
        loop {
            match self.event() {
                Event::Progress { .. } => {}
                Event::Buffer { module, size, .. } => self.buffers.push((module, size.0)),
                last => return last,
            }
        }
    }

    fn event(&mut self) -> Event {
        let mut line = String::new();
        self.events.read_line(&mut line).expect("the pipe is open");
        assert!(!line.is_empty(), "the child ended without an answer");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.process.wait();
    }
}

/// The demo model as its preset says.
pub fn demo(file: &str, context: u32) -> TextModel {
    TextModel {
        file: file.to_owned(),
        mmproj: None,
        context,
        layers: 30,
        kv_heads: 3,
        head_dim: 64,
    }
}

/// The instructions of the default configuration for a model that sees.
pub fn seeing() -> TagInstructions {
    mystic_worker::instructions::seeing(&Tagging::default())
}

/// The instructions of the default configuration.
pub fn instructions() -> TagInstructions {
    mystic_worker::instructions::tagging(&Tagging::default())
}

/// How the default configuration has prompts written out.
pub fn enhancing() -> EnhanceInstructions {
    mystic_worker::instructions::enhancing(&Prompts::default())
}

/// Where the demo model is.
#[expect(
    clippy::disallowed_methods,
    reason = "tests find the demo model by the environment"
)]
pub fn model_file() -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let checkout = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models");
    [
        set("MYSTIC_TEST_MODELS"),
        cache.map(|cache| cache.join("mystic/models")),
        Some(checkout),
    ]
    .into_iter()
    .flatten()
    .flat_map(|directory| NAMES.map(|name| directory.join(name)))
    .find(|file| file.is_file())
    .unwrap_or_else(|| {
        panic!(
            "{} is not on this machine: `make test` fetches it",
            NAMES[0]
        )
    })
}
