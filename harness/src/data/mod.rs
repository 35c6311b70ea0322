//! Data sets: where they are, how they are read, and whether they are what the task says.

mod aihub;
mod arena;
mod builder;
mod conll;
mod csv;
mod dataset;
mod error;
mod field;
mod folder;
mod json;
mod labels;
mod layout;
pub(crate) mod lines;
mod locate;
mod reader;
mod row;
mod row_error;
mod squad;
mod store;
mod tsv;

pub use dataset::{Dataset, DatasetOptions};
pub use error::DataError;
pub(crate) use lines::{is_python_space, python_split};
pub use locate::{DataPlaces, SplitFile};
pub use row::{Answer, Answers, Gold, Input, Row, Words};
pub use row_error::{RowError, Shape};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod unshipped_tests;
#[cfg(test)]
mod whole_tests;
