//! The model's files: config.json, and weights.tsv with a line for each word.

use kobench_plugin_sdk::{Error, Result};
use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The weights inside the library.
const BUNDLED: &str = include_str!("../weights.tsv");

/// Words, their ids from 1 on (0 is the unknown word), and a row of weights for each.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    ids: HashMap<String, u32>,
    /// `[words x labels]`, in the order of the ids.
    weights: Vec<f32>,
    pub(crate) labels: usize,
}

impl Words {
    /// Reads a checkpoint, or, without one, what is inside the library.
    ///
    /// # Errors
    /// A file that is missing, or whose content is wrong.
    pub(crate) fn open(checkpoint: Option<&Path>) -> Result<Self> {
        let Some(folder) = checkpoint else { return Self::parse(BUNDLED, "weights.tsv (bundled)") };
        let path = folder.join("config.json");
        let config: serde_json::Value = serde_json::from_str(&read(&path)?)
            .map_err(|e| Error::bad_data(format!("{}: {e}", path.display())))?;
        let n = config.get("num_words").and_then(serde_json::Value::as_u64).ok_or_else(|| {
            Error::bad_data(format!("{}: no number \"num_words\"", path.display()))
        })?;
        let path = folder.join("weights.tsv");
        let words = Self::parse(&read(&path)?, &path.display().to_string())?;
        if words.ids.len() as u64 != n {
            return Err(Error::bad_data(format!(
                "{}: {} words, but config.json says {n}; is the file whole?",
                path.display(),
                words.ids.len()
            )));
        }
        Ok(words)
    }

    fn parse(text: &str, origin: &str) -> Result<Self> {
        let mut words = Self { ids: HashMap::new(), weights: Vec::new(), labels: 0 };
        for (number, line) in (1..).zip(text.lines()) {
            let bad = |what: &str| Error::bad_data(format!("{origin}, line {number}: {what}"));
            let mut fields = line.split('\t');
            let word = fields.next().unwrap_or_default();
            let row: Vec<f32> = fields
                .map(|f| f.parse::<f32>().ok().filter(|w| w.is_finite()))
                .collect::<Option<_>>()
                .ok_or_else(|| bad("a weight is not a number"))?;
            if words.labels == 0 {
                words.labels = row.len();
            }
            if word.is_empty() || row.len() < 2 || row.len() != words.labels {
                return Err(bad(
                    "a word and its weights are expected, apart by tabs, as in line 1",
                ));
            }
            let id = u32::try_from(words.ids.len() + 1).map_err(|_| bad("too many words"))?;
            if words.ids.insert(word.to_owned(), id).is_some() {
                return Err(bad("this word was there before"));
            }
            words.weights.extend(row);
        }
        match words.ids.is_empty() {
            true => Err(Error::bad_data(format!("{origin}: no words"))),
            false => Ok(words),
        }
    }

    /// The id of the longest word that `text` begins with; 0 where there is none.
    pub(crate) fn id(&self, text: &str) -> u32 {
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).rev();
        let mut found = ends.filter_map(|end| self.ids.get(&text[..end]));
        found.next().copied().unwrap_or(0)
    }

    /// The weights of a word; `None` for the unknown one.
    pub(crate) fn row(&self, id: u32) -> Option<&[f32]> {
        let from = (id as usize).checked_sub(1)? * self.labels;
        self.weights.get(from..from + self.labels)
    }

    /// Weights of all words.
    pub(crate) fn parameters(&self) -> usize {
        self.weights.len()
    }
}

fn read(path: &Path) -> Result<String> {
    let named = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    fs::read_to_string(path).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Error::not_found(named(&e)),
        _ => Error::bad_data(named(&e)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_beginning_counts() {
        let words = Words::parse("재미\t0\t1\n재미없\t1\t0\n", "test").unwrap();
        assert_eq!((words.id("재미있다"), words.id("재미없다"), words.id("별로")), (1, 2, 0));
        assert_eq!(words.row(2), Some(&[1.0, 0.0][..]));
        assert_eq!(words.row(0), None);
    }

    #[test]
    fn lines_that_are_wrong_are_named() {
        let error = Words::parse("가\t0\t1\n나\t0\n", "test").unwrap_err();
        assert!(error.message.contains("line 2"), "{error}");
    }
}
