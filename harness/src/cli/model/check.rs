//! `kobench model check`: opens a checkpoint through its plugin, in a worker, and says what was found.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::checked::{Checked, Found, HeadFound, HeadState, Tokenizer};
use crate::cli::plugins::PluginArgs;
use crate::cli::shared::{TextFormat, write_json};
use crate::cli::{CliError, Exit};
use crate::error::Error;
use crate::hint::Hint as _;
use crate::plugin::{Entry, Head, ModelRequest, Variant};
use crate::qa::QaOptions;
use crate::report::Look;
use crate::run::{Checkpoint, PlanError};
use crate::text::millions;
use crate::tokens::ModelTokenizer;
use crate::worker::{Encoding, Failure, FailureKind, InspectRequest, Limits, RowInput, Worker};

/// Weights of many gigabytes are read from a slow disk in this time.
const LIMITS: Limits = Limits { silence: Duration::from_secs(3600) };

/// What the tokeniser is tried on.
const TEXT: &str = "이 영화 정말 재미있어요!";

/// Options of `model check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench model check kcbert-base
  kobench model check kcbert-base --checkpoint hf:you/kcbert-nsmc
  kobench model check ./my-checkpoint --model kcbert-base

Every tensor is read and compared with what the model needs; plugins that know how keep none of them, so that a large
model can be checked on a small machine. Exit code 1 means that the checkpoint does not fit.")]
pub(in crate::cli) struct CheckArgs {
    /// The model, or with --model the checkpoint
    #[arg(value_name = "MODEL|DIR|hf:ID")]
    subject: String,
    /// The model, where the checkpoint is named first
    #[arg(long, value_name = "MODEL", conflicts_with = "checkpoint")]
    model: Option<String>,
    /// The weights [default: the bundled ones, else those in the Hugging Face cache]
    #[arg(long, value_name = "DIR|hf:ID")]
    checkpoint: Option<String>,
    /// Threads of the plugin [default: all]
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: u32,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    plugins: PluginArgs,
}

pub(super) fn run(args: &CheckArgs, look: &Look, out: &mut dyn Write) -> Result<Exit, CliError> {
    let (model, checkpoint) = match &args.model {
        Some(model) => (model, Some(&args.subject)),
        None => (&args.subject, args.checkpoint.as_ref()),
    };
    let catalog = args.plugins.catalog();
    let (entry, variant) = catalog.model(model).map_err(|error| {
        let error = CliError::from(error);
        // A folder in the place of the model.
        let is_place =
            args.model.is_none() && (Path::new(model).is_dir() || model.starts_with("hf:"));
        match is_place {
            true => CliError::usage(
                format!("{model} is a checkpoint: which model is it to fit?"),
                format!("name it: kobench model check {model} --model MODEL"),
            ),
            false => error,
        }
    })?;
    let weights =
        Checkpoint::resolve(variant, checkpoint.map(String::as_str)).map_err(PlanError::from)?;
    let checked = Checker::new(entry, variant, &weights, args.threads).check();
    match args.format {
        TextFormat::Json => {
            write_json(out, &serde_json::to_value(&checked).map_err(Error::from)?)?;
        }
        TextFormat::Terminal => write!(out, "{}", checked.lines(look)).map_err(Error::from)?,
    }
    Ok(Exit::of_verdict(checked.fits))
}

/// Opens a checkpoint with each head.
struct Checker<'a> {
    entry: &'a Entry,
    variant: &'a Variant,
    weights: &'a Checkpoint,
    threads: u32,
    /// One process for all heads, as long as it lives.
    worker: Option<Worker>,
    /// Whether the plugin knows the key `check`.
    knows_check: bool,
    found: Option<Found>,
    parameters: Option<u64>,
    notes: Vec<String>,
}

impl<'a> Checker<'a> {
    fn new(entry: &'a Entry, variant: &'a Variant, weights: &'a Checkpoint, threads: u32) -> Self {
        let (worker, found, parameters) = (None, None, None);
        let (knows_check, notes) = (true, Vec::new());
        Self { entry, variant, weights, threads, worker, knows_check, found, parameters, notes }
    }

    fn check(mut self) -> Checked {
        let tokenizer = self.tokenizer();
        let mut heads: Vec<&str> = self.variant.heads.iter().map(String::as_str).collect();
        if heads.is_empty() {
            heads.push(Head::Sequence.name());
        }
        let heads: Vec<HeadFound> = heads.into_iter().map(|head| self.head(head)).collect();
        let mut notes = std::mem::take(&mut self.notes);
        if !self.knows_check {
            notes.push(
                "the plugin was built against an SDK that does not know `check`: the model was opened as for a run"
                    .to_owned(),
            );
        }
        let opened = heads.iter().any(|head| head.state != HeadState::DoesNotFit);
        if self.found.is_none() && opened {
            notes.push(format!(
                "the plugin {} does not say which files and tensors it read",
                self.entry.description.name
            ));
        }
        if let (Some(found), Some(known)) = (self.parameters, self.variant.parameters)
            && found.abs_diff(known) > known / 5
        {
            let (found, known) = (millions(found), millions(known));
            notes.push(format!(
                "the checkpoint has {found} parameters and {} has {known}: its configuration is of another size",
                self.variant.name
            ));
        }
        let fits = tokenizer.error.is_none()
            && heads.iter().all(|head| head.state != HeadState::DoesNotFit);
        Checked {
            schema_version: 1,
            fits,
            model: self.variant.name.clone(),
            plugin: self.entry.description.name.clone(),
            plugin_version: self.entry.description.version.clone(),
            checkpoint: self.weights.directory().map(|path| path.display().to_string()),
            found: self.found,
            parameters: self.parameters,
            tokenizer,
            heads,
            notes,
        }
    }

