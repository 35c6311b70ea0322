//! `kobench baseline set`.

use std::io::Write;

use super::SetArgs;
use crate::baseline::{BaselineError, Content, Described, Origin, read, write};
use crate::cli::CliError;
use crate::compare::{CompareError, Evidence, Rows, Source};
use crate::error::Error;
use crate::record::CellRecord;
use crate::task::Registry;
use crate::text::bytes;

pub(super) fn set(
    args: &SetArgs,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<(), CliError> {
    let folder = args.folder.folder();
    if folder.find(&args.name).is_ok() && !args.force {
        // Before the predictions of a large run are read.
        return Err(BaselineError::Exists { name: args.name.clone() }.into());
    }
    let registry = args.tasks.registry()?;
    let source = Source::open(&args.run)?;
    let (done, failed): (Vec<_>, Vec<_>) = source.cells.iter().partition(|cell| cell.is_done());
    for cell in failed {
        let (label, status) = (cell.inputs.key.label(), cell.status.label());
        writeln!(messages, "warning: {label} failed ({status}) and is left out")
            .map_err(Error::from)?;
    }
    if done.is_empty() && source.benches.is_empty() {
        return Err(BaselineError::Empty { run: args.run.clone() }.into());
    }
    let mut content = Content { cells: Vec::new(), benches: source.benches.clone() };
    for cell in done {
        let mut evidence = evidence(&source, cell, &registry)?;
        if let (true, Rows::Labels { scores, .. }) = (args.without_logits, &mut evidence.rows) {
            *scores = None;
        }
        content.cells.push((cell.clone(), evidence));
    }
    let origin = Origin::from(&source.side);
    let described = Described { name: &args.name, note: args.note.as_deref(), run: &origin };
    let path = write(&folder, described, &content, args.force)?;
    // Read again: what cannot be compared with is no baseline.
    let baseline = read(&path)?;
    baseline.check()?;
    let (cells, benches) = (baseline.cells.len(), baseline.benches.len());
    let size = bytes(baseline.bytes()?);
    writeln!(out, "{}", path.display()).map_err(Error::from)?;
    writeln!(
        messages,
        "{cells} {}, {benches} {} of speed, {size}; commit the folder to review and share it",
        if cells == 1 { "cell" } else { "cells" },
        if benches == 1 { "measurement" } else { "measurements" },
    )
    .map_err(Error::from)?;
    Ok(())
}

fn evidence(
    source: &Source,
    cell: &CellRecord,
    registry: &Registry,
) -> Result<Evidence, CompareError> {
    let key = &cell.inputs.key;
    let failed = |source| CompareError::Task { cell: key.label(), source };
    let task = registry.get(&key.task).map_err(failed)?;
    if task.version != key.task_version {
        return Err(CompareError::TaskVersion {
            cell: key.label(),
            recorded: key.task_version,
            known: task.version,
        });
    }
    source.evidence(cell, &task)
}
