//! From a detokenised answer to the characters of the context that it stands for (`get_final_text` of
//! `squad_metrics.py`).

use super::basic::tokenise;

/// The part of `original` (words of the context, joined by spaces) that `predicted` (a detokenised
/// answer) stands for. All of `original`, where the two cannot be aligned: the answer is not found among
/// the basic tokens of the original, or these have other characters than the original, spaces apart.
pub fn final_text<'a>(predicted: &str, original: &'a str) -> &'a str {
    align(predicted, original).unwrap_or(original)
}

fn align<'a>(predicted: &str, original: &'a str) -> Option<&'a str> {
    let tokenised = tokenise(original);
    let at = tokenised.find(predicted)?;
    let last = predicted.chars().next_back()?;
    let end = at + predicted.len() - last.len_utf8();
    // An answer never begins or ends with a space; the reference gives up there too.
    if predicted.starts_with(' ') || last == ' ' {
        return None;
    }
    let is_text = |c: &char| *c != ' ';
    if original.chars().filter(is_text).count() != tokenised.chars().filter(is_text).count() {
        return None;
    }
    // The n-th character that is no space is the same in both.
    let ordinal = |byte: usize| tokenised[..byte].chars().filter(is_text).count();
    let place = |n: usize| original.char_indices().filter(|(_, c)| is_text(c)).nth(n);
    let (start, _) = place(ordinal(at))?;
    let (end, last) = place(ordinal(end))?;
    original.get(start..end + last.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::final_text;

    #[test]
    fn the_answer_is_cut_out_of_its_words() {
        assert_eq!(final_text("1839년", "1839년,"), "1839년");
        assert_eq!(final_text("steve smith", "(steve smith)'s"), "steve smith");
        assert_eq!(final_text("「 파우스트 」", "괴테의 「파우스트」를"), "「파우스트」");
        assert_eq!(final_text("韓 a", "大韓 a"), "韓 a");
        assert_eq!(final_text("韓", "大韓民國"), "韓");
        assert_eq!(
            final_text("b", "a\u{3000}b"),
            "a\u{3000}b",
            "one character more than its tokens"
        );
    }

    #[test]
    fn where_it_cannot_be_aligned_the_words_are_the_answer() {
        assert_eq!(final_text("[UNK]", "뷁, 뷁"), "뷁, 뷁");
        assert_eq!(final_text("##는", "바그너는"), "바그너는");
        assert_eq!(final_text("ab", "a\u{200b}b c"), "a\u{200b}b c", "a character was dropped");
        assert_eq!(final_text("", "가 나"), "가 나");
        assert_eq!(final_text("가", ""), "");
    }

    #[test]
    fn the_first_occurrence_counts() {
        assert_eq!(final_text("는", "바그너는 는"), "는");
        assert_eq!(final_text("가", "나가 가,"), "가");
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics_and_the_answer_is_part_of_its_words(predicted in "[가나 a.,\u{200b}大]{0,6}", original in "[가나 a.,\u{200b}大]{0,12}") {
            let text = final_text(&predicted, &original);
            proptest::prop_assert!(original.contains(text));
        }
    }
}
