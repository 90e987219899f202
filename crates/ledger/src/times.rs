//! How long things take: as it was learned, or as long as they usually do.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mystic_domain::EngineKind;
use mystic_placement::Millis;
use mystic_store::{LearnedTime, Snapshot, SnapshotPreset};

/// Milliseconds of a unit of work where nothing is known: a diffusion step at a megapixel, or one picture's tags.
const UNIT: [f64; 2] = [500.0, 2000.0];
/// A load where nothing is known: so long and a MiB for each of the second.
const LOAD: Millis = Millis(2000);
const LOADED_MIB_A_SECOND: i64 = 1536;

pub(crate) struct Times<'a> {
    learned: HashMap<(&'a str, &'a str), &'a LearnedTime>,
    /// Mean of a preset's devices.
    means: HashMap<&'a str, f64>,
}

impl<'a> Times<'a> {
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        let mut sums: HashMap<&str, (f64, f64)> = HashMap::new();
        for time in &snapshot.times {
            if let Some(unit_ms) = time.unit_ms {
                let (sum, count) = sums.entry(time.preset.as_str()).or_default();
                *sum += unit_ms;
                *count += 1.0;
            }
        }
        Self {
            learned: snapshot
                .times
                .iter()
                .map(|time| ((time.preset.as_str(), time.device.0.as_str()), time))
                .collect(),
            means: sums
                .into_iter()
                .map(|(preset, (sum, count))| (preset, sum / count))
                .collect(),
        }
    }

    /// Milliseconds of a unit of work on the preset's usual device.
    pub(crate) fn unit(&self, preset: &str, engine: EngineKind) -> f64 {
        let usual = UNIT[mystic_placement::seat(engine)];
        self.means.get(preset).copied().unwrap_or(usual)
    }

    /// Seconds that a second of its usual device takes on this one.
    pub(crate) fn pace(&self, engine: EngineKind, device: &str, preset: &SnapshotPreset) -> f64 {
        let mean = self.unit(&preset.name, engine);
        let learned = self.learned.get(&(preset.name.as_str(), device));
        learned.and_then(|time| time.unit_ms).unwrap_or(mean) / mean
    }

    /// A load on this device.
    pub(crate) fn load(&self, device: &str, preset: &SnapshotPreset) -> Millis {
        let learned = self.learned.get(&(preset.name.as_str(), device));
        learned.and_then(|time| time.load_ms).map_or_else(
            || LOAD + Millis(preset.weights.total().0 * 1000 / LOADED_MIB_A_SECOND),
            |load| Millis(1000).times(load / 1000.0),
        )
    }
}

pub(crate) fn millis(at: DateTime<Utc>) -> Millis {
    Millis(at.timestamp_millis())
}
