//! `kobench data import`: data sets from a folder that the user has, without the network.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::outcome::{Outcome, Report, What};
use super::{Places, items, tasks};
use crate::cli::progress::Progress;
use crate::cli::shared::TextFormat;
use crate::cli::{CliError, Exit};
use crate::data::{DataPlaces, Dataset};
use crate::digest::HashCache;
use crate::download::copy_into_place;
use crate::error::Error;
use crate::hint::Hint as _;
use crate::inventory::{Item, Searched, State, Walked, look, search, walk};
use crate::report::number::grouped;
use crate::task::Registry;
use crate::text::bytes as size;

/// Unknown files that are named one by one.
const NAMED: usize = 5;

/// Options of `data import`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench data import ~/Downloads
  kobench data import /mnt/corpora nsmc korquad --data-dir data
  kobench data import --task naver_ner --split test ./test.tsv

Files are known by their SHA-256, whatever they are called. For a split whose SHA-256 the task does not name, the file
has the path that `kobench data list` shows, or its name in a folder of the task's name. Files are copied, never moved
or changed. Exit code 1 means that a split of a named task is still missing, or that something went wrong.")]
pub(in crate::cli) struct ImportArgs {
    /// A folder that is searched with everything below it, or a file
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// Tasks, by name or by the path of their files [default: all]
    #[arg(value_name = "TASK")]
    names: Vec<String>,
    /// The task whose data the file is
    #[arg(long, value_name = "TASK", requires = "split", conflicts_with = "names")]
    task: Option<String>,
    /// The split whose data the file is
    #[arg(long, value_name = "SPLIT", requires = "task")]
    split: Option<String>,
    /// Replace a file that is here
    #[arg(long)]
    force: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &ImportArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let registry = args.places.tasks.registry()?;
    let importer = Importer {
        force: args.force,
        places: args.places.data.places(),
        progress: Progress::new(false),
    };
    let report = Report::new(out, args.format);
    match (&args.task, &args.split) {
        (Some(task), Some(split)) => importer.one(&registry, task, split, &args.from, report),
        _ => importer.all(&registry, &args.names, &args.from, report),
    }
}

struct Importer {
    force: bool,
    places: DataPlaces,
    progress: Progress,
}

impl Importer {
    /// Imports the file that the user says is a split's.
    fn one(
        &self,
        registry: &Registry,
        task: &str,
        split: &str,
        file: &Path,
        mut report: Report<'_>,
    ) -> Result<Exit, CliError> {
        let task = registry.get(task)?;
        let (name, split) = task.split(Some(split))?;
        let item = Item { task: &task, name, split };
        if item.file().is_none() {
            return Err(CliError::usage(
                format!("{item} is part of kobench; nothing can be imported for it"),
                "`kobench data list` shows the splits that have files",
            ));
        }
        if !file.is_file() {
            return Err(CliError::usage(
                format!("{} is no file", file.display()),
                "name the file of the split; without --task and --split a folder is searched",
            ));
        }
        let settled = self.settled(&item, &mut HashCache::open()).filter(|_| !self.force);
        let outcome = settled.unwrap_or_else(|| self.copy(&item, file));
        let good = matches!(outcome.what(), What::Imported | What::Here);
        report.add(outcome)?;
        report.finish(good, &[])?;
        Ok(Exit::of_verdict(good))
    }

    /// Imports what is found of the tasks in a folder.
    fn all(
        &self,
        registry: &Registry,
        names: &[String],
        folder: &Path,
        mut report: Report<'_>,
    ) -> Result<Exit, CliError> {
        let tasks = tasks(registry, names)?;
        let mut items = items(&tasks, None, false)?;
        items.retain(|item| item.file().is_some());
        let walked = walk(folder).map_err(|error| {
            CliError::usage(
                format!("cannot read {}: {error}", folder.display()),
                "name the folder that holds the data, or a file",
            )
        })?;
        let mut wanted = Vec::new();
        let mut hashes = HashCache::open();
        for item in items {
            match self.settled(&item, &mut hashes).filter(|_| !self.force) {
                Some(outcome) => report.add(outcome)?,
                None => wanted.push(item),
            }
        }
        let spinner = self.progress.spinner();
        let found = search(&wanted, &walked.files, |files, bytes| {
            spinner.set_message(format!("{} files read, {}", grouped(files as u64), size(bytes)));
        });
        spinner.finish_and_clear();
        for (item, searched) in found.splits {
            // What could be replaced but is not found in the folder is still here.
            let kept = match searched {
                Searched::Missing { .. } => self.settled(&item, &mut hashes),
                _ => None,
            };
            report.add(kept.unwrap_or_else(|| self.outcome(&item, searched)))?;
        }
        hashes.save();
        let skipped: Vec<(PathBuf, String)> =
            walked.unreadable.iter().cloned().chain(found.unreadable).collect();
        self.write_rest(&found.unknown, &skipped, &walked, &mut report)?;
        let count = |what| report.count(what);
        let nothing = count(What::Imported) + count(What::Here) == 0;
        let incomplete = !names.is_empty() && count(What::Missing) > 0;
        let bad = count(What::Wrong) + count(What::Failed) > 0;
        let good = !(nothing || incomplete || bad);
        let shown = |path: &PathBuf| path.display().to_string();
        let unreadable: Vec<_> = skipped
            .iter()
            .map(|(path, reason)| serde_json::json!({ "path": shown(path), "reason": reason }))
            .collect();
        let unknown: Vec<String> = found.unknown.iter().map(shown).collect();
        let extra = [("unknown", unknown.into()), ("unreadable", unreadable.into())];
        report.finish(good, &extra)?;
        Ok(Exit::of_verdict(good))
    }

