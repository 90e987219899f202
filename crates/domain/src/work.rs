//! How much a job has to do, in units whose time is learned for each preset and device.

use crate::{GenerateParams, JobParams, PhaseTimes, Pixels};

/// Encoding and decoding take about as long as so many steps.
const FRAME_STEPS: f64 = 2.0;

/// Writing a prompt out takes about as long as so many sets of tags.
const ENHANCING: f64 = 2.5;

/// How much a new observation counts against all that came before.
const WEIGHT: f64 = 0.2;

/// Work of a whole job: for pictures megapixels × (steps + 2) of each pass, 1 for tags, 2.5 for a prompt, megapixels of
/// what an enlargement makes.
#[must_use]
pub fn units(params: &JobParams) -> f64 {
    match params {
        JobParams::Generate(params) => f64::from(params.batch) * of_picture(params),
        JobParams::Tag(_) => 1.0,
        JobParams::Enhance(_) => ENHANCING,
        JobParams::Upscale(params) => {
            let (width, height) = params.final_size();
            Pixels::of(width, height).mega()
        }
    }
}

/// Work of one picture.
#[must_use]
pub fn of_picture(params: &GenerateParams) -> f64 {
    params.megapixel_steps(FRAME_STEPS)
}

/// Milliseconds of one unit in an attempt that made so many pictures; none where it made nothing.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "times stay far below 2^52 ms")]
pub fn unit_ms(params: &JobParams, pictures: u32, times: &PhaseTimes) -> Option<f64> {
    let units = match params {
        JobParams::Generate(params) => f64::from(pictures) * of_picture(params),
        JobParams::Tag(_) | JobParams::Enhance(_) | JobParams::Upscale(_) => units(params),
    };
    let PhaseTimes {
        loading_ms: _,
        encoding_ms,
        sampling_ms,
        decoding_ms,
        saving_ms,
    } = *times;
    let spent = (encoding_ms + sampling_ms + decoding_ms + saving_ms) as f64;
    (units > 0.0 && spent > 0.0).then(|| spent / units)
}

/// An exponentially weighted moving average after one more observation; the first few count evenly.
#[must_use]
pub fn average(before: Option<f64>, observations: i32, seen: f64) -> f64 {
    let weight = WEIGHT.max(1.0 / f64::from(observations.max(0).saturating_add(1)));
    before.map_or(seen, |before| before + weight * (seen - before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ImageId, TagParams};

    fn params(batch: u32) -> GenerateParams {
        GenerateParams {
            prompt: String::new(),
            negative_prompt: String::new(),
            width: 1000,
            height: 500,
            steps: 18,
            cfg: 7.0,
            seed: 1,
            batch,
            ..GenerateParams::default()
        }
    }

    #[test]
    fn a_job_is_as_much_work_as_its_pictures() {
        assert!((units(&JobParams::Generate(params(4))) - 40.0).abs() < 1e-9);
    }

    #[test]
    fn an_attempt_that_made_half_of_a_job_tells_what_that_half_took() {
        let job = JobParams::Generate(params(4));
        let times = PhaseTimes {
            loading_ms: 90_000,
            sampling_ms: 9_000,
            decoding_ms: 1_000,
            ..PhaseTimes::default()
        };
        assert_eq!(unit_ms(&job, 2, &times), Some(500.0));
        assert_eq!(unit_ms(&job, 0, &times), None);
        let tag = JobParams::Tag(TagParams {
            image: ImageId::generate(),
            prompt: String::new(),
        });
        assert_eq!(unit_ms(&tag, 0, &PhaseTimes::default()), None);
    }

    #[test]
    fn an_average_forgets_what_is_long_past() {
        assert!((average(None, 0, 8.0) - 8.0).abs() < 1e-9);
        assert!((average(Some(8.0), 1, 4.0) - 6.0).abs() < 1e-9);
        let settled = (0..60).fold(100.0, |before, n| average(Some(before), 100 + n, 10.0));
        assert!((settled - 10.0).abs() < 0.01, "{settled}");
    }
}
