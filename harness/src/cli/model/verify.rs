//! `kobench model verify`: what is in the cache, hashed again; harness/schemas/model-verify.schema.json.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::named::{Named, named};
use crate::cli::plugins::PluginArgs;
use crate::cli::progress::Progress;
use crate::cli::shared::{TextFormat, write_json};
use crate::cli::{CliError, Exit};
use crate::error::Error;
use crate::hub::{
    FileVerdict, HubCache, HubError, RepoCache, Source, VerifiedFile, verify_directory, verify_repo,
};
use crate::text::bytes as size;

/// Options of `model verify`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench model verify
  kobench model verify kcbert-base hf:google/gemma-2-2b@main

In the cache a file is named by its hash (SHA-256, or git's for small files). Every file is read and compared with its
name. Exit code 1 means that a file is damaged, points nowhere, or is missing from a model that was named.")]
pub(in crate::cli) struct VerifyArgs {
    /// Models, repositories of the hub, or folders [default: the whole cache]
    #[arg(value_name = "MODEL|hf:ORG/NAME[@REVISION]|DIR")]
    models: Vec<String>,
    /// No progress on standard error
    #[arg(short, long)]
    quiet: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// What is verified.
enum Target {
    Repo(RepoCache, Option<Source>),
    Directory(PathBuf),
    Bundled,
}

/// What was found.
struct Verified {
    name: String,
    repository: Option<String>,
    files: Vec<VerifiedFile>,
    error: Option<HubError>,
    /// The command that mends it.
    fetch: Option<String>,
}

pub(super) fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let cache = HubCache::of_environment()?;
    let targets = targets(args, &cache)?;
    let progress = Progress::new(args.quiet);
    let (mut good, mut documents) = (true, Vec::new());
    let json = args.format == TextFormat::Json;
    if targets.is_empty() && !json {
        let line = format!("no models in the cache ({})", cache.folder().display());
        writeln!(out, "{line}").map_err(Error::from)?;
    }
    for (name, target) in targets {
        let verified = verify(name, target, !args.models.is_empty(), &progress);
        good &= verified.is_good();
        if json {
            documents.push(verified.document());
        } else {
            writeln!(out, "{}", verified.lines()).map_err(Error::from)?;
        }
    }
    if json {
        let document = json!({
            "schema_version": 1, "good": good, "cache": cache.folder(), "models": documents,
        });
        write_json(out, &document)?;
    }
    Ok(Exit::of_verdict(good))
}

fn targets(args: &VerifyArgs, cache: &HubCache) -> Result<Vec<(String, Target)>, CliError> {
    if args.models.is_empty() {
        let repos = cache.repos()?.into_iter();
        return Ok(repos.map(|r| (format!("hf:{}", r.id()), Target::Repo(r, None))).collect());
    }
    let mut catalog = None;
    let mut load = || catalog.get_or_insert_with(|| args.plugins.catalog()).clone();
    let mut targets = Vec::new();
    for text in &args.models {
        let path = Path::new(text);
        let target = if path.is_dir() || text.starts_with(['/', '.']) {
            Target::Directory(path.to_owned())
        } else {
            match named(text, &mut load)? {
                Named::Hub(source, _) => Target::Repo(cache.repo(&source.id), Some(source)),
                Named::Bundled(_) => Target::Bundled,
                Named::Unpublished(variant) => {
                    let message = format!("{} is not on the hub", variant.name);
                    return Err(CliError::usage(message, "name the folder with its files"));
                }
            }
        };
        targets.push((text.clone(), target));
    }
    Ok(targets)
}

fn verify(name: String, target: Target, asked: bool, progress: &Progress) -> Verified {
    let spinner = progress.spinner();
    let mut begins = |file: &str, bytes| {
        spinner.set_message(format!("{name}: {file} ({})", size(bytes)));
    };
    let (repository, fetch, found) = match &target {
        Target::Bundled => (None, None, Ok(Vec::new())),
        Target::Directory(path) => (None, None, verify_directory(path, &mut begins)),
        Target::Repo(repo, source) => {
            // Without a revision all that is there is read.
            let revision = source.as_ref().map(Source::revision);
            let fetch = match source {
                Some(_) => name.clone(),
                None => format!("hf:{}", repo.id()),
            };
            let found = verify_repo(repo, revision, asked, &mut begins);
            (Some(repo.id().to_string()), Some(format!("kobench model fetch {fetch}")), found)
        }
    };
    spinner.finish_and_clear();
    let (files, error) = match found {
        Ok(files) => (files, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    Verified { name, repository, files, error, fetch }
}

impl Verified {
    fn is_good(&self) -> bool {
        self.error.is_none() && !self.files.iter().any(|file| file.verdict.is_bad())
    }

    fn count(&self, is: impl Fn(&FileVerdict) -> bool) -> usize {
        self.files.iter().filter(|file| is(&file.verdict)).count()
    }

    /// What to do next.
    fn hint(&self) -> Option<String> {
        if let Some(error) = &self.error {
            return error.hint_with(self.fetch.as_deref());
        }
        let damaged =
            self.count(|v| matches!(v, FileVerdict::Damaged { .. } | FileVerdict::Unreadable(_)));
        let missing = self.count(|v| *v == FileVerdict::Missing);
        match (&self.fetch, damaged, missing) {
            (_, 0, 0) => None,
            (Some(fetch), 0, _) => Some(format!("`{fetch}` gets what is missing")),
            (Some(fetch), ..) => Some(format!(
                "`{fetch} --force` downloads it again; where a revision is of no more use, remove its folder"
            )),
            (None, ..) => {
                Some("copy the files there again, or name the model as hf:ORG/NAME".to_owned())
            }
        }
    }

    fn document(&self) -> serde_json::Value {
        let file = |file: &VerifiedFile| {
            let (expected, found, reason) = match &file.verdict {
                FileVerdict::Damaged { expected, found, .. } => (Some(expected), Some(found), None),
                FileVerdict::Unreadable(reason) => (None, None, Some(reason)),
                _ => (None, None, None),
            };
            json!({
                "commit": file.commit, "name": file.name, "path": file.path, "bytes": file.bytes,
                "verdict": file.verdict.name(), "expected": expected, "found": found, "reason": reason,
            })
        };
        json!({
            "name": self.name,
            "repository": self.repository,
            "good": self.is_good(),
            "files": self.files.iter().map(file).collect::<Vec<_>>(),
            "message": self.error.as_ref().map(ToString::to_string),
            "hint": self.hint(),
        })
    }

    /// Lines for people: a count, then what is not right.
    fn lines(&self) -> String {
        let mut text = match (&self.error, self.files.is_empty()) {
            (Some(error), _) => format!("{}: {error}", self.name),
            (None, true) => format!("{}: no files", self.name),
            (None, false) => {
                let right = self.files.iter().filter(|file| file.verdict == FileVerdict::Right);
                let bytes = right.filter_map(|file| file.bytes).sum();
                let right = self.count(|v| *v == FileVerdict::Right);
                let mut parts = vec![format!("{right} right ({})", size(bytes))];
                for (one, is) in [
                    (
                        "damaged",
                        FileVerdict::Damaged {
                            algorithm: "",
                            expected: String::new(),
                            found: String::new(),
                        },
                    ),
                    ("missing", FileVerdict::Missing),
                    ("unreadable", FileVerdict::Unreadable(String::new())),
                    ("without a known hash", FileVerdict::Unknown),
                    ("cut short", FileVerdict::Cut),
                ] {
                    let n =
                        self.count(|v| std::mem::discriminant(v) == std::mem::discriminant(&is));
                    if n > 0 {
                        parts.push(format!("{n} {one}"));
                    }
                }
                format!("{}: {}", self.name, parts.join(", "))
            }
        };
        for file in &self.files {
            let what = match &file.verdict {
                FileVerdict::Right | FileVerdict::Unknown => continue,
                FileVerdict::Damaged { algorithm, expected, found } => {
                    format!("damaged: its {algorithm} is {found}, expected {expected}")
                }
                FileVerdict::Missing => "missing".to_owned(),
                FileVerdict::Unreadable(reason) => format!("cannot be read: {reason}"),
                FileVerdict::Cut => {
                    "a download that was cut short; the next one goes on with it".to_owned()
                }
            };
            text.push_str(&format!("\n  {} ({}): {what}", file.name, file.path.display()));
        }
        if let Some(hint) = self.hint() {
            text.push_str(&format!("\n  hint: {hint}"));
        }
        text
    }
}
