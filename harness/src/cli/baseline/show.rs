//! `kobench baseline show`; as JSON it is baseline.json itself.

use std::io::Write;

use super::{ShowArgs, read};
use crate::baseline::Baseline;
use crate::cli::CliError;
use crate::cli::shared::{TextFormat, write_json};
use crate::error::Error;
use crate::record::CellRecord;
use crate::report::number::one_line;
use crate::report::{Format, Look, render, table};

pub(super) fn show(args: &ShowArgs, look: &Look, out: &mut dyn Write) -> Result<(), CliError> {
    let baseline = read(&args.folder, &args.name)?;
    if args.format == TextFormat::Json {
        let record = serde_json::to_value(&baseline.record).map_err(Error::from)?;
        return Ok(write_json(out, &record)?);
    }
    let text = head(&baseline) + &cells(&baseline, look)? + &benches(&baseline, look);
    out.write_all(text.as_bytes()).map_err(Error::from)?;
    Ok(())
}

fn head(baseline: &Baseline) -> String {
    let record = &baseline.record;
    let mut lines = vec![format!("{}, made {}", record.name, record.created_at)];
    lines.extend(record.note.iter().map(|note| one_line(note)));
    let run = &record.run;
    let known = |name: &str, value: &Option<String>| {
        value.as_ref().map(|value| format!("{name} {}", one_line(value)))
    };
    let cpu = run.host.as_ref().and_then(|host| host.cpu_model.clone());
    let details: Vec<String> = [
        known("run of", &run.created_at),
        known("kobench", &run.kobench_version),
        known("revision", &run.git_revision),
        known("on", &cpu),
    ]
    .into_iter()
    .flatten()
    .collect();
    lines.extend((!details.is_empty()).then(|| details.join(", ")));
    lines.join("\n") + "\n\n"
}

fn cells(baseline: &Baseline, look: &Look) -> Result<String, Error> {
    let cells: Vec<CellRecord> = baseline.cells.iter().map(|cell| cell.record.clone()).collect();
    if cells.is_empty() { Ok(String::new()) } else { render(&cells, Format::Terminal, look) }
}

fn benches(baseline: &Baseline, look: &Look) -> String {
    if baseline.benches.is_empty() {
        return String::new();
    }
    let mut benches = table(look);
    benches.set_header(["Cell", "Scenario", "Measure", "Median", "Repetitions"]);
    for bench in &baseline.benches {
        for (name, measure) in &bench.measures {
            benches.add_row([
                one_line(&bench.inputs.key.label()),
                bench.scenario.clone(),
                one_line(name),
                format!("{:.6}", measure.median),
                measure.values.len().to_string(),
            ]);
        }
    }
    format!("\n{}\n", benches.trim_fmt())
}
