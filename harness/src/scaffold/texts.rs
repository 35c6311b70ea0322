//! Which columns hold the texts.

use super::columns::ColumnStats;
use super::guess::{Guess, long, yaml_key};
use super::{ScaffoldError, names};
use crate::task::Kind;

/// Where the texts are, in YAML.
pub(super) struct Texts {
    pub(super) text: String,
    pub(super) pair: Option<String>,
    /// Characters of the longest, leaving out one of a hundred.
    pub(super) long: u32,
    /// The columns by index.
    pub(super) used: Vec<usize>,
}

impl<'a> Guess<'a> {
    /// The columns with the texts, as they were chosen or as their names and contents tell.
    pub(super) fn texts(
        &self,
        label: &ColumnStats,
        kind: Kind,
        notes: &mut Vec<String>,
    ) -> Result<Texts, ScaffoldError> {
        let single = |column: &ColumnStats| Texts {
            text: yaml_key(column),
            pair: None,
            long: long(column.lengths.clone()),
            used: vec![column.index, label.index],
        };
        let pair = |first: &ColumnStats, second: &ColumnStats| Texts {
            text: yaml_key(first),
            pair: Some(yaml_key(second)),
            long: long(first.lengths.clone()).saturating_add(long(second.lengths.clone())),
            used: vec![first.index, second.index, label.index],
        };
        if let Some(text) = &self.choices.text {
            let (text, mut long, mut used) = self.source(text)?;
            let pair = match &self.choices.text_pair {
                Some(pair) => {
                    let (pair, further, more) = self.source(pair)?;
                    long = long.saturating_add(further);
                    used.extend(more);
                    Some(pair)
                }
                None => None,
            };
            used.push(label.index);
            return Ok(Texts { text, pair, long, used });
        }
        if let Some(second) = &self.choices.text_pair {
            return Err(self.cannot_tell(
                &format!("the first text of the pair whose second is `{second}`"),
                "give it with --text COL",
            ));
        }
        if kind == Kind::TokenClassification {
            let words = self.words_of(label).ok_or_else(|| {
                self.cannot_tell("which column holds the words", "give it with --text COL")
            })?;
            notes.push(format!("words: column `{}`; --text corrects it", words.key()));
            return Ok(single(words));
        }
        if let Some((first, second)) = self.guess_pair() {
            let (one, two) = (first.key(), second.key());
            notes.push(format!(
                "texts: columns `{one}` and `{two}`; --text and --text-pair correct it"
            ));
            return Ok(pair(first, second));
        }
        let candidates: Vec<&ColumnStats> = (self.table.columns.iter())
            .filter(|column| column.index != label.index && !column.is_list)
            .collect();
        let named = names::TEXT.iter().find_map(|name| {
            candidates
                .iter()
                .find(|column| column.name.as_deref().is_some_and(|own| names::plain(own) == *name))
        });
        if let Some(text) = named {
            notes.push(format!("text: column `{}` (by its name); --text corrects it", text.key()));
            return Ok(single(text));
        }
        let texts: Vec<_> = candidates.iter().filter(|column| column.is_like_a_text()).collect();
        if let [text] = texts.as_slice() {
            notes
                .push(format!("text: column `{}` (the only text); --text corrects it", text.key()));
            return Ok(single(text));
        }
        let rest: Vec<_> = candidates.iter().filter(|column| !column.is_numeric()).collect();
        match (texts.as_slice(), rest.as_slice()) {
            ([], [text]) => {
                notes.push(format!(
                    "text: column `{}` (the only one left); --text corrects it",
                    text.key()
                ));
                Ok(single(text))
            }
            _ => Err(self.cannot_tell(
                "which column holds the text",
                "give it with --text COL, and a second text with --text-pair COL",
            )),
        }
    }

    /// Two columns whose names belong together.
    fn guess_pair(&self) -> Option<(&'a ColumnStats, &'a ColumnStats)> {
        let columns = &self.table.columns;
        let named = |name: &str| {
            columns
                .iter()
                .find(|column| column.name.as_deref().is_some_and(|own| names::plain(own) == name))
        };
        if let Some(pair) =
            names::PAIR.iter().find_map(|(first, second)| Some((named(first)?, named(second)?)))
        {
            return Some(pair);
        }
        columns.iter().filter(|column| !column.is_numeric()).find_map(|first| {
            let name = names::plain(first.name.as_deref()?);
            let (_, place) = names::stem(&name)?;
            let (_, second_end) = names::PAIR_ENDS.iter().find(|(end, _)| name.ends_with(end))?;
            let (first_end, _) = names::PAIR_ENDS.iter().find(|(_, end)| end == second_end)?;
            let second = format!("{}{second_end}", name.strip_suffix(first_end)?);
            named(&second)
                .filter(|second| place == 0 && !second.is_numeric())
                .map(|second| (first, second))
        })
    }

    /// A column, or a template of several; in YAML, with the length of long texts and the columns used.
    fn source(&self, choice: &str) -> Result<(String, u32, Vec<usize>), ScaffoldError> {
        if !choice.contains('{') || self.table.columns.iter().any(|column| column.key() == choice) {
            let column = self.table.column(choice, self.file)?;
            return Ok((yaml_key(column), long(column.lengths.clone()), vec![column.index]));
        }
        let (mut sum, mut used) = (0u32, Vec::new());
        let literal = choice.replace("{{", "").replace("}}", "");
        for part in literal.split('{').skip(1) {
            let name = part.split_once('}').map(|(name, _)| name).ok_or_else(|| {
                self.file
                    .wrong(None, format!("the template `{choice}` has a brace that is not closed"))
            })?;
            let column = self.table.column(name, self.file)?;
            sum = sum.saturating_add(long(column.lengths.clone()));
            used.push(column.index);
        }
        Ok((format!("{{template: {}}}", super::write::quoted(choice)), sum, used))
    }
}
