//! What tokenizer_config.json and added_tokens.json say beside the vocabulary.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::added::AddedToken;
use super::files::{File, Place};
use crate::error::{EngineError, Result};

/// The settings that change ids; anything else in the files is for other purposes.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) add_bos_token: Option<bool>,
    pub(super) add_eos_token: Option<bool>,
    pub(super) added: Vec<AddedToken>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Config {
    do_lower_case: Option<bool>,
    split_by_punct: Option<bool>,
    add_bos_token: Option<bool>,
    add_eos_token: Option<bool>,
    added_tokens_decoder: BTreeMap<u32, Token>,
}

/// An added token as tokenizer_config.json and tokenizer.json have it.
#[derive(Debug, Deserialize)]
pub(super) struct Token {
    #[serde(default)]
    pub(super) id: u32,
    pub(super) content: String,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    pub(super) special: bool,
}

impl Token {
    /// The token under this id.
    pub(super) fn checked(self, id: u32, origin: &str) -> Result<AddedToken> {
        let Self { content, lstrip, rstrip, single_word, .. } = self;
        if single_word {
            return Err(EngineError::tokenizer(
                origin,
                format!("the added token \"{content}\" has single_word, which is not supported"),
            ));
        }
        Ok(AddedToken { content, id, lstrip, rstrip })
    }
}

impl Settings {
    /// Reads both files, where they are there.
    pub(super) fn read(place: Place<'_>) -> Result<Self> {
        let mut settings = Self::default();
        if let Some(file) = place.read("tokenizer_config.json")? {
            settings.config(&file)?;
        }
        if settings.added.is_empty()
            && let Some(file) = place.read("added_tokens.json")?
        {
            let map: BTreeMap<String, u32> = parse(&file)?;
            settings.added = map.iter().map(|(c, &id)| AddedToken::new(c, id)).collect();
        }
        Ok(settings)
    }

    fn config(&mut self, file: &File) -> Result<()> {
        let config: Config = parse(file)?;
        if config.do_lower_case == Some(true) {
            return Err(file.error(
                "do_lower_case is true, but only cased tokenisers are supported: lower-casing \
                 would strip accents as well, which takes Hangul apart. If the model is cased, set \
                 do_lower_case to false",
            ));
        }
        if config.split_by_punct == Some(true) {
            return Err(file.error("split_by_punct is true, which is not supported"));
        }
        self.add_bos_token = config.add_bos_token;
        self.add_eos_token = config.add_eos_token;
        self.added = config
            .added_tokens_decoder
            .into_iter()
            .map(|(id, token)| token.checked(id, &file.origin))
            .collect::<Result<_>>()?;
        Ok(())
    }
}

/// Parses a JSON file.
pub(super) fn parse<'a, T: Deserialize<'a>>(file: &'a File) -> Result<T> {
    serde_json::from_slice(&file.bytes)
        .map_err(|e| file.error(format!("not what the tokenizers library writes: {e}")))
}
