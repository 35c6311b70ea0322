//! What a run leaves behind: its cells, their predictions, and the directory that holds them.
//!
//! ```text
//! RUN/run.json                    RunRecord: the plan, the host, the command line
//! RUN/cells/ID/cell.json          CellRecord: one model on one split of one task
//! RUN/cells/ID/predictions.jsonl  PredictionRow: one line an example, in the order of the dataset
//! RUN/cells/ID/train.jsonl        TrainingStep: one line an optimiser step, where the cell trained the model
//! RUN/cells/ID/train.svg          the course of the training, as a picture
//! RUN/cells/ID/model/             the model that it trained, as a Hugging Face directory
//! RUN/bench/ID.json               BenchRecord: the speed of one model on one task's rows in one scenario
//! ```
//!
//! Every record carries [`SCHEMA_VERSION`]; the JSON Schemas are in `harness/schemas`. Metrics are
//! fractions from 0 to 1, never percent.

mod bench;
mod bench_dir;
mod cell;
mod dir;
mod error;
mod host;
mod inputs;
mod key;
mod lock;
mod pooled;
mod prediction;
mod run;
#[cfg(test)]
mod schema_tests;
mod telemetry;
#[cfg(test)]
pub(crate) mod testing;
mod time;
mod training;

pub use bench::{BenchRecord, BenchSide, BenchVolume, Measure};
pub use bench_dir::read_benches;
pub use cell::{
    Backend, Cause, CauseKind, CellRecord, Memory, MetricValue, PerClass, PerEntity,
    PredictionsFile, Status, Throughput, Tokens,
};
pub(crate) use dir::read_record;
pub use dir::{
    RunDir, predictions_path, read_cells, read_run, trust_predictions, verify_predictions,
};
pub use error::RecordError;
pub use host::Host;
pub use inputs::{CellInputs, DataInfo, PluginInfo, WeightsInfo, WeightsSource};
pub use key::CellKey;
pub(crate) use lock::Lock;
pub use pooled::{SEEDS, SeedSpread, pool_seeds};
pub use prediction::{
    Output, PredictionReader, PredictionRow, PredictionWriter, Word, read_predictions,
};
pub use run::{PlannedCell, RunRecord};
pub use telemetry::{EnergySource, MeanMax, Range, Telemetry, Throttling};
pub use time::rfc3339;
pub use training::{
    Alternative, EvaluationRecord, FineTuneInputs, RecipeRecord, SelectionRecord, TrainedModel,
    TrainingRecord, TrainingRows, TrainingStep, TrainingThroughput,
};

#[cfg(test)]
pub(crate) use schema_tests::validator;

/// The selection policy of a cell that trained nothing: somebody else chose the checkpoint.
pub const AS_GIVEN: &str = "checkpoint as given";

/// The version of every record in this module; it changes when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;
