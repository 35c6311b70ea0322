//! SentencePiece's `.model` files (`ModelProto` of sentencepiece_model.proto).

use super::wire::{Fields, Value};

/// How a piece is used (`ModelProto.SentencePiece.Type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tokenizer) enum PieceKind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

/// One piece; its place in the file is its id.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tokenizer) struct ModelPiece {
    pub(in crate::tokenizer) text: String,
    pub(in crate::tokenizer) score: f32,
    pub(in crate::tokenizer) kind: PieceKind,
}

/// How a text is cut into pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tokenizer) enum ModelType {
    Unigram,
    Bpe,
}

/// What a `.model` file, or a tokenizer.json of the same model, says.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tokenizer) struct Model {
    pub(in crate::tokenizer) pieces: Vec<ModelPiece>,
    pub(in crate::tokenizer) kind: ModelType,
    pub(in crate::tokenizer) byte_fallback: bool,
    pub(in crate::tokenizer) charsmap: Vec<u8>,
    pub(in crate::tokenizer) add_dummy_prefix: bool,
    pub(in crate::tokenizer) remove_extra_whitespaces: bool,
}

impl Model {
    /// Parses a file; the error says what is wrong with it.
    pub(in crate::tokenizer) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut model = Self {
            pieces: Vec::new(),
            kind: ModelType::Unigram,
            byte_fallback: false,
            charsmap: Vec::new(),
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
        };
        // TrainerSpec.model_type is UNIGRAM where it is not written.
        let mut model_type = 1;
        let (mut trainer, mut normalizer) = (false, false);
        for field in Fields::new(bytes) {
            match field? {
                (1, Value::Bytes(bytes)) => {
                    let number = model.pieces.len();
                    let piece = piece(bytes).map_err(|e| format!("piece {number}: {e}"))?;
                    model.pieces.push(piece);
                }
                (2, Value::Bytes(bytes)) => {
                    trainer = true;
                    model.trainer(bytes, &mut model_type)?;
                }
                (3, Value::Bytes(bytes)) => {
                    normalizer = true;
                    model.normalizer(bytes)?;
                }
                _ => {}
            }
        }
        // They stand behind the pieces, and every trainer writes them: a file that was cut off between
        // two pieces lacks them.
        if !trainer || !normalizer {
            let pieces = model.pieces.len();
            return Err(format!("after {pieces} pieces it ends without its settings"));
        }
        model.kind = match model_type {
            1 => ModelType::Unigram,
            2 => ModelType::Bpe,
            other => return Err(format!("its model_type {other} is neither unigram nor BPE")),
        };
        Ok(model)
    }

    fn trainer(&mut self, bytes: &[u8], model_type: &mut u64) -> Result<(), String> {
        for field in Fields::new(bytes) {
            match field? {
                (3, Value::Varint(value)) => *model_type = value,
                (24, Value::Varint(value)) if value != 0 => {
                    return Err("treat_whitespace_as_suffix is not supported".to_owned());
                }
                (35, Value::Varint(value)) => self.byte_fallback = value != 0,
                _ => {}
            }
        }
        Ok(())
    }

    fn normalizer(&mut self, bytes: &[u8]) -> Result<(), String> {
        for field in Fields::new(bytes) {
            match field? {
                (2, Value::Bytes(map)) => self.charsmap = map.to_vec(),
                (3, Value::Varint(value)) => self.add_dummy_prefix = value != 0,
                (4, Value::Varint(value)) => self.remove_extra_whitespaces = value != 0,
                (5, Value::Varint(0)) => {
                    return Err("escape_whitespaces = false is not supported".to_owned());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn piece(bytes: &[u8]) -> Result<ModelPiece, String> {
    let mut piece = ModelPiece { text: String::new(), score: 0.0, kind: PieceKind::Normal };
    for field in Fields::new(bytes) {
        match field? {
            (1, Value::Bytes(text)) => {
                let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
                text.clone_into(&mut piece.text);
            }
            (2, Value::Fixed32(bits)) => piece.score = f32::from_bits(bits),
            (3, Value::Varint(kind)) => {
                piece.kind = match kind {
                    1 => PieceKind::Normal,
                    2 => PieceKind::Unknown,
                    3 => PieceKind::Control,
                    4 => PieceKind::UserDefined,
                    5 => PieceKind::Unused,
                    6 => PieceKind::Byte,
                    other => return Err(format!("there is no type {other}")),
                };
            }
            _ => {}
        }
    }
    Ok(piece)
}
