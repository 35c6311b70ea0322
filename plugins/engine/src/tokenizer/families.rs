//! From a family's files to its algorithm and special tokens.

use std::collections::HashMap;

use super::added::{AddedToken, AddedTokens, name_added};
use super::algorithm::{Algorithm, is_space};
use super::files::{self, File, Place};
use super::json;
use super::kind::TokenizerKind;
use super::kobert::KoBert;
use super::sentencepiece::{Model, PieceKind, SentencePiece};
use super::settings::Settings;
use super::subword::Subword;
use super::template::Template;
use super::vocab::{self, WordPieceVocab};
use super::wordpiece::WordPiece;
use crate::error::Result;

/// Opens the tokeniser of a family.
pub(super) fn open(
    kind: TokenizerKind,
    place: Place<'_>,
) -> Result<(Box<dyn Algorithm>, Template)> {
    let (set, files) = files::find(kind, place)?;
    let settings = Settings::read(place)?;
    let file = &files[0];
    match kind {
        TokenizerKind::WordPiece => {
            let (mut vocab, added) = match set {
                0 => (WordPieceVocab::parse(&file.bytes, &file.origin)?, Vec::new()),
                _ => {
                    let (pieces, added) = json::wordpiece(file)?;
                    (WordPieceVocab::from_pieces(pieces, &file.origin)?, added)
                }
            };
            vocab.add(&added, &file.origin)?;
            vocab.add(&settings.added, &file.origin)?;
            let template = vocab.template();
            Ok((Box::new(WordPiece::new(vocab)), template))
        }
        TokenizerKind::KoBert => kobert(file, &files[1], settings),
        TokenizerKind::XlmRoberta => {
            let plain = ["<s>", "</s>", "<unk>", "<pad>"];
            let read = match set {
                0 => xlm_roberta(file)?,
                _ => Read::json(file, &["<s>", "</s>", "<pad>", "<mask>"])?,
            };
            let mask = AddedToken { lstrip: true, ..AddedToken::new("<mask>", 0) };
            let (subword, ids) = read.finish(file, settings.added, &plain, Some(mask))?;
            Ok((Box::new(subword), Template::roberta(ids[0], ids[1])))
        }
        TokenizerKind::DebertaV2 => {
            let plain = ["[CLS]", "[SEP]", "[UNK]", "[PAD]"];
            let read = match set {
                0 => Read::model(file)?,
                _ => Read::json(file, &["[CLS]", "[SEP]", "[PAD]", "[MASK]"])?,
            };
            let mask = AddedToken::new("[MASK]", 0);
            let (subword, ids) = read.finish(file, settings.added, &plain, Some(mask))?;
            Ok((Box::new(subword), Template::bert(ids[0], ids[1])))
        }
        TokenizerKind::Gemma => {
            let plain = ["<bos>", "<eos>", "<unk>", "<pad>"];
            let read = match set {
                0 => Read::model(file)?,
                _ => Read::json(file, &["<bos>", "<eos>", "<pad>"])?,
            };
            let (bos, eos) = (settings.add_bos_token, settings.add_eos_token);
            let (subword, ids) = read.finish(file, settings.added, &plain, None)?;
            let bos = bos.unwrap_or(true).then_some(ids[0]);
            let eos = eos.unwrap_or(false).then_some(ids[1]);
            Ok((Box::new(subword), Template::gemma(bos, eos)))
        }
    }
}

/// A model with the family's ids.
struct Read {
    model: Model,
    /// The family's id of each piece of the model.
    ids: Vec<u32>,
    /// The text of each of the family's ids.
    names: Vec<String>,
    added: Vec<AddedToken>,
}

fn parse_model(file: &File) -> Result<Model> {
    if file.bytes.starts_with(b"version https://git-lfs") {
        return Err(file.error("it is a Git LFS pointer, not the model itself; fetch the model"));
    }
    Model::parse(&file.bytes).map_err(|what| {
        file.error(format!("it is no whole SentencePiece model ({what}); fetch it again"))
    })
}

fn prepare(file: &File, model: &Model) -> Result<SentencePiece> {
    SentencePiece::new(model)
        .map_err(|what| file.error(format!("this SentencePiece model cannot be used: {what}")))
}

impl Read {
    /// A model whose ids are the family's.
    fn new(model: Model, added: Vec<AddedToken>) -> Self {
        let ids = (0..).take(model.pieces.len()).collect();
        let names = model.pieces.iter().map(|p| p.text.clone()).collect();
        Self { model, ids, names, added }
    }

    fn model(file: &File) -> Result<Self> {
        Ok(Self::new(parse_model(file)?, Vec::new()))
    }

    /// From tokenizer.json. The special tokens are no pieces of text, whatever it says of them.
    fn json(file: &File, specials: &[&str]) -> Result<Self> {
        let (mut model, added) = json::sentencepiece(file)?;
        for piece in &mut model.pieces {
            if piece.kind == PieceKind::Normal && specials.contains(&piece.text.as_str()) {
                piece.kind = PieceKind::Control;
            }
        }
        Ok(Self::new(model, added))
    }

