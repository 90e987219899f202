//! What people ask for: all of it drawn before any policy runs.

use mystic_domain::{EngineKind, Plan};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp, Gamma, Normal, Zipf};

use crate::fleet::SPEEDS;
use crate::presets::{IMAGES, TEXTS, model};

/// Image jobs in a workload; their prompt enhancements and tagging jobs come on top.
pub const JOBS: usize = 1500;
const USERS: usize = 24;

/// One point of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Work that arrives, as a share of what the fleet can do with no loads.
    pub load: f64,
    /// Coefficient of variation of the time between arrivals.
    pub cv: f64,
    /// Exponent of the presets' popularity.
    pub zipf: f64,
}

/// A job that waits for another one's end.
pub type JobIndex = usize;

/// A job as it was drawn.
#[derive(Clone, Debug)]
pub struct Job {
    /// What serves it: an image preset, or after those a text preset.
    pub preset: usize,
    /// Whose it is.
    pub user: usize,
    /// When it is submitted; nothing where another job's end submits it.
    pub at: Option<f64>,
    /// The job that its end submits.
    pub then: Option<JobIndex>,
    /// Seconds on a card of speed 1 with the first plan.
    pub work: f64,
    /// Pictures in it: a cancel takes effect between two.
    pub pictures: u32,
    /// Width and height.
    pub size: (u32, u32),
    /// What its memory is in truth, as a share of the estimate.
    pub truth: f64,
    /// When it is cancelled, counted from when it could run.
    pub cancelled_after: Option<f64>,
    /// Points of priority: tagging yields.
    pub priority: i32,
}

impl Job {
    /// The engine that it needs.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        model(self.preset).engine
    }

    /// MiB that it really takes beside its model.
    #[must_use]
    pub fn peak(&self, plan: Plan) -> f64 {
        model(self.preset).working(self.size, plan) * self.truth
    }
}

/// A workload of [`JOBS`] image jobs.
#[must_use]
pub fn draw(shape: Shape, seed: u64) -> Vec<Job> {
    let mut draw = Draw {
        random: ChaCha8Rng::seed_from_u64(seed),
        jobs: Vec::new(),
    };
    draw.all(shape, JOBS);
    draw.jobs
}

/// A few image jobs that are all there from the start.
#[must_use]
pub fn draw_tiny(jobs: usize, presets: usize, seed: u64) -> Vec<Job> {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x7117);
    let mut popular: Vec<usize> = (0..IMAGES.len()).collect();
    popular.shuffle(&mut random);
    let mut draw = Draw {
        random,
        jobs: Vec::new(),
    };
    for _ in 0..jobs {
        let preset = popular[draw.random.random_range(0..presets)];
        let mut job = draw.image(preset, 0);
        job.at = Some(0.0);
        job.cancelled_after = None;
        job.truth = 1.0;
        draw.jobs.push(job);
    }
    draw.jobs
}

struct Draw {
    random: ChaCha8Rng,
    jobs: Vec<Job>,
}

impl Draw {
    fn all(&mut self, shape: Shape, count: usize) {
        let mut popular: Vec<usize> = (0..IMAGES.len()).collect();
        popular.shuffle(&mut self.random);
        let mut texts: Vec<usize> = (0..TEXTS.len()).collect();
        texts.shuffle(&mut self.random);
        #[expect(clippy::cast_precision_loss, reason = "a dozen presets")]
        let rank = |n: usize| Zipf::new(n as f64, shape.zipf).expect("a positive exponent");
        let (images, words) = (rank(IMAGES.len()), rank(TEXTS.len()));
        let gaps = Gamma::new(1.0 / (shape.cv * shape.cv), shape.cv * shape.cv).expect("positive");
        let mut last = [None; USERS];
        let mut heads = Vec::new();
        for _ in 0..count {
            let user = self.random.random_range(0..USERS);
            let sticks = self.random.random_bool(0.72);
            let preset = match last[user] {
                Some(preset) if sticks => preset,
                _ => popular[nth(images.sample(&mut self.random))],
            };
            last[user] = Some(preset);
            let image = self.image(preset, user);
            let text = IMAGES.len() + texts[nth(words.sample(&mut self.random))];
            let mut first = self.jobs.len();
            self.jobs.push(image);
            if self.random.random_bool(0.15) {
                let job = self.text(text, user, 2.5, 0);
                self.jobs.push(job);
                self.jobs[first + 1].then = Some(first);
                first += 1;
            }
            if self.random.random_bool(0.7) {
                let of = self
                    .jobs
                    .iter()
                    .rposition(|job| job.engine() == EngineKind::Sd);
                let job = self.text(text, user, 1.0, -10);
                self.jobs.push(job);
                let last = self.jobs.len() - 1;
                if let Some(of) = of {
                    self.jobs[of].then = Some(last);
                }
            }
            heads.push(first);
        }
        let work: f64 = self.jobs.iter().map(|job| job.work).sum();
        let capacity: f64 = SPEEDS.iter().sum();
        let span = work / capacity / shape.load;
        // Scaled to the span, so that the load is what it says however the gaps fell.
        let gaps: Vec<f64> = heads
            .iter()
            .map(|_| gaps.sample(&mut self.random))
            .collect();
        let total: f64 = gaps.iter().sum();
        let mut at = 0.0;
        for (head, gap) in heads.into_iter().zip(gaps) {
            at += gap / total * span;
            self.jobs[head].at = Some(at);
        }
    }

    fn image(&mut self, preset: usize, user: usize) -> Job {
        let model = model(preset);
        let size = model.sizes[self.random.random_range(0..model.sizes.len())];
        let pictures = match self.random.random_range(0..100) {
            0..58 => 1,
            58..66 => 2,
            66..85 => 4,
            _ => 8,
        };
        // 30 steps in nine of ten, as in the trace.
        let steps = match self.random.random_range(0..100) {
            0..91 => 30.0,
            91..96 => 20.0,
            _ => 50.0,
        };
        let pixels = f64::from(size.0) * f64::from(size.1) / 1e6;
        let work = model.seconds * pixels * f64::from(pictures) * steps / 30.0;
        self.job(preset, user, work, pictures, size, 0)
    }

    /// Tags take 0.75 and an enhanced prompt 2 times the model's second or two, more or less: 0.6 to 5 s.
    fn text(&mut self, preset: usize, user: usize, factor: f64, priority: i32) -> Job {
        let work = model(preset).seconds * factor * self.random.random_range(0.8..1.25);
        self.job(preset, user, work, 1, (0, 0), priority)
    }

    fn job(
        &mut self,
        preset: usize,
        user: usize,
        work: f64,
        pictures: u32,
        size: (u32, u32),
        priority: i32,
    ) -> Job {
        let error = Normal::new(1.0, 0.08).expect("a positive deviation");
        let cancel = Exp::new(1.0 / 60.0).expect("a positive rate");
        let cancelled = self.random.random_bool(0.05);
        Job {
            preset,
            user,
            at: None,
            then: None,
            work,
            pictures,
            size,
            truth: error.sample(&mut self.random),
            cancelled_after: cancelled.then(|| cancel.sample(&mut self.random)),
            priority,
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank from 1 to two dozen"
)]
fn nth(rank: f64) -> usize {
    rank as usize - 1
}
