//! BERT's basic tokeniser, as transformers' slow `BertTokenizer` does it without lower-casing.
//!
//! Literal special tokens are cut out first. Then control characters (category C*) go, whitespace
//! separates, CJK ideographs stand alone, and punctuation is split off. No normalisation form is
//! applied and no accent stripped: NFC would change tokens, NFD would break Hangul into jamo. The
//! fast tokeniser of the `tokenizers` crate differs in unassigned characters and in one range of
//! ideographs, so only its WordPiece model is used.

use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};

use super::algorithm::narrow;
use super::vocab::WordPieceVocab;

/// What the basic tokeniser does with a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Keep,
    Space,
    Remove,
    Ideograph,
    Punctuation,
}

fn classify(c: char) -> Class {
    match c {
        '\t' | '\n' | '\r' | ' ' => Class::Space,
        '\0'..='\x1f' | '\x7f' | '\u{fffd}' => Class::Remove,
        '!'..='/' | ':'..='@' | '['..='`' | '{'..='~' => Class::Punctuation,
        // ASCII and Hangul need no table.
        '\0'..='\x7f' | '가'..='힣' | 'ㄱ'..='ㆎ' => Class::Keep,
        _ => by_category(c),
    }
}

fn by_category(c: char) -> Class {
    match c.general_category() {
        Category::Control
        | Category::Format
        | Category::Surrogate
        | Category::PrivateUse
        | Category::Unassigned => Class::Remove,
        // Zs becomes a space; Zl and Zp separate words in Python's str.split().
        Category::SpaceSeparator | Category::LineSeparator | Category::ParagraphSeparator => {
            Class::Space
        }
        _ if is_ideograph(c) => Class::Ideograph,
        Category::ConnectorPunctuation
        | Category::DashPunctuation
        | Category::OpenPunctuation
        | Category::ClosePunctuation
        | Category::InitialPunctuation
        | Category::FinalPunctuation
        | Category::OtherPunctuation => Class::Punctuation,
        _ => Class::Keep,
    }
}

/// BERT's eight ranges of CJK ideographs.
pub fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x2A6DF
        | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F | 0x2B820..=0x2CEAF | 0x2F800..=0x2FA1F)
}

/// What the scanner hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit<'a> {
    /// A word for the WordPiece model; `origin` is the place of each of its bytes in the text.
    Word { text: &'a str, origin: &'a [u32] },
    /// A special token that is written out in the text, at these bytes.
    Special { id: u32, start: u32, end: u32 },
}

/// Memory that the scanner reuses from text to text.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    word: String,
    origin: Vec<u32>,
}

impl Scanner {
    /// Calls `emit` with each unit of `text` and the ordinal of its whitespace-separated word.
    pub(super) fn scan(
        &mut self,
        text: &str,
        vocab: &WordPieceVocab,
        mut emit: impl FnMut(Unit<'_>, i32),
    ) {
        let mut ordinal = 0;
        let mut inside = false;
        let mut skip_to = 0;
        for (at, c) in text.char_indices() {
            if at < skip_to {
                continue;
            }
            if vocab.begins_special(c)
                && let Some((id, length)) = vocab.special_prefix(&text[at..])
            {
                self.flush(vocab, ordinal, &mut emit);
                emit(Unit::Special { id, start: narrow(at), end: narrow(at + length) }, ordinal);
                skip_to = at + length;
                inside = true;
                continue;
            }
            match classify(c) {
                Class::Remove => {}
                Class::Space => {
                    self.flush(vocab, ordinal, &mut emit);
                    ordinal += i32::from(inside);
                    inside = false;
                }
                Class::Ideograph => {
                    self.flush(vocab, ordinal, &mut emit);
                    self.push(at, c);
                    self.flush(vocab, ordinal, &mut emit);
                    inside = true;
                }
                Class::Keep | Class::Punctuation => {
                    self.push(at, c);
                    inside = true;
                }
            }
        }
        self.flush(vocab, ordinal, &mut emit);
    }

    fn push(&mut self, at: usize, c: char) {
        self.word.push(c);
        self.origin.extend((at..at + c.len_utf8()).map(narrow));
    }

    /// Splits the collected word at punctuation, unless it has become a special token by the
    /// removal of characters.
    fn flush(
        &mut self,
        vocab: &WordPieceVocab,
        ordinal: i32,
        emit: &mut impl FnMut(Unit<'_>, i32),
    ) {
        let word = self.word.as_str();
        let unit = |from: usize, to: usize| Unit::Word {
            text: &word[from..to],
            origin: &self.origin[from..to],
        };
        if let (Some(id), [start, .., end]) = (vocab.special(word), self.origin.as_slice()) {
            emit(Unit::Special { id, start: *start, end: end + 1 }, ordinal);
        } else {
            let mut from = 0;
            for (at, c) in word.char_indices() {
                if classify(c) == Class::Punctuation {
                    let after = at + c.len_utf8();
                    if from < at {
                        emit(unit(from, at), ordinal);
                    }
                    emit(unit(at, after), ordinal);
                    from = after;
                }
            }
            if from < word.len() {
                emit(unit(from, word.len()), ordinal);
            }
        }
        self.word.clear();
        self.origin.clear();
    }
}
