//! A real engine child, spoken to over its pipes.

#![allow(
    dead_code,
    reason = "every test binary and the bench take what they need"
)]

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, ExitStatus, Stdio};

use mystic_domain::{ContextPlan, GenerateParams, ImageFiles, ImageFlags, Mib, Plan};
use mystic_engine::{Command, Event, LoadModel};

/// Less than the demo model's network, so that it can't pass through in one piece.
pub const STREAM_BUDGET: Mib = Mib(4);

/// An engine child; killed when dropped.
pub struct Child {
    process: std::process::Child,
    commands: Option<ChildStdin>,
    events: BufReader<ChildStdout>,
    directory: tempfile::TempDir,
}

impl Child {
    /// Starts a child and takes its greeting.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory for pixels");
        let stderr = File::create(directory.path().join("stderr")).expect("a file for stderr");
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_worker-sd"))
            .arg("engine")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the engine child starts");
        let commands = process.stdin.take();
        let events = BufReader::new(process.stdout.take().expect("its standard output"));
        let mut child = Self {
            process,
            commands,
            events,
            directory,
        };
        assert!(matches!(child.next(), Some(Event::Hello { .. })));
        child
    }

    /// A child with the demo model loaded.
    pub fn with_demo_model() -> Self {
        let mut child = Self::start();
        let last = child.load(demo_files());
        assert!(matches!(last, Event::Loaded { .. }), "{last:?}");
        child
    }

    /// Loads a model and returns the last event.
    pub fn load(&mut self, files: ImageFiles) -> Event {
        self.load_as(files, ContextPlan::Default)
    }

    /// Loads a model, its parts where the plan wants them, and returns the last event.
    pub fn load_as(&mut self, files: ImageFiles, context: ContextPlan) -> Event {
        self.load_with(files, ImageFlags::default(), context)
    }

    /// Loads a model in a preset's own way, and returns the last event.
    pub fn load_with(
        &mut self,
        files: ImageFiles,
        flags: ImageFlags,
        context: ContextPlan,
    ) -> Event {
        self.load_model(LoadModel::Sd {
            files,
            flags,
            threads: threads(),
            context,
            stream_budget: STREAM_BUDGET,
        })
    }

    /// Loads a model of any sort, and returns the last event.
    pub fn load_model(&mut self, model: LoadModel) -> Event {
        self.send(&Command::Load { model });
        self.until_last().1
    }

    /// Draws one picture; panics with the child's standard error where it fails.
    pub fn draw(&mut self, params: &GenerateParams, plan: Plan) -> Drawn {
        self.draw_shown(params, plan, None)
    }

    /// As [`Child::draw`], with previews in this file.
    pub fn draw_shown(
        &mut self,
        params: &GenerateParams,
        plan: Plan,
        preview: Option<PathBuf>,
    ) -> Drawn {
        let pixels = self.directory.path().join("pixels");
        let mut command = generate(params, plan, pixels.clone());
        if let Command::Generate { preview: place, .. } = &mut command {
            *place = preview;
        }
        self.send(&command);
        let (events, last) = self.until_last();
        let Event::Image { width, height, .. } = last else {
            panic!("{last:?}\n{}", self.stderr());
        };
        Drawn {
            pixels: std::fs::read(pixels).expect("the pixels were written"),
            width,
            height,
            events,
            last,
        }
    }

    /// Sends one command.
    pub fn send(&mut self, command: &Command) {
        let mut line = serde_json::to_vec(command).expect("a command is JSON");
        line.push(b'\n');
        let pipe = self.commands.as_mut().expect("the pipe is open");
        pipe.write_all(&line).expect("the child reads");
    }

    /// The next event; `None` at the end of the child's output. Every line must be an event.
    pub fn next(&mut self) -> Option<Event> {
        let mut line = String::new();
        let read = self.events.read_line(&mut line).expect("UTF-8 lines");
        (read > 0).then(|| {
            serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("{error} in {line:?}\n{}", self.stderr()))
        })
    }

    /// Events up to the one that ends a command, and that one.
    pub fn until_last(&mut self) -> (Vec<Event>, Event) {
        let mut events = Vec::new();
        while let Some(event) = self.next() {
            match event {
                Event::Progress { .. } | Event::Buffer { .. } | Event::Preview { .. } => {
                    events.push(event);
                }
                last => return (events, last),
            }
        }
        panic!("the child ended: {}", self.stderr());
    }

    /// Closes the child's standard input and waits for its end.
    pub fn close(&mut self) -> ExitStatus {
        self.commands = None;
        self.process.wait().expect("the child can be waited for")
    }

    /// What the child wrote to standard error.
    pub fn stderr(&self) -> String {
        let bytes = std::fs::read(self.directory.path().join("stderr")).expect("the file is there");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The child's resident memory in KiB.
    pub fn resident_kib(&self) -> i64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).expect("the child lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|kib| kib.parse().ok()).expect("a number")
    }

    /// What the child's file descriptor leads to.
    pub fn open_file(&self, descriptor: u32) -> PathBuf {
        let path = format!("/proc/{}/fd/{descriptor}", self.process.id());
        std::fs::read_link(path).expect("the descriptor is open")
    }

    /// A directory that ends with the child.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A picture and the events on the way to it.
pub struct Drawn {
    /// RGB, row by row.
    pub pixels: Vec<u8>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Progress and buffers.
    pub events: Vec<Event>,
    /// The `Image` event.
    pub last: Event,
}

/// The command for one picture with the parameters' own seed.
pub fn generate(params: &GenerateParams, plan: Plan, pixels: PathBuf) -> Command {
    Command::Generate {
        params: params.clone(),
        start: None,
        loras: Vec::new(),
        seed: params.seed,
        plan,
        pixels,
        preview: None,
    }
}

/// The demo model, given as full model and as tiny autoencoder.
pub fn demo_files() -> ImageFiles {
    let path = format!(
        "{}/../models/demo/demo-painter-q8_0.gguf",
        env!("CARGO_MANIFEST_DIR")
    );
    ImageFiles {
        model: Some(path.clone()),
        taesd: Some(path),
        ..ImageFiles::default()
    }
}

/// The demo preset's settings.
pub fn demo_params(seed: i64) -> GenerateParams {
    GenerateParams {
        prompt: "a red circle on a blue background".into(),
        negative_prompt: String::new(),
        width: 128,
        height: 128,
        steps: 8,
        cfg: 3.0,
        seed,
        batch: 1,
        sampler: Some("euler".into()),
        ..GenerateParams::default()
    }
}

/// One thread a core.
pub fn threads() -> u32 {
    let cores = std::thread::available_parallelism().expect("a number of cores");
    u32::try_from(cores.get()).expect("few cores")
}
