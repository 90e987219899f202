//! Prompts with choices, decided by a seed: `{red|blue} circle`, `a __colour__ circle`.
//!
//! The notation is the one that people's prompts are full of already:
//!
//! | written | becomes |
//! |---|---|
//! | `{a\|b\|c}` | one of them; they may hold choices themselves |
//! | `{3::a\|b}` | `a` three times as often as `b` |
//! | `{2$$a\|b\|c}` | two different ones, joined by a comma; `{1-2$$…}` one or two |
//! | `{2$$ and $$a\|b\|c}` | joined by ` and ` |
//! | `__name__` | a line of the wildcard `name`, which may hold choices itself |
//! | `\{`, `\}`, `\_` | the character itself |
//!
//! Braces that offer no choice are braces: prompts hold JSON and emphasis too.

mod parse;

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use parse::{Choice, Node};

/// Wildcards that stand in each other, at most.
const MAX_DEPTH: usize = 16;

/// The most that a prompt may grow to before its own limit is looked at, in bytes.
const MAX_BYTES: usize = 1 << 16;

/// Why a prompt's choices can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DynamicError {
    /// No wildcard has this name, or it has no line.
    #[error("no wildcard is named {0}")]
    Unknown(String),
    /// Wildcards lead to each other in a circle, or nearly.
    #[error("wildcards stand in each other more than {MAX_DEPTH} deep at {0}")]
    TooDeep(String),
    /// More text than any prompt may have.
    #[error("the choices make more than {MAX_BYTES} bytes")]
    TooLong,
    /// As many different options as asked for aren't there.
    #[error("{wanted} different options are asked for where {there} are")]
    TooFew {
        /// As many.
        wanted: usize,
        /// Options.
        there: usize,
    },
}

/// The lines of wildcards.
pub trait Wildcards {
    /// The lines of one; none where there is no such wildcard.
    fn lines(&mut self, name: &str) -> Option<&[String]>;
}

/// Makes every choice of a prompt. The same seed, prompt and wildcards give the same words, today and in later versions.
///
/// # Errors
/// [`DynamicError`].
pub fn expand(
    prompt: &str,
    seed: i64,
    wildcards: &mut impl Wildcards,
) -> Result<String, DynamicError> {
    let mut maker = Maker {
        random: ChaCha8Rng::seed_from_u64(seed.cast_unsigned()),
        wildcards,
    };
    let mut words = String::new();
    maker.write(&parse::nodes(prompt), 0, &mut words)?;
    Ok(words)
}

