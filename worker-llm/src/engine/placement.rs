//! Where a model's parts lie and how its cache is kept, in the library's terms.

use llama_cpp_2::context::params::KvCacheType;
use mystic_domain::ContextPlan;
use mystic_engine::child::EngineError;

use super::invalid;

/// Where a model's parts lie and how its cache is kept, in the library's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Layers on the device, counted from the output; all of them where absent. Each keeps its part of the cache by it.
    pub gpu_layers: Option<u32>,
    /// Keys and values. The library reads quantised ones with flash attention, and turns that on by itself.
    pub cache: KvCacheType,
}

impl Placement {
    /// The placement of a context plan for a model of so many layers.
    ///
    /// # Errors
    /// Another engine's plan.
    pub fn of(context: ContextPlan, layers: u32) -> Result<Self, EngineError> {
        match context {
            ContextPlan::Default => Ok(Self {
                gpu_layers: None,
                cache: KvCacheType::F16,
            }),
            ContextPlan::KvQuantised => Ok(Self {
                gpu_layers: None,
                cache: KvCacheType::Q8_0,
            }),
            ContextPlan::HalfOffloaded => Ok(Self {
                gpu_layers: Some(layers / 2),
                cache: KvCacheType::Q8_0,
            }),
            ContextPlan::TextEncoderOnCpu | ContextPlan::VaeOnCpu | ContextPlan::Streamed => {
                Err(invalid(format!(
                    "a language model can't be loaded as {}: that is for diffusion models",
                    context.as_str()
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_layers_leave_the_device_and_their_cache_keeps_its_8_bits() {
        let placement = |context| Placement::of(context, 31).expect("a plan of this engine");
        assert_eq!(placement(ContextPlan::KvQuantised).gpu_layers, None);
        let half = placement(ContextPlan::HalfOffloaded);
        assert_eq!((half.gpu_layers, half.cache), (Some(15), KvCacheType::Q8_0));
        assert!(Placement::of(ContextPlan::Streamed, 31).is_err());
    }
}
