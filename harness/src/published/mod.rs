//! Published numbers, and whether ours agree with them.
//!
//! [`Published`] holds every number of results/published with its source, [`judge`] compares one of ours with one of
//! them, and [`Comparison`] is a whole published table with ours beside it.

mod against;
mod caveats;
mod cell;
mod choose;
mod comparison;
mod error;
mod library;
mod notes;
mod table;
mod verdict;

pub use against::Against;
pub use caveats::Caveat;
pub use cell::{Generation, PublishedCell, Unit};
pub use choose::LeftOut;
pub use comparison::{
    ComparedCell, ComparedRow, Comparison, Judgement, OtherCell, Ours, RowSource,
};
pub use error::PublishedError;
pub use library::{Published, Source};
pub use table::{TableColumn, TableRow, TableSpec};
pub use verdict::{IDENTICAL_POINTS, Interval, MARGIN_POINTS, Verdict, judge};
