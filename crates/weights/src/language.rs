//! A language model as its GGUF header describes it.

use std::ops::RangeInclusive;

use crate::gguf::{CONTEXT, HEADS, KEY_LENGTH, KV_HEADS, LAYERS, Value, WIDTH};
use crate::header::{Header, Tensor};
use crate::{Problem, limits};

/// What a language model's memory depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageModel {
    /// The family, as `llama`.
    pub architecture: String,
    /// Transformer layers.
    pub layers: u32,
    /// Key-value heads of the layer that has most.
    pub kv_heads: u32,
    /// Size of a head's keys.
    pub head_dim: u32,
    /// Tokens of context that it was trained for.
    pub context: u32,
    /// Bytes of each layer's tensors in the file.
    pub layer_bytes: Vec<u64>,
    /// Bytes of the other tensors: token embedding, output.
    pub outside_bytes: u64,
}

impl Header {
    /// The language model in this file.
    ///
    /// # Errors
    /// The file is no GGUF, is one part of several, or does not say what a language model's header says.
    pub fn language_model(&self) -> Result<LanguageModel, Problem> {
        let Some(architecture) = self.named_architecture() else {
            return Err(Problem::metadata(
                "general.architecture",
                &"missing",
                "the architecture's name, in a GGUF file",
            ));
        };
        if self.parts() > 1 {
            let found = self.parts();
            return Err(Problem::metadata("split.count", &found, "1: a whole file"));
        }
        let layers = self.number(architecture, LAYERS, 1..=limits::LAYERS)?;
        let context = self.number(architecture, CONTEXT, 1..=u64::from(u32::MAX))?;
        // A recurrent model has no heads.
        let few = 0..=u64::from(u16::MAX);
        let heads = self.number(architecture, HEADS, few.clone())?;
        let kv_heads = if self.said(architecture, KV_HEADS).is_some() {
            self.number(architecture, KV_HEADS, few.clone())?
        } else {
            heads
        };
        let head_dim = if self.said(architecture, KEY_LENGTH).is_some() {
            self.number(architecture, KEY_LENGTH, few)?
        } else {
            let wide = u64::from(heads)..=u64::from(u32::MAX);
            let width = self.number(architecture, WIDTH, wide)?;
            width.checked_div(heads).unwrap_or(0)
        };
        let (layer_bytes, outside_bytes) = self.by_layer(architecture, layers)?;
        Ok(LanguageModel {
            architecture: architecture.to_owned(),
            layers,
            kv_heads,
            head_dim,
            context,
            layer_bytes,
            outside_bytes,
        })
    }

    fn said(&self, architecture: &str, key: &str) -> Option<&Value> {
        self.metadata.get(&format!("{architecture}{key}"))
    }

    /// A number; the largest where there is one for each layer.
    fn number(
        &self,
        architecture: &str,
        key: &str,
        allowed: RangeInclusive<u64>,
    ) -> Result<u32, Problem> {
        let said = self.said(architecture, key);
        let number = match said {
            Some(Value::Number(number)) => Some(*number),
            Some(Value::Numbers(numbers)) => numbers.iter().copied().max(),
            _ => None,
        };
        match number.map(u32::try_from) {
            Some(Ok(number)) if allowed.contains(&u64::from(number)) => Ok(number),
            _ => {
                let found = match (said, number) {
                    (None, _) => "missing".to_owned(),
                    (_, None) => "no number".to_owned(),
                    (_, Some(number)) => number.to_string(),
                };
                let key = format!("{architecture}{key}");
                let allowed = format!("{} to {}", allowed.start(), allowed.end());
                Err(Problem::metadata(key, &found, allowed))
            }
        }
    }

    /// Bytes of each layer, and of what is in none.
    fn by_layer(&self, architecture: &str, layers: u32) -> Result<(Vec<u64>, u64), Problem> {
        let mut inside = vec![0; layers as usize];
        let mut outside = 0;
        for tensor in &self.tensors {
            let bytes = match layer(tensor) {
                None => &mut outside,
                Some(layer) => inside.get_mut(layer).ok_or_else(|| {
                    let allowed = format!("more than {layer}, as tensor {} says", tensor.name);
                    Problem::metadata(format!("{architecture}{LAYERS}"), &layers, allowed)
                })?,
            };
            *bytes += tensor.bytes;
        }
        Ok((inside, outside))
    }
}

/// The layer whose tensor this is.
fn layer(tensor: &Tensor) -> Option<usize> {
    let (layer, _) = tensor.name.strip_prefix("blk.")?.split_once('.')?;
    layer.parse().ok()
}
