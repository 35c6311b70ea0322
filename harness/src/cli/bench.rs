//! `kobench bench`: how fast models are, alone or against a base.

mod plans;
mod show;

use super::measured::MeasuredArgs;
use super::shared::{TextFormat, write_json};
use super::{CliError, Exit};
use crate::bench::{Against, BenchOptions, Finished, Scenario, execute, gates, is_memory};
use crate::compare::speed::{adjust, speeds};
use crate::compare::{Rule, SpeedComparison, Tier, Verdict};
use crate::error::Error;
use crate::record::{CellKey, RunDir, RunRecord};
use crate::report::Look;
use crate::run::Progress;
use std::io::Write;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  kobench bench -m kcbert-demo -t nsmc --split sample
  kobench bench -m kcbert-base --checkpoint ./kcbert-nsmc -t nsmc --scenario offline,single-stream --threads 4
  kobench bench -m kcbert-base --checkpoint ./kcbert-nsmc -t nsmc --scenario server --rate 20 --latency-bound 0.1
  kobench bench -m kcbert-demo -t nsmc --split sample --against ../before/target/release
  kobench bench -m kcbert-base --checkpoint ./kcbert-nsmc -t nsmc --against precision=f32,threads=1
  kobench bench -m kcbert-demo -t nsmc --split sample --against same        what the machine's noise looks like

Scenarios are MLPerf's: offline (all queries at once: throughput), single-stream (the next query when the last is
answered: latency), server (queries arrive at random, so many a second: latency under a load). A query is a row; no row
comes twice before all have come. Percentiles need so many queries that one is above: p99.9 a thousand.

With --against, base and new answer the same queries in turns, in new processes each round, so that whatever else the
machine does falls on both, and no process is lucky for long.
The base is as the new side but for what SPEC says, separated by commas: plugins=PATH (libraries of another build; a
path alone means this), checkpoint=DIR|hf:ID, precision=.., threads=N, device=.., option.NAME=VALUE; or `same`.
Worse than the base by more than the margin, by a signed-rank test on the ratios of rounds with Holm's correction over
all that decides, is a regression. Throughput (offline), the latencies p50 and p99, and peak memory decide.

Records go to RUN/bench. Exit codes: 0 done; 1 a regression, or something could not be measured; 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    measured: MeasuredArgs,
    /// Scenarios, separated by commas: offline, single-stream, server.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "offline", value_parser = scenario)]
    scenario: Vec<Scenario>,
    /// How often each is measured [default: 5; with --against 15 rounds].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repetitions: Option<u32>,
    /// Seconds of a repetition: at least, or with --against about [default: 5; with --against 1].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    duration: Option<f64>,
    /// Queries of a repetition at least.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=MAX_QUERIES))]
    min_queries: u64,
    /// Seconds of warming up before the first repetition, which do not count.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds)]
    warmup: f64,
    /// Queries a second of the server scenario [default: half of what the warm-up reaches offline].
    #[arg(long, value_name = "QPS", value_parser = positive)]
    rate: Option<f64>,
    /// The latency that the server's queries should keep; the share of those that do is reported.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    latency_bound: Option<f64>,
    /// Measure against a base, in turns: `same`, a path, or KEY=VALUE,.. (see below).
    #[arg(long, value_name = "SPEC", value_parser = against)]
    against: Option<Against>,
    /// Turns of each side in a round; the round has their median, so that what happens in one of them is not felt.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000), requires = "against")]
    turns: u32,
    /// Measure all rounds in the same two processes: quicker where models take long to open, but what one process
    /// happens to have (its place in memory, its CPU) then stays with a side.
    #[arg(long, requires = "against")]
    keep_open: bool,
    /// How much worse than the base a speed or a latency may be, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 2.0, value_parser = percent, requires = "against")]
    margin: f64,
    /// How much more memory than the base the new side may need, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0, value_parser = percent, requires = "against")]
    memory_margin: f64,
    /// Confidence of intervals and of the verdict.
    #[arg(long, value_name = "C", default_value_t = 0.95, value_parser = confidence, requires = "against")]
    confidence: f64,
    /// What the order of rows and sides, and times of arrival, follow from.
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Where the records go.
    #[arg(long, value_name = "RUN", default_value = "results/runs/bench")]
    out: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
}

/// More queries than any repetition needs; their texts are held in memory.
const MAX_QUERIES: u64 = 10_000_000;

fn scenario(text: &str) -> Result<Scenario, String> {
    text.parse()
}

