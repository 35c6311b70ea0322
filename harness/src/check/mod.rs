//! The conformance suite of plugins: does a library keep what `kobench_plugin.h` says?
//!
//! A check has a stable id (`abi.null-arguments`), and belongs to a group. Each group runs in a child process
//! (`serve`), for each model whose weights are at hand; what the plugin does to that process is a finding of
//! the check in flight, and a fresh child goes on with the next one (`runner`). [`catalog`] lists all checks.

mod abi;
mod bench;
pub mod catalog;
mod columns;
mod describe;
mod errors;
mod fence;
mod finding;
mod logits;
mod memory;
mod model;
mod outcome;
mod process;
mod protocol;
mod runner;
mod serve;
mod text;
mod tokenizer;
mod training;

pub use catalog::{Check, Group, Selection};
pub use finding::{Finding, Report, Verdict};
pub(crate) use process::Process;
pub use runner::{Options, check_plugin};
pub use serve::serve;
