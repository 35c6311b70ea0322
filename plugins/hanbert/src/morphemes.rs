//! Morphemes to pieces, and where each piece stands in the text.
//!
//! Source: `HanBertTokenizer` in KoELECTRA's fine-tuning code (Apache-2.0): special tokens are cut out, the
//! rest is cleaned, analysed, and each morpheme is split by WordPiece (words of up to 200 characters).

use kobench_engine::tokenizer::{Algorithm, Piece, Scratch, WordPieceVocab, number_words};

use crate::moran::Moran;
use crate::text::{Cleaned, narrow};

/// Longest word that is looked up, in characters.
pub(crate) const MAX_WORD_CHARS: usize = 200;

/// What a morpheme begins with that continues the word before it.
const CONTINUES: &str = "~~";

const SPECIAL: [&str; 5] = ["[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"];

/// WordPiece on the analyser's morphemes.
#[derive(Debug)]
pub(crate) struct Morphemes {
    vocab: WordPieceVocab,
    moran: Moran,
}

impl Morphemes {
    pub(crate) fn new(vocab: WordPieceVocab, moran: Moran) -> Self {
        Self { vocab, moran }
    }

    /// The leftmost special token that is written out in `text`: its place, its name and its id.
    fn special(&self, text: &str) -> Option<(usize, &'static str, u32)> {
        SPECIAL
            .iter()
            .filter_map(|&name| Some((text.find(name)?, name, self.vocab.id(name)?)))
            .min_by_key(|(at, ..)| *at)
    }

    fn stretch(&self, text: &str, base: usize, out: &mut Vec<Piece>) {
        let cleaned = Cleaned::new(text, base);
        let mut morphemes = Vec::new();
        self.moran.morphemes(&cleaned.text, &mut morphemes);
        let mut cursor = 0;
        for morpheme in &morphemes {
            let surface = morpheme.strip_prefix(CONTINUES).unwrap_or(morpheme);
            let place = Place::find(&cleaned, cursor, surface);
            cursor = place.next;
            let mark = morpheme.len() - surface.len();
            self.vocab.split(morpheme, |id, from, to| {
                let (start, end) =
                    place.of(&cleaned, from.saturating_sub(mark), to.saturating_sub(mark));
                out.push(Piece { id, start, end, word: 0 });
            });
        }
    }
}

/// Where a morpheme stands in a cleaned text.
struct Place {
    start: usize,
    end: usize,
    /// Whether its characters are those of the text, one by one.
    exact: bool,
    /// Where to look for the next morpheme.
    next: usize,
}

impl Place {
    /// Looks for `surface` from byte `cursor` on. The analyser may give other characters than the text has
    /// (a restored form); such a morpheme has the rest of the word that it was found in.
    fn find(cleaned: &Cleaned, cursor: usize, surface: &str) -> Self {
        let rest = &cleaned.text[cursor..];
        let start = cursor + (rest.len() - rest.trim_start_matches(' ').len());
        let rest = &cleaned.text[start..];
        let end = start + rest.find(' ').unwrap_or(rest.len());
        if !surface.is_empty() {
            // In this word, or else in the next one: a form before it may have taken more than its share.
            let following = &cleaned.text[end..];
            let skipped = following.len() - following.trim_start_matches(' ').len();
            let second = end + skipped;
            let second_end =
                second + cleaned.text[second..].find(' ').unwrap_or(cleaned.text.len() - second);
            if let Some(at) = cleaned.text[start..end].find(surface).map(|at| start + at) {
                let next = at + surface.len();
                return Self { start: at, end: next, exact: true, next };
            }
            if cleaned.text[second..second_end].starts_with(surface) {
                let next = second + surface.len();
                return Self { start: second, end: next, exact: true, next };
            }
        }
        Self { start, end, exact: false, next: start }
    }

    /// The original's bytes of the morpheme's bytes `[from, to)`.
    fn of(&self, cleaned: &Cleaned, from: usize, to: usize) -> (u32, u32) {
        let (from, to) = match self.exact {
            true => (self.start + from, (self.start + to).min(self.end)),
            false => (self.start, self.end),
        };
        let last = cleaned.origin.last().map_or(0, |span| span.1);
        let start = cleaned.origin.get(from).map_or(last, |span| span.0);
        match to > from {
            true => (start, cleaned.origin[to - 1].1),
            false => (start, start),
        }
    }
}

impl Algorithm for Morphemes {
    fn tokenize(&self, text: &str, _scratch: &mut Scratch, out: &mut Vec<Piece>) {
        let first = out.len();
        let mut at = 0;
        while let Some((place, name, id)) = self.special(&text[at..]) {
            self.stretch(&text[at..at + place], at, out);
            let (start, end) = (at + place, at + place + name.len());
            out.push(Piece { id, start: narrow(start), end: narrow(end), word: 0 });
            at = end;
        }
        self.stretch(&text[at..], at, out);
        number_words(text, &mut out[first..]);
    }

    fn piece(&self, id: u32) -> &str {
        self.vocab.piece(id)
    }

    fn vocab_size(&self) -> usize {
        self.vocab.len()
    }

    fn unknown(&self) -> u32 {
        self.vocab.unknown()
    }
}
