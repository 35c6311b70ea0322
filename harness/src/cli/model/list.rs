//! `kobench model list`: the models of all plugins, and what of their files is here;
//! harness/schemas/model-list.schema.json.

use std::io::Write;

use serde::Serialize;

use crate::cli::plugins::PluginArgs;
use crate::cli::shared::{TextFormat, write_json};
use crate::cli::{CliError, Exit};
use crate::error::Error;
use crate::hub::{CachedRevision, HubCache, MAIN, Source};
use crate::plugin::{Catalog, Entry, NO_PLUGINS, Variant};
use crate::report::{Cell, Column, Grid, Look, Tone, render_grid};
use crate::text::{bytes, millions};

/// Options of `model list`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Files are looked for in the Hugging Face cache, at the revision that the plugin names, else at `main`. \
A narrow terminal has no room for every column; --format json has it all."
)]
pub(super) struct ListArgs {
    /// Only these models, or those of these plugins [default: all]
    #[arg(value_name = "MODEL|PLUGIN")]
    names: Vec<String>,
    #[command(flatten)]
    plugins: PluginArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
}

/// What of a model's files is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Files {
    /// They are part of the plugin.
    Bundled,
    /// All of the revision that is asked for.
    Complete,
    /// Some of that revision.
    Incomplete,
    /// None of that revision, but of another.
    OtherRevision,
    /// None.
    Absent,
    /// It is published nowhere; a checkpoint must be named.
    Unpublished,
}

/// A model.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    plugin: &'a str,
    plugin_version: &'a str,
    files: Files,
    /// The revision that is fetched and run where none is named.
    revision: Option<&'a str>,
    /// What is in the cache.
    cached: Vec<Cached>,
    model: &'a Variant,
}

/// A revision in the cache.
#[derive(Debug, Serialize)]
struct Cached {
    commit: String,
    references: Vec<String>,
    complete: bool,
    directory: String,
    bytes: u64,
    missing: Vec<String>,
}

impl From<CachedRevision> for Cached {
    fn from(cached: CachedRevision) -> Self {
        Self {
            complete: cached.snapshot.is_complete(),
            commit: cached.commit,
            references: cached.references,
            directory: cached.snapshot.directory.display().to_string(),
            bytes: cached.snapshot.bytes,
            missing: cached.snapshot.missing,
        }
    }
}

pub(super) fn run(args: &ListArgs, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    let catalog = args.plugins.catalog();
    let cache = HubCache::of_environment().ok();
    let models = chosen(&catalog, &args.names)?;
    let listed: Vec<Listed<'_>> = models
        .into_iter()
        .map(|(entry, model)| Listed::new(entry, model, cache.as_ref()))
        .collect();
    if args.format == TextFormat::Json {
        let document = serde_json::json!({
            "schema_version": 1, "cache": cache.as_ref().map(HubCache::folder), "models": listed,
        });
        write_json(to, &document)?;
        return Ok(Exit::Done);
    }
    if listed.is_empty() {
        return Err(CliError::usage("no models were found", NO_PLUGINS));
    }
    write!(to, "{}", render_grid(&grid(&listed), look)).map_err(Error::from)?;
    Ok(Exit::Done)
}

fn chosen<'a>(
    catalog: &'a Catalog,
    names: &[String],
) -> Result<Vec<(&'a Entry, &'a Variant)>, CliError> {
    let all = || catalog.entries().flat_map(|e| e.description.variants.iter().map(move |v| (e, v)));
    if names.is_empty() {
        return Ok(all().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        let of_plugin: Vec<_> = all().filter(|(e, _)| e.description.name == *name).collect();
        if of_plugin.is_empty() {
            chosen.push(catalog.model(name)?);
        }
        chosen.extend(of_plugin);
    }
    Ok(chosen)
}

impl<'a> Listed<'a> {
    fn new(entry: &'a Entry, model: &'a Variant, cache: Option<&HubCache>) -> Self {
        let revision = model.hub_id.as_ref().map(|_| model.revision.as_deref().unwrap_or(MAIN));
        let source = model.hub_id.as_deref().and_then(|id| Source::new(id, revision).ok());
        let repo = source.zip(cache).map(|(source, cache)| (cache.repo(&source.id), source));
        let (mut cached, mut wanted) = (Vec::new(), None);
        if let Some((repo, source)) = &repo {
            wanted = repo.commit(source.revision());
            cached = repo.revisions().unwrap_or_default().into_iter().map(Cached::from).collect();
        }
        let files = match cached.iter().find(|one| Some(&one.commit) == wanted.as_ref()) {
            _ if model.bundled => Files::Bundled,
            Some(one) if one.complete => Files::Complete,
            Some(_) => Files::Incomplete,
            None if cached.iter().any(|one| one.complete) => Files::OtherRevision,
            // A first download that was cut short has written no reference yet.
            None if !cached.is_empty() => Files::Incomplete,
            None if model.hub_id.is_none() => Files::Unpublished,
            None => Files::Absent,
        };
        let d = &entry.description;
        Self { plugin: &d.name, plugin_version: &d.version, files, revision, cached, model }
    }

    fn files_cell(&self) -> Cell {
        match self.files {
            Files::Bundled => Cell::toned("bundled", Tone::Good),
            Files::Complete => Cell::toned("complete", Tone::Good),
            Files::Incomplete => Cell::toned("incomplete", Tone::Bad),
            Files::OtherRevision => "other revision".into(),
            Files::Absent => Cell::toned("absent", Tone::Faint),
            Files::Unpublished => Cell::toned("yours", Tone::Faint),
        }
    }
}

/// The table. What sets models apart stays longest: a hundred columns have room for names, sizes, licences and files.
fn grid(listed: &[Listed<'_>]) -> Grid {
    let columns = vec![
        Column::text("Model"),
        Column::text("Plugin").gives_way(6),
        Column::number("Parameters"),
        Column::number("Size"),
        Column::number("Tokens").gives_way(2),
        Column::text("Tokeniser").gives_way(4),
        Column::text("Heads").gives_way(5),
        Column::text("Licence"),
        Column::text("Hub id").gives_way(3),
        Column::text("Revision").gives_way(1),
        Column::text("Files"),
    ];
    let or_dash = |text: Option<String>| Cell::from(text.unwrap_or_else(|| "-".into()));
    let named = |text: &str| or_dash(Some(text.to_owned()).filter(|text| !text.is_empty()));
    let row = |one: &Listed<'_>| {
        let v = one.model;
        // A commit is known by its first digits.
        let revision = one.revision.map(|r| if crate::hub::is_commit(r) { &r[..8] } else { r });
        vec![
            v.name.as_str().into(),
            one.plugin.into(),
            or_dash(v.parameters.map(millions)),
            or_dash(v.size_bytes.map(bytes)),
            or_dash(v.max_seq_len.map(|n| n.to_string())),
            named(&v.tokenizer),
            named(&v.heads.join(", ")),
            named(&v.licence),
            or_dash(v.hub_id.clone()),
            or_dash(revision.map(str::to_owned)),
            one.files_cell(),
        ]
    };
    Grid { columns, rows: listed.iter().map(row).collect() }
}
