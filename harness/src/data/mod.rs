//! Data sets: where they are, how they are read, and whether they are what the task says.

mod dataset;
mod error;
pub(crate) mod lines;
mod locate;
mod row;
mod store;
mod tsv;

pub use dataset::{Dataset, DatasetOptions};
pub use error::{DataError, RowError};
pub use locate::{DataPlaces, SplitFile};
pub use row::{Answer, Answers, Gold, Input, Row, Words};