/// A prompt that stays as these words are, whatever they hold.
#[must_use]
pub fn literal(words: &str) -> String {
    let stays = match &parse::nodes(words)[..] {
        [] => true,
        [Node::Text(text)] => text == words,
        _ => false,
    };
    if stays {
        return words.to_owned();
    }
    let mut escaped = String::with_capacity(words.len() + 8);
    for c in words.chars() {
        if "{}_|".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The wildcards that a prompt names itself, whatever their lines name.
#[must_use]
pub fn named(prompt: &str) -> BTreeSet<String> {
    fn collect(nodes: &[Node], names: &mut BTreeSet<String>) {
        for node in nodes {
            match node {
                Node::Text(_) => {}
                Node::Wildcard(name) => {
                    names.insert(name.clone());
                }
                Node::Choice(choice) => {
                    for option in &choice.options {
                        collect(&option.nodes, names);
                    }
                }
            }
        }
    }
    let mut names = BTreeSet::new();
    collect(&parse::nodes(prompt), &mut names);
    names
}

struct Maker<'a, W> {
    random: ChaCha8Rng,
    wildcards: &'a mut W,
}

impl<W: Wildcards> Maker<'_, W> {
    fn write(
        &mut self,
        nodes: &[Node],
        depth: usize,
        words: &mut String,
    ) -> Result<(), DynamicError> {
        for node in nodes {
            match node {
                Node::Text(text) => words.push_str(text),
                Node::Choice(choice) => self.choose(choice, depth, words)?,
                Node::Wildcard(name) => {
                    if depth == MAX_DEPTH {
                        return Err(DynamicError::TooDeep(name.clone()));
                    }
                    let count = self.wildcards.lines(name).map_or(0, <[String]>::len);
                    let at = self.below(u64::try_from(count).unwrap_or(u64::MAX));
                    let lines = self.wildcards.lines(name).unwrap_or_default();
                    let Some(line) = lines.get(usize::try_from(at).unwrap_or(0)) else {
                        return Err(DynamicError::Unknown(name.clone()));
                    };
                    let line = parse::nodes(line);
                    self.write(&line, depth + 1, words)?;
                }
            }
            if words.len() > MAX_BYTES {
                return Err(DynamicError::TooLong);
            }
        }
        Ok(())
    }

    fn choose(
        &mut self,
        choice: &Choice,
        depth: usize,
        words: &mut String,
    ) -> Result<(), DynamicError> {
        let mut left: Vec<usize> = (0..choice.options.len()).collect();
        if choice.most > left.len() {
            return Err(DynamicError::TooFew {
                wanted: choice.most,
                there: left.len(),
            });
        }
        let span = u64::try_from(choice.most - choice.least).unwrap_or(0) + 1;
        let count = choice.least + usize::try_from(self.below(span)).unwrap_or(0);
        for taken in 0..count {
            if taken > 0 {
                words.push_str(&choice.separator);
            }
            let weights = left.iter().map(|at| choice.options[*at].weight);
            let at = self.weighted(weights);
            let option = left.remove(at);
            self.write(&choice.options[option].nodes, depth, words)?;
        }
        Ok(())
    }

    /// A number below `bound`, each as likely as the others; 0 where there is none.
    fn below(&mut self, bound: u64) -> u64 {
        // Of 64 random bits the upper part of the product: off by less than bound ÷ 2⁶⁴.
        let wide = u128::from(self.random.next_u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// The place of one weight, as often as it says; any where all are nought.
    fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let sum: u64 = weights.clone().map(u64::from).sum();
        if sum == 0 {
            let count = u64::try_from(weights.count()).unwrap_or(0);
            return usize::try_from(self.below(count)).unwrap_or(0);
        }
        let mut left = self.below(sum);
        for (at, weight) in weights.enumerate() {
            let weight = u64::from(weight);
            if left < weight {
                return at;
            }
            left -= weight;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    struct Lines(HashMap<&'static str, Vec<String>>);

    impl Wildcards for Lines {
        fn lines(&mut self, name: &str) -> Option<&[String]> {
            self.0.get(name).map(Vec::as_slice)
        }
    }

    fn lines() -> Lines {
        let owned = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
        Lines(HashMap::from([
            ("colour", owned(&["red", "{light|dark} blue"])),
            ("places/sea", owned(&["on the __sea-state__ sea"])),
            ("sea-state", owned(&["calm", "wild"])),
            ("round", owned(&["__round__"])),
            ("empty", owned(&[])),
        ]))
    }

    fn all(prompt: &str) -> BTreeSet<String> {
        let seeds = 0..200;
        seeds
            .map(|seed| expand(prompt, seed, &mut lines()).expect("it can be made"))
            .collect()
    }

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn one_of_several_and_choices_inside_choices() {
        assert_eq!(
            all("a {red|{light|dark} blue|} dot"),
            set(&["a red dot", "a light blue dot", "a dark blue dot", "a  dot"])
        );
    }

    #[test]
    fn wildcards_stand_for_their_lines_and_those_for_theirs() {
        assert_eq!(all("__colour__"), set(&["red", "light blue", "dark blue"]));
        assert_eq!(
            all("a boat __places/sea__"),
            set(&["a boat on the calm sea", "a boat on the wild sea"])
        );
        assert_eq!(
            named("{__colour__|a} __sea-state__ __places/sea__"),
            set(&["colour", "sea-state", "places/sea"])
        );
    }

    #[test]
    fn several_different_ones_with_a_separator() {
        assert_eq!(all("{2$$a|b}"), set(&["a, b", "b, a"]));
        assert_eq!(
            all("{1-2$$ and $$a|b}"),
            set(&["a", "b", "a and b", "b and a"])
        );
        let few = expand("{3$$a|b}", 1, &mut lines());
        assert_eq!(
            few,
            Err(DynamicError::TooFew {
                wanted: 3,
                there: 2
            })
        );
    }

    #[test]
    fn weights_are_how_often() {
        let times = |prompt: &str| {
            let made = (0..2000).map(|seed| expand(prompt, seed, &mut lines()).expect("made"));
            made.filter(|word| word == "a").count()
        };
        assert!(
            (1300..1700).contains(&times("{3::a|b}")),
            "{}",
            times("{3::a|b}")
        );
        assert!((900..1100).contains(&times("{a|b}")), "{}", times("{a|b}"));
        assert_eq!(times("{0::b|a}"), 2000);
    }

    #[test]
    fn what_offers_no_choice_stays_as_it_is() {
        for prompt in [
            "{\"scene\": \"a red circle\", \"style\": {\"ink\": 1}}",
            "{{emphasis}}, (weighted:1.2), <lora:glow:0.6>",
            "an {open brace | and no more",
            "snake_case __ and __init and ___",
            "a | b } c",
            "back\\slash \\(kept\\)",
        ] {
            assert_eq!(all(prompt), set(&[prompt]));
        }
        assert_eq!(all("\\{a|b\\} \\__colour\\__"), set(&["{a|b} __colour__"]));
        for words in [
            "{a|b} __colour__",
            "\\{a\\\\|\\_",
            "{2$$a|b}",
            "a_b {c} \\d",
            "",
        ] {
            assert_eq!(all(&literal(words)), set(&[words]));
        }
        assert_eq!(literal("a_b {c} \\d"), "a_b {c} \\d");
    }

    #[test]
    fn nothing_goes_round_for_good_or_grows_without_end() {
        let make = |prompt: &str| expand(prompt, 1, &mut lines());
        assert_eq!(
            make("__round__"),
            Err(DynamicError::TooDeep("round".into()))
        );
        assert_eq!(
            make("__nothing__"),
            Err(DynamicError::Unknown("nothing".into()))
        );
        assert_eq!(
            make("__empty__"),
            Err(DynamicError::Unknown("empty".into()))
        );
        let long = format!("{{{0}|{0}}}", "x".repeat(MAX_BYTES));
        assert_eq!(make(&long.repeat(2)), Err(DynamicError::TooLong));
        let deep = "{".repeat(20_000) + "a|b" + &"}".repeat(20_000);
        assert!(make(&deep).is_ok());
    }

    /// A seed that somebody kept gives the same words for good.
    #[test]
    fn the_words_of_a_seed_are_these() {
        let make = |seed| expand("{a|b|c|d} __colour__ {2$$x|y|z}", seed, &mut lines());
        let words = [0, 1, 2, 1 << 40].map(|seed| make(seed).expect("made"));
        assert_eq!(
            words,
            [
                "b dark blue z, y",
                "a light blue y, x",
                "c light blue z, x",
                "d red y, z"
            ]
        );
    }
}
