//! The next token: of tags the likeliest that the grammar allows, of a prompt one of the likelier.

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use mystic_engine::child::EngineError;

use super::internal;
use super::model::Model;

/// Tokens that must not come again too soon while a prompt is written out.
const REPEATS_SEEN: i32 = 128;

/// How much less likely they are: small models go in circles otherwise.
const REPEAT_PENALTY: f32 = 1.15;

/// Whatever chooses the next token.
pub trait Chooser {
    /// Chooses and takes the next token; none where none is allowed.
    ///
    /// # Errors
    /// The library doesn't take the token that it allowed.
    fn next(&mut self, logits: &[f32]) -> Result<Option<Choice>, EngineError>;
}

/// Greedy choice under the grammar of tags: nothing random, so the same prompt gives the same tags.
pub struct Tags {
    grammar: LlamaSampler,
}

/// A chosen token.
pub struct Choice {
    pub token: LlamaToken,
    /// Natural logarithm of its probability among all tokens, allowed or not.
    pub log_probability: f64,
}

impl Tags {
    /// For one answer of at most this many tags.
    ///
    /// # Errors
    /// A grammar that the library refuses.
    pub fn new(model: &Model, max_tags: u32) -> Result<Self, EngineError> {
        let grammar = LlamaSampler::grammar(model.native(), &grammar(max_tags), "root")
            .map_err(|error| internal(format!("the grammar of tags is refused: {error}")))?;
        Ok(Self { grammar })
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

impl Chooser for Tags {
    fn next(&mut self, logits: &[f32]) -> Result<Option<Choice>, EngineError> {
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
}

/// Words drawn by chance from the likelier ones; the same seed draws the same.
pub struct Words {
    chain: LlamaSampler,
}

impl Words {
    /// For one answer.
    pub fn new(model: &Model, seed: i64) -> Self {
        // The library's seed has 32 bits.
        let seed = seed.to_le_bytes();
        let seed = u32::from_le_bytes([seed[0], seed[1], seed[2], seed[3]]);
        let vocabulary = model.native().n_vocab();
        let chain = LlamaSampler::chain(
            [
                LlamaSampler::penalties(vocabulary, REPEATS_SEEN, REPEAT_PENALTY, 0.0, 0.0),
                LlamaSampler::top_k(40),
                LlamaSampler::top_p(0.9, 1),
                LlamaSampler::temp(0.7),
                LlamaSampler::dist(seed),
            ],
            true,
        );
        Self { chain }
    }
}

impl Chooser for Words {
    fn next(&mut self, logits: &[f32]) -> Result<Option<Choice>, EngineError> {
        let mut tokens = LlamaTokenDataArray::new(candidates(logits).collect(), false);
        self.chain.apply(&mut tokens);
        let Some(token) = tokens.selected_token() else {
            return Ok(None);
        };
        self.chain
            .try_accept(token)
            .map_err(|error| internal(format!("the sampler refuses a token: {error}")))?;
        Ok(Some(Choice {
            token,
            log_probability: 0.0,
        }))
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
