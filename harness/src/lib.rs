//! kobench: a plugin-based benchmark harness for Korean language models.
//!
//! The rooms, from the outside in:
//! - [`cli`]: the command line;
//! - [`run`]: plans models x tasks, evaluates each cell, writes a record of each;
//! - [`worker`]: processes that hold one plugin each;
//! - [`gpu`]: which GPUs a run may use, and what is known of them while it does;
//! - [`plugin`]: finds, loads and calls model libraries; [`check`] holds one against the interface's rules,
//!   and [`plugin_new`] writes one to begin with;
//! - [`selftest`]: whether a device computes rightly, and how fast, by a plugin's own account;
//! - [`task`] and [`data`]: what a task is, and its rows as the reference read them;
//! - [`qa`]: windows and logits to answers; [`tokens`]: what a tokeniser makes of a data set;
//! - [`download`] gets files whole and checked, or not at all; [`inventory`]: what of the data is here;
//!   [`hub`]: models of the Hugging Face Hub, and its cache on this machine;
//! - [`task`] and [`data`]: what a task is, and its rows as the reference read them; [`scaffold`] writes
//!   task files for data files;
//! - [`recipe`]: how models are fine-tuned, by task and model;
//! - [`metrics`] and [`stats`]: numbers, and how certain they are;
//! - [`mod@bench`]: how fast models are; [`audit`]: whether they answer alike however they are asked;
//! - [`score`]: any system's predictions;
//! - [`record`] and [`report`]: what a run leaves behind, and the tables made of it;
//! - [`plot`]: charts as SVG;
//! - [`published`]: published numbers, and whether ours agree with them;
//! - [`compare`]: two runs on the same rows, and whether the new one is worse; [`baseline`]: runs that are kept to be
//!   compared with; [`history`]: many runs, and where
//!   their numbers moved;
//! - [`html`]: one HTML file about runs, with the charts of [`plot`].

pub mod audit;
pub mod baseline;
pub mod bench;
pub mod check;
pub mod cli;
pub mod compare;
pub mod data;
pub mod digest;
pub mod dirs;
pub mod download;
pub mod error;
pub mod gpu;
pub mod hint;
pub mod history;
pub mod html;
pub mod hub;
pub mod inventory;
pub mod metrics;
pub mod plot;
pub mod plugin;
pub mod plugin_new;
pub mod published;
pub mod qa;
pub mod recipe;
pub mod record;
pub mod report;
pub mod run;
pub mod scaffold;
pub mod score;
pub mod selftest;
pub mod stats;
pub mod suggest;
pub mod task;
pub mod text;
pub mod tokens;
pub mod worker;

/// This release.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
