//! Twelve runs of `make chaos`: whatever breaks, nothing is lost and nothing is done twice.

use mystic_proofs::chaos::{self, Options};

#[tokio::test(flavor = "multi_thread")]
async fn under_faults_nothing_is_lost_and_nothing_is_done_twice() {
    let options = Options {
        runs: 12,
        production: 0,
        seed: 1,
    };
    let summary = chaos::run(options).await.expect("stacks that start");
    println!("{}", summary.to_json());
    assert_eq!(summary.violations, []);
    assert!(summary.accepted > 0);
}
