//! A network for enlarging pictures that is as small as the library takes, and repeats each pixel.

use std::fs;
use std::path::Path;

/// 1 in 16 bits.
const ONE: u16 = 0x3c00;
/// Features of the network's layers, which the library does not read from the file.
const FEATURES: usize = 64;
/// What each layer of a dense block adds to them.
const GROWTH: usize = 32;

/// A layer of 3 × 3 neighbours: its name, what comes out and goes in, and whether it hands on what it gets.
type Layer = (String, usize, usize, bool);

/// Writes an ESRGAN network of one block whose result is the picture with each pixel `scale` × `scale` times, 2 or 4.
///
/// # Panics
/// The file can't be written.
pub fn esrgan(path: &Path, scale: u32) {
    let mut header = Vec::new();
    let mut values = Vec::new();
    let mut note = |name: &str, dtype: &str, shape: &[usize], bytes: Vec<u8>| {
        let (from, to) = (values.len(), values.len() + bytes.len());
        header.push(format!(
            "\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{from},{to}]}}"
        ));
        values.extend(bytes);
    };
    for (name, outputs, inputs, hands_on) in layers(scale) {
        let mut weights = vec![0_u16; outputs * inputs * 9];
        for feature in (0..outputs.min(inputs)).filter(|_| hands_on) {
            // The middle of the nine.
            weights[(feature * inputs + feature) * 9 + 4] = ONE;
        }
        let weights = weights.into_iter().flat_map(u16::to_le_bytes).collect();
        note(
            &format!("{name}.weight"),
            "F16",
            &[outputs, inputs, 3, 3],
            weights,
        );
        note(
            &format!("{name}.bias"),
            "F32",
            &[outputs],
            vec![0; 4 * outputs],
        );
    }
    let header = format!("{{{}}}", header.join(","));
    let length = (header.len() as u64).to_le_bytes();
    let file = [&length, header.as_bytes(), &values].concat();
    fs::write(path, file).expect("a network can be written");
}

fn layers(scale: u32) -> Vec<Layer> {
    let same = |name: &str, hands_on| (name.to_owned(), FEATURES, FEATURES, hands_on);
    let mut layers = vec![("conv_first".to_owned(), FEATURES, 3, true)];
    for block in 1..=3 {
        for layer in 1..=5 {
            let outputs = if layer == 5 { FEATURES } else { GROWTH };
            let inputs = FEATURES + (layer - 1) * GROWTH;
            let name = format!("body.0.rdb{block}.conv{layer}");
            layers.push((name, outputs, inputs, false));
        }
    }
    layers.push(same("conv_body", false));
    layers.push(same("conv_up1", true));
    layers.extend((scale == 4).then(|| same("conv_up2", true)));
    layers.push(same("conv_hr", true));
    layers.push(("conv_last".to_owned(), 3, FEATURES, true));
    layers
}
