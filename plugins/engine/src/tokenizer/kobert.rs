//! KoBERT's and DistilKoBERT's tokeniser: SentencePiece, with ids from vocab.txt.
//!
//! Source: the behaviour of tokenization_kobert.py (monologg/KoBERT-Transformers, Apache-2.0): runs of
//! whitespace become one space, two backquotes or apostrophes a quotation mark, the text is put into
//! NFKD and loses its combining marks; a piece that ends with a digit and a comma is segmented again
//! without the comma, as XLNet does it. Nothing is lower-cased. NFKD and combining classes are those of
//! this program's Unicode tables, newer than most Pythons': a character that Python does not know yet
//! may be dropped or decomposed here.

use std::collections::HashMap;

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::added::{AddedTokens, Stretch};
use super::algorithm::{Algorithm, Piece, Scratch, is_space, narrow, number_words};
use super::sentencepiece::{SPACE, Segments, SentencePiece};

#[derive(Debug)]
pub(super) struct KoBert {
    pub(super) model: SentencePiece,
    /// The id of each of the model's pieces; the unknown one's for those that vocab.txt lacks.
    pub(super) ids: Vec<u32>,
    /// vocab.txt
    pub(super) names: Vec<String>,
    /// vocab.txt by its lines.
    pub(super) by_name: HashMap<String, u32>,
    pub(super) added: AddedTokens,
    pub(super) unknown: u32,
}

/// Memory that is reused from text to text.
#[derive(Debug, Default)]
struct Memory {
    prepared: Prepared,
    segments: Segments,
    number: Prepared,
    again: Segments,
}

/// A text before segmentation.
#[derive(Debug, Default)]
struct Prepared {
    text: String,
    /// For each byte of the text the bytes of the original that it stands for.
    spans: Vec<(u32, u32)>,
}

impl Prepared {
    fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }

    fn push(&mut self, c: char, span: (u32, u32)) {
        self.text.push(c);
        self.spans.extend(std::iter::repeat_n(span, c.len_utf8()));
    }

    /// Whitespace, quotation marks, NFKD without combining marks.
    fn fill(&mut self, text: &str) {
        self.clear();
        let mut space: Option<(u32, u32)> = None;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let mut span = (narrow(at), narrow(at + c.len_utf8()));
            if is_space(c) {
                space = Some(space.map_or(span, |(start, _)| (start, span.1)));
                continue;
            }
            if let Some(space) = space.take()
                && !self.text.is_empty()
            {
                self.push(' ', space);
            }
            let mut c = c;
            if (c == '`' || c == '\'') && chars.next_if(|&(_, next)| next == c).is_some() {
                c = '"';
                span.1 += 1;
            }
            // All characters of a combining class other than 0 go, so their order does not matter.
            decompose_compatible(c, |part| {
                if canonical_combining_class(part) == 0 {
                    self.push(part, span);
                }
            });
        }
    }

    /// Bytes of the original of a part; an empty part lies where it is.
    fn source(&self, from: u32, to: u32) -> (u32, u32) {
        let (from, to) = (from as usize, to as usize);
        if from < to {
            (self.spans[from].0, self.spans[to - 1].1)
        } else {
            let at = self.spans.get(from).map(|s| s.0).or(self.spans.last().map(|s| s.1));
            (at.unwrap_or(0), at.unwrap_or(0))
        }
    }
}

impl KoBert {
    fn id(&self, piece: &str) -> u32 {
        self.added.id(piece).or_else(|| self.by_name.get(piece).copied()).unwrap_or(self.unknown)
    }

    fn stretch(&self, text: &str, at: usize, memory: &mut Memory, out: &mut Vec<Piece>) {
        let Memory { prepared, segments, number, again } = memory;
        prepared.fill(text);
        self.model.encode(&prepared.text, segments);
        let Segments { normalized, segments, .. } = segments;
        let at = narrow(at);
        let mut push = |id, (start, end): (u32, u32)| {
            out.push(Piece { id, start: at + start, end: at + end, word: 0 });
        };
        for segment in segments.iter() {
            let piece = &normalized.text()[segment.from..segment.to];
            let source = |from, to| {
                let (start, end) = normalized.source(from, to);
                prepared.source(start, end)
            };
            let Some(digits) = before_comma(piece) else {
                let id = if segment.id == self.model.unknown() {
                    self.id(piece)
                } else {
                    self.ids[segment.id as usize]
                };
                push(id, source(segment.from, segment.to));
                continue;
            };
            number.clear();
            for (i, c) in digits.char_indices().filter(|&(_, c)| c != SPACE) {
                let from = segment.from + i;
                number.push(c, source(from, from + c.len_utf8()));
            }
            self.model.encode(&number.text, again);
            for (n, part) in again.segments.iter().enumerate() {
                let text = &again.normalized.text()[part.from..part.to];
                let (start, end) = again.normalized.source(part.from, part.to);
                let span = number.source(start, end);
                match text.strip_prefix(SPACE) {
                    // The prefix that segmenting again has added, unless the piece had one itself.
                    Some(rest) if n == 0 && !piece.starts_with(SPACE) => {
                        if !rest.is_empty() {
                            push(self.id(rest), span);
                        }
                    }
                    _ => push(self.id(text), span),
                }
            }
            push(self.id(","), source(segment.to - 1, segment.to));
        }
    }
}

/// What stands before the comma in a piece that ends with a digit and a comma.
fn before_comma(piece: &str) -> Option<&str> {
    let rest = piece.strip_suffix(',')?;
    let last = rest.chars().next_back()?;
    (last.general_category() == GeneralCategory::DecimalNumber).then_some(rest)
}

impl Algorithm for KoBert {
    fn tokenize(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<Piece>) {
        let memory = scratch.get::<Memory>();
        let first = out.len();
        self.added.split(text, |stretch| match stretch {
            Stretch::Text { start, end } => self.stretch(&text[start..end], start, memory, out),
            Stretch::Token { id, start, end } => {
                out.push(Piece { id, start: narrow(start), end: narrow(end), word: 0 });
            }
        });
        number_words(text, &mut out[first..]);
    }

    fn piece(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("", String::as_str)
    }

    fn vocab_size(&self) -> usize {
        self.names.len()
    }

    fn unknown(&self) -> u32 {
        self.unknown
    }
}
