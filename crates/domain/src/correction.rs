//! What jobs turned out to take: how the formulae of [`crate::need`] are corrected by what was seen.
//!
//! Seen is the most that an attempt's engine child held of its device, from its loaded model to its end, less what is
//! booked for the model: booking and correction together are then what the process takes, whatever the formula of the
//! model leaves out. It is kept as a ratio to the job's formula, since the sizes of one [`Bucket`] need not be equal.

use crate::need::LEAST;
use crate::{JobParams, Mib, Need, Pixels};

/// Observations that are kept for each preset, bucket and plan.
pub const KEPT: usize = 64;
/// How much less an observation weighs than the next newer one: the highest counts for 34 further attempts.
const DECAY: f64 = 0.95;
/// The share of attempts, by weight, that a corrected need covers.
const COVERED: f64 = 0.99;
/// Observations from which on a need may be less than its formula says; it is more at once.
const TRUSTED: i32 = 8;
/// The least part of its formula that a need is corrected to: a reading may have missed a short peak.
const LOWEST: f64 = 0.25;

/// Jobs whose needs are learned together: pictures whose areas differ by less than √2, or all text. How many pictures
/// a job has does not matter, since the engine draws one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(pub i32);

impl Bucket {
    /// A text job's: its context is the preset's, and booked with the model.
    const TEXT: Self = Self(0);

    /// The bucket of a job.
    #[must_use]
    pub fn of(params: &JobParams) -> Self {
        let size = params.final_size();
        size.map_or(Self::TEXT, |(width, height)| {
            Self::of_area(Pixels::of(width, height))
        })
    }

    /// Half-octaves: the whole part of 2·log₂ of the area.
    fn of_area(area: Pixels) -> Self {
        let square = u128::from(area.0).pow(2);
        Self(square.checked_ilog2().map_or(0, u32::cast_signed))
    }

    /// The smallest area of its pictures, and the smallest that is too large for it; none for text.
    #[must_use]
    pub fn pixels(self) -> Option<(Pixels, Pixels)> {
        let from = |step: i32| {
            let square = 1_u128.checked_shl(u32::try_from(step).ok()?)?;
            let root = square.isqrt();
            u64::try_from(root + u128::from(root * root < square)).ok()
        };
        if self == Self::TEXT {
            return None;
        }
        Some((Pixels(from(self.0)?), Pixels(from(self.0 + 1)?)))
    }
}

/// How a formula is corrected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// Of the formula's figure.
    pub ratio: f64,
    /// Observations behind it, long past ones too.
    pub samples: i32,
}

impl Correction {
    /// What a job takes whose formula says so much.
    #[must_use]
    pub fn correct(self, formula: Mib) -> Mib {
        let floor = if self.samples < TRUSTED { 1.0 } else { LOWEST };
        #[expect(
            clippy::cast_precision_loss,
            reason = "memory stays far below 2^52 MiB"
        )]
        let corrected = formula.0 as f64 * self.ratio.max(floor);
        // What is a whole number but for rounding stays one.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float that is too large becomes the largest integer"
        )]
        let corrected = Mib((corrected - 1e-6).ceil() as i64);
        corrected.max(LEAST)
    }
}

/// The ratio that covers 99 of 100 attempts, of the newest observations the most by weight; newest first. It is never
/// less than the newest one.
#[must_use]
pub fn quantile(newest_first: &[f64]) -> Option<f64> {
    let mut weighed: Vec<(f64, f64)> = Vec::with_capacity(newest_first.len());
    let (mut weight, mut total) = (1.0, 0.0);
    for ratio in newest_first {
        weighed.push((*ratio, weight));
        total += weight;
        weight *= DECAY;
    }
    weighed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let mut covered = 0.0;
    weighed.into_iter().find_map(|(ratio, weight)| {
        covered += weight;
        (covered >= COVERED * total).then_some(ratio)
    })
}

