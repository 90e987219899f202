//! The answer, read token by token as it is written.

use mystic_domain::tags::normalise;
use mystic_engine::ScoredTag;

/// Tags of a JSON array that may end anywhere: a tag counts once its closing quote is written.
///
/// The grammar allows no escapes, so a quote always opens or closes a tag.
#[derive(Default)]
pub struct Answer {
    open: Option<OpenTag>,
    tags: Vec<ScoredTag>,
    repeats: u32,
    complete: bool,
}

#[derive(Default)]
struct OpenTag {
    bytes: Vec<u8>,
    log_probability: f64,
    tokens: u32,
}

impl Answer {
    /// Takes a token's bytes with the logarithm of its probability.
    pub fn push(&mut self, piece: &[u8], log_probability: f64) {
        let mut counted = false;
        for &byte in piece {
            match (byte, self.open.as_mut()) {
                (b'"', None) => {
                    self.open = Some(OpenTag::default());
                    counted = false;
                }
                (b'"', Some(_)) => self.close(),
                (b']', None) => self.complete = true,
                (_, None) => {}
                (_, Some(open)) => {
                    open.bytes.push(byte);
                    if !counted {
                        counted = true;
                        open.log_probability += log_probability;
                        open.tokens += 1;
                    }
                }
            }
        }
    }

    /// Whether the array is closed.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Tags that said nothing new.
    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    /// The tags, the surest first; equals as they were written.
    pub fn into_tags(mut self) -> Vec<ScoredTag> {
        self.tags
            .sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        self.tags
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let tag = String::from_utf8_lossy(&open.bytes).into_owned();
        let form = normalise([tag.as_str()], 1);
        let said = |other: &ScoredTag| normalise([other.tag.as_str()], 1) == form;
        if form.is_empty() || self.tags.iter().any(said) {
            self.repeats += 1;
            return;
        }
        self.tags.push(ScoredTag {
            tag,
            confidence: geometric_mean(open.log_probability, open.tokens),
        });
    }
}

fn geometric_mean(log_probability: f64, tokens: u32) -> f32 {
    let mean = (log_probability / f64::from(tokens.max(1))).exp();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a probability keeps enough digits in an f32"
    )]
    let mean = mean.clamp(0.0, 1.0) as f32;
    mean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[(&str, f64)]) -> Answer {
        let mut answer = Answer::default();
        for (piece, probability) in pieces {
            answer.push(piece.as_bytes(), probability.ln());
        }
        answer
    }

    fn names(answer: Answer) -> Vec<String> {
        answer.into_tags().into_iter().map(|tag| tag.tag).collect()
    }

    #[test]
    fn confidence_is_the_geometric_mean_of_the_tokens_inside_the_quotes() {
        let answer = read(&[("[\"", 0.1), ("red", 0.9), (" circle", 0.4), ("\"]", 0.1)]);
        assert!(answer.is_complete());
        let tags = answer.into_tags();
        assert_eq!(tags[0].tag, "red circle");
        assert!((tags[0].confidence - 0.6).abs() < 1e-6, "{tags:?}");
    }

    #[test]
    fn a_token_that_spans_two_tags_counts_for_each() {
        let answer = read(&[("[\"a", 0.25), ("\", \"b", 0.5), ("\"]", 1.0)]);
        assert_eq!(names(answer), ["b", "a"]);
    }

    #[test]
    fn a_tag_cut_off_in_the_middle_is_left_out() {
        let answer = read(&[("[\"red\", \"blu", 1.0)]);
        assert!(!answer.is_complete());
        assert_eq!(names(answer), ["red"]);
    }

    #[test]
    fn a_repeated_tag_is_dropped_and_counted() {
        let answer = read(&[("[\"red\", \"Red\", \"--\", \"blue\"]", 1.0)]);
        assert_eq!(answer.repeats(), 2);
        assert_eq!(names(answer), ["red", "blue"]);
    }

    #[test]
    fn a_character_split_between_tokens_is_whole_again() {
        let mut answer = Answer::default();
        answer.push(b"[\"caf\xC3", 0.0);
        answer.push(b"\xA9\"]", 0.0);
        assert_eq!(names(answer), ["café"]);
    }
}
