//! Question answering in the form of SQuAD.

use serde_json::Value;

use super::{Choices, FileFormat, ScaffoldError, Shape, SourceFile};
use crate::task::Kind;

/// Counts the questions of each file, which must have a context and answers each.
pub(super) fn shape(files: &[SourceFile], choices: &Choices) -> Result<Shape, ScaffoldError> {
    if let Some(kind) = choices.kind.filter(|kind| *kind != Kind::ExtractiveQa)
        && let Some(file) = files.first()
    {
        let message = format!("a SQuAD file is for extractive_qa, not for {}", kind.name());
        return Err(file.wrong(None, message));
    }
    let rows = files.iter().map(questions).collect::<Result<_, _>>()?;
    Ok(Shape {
        kind: Kind::ExtractiveQa,
        format: FileFormat::Squad,
        header: false,
        columns: vec![],
        member: None,
        comment: None,
        labels: vec![],
        suffix_tags: false,
        is_uneven: false,
        range: None,
        // The context is cut into windows, whatever its length.
        long_text: u32::MAX,
        rows,
    })
}

fn questions(file: &SourceFile) -> Result<u64, ScaffoldError> {
    let value: Value = serde_json::from_str(file.text())
        .map_err(|error| file.wrong(Some(error.line()), format!("not JSON: {error}")))?;
    let mut count = 0;
    for (a, article) in list(&value["data"], file, "data")?.iter().enumerate() {
        let place = format!("data[{a}].paragraphs");
        for (p, paragraph) in list(&article["paragraphs"], file, &place)?.iter().enumerate() {
            let place = format!("{place}[{p}]");
            if !paragraph["context"].is_string() {
                return Err(file.wrong(None, format!("{place} has no `context`")));
            }
            let place = format!("{place}.qas");
            for (q, question) in list(&paragraph["qas"], file, &place)?.iter().enumerate() {
                if !question["question"].is_string() || !question["answers"].is_array() {
                    let message = format!("{place}[{q}] has no `question` with `answers`");
                    return Err(file.wrong(None, message));
                }
                count += 1;
            }
        }
    }
    if count == 0 { Err(file.wrong(None, "there are no questions")) } else { Ok(count) }
}

fn list<'a>(
    value: &'a Value,
    file: &SourceFile,
    place: &str,
) -> Result<&'a Vec<Value>, ScaffoldError> {
    value.as_array().ok_or_else(|| file.wrong(None, format!("{place} is no list")))
}
