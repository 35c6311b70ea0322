//! SentencePiece: `.model` files, normalisation, unigram and BPE segmentation.
//!
//! Written after SentencePiece's C++ (google/sentencepiece, Apache-2.0), whose results it gives id by
//! id; each file names its source and where the `tokenizers` crate differs.

mod bpe;
mod charsmap;
mod model;
mod normalizer;

mod unigram;
mod wire;

use bpe::{Agenda, Bpe};
use charsmap::Charsmap;
pub(super) use model::{Model, ModelPiece, ModelType, PieceKind};
use normalizer::Normalizer;
pub(super) use normalizer::{Normalized, SPACE};

use unigram::{Best, Unigram};

use super::trie::Trie;

/// A part of a normalised text and the piece that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) id: u32,
    /// Bytes of the normalised text. The byte pieces of one character all have the character's.
    pub(super) from: usize,
    pub(super) to: usize,
}

/// A text's segments, and memory that is reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Segments {
    pub(super) normalized: Normalized,
    pub(super) segments: Vec<Segment>,
    raw: Vec<Segment>,
    best: Vec<Best>,
    agenda: Agenda,
}

#[derive(Debug)]
enum Algorithm {
    Unigram(Unigram),
    Bpe(Bpe),
}

/// A model that is ready to use.
#[derive(Debug)]
pub(super) struct SentencePiece {
    normalizer: Normalizer,
    /// Normal, user-defined and unused pieces; the latter are not among a unigram model's.
    pieces: Trie,
    user_defined: Trie,
    algorithm: Algorithm,
    /// The byte pieces' ids, where unknown characters are spelt in bytes.
    bytes: Option<Box<[u32; 256]>>,
    unknown: u32,
}

impl SentencePiece {
    /// Makes a model ready; the error says why it cannot be used.
    pub(super) fn new(model: &Model) -> Result<Self, String> {
        let charsmap = Charsmap::parse(&model.charsmap)?;
        let with_ids = || model.pieces.iter().zip(0_u32..);
        for (piece, id) in with_ids() {
            if piece.text.is_empty() {
                return Err(format!("piece {id} is empty"));
            }
            if !piece.score.is_finite() {
                return Err(format!("piece {id} ({}) has the score {}", piece.text, piece.score));
            }
        }
        let unknown = match with_ids()
            .filter(|(p, _)| p.kind == PieceKind::Unknown)
            .collect::<Vec<_>>()[..]
        {
            [(_, id)] => id,
            [] => return Err("no piece is the unknown one".to_owned()),
            _ => return Err("several pieces are the unknown one".to_owned()),
        };
        let is_bpe = model.kind == ModelType::Bpe;
        if is_bpe && model.pieces.iter().any(|p| p.kind == PieceKind::Unused) {
            return Err("a BPE model with unused pieces is not supported".to_owned());
        }
        let of_kind = |kinds: &'static [PieceKind]| {
            Trie::new(
                with_ids()
                    .filter(|(p, _)| kinds.contains(&p.kind))
                    .map(|(p, id)| (p.text.as_bytes(), id)),
            )
        };
        let scores: Vec<f32> = model.pieces.iter().map(|p| p.score).collect();
        let algorithm = if is_bpe {
            Algorithm::Bpe(Bpe { scores, unknown })
        } else {
            let normal = || model.pieces.iter().filter(|p| p.kind == PieceKind::Normal);
            Algorithm::Unigram(Unigram {
                min_score: normal().map(|p| p.score).fold(f32::MAX, f32::min),
                max_score: normal().map(|p| p.score).fold(f32::MIN_POSITIVE, f32::max),
                user_defined: with_ids().map(|(p, _)| p.kind == PieceKind::UserDefined).collect(),
                scores,
                unknown,
            })
        };
        let bytes = if model.byte_fallback { Some(byte_pieces(model)?) } else { None };
        Ok(Self {
            normalizer: Normalizer {
                charsmap,
                add_dummy_prefix: model.add_dummy_prefix,
                remove_extra_whitespaces: model.remove_extra_whitespaces,
            },
            pieces: of_kind(&[PieceKind::Normal, PieceKind::UserDefined]),
            user_defined: of_kind(&[PieceKind::UserDefined]),
            algorithm,
            bytes,
            unknown,
        })
    }

    /// The id of unknown characters.
    pub(super) fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Normalises and segments a text; what `out` held before is gone. A run of unknown characters
    /// is one segment, or the bytes of each where the model falls back to them.
    pub(super) fn encode(&self, text: &str, out: &mut Segments) {
        let Segments { normalized, segments, raw, best, agenda } = out;
        self.normalizer.normalize(text, &self.user_defined, normalized);
        segments.clear();
        raw.clear();
        let text = normalized.text();
        match &self.algorithm {
            Algorithm::Unigram(unigram) => unigram.segment(&self.pieces, text, best, raw),
            Algorithm::Bpe(bpe) => bpe.segment(&self.pieces, &self.user_defined, text, agenda, raw),
        }
        for segment in raw.iter().copied() {
            if segment.id != self.unknown {
                segments.push(segment);
            } else if let Some(ids) = &self.bytes {
                let bytes = &text.as_bytes()[segment.from..segment.to];
                segments
                    .extend(bytes.iter().map(|&b| Segment { id: ids[usize::from(b)], ..segment }));
            } else if let Some(last) = segments.last_mut().filter(|s| s.id == self.unknown) {
                last.to = segment.to;
            } else {
                segments.push(segment);
            }
        }
    }
}

/// The ids of `<0x00>` to `<0xFF>`.
fn byte_pieces(model: &Model) -> Result<Box<[u32; 256]>, String> {
    let mut ids = [None; 256];
    for (piece, id) in model.pieces.iter().zip(0_u32..) {
        if piece.kind == PieceKind::Byte {
            let byte = byte_of(&piece.text).ok_or_else(|| {
                format!("byte piece {id} ({}) is not <0x00> to <0xFF>", piece.text)
            })?;
            ids[usize::from(byte)] = Some(id);
        }
    }
    // tokenizer.json of Gemma calls the byte piece of a tab by the tab itself.
    for (piece, id) in model.pieces.iter().zip(0_u32..) {
        if let [byte] = piece.text.as_bytes()
            && piece.kind == PieceKind::Normal
        {
            ids[usize::from(*byte)].get_or_insert(id);
        }
    }
    let mut all = Box::new([0; 256]);
    for (byte, id) in ids.iter().enumerate() {
        all[byte] = id.ok_or_else(|| {
            format!("unknown characters are to be spelt in bytes, but <0x{byte:02X}> is no piece")
        })?;
    }
    Ok(all)
}

/// The byte that `<0x41>` and the like stand for.
pub(super) fn byte_of(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    let upper = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
    if digits.len() == 2 && upper { u8::from_str_radix(digits, 16).ok() } else { None }
}
