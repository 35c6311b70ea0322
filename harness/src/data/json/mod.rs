//! JSON files, read value by value: never more than one row beside the rows that are kept.

mod cursor;
mod fields;
pub(super) mod lines;
pub(super) mod list;

pub(super) use cursor::{Cursor, Key};
