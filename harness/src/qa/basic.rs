//! BERT's basic tokeniser without lower-casing, as transformers 3.3.1 has it (`BasicTokenizer`); no
//! normalisation form is applied.

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use crate::data::is_python_space;

/// The tokens of a text, joined by single spaces.
pub(super) fn tokenise(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    // Whether the next character begins a token.
    let mut apart = true;
    let mut push = |c: char, apart: bool| {
        if apart && !out.is_empty() {
            out.push(' ');
        }
        out.push(c);
    };
    for c in text.chars() {
        if is_dropped(c) {
        } else if is_python_space(c) {
            apart = true;
        } else if is_punctuation(c) || is_ideograph(c) {
            push(c, true);
            apart = true;
        } else {
            push(c, apart);
            apart = false;
        }
    }
    out
}

/// NUL, U+FFFD and category C*, but for tab and line ends.
fn is_dropped(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{fffd}' => true,
        ' '..='~' | '가'..='힣' => false,
        _ => c.general_category_group() == GeneralCategoryGroup::Other,
    }
}

/// ASCII that is neither letter, digit nor space, and category P*.
fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    c.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// BERT's ranges of CJK ideographs.
fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x2A6DF
        | 0x2A700..=0x2B73F | 0x2B740..=0x2B81F | 0x2B820..=0x2CEAF | 0x2F800..=0x2FA1F)
}

#[cfg(test)]
mod tests {
    use super::tokenise;

    #[test]
    fn punctuation_and_ideographs_stand_alone_and_controls_are_gone() {
        assert_eq!(
            tokenise(" 1839년,  바그너는\t「파우스트」를. "),
            "1839년 , 바그너는 「 파우스트 」 를 ."
        );
        assert_eq!(tokenise("大韓 a\u{0}b\u{200b}c\u{fffd}"), "大 韓 abc");
        assert_eq!(tokenise("$5 ㄱ+ㄴ"), "$ 5 ㄱ + ㄴ");
        assert_eq!(tokenise("a\u{a0}b\u{2028}c\u{1c}d"), "a b cd");
        assert_eq!(tokenise("\u{1112}\u{1161}"), "\u{1112}\u{1161}");
        assert_eq!(tokenise(" \n"), "");
    }
}
