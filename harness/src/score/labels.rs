//! Labels as other systems write them.

use std::collections::HashMap;

use crate::task::Label;

/// Finds labels by their id, or by their name where it is the name of one label alone.
#[derive(Debug)]
pub(super) struct LabelNames<'a> {
    labels: &'a [Label],
    by_text: HashMap<&'a str, Option<u32>>,
}

/// Why a text is no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoLabel {
    /// Neither an id nor a name.
    Unknown,
    /// The name of several labels.
    Ambiguous,
}

/// Up to so many labels, looking through the ids is faster than hashing.
const FEW: usize = 8;

impl<'a> LabelNames<'a> {
    pub(super) fn new(labels: &'a [Label]) -> Self {
        let mut by_text = HashMap::with_capacity(2 * labels.len());
        for (index, label) in (0u32..).zip(labels).filter(|(_, label)| !label.name.is_empty()) {
            by_text
                .entry(label.name.as_str())
                .and_modify(|known| *known = None)
                .or_insert(Some(index));
        }
        // An exact id wins over any name.
        by_text.extend((0u32..).zip(labels).map(|(index, label)| (label.id.as_str(), Some(index))));
        Self { labels, by_text }
    }

    /// The labels.
    pub(super) fn labels(&self) -> &'a [Label] {
        self.labels
    }

    /// Index of the label that `text` names, white space around it left aside.
    ///
    /// # Errors
    /// [`NoLabel`].
    pub(super) fn find(&self, text: &str) -> Result<u32, NoLabel> {
        let by_text = |text: &str| self.by_text.get(text).copied();
        let few = self.labels.len() <= FEW;
        let by_id =
            if few { (0u32..).zip(self.labels).find(|(_, label)| label.id == text) } else { None };
        if let Some((index, _)) = by_id {
            return Ok(index);
        }
        match by_text(text).or_else(|| by_text(text.trim())) {
            Some(Some(index)) => Ok(index),
            Some(None) => Err(NoLabel::Ambiguous),
            None => Err(NoLabel::Unknown),
        }
    }

    /// Whether every word of `line` is a label, and there is one.
    pub(super) fn are_all_labels(&self, line: &str) -> bool {
        let mut words = line.split_whitespace().peekable();
        words.peek().is_some() && words.all(|word| self.find(word).is_ok())
    }

    /// What is said of a text that is no label.
    pub(super) fn complaint(&self, what: &str, problem: NoLabel) -> String {
        match problem {
            NoLabel::Unknown => format!("{what} that are none of the labels {}", self.list()),
            NoLabel::Ambiguous => {
                format!("{what} that are the name of several labels, whose ids are {}", self.list())
            }
        }
    }

    /// The ids for messages, with their names where they say more: `0 (negative), 1 (positive)`.
    fn list(&self) -> String {
        const SHOWN: usize = 30;
        let show = |label: &Label| match label.name.as_str() {
            name if name.is_empty() || name == label.id => label.id.clone(),
            name => format!("{} ({name})", label.id),
        };
        let shown: Vec<String> = self.labels.iter().take(SHOWN).map(show).collect();
        let more = self.labels.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_id_wins_and_a_name_must_be_unambiguous() {
        let label = |id: &str, name: &str| Label { id: id.into(), name: name.into() };
        let labels = [
            label("0", "no"),
            label("1", "0"),
            label("2", "same"),
            label("3", "same"),
            label("4", "네"),
        ];
        let names = LabelNames::new(&labels);
        let many: Vec<Label> = labels
            .iter()
            .cloned()
            .chain((5..20).map(|id| label(&id.to_string(), "rest")))
            .collect();
        for names in [&names, &LabelNames::new(&many)] {
            assert_eq!(names.find("0"), Ok(0));
            assert_eq!(names.find("no"), Ok(0));
            assert_eq!(names.find("1"), Ok(1));
            assert_eq!(names.find(" 네\t"), Ok(4));
            assert_eq!(names.find("same"), Err(NoLabel::Ambiguous));
            assert_eq!(names.find("other"), Err(NoLabel::Unknown));
            assert_eq!(names.find(""), Err(NoLabel::Unknown));
        }
        assert_eq!(
            names.complaint("predictions", NoLabel::Unknown),
            "predictions that are none of the labels 0 (no), 1 (0), 2 (same), 3 (same), 4 (네)"
        );
    }
}
