//! Cleaning before the analyser, and where each character came from.

use kobench_engine::tokenizer::is_ideograph;
use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};

/// A cleaned text: control characters gone, white space made spaces, spaces around ideographs.
#[derive(Debug, Default)]
pub(crate) struct Cleaned {
    pub(crate) text: String,
    /// For each byte of `text`, the bytes `[start, end)` of its character in the original.
    pub(crate) origin: Vec<(u32, u32)>,
}

impl Cleaned {
    /// Cleans `text`, whose first byte is byte `base` of the original.
    pub(crate) fn new(text: &str, base: usize) -> Self {
        let mut cleaned = Self::default();
        for (at, c) in text.char_indices() {
            let span = (narrow(base + at), narrow(base + at + c.len_utf8()));
            match classify(c) {
                Class::Remove => {}
                Class::Space => cleaned.push(' ', span),
                Class::Ideograph => {
                    cleaned.push(' ', span);
                    cleaned.push(c, span);
                    cleaned.push(' ', span);
                }
                Class::Keep => cleaned.push(c, span),
            }
        }
        cleaned
    }

    fn push(&mut self, c: char, span: (u32, u32)) {
        self.text.push(c);
        self.origin.extend(std::iter::repeat_n(span, c.len_utf8()));
    }
}

enum Class {
    Keep,
    Space,
    Remove,
    Ideograph,
}

fn classify(c: char) -> Class {
    match c {
        '\t' | '\n' | '\r' | ' ' => Class::Space,
        '\0' | '\u{fffd}' => Class::Remove,
        '!'..='~' | '가'..='힣' => Class::Keep,
        _ if is_ideograph(c) => Class::Ideograph,
        _ => match c.general_category() {
            Category::SpaceSeparator => Class::Space,
            Category::Control
            | Category::Format
            | Category::Surrogate
            | Category::PrivateUse
            | Category::Unassigned => Class::Remove,
            _ => Class::Keep,
        },
    }
}

/// Offsets are 32 bits wide; a text beyond 4 GiB saturates.
pub(crate) fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
