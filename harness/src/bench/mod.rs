//! How fast a model is: `kobench bench`.
//!
//! Scenarios and rules are those of MLPerf's load generator (V. J. Reddi et al., "MLPerf Inference Benchmark",
//! arXiv:1911.02549), as far as one machine needs them:
//!
//! - **offline**: all queries at once, throughput; **single-stream**: one after the other, latency; **server**: Poisson
//!   arrivals at a rate, latency under a load, and how many queries keep a bound.
//! - A query is a row. Rows are drawn without repetition until all were drawn; the record says how often that was.
//! - A warm-up that does not count says how many queries a repetition needs to last as long as it should.
//! - Tokenising, the model's forward pass, and everything together have clocks of their own, all in the worker.
//! - Each quantity is measured in several repetitions; records have them all, with the median and its interval.
//! - A machine that was not quiet, or that held its clocks down, is named (`machine`).
//!
//! With a base ([`Against`]) two sides are measured in turns on one machine, so that what slows the machine down falls
//! on both, and each round is measured in new processes: a process may be slower than its twin for as long as it lives
//! (T. Kalibera and R. Jones, "Rigorous benchmarking in reasonable time", ISMM 2013). A
//! round has several turns of each side and counts with their median, which a burst of somebody else's work does not
//! move. `crate::compare::speed` judges the pairs.

mod against;
mod execute;
mod machine;
mod measures;
mod options;
mod record;
mod rounds;
mod side;
mod telemetry;

pub use against::Against;
pub use execute::{BenchPlan, Failed, Finished, execute};
pub use measures::{gates, is_memory, main_measure};
pub use options::{BenchOptions, SERVER_LOAD, Scenario};
