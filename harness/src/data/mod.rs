//! Data sets: where they are, how they are read, and whether they are what the task says.

mod dataset;
mod error;
mod lines;
mod locate;
mod tsv;

pub use dataset::{Dataset, DatasetOptions, Row};
pub use error::{DataError, RowError};
pub use locate::{DataPlaces, SplitFile};
