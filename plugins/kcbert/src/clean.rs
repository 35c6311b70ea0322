//! KcBERT's `clean()` in its four versions, with offsets that still point into the original text.
//!
//! The steps and what differs between the versions are written in emoji_codepoints.txt; the
//! versions are named after the month of the README that they stood in.

use kobench_engine::tokenizer::{Aligned, Preprocess};

use crate::table;

/// The values of the option `clean`.
pub(crate) const VERSIONS: [(&str, Option<Preprocess>); 5] = [
    ("none", None),
    ("2020-08", Some(|text| clean(text, Version::V2020_08))),
    ("2021-03", Some(|text| clean(text, Version::V2021_03))),
    ("2021-08", Some(|text| clean(text, Version::V2021_08))),
    ("2022-09", Some(|text| clean(text, Version::V2022_09))),
];

/// The edit of that name (none for "none"), or `None` if there is no such version.
pub(crate) fn by_name(name: &str) -> Option<Option<Preprocess>> {
    VERSIONS.iter().find(|(known, _)| *known == name).map(|&(_, edit)| edit)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V2020_08,
    V2021_03,
    V2021_08,
    V2022_09,
}

/// A character and its byte range in the original text.
type Char = (char, u32, u32);

fn clean(text: &mut Aligned, version: Version) {
    let mut chars = Vec::with_capacity(text.chars().len());
    merge_runs(text.chars(), |c| !keeps(version, c), &mut chars);
    // 2022-09 also deletes emoji here, but its class above has left none.
    let chars = delete_urls(&chars, version);
    let chars = shorten_runs(strip(&chars), version);
    let mut joined = Vec::with_capacity(chars.len());
    merge_runs(&chars, is_space, &mut joined);
    text.set_chars(strip(&joined).to_vec());
}

/// Whether the character class of a version contains `c`.
fn keeps(version: Version, c: char) -> bool {
    let hangul = match version {
        Version::V2020_08 => matches!(c, '\u{3131}'..='\u{d7a3}'),
        _ => matches!(c, 'ㄱ'..='ㅣ' | '가'..='힣'),
    };
    let emoji = match version {
        Version::V2020_08 | Version::V2021_03 => table::contains("emoji-0.6.0", c),
        Version::V2021_08 => table::contains("emoji-0.6.0", c) || table::contains("emoji-1.4.2", c),
        Version::V2022_09 => false,
    };
    c.is_ascii() || matches!(c, '\u{ff05}' | '\u{b7}' | '\u{223c}') || hangul || emoji
}

/// Python's `\w` over the characters that the class keeps.
fn is_word(version: Version, c: char) -> bool {
    match c {
        '_' | '\u{2139}' => true,
        _ if c.is_ascii() => c.is_ascii_alphanumeric(),
        _ if version == Version::V2020_08 => table::contains("word", c),
        _ => matches!(c, 'ㄱ'..='ㅣ' | '가'..='힣'),
    }
}

/// Python's `\s` over the characters that the class keeps.
fn is_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\x1c'..='\x1f' | ' ')
}

/// Makes one space of each longest run of characters for which `gone` holds.
fn merge_runs(chars: &[Char], gone: impl Fn(char) -> bool, out: &mut Vec<Char>) {
    for run in chars.chunk_by(|a, b| gone(a.0) == gone(b.0)) {
        if gone(run[0].0) {
            out.push((' ', run[0].1, run[run.len() - 1].2));
        } else {
            out.extend_from_slice(run);
        }
    }
}

fn strip(chars: &[Char]) -> &[Char] {
    let start = chars.iter().position(|c| !is_space(c.0)).unwrap_or(chars.len());
    let end = chars.iter().rposition(|c| !is_space(c.0)).map_or(start, |last| last + 1);
    &chars[start..end]
}

/// soynlp's `repeat_normalize(num_repeats=2)`: `(\w)\1{3,}` becomes two copies.
fn shorten_runs(chars: &[Char], version: Version) -> Vec<Char> {
    let mut out = Vec::with_capacity(chars.len());
    for run in chars.chunk_by(|a, b| a.0 == b.0) {
        if run.len() >= 4 && is_word(version, run[0].0) {
            out.extend([run[0], (run[1].0, run[1].1, run[run.len() - 1].2)]);
        } else {
            out.extend_from_slice(run);
        }
    }
    out
}

fn delete_urls(chars: &[Char], version: Version) -> Vec<Char> {
    let mut out = Vec::with_capacity(chars.len());
    let mut at = 0;
    while at < chars.len() {
        match url_length(&chars[at..], version) {
            0 => {
                out.push(chars[at]);
                at += 1;
            }
            length => at += length,
        }
    }
    out
}

/// Length of the URL that `chars` begins with, or 0:
/// `https?:\/\/(www\.)?[-a-zA-Z0-9@:%._\+~#=]{1,256}\.[a-zA-Z0-9()]{1,6}\b([-a-zA-Z0-9()@:%_\+.~#?&//=]*)`
/// with Python's backtracking and its Unicode-aware `\b`.
fn url_length(chars: &[Char], version: Version) -> usize {
    let begins = |from: usize, text: &str| {
        text.chars().enumerate().all(|(i, t)| chars.get(from + i).is_some_and(|c| c.0 == t))
    };
    let run = |from: usize, limit: usize, also: &str| {
        let accepts = |c: char| c.is_ascii_alphanumeric() || also.contains(c);
        chars[from..].iter().take(limit).take_while(|c| accepts(c.0)).count()
    };
    if !begins(0, "http") {
        return 0;
    }
    let scheme = 4 + usize::from(begins(4, "s"));
    if !begins(scheme, "://") {
        return 0;
    }
    let host = scheme + 3;
    let starts =
        if begins(host, "www.") { [Some(host + 4), Some(host)] } else { [Some(host), None] };
    for start in starts.into_iter().flatten() {
        for dot in (start + 1..=start + run(start, 256, "-@:%._+~#=")).rev() {
            if !begins(dot, ".") {
                continue;
            }
            for end in (dot + 2..=dot + 1 + run(dot + 1, 6, "()")).rev() {
                let next = chars.get(end).is_some_and(|c| is_word(version, c.0));
                if is_word(version, chars[end - 1].0) != next {
                    return end + run(end, usize::MAX, "-()@:%_+.~#?&/=");
                }
            }
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_equals_its_goldens() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/goldens/clean.jsonl");
        let goldens = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = goldens.split('\n').filter(|l| !l.is_empty()).collect();
        assert!(lines.len() > 400);
        for line in lines {
            let golden: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = golden["text"].as_str().unwrap();
            for (name, edit) in VERSIONS {
                let Some(edit) = edit else { continue };
                let mut aligned = Aligned::new(text);
                edit(&mut aligned);
                assert_eq!(aligned.text(), golden[name].as_str().unwrap(), "{name}: {text:?}");
                // Spans ascend and hold the character, unless it stands for what was there.
                let mut last = 0;
                for &(c, start, end) in aligned.chars() {
                    assert!(start >= last && start < end, "{name}: {text:?}");
                    last = end;
                    let span = &text[start as usize..end as usize];
                    assert!(c == ' ' || span.starts_with(c), "{name}: {c:?} from {span:?}");
                }
            }
        }
    }

    #[test]
    fn unknown_versions_are_unknown() {
        assert!(by_name("2019-01").is_none());
        assert!(by_name("none").is_some_and(|edit| edit.is_none()));
    }
}
