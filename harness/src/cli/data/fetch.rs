//! `kobench data fetch`: the only command that goes to the network for data.

use std::collections::HashSet;
use std::io::Write;

use clap::Args;

use super::outcome::{Outcome, Report, What, by_hand};
use super::{Places, items, tasks};
use crate::cli::progress::Progress;
use crate::cli::shared::{TextFormat, silence};
use crate::cli::{CliError, Exit};
use crate::data::DataPlaces;
use crate::digest::{ContentHash, HashCache};
use crate::download::{
    Client, Download, DownloadError, Fetched, Growing, Retries, join_url, shown_url,
};
use crate::hint::Hint as _;
use crate::inventory::{Item, MAX_BYTES, Obtain, State, look};

/// Options of `data fetch`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench data fetch nsmc
  kobench data fetch --all --split test --data-dir data
  kobench data fetch korquad --mirror https://files.example.org/kobench

A download that was cut short is taken up where it ended. Proxies come from HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and
NO_PROXY. A mirror is asked for every file, also for those without a public address, as MIRROR/FILE with the path
that `kobench data list` shows. Exit code 1 means that something that was asked for is still missing.")]
pub(in crate::cli) struct FetchArgs {
    /// Tasks, by name or by the path of their files
    #[arg(value_name = "TASK", required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// All tasks
    #[arg(long)]
    all: bool,
    /// Only this split of each task [default: all]
    #[arg(long, value_name = "SPLIT")]
    split: Option<String>,
    /// Download from MIRROR/FILE in place of the public addresses
    #[arg(long, value_name = "URL", env = "KOBENCH_MIRROR", hide_env_values = true)]
    mirror: Option<String>,
    /// Download again what is here, and replace a file that is not the one that the task names
    #[arg(long)]
    force: bool,
    /// How often a failed download is tried again, counted from the last progress
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(..=1000))]
    retries: u32,
    /// How long a server may be silent
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,
    /// No progress on standard error, only what goes wrong
    #[arg(short, long)]
    quiet: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &FetchArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let timeout = silence(args.timeout)?;
    let registry = args.places.tasks.registry()?;
    let tasks = tasks(&registry, &args.names)?;
    let items = items(&tasks, args.split.as_deref(), args.all)?;
    let mut fetcher = Fetcher {
        args,
        client: Client::new(timeout),
        places: args.places.data.places(),
        hashes: HashCache::open(),
        progress: Progress::new(args.quiet),
        licences: HashSet::new(),
    };
    let mut report = Report::new(out, args.format);
    for item in items {
        let outcome = fetcher.get(item);
        report.add(outcome)?;
    }
    fetcher.hashes.save();
    let good =
        [What::Missing, What::Wrong, What::Failed].iter().all(|what| report.count(*what) == 0);
    report.finish(good, &[])?;
    Ok(Exit::of_verdict(good))
}

struct Fetcher<'a> {
    args: &'a FetchArgs,
    client: Client,
    places: DataPlaces,
    hashes: HashCache,
    progress: Progress,
    /// What was shown already.
    licences: HashSet<(String, String)>,
}

impl Fetcher<'_> {
    /// Sees to it that a split is here, if that can be.
    fn get(&mut self, item: Item<'_>) -> Outcome {
        let looked = look(item, &self.places, &mut self.hashes);
        let bundled = item.obtain() == Obtain::Bundled;
        if bundled || (looked.state.is_usable() && !self.args.force) {
            return Outcome::here(&looked);
        }
        let replaces = !matches!(looked.state, State::Missing(_));
        if replaces && !self.args.force {
            return Outcome::not_the_file(&looked);
        }
        let Some(target) = item.target(&self.places) else {
            return Outcome::new(&item, What::Failed).message(
                "there is no folder for data: neither KOBENCH_DATA nor HOME is set",
                Some("name one with --data-dir".to_owned()),
            );
        };
        let mirror = self.args.mirror.as_deref().filter(|mirror| !mirror.is_empty());
        let url = match (mirror, item.file(), item.obtain()) {
            (Some(mirror), Some(file), _) => join_url(mirror, file),
            (None, _, Obtain::Fetch(url)) => url.to_owned(),
            _ if looked.state.is_usable() => return Outcome::here(&looked),
            _ => return Outcome::missing(&item, &self.places),
        };
        self.show_licence(&item, &url);
        let download = Download {
            url,
            target: target.clone(),
            expected: item.split.sha256.clone().map(ContentHash::Sha256),
            max_bytes: MAX_BYTES,
            token: None,
            growing: Growing::Beside,
        };
        let mut watch = self.progress.file(item.to_string());
        match self.client.download(&download, Retries::new(self.args.retries), &mut watch) {
            Ok(fetched) => arrived(&item, &fetched).file(target.display()),
            // A mirror need not have what may not be redistributed.
            Err(DownloadError::Status { status: 404, .. })
                if matches!(item.obtain(), Obtain::ByHand(_)) && !replaces =>
            {
                let mut outcome = Outcome::missing(&item, &self.places);
                if let Obtain::ByHand(text) = item.obtain() {
                    let hint = by_hand(&item, text, &self.places);
                    outcome = outcome.message("the mirror does not have it", Some(hint));
                }
                outcome
            }
            Err(error) => {
                Outcome::new(&item, What::Failed).message(error.to_string(), error.hint())
            }
        }
    }

    /// Says under which licence a file comes, before it comes.
    fn show_licence(&mut self, item: &Item<'_>, url: &str) {
        let terms = (item.task.name.clone(), item.licence().to_owned());
        if self.licences.insert(terms) {
            let (name, licence, source) = (&item.task.name, item.licence(), item.source());
            self.progress.note(&format!("{name}: licence {licence}; origin {source}"));
        }
        self.progress.note(&format!("{item}: downloading {}", shown_url(url)));
    }
}

fn arrived(item: &Item<'_>, fetched: &Fetched) -> Outcome {
    let what = if fetched.by_another { What::Here } else { What::Fetched };
    Outcome::new(item, what)
        .content(Some(fetched.bytes), Some(fetched.hash.clone()))
        .verified(item.split.sha256.is_some())
}
