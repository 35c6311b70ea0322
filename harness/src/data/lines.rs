//! Lines and white space as Python's text files have them, for so the reference reads.

/// The lines of `text` with their byte offsets. Only `\n`, `\r\n` and `\r` end a line (Python's
/// universal newlines); U+001C and the others at which `str.splitlines` breaks do not. A line end at
/// the end of the text does not begin another line.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    // Without a carriage return, which is the rule, one search a line is enough.
    let has_returns = text.contains('\r');
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        let end = if has_returns { rest.find(['\n', '\r']) } else { rest.find('\n') };
        let end = end.unwrap_or(rest.len());
        let terminator = match rest.as_bytes().get(end..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([_, ..]) => 1,
            _ => 0,
        };
        at = start + end + terminator;
        Some((start, &rest[..end]))
    })
}

/// What `str.strip()` takes off: Unicode white space, and U+001C to U+001F, which Unicode counts as
/// separators of information and Python as white space.
pub(crate) fn is_python_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// The words of `text` as `str.split()` gives them.
pub(crate) fn python_split(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_python_space).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Vec<&str> {
        lines(text).map(|(_, line)| line).collect()
    }

    #[test]
    fn only_newlines_end_lines() {
        assert_eq!(of("a\nb\r\nc\rd"), ["a", "b", "c", "d"]);
        assert_eq!(of("a\n\n"), ["a", ""]);
        assert_eq!(of(""), Vec::<&str>::new());
        assert_eq!(of("\r\r\n\n"), ["", "", ""]);
        for other in
            ["\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}", "\u{85}", "\u{2028}", "\u{2029}"]
        {
            assert_eq!(of(&format!("a{other}b")).len(), 1, "{other:?}");
        }
    }

    #[test]
    fn white_space_is_python_s() {
        // python3 -c 'print([hex(c) for c in range(0x110000) if chr(c).isspace()])'
        let python: Vec<u32> = (9..=13)
            .chain(0x1c..=0x20)
            .chain([0x85, 0xa0, 0x1680])
            .chain(0x2000..=0x200a)
            .collect();
        let python = [python, vec![0x2028, 0x2029, 0x202f, 0x205f, 0x3000]].concat();
        let ours: Vec<u32> =
            ('\0'..=char::MAX).filter(|c| is_python_space(*c)).map(u32::from).collect();
        assert_eq!(ours, python);
    }

    proptest! {
        #[test]
        fn lines_are_where_they_say(text in "[ab\r\n\u{1c}가]{0,40}") {
            let mut expected = text.replace("\r\n", "\n").replace('\r', "\n");
            if expected.ends_with('\n') {
                expected.pop();
            }
            let expected: Vec<&str> = if text.is_empty() { vec![] } else { expected.split('\n').collect() };
            prop_assert_eq!(of(&text), expected);
            for (start, line) in lines(&text) {
                prop_assert_eq!(&text[start..start + line.len()], line);
            }
        }
    }
}
