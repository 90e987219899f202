//! From instructions and a prompt to tokens.

use llama_cpp_2::model::LlamaChatMessage;
use llama_cpp_2::token::LlamaToken;
use mystic_engine::child::EngineError;
use mystic_engine::{EnhanceInstructions, TagInstructions};

use super::model::Model;
use super::{internal, invalid};

/// Stands for the prompt while the chat is rendered.
const PROMPT: &str = "\u{1}prompt\u{1}";

/// What comes before a prompt: the system's words, then questions with the answers that they should get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    system: String,
    examples: Vec<(String, String)>,
}

impl From<&TagInstructions> for Chat {
    fn from(given: &TagInstructions) -> Self {
        let examples = given.examples.iter();
        Self {
            system: given.system.clone(),
            examples: examples
                .map(|example| (example.prompt.clone(), array(&example.tags)))
                .collect(),
        }
    }
}

impl From<&EnhanceInstructions> for Chat {
    fn from(given: &EnhanceInstructions) -> Self {
        let examples = given.examples.iter();
        Self {
            system: given.system.clone(),
            examples: examples
                .map(|example| (example.prompt.clone(), example.enhanced.trim().to_owned()))
                .collect(),
        }
    }
}

/// A chat as the model reads it: all but the prompt, which comes between head and tail.
pub struct Instructions {
    given: Chat,
    head: Vec<LlamaToken>,
    tail: Vec<LlamaToken>,
}

impl Instructions {
    /// Renders the chat through the model's template.
    ///
    /// # Errors
    /// Texts with a NUL, or a template that the library doesn't know.
    pub fn new(model: &Model, given: Chat) -> Result<Self, EngineError> {
        let mut chat = Vec::with_capacity(2 + 2 * given.examples.len());
        if !given.system.trim().is_empty() {
            chat.push(message("system", given.system.trim())?);
        }
        for (prompt, answer) in &given.examples {
            chat.push(message("user", prompt.trim())?);
            chat.push(message("assistant", answer)?);
        }
        chat.push(message("user", PROMPT)?);
        let chat = model
            .native()
            .apply_chat_template(model.template(), &chat, true)
            .map_err(|error| internal(format!("the chat template fails: {error}")))?;
        let (head, tail) = chat
            .rsplit_once(PROMPT)
            .ok_or_else(|| internal("the chat template leaves the prompt out"))?;
        let vocab = model.vocab();
        Ok(Self {
            head: vocab.tokenize(head.as_bytes(), true, true),
            tail: vocab.tokenize(tail.as_bytes(), false, true),
            given,
        })
    }

    /// Whether these were made from this chat.
    pub fn are(&self, chat: &Chat) -> bool {
        self.given == *chat
    }

    /// The tokens before the prompt: the same for every prompt.
    pub fn head(&self) -> &[LlamaToken] {
        &self.head
    }

    /// The tokens from the prompt on, on a line of its own where it follows a picture. What looks like a special token in a
    /// prompt is text to the model.
    pub fn finish(&self, model: &Model, prompt: &str, behind_picture: bool) -> Vec<LlamaToken> {
        let prompt = prompt.trim();
        let prompt = if behind_picture && !prompt.is_empty() {
            format!("\n{prompt}")
        } else {
            prompt.to_owned()
        };
        let mut tokens = model.vocab().tokenize(prompt.as_bytes(), false, false);
        tokens.extend_from_slice(&self.tail);
        tokens
    }
}

fn message(role: &str, content: &str) -> Result<LlamaChatMessage, EngineError> {
    LlamaChatMessage::new(role.to_owned(), content.to_owned())
        .map_err(|_| invalid("the instructions hold a NUL character"))
}

/// An example's answer, written exactly as the grammar lets the model write.
fn array(tags: &[String]) -> String {
    let tags: Vec<String> = tags.iter().map(|tag| format!("\"{tag}\"")).collect();
    format!("[{}]", tags.join(", "))
}
