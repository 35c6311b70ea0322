//! What each kind of task needs: labels, and where a word's label says `B` and `I`.

use std::collections::HashSet;

use super::{Problem, ensure, splits};
use crate::task::{Kind, TagScheme, Task};

pub(super) fn check(task: &Task) -> Result<(), Problem> {
    let has_file = task.labels_file.is_some();
    ensure(task.labels.is_empty() || !has_file, &["labels_file"], || {
        "a task has either `labels` or a `labels_file`".to_owned()
    })?;
    if let Some(file) = &task.labels_file {
        ensure(splits::is_below(file), &["labels_file"], || splits::not_below(file))?;
    }
    let has_enough = task.labels.len() >= 2 || has_file;
    match task.kind {
        Kind::SequenceClassification => {
            ensure(has_enough, &["labels"], || {
                "a classification task needs at least two labels, or a `labels_file`".to_owned()
            })?;
        }
        Kind::TokenClassification => {
            ensure(has_enough, &["labels"], || {
                "a token classification task needs `O` and the labels of words".to_owned()
            })?;
        }
        Kind::SequenceRegression | Kind::ExtractiveQa => {
            let path = if has_file { "labels_file" } else { "labels" };
            ensure(task.labels.is_empty() && !has_file, &[path], || {
                format!("{} has no labels", task.kind.name())
            })?;
        }
    }
    let mut seen = HashSet::new();
    if let Some(twice) = task.labels.iter().find(|label| !seen.insert(&label.id)) {
        return Err(Problem::new(&["labels"], format!("label `{}` stands twice", twice.id)));
    }
    if let Some(empty) = task.labels.iter().position(|label| label.id.is_empty()) {
        return Err(Problem::new(&["labels"], format!("label {empty} has an empty id")));
    }
    if task.kind == Kind::TokenClassification && !task.labels.is_empty() {
        tags(task)?;
    }
    ensure(task.qa.is_none() || task.kind == Kind::ExtractiveQa, &["qa"], || {
        format!("`qa` is for extractive_qa, and the task is {}", task.kind.name())
    })?;
    if let Some(qa) = &task.qa {
        for (key, value) in [
            ("doc_stride", qa.doc_stride),
            ("max_question_len", qa.max_question_len),
            ("max_answer_len", qa.max_answer_len),
            ("n_best", qa.n_best),
        ] {
            ensure(value > 0, &["qa", key], || format!("{key} must be at least 1"))?;
        }
    }
    Ok(())
}

/// Every label is `O`, or says `B` or `I` and a type on the side that `scoring.tags` names.
fn tags(task: &Task) -> Result<(), Problem> {
    ensure(task.labels.iter().any(|label| label.id == "O"), &["labels"], || {
        "token classification needs the label `O` for words outside of entities".to_owned()
    })?;
    let type_of = |id: &str| {
        let (mark, kind) = match task.scoring.tags {
            TagScheme::Prefix => id.split_once('-')?,
            TagScheme::Suffix => id.rsplit_once('-').map(|(kind, mark)| (mark, kind))?,
        };
        (matches!(mark, "B" | "I") && !kind.is_empty()).then_some(kind.to_owned())
    };
    let wrong = task.labels.iter().find(|label| label.id != "O" && type_of(&label.id).is_none());
    let Some(label) = wrong else { return Ok(()) };
    let (example, key) = match task.scoring.tags {
        TagScheme::Prefix => ("`B-TYPE` or `I-TYPE`", "prefix"),
        TagScheme::Suffix => ("`TYPE-B` or `TYPE-I`", "suffix"),
    };
    Err(Problem::new(
        &["labels"],
        format!("label `{}` is neither `O` nor {example}, as `scoring.tags: {key}` says", label.id),
    ))
}
