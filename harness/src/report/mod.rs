//! The leaderboard: cells of one or more runs as a table.

mod csv_table;
mod markdown;
mod row;
mod terminal;

pub use row::{Leaderboard, Row};
