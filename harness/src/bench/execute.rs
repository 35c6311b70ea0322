//! Working through a plan: each model on each task in each scenario, one side or two in turns.

use super::options::{SERVER_LOAD, first_side};
use super::record::{Place, record};
use super::rounds::Rounds;
use super::side::{Done, Side, Turns};
use super::{BenchOptions, Scenario};
use crate::record::{BenchRecord, BenchSide, RecordError, RunDir, rfc3339};
use crate::run::{Plan, PlannedRun, Progress};
use crate::worker::{BenchRequest, Failure, Traffic};
use std::time::SystemTime;

/// What is measured: a plan, and with a base a second one of the same models and tasks in the same order.
#[derive(Debug)]
pub struct BenchPlan {
    /// What is measured, or judged.
    pub new: Plan,
    /// What it is judged against.
    pub base: Option<Plan>,
}

/// What came of a plan.
#[derive(Debug, Default)]
pub struct Finished {
    /// Records of all that was measured; of the sides that are judged, where there is a base.
    pub new: Vec<BenchRecord>,
    /// Records of the bases.
    pub base: Vec<BenchRecord>,
    /// What could not be measured.
    pub failed: Vec<Failed>,
}

/// A measurement that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Failed {
    /// The model and the task.
    pub label: String,
    /// The scenario; none where the model could not be opened.
    pub scenario: Option<String>,
    /// Which side.
    pub side: Option<BenchSide>,
    /// What the plugin did instead.
    pub reason: String,
}

/// Measures everything, and writes a record of each measurement into the run directory.
///
/// # Errors
/// If a record cannot be written. What a plugin does wrong is no error: it is among [`Finished::failed`].
pub fn execute(
    plan: &BenchPlan,
    options: &BenchOptions,
    run: &RunDir,
    progress: &mut Progress,
) -> Result<Finished, RecordError> {
    let mut finished = Finished::default();
    for (index, new) in plan.new.cells.iter().enumerate() {
        let label = new.inputs.key.label();
        progress.note(&format!("[{}/{}] {label}", index + 1, plan.new.cells.len()));
        let base = plan.base.as_ref().and_then(|base| Some((base, base.cells.get(index)?)));
        let opening = Opening { plan: &plan.new, new, base };
        let mut sides = match opening.open(BenchSide::Base, progress) {
            Ok(sides) => sides,
            Err((side, failure)) => {
                finished.fail(&label, None, side, &failure, progress);
                continue;
            }
        };
        for &scenario in &options.scenarios {
            match measure(&opening, &mut sides, scenario, options, progress) {
                Ok(records) => {
                    for record in records {
                        run.write_bench(&record)?;
                        record.warnings.iter().for_each(|warning| {
                            progress.warn(&format!("{}: {warning}", label_of(&record)));
                        });
                        match record.side {
                            Some(BenchSide::Base) => finished.base.push(record),
                            _ => finished.new.push(record),
                        }
                    }
                }
                Err((side, failure)) => {
                    finished.fail(&label, Some(scenario), side, &failure, progress);
                    // The process is gone, and the model with it.
                    if sides.iter().any(|(_, side)| side.is_dead()) {
                        break;
                    }
                }
            }
        }
    }
    Ok(finished)
}

impl Finished {
    fn fail(
        &mut self,
        label: &str,
        scenario: Option<Scenario>,
        side: Option<BenchSide>,
        failure: &Failure,
        progress: &Progress,
    ) {
        let of_side = side.map_or(String::new(), |side| format!(" ({})", side_name(side)));
        let in_scenario = scenario.map_or(String::new(), |scenario| format!(", {scenario}"));
        progress.warn(&format!("{label}{in_scenario}{of_side}: {failure}"));
        let scenario = scenario.map(|scenario| scenario.name().to_owned());
        self.failed.push(Failed {
            label: label.into(),
            scenario,
            side,
            reason: failure.to_string(),
        });
    }
}

/// The sides that are measured in turns, the base first; one without a base.
type Sides<'a> = Vec<(Option<BenchSide>, Side<'a>)>;
type SideFailure = (Option<BenchSide>, Box<Failure>);

/// What is opened for a cell.
struct Opening<'a> {
    plan: &'a Plan,
    new: &'a PlannedRun,
    base: Option<(&'a Plan, &'a PlannedRun)>,
}

impl<'a> Opening<'a> {
    /// Opens the models of all sides, `first` first.
    fn open(&self, first: BenchSide, progress: &mut Progress) -> Result<Sides<'a>, SideFailure> {
        let Some((base_plan, base)) = self.base else {
            let side = Side::open(self.plan, self.new, progress)
                .map_err(|failure| (None, Box::new(failure)))?;
            return Ok(vec![(None, side)]);
        };
        let mut all = [(base_plan, base, BenchSide::Base), (self.plan, self.new, BenchSide::New)];
        if first == BenchSide::New {
            all.reverse();
        }
        let mut sides = Vec::new();
        for (plan, cell, name) in all {
            let side = Side::open(plan, cell, progress)
                .map_err(|failure| (Some(name), Box::new(failure)))?;
            sides.push((Some(name), side));
        }
        sides.sort_by_key(|(name, _)| *name == Some(BenchSide::New));
        Ok(sides)
    }
}

/// The part of a repetition's queries that a process that was just started answers first.
const FRESH_WARMUP: f64 = 0.5;