/// One more observation among those that are kept, newest first.
pub fn take_in(newest_first: &mut Vec<f64>, working: Mib, formula: Mib) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "memory stays far below 2^52 MiB"
    )]
    let ratio = working.0 as f64 / formula.max(Mib(1)).0 as f64;
    newest_first.insert(0, ratio);
    newest_first.truncate(KEPT);
}

/// What a job was seen to take beside its model: its engine child's peak less what is booked for the model. At most
/// what its device has room for, so that no single reading keeps such jobs from an empty device.
#[must_use]
pub fn seen(booked: Need, peak: Mib, capacity: Mib) -> Mib {
    let room = capacity.saturating_sub(booked.resident);
    peak.saturating_sub(booked.resident).min(room).max(LEAST)
}

/// What a job is taken to need that ran out of memory: so much that model and job are booked with a fifth more, or
/// with as much as its engine child was seen to hold. Both together are at most all that the device has, where that
/// is more than was booked: then an empty device may try it once more.
#[must_use]
pub fn raised(booked: Need, peak: Option<Mib>, capacity: Mib) -> Mib {
    let total = booked.resident + booked.working;
    let wanted = total.parts(6, 5).max(peak.unwrap_or_default());
    wanted.min(capacity).max(total + Mib(1)) - booked.resident
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_mib(most: i64) -> impl Strategy<Value = Mib> {
        (1..=most).prop_map(Mib)
    }

    fn any_booking() -> impl Strategy<Value = Need> {
        (any_mib(50_000), any_mib(50_000)).prop_map(|(resident, working)| Need {
            resident,
            working: working.max(LEAST),
        })
    }

    fn any_ratios() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0.01..100.0_f64, 1..=KEPT)
    }

    fn quantile_of(ratios: &[f64]) -> f64 {
        quantile(ratios).expect("there are some")
    }

    #[test]
    fn of_nothing_nothing_is_learned() {
        assert_eq!(quantile(&[]), None);
    }

    #[test]
    fn the_usual_sizes_lie_in_buckets_of_their_own() {
        let side = |side: u32| Bucket::of_area(Pixels::of(side, side));
        assert_eq!(
            [512, 768, 1024].map(side),
            [Bucket(36), Bucket(38), Bucket(40)]
        );
        assert_eq!(
            side(1024).pixels(),
            Some((Pixels(1 << 20), Pixels(1_482_911)))
        );
        assert_eq!(Bucket::TEXT.pixels(), None);
    }

    #[test]
    fn an_outlier_is_forgotten_after_35_attempts() {
        let mut ratios = Vec::new();
        take_in(&mut ratios, Mib(300), Mib(100));
        let attempts = (1..100).find(|_| {
            take_in(&mut ratios, Mib(90), Mib(100));
            quantile_of(&ratios) < 1.0
        });
        assert_eq!(attempts, Some(35));
    }

    #[test]
    fn a_need_is_raised_at_once_and_lowered_only_after_eight_attempts() {
        let correct = |ratio, samples| Correction { ratio, samples }.correct(Mib(1000));
        assert_eq!(correct(1.5, 1), Mib(1500));
        assert_eq!((correct(0.5, 7), correct(0.5, 8)), (Mib(1000), Mib(500)));
        assert_eq!(correct(0.01, 100), Mib(250));
    }

    #[test]
    fn after_running_out_of_memory_a_fifth_more_is_booked_or_the_whole_device_once() {
        let booked = Need {
            resident: Mib(8000),
            working: Mib(2000),
        };
        assert_eq!(raised(booked, None, Mib(24_000)), Mib(4000));
        assert_eq!(raised(booked, Some(Mib(15_000)), Mib(24_000)), Mib(7000));
        assert_eq!(raised(booked, Some(Mib(15_000)), Mib(11_000)), Mib(3000));
        assert_eq!(raised(booked, None, Mib(10_000)), Mib(2001));
    }

    proptest! {
        #[test]
        fn a_quantile_is_an_observation_and_never_less_than_the_newest(ratios in any_ratios()) {
            let quantile = quantile_of(&ratios);
            prop_assert!(ratios.contains(&quantile));
            prop_assert!(quantile >= ratios[0]);
        }

        #[test]
        fn a_quantile_covers_99_of_100_by_weight_and_the_next_lower_one_does_not(ratios in any_ratios()) {
            let quantile = quantile_of(&ratios);
            let weights = || ratios.iter().enumerate().map(|(age, ratio)| {
                (*ratio, DECAY.powi(i32::try_from(age).expect("few")))
            });
            let total: f64 = weights().map(|(_, weight)| weight).sum();
            let covered = |within: &dyn Fn(f64) -> bool| -> f64 {
                weights().filter(|(ratio, _)| within(*ratio)).map(|(_, weight)| weight).sum()
            };
            prop_assert!(covered(&|ratio| ratio <= quantile) >= COVERED * total - 1e-9);
            prop_assert!(covered(&|ratio| ratio < quantile) < COVERED * total + 1e-9);
        }

        #[test]
        fn a_higher_observation_never_lowers_a_quantile(ratios in any_ratios(), at in any::<prop::sample::Index>(), more in 0.0..9.0_f64) {
            let mut higher = ratios.clone();
            higher[at.index(ratios.len())] += more;
            prop_assert!(quantile_of(&higher) >= quantile_of(&ratios));
        }

        #[test]
        fn a_corrected_need_has_a_floor_and_grows_with_its_formula(
            ratio in 0.0..50.0_f64, samples in 1..100_i32, formula in any_mib(100_000), more in any_mib(100_000),
        ) {
            let correction = Correction { ratio, samples };
            let need = correction.correct(formula);
            prop_assert!(need >= LEAST);
            prop_assert!(need >= formula.parts(1, 4));
            prop_assert!(samples >= TRUSTED || need >= formula);
            prop_assert!(correction.correct(formula + more) >= need);
        }

        #[test]
        fn what_was_seen_is_booked_the_next_time_exactly(
            booked in any_booking(), peak in any_mib(90_000), capacity in any_mib(90_000), formula in any_mib(50_000),
        ) {
            let formula = formula.max(LEAST);
            let working = seen(booked, peak, capacity);
            let mut ratios = Vec::new();
            take_in(&mut ratios, working, formula);
            let next = Correction { ratio: quantile_of(&ratios), samples: 1 }.correct(formula);
            prop_assert_eq!(next, working.max(formula));
            prop_assert!(working == LEAST || booked.resident + working <= capacity);
        }

        #[test]
        fn what_ran_out_of_memory_is_never_booked_the_same_again(
            booked in any_booking(), peak in prop::option::of(any_mib(90_000)), capacity in any_mib(120_000),
            formula in any_mib(50_000), before in any_ratios(),
        ) {
            let formula = formula.max(LEAST);
            let working = raised(booked, peak, capacity);
            let mut ratios = before;
            take_in(&mut ratios, working, formula);
            let samples = i32::try_from(ratios.len()).expect("few");
            let next = Correction { ratio: quantile_of(&ratios), samples }.correct(formula);
            prop_assert!(next > booked.working);
            let total = booked.resident + booked.working;
            prop_assert!(total >= capacity || booked.resident + working <= capacity);
        }

        #[test]
        fn a_bucket_holds_areas_that_differ_by_less_than_the_root_of_two(width in 8..9000_u32, height in 8..9000_u32) {
            let area = Pixels::of(width, height);
            let (from, below) = Bucket::of_area(area).pixels().expect("a picture");
            prop_assert!((from..below).contains(&area));
            let square = |area: Pixels| u128::from(area.0).pow(2);
            prop_assert!(square(Pixels(below.0 - 1)) < 2 * square(from));
        }
    }
}
