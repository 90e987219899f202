//! Where a model's parts lie, in the library's terms.

use std::ffi::CStr;

use mystic_domain::{ContextPlan, FailureKind, Mib};
use mystic_engine::child::EngineError;

/// Where a model's parts lie, in the library's terms. A module that is not named is on the library's first device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// What computes each module.
    pub(super) backend: &'static CStr,
    /// Where each module's weights wait; where it computes unless it is named here.
    pub(super) params_backend: &'static CStr,
    /// What the network may take of its device at a time.
    pub(super) max_vram: Gib,
    /// Whether the next weights are fetched while these compute.
    pub(super) stream_layers: bool,
}

/// 2^30 bytes: how the library is told a bound. For it 0 is no bound, and a negative one is chosen by itself from what is
/// free at that moment, which no ledger knows of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gib(pub(super) f32);

impl Gib {
    const UNBOUNDED: Self = Self(0.0);

    fn bound(mib: Mib) -> Result<Self, EngineError> {
        if mib.0 <= 0 {
            let message = format!("stream_budget is {mib}; allowed: 1 MiB or more");
            return Err(EngineError::new(FailureKind::InvalidInput, message));
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact up to 16 TiB, since 1024 is a power of two"
        )]
        let gib = mib.0 as f32 / 1024.0;
        Ok(Self(gib))
    }
}

impl Placement {
    const ON_THE_DEVICE: Self = Self {
        backend: c"",
        params_backend: c"",
        max_vram: Gib::UNBOUNDED,
        stream_layers: false,
    };

    /// The placement of a context plan; `stream_budget` counts where the network is streamed.
    ///
    /// # Errors
    /// `InvalidInput` for another engine's plan, or a budget that would be no bound.
    pub fn of(context: ContextPlan, stream_budget: Mib) -> Result<Self, EngineError> {
        match context {
            ContextPlan::Default => Ok(Self::ON_THE_DEVICE),
            ContextPlan::TextEncoderOnCpu => Ok(Self {
                backend: c"te=cpu",
                ..Self::ON_THE_DEVICE
            }),
            ContextPlan::VaeOnCpu => Ok(Self {
                backend: c"te=cpu,vae=cpu",
                ..Self::ON_THE_DEVICE
            }),
            ContextPlan::Streamed => Ok(Self {
                backend: c"te=cpu,vae=cpu",
                params_backend: c"diffusion=cpu",
                max_vram: Gib::bound(stream_budget)?,
                stream_layers: true,
            }),
            ContextPlan::KvQuantised | ContextPlan::HalfOffloaded => {
                let message = format!(
                    "a diffusion model can't be loaded as {}: that is for language models",
                    context.as_str()
                );
                Err(EngineError::new(FailureKind::InvalidInput, message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_reaches_the_library_in_gib_and_never_as_no_bound_or_its_own_choice() {
        let streamed = |mib| Placement::of(ContextPlan::Streamed, Mib(mib));
        let max_vram = |mib| streamed(mib).map(|placement| placement.max_vram.0);
        assert_eq!(max_vram(1536).ok(), Some(1.5));
        for none in [0, -1, -1024] {
            let kind = streamed(none).map_err(|error| error.kind);
            assert_eq!(kind, Err(FailureKind::InvalidInput), "{none}");
        }
    }

    #[test]
    fn each_rung_keeps_what_the_one_above_put_on_the_processor() {
        let placement = |context| Placement::of(context, Mib(512)).expect("a plan of this engine");
        let modules = |context| placement(context).backend.to_string_lossy().into_owned();
        let encoder = modules(ContextPlan::TextEncoderOnCpu);
        let decoder = modules(ContextPlan::VaeOnCpu);
        assert!(decoder.contains(&encoder));
        assert_eq!(modules(ContextPlan::Streamed), decoder);
        assert!(Placement::of(ContextPlan::KvQuantised, Mib(512)).is_err());
    }
}
