//! Labels in a stable order, and the labels of words.

use std::collections::BTreeSet;

/// Whether a word's label says that an entity begins or goes on there: at the front, at the end, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagForm {
    Prefix,
    Suffix,
    Outside,
}

fn is_position(text: &str) -> bool {
    matches!(text, "B" | "I" | "E" | "S" | "L" | "U")
}

/// The form of a word's label; none where it is no such label.
pub(super) fn tag_form(tag: &str) -> Option<TagForm> {
    if matches!(tag, "O" | "-") {
        return Some(TagForm::Outside);
    }
    let is_type = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    match (tag.split_once('-'), tag.rsplit_once('-')) {
        (Some((front, entity)), _) if is_position(front) && is_type(entity) => {
            Some(TagForm::Prefix)
        }
        (_, Some((entity, end))) if is_position(end) && is_type(entity) => Some(TagForm::Suffix),
        _ => None,
    }
}

pub(super) fn is_tag(tag: &str) -> bool {
    tag_form(tag).is_some()
}

/// Whether positions stand at the end; none where no label has one.
pub(super) fn has_suffixes<'a>(tags: impl IntoIterator<Item = &'a str>) -> Option<bool> {
    let forms: Vec<TagForm> = tags.into_iter().filter_map(tag_form).collect();
    let has = |form| forms.contains(&form);
    (has(TagForm::Prefix) || has(TagForm::Suffix)).then(|| !has(TagForm::Prefix))
}

/// Numbers by value, other labels by their characters.
pub(super) fn ordered(labels: BTreeSet<String>) -> Vec<String> {
    let mut labels: Vec<String> = labels.into_iter().collect();
    if let Ok(mut numbers) = (labels.iter())
        .map(|label| label.parse::<f64>().map(|number| (number, label.clone())))
        .collect::<Result<Vec<_>, _>>()
    {
        numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
        labels = numbers.into_iter().map(|(_, label)| label).collect();
    }
    labels
}

/// The outside label first, then by entity type, `B` before `I`.
pub(super) fn ordered_tags(tags: BTreeSet<String>) -> Vec<String> {
    let mut tags: Vec<String> = tags.into_iter().collect();
    tags.sort_by_cached_key(|tag| match tag_form(tag) {
        Some(TagForm::Prefix) => {
            let (position, entity) = tag.split_once('-').unwrap_or(("", tag));
            (1, entity.to_owned(), position.to_owned())
        }
        Some(TagForm::Suffix) => {
            let (entity, position) = tag.rsplit_once('-').unwrap_or((tag, ""));
            (1, entity.to_owned(), position.to_owned())
        }
        _ => (0, tag.clone(), String::new()),
    });
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(labels: &[&str]) -> BTreeSet<String> {
        labels.iter().map(|label| (*label).to_owned()).collect()
    }

    #[test]
    fn orders_are_stable() {
        assert_eq!(ordered(set(&["10", "9", "-1"])), ["-1", "9", "10"]);
        assert_eq!(ordered(set(&["none", "10", "9"])), ["10", "9", "none"]);
        assert_eq!(
            ordered_tags(set(&["I-PS", "O", "B-PS", "B-DT"])),
            ["O", "B-DT", "B-PS", "I-PS"]
        );
        assert_eq!(ordered_tags(set(&["PS-I", "-", "PS-B"])), ["-", "PS-B", "PS-I"]);
    }

    #[test]
    fn tags_are_told_from_words() {
        assert_eq!(tag_form("B-PER"), Some(TagForm::Prefix));
        assert_eq!(tag_form("PER-B"), Some(TagForm::Suffix));
        for word in ["", "B", "나-B!", "well-known", "B-", "1"] {
            assert_eq!(tag_form(word), None, "{word}");
        }
        assert_eq!(has_suffixes(["O", "PER-B"]), Some(true));
        assert_eq!(has_suffixes(["O", "-"]), None);
    }
}
