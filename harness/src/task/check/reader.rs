//! What each format needs of the reader's options, and what it has no use for.

use super::{Problem, ensure};
use crate::task::{Column, Columns, EmptyText, Format, Kind, Piece, Task, TextSource};

/// More than any benchmark's files have; an index beyond it is a slip.
const MAX_COLUMNS: usize = 10_000;

pub(super) fn check(task: &Task) -> Result<(), Problem> {
    fits_kind(task)?;
    options(task)?;
    for (key, column) in columns(&task.reader.columns)? {
        check_column(task.reader.format, task.reader.header, key, &column)?;
    }
    needed(task)
}

fn fits_kind(task: &Task) -> Result<(), Problem> {
    let format = task.reader.format;
    let fits = match format {
        Format::Squad => task.kind == Kind::ExtractiveQa,
        Format::Conll => task.kind == Kind::TokenClassification,
        Format::AihubDialect => task.kind == Kind::SequenceClassification,
        Format::Tsv | Format::Csv | Format::Jsonl | Format::Json => task.kind != Kind::ExtractiveQa,
    };
    ensure(fits, &["reader", "format"], || {
        let (format, kind) = (format.name(), task.kind.name());
        match task.kind {
            Kind::ExtractiveQa => format!("{kind} is read from `squad`, not from `{format}`"),
            _ => format!("`{format}` files are not for {kind}"),
        }
    })
}

/// An option that the format would pass over in silence is an error.
fn options(task: &Task) -> Result<(), Problem> {
    let reader = &task.reader;
    let only = |is_set: bool, key: &str, fits: bool, formats: &str| {
        ensure(!is_set || fits, &["reader", key], || {
            format!("`{key}` is for {formats}, and the format is `{}`", reader.format.name())
        })
    };
    let has_columns = !matches!(reader.format, Format::Squad | Format::AihubDialect);
    let prefixes = !reader.labels_by_prefix.is_empty();
    let aihub = reader.format == Format::AihubDialect;
    only(reader.header, "header", reader.format.may_have_header(), "tsv and csv")?;
    only(reader.comment.is_some(), "comment", reader.format == Format::Conll, "conll")?;
    only(reader.member.is_some(), "member", reader.format == Format::Json, "json")?;
    only(prefixes, "labels_by_prefix", aihub, "aihub_dialect")?;
    only(
        reader.columns != Columns::default(),
        "columns",
        has_columns,
        "formats that have columns",
    )?;
    let as_nan = reader.empty_text == EmptyText::AsNan;
    ensure(!as_nan || reader.format == Format::Csv, &["reader", "empty_text"], || {
        "`as_nan` is what pandas makes of CSV files; use keep or skip".to_owned()
    })?;
    ensure(reader.comment.as_deref() != Some(""), &["reader", "comment"], || {
        "an empty `comment` makes every line one".to_owned()
    })?;
    let is_path = |path: &str| path.split('.').all(|name| !name.is_empty());
    ensure(reader.member.as_deref().is_none_or(is_path), &["reader", "member"], || {
        "`member` is the name of a member, or a dotted path to it".to_owned()
    })?;
    ensure(!aihub || prefixes, &["reader"], || {
        "aihub_dialect needs `labels_by_prefix`: the transcripts do not say their region".to_owned()
    })?;
    for (prefix, label) in &reader.labels_by_prefix {
        let path = ["reader", "labels_by_prefix", prefix];
        ensure(!prefix.is_empty(), &path[..2], || "an empty prefix fits every file".to_owned())?;
        let known = task.labels_file.is_some() || task.label_index(label).is_some();
        ensure(known, &path, || format!("`{label}` is none of the labels: {}", task.label_list()))?;
    }
    Ok(())
}

/// Every column that is named, with its key in YAML; those of templates too.
fn columns(columns: &Columns) -> Result<Vec<(&'static str, Source)>, Problem> {
    let mut all = Vec::new();
    let single = [
        ("id", columns.id.as_ref()),
        ("label", columns.label.as_ref()),
        ("cluster", columns.cluster.as_ref()),
    ];
    let single = single.into_iter().filter_map(|(key, column)| Some((key, column?)));
    all.extend(single.map(|(key, column)| (key, Source::Column(column.clone()))));
    for (key, source) in [("text", &columns.text), ("text_pair", &columns.text_pair)] {
        match source {
            Some(TextSource::Column(column)) => all.push((key, Source::Column(column.clone()))),
            Some(TextSource::Template(template)) => {
                let path = ["reader", "columns", key];
                let pieces = template.pieces().map_err(|message| Problem::new(&path, message))?;
                let names = pieces.into_iter().filter_map(|piece| match piece {
                    Piece::Column(name) => Some((key, Source::Template(name))),
                    Piece::Literal(_) => None,
                });
                all.extend(names);
            }
            None => {}
        }
    }
    Ok(all)
}

enum Source {
    Column(Column),
    Template(String),
}

fn check_column(format: Format, header: bool, key: &str, source: &Source) -> Result<(), Problem> {
    let path = ["reader", "columns", key];
    let column = match source {
        Source::Column(column) => column.clone(),
        // Without a header the columns of a template are indices, too.
        Source::Template(name) => match name.parse() {
            Ok(index) if !header && !format.has_members() => Column::Index(index),
            _ => Column::Name(name.clone()),
        },
    };
    match &column {
        Column::Name(name) => {
            let may_name = header || format.has_members();
            ensure(may_name, &path, || match format {
                Format::Conll => {
                    format!(
                        "column `{name}` is given by name, but conll files have no names; give its index"
                    )
                }
                _ => format!(
                    "column `{name}` is given by name, but the files have no header; give its index"
                ),
            })?;
            ensure(!name.is_empty(), &path, || "a column needs a name".to_owned())
        }
        Column::Index(index) => {
            ensure(!format.has_members(), &path, || {
                format!(
                    "column {index} is an index, but the rows of `{}` are objects; give the name of the member",
                    format.name()
                )
            })?;
            ensure(*index < MAX_COLUMNS, &path, || {
                format!("column {column} is beyond the {MAX_COLUMNS} columns that a file may have")
            })
        }
    }
}

/// What the kind needs of a format with columns.
fn needed(task: &Task) -> Result<(), Problem> {
    let columns = &task.reader.columns;
    let words = task.kind == Kind::TokenClassification;
    ensure(!words || columns.text_pair.is_none(), &["reader", "columns", "text_pair"], || {
        "token classification has one text a row".to_owned()
    })?;
    let template = matches!(columns.text, Some(TextSource::Template(_)));
    ensure(!words || !template, &["reader", "columns", "text"], || {
        "the words of a token classification stand in one column".to_owned()
    })?;
    match task.reader.format {
        Format::Squad | Format::AihubDialect => Ok(()),
        Format::Conll => {
            ensure(columns.cluster.is_none(), &["reader", "columns", "cluster"], || {
                "conll files have no column for clusters".to_owned()
            })?;
            let commented = columns.id.is_none() || task.reader.comment.is_some();
            ensure(commented, &["reader", "columns", "id"], || {
                "the ids of sentences stand in comments: `comment` must say how these begin"
                    .to_owned()
            })
        }
        Format::Tsv | Format::Csv | Format::Jsonl | Format::Json => {
            let path = ["reader", "columns"];
            ensure(columns.text.is_some(), &path, || "`columns.text` is missing".to_owned())?;
            ensure(columns.label.is_some(), &path, || "`columns.label` is missing".to_owned())
        }
    }
}