fn against(text: &str) -> Result<Against, String> {
    text.parse()
}

fn number(text: &str, fits: impl Fn(f64) -> bool, what: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&number: &f64| number.is_finite() && fits(number));
    number.ok_or_else(|| format!("not {what}"))
}

fn seconds(text: &str) -> Result<f64, String> {
    number(text, |seconds| (0.0..=86_400.0).contains(&seconds), "a number of seconds up to a day")
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0, "a positive number")
}

fn percent(text: &str) -> Result<f64, String> {
    number(
        text,
        |percent| (0.0..100.0).contains(&percent),
        "a number of percent from 0 to below 100",
    )
}

fn confidence(text: &str) -> Result<f64, String> {
    number(text, |c| (0.5..1.0).contains(&c), "a number from 0.5 to below 1, for instance 0.95")
}

impl Args {
    fn options(&self) -> Result<BenchOptions, CliError> {
        let is_pair = self.against.is_some();
        let seconds = self.duration.unwrap_or(if is_pair { 1.0 } else { 5.0 });
        if let Some(rate) = self.rate.filter(|rate| rate * seconds > MAX_QUERIES as f64) {
            return Err(CliError::usage(
                format!("--rate {rate} for {seconds} s are more than {MAX_QUERIES} queries"),
                "lower the rate, or shorten --duration",
            ));
        }
        let mut scenarios = self.scenario.clone();
        scenarios.sort();
        scenarios.dedup();
        let of_server = [("--rate", self.rate), ("--latency-bound", self.latency_bound)];
        if let Some((name, _)) = of_server.iter().find(|(_, value)| value.is_some())
            && !scenarios.contains(&Scenario::Server)
        {
            return Err(CliError::usage(
                format!("{name} is of the server scenario, which is not measured"),
                "add --scenario server",
            ));
        }
        Ok(BenchOptions {
            scenarios,
            repetitions: self.repetitions.unwrap_or(if is_pair { 15 } else { 5 }),
            seconds,
            min_queries: self.min_queries,
            warmup_seconds: self.warmup,
            rate: self.rate,
            latency_bound: self.latency_bound,
            batch_tokens: self.measured.batch_tokens,
            turns: self.turns,
            keep_open: self.keep_open,
            seed: self.seed,
        })
    }

    /// How a measure is judged.
    fn rule(&self, _: &CellKey, scenario: &str, measure: &str) -> Rule {
        let gates = gates(scenario, measure);
        let percent = if is_memory(measure) { self.memory_margin } else { self.margin };
        Rule {
            tier: if gates { Tier::Supporting } else { Tier::Advisory },
            gates,
            margin: percent / 100.0,
            confidence: self.confidence,
        }
    }
}

pub(super) fn run(args: &Args, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    let options = args.options()?;
    let mut plan = plans::plan(&args.measured, args.against.as_ref())?;
    let dir = RunDir::open_or_create(&args.out)?;
    let mut progress = Progress::new(args.measured.quiet);
    plans::settle_devices(&mut plan, &mut progress);
    describe_run(&dir)?;
    let finished = execute(&plan, &options, &dir, &mut progress)?;
    progress.note(&format!("records: {}", Path::new(&args.out).join("bench").display()));
    let compared = args.against.as_ref().map(|_| {
        let rule = |key: &CellKey, scenario: &str, measure: &str| args.rule(key, scenario, measure);
        let mut compared = speeds(&finished.base, &finished.new, &rule);
        adjust(&mut compared);
        compared
    });
    match args.format {
        TextFormat::Json => write_json(to, &show::json(&finished, compared.as_deref())?)?,
        TextFormat::Terminal => {
            let text = show::terminal(&finished, compared.as_deref(), args.confidence, look);
            to.write_all(text.as_bytes()).map_err(Error::from)?;
        }
    }
    Ok(Exit::of_verdict(is_good(&finished, compared.as_deref())))
}

/// `run.json`, where the directory has none: when, where and by what command it began.
fn describe_run(dir: &RunDir) -> Result<(), CliError> {
    if !dir.path().join("run.json").exists() {
        dir.write_run(&RunRecord::new(std::env::args().collect(), Vec::new()))?;
    }
    Ok(())
}

fn is_good(finished: &Finished, compared: Option<&[SpeedComparison]>) -> bool {
    let is_worse = |c: &SpeedComparison| c.gates && c.verdict == Verdict::Regression;
    finished.failed.is_empty() && !compared.unwrap_or_default().iter().any(is_worse)
}
