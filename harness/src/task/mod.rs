//! Tasks and suites: YAML files that say what is read, how, and how it is scored.

mod check;
mod column;
mod embedded;
mod error;
mod parse;
mod registry;
mod schema;
mod suite;

pub use column::Column;
pub use embedded::embedded_file;
pub(crate) use embedded::embedded_yaml;
pub use error::TaskError;
pub(crate) use parse::{line_of, parse};
pub use registry::Registry;
pub use schema::{
    Columns, EmptyText, Format, Kind, Label, Origin, Part, Piece, QaOptions, Reader, Scoring,
    Selection, Split, SplitLocation, TagScheme, Task, Template, TextSource,
};
pub use suite::{Suite, SuiteFineTune, SuiteTask};
