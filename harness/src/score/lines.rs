//! The lines of a predictions file.

use crate::data;

/// The lines of `text` with their numbers from 1. Only `\n`, `\r\n` and `\r` end a line, as in the data
/// sets themselves: an answer may hold U+2028. A line end at the end of the text begins no further line.
/// Byte order marks at the beginning of a line are left out: files that were put together from several
/// have them within.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    // Lines beyond the largest number are all called by it.
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
    let numbered = data::lines::lines(text).enumerate();
    numbered.map(move |(index, (_, line))| (number(index), line.trim_start_matches('\u{feff}')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_newlines_end_lines() {
        let of = |text| lines(text).map(|(_, line)| line).collect::<Vec<_>>();
        assert_eq!(of("a\nb\r\nc\rd"), ["a", "b", "c", "d"]);
        assert_eq!(of("\u{feff}\u{feff}a\n\n\u{feff}b\n"), ["a", "", "b"]);
        assert_eq!(of("a\u{2028}\u{1c}b"), ["a\u{2028}\u{1c}b"]);
        assert_eq!(of(""), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn lines_are_those_of_universal_newlines(text in "[ab\r\n가]{0,30}") {
            let mut expected = text.replace("\r\n", "\n").replace('\r', "\n");
            if expected.ends_with('\n') {
                expected.pop();
            }
            let expected: Vec<&str> = if text.is_empty() { vec![] } else { expected.split('\n').collect() };
            let (numbers, found): (Vec<u32>, Vec<&str>) = lines(&text).unzip();
            prop_assert_eq!(found, expected);
            prop_assert!(numbers.iter().zip(1..).all(|(number, expected)| *number == expected));
        }
    }
}