    /// The algorithm, and the ids of the `plain` special tokens. `mask` is appended where nothing
    /// else says its id.
    fn finish(
        mut self,
        file: &File,
        settings: Vec<AddedToken>,
        plain: &[&str],
        mask: Option<AddedToken>,
    ) -> Result<(Subword, Vec<u32>)> {
        let mut tokens = self.added;
        for token in settings {
            tokens.retain(|t| t.content != token.content);
            tokens.push(token);
        }
        let known = |tokens: &[AddedToken], name: &str| {
            let token = tokens.iter().find(|t| t.content == name).map(|t| t.id);
            token.or_else(|| (0..).zip(&self.names).find(|(_, n)| *n == name).map(|(id, _)| id))
        };
        let mut ids = Vec::new();
        for &name in plain {
            let id = known(&tokens, name).ok_or_else(|| {
                file.error(format!(
                    "no piece \"{name}\" among {}: it is the tokeniser of another family",
                    self.names.len()
                ))
            })?;
            ids.push(id);
            if !tokens.iter().any(|t| t.content == name) {
                tokens.push(AddedToken::new(name, id));
            }
        }
        if let Some(mask) = mask
            && !tokens.iter().any(|t| t.content == mask.content)
        {
            let end =
                self.names.len().max(tokens.iter().map(|t| t.id as usize + 1).max().unwrap_or(0));
            let id = known(&tokens, &mask.content).unwrap_or(super::algorithm::narrow(end));
            tokens.push(AddedToken { id, ..mask });
        }
        name_added(&file.origin, &mut self.names, &tokens)?;
        let reserved = self
            .model
            .pieces
            .iter()
            .zip(&self.ids)
            .filter(|(p, _)| matches!(p.kind, PieceKind::Control | PieceKind::Byte))
            .map(|(p, &id)| (p.text.clone(), id))
            .collect();
        let model = prepare(file, &self.model)?;
        let unknown = self.ids[model.unknown() as usize];
        let subword = Subword {
            model,
            ids: self.ids,
            names: self.names,
            reserved,
            added: AddedTokens::new(tokens),
            unknown,
        };
        Ok((subword, ids))
    }
}

/// XLM-R's ids, which are fairseq's: `<s>`, `<pad>`, `</s>` and `<unk>` first, then the model's pieces
/// from the fourth on, then `<mask>`.
fn xlm_roberta(file: &File) -> Result<Read> {
    let model = parse_model(file)?;
    let first: Vec<&str> = model.pieces.iter().take(3).map(|p| p.text.as_str()).collect();
    if first != ["<unk>", "<s>", "</s>"] {
        return Err(file.error(format!(
            "its first pieces are {first:?}; XLM-R's are <unk>, <s> and </s>: it is the tokeniser of \
             another family"
        )));
    }
    let fixed = ["<s>", "<pad>", "</s>", "<unk>"];
    let names: Vec<String> = fixed
        .iter()
        .map(|&name| name.to_owned())
        .chain(model.pieces.iter().skip(3).map(|p| p.text.clone()))
        .chain(["<mask>".to_owned()])
        .collect();
    let mask = super::algorithm::narrow(names.len() - 1);
    let ids = model
        .pieces
        .iter()
        .zip(1..)
        .map(|(piece, shifted)| match fixed.iter().position(|&name| name == piece.text) {
            Some(id) => super::algorithm::narrow(id),
            None if piece.text == "<mask>" => mask,
            None => shifted,
        })
        .collect();
    let added = vec![AddedToken { lstrip: true, ..AddedToken::new("<mask>", mask) }];
    Ok(Read { model, ids, names, added })
}

fn kobert(
    model_file: &File,
    vocab_file: &File,
    settings: Settings,
) -> Result<(Box<dyn Algorithm>, Template)> {
    let model = parse_model(model_file)?;
    let mut names: Vec<String> = vocab::lines(&vocab_file.bytes, &vocab_file.origin)?
        .iter()
        .map(|line| line.trim_matches(is_space).to_owned())
        .collect();
    let by_name: HashMap<String, u32> = names.iter().cloned().zip(0..).collect();
    let normal = || model.pieces.iter().filter(|p| p.kind == PieceKind::Normal);
    let (all, known) =
        (normal().count(), normal().filter(|p| by_name.contains_key(&p.text)).count());
    if known * 2 < all {
        return Err(vocab_file.error(format!(
            "only {known} of the {all} pieces of {} are lines of it: they belong to different models; \
             use the files that came together",
            model_file.origin
        )));
    }
    let required = |name: &str| {
        by_name.get(name).copied().ok_or_else(|| {
            vocab_file
                .error(format!("no line \"{name}\" among {}: not KoBERT's vocab.txt", names.len()))
        })
    };
    let mut tokens = settings.added;
    for name in ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"] {
        let id = required(name)?;
        if !tokens.iter().any(|t| t.content == name) {
            tokens.push(AddedToken::new(name, id));
        }
    }
    let (unknown, template) =
        (required("[UNK]")?, Template::bert(required("[CLS]")?, required("[SEP]")?));
    name_added(&vocab_file.origin, &mut names, &tokens)?;
    let of = |text: &String| by_name.get(text).copied().unwrap_or(unknown);
    let ids = model.pieces.iter().map(|p| of(&p.text)).collect();
    let model = prepare(model_file, &model)?;
    let added = AddedTokens::new(tokens);
    Ok((Box::new(KoBert { model, ids, names, by_name, added, unknown }), template))
}
