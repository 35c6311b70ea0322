//! `kobench data list`: what is here, what is missing, and how it is got.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use super::outcome::by_hand;
use super::{Places, items, tasks};
use crate::cli::shared::{TextFormat, write_json};
use crate::cli::{CliError, Exit};
use crate::data::{DataPlaces, SplitFile};
use crate::digest::HashCache;
use crate::error::Error;
use crate::inventory::{Looked, Obtain, State, look};
use crate::report::number::grouped;
use crate::report::{Look, table};
use crate::text::bytes as size;

/// Options of `data list`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct ListArgs {
    /// Tasks, by name or by the path of their files [default: all]
    #[arg(value_name = "TASK")]
    names: Vec<String>,
    /// How to print the list
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &ListArgs, look_of: &Look, out: &mut dyn Write) -> Result<Exit, CliError> {
    let registry = args.places.tasks.registry()?;
    let tasks = tasks(&registry, &args.names)?;
    let places = args.places.data.places();
    let mut hashes = HashCache::open();
    let looked: Vec<Looked<'_>> = items(&tasks, None, false)?
        .into_iter()
        .map(|item| look(item, &places, &mut hashes))
        .collect();
    hashes.save();
    match args.format {
        TextFormat::Json => write_document(&looked, &places, out)?,
        TextFormat::Terminal => write_table(&looked, &places, look_of, out)?,
    }
    Ok(Exit::Done)
}

/// One split in JSON.
#[derive(Serialize)]
struct Listed<'a> {
    task: &'a str,
    split: &'a str,
    state: &'static str,
    /// Below a data folder; none where it is part of kobench.
    file: Option<&'a str>,
    location: Option<String>,
    looked_at: Vec<String>,
    bytes: Option<u64>,
    rows: Option<u64>,
    sha256: Option<&'a str>,
    found_sha256: Option<&'a str>,
    reason: Option<&'a str>,
    licence: &'a str,
    source: &'a str,
    obtain: &'static str,
    url: Option<&'a str>,
    instructions: Option<String>,
}

impl<'a> Listed<'a> {
    fn new(looked: &'a Looked<'a>, places: &DataPlaces) -> Self {
        let item = looked.item;
        let (obtain, url, instructions) = match item.obtain() {
            Obtain::Bundled => ("bundled", None, None),
            Obtain::Fetch(url) => ("fetch", Some(url), None),
            Obtain::ByHand(text) => ("by_hand", None, Some(by_hand(&item, text, places))),
        };
        let looked_at = match &looked.state {
            State::Missing(places) => places.iter().map(|p| p.display().to_string()).collect(),
            _ => Vec::new(),
        };
        Self {
            task: &item.task.name,
            split: item.name,
            state: looked.state.name(),
            file: item.file(),
            location: looked.file.as_ref().map(SplitFile::display),
            looked_at,
            bytes: looked.bytes,
            rows: item.split.rows,
            sha256: item.split.sha256.as_deref(),
            found_sha256: match &looked.state {
                State::Other(found) => Some(found),
                _ => None,
            },
            reason: match &looked.state {
                State::Unreadable(reason) => Some(reason),
                _ => None,
            },
            licence: item.licence(),
            source: item.source(),
            obtain,
            url,
            instructions,
        }
    }
}

fn write_document(
    looked: &[Looked<'_>],
    places: &DataPlaces,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let splits: Vec<Listed<'_>> = looked.iter().map(|one| Listed::new(one, places)).collect();
    let folders: Vec<String> = places.folders().iter().map(|f| f.display().to_string()).collect();
    let document = serde_json::json!({ "schema_version": 1, "folders": folders, "splits": splits });
    write_json(out, &document)
}

/// What the table says of a split.
fn state_text(looked: &Looked<'_>) -> &'static str {
    match (&looked.state, looked.item.obtain()) {
        (State::Verified, Obtain::Bundled) => "part of kobench",
        (State::Verified, _) => "here, verified",
        (State::Unverified, _) => "here, no hash known",
        (State::Other(_), _) => "ANOTHER FILE is here",
        (State::Unreadable(_), _) => "here, cannot be read",
        (State::Missing(_), Obtain::Fetch(_)) => "missing, fetchable",
        (State::Missing(_), _) => "missing, by hand",
    }
}

fn write_table(
    looked: &[Looked<'_>],
    places: &DataPlaces,
    look_of: &Look,
    out: &mut dyn Write,
) -> Result<(), Error> {
    // A narrow terminal has no room for everything; --format json has it all.
    let with_file = look_of.width.is_none_or(|width| width >= 120);
    let mut splits = table(look_of);
    let mut header = vec!["Task", "Split", "Rows", "Size", "Data", "Licence"];
    if with_file {
        header.push("File");
    }
    splits.set_header(header);
    for one in looked {
        let item = one.item;
        let mut row = vec![
            item.task.name.clone(),
            item.name.to_owned(),
            item.split.rows.map_or_else(|| "?".to_owned(), grouped),
            one.bytes.map_or_else(|| "-".to_owned(), size),
            state_text(one).to_owned(),
            item.licence().to_owned(),
        ];
        if with_file {
            row.push(item.file().unwrap_or("-").to_owned());
        }
        splits.add_row(row);
    }
    for column in [2, 3] {
        if let Some(column) = splits.column_mut(column) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    writeln!(out, "{}", splits.trim_fmt())?;
    let folders: Vec<String> = places.folders().iter().map(|f| f.display().to_string()).collect();
    writeln!(out, "Looked for in: {}", folders.join(", then "))?;
    write_remarks(looked, places, out)
}

/// What is wrong, and how what is missing is got.
fn write_remarks(
    looked: &[Looked<'_>],
    places: &DataPlaces,
    out: &mut dyn Write,
) -> Result<(), Error> {
    for one in looked {
        let file = one.file.as_ref().map(SplitFile::display).unwrap_or_default();
        match (&one.state, &one.item.split.sha256) {
            (State::Other(found), Some(expected)) => {
                writeln!(out, "{}: {file}: SHA-256 {found}, expected {expected}", one.item)?;
            }
            (State::Unreadable(reason), _) => writeln!(out, "{}: {file}: {reason}", one.item)?,
            _ => {}
        }
    }
    let missing = || looked.iter().filter(|one| matches!(one.state, State::Missing(_)));
    let mut fetched: Vec<&str> = missing()
        .filter(|one| matches!(one.item.obtain(), Obtain::Fetch(_)))
        .map(|one| one.item.task.name.as_str())
        .collect();
    fetched.dedup();
    if !fetched.is_empty() {
        writeln!(out, "To fetch what is missing: kobench data fetch {}", fetched.join(" "))?;
    }
    let mut said = None;
    for one in missing() {
        let Obtain::ByHand(text) = one.item.obtain() else { continue };
        // What a task has to say is the same for all of its splits.
        if said != Some(&one.item.task.name) {
            said = Some(&one.item.task.name);
            let text = text.map_or_else(
                || format!("kobench may not fetch it; get it from {}", one.item.source()),
                |text| text.trim().replace('\n', "\n  "),
            );
            writeln!(out, "{}: {text}", one.item.task.name)?;
        }
        if let Some(target) = one.item.target(places) {
            writeln!(out, "  {} goes to {}", one.item, target.display())?;
        }
    }
    Ok(())
}
