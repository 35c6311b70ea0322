//! A model that is open in a worker of its own, to be measured again and again.

use super::Scenario;
use super::machine::{Noise, Snapshot, throttle_events};
use super::measures;
use crate::gpu::{DeviceStats, Recorder};
use crate::record::{Backend, Telemetry};
use crate::run::{How, Open, Plan, PlannedRun, Progress, backend, head, ready};
use crate::worker::{BenchRequest, BenchRows, Benched, Event, Failure, RowInput, Traffic};
use std::collections::BTreeMap;
use std::time::Instant;

/// Queries of the first pass of a warm-up; each further one has twice as many.
const FIRST_PASS: u64 = 16;

/// One side of a comparison, or all that is measured.
pub(super) struct Side<'a> {
    pub(super) cell: &'a PlannedRun,
    pub(super) how: How,
    label: String,
    open: Open,
}

/// What a side has done in one scenario so far.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The measures of each repetition.
    pub(super) measures: Vec<BTreeMap<&'static str, f64>>,
    /// Queries of each.
    pub(super) queries: Vec<u64>,
    /// How often one of them went through the rows at most.
    pub(super) times_through: u64,
    /// Of the GPU, for each.
    pub(super) telemetry: Vec<Telemetry>,
    /// Of the machine.
    pub(super) noise: Noise,
    /// Tokens a batch at the end, and how often they were halved.
    pub(super) budget: u64,
    pub(super) budget_halvings: u32,
}

/// The turns of one repetition.
#[derive(Debug, Default)]
pub(super) struct Turns {
    benched: Vec<Benched>,
    /// Of the GPU, for each; empty on a CPU.
    telemetry: Vec<Telemetry>,
}

impl<'a> Side<'a> {
    /// Opens the model of a cell and gives its worker the rows.
    pub(super) fn open(
        plan: &Plan,
        cell: &'a PlannedRun,
        progress: &mut Progress,
    ) -> Result<Self, Failure> {
        let label = cell.inputs.key.short_label();
        let gpu = plan.gpus.first().map_or("cuda:0", String::as_str);
        let open = ready(plan, cell, gpu, None, &progress.cell(&label, 0))?;
        let how = cell.how(&DeviceStats::read(&open.opened.stats));
        let mut side = Self { cell, how, label, open };
        let rows = BenchRows {
            examples: cell.dataset.rows().map(|row| RowInput::from(row.input)).collect(),
            head: head(cell.task.kind),
            encoding: how.encoding,
            batch_tokens: how.batch_tokens,
            overlap: how.overlap,
        };
        side.open.worker.bench_rows(rows, &mut log(&side.label, progress))?;
        Ok(side)
    }

    /// The worker's process.
    pub(super) fn process(&self) -> u32 {
        self.open.worker.id()
    }

    /// Whether the worker is of no more use.
    pub(super) fn is_dead(&self) -> bool {
        self.open.worker.is_dead()
    }

    /// Lets the model answer for some seconds, in ever larger passes, and gives the queries a second of the last one.
    pub(super) fn warm_up(
        &mut self,
        scenario: Scenario,
        seconds: f64,
        seed: u64,
        progress: &Progress,
    ) -> Result<f64, Failure> {
        let (started, mut queries) = (Instant::now(), FIRST_PASS);
        for pass in 0.. {
            let benched = self.answer(scenario, queries, seed, pass, progress)?;
            if started.elapsed().as_secs_f64() >= seconds {
                return Ok(benched.queries as f64 / benched.done.total_seconds.max(1e-9));
            }
            queries *= 2;
        }
        Ok(0.0)
    }

    /// Lets the model answer so many queries that do not count. A server's are offline, which is what its rate is a
    /// part of.
    pub(super) fn answer(
        &mut self,
        scenario: Scenario,
        queries: u64,
        seed: u64,
        pass: u64,
        progress: &Progress,
    ) -> Result<Benched, Failure> {
        let traffic = match scenario {
            Scenario::Offline | Scenario::Server => Traffic::Offline,
            Scenario::SingleStream => Traffic::SingleStream,
        };
        // No repetition that counts has such a number, so that the order is that of none.
        let (min_seconds, repetition) = (0.0, u64::from(u32::MAX) + pass);
        let request =
            BenchRequest { traffic, queries, min_seconds, seed, repetition, send_logits: false };
        self.ask(request, progress)
    }

    fn ask(&mut self, request: BenchRequest, progress: &Progress) -> Result<Benched, Failure> {
        self.open.worker.bench(request, &mut log(&self.label, progress))
    }

    /// One turn, or all of a repetition. `workers` are all processes that belong to the measurement.
    pub(super) fn measure(
        &mut self,
        request: BenchRequest,
        workers: &[u32],
        turns: &mut Turns,
        noise: &mut Noise,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let stats = DeviceStats::read(&self.open.opened.stats);
        let recorder = Recorder::start(&self.cell.inputs.device, stats.uuid.as_deref());
        let (before, hot) = (Snapshot::take(workers), throttle_events());
        let benched = self.ask(request, progress);
        noise.add(before, Snapshot::take(workers));
        noise.add_throttling(throttle_events().saturating_sub(hot));
        turns.telemetry.extend(recorder.map(Recorder::finish));
        turns.benched.push(benched?);
        Ok(())
    }

    /// Takes a repetition in, whose turns are all done.
    pub(super) fn finish_round(
        &self,
        turns: Turns,
        scenario: Scenario,
        bound: Option<f64>,
        done: &mut Done,
    ) {
        let energies: Vec<Option<f64>> = if turns.telemetry.is_empty() {
            vec![None; turns.benched.len()]
        } else {
            turns.telemetry.iter().map(|seen| seen.energy_joules).collect()
        };
        let inputs = &self.cell.inputs;
        done.measures.push(measures::of_turns(&turns.benched, scenario, inputs, bound, &energies));
        done.queries.push(turns.benched.iter().map(|turn| turn.queries).sum());
        for benched in &turns.benched {
            done.times_through = done.times_through.max(benched.times_through);
            done.budget = benched.done.budget;
            done.budget_halvings += benched.done.budget_halvings;
        }
        done.telemetry.extend(turns.telemetry);
    }

    /// What it computes on.
    pub(super) fn backend(&self) -> Backend {
        backend(DeviceStats::read(&self.open.opened.stats), self.cell.on_gpu())
    }
}

/// Shows what the plugin logs.
fn log<'p>(label: &'p str, progress: &'p Progress) -> impl FnMut(Event) + use<'p> {
    move |event| {
        if let Event::Log { level, message } = event {
            progress.log_line(label, level, &message);
        }
    }
}
