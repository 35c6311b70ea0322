//! `kobench baseline list`; harness/schemas/baseline-list.schema.json.

use std::io::Write;

use serde::Serialize;

use super::ListArgs;
use crate::baseline::read;
use crate::cli::CliError;
use crate::cli::shared::{TextFormat, write_json};
use crate::error::Error;
use crate::report::number::{grouped, one_line};
use crate::report::{Look, table};

#[derive(Serialize)]
struct Listed {
    name: String,
    created_at: String,
    note: Option<String>,
    cells: usize,
    rows: u64,
    benches: usize,
    git_revision: Option<String>,
}

pub(super) fn list(args: &ListArgs, look: &Look, out: &mut dyn Write) -> Result<(), CliError> {
    let folder = args.folder.folder();
    let mut listed = Vec::new();
    for name in folder.names()? {
        let baseline = read(&folder.find(&name)?)?;
        listed.push(Listed {
            name,
            created_at: baseline.record.created_at,
            note: baseline.record.note,
            cells: baseline.cells.len(),
            rows: baseline.cells.iter().map(|cell| cell.record.n).sum(),
            benches: baseline.benches.len(),
            git_revision: baseline.record.run.git_revision,
        });
    }
    if args.format == TextFormat::Json {
        let document = serde_json::json!({ "schema_version": 1, "baselines": listed });
        return Ok(write_json(out, &document)?);
    }
    let mut baselines = table(look);
    baselines.set_header(["Baseline", "Made", "Cells", "Rows", "Speeds", "Revision", "Note"]);
    for baseline in &listed {
        let or_none = |text: &Option<String>| text.as_deref().map_or_else(|| "-".into(), one_line);
        baselines.add_row([
            baseline.name.clone(),
            baseline.created_at.clone(),
            baseline.cells.to_string(),
            grouped(baseline.rows),
            baseline.benches.to_string(),
            or_none(&baseline.git_revision),
            or_none(&baseline.note),
        ]);
    }
    writeln!(out, "{}", baselines.trim_fmt()).map_err(Error::from)?;
    Ok(())
}
