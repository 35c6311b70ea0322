//! `kobench model fetch`: the only command that goes to the network for models.

use std::io::Write;

use clap::Args;

use super::named::{Named, named};
use super::outcome::{Outcome, Report, What};
use crate::cli::plugins::PluginArgs;
use crate::cli::progress::Progress;
use crate::cli::shared::{TextFormat, silence};
use crate::cli::{CliError, Exit};
use crate::download::DownloadError;
use crate::hub::{FileFetched, Hub, HubError, Settings, Source};

/// Options of `model fetch`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench model fetch kcbert-base
  kobench model fetch hf:beomi/kcbert-base hf:monologg/koelectra-base-v3-discriminator@main --dry-run

Configuration, tokeniser and one set of weights (safetensors before pickles) go into the standard Hugging Face cache
(HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub), where Hugging Face's own libraries find them. A download
that was cut short is taken up where it ended. Licences are accepted on a model's page; HF_TOKEN, or the file that
`hf auth login` writes, says who you are. HF_ENDPOINT names a mirror; HF_HUB_OFFLINE=1 forbids the network. Exit code 1
means that something that was asked for is still missing.")]
pub(in crate::cli) struct FetchArgs {
    /// Models, as `kobench model list` shows them, or repositories of the hub; @REVISION names a branch, tag or commit
    #[arg(value_name = "MODEL[@REVISION]|hf:ORG/NAME[@REVISION]", required = true)]
    models: Vec<String>,
    /// Only say what would be downloaded
    #[arg(long)]
    dry_run: bool,
    /// Download again what is here
    #[arg(long, conflicts_with = "dry_run")]
    force: bool,
    /// How often a failed download is tried again, counted from the last progress
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(..=1000))]
    retries: u32,
    /// How long the server may be silent
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
    /// No progress on standard error, only what goes wrong
    #[arg(short, long)]
    quiet: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    plugins: PluginArgs,
}

pub(super) fn run(args: &FetchArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let timeout = silence(args.timeout)?;
    let mut catalog = None;
    let mut load = || catalog.get_or_insert_with(|| args.plugins.catalog()).clone();
    // All names first: a wrong one is found before anything is downloaded.
    let mut asked = Vec::new();
    for text in &args.models {
        asked.push((text, named(text, &mut load)?));
    }
    let hub = Hub::new(Settings::of_environment()?, timeout, args.retries);
    let fetcher = Fetcher { args, hub, progress: Progress::new(args.quiet) };
    let mut report = Report::new(out, args.format);
    for (text, named) in asked {
        report.add(match named {
            Named::Bundled(_) => Outcome::new(text, What::Bundled),
            Named::Unpublished(variant) => Outcome::new(text, What::Failed).message(
                format!("{} is not on the hub", variant.name),
                Some("its plugin's documentation says where its files come from; --checkpoint names them".into()),
            ),
            Named::Hub(source, variant) => {
                if let Some(variant) = variant.filter(|variant| !variant.licence.is_empty()) {
                    fetcher.progress.note(&format!("{text}: licence {}", variant.licence));
                }
                fetcher.get(text, &source)
            }
        })?;
    }
    let good = report.finish(&fetcher.hub.cache().folder().display().to_string())?;
    Ok(Exit::of_verdict(good))
}

struct Fetcher<'a> {
    args: &'a FetchArgs,
    hub: Hub,
    progress: Progress,
}

impl Fetcher<'_> {
    /// Sees to it that a model is here, if that can be.
    fn get(&self, name: &str, source: &Source) -> Outcome {
        match self.try_get(name, source) {
            Ok(outcome) => outcome,
            Err(error) => self.failed(name, source, &error),
        }
    }

    fn try_get(&self, name: &str, source: &Source) -> Result<Outcome, HubError> {
        let mut plan = self.hub.plan(source, &mut self.progress.file(name.to_owned()))?;
        if self.args.dry_run {
            return Ok(Outcome::of(name, source, What::Planned).plan(&plan));
        }
        if self.args.force {
            plan.forget();
        }
        self.hub.check_room(&plan)?;
        let (mut bytes, mut what) = (0, What::Here);
        for file in &plan.files {
            let label = format!("{name}/{}", file.name);
            let mut watch = self.progress.file(label);
            if self.hub.fetch(&plan, file, self.args.force, &mut watch)? == FileFetched::Fetched {
                bytes += file.to_fetch();
                what = What::Fetched;
            }
        }
        self.hub.finish(&plan)?;
        Ok(Outcome::of(name, source, what).plan(&plan).done(bytes))
    }

    /// What failed; where the network did, what is here may do.
    fn failed(&self, name: &str, source: &Source, error: &HubError) -> Outcome {
        let here = || self.hub.cache().complete(source).ok();
        match error {
            HubError::Offline { .. } => match here() {
                Some(directory) => {
                    Outcome::of(name, source, What::Here).directory(directory.display())
                }
                None => Outcome::of(name, source, What::Failed).error(error),
            },
            HubError::Download(DownloadError::GaveUp { .. }) => match here() {
                Some(directory) => {
                    Outcome::of(name, source, What::Failed).directory(directory.display()).message(
                        error,
                        Some("what is in the cache is complete, and is used as it is".into()),
                    )
                }
                None => Outcome::of(name, source, What::Failed).error(error),
            },
            _ => Outcome::of(name, source, What::Failed).error(error),
        }
    }
}