    /// The outcome for a split that needs no import: it is here, or another file is in its place.
    fn settled(&self, item: &Item<'_>, hashes: &mut HashCache) -> Option<Outcome> {
        let looked = look(*item, &self.places, hashes);
        match looked.state {
            State::Missing(_) => None,
            State::Verified | State::Unverified => Some(Outcome::here(&looked)),
            State::Other(_) | State::Unreadable(_) => Some(Outcome::not_the_file(&looked)),
        }
    }

    fn outcome(&self, item: &Item<'_>, searched: Searched) -> Outcome {
        match searched {
            Searched::Found { path, .. } => self.copy(item, &path),
            Searched::Missing { namesake: None } => Outcome::missing(item, &self.places),
            Searched::Missing { namesake: Some((path, found)) } => {
                let expected = item.split.sha256.as_deref().unwrap_or_default();
                let message = format!(
                    "{} has the name, but other bytes: its SHA-256 is {found}, expected {expected}",
                    path.display()
                );
                let hint =
                    "files of one name with other rows circulate; get the one that the task names";
                Outcome::new(item, What::Missing).message(message, Some(hint.to_owned()))
            }
            Searched::Ambiguous(candidates) => {
                let list: String =
                    candidates.iter().map(|path| format!("\n  {}", path.display())).collect();
                let hint = format!(
                    "say which: kobench data import --task {} --split {} FILE",
                    item.task.name, item.name
                );
                Outcome::new(item, What::Failed).message(
                    format!("several files may be meant, and they differ:{list}"),
                    Some(hint),
                )
            }
        }
    }

    /// Copies a file into a split's place, and reads it.
    fn copy(&self, item: &Item<'_>, source: &Path) -> Outcome {
        let Some(target) = item.target(&self.places) else {
            return Outcome::new(item, What::Failed).message(
                "there is no folder for data: neither KOBENCH_DATA nor HOME is set",
                Some("name one with --data-dir".to_owned()),
            );
        };
        if is_same_file(source, &target) {
            return Outcome::new(item, What::Here).file(target.display());
        }
        match copy_into_place(source, &target, item.split.sha256.as_deref()) {
            Ok((sha256, bytes)) => {
                let outcome = Outcome::new(item, What::Imported)
                    .file(target.display())
                    .source(source.display())
                    .content(Some(bytes), Some(sha256))
                    .verified(item.split.sha256.is_some());
                if item.split.sha256.is_some() { outcome } else { read(item, &target, outcome) }
            }
            Err(error) => Outcome::new(item, What::Failed).message(error.to_string(), error.hint()),
        }
    }

    /// What of the folder is no data of the tasks.
    fn write_rest(
        &self,
        unknown: &[PathBuf],
        skipped: &[(PathBuf, String)],
        walked: &Walked,
        report: &mut Report<'_>,
    ) -> Result<(), Error> {
        let more =
            |n: usize| if n > NAMED { format!(" and {} more", n - NAMED) } else { String::new() };
        if !unknown.is_empty() {
            let names: Vec<String> =
                unknown.iter().take(NAMED).map(|path| path.display().to_string()).collect();
            report.line(&format!("unknown: {}{}", names.join(", "), more(unknown.len())))?;
        }
        for (path, reason) in skipped.iter().take(NAMED) {
            self.progress.note(&format!("warning: {}: {reason}; skipped", path.display()));
        }
        if skipped.len() > NAMED {
            let n = skipped.len() - NAMED;
            self.progress.note(&format!("warning: {n} more could not be read"));
        }
        if walked.truncated {
            let n = grouped(walked.files.len() as u64);
            self.progress.note(&format!(
                "warning: there are more than {n} files, the rest was not looked at; name a smaller folder"
            ));
        }
        Ok(())
    }
}

/// Where no hash tells, at least the task's reader must be able to read the file.
fn read(item: &Item<'_>, target: &Path, outcome: Outcome) -> Outcome {
    match Dataset::open_file(item.task, target, None) {
        Ok(data) => outcome.rows(data.info().rows),
        Err(error) => {
            let message = format!("it was copied, but the task's reader cannot read it: {error}");
            Outcome::new(item, What::Wrong).file(target.display()).message(message, error.hint())
        }
    }
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