/// All repetitions of all sides in one scenario.
fn measure<'a>(
    opening: &Opening<'a>,
    sides: &mut Sides<'a>,
    scenario: Scenario,
    options: &BenchOptions,
    progress: &mut Progress,
) -> Result<Vec<BenchRecord>, SideFailure> {
    let started = SystemTime::now();
    let is_pair = sides.len() > 1;
    let mut rates = Vec::new();
    for (name, side) in &mut *sides {
        let rate = side.warm_up(scenario, options.warmup_seconds, options.seed, progress);
        rates.push(rate.map_err(|failure| (*name, Box::new(failure)))?);
    }
    // The base, where there is one, says how many queries there are, so that both sides answer the same.
    let reached = rates.first().copied().unwrap_or_default();
    let rate =
        (scenario == Scenario::Server).then(|| options.rate.unwrap_or(SERVER_LOAD * reached));
    let request = request(scenario, options, reached, rate, is_pair);
    let queries = request.queries * u64::from(options.turns);
    let fresh =
        (is_pair && !options.keep_open).then_some((FRESH_WARMUP * queries as f64).ceil() as u64);
    let mut all: Vec<Done> = sides.iter().map(|_| Done::default()).collect();
    let mut rounds = Rounds::begin(progress, scenario, options.repetitions);
    for repetition in 0..u64::from(options.repetitions) {
        let first = first_side(options.seed, repetition);
        if let Some(queries) = fresh {
            reopen(opening, sides, first, (scenario, queries), options.seed)?;
        }
        let workers: Vec<u32> = sides.iter().map(|(_, side)| side.process()).collect();
        let mut turns: Vec<Turns> = sides.iter().map(|_| Turns::default()).collect();
        let turns_a_round = if is_pair { u64::from(options.turns) } else { 1 };
        for turn in repetition * turns_a_round..(repetition + 1) * turns_a_round {
            for index in order(sides.len(), first_side(options.seed, turn)) {
                let (name, side) = &mut sides[index];
                let request = BenchRequest { repetition: turn, ..request.clone() };
                side.measure(
                    request,
                    &workers,
                    &mut turns[index],
                    &mut all[index].noise,
                    rounds.progress,
                )
                .map_err(|failure| (*name, Box::new(failure)))?;
            }
        }
        for (((_, side), done), turns) in sides.iter().zip(&mut all).zip(turns) {
            side.finish_round(turns, scenario, options.latency_bound, done);
        }
        rounds.advance();
    }
    drop(rounds);
    let pair = pair_id(sides, scenario, started);
    let records = sides.iter().zip(&all).map(|((name, side), done)| {
        let pair = name.map(|name| (pair.clone(), name));
        record(side, done, &Place { scenario, rate, pair, started }, options)
    });
    Ok(records.collect())
}

/// The order in which sides are measured in a round.
fn order(sides: usize, first: BenchSide) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sides).collect();
    if first == BenchSide::New {
        order.reverse();
    }
    order
}

/// Starts both sides in new processes, which answer so many queries before they are measured: as many on either side,
/// for what a process has done decides how much memory it holds.
///
/// Where a process lies in memory, and which CPU it is woken on, may make it slower than its twin for as long as it
/// lives. Were the same two processes measured in all rounds, that would look like a difference of what they run.
fn reopen<'a>(
    opening: &Opening<'a>,
    sides: &mut Sides<'a>,
    first: BenchSide,
    (scenario, queries): (Scenario, u64),
    seed: u64,
) -> Result<(), SideFailure> {
    sides.clear();
    // What a plugin says while it opens a model was said the first time.
    let mut quiet = Progress::new(true);
    *sides = opening.open(first, &mut quiet)?;
    for index in order(sides.len(), first) {
        let (name, side) = &mut sides[index];
        side.answer(scenario, queries, seed, 0, &quiet)
            .map_err(|failure| (*name, Box::new(failure)))?;
    }
    Ok(())
}

/// One repetition, of a side that answers `reached` queries a second; of a pair, one turn. Two sides answer the same
/// queries, however long each takes.
fn request(
    scenario: Scenario,
    options: &BenchOptions,
    reached: f64,
    rate: Option<f64>,
    is_pair: bool,
) -> BenchRequest {
    let turns = if is_pair { u64::from(options.turns) } else { 1 };
    let expected = (rate.unwrap_or(reached) * options.seconds).ceil() as u64;
    let traffic = match (scenario, rate) {
        (Scenario::Offline, _) => Traffic::Offline,
        (Scenario::Server, Some(rate)) => Traffic::Server { rate },
        _ => Traffic::SingleStream,
    };
    BenchRequest {
        traffic,
        queries: options.min_queries.max(expected).div_ceil(turns),
        min_seconds: if is_pair { 0.0 } else { options.seconds },
        seed: options.seed,
        repetition: 0,
        send_logits: false,
    }
}

/// What both sides of a pair, and no other record, have in common.
fn pair_id(sides: &Sides<'_>, scenario: Scenario, started: SystemTime) -> String {
    let since = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let inputs: Vec<String> = sides.iter().map(|(_, side)| side.cell.inputs.id()).collect();
    let (inputs, process) = (inputs.join(" "), std::process::id());
    let text = format!("{inputs} {scenario} {} {} {process}", rfc3339(started), since.as_nanos());
    let mut id = crate::digest::sha256_hex(text.as_bytes());
    id.truncate(16);
    id
}

fn side_name(side: BenchSide) -> &'static str {
    match side {
        BenchSide::Base => "base",
        BenchSide::New => "new",
    }
}

fn label_of(record: &BenchRecord) -> String {
    let side = record.side.map_or(String::new(), |side| format!(" ({})", side_name(side)));
    format!("{}, {}{side}", record.inputs.key.label(), record.scenario)
}
