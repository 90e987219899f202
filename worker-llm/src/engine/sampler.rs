//! The next token: the likeliest that the grammar allows.

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use mystic_engine::child::EngineError;

use super::internal;
use super::model::Model;

/// Greedy choice under the grammar of tags: nothing random, so the same prompt gives the same tags.
pub struct Sampler {
    grammar: LlamaSampler,
}

/// A chosen token.
pub struct Choice {
    pub token: LlamaToken,
    /// Natural logarithm of its probability among all tokens, allowed or not.
    pub log_probability: f64,
}

impl Sampler {
    /// A sampler for one answer of at most this many tags.
    ///
    /// # Errors
    /// A grammar that the library refuses.
    pub fn new(model: &Model, max_tags: u32) -> Result<Self, EngineError> {
        let grammar = LlamaSampler::grammar(model.native(), &grammar(max_tags), "root")
            .map_err(|error| internal(format!("the grammar of tags is refused: {error}")))?;
        Ok(Self { grammar })
    }

    /// Chooses and takes the next token; none where the grammar allows none.
    ///
    /// # Errors
    /// The library doesn't take the token that it allowed.
    pub fn next(&mut self, logits: &[f32]) -> Result<Option<Choice>, EngineError> {
        let Some(token) = self.choose(logits) else {
            return Ok(None);
        };
        self.grammar
            .try_accept(token.id())
            .map_err(|error| internal(format!("the grammar refuses a token: {error}")))?;
        Ok(Some(Choice {
            token: token.id(),
            log_probability: f64::from(token.logit()) - log_sum(logits),
        }))
    }

    /// Testing the whole vocabulary against the grammar costs more than the model's own step, and the likeliest
    /// token is nearly always allowed: it is tried alone first.
    fn choose(&mut self, logits: &[f32]) -> Option<LlamaTokenData> {
        let likeliest = best(candidates(logits))?;
        self.allowed(vec![likeliest])
            .or_else(|| self.allowed(candidates(logits).collect()))
    }

    fn allowed(&mut self, candidates: Vec<LlamaTokenData>) -> Option<LlamaTokenData> {
        let mut candidates = LlamaTokenDataArray::new(candidates, false);
        self.grammar.apply(&mut candidates);
        best(candidates.data.into_iter())
    }
}

fn candidates(logits: &[f32]) -> impl Iterator<Item = LlamaTokenData> + '_ {
    (0..)
        .zip(logits)
        .map(|(id, logit)| LlamaTokenData::new(LlamaToken::new(id), *logit, 0.0))
}

/// The candidate with the greatest finite logit, the first of equals.
fn best(candidates: impl Iterator<Item = LlamaTokenData>) -> Option<LlamaTokenData> {
    candidates
        .filter(|candidate| candidate.logit().is_finite())
        .reduce(|best, next| {
            if next.logit() > best.logit() {
                next
            } else {
                best
            }
        })
}

/// Logarithm of the sum of the exponentials: what softmax divides by.
fn log_sum(logits: &[f32]) -> f64 {
    let greatest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits
        .iter()
        .map(|logit| (f64::from(*logit) - greatest).exp())
        .sum();
    greatest + sum.ln()
}

/// A JSON array of 1 to `max_tags` strings of 1 to 80 characters.
///
/// No quote, backslash or control character can be inside a string, so that every answer is valid JSON with no
/// escapes; punctuation that glues several tags into one string is left out too. Words aren't counted: a model that
/// is not allowed another space writes two words as one. The 80 only end a string that would never end; it is longer
/// than any tag that is kept.
fn grammar(max_tags: u32) -> String {
    let more = max_tags.saturating_sub(1);
    format!(
        r#"root ::= "[" tag (", " tag){{0,{more}}} "]"
tag ::= "\"" first other{{0,79}} "\""
first ::= [^\x00-\x20"(),.:;<=>\[\\\]_`{{|}}\x7F-\xA0]
other ::= [^\x00-\x1F"(),.:;<=>\[\\\]_`{{|}}\x7F-\xA0]
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_finite_logit_wins_and_the_first_of_equals() {
        let chosen = best(candidates(&[0.5, 2.0, f32::NAN, 2.0, f32::NEG_INFINITY]));
        assert_eq!(chosen.map(|token| token.id()), Some(LlamaToken::new(1)));
        assert!(best(candidates(&[f32::NEG_INFINITY])).is_none());
    }

    #[test]
    fn probabilities_of_all_tokens_sum_to_one() {
        let logits = [1000.0_f32, 999.0, -3.0];
        let sum: f64 = logits
            .iter()
            .map(|logit| (f64::from(*logit) - log_sum(&logits)).exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    }
}
