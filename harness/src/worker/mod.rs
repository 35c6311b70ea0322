//! Worker processes: one for each (model, weights, device), with the plugin inside.
//!
//! A worker is this same executable, started as `kobench worker`. It speaks `protocol` over a socket
//! that it finds as its standard input, so that a plugin that prints to standard output disturbs nothing.
//! Whatever a plugin does to its process (a crash, an exit, a hang) ends that process alone; [`Worker`]
//! says what it was.

mod batching;
mod bench;
mod chunks;
mod describe;
mod encoding;
mod evaluate;
mod failure;
pub(crate) mod frame;
mod logits;
mod memory;
pub(crate) mod output;
mod process;
mod protocol;
mod server;
mod tokenize;
mod train;

pub use batching::batches;
pub use bench::{BenchRequest, BenchRows, Benched, Traffic};
pub use describe::describe;
pub(crate) use failure::of_exit;
pub use failure::{Failure, FailureKind, signal_name};
pub use process::{Limits, Worker};
pub use protocol::{
    BeginRequest, Encoding, Ended, EvaluateRequest, Evaluated, Event, InspectRequest, Logits,
    OpenRequest, Opened, PrepareRequest, Prepared, RowInput, RowTargets, Sequence, SpanLogits,
    StateRequest, StepRequest, Stepped, TokenizeRequest,
};
pub use server::serve;
pub(crate) use server::{end_with, take_socket};
