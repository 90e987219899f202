//! The figures that weigh one wish against another.

use crate::Millis;

/// What the placement weighs with. The defaults are tuned in the simulator on seeds 101 to 120.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// How much longer than the loaded model's jobs another's may wait before it comes first; also how long a device
    /// may stay idle while a job waits that it could run.
    pub affinity: Millis,
    /// A load weighs this much more than the seconds it takes, at most `affinity` in all: what it displaces is lost to
    /// everybody.
    pub load_weight: f64,
    /// Seconds that a job of 30 s can bear to wait for each second that it runs, longer ones more, shorter ones less:
    /// short jobs don't queue behind long ones.
    pub patience: f64,
    /// The most that patience adds to a job's due time.
    pub patience_limit: Millis,
    /// Work of one owner in one round of the deficit round robin.
    pub quantum: Millis,
    /// How far each round moves a job back.
    pub round: Millis,
    /// The most that rounds move a job back.
    pub rounds_limit: Millis,
    /// What a point of priority is worth; a job of lower priority catches up by waiting.
    pub priority_step: Millis,
    /// An idle model's reload counts half after this time without use.
    pub half_life: Millis,
    /// Text jobs that share the price of a load that they will use, at most.
    pub sharers: usize,
    /// As `affinity`, for text: it takes seconds and no turn.
    pub text_affinity: Millis,
    /// What a second of text counts on a device that draws: it takes longer there, and holds the picture up.
    pub beside: i64,
    /// What a second of a device's time costs for each diffusion job that waits for it: a device that can do what few
    /// can is left to those who need it.
    pub crowd_weight: f64,
    /// The most that this adds.
    pub crowd_limit: Millis,
    /// An idle device helps a running batch that ends sooner by so much, and by what is unloaded for it.
    pub help_gain: Millis,
    /// From the decision to unload a model to its memory being free.
    pub unload: Millis,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            affinity: Millis::seconds(30),
            load_weight: 8.0,
            patience: 3.0,
            patience_limit: Millis::seconds(700),
            quantum: Millis::seconds(60),
            round: Millis::seconds(15),
            rounds_limit: Millis::seconds(600),
            priority_step: Millis::seconds(3),
            half_life: Millis::seconds(300),
            sharers: 6,
            text_affinity: Millis::seconds(5),
            beside: 2,
            crowd_weight: 1.5,
            crowd_limit: Millis::seconds(75),
            help_gain: Millis::seconds(1),
            unload: Millis(500),
        }
    }
}
