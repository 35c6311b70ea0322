//! Baselines: what a run came to, small enough to be kept in git and reviewed, and enough to be compared with.
//!
//! ```text
//! results/baselines/NAME/baseline.json   BaselineRecord: the cells' records, and the hash of every other file
//! results/baselines/NAME/rows/ID.txt     the rows of a cell, without texts of the data; see `rows`
//! results/baselines/NAME/bench/ID.json   BenchRecord: a measurement of speed
//! ```
//!
//! A baseline comes whole or not at all: it is written under a temporary name and renamed, and the one that it replaces
//! is put aside until then.

mod error;
mod place;
mod read;
mod record;
mod reduce;
pub mod rows;
#[cfg(test)]
mod tests;
mod write;

pub use error::BaselineError;
pub use place::{FOLDER, Folder, is_baseline};
pub use read::{Baseline, BaselineCell, read};
pub use record::{BaselineRecord, BenchEntry, CellEntry, ContentFile, Origin};
pub use rows::RowsError;
pub use write::{Content, Described, write};

/// The version of [`BaselineRecord`]; it changes when a field changes its meaning or goes.
pub const BASELINE_VERSION: u32 = 1;
