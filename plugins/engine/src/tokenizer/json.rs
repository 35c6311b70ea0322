//! tokenizer.json, as far as it holds one of our families.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::added::AddedToken;
use super::base64;
use super::files::File;
use super::sentencepiece::{Model, ModelPiece, ModelType, PieceKind, byte_of};
use super::settings::{Token, parse};
use crate::error::Result;

#[derive(Debug, Deserialize)]
struct Document {
    #[serde(default)]
    added_tokens: Vec<Token>,
    normalizer: Option<Value>,
    model: JsonModel,
}

#[derive(Debug, Deserialize)]
struct JsonModel {
    #[serde(rename = "type")]
    kind: Option<String>,
    vocab: JsonVocab,
    #[serde(default)]
    merges: Vec<Merge>,
    unk_id: Option<u32>,
    unk_token: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
    continuing_subword_prefix: Option<String>,
    max_input_chars_per_word: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum JsonVocab {
    Scored(Vec<(String, f64)>),
    Numbered(HashMap<String, u32>),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair(String, String),
}

impl Merge {
    fn union(&self) -> String {
        match self {
            Self::Line(line) => line.replacen(' ', "", 1),
            Self::Pair(left, right) => format!("{left}{right}"),
        }
    }
}

/// The pieces of a WordPiece model by id, and tokens that are taken as wholes; its settings are those
/// of BERT's cased tokeniser.
pub(super) fn wordpiece(file: &File) -> Result<(Vec<String>, Vec<AddedToken>)> {
    let Document { added_tokens, normalizer, model } = parse(file)?;
    expect_kind(file, &model, "WordPiece")?;
    let is = |key: &str, expected: bool| {
        normalizer.as_ref().and_then(|n| n.get(key)).and_then(Value::as_bool) == Some(expected)
    };
    let bert = normalizer.as_ref().and_then(|n| n["type"].as_str()) == Some("BertNormalizer");
    if !bert || !is("clean_text", true) || !is("handle_chinese_chars", true) {
        return Err(file.error(
            "its normaliser is not BERT's (BertNormalizer with clean_text and \
             handle_chinese_chars), which WordPiece models here are read with",
        ));
    }
    if !is("lowercase", false) || is("strip_accents", true) {
        return Err(file.error(
            "its normaliser lower-cases or strips accents, but only cased tokenisers are supported",
        ));
    }
    let standard = model.continuing_subword_prefix.as_deref().unwrap_or("##") == "##"
        && model.unk_token.as_deref().unwrap_or("[UNK]") == "[UNK]"
        && model.max_input_chars_per_word.unwrap_or(100) == 100;
    if !standard {
        return Err(file.error(
            "its WordPiece model differs from BERT's (\"##\", [UNK], 100 characters a word)",
        ));
    }
    let added = added_tokens.into_iter().map(|token| {
        let id = token.id;
        token.checked(id, &file.origin)
    });
    Ok((numbered(file, model.vocab)?, added.collect::<Result<_>>()?))
}

/// A SentencePiece model whose pieces have the family's ids, and tokens that are cut out of texts.
pub(super) fn sentencepiece(file: &File) -> Result<(Model, Vec<AddedToken>)> {
    let Document { added_tokens, normalizer, model: json } = parse(file)?;
    let is_bpe = matches!(json.vocab, JsonVocab::Numbered(_));
    expect_kind(file, &json, if is_bpe { "BPE" } else { "Unigram" })?;
    let mut charsmap = Vec::new();
    if let Some(normalizer) = &normalizer {
        read_normalizer(file, normalizer, &mut charsmap)?;
    }
    let unknown = json.unk_token.as_deref();
    let mut pieces: Vec<ModelPiece> = match json.vocab {
        JsonVocab::Scored(pieces) => {
            pieces.into_iter().map(|(text, score)| piece(text, score as f32)).collect()
        }
        vocab @ JsonVocab::Numbered(_) => {
            // A union's score is the place of the first pair that makes it.
            let mut ranks = HashMap::new();
            for (merge, rank) in json.merges.iter().zip(0_u32..) {
                ranks.entry(merge.union()).or_insert(rank);
            }
            let score = |text: &String| -(ranks.get(text).map_or(f32::MAX, |&r| r as f32));
            numbered(file, vocab)?
                .into_iter()
                .map(|t| {
                    let s = score(&t);
                    piece(t, s)
                })
                .collect()
        }
    };
    let at = |id: Option<u32>| id.map(|id| id as usize).filter(|&id| id < pieces.len());
    let by_name = || pieces.iter().position(|p| Some(p.text.as_str()) == unknown);
    let unknown = at(json.unk_id)
        .or_else(by_name)
        .ok_or_else(|| file.error("its model names no unknown token among its pieces"))?;
    let mut added = Vec::new();
    for token in added_tokens {
        let id = token.id;
        let known = pieces.get_mut(id as usize).filter(|p| p.text == token.content);
        if let Some(piece) = known {
            piece.kind = if token.special { PieceKind::Control } else { PieceKind::UserDefined };
            if !token.special {
                continue;
            }
        }
        added.push(token.checked(id, &file.origin)?);
    }
    if json.byte_fallback {
        for piece in &mut pieces {
            if byte_of(&piece.text).is_some() {
                piece.kind = PieceKind::Byte;
            }
        }
    }
    pieces[unknown].kind = PieceKind::Unknown;
    let model = Model {
        pieces,
        kind: if is_bpe { ModelType::Bpe } else { ModelType::Unigram },
        byte_fallback: json.byte_fallback,
        charsmap,
        add_dummy_prefix: !is_bpe,
        remove_extra_whitespaces: !is_bpe,
    };
    Ok((model, added))
}

fn piece(text: String, score: f32) -> ModelPiece {
    ModelPiece { text, score, kind: PieceKind::Normal }
}

fn expect_kind(file: &File, model: &JsonModel, expected: &str) -> Result<()> {
    match model.kind.as_deref() {
        None => Ok(()),
        Some(kind) if kind == expected => Ok(()),
        Some(kind) => Err(file.error(format!(
            "its model is {kind} where {expected} was expected: it belongs to another family"
        ))),
    }
}

/// Pieces in the order of their ids, which have no gaps.
fn numbered(file: &File, vocab: JsonVocab) -> Result<Vec<String>> {
    let JsonVocab::Numbered(map) = vocab else {
        return Err(file.error("its vocabulary has scores instead of ids"));
    };
    let mut pieces: Vec<Option<String>> = vec![None; map.len()];
    for (piece, id) in map {
        match pieces.get_mut(id as usize) {
            Some(place @ None) => *place = Some(piece),
            _ => {
                return Err(file.error(format!(
                    "the id {id} of \"{piece}\" is used twice or lies beyond the vocabulary"
                )));
            }
        }
    }
    Ok(pieces.into_iter().flatten().collect())
}

/// Finds the character map; normalisers that a SentencePiece model does not have are refused.
fn read_normalizer(file: &File, normalizer: &Value, charsmap: &mut Vec<u8>) -> Result<()> {
    match normalizer["type"].as_str() {
        Some("Sequence") => {
            for part in normalizer["normalizers"].as_array().into_iter().flatten() {
                read_normalizer(file, part, charsmap)?;
            }
            Ok(())
        }
        Some("Precompiled") => {
            let text = normalizer["precompiled_charsmap"].as_str();
            *charsmap = text
                .and_then(base64::decode)
                .ok_or_else(|| file.error("its precompiled_charsmap is not base64"))?;
            Ok(())
        }
        // How the library writes SentencePiece's treatment of spaces.
        Some("Strip" | "Replace") => Ok(()),
        Some("Lowercase") => {
            Err(file.error("its normaliser lower-cases, but only cased tokenisers are supported"))
        }
        other => Err(file.error(format!(
            "its normaliser {} is none of a SentencePiece model's (Precompiled, Strip, Replace)",
            other.unwrap_or("without a type")
        ))),
    }
}
