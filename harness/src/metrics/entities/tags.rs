//! What the labels of words say: part and type.

use crate::task::{Label, TagScheme};

/// Where in an entity a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Outside,
    Begin,
    Inside,
    End,
    Single,
}

/// A word's label, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) part: Part,
    /// Index into the types; means nothing outside.
    pub(crate) kind: u32,
}

impl Tag {
    pub(crate) const OUTSIDE: Self = Self { part: Part::Outside, kind: u32::MAX };
}

/// The labels of a task, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TagSet {
    /// One a label.
    tags: Vec<Tag>,
    /// By name.
    types: Vec<String>,
    outside: u32,
    /// A label with a part beyond `B`, `I` and `O`, if there is one.
    beyond_iob: Option<String>,
}

impl TagSet {
    /// From `O` and labels as `B-PER` or `PER-B`, with the parts `B`, `I`, and `E` and `S` for the last
    /// word and for an only one.
    ///
    /// # Errors
    /// What is wrong with the labels, as half a sentence.
    pub(crate) fn new(labels: &[Label], scheme: TagScheme) -> Result<Self, String> {
        let parsed: Vec<(Part, &str)> =
            labels.iter().map(|label| parse(&label.id, scheme)).collect::<Result<_, _>>()?;
        let mut types: Vec<&str> = (parsed.iter())
            .filter(|(part, _)| *part != Part::Outside)
            .map(|(_, name)| *name)
            .collect();
        types.sort_unstable();
        types.dedup();
        if types.is_empty() {
            return Err("needs labels of entities, for instance `B-PER`".to_owned());
        }
        let mut outside = (0..).zip(&parsed).filter(|(_, (part, _))| *part == Part::Outside);
        let Some((outside, _)) = outside.next() else {
            return Err("needs the label `O` for words outside of entities".to_owned());
        };
        let tags = parsed.iter().map(|(part, name)| match part {
            Part::Outside => Tag::OUTSIDE,
            // Every name is among the types.
            _ => Tag { part: *part, kind: types.binary_search(name).unwrap_or(0) as u32 },
        });
        let beyond = parsed.iter().position(|(part, _)| matches!(part, Part::End | Part::Single));
        Ok(Self {
            tags: tags.collect(),
            outside,
            beyond_iob: beyond.map(|index| labels[index].id.clone()),
            types: types.into_iter().map(str::to_owned).collect(),
        })
    }

    /// Strict chunking knows the parts `B`, `I` and `O` alone.
    ///
    /// # Errors
    /// The label that has another, in half a sentence.
    pub(crate) fn check_strict(&self) -> Result<(), String> {
        match &self.beyond_iob {
            None => Ok(()),
            Some(label) => Err(format!(
                "chunks strictly by IOB2, with the parts B, I and O alone, but there is the label `{label}`"
            )),
        }
    }

    /// A label, taken apart.
    pub(crate) fn tag(&self, label: u32) -> Tag {
        self.tags.get(label as usize).copied().unwrap_or(Tag::OUTSIDE)
    }

    /// A predicted label; words that the model never saw are outside.
    pub(crate) fn predicted(&self, label: Option<u32>) -> Tag {
        label.map_or(Tag::OUTSIDE, |label| self.tag(label))
    }

    /// The names of the types, sorted.
    pub(crate) fn types(&self) -> &[String] {
        &self.types
    }

    /// Index of the label `O`.
    pub(crate) fn outside(&self) -> u32 {
        self.outside
    }
}

/// Part and type, as seqeval takes labels apart: the part is one letter, and what is left after one hyphen
/// is the type, `_` where nothing is.
fn parse(label: &str, scheme: TagScheme) -> Result<(Part, &str), String> {
    let (letter, rest) = match scheme {
        TagScheme::Prefix => {
            let rest = label.get(1..).unwrap_or_default();
            (label.chars().next(), rest.strip_prefix('-').unwrap_or(rest))
        }
        TagScheme::Suffix => {
            let end = label.char_indices().next_back().map_or(0, |(start, _)| start);
            (label.chars().next_back(), label[..end].strip_suffix('-').unwrap_or(&label[..end]))
        }
    };
    let part = match letter {
        Some('O') if rest.is_empty() => Part::Outside,
        Some('B') => Part::Begin,
        Some('I') => Part::Inside,
        Some('E') => Part::End,
        Some('S') => Part::Single,
        _ => Part::Outside,
    };
    let is_letter_alone = rest.is_empty();
    let hyphens = label.len() - rest.len() == 2;
    if (part == Part::Outside && label != "O") || !(is_letter_alone || hyphens) {
        let example = match scheme {
            TagScheme::Prefix => "`O`, `B-PER` or `I-PER` (`scoring.tags: prefix`)",
            TagScheme::Suffix => "`O`, `PER-B` or `PER-I` (`scoring.tags: suffix`)",
        };
        return Err(format!("needs labels as {example}, not `{label}`"));
    }
    Ok((part, if rest.is_empty() { "_" } else { rest }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ids: &[&str]) -> Vec<Label> {
        ids.iter().map(|id| Label { id: (*id).into(), name: String::new() }).collect()
    }

    #[test]
    fn both_schemes_are_taken_apart() {
        let prefix = TagSet::new(&labels(&["O", "I-PS", "B-PS", "B-A-B"]), TagScheme::Prefix);
        let prefix = prefix.expect("labels");
        assert_eq!(prefix.types(), ["A-B", "PS"]);
        assert_eq!(prefix.tag(1), Tag { part: Part::Inside, kind: 1 });
        assert_eq!(prefix.tag(3), Tag { part: Part::Begin, kind: 0 });
        assert_eq!((prefix.outside(), prefix.predicted(None)), (0, Tag::OUTSIDE));
        let suffix = TagSet::new(&labels(&["PER-B", "A-B-I", "O"]), TagScheme::Suffix);
        let suffix = suffix.expect("labels");
        assert_eq!(
            (suffix.types(), suffix.outside()),
            (["A-B".into(), "PER".into()].as_slice(), 2)
        );
        assert_eq!(suffix.tag(0), Tag { part: Part::Begin, kind: 1 });
    }

    #[test]
    fn labels_of_another_form_are_named() {
        let error = |ids: &[&str], scheme| TagSet::new(&labels(ids), scheme).unwrap_err();
        assert!(error(&["O", "PER-B"], TagScheme::Prefix).contains("not `PER-B`"));
        assert!(error(&["O", "B-PER"], TagScheme::Suffix).contains("not `B-PER`"));
        assert!(error(&["O", "가-B"], TagScheme::Prefix).contains("not `가-B`"));
        assert!(error(&["O", "BPER"], TagScheme::Prefix).contains("not `BPER`"));
        assert!(error(&["O", ""], TagScheme::Prefix).contains("not ``"));
        assert!(error(&["B-PER"], TagScheme::Prefix).contains("label `O`"));
        assert!(error(&["O"], TagScheme::Prefix).contains("entities"));
        let iobes = TagSet::new(&labels(&["O", "B-X", "S-X"]), TagScheme::Prefix).expect("labels");
        assert!(iobes.check_strict().unwrap_err().contains("`S-X`"));
    }
}
