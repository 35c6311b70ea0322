//! Lists of facts in lines that fit a terminal.

use std::io::{self, Write};

/// Cells of a terminal that `text` takes: two for each character of Hangul, Han and the other wide blocks.
pub(super) fn cells(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}'
            | '\u{ffe0}'..='\u{ffe6}' | '\u{1f300}'..='\u{1faff}')
    };
    text.chars().map(|c| 1 + usize::from(wide(c))).sum()
}

/// Writes `parts`, separated by `separator`, behind `key`; lines that would be wider than `width` go on
/// below the first part. A part is never broken.
pub(super) fn write_list(
    out: &mut dyn Write,
    key: &str,
    parts: &[String],
    separator: &str,
    width: Option<u16>,
) -> io::Result<()> {
    let indent = " ".repeat(cells(key));
    let mut line = key.to_owned();
    for (index, part) in parts.iter().enumerate() {
        let end = if index + 1 < parts.len() { separator } else { "" };
        let is_begun = cells(&line) > indent.len();
        let needed = cells(&line) + cells(part) + cells(end.trim_end());
        if is_begun && width.is_some_and(|width| needed > usize::from(width)) {
            writeln!(out, "{}", line.trim_end())?;
            line.clone_from(&indent);
        }
        line.push_str(part);
        line.push_str(end);
    }
    writeln!(out, "{}", line.trim_end())
}

/// Words of a sentence as parts of a list.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(parts: &[&str], width: Option<u16>) -> String {
        let parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
        let mut out = Vec::new();
        write_list(&mut out, "  key  ", &parts, ", ", width).expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn lists_wrap_between_their_parts() {
        assert_eq!(written(&["a", "b"], None), "  key  a, b\n");
        assert_eq!(written(&["a a", "b b", "c"], Some(14)), "  key  a a,\n       b b, c\n");
        assert_eq!(written(&["가나다", "라"], Some(14)), "  key  가나다,\n       라\n");
        assert_eq!(written(&["much too long", "b"], Some(9)), "  key  much too long,\n       b\n");
        assert_eq!(written(&[], Some(9)), "  key\n");
        assert_eq!(cells("a한e"), 4);
    }
}
