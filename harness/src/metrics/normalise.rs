//! KorQuAD's normalisation of answers.

use crate::data::python_split;

/// What becomes a space: quotes, angle brackets and parentheses. Other brackets stay.
const TO_SPACE: [char; 12] = ['\'', '"', '《', '》', '<', '>', '〈', '〉', '(', ')', '‘', '’'];

/// The answer as KorQuAD 1.0's official evaluation compares it: quotes and brackets become spaces, letters
/// lower case, ASCII punctuation is deleted (without leaving a space), and runs of white space become one
/// space. Nothing else is removed: no articles, no Korean particles, no other punctuation.
///
/// Source: `normalize_answer` of evaluate-v1.0.py of KorQuAD 1.0 (S. Lim, M. Kim, J. Lee, arXiv:1909.07005).
pub fn normalise_answer(answer: &str) -> String {
    let spaced = answer.replace(TO_SPACE, " ");
    let mut text = spaced.to_lowercase();
    text.retain(|c| !c.is_ascii_punctuation());
    let words: Vec<&str> = python_split(&text).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_become_spaces_and_other_punctuation_goes() {
        for (answer, expected) in [
            ("《한국》(Korea)의", "한국 korea 의"),
            ("1,234.5-6", "123456"),
            ("  U.S.A.\u{a0}\u{1c}시민 ", "usa 시민"),
            ("“따옴표” 「낫표」 …", "“따옴표” 「낫표」 …"),
            ("ＡＢＣ，１２３", "ａｂｃ，１２３"),
            ("'\"!?", ""),
            ("the a an 은 는", "the a an 은 는"),
            ("İΣΑΣ", "i\u{307}σας"),
        ] {
            assert_eq!(normalise_answer(answer), expected, "{answer}");
        }
    }
}
