//! How long an engine may say nothing before it counts as hung: at least as long as the operator allows, longer for
//! large models and pictures, and longer where this worker has seen that steps take long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mystic_domain::{Mib, Phase};
use mystic_engine::Event;
use tokio::time::Instant;

/// A silence of so many average steps is a hang.
const STEPS: u32 = 5;
/// What the newest step counts in the average.
const NEWEST: f64 = 0.3;
/// Models up to this size load within the operator's bound, larger ones get more in proportion.
const MODEL: Mib = Mib(4096);
/// Pictures up to this many pixels are encoded, begun and decoded within the operator's bound.
const PICTURE: u64 = 1 << 20;
/// Pictures whose sizes differ by less than this many pixels share an average.
const ALIKE: u64 = 1 << 18;

/// Steps of a preset at about one size of picture.
type Sort = (String, u64);

/// The average step times that a worker has seen; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Paces {
    floor: Duration,
    steps: Arc<Mutex<HashMap<Sort, Duration>>>,
}

impl Paces {
    /// Nothing seen yet; `floor` is the operator's bound.
    pub(crate) fn new(floor: Duration) -> Self {
        Self {
            floor,
            steps: Arc::default(),
        }
    }

    /// The operator's bound.
    pub(crate) fn floor(&self) -> Duration {
        self.floor
    }

    /// For a model of this size while it loads.
    #[expect(clippy::cast_precision_loss, reason = "a size, not a count")]
    pub(crate) fn loading(&self, weights: Mib) -> Duration {
        self.scaled(weights.0 as f64 / MODEL.0 as f64)
    }

    /// Follows one picture.
    pub(crate) fn picture(&self, preset: &str, width: u32, height: u32) -> Watch {
        let pixels = u64::from(width) * u64::from(height);
        Watch {
            paces: self.clone(),
            sort: (preset.to_owned(), pixels.div_ceil(ALIKE)),
            pixels,
            last: None,
            going: false,
        }
    }

    fn scaled(&self, size: f64) -> Duration {
        self.floor.mul_f64(size.max(1.0))
    }

    fn average(&self, sort: &Sort) -> Duration {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.get(sort).copied().unwrap_or_default()
    }

    fn learn(&self, sort: &Sort, step: Duration) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps
            .entry(sort.clone())
            .and_modify(|average| {
                *average = average.mul_f64(1.0 - NEWEST) + step.mul_f64(NEWEST);
            })
            .or_insert(step);
    }
}

/// One picture's progress.
#[derive(Debug)]
pub(crate) struct Watch {
    paces: Paces,
    sort: Sort,
    pixels: u64,
    /// The newest sampling step and when it was done.
    last: Option<(u32, Instant)>,
    /// Whether the engine is between two sampling steps of this picture.
    going: bool,
}

impl Watch {
    /// How long the engine may be silent now. Between steps their average decides; everything else, the first step
    /// included, has no average and takes longer for larger pictures.
    #[expect(clippy::cast_precision_loss, reason = "a size, not a count")]
    pub(crate) fn bound(&self) -> Duration {
        let floor = if self.going {
            self.paces.floor
        } else {
            self.paces.scaled(self.pixels as f64 / PICTURE as f64)
        };
        floor.max(self.paces.average(&self.sort) * STEPS)
    }

    /// Takes note of an event that came at `now`.
    pub(crate) fn note(&mut self, event: &Event, now: Instant) {
        let Event::Progress { phase, step, of } = *event else {
            return;
        };
        if phase != Phase::Sampling {
            (self.last, self.going) = (None, false);
            return;
        }
        if let Some((before, at)) = self.last
            && step == before + 1
        {
            self.paces.learn(&self.sort, now.duration_since(at));
        }
        self.last = Some((step, now));
        self.going = step > 0 && step < of;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: Duration = Duration::from_mins(2);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn step(step: u32) -> Event {
        Event::Progress {
            phase: Phase::Sampling,
            step,
            of: 20,
        }
    }

    /// A picture of these many steps, each of which takes so long.
    fn paced(paces: &Paces, side: u32, steps: u32, each: Duration) -> Watch {
        let mut watch = paces.picture("photo", side, side);
        let mut now = Instant::now();
        for done in 0..=steps {
            watch.note(&step(done), now);
            now += each;
        }
        watch
    }

    #[test]
    fn steps_that_are_known_to_be_slow_are_no_hang() {
        let paces = Paces::new(FLOOR);
        let watch = paced(&paces, 512, 3, seconds(100));
        assert_eq!(watch.bound(), seconds(500));
        let next = paces.picture("photo", 512, 512);
        assert_eq!(next.bound(), seconds(500), "what was seen is remembered");
    }

    #[test]
    fn a_fast_engine_keeps_the_operators_bound() {
        let paces = Paces::new(FLOOR);
        let watch = paced(&paces, 2048, 3, Duration::from_millis(100));
        assert_eq!(watch.bound(), FLOOR);
    }

    #[test]
    fn the_first_step_and_decoding_of_a_large_picture_get_more() {
        let paces = Paces::new(FLOOR);
        assert_eq!(paces.picture("photo", 512, 512).bound(), FLOOR);
        assert_eq!(paces.picture("photo", 2048, 2048).bound(), 4 * FLOOR);
        let mut watch = paced(&paces, 2048, 20, seconds(1));
        assert_eq!(
            watch.bound(),
            4 * FLOOR,
            "the last step is followed by another phase"
        );
        let decoding = Event::Progress {
            phase: Phase::Decoding,
            step: 0,
            of: 0,
        };
        watch.note(&decoding, Instant::now());
        assert_eq!(watch.bound(), 4 * FLOOR);
    }

    #[test]
    fn sizes_and_presets_have_averages_of_their_own() {
        let paces = Paces::new(FLOOR);
        paced(&paces, 512, 3, seconds(100));
        assert_eq!(paces.picture("photo", 1024, 1024).bound(), FLOOR);
        assert_eq!(paces.picture("sketch", 512, 512).bound(), FLOOR);
        assert_eq!(paces.picture("photo", 512, 448).bound(), seconds(500));
    }

    #[test]
    fn the_average_follows_an_engine_that_slows_down_or_recovers() {
        let paces = Paces::new(seconds(1));
        paced(&paces, 512, 1, seconds(10));
        assert_eq!(paced(&paces, 512, 1, seconds(20)).bound(), seconds(65));
        let later = paced(&paces, 512, 19, seconds(2)).bound();
        assert!((seconds(10)..seconds(11)).contains(&later), "{later:?}");
    }

    #[test]
    fn only_a_step_that_follows_another_is_one() {
        let paces = Paces::new(FLOOR);
        let mut watch = paced(&paces, 512, 3, seconds(1));
        // The same picture again, after a pause.
        watch.note(&step(0), Instant::now() + seconds(1000));
        assert_eq!(watch.bound(), FLOOR);
    }

    #[test]
    fn a_large_model_may_load_for_longer() {
        let paces = Paces::new(FLOOR);
        assert_eq!(paces.loading(Mib(90)), FLOOR);
        assert_eq!(paces.loading(Mib(24_576)), 6 * FLOOR);
    }
}
