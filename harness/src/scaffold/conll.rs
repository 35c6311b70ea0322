//! A word and its label a line, an empty line between sentences.

use std::collections::{BTreeMap, BTreeSet};

use super::labels::{has_suffixes, is_tag, ordered_tags};
use super::{Choices, FileFormat, ScaffoldError, Shape, SourceFile};
use crate::data::lines::lines;
use crate::task::Kind;

/// Fields of a line: split at tabs where there are some (a word may be a space then), else at spaces.
fn fields(line: &str) -> Vec<&str> {
    if line.contains('\t') { line.split('\t').collect() } else { line.split_whitespace().collect() }
}

/// Marks of comments, the longest first. A line with such a mark and a label at its end is a word.
const COMMENTS: [&str; 5] = ["-DOCSTART-", "## ", "# ", "##", "#"];

fn comment_mark(line: &str) -> Option<&'static str> {
    let mark = COMMENTS.into_iter().find(|mark| line.starts_with(mark))?;
    let is_word = fields(line).last().is_some_and(|last| is_tag(last));
    (!is_word || mark == "-DOCSTART-").then_some(mark)
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty() && !line.contains('\t')
}

/// Whether words and labels are what the first lines hold.
pub(super) fn is_conll(text: &str) -> bool {
    let sample: Vec<&str> = lines(text).map(|(_, line)| line).take(400).collect();
    let words: Vec<Vec<&str>> = (sample.iter())
        .filter(|line| !is_blank(line) && comment_mark(line).is_none())
        .map(|line| fields(line))
        .collect();
    let labels = || words.iter().filter_map(|fields| fields.last().copied());
    words.len() >= 2
        && words.iter().all(|fields| fields.len() == words[0].len() && fields.len() >= 2)
        && labels().all(is_tag)
        && has_suffixes(labels()).is_some()
        // Words with spaces are the rows of a table whose second column is a list of labels.
        && words.iter().filter(|fields| fields[0].trim().contains(' ')).count() * 10 < words.len()
}

/// What one file holds.
#[derive(Debug, Default)]
struct Found {
    sentences: u64,
    lengths: Vec<u32>,
    tags: BTreeSet<String>,
    marks: BTreeMap<&'static str, u64>,
    columns: usize,
}

fn read(file: &SourceFile, choices: &Choices) -> Result<Found, ScaffoldError> {
    let mut found = Found::default();
    let mut length = 0;
    let end = |length: &mut u32, found: &mut Found| {
        if *length > 0 {
            found.sentences += 1;
            found.lengths.push(*length);
            *length = 0;
        }
    };
    for (index, (_, line)) in lines(file.text()).enumerate() {
        if is_blank(line) {
            end(&mut length, &mut found);
            continue;
        }
        if let Some(mark) = comment_mark(line) {
            *found.marks.entry(mark).or_default() += 1;
            continue;
        }
        let fields = fields(line);
        if found.columns == 0 {
            found.columns = fields.len();
        }
        let (word, label) = places(file, choices, found.columns)?;
        let (Some(word), Some(label)) = (fields.get(word), fields.get(label)) else {
            let message = format!(
                "{} fields, {} were expected: a word and its label",
                fields.len(),
                found.columns
            );
            return Err(file.wrong(Some(index + 1), message));
        };
        length += crate::text::characters(word);
        if !found.tags.contains(*label) {
            found.tags.insert((*label).to_owned());
        }
    }
    end(&mut length, &mut found);
    if found.sentences == 0 {
        return Err(file.wrong(None, "there are no sentences"));
    }
    Ok(found)
}

/// Columns of the word and of the label.
fn places(
    file: &SourceFile,
    choices: &Choices,
    columns: usize,
) -> Result<(usize, usize), ScaffoldError> {
    let place = |choice: &Option<String>, usual: usize| match choice {
        None => Ok(usual),
        Some(index) => index.parse().ok().filter(|index| *index < columns).ok_or_else(|| {
            file.wrong(
                None,
                format!(
                    "`{index}` is no column: a CoNLL file's are 0 to {}",
                    columns.saturating_sub(1)
                ),
            )
        }),
    };
    Ok((place(&choices.text, 0)?, place(&choices.label, columns.saturating_sub(1))?))
}

/// Reads all files.
pub(super) fn shape(
    files: &[SourceFile],
    choices: &Choices,
    notes: &mut Vec<String>,
) -> Result<Shape, ScaffoldError> {
    let Some(first) = files.first() else { return Err(ScaffoldError::NoFile) };
    if let Some(kind) = choices.kind.filter(|kind| *kind != Kind::TokenClassification) {
        let message = format!("a CoNLL file is for token_classification, not for {}", kind.name());
        return Err(first.wrong(None, message));
    }
    let all = files.iter().map(|file| read(file, choices)).collect::<Result<Vec<_>, _>>()?;
    let tags: BTreeSet<String> = all.iter().flat_map(|found| found.tags.clone()).collect();
    let columns = all.first().map_or(2, |found| found.columns);
    let (word, label) = places(first, choices, columns)?;
    let suffix_tags = has_suffixes(tags.iter().map(String::as_str)).ok_or_else(|| {
        first.wrong(
            None,
            format!(
                "column {label} holds no labels such as B-PER or PER-B; --label gives another one"
            ),
        )
    })?;
    // All marks of the file begin with the shortest.
    let comment = all.iter().flat_map(|found| found.marks.keys()).min_by_key(|mark| mark.len());
    notes.push(format!("words: column {word}; --text corrects it"));
    notes.push(format!("labels: column {label}, {} distinct; --label corrects it", tags.len()));
    if let Some(comment) = comment {
        notes.push(format!("lines that begin with `{comment}` and have no label are comments"));
    }
    let lengths = all.iter().flat_map(|found| found.lengths.iter().copied()).collect();
    Ok(Shape {
        kind: Kind::TokenClassification,
        format: FileFormat::Conll,
        header: false,
        columns: vec![("text", word.to_string()), ("label", label.to_string())],
        member: None,
        comment: comment.map(|mark| (*mark).to_owned()),
        labels: ordered_tags(tags),
        suffix_tags,
        is_uneven: false,
        range: None,
        long_text: super::guess::long(lengths),
        rows: all.iter().map(|found| found.sentences).collect(),
    })
}
