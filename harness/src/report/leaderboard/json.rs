//! The leaderboard as harness/schemas/leaderboard.schema.json says.

use serde::Serialize;

use super::{Leaderboard, LeaderboardRow};
use crate::error::Error;
use crate::record::SCHEMA_VERSION;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    rows: Vec<&'a LeaderboardRow>,
    notes: &'a [String],
}

pub(super) fn render(leaderboard: &Leaderboard) -> Result<String, Error> {
    let document = Document {
        schema_version: SCHEMA_VERSION,
        rows: leaderboard.entries.iter().map(|entry| &entry.row).collect(),
        notes: &leaderboard.notes,
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}
