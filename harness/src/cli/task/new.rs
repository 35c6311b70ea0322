//! `kobench task new`: a task file for data files of one's own.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::check::check_file;
use crate::cli::shared::DataArgs;
use crate::error::Error;
use crate::report::Look;
use crate::scaffold::{Choices, FileFormat, ScaffoldError, SourceFile, draft};
use crate::task::Kind;

/// Options of `task new`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench task new reviews --from reviews.csv
  kobench task new nli --from train.tsv --dev dev.tsv --test test.tsv
  kobench task new titles --from news.jsonl --text '{title} {body}' --label topic
  kobench task new people --from ner.txt --format conll -o tasks/people.yaml

What is guessed is said on standard error, each with the option that corrects it. The data stays where it is:
the task file names it relative to itself, or to --data-dir. Then the new file is checked as `task check` does.")]
pub(in crate::cli) struct NewArgs {
    /// The task's name: a-z, 0-9, _ and -
    name: String,
    /// The data file; the split that its own name tells, or `test` when it is the only file
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The file of the split `dev`
    #[arg(long, value_name = "FILE")]
    dev: Option<PathBuf>,
    /// The file of the split `test`
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// What is predicted [default: told by the label]
    #[arg(long, value_parser = parse_kind, value_name = "KIND")]
    kind: Option<Kind>,
    /// The files' format [default: told by their content]
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// Column of the text by name or index from 0, or a template: '{title} {body}'
    #[arg(long, value_name = "COL")]
    text: Option<String>,
    /// Column of the second text of a pair, likewise
    #[arg(long, value_name = "COL")]
    text_pair: Option<String>,
    /// Column of the label
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    /// Column of the row's id
    #[arg(long, value_name = "COL")]
    id: Option<String>,
    /// The first line of TSV and CSV files names the columns
    #[arg(long, conflicts_with = "no_header")]
    header: bool,
    /// The first line of TSV and CSV files is a row
    #[arg(long)]
    no_header: bool,
    /// Where the task file is written [default: NAME.yaml]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a task file that is there
    #[arg(long)]
    force: bool,
    /// Where data is found
    #[command(flatten)]
    data: DataArgs,
}

const KINDS: [Kind; 4] = [
    Kind::SequenceClassification,
    Kind::SequenceRegression,
    Kind::TokenClassification,
    Kind::ExtractiveQa,
];

fn parse_kind(text: &str) -> Result<Kind, String> {
    KINDS.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
        format!("expected one of {}", known.join(", "))
    })
}

/// Writes a task file and checks it; whether the check found nothing wrong.
///
/// # Errors
/// [`Error::Scaffold`]: a file that no task can be made of, a task file that is there already.
pub(super) fn new(
    args: &NewArgs,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<bool, Error> {
    let output =
        args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.yaml", args.name)));
    if output.exists() && !args.force {
        return Err(ScaffoldError::Exists { path: output }.into());
    }
    let header = match (args.header, args.no_header) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let choices = Choices {
        kind: args.kind,
        format: args.format,
        header,
        text: args.text.clone(),
        text_pair: args.text_pair.clone(),
        label: args.label.clone(),
        id: args.id.clone(),
    };
    let files = sources(args, &output)?;
    let draft = draft(&args.name, &files, &choices)?;
    for note in &draft.notes {
        writeln!(messages, "{note}")?;
    }
    if args.dev.is_none() && args.test.is_none() {
        let split = files.first().map_or("", |file| file.split.as_str());
        writeln!(
            messages,
            "split: {split}; --dev FILE and --test FILE add others, a key of `splits` renames it"
        )?;
    }
    write_whole(&output, &draft.yaml, args.force)?;
    writeln!(messages, "wrote {}", output.display())?;
    check_file(&output, &args.data.places(), look, out, messages)
}

/// The files with their splits, and their places below the task file's folder or the data directory.
fn sources(args: &NewArgs, output: &Path) -> Result<Vec<SourceFile>, ScaffoldError> {
    let split = match split_of(&args.from) {
        Some(split)
            if !(split == "dev" && args.dev.is_some()
                || split == "test" && args.test.is_some()) =>
        {
            split
        }
        _ if args.test.is_some() || args.dev.is_some() => "train",
        _ => "test",
    };
    let given =
        [(split, Some(&args.from)), ("dev", args.dev.as_ref()), ("test", args.test.as_ref())];
    (given.into_iter())
        .filter_map(|(split, path)| path.map(|path| (split, path)))
        .map(|(split, path)| {
            let below = place_below(path, output, args.data.data_dir.as_deref())?;
            SourceFile::read(split.to_owned(), path, below)
        })
        .collect()
}

/// The split that a file's name tells.
fn split_of(path: &Path) -> Option<&'static str> {
    let stem = path.file_stem()?.to_string_lossy().to_lowercase();
    stem.split(|c: char| !c.is_alphanumeric()).find_map(|part| match part {
        "train" | "training" => Some("train"),
        "dev" | "val" | "valid" | "validation" => Some("dev"),
        "test" => Some("test"),
        _ => None,
    })
}

fn absolute(path: &Path, option: &'static str) -> Result<PathBuf, ScaffoldError> {
    fs::canonicalize(path).map_err(|source| ScaffoldError::Io {
        path: path.to_owned(),
        source,
        option,
    })
}

/// The file's path below the data directory or the folder of the task file.
fn place_below(
    file: &Path,
    output: &Path,
    data_dir: Option<&Path>,
) -> Result<String, ScaffoldError> {
    let file_there = absolute(file, "--from")?;
    let folder = match output.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder_there = absolute(folder, "-o")?;
    let data_there = data_dir.map(|folder| absolute(folder, "--data-dir")).transpose()?;
    let below = data_there
        .iter()
        .chain([&folder_there])
        .find_map(|folder| file_there.strip_prefix(folder).ok())
        .ok_or_else(|| ScaffoldError::Outside {
            file: file.to_owned(),
            folder: data_dir.unwrap_or(folder).to_owned(),
            better: file
                .parent()
                .unwrap_or(Path::new("."))
                .join(output.file_name().unwrap_or_default()),
        })?;
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(parts.join("/"))
}

/// Writes beside the place and renames, so that there is a whole file or none.
fn write_whole(path: &Path, text: &str, force: bool) -> Result<(), ScaffoldError> {
    let io = |source| ScaffoldError::Io { path: path.to_owned(), source, option: "-o" };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Readable for others, as far as the user's mask lets it be; temporary files are not.
    let mut file = tempfile::Builder::new()
        .prefix(".kobench-task")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(io)?;
    file.write_all(text.as_bytes()).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    let persisted = if force { file.persist(path) } else { file.persist_noclobber(path) };
    match persisted {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(ScaffoldError::Exists { path: path.to_owned() })
        }
        Err(error) => Err(io(error.error)),
    }
}

#[cfg(test)]
#[path = "new_tests.rs"]
mod tests;
