//! A network that enlarges pictures.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::{LARGEST_SIDE, file, within};
use crate::{InvalidField, UpscaleParams};

/// How much larger the networks make each side that the library knows.
const SCALES: [u32; 3] = [1, 2, 4];

/// An ESRGAN network. The path is relative to the models directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpscaleModel {
    /// The file.
    pub file: String,
    /// How much larger it makes each side: 1, 2 or 4, as it was trained.
    pub scale: u32,
    /// Side in pixels of the tiles that a larger picture is enlarged in, one after the other; a quarter of each is shared
    /// with its neighbour.
    #[serde(default = "usual_tile")]
    pub tile: u32,
    /// Largest width and height of a picture to enlarge, in pixels.
    pub max_side: u32,
}

fn usual_tile() -> u32 {
    128
}

impl UpscaleModel {
    pub(super) fn check_rules(&self) -> Result<(), InvalidField> {
        file("file", &self.file)?;
        if !SCALES.contains(&self.scale) {
            return Err(InvalidField::new("scale", self.scale, "1, 2 or 4"));
        }
        within("tile", self.tile, 16..=1024)?;
        within("max_side", self.max_side, 1..=LARGEST_SIDE / self.scale)
    }

    /// Checks complete parameters against this preset's limits; `field` names the picture.
    ///
    /// # Errors
    /// The picture is too large, or another scale is asked for.
    pub fn check(&self, field: &str, params: &UpscaleParams) -> Result<(), InvalidField> {
        let UpscaleParams { width, height, .. } = *params;
        let most = self.max_side;
        if width > most || height > most {
            let given = format!("{width} × {height} pixels");
            let allowed = format!("a picture of up to {most} × {most} pixels");
            return Err(InvalidField::new(field, given, allowed));
        }
        if params.scale != self.scale {
            let allowed = format!("{}, as the preset's network has it", self.scale);
            return Err(InvalidField::new("params.scale", params.scale, allowed));
        }
        Ok(())
    }
}
