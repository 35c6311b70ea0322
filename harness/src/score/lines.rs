//! The lines of a predictions file.

/// The lines of `text` with their numbers from 1. Only `\n`, `\r\n` and `\r` end a line, as in the data
/// sets themselves: an answer may hold U+2028. A line end at the end of the text begins no further line.
/// Byte order marks at the beginning of a line are left out: files that were put together from several
/// have them within.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    // Without a carriage return, which is the rule, one search a line is enough.
    let has_returns = text.contains('\r');
    let mut rest = Some(text).filter(|text| !text.is_empty());
    let mut number = 0;
    std::iter::from_fn(move || {
        let whole = rest?;
        let end = if has_returns { whole.find(['\n', '\r']) } else { whole.find('\n') };
        let (line, after) = match end {
            Some(end) => {
                let after = &whole[end..];
                (&whole[..end], after.strip_prefix("\r\n").unwrap_or_else(|| &after[1..]))
            }
            None => (whole, ""),
        };
        rest = Some(after).filter(|after| !after.is_empty());
        // Lines beyond the largest number are all called by it.
        number = u32::saturating_add(number, 1);
        Some((number, line.trim_start_matches('\u{feff}')))
    })
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
