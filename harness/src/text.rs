//! Small helpers for text that people read.

/// The text on one line, cut to at most `max` characters with an ellipsis.
pub fn shorten(text: &str, max: usize) -> String {
    let one_line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max + 1).collect();
    if one_line.chars().count() <= max {
        return one_line;
    }
    one_line.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// The words of a text in lines of at most `width` characters; a longer word has a line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Number of characters; saturates, for texts are shorter than 4 GiB.
pub fn characters(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// A size in binary units, as file listings have it: `417.9 MiB`.
pub fn bytes(size: u64) -> String {
    let mut value = size as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{size} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} GiB")
}

/// A count of parameters: `1.9M`, `108.9M`, `8.3B`.
pub fn millions(count: u64) -> String {
    let millions = count as f64 / 1e6;
    if millions < 1000.0 { format!("{millions:.1}M") } else { format!("{:.1}B", millions / 1000.0) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            [super::bytes(12), super::bytes(1536), super::bytes(438_200_000)],
            ["12 B", "1.5 KiB", "417.9 MiB"]
        );
        assert_eq!([super::millions(1_850_000), super::millions(8_320_000_000)], ["1.9M", "8.3B"]);
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(super::wrapped("한국어 모델 a\n b", 6), ["한국어 모델", "a b"]);
        assert_eq!(super::wrapped("much-too-long a", 4), ["much-too-long", "a"]);
        assert!(super::wrapped(" ", 4).is_empty());
    }

    #[test]
    fn long_texts_are_cut_by_characters_and_line_ends_are_gone() {
        assert_eq!(super::shorten("한국어\n모델", 10), "한국어 모델");
        assert_eq!(super::shorten("한국어모델", 4), "한국어…");
    }
}
