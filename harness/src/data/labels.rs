//! The labels of a data set: the task's, or those of its labels file.

use std::collections::{HashMap, HashSet};

use super::error::DataError;
use super::lines::{is_python_space, lines};
use super::locate::{DataPlaces, SplitFile};
use crate::digest::sha256_hex;
use crate::task::{Label, Task};

/// Labels that a message lists; beyond that their number says more.
const LISTED: usize = 40;

/// Labels by id.
#[derive(Debug)]
pub(super) struct LabelIndex<'a> {
    labels: &'a [Label],
    indices: HashMap<&'a str, u32>,
}

impl<'a> LabelIndex<'a> {
    pub(super) fn new(labels: &'a [Label]) -> Self {
        let indices = (0u32..).zip(labels).map(|(index, label)| (label.id.as_str(), index));
        Self { labels, indices: indices.collect() }
    }

    pub(super) fn get(&self, id: &str) -> Option<u32> {
        self.indices.get(id).copied()
    }

    /// The ids, for messages: `0, 1`.
    pub(super) fn list(&self) -> String {
        let ids: Vec<&str> =
            self.labels.iter().take(LISTED).map(|label| label.id.as_str()).collect();
        let rest = match self.labels.len().saturating_sub(LISTED) {
            0 => String::new(),
            rest => format!(" and {rest} more"),
        };
        format!("{}{rest}", ids.join(", "))
    }
}

/// The labels of `task`, and the SHA-256 of its labels file where it has one.
///
/// # Errors
/// [`DataError`]: the file is not there, is not text, has an empty line, a label twice, or fewer than two.
pub(super) fn labels_of(
    task: &Task,
    places: &DataPlaces,
) -> Result<(Vec<Label>, Option<String>), DataError> {
    let Some(file) = &task.labels_file else { return Ok((task.labels.clone(), None)) };
    let found = SplitFile::Path(places.find_labels(task, file)?);
    let bytes = found.read()?;
    let sha256 = sha256_hex(&bytes);
    let text = super::dataset::into_text(bytes, &found)?;
    let labels = parse(&text).map_err(|(line, message)| DataError::Labels {
        file: found.display(),
        line,
        message,
    })?;
    Ok((labels, Some(sha256)))
}

/// One label id a line, without the white space around it. The id is also the name.
fn parse(text: &str) -> Result<Vec<Label>, (u32, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut labels: Vec<Label> = Vec::new();
    let mut seen = HashSet::new();
    for (line, (_, whole)) in (1u32..).zip(lines(text)) {
        let id = whole.trim_matches(is_python_space);
        if id.is_empty() {
            return Err((line, "an empty line, expected a label id".to_owned()));
        }
        if !seen.insert(id) {
            return Err((line, format!("label `{id}` stands twice")));
        }
        labels.push(Label { id: id.to_owned(), name: id.to_owned() });
    }
    if labels.len() < 2 {
        let message = format!("{} labels, expected at least two, one a line", labels.len());
        return Err((1, message));
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_a_line() {
        let ids = |text| parse(text).map(|labels| labels.into_iter().map(|l| l.id).collect());
        assert_eq!(
            ids("\u{feff}AA01\r\n AA02 \nAA03"),
            Ok(vec!["AA01".to_owned(), "AA02".into(), "AA03".into()])
        );
        assert_eq!(ids("a\n\nb\n"), Err((2, "an empty line, expected a label id".to_owned())));
        assert_eq!(ids("a\nb\na\n"), Err((3, "label `a` stands twice".to_owned())));
        assert_eq!(ids("a\n"), Err((1, "1 labels, expected at least two, one a line".to_owned())));
    }

    #[test]
    fn long_lists_are_cut() {
        let labels: Vec<Label> =
            (0..188).map(|n| Label { id: n.to_string(), name: n.to_string() }).collect();
        let index = LabelIndex::new(&labels);
        assert!(index.list().ends_with("38, 39 and 148 more"));
        assert_eq!((index.get("187"), index.get("188")), (Some(187), None));
    }
}
