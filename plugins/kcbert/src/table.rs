//! The code points of emoji_codepoints.txt, whose header says where they come from.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

type Ranges = Vec<RangeInclusive<u32>>;

static TABLES: LazyLock<HashMap<&'static str, Ranges>> =
    LazyLock::new(|| parse(include_str!("emoji_codepoints.txt")));

/// Each line is `table first[..last]` in hexadecimal; `#` begins a comment. Lines that are not are
/// passed over: the file is part of the plugin, and the goldens of `clean` cover it.
fn parse(text: &'static str) -> HashMap<&'static str, Ranges> {
    let mut tables: HashMap<&str, Ranges> = HashMap::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let Some((table, range)) = line.split_once(' ') else { continue };
        let (first, last) = range.split_once("..").unwrap_or((range, range));
        let number = |hex: &str| u32::from_str_radix(hex.trim(), 16);
        if let (Ok(first), Ok(last)) = (number(first), number(last)) {
            tables.entry(table).or_default().push(first..=last);
        }
    }
    for ranges in tables.values_mut() {
        ranges.sort_by_key(|r| *r.start());
    }
    tables
}

/// Whether `c` is in the table of this name.
pub(crate) fn contains(table: &str, c: char) -> bool {
    let code = u32::from(c);
    let Some(ranges) = TABLES.get(table) else { return false };
    let after = ranges.partition_point(|r| *r.start() <= code);
    after > 0 && ranges[after - 1].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn every_table_is_there() {
        assert!(contains("emoji-0.6.0", '😀') && contains("emoji-0.6.0", '\u{200d}'));
        assert!(!contains("emoji-0.6.0", '가') && !contains("no such table", '😀'));
        assert!(contains("word", '一'));
    }
}
