//! The names that the API accepts are the library's own, all of them.

use diffusion_rs::api::{SampleMethod, Scheduler};
use mystic_domain::{SAMPLERS, SCHEDULERS};
use worker_sd::engine::{sampler, scheduler};

#[test]
fn samplers_are_all_of_the_library_s_in_its_order() {
    assert_eq!(SAMPLERS.len(), SampleMethod::SAMPLE_METHOD_COUNT as usize);
    for (place, name) in SAMPLERS.into_iter().enumerate() {
        assert_eq!(
            sampler(name).map(|found| found as usize),
            Some(place),
            "{name}"
        );
    }
    assert_eq!(sampler("no such sampler"), None);
}

#[test]
fn schedulers_are_all_of_the_library_s_in_its_order() {
    assert_eq!(SCHEDULERS.len(), Scheduler::SCHEDULER_COUNT as usize);
    for (place, name) in SCHEDULERS.into_iter().enumerate() {
        assert_eq!(
            scheduler(name).map(|found| found as usize),
            Some(place),
            "{name}"
        );
    }
    assert_eq!(scheduler("no such scheduler"), None);
}