    /// Tries the tokeniser on a sentence.
    fn tokenizer(&self) -> Tokenizer {
        let tokenizer =
            ModelTokenizer::new(self.entry, self.variant, self.weights, &BTreeMap::new());
        let encode = |pieces: bool| {
            let mut sequences = Vec::new();
            let encoding = Encoding::new(0, QaOptions::default());
            let rows = vec![RowInput::Text(TEXT.to_owned())];
            tokenizer.tokenize(rows, encoding, pieces, &mut |one| sequences.push(one))?;
            Ok::<_, Failure>(sequences)
        };
        // A plugin without questions need not tell the texts of its tokens.
        let encoded = encode(true).or_else(|_| encode(false));
        let name = self.variant.tokenizer.clone();
        let text = TEXT.to_owned();
        match encoded {
            Ok(sequences) => Tokenizer {
                name,
                text,
                tokens: Some(sequences.iter().map(|one| one.tokens).sum()),
                unknown: Some(sequences.iter().map(|one| one.unknown).sum()),
                pieces: (sequences.iter())
                    .flat_map(|one| one.pieces.iter().map(str::to_owned).collect::<Vec<_>>())
                    .collect(),
                error: None,
            },
            Err(failure) => {
                let error = Some(shown(&failure));
                Tokenizer { name, text, tokens: None, unknown: None, pieces: Vec::new(), error }
            }
        }
    }

    /// Opens the checkpoint with a head.
    fn head(&mut self, name: &str) -> HeadFound {
        let mut found = HeadFound {
            head: name.to_owned(),
            state: HeadState::DoesNotFit,
            num_labels: None,
            initialised: Vec::new(),
            ignored: Vec::new(),
            error: None,
        };
        let heads = [Head::Sequence, Head::Token, Head::Span];
        let Some(head) = heads.into_iter().find(|head| head.name() == name) else {
            found.error = Some(format!("the plugin names a head `{name}`, which is none"));
            return found;
        };
        // First as a run opens it: a head of another kind may have the same tensors.
        let (stats, refused) = match self.inspect(head, false) {
            Ok(stats) => (Ok(stats), None),
            Err(failure) if matches!(failure.kind, FailureKind::Error { .. }) => {
                (self.inspect(head, true), Some(failure))
            }
            Err(failure) => (Err(failure), None),
        };
        let stats = match stats {
            Ok(stats) => stats,
            Err(failure) => {
                found.error = Some(shown(&failure));
                return found;
            }
        };
        found.state = if refused.is_some() { HeadState::New } else { HeadState::InCheckpoint };
        found.num_labels = stats["num_labels"].as_u64();
        self.parameters = self.parameters.or(stats["parameters"].as_u64());
        if let Ok(read) = serde_json::from_value::<Found>(stats["checkpoint"].clone()) {
            found.initialised.clone_from(&read.initialised);
            found.ignored.clone_from(&read.ignored);
            self.found.get_or_insert(read);
        }
        // Where no tensor is new, the plugin alone can say why the head is.
        if let Some(refused) = refused.filter(|_| found.initialised.is_empty()) {
            self.notes.push(format!("{name}: {refused}"));
        }
        found
    }

    /// The plugin's statistics of the model with a head.
    fn inspect(&mut self, head: Head, new_head: bool) -> Result<serde_json::Value, Failure> {
        match self.try_inspect(head, new_head) {
            Err(failure) if self.knows_check && is_unknown_check(&failure) => {
                self.knows_check = false;
                self.try_inspect(head, new_head)
            }
            other => other,
        }
    }

    fn try_inspect(&mut self, head: Head, new_head: bool) -> Result<serde_json::Value, Failure> {
        let worker = match &mut self.worker {
            Some(worker) if !worker.is_dead() => worker,
            _ => {
                let threads = crate::run::default_threads() as usize;
                self.worker.insert(Worker::start(threads, LIMITS, |_| {})?)
            }
        };
        let d = &self.entry.description;
        let model = ModelRequest {
            variant: self.variant.name.clone(),
            checkpoint: self.weights.directory().map(Path::to_path_buf),
            head,
            num_labels: None,
            device: "cpu".into(),
            precision: d.precisions.first().cloned().unwrap_or_else(|| "f32".into()),
            threads: self.threads,
            new_head,
            seed: 0,
            check: self.knows_check,
            from_scratch: false,
            weights: None,
            options: BTreeMap::new(),
        };
        let stats = worker.inspect(InspectRequest { library: self.entry.path.clone(), model })?;
        Ok(serde_json::from_str(&stats).unwrap_or_default())
    }
}

/// Whether a plugin refuses the key `check`, as those of an older SDK do.
fn is_unknown_check(failure: &Failure) -> bool {
    matches!(&failure.kind, FailureKind::Error { message, .. }
        if message.contains("unknown field") && message.contains("`check`"))
}

/// What went wrong, in full, with what helps here: other hints are about options of a run.
fn shown(failure: &Failure) -> String {
    let mut text = failure.to_string();
    if let FailureKind::Error { hint: Some(hint), .. } = &failure.kind {
        text.push_str(&format!("\nhint: {hint}"));
    } else if let FailureKind::Killed { .. } = &failure.kind {
        text.push_str("\nhint: the system may have run out of memory");
    } else if !matches!(failure.kind, FailureKind::Hung { .. }) {
        text.extend(failure.hint().map(|hint| format!("\nhint: {hint}")));
    }
    for line in &failure.output {
        text.push_str(&format!("\nit printed: {line}"));
    }
    text
}
