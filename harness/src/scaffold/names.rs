//! Names that columns usually have. The last part of a dotted name counts, in lower case.

/// Labels, the surest first.
pub(super) const LABEL: [&str; 15] = [
    "gold_label",
    "label",
    "labels",
    "target",
    "score",
    "class",
    "category",
    "sentiment",
    "emotion",
    "answer",
    "gold",
    "y",
    "라벨",
    "분류",
    "감정",
];

/// Texts, the surest first.
pub(super) const TEXT: [&str; 20] = [
    "text",
    "document",
    "sentence",
    "comment",
    "comments",
    "review",
    "content",
    "contents",
    "utterance",
    "question",
    "query",
    "body",
    "tokens",
    "words",
    "문장",
    "본문",
    "내용",
    "텍스트",
    "리뷰",
    "발화",
];

/// First and second texts of pairs.
pub(super) const PAIR: [(&str, &str); 5] = [
    ("premise", "hypothesis"),
    ("query", "passage"),
    ("question", "sentence"),
    ("text", "text_pair"),
    ("source", "target_text"),
];

/// Ends that tell the first text of a pair from the second.
pub(super) const PAIR_ENDS: [(&str, &str); 3] = [("1", "2"), ("_a", "_b"), ("_0", "_1")];

/// Ids of rows.
pub(super) const ID: [&str; 7] = ["guid", "id", "uid", "idx", "index", "no", "번호"];

/// The part of a column's name that tells what it holds.
pub(super) fn plain(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).trim().to_lowercase()
}

/// Whether a name is one of those that columns usually have.
pub(super) fn is_usual(name: &str) -> bool {
    let name = plain(name);
    let name = name.as_str();
    LABEL.contains(&name)
        || TEXT.contains(&name)
        || ID.contains(&name)
        || PAIR.iter().any(|(first, second)| *first == name || *second == name)
        || stem(name).is_some_and(|(stem, _)| {
            let stem = stem.trim_end_matches('_');
            TEXT.contains(&stem) || ID.contains(&stem)
        })
}

/// `sentence1` as `sentence` and 0, `text_b` as `text` and 1.
pub(super) fn stem(name: &str) -> Option<(&str, usize)> {
    PAIR_ENDS.iter().find_map(|(first, second)| {
        let stem = |end| name.strip_suffix(end).filter(|stem: &&str| !stem.is_empty());
        stem(*first).map(|stem| (stem, 0)).or_else(|| stem(*second).map(|stem| (stem, 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told() {
        for name in
            ["Label", "labels.real.label", "sentence1", "text_b", "question2", "premise", "문장"]
        {
            assert!(is_usual(name), "{name}");
        }
        for name in ["0", "좋아요", "a", "1", "2"] {
            assert!(!is_usual(name), "{name}");
        }
        assert_eq!(stem("sentence2"), Some(("sentence", 1)));
        assert_eq!(stem("1"), None);
    }
}
