//! Where and with what the numbers were made.

use super::Report;
use super::material::Run;
use super::names::{model_cell, task_name};
use super::section::Section;
use super::table::{Cell, Column, Row, Table, facts};
use crate::record::{CellRecord, Telemetry, WeightsSource};
use crate::report::number::{grouped, one_line};
use crate::report::regression::short;
use crate::text::bytes;

/// The section; none without runs.
pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    let mut section = Section::new(
        "environment",
        "Environment",
        "The machine, the command, and hashes of everything that decides the numbers.",
    );
    for run in &report.material.runs {
        of_run(&mut section, run);
    }
    let cells: Vec<&CellRecord> = report.material.cells.iter().map(|cell| &cell.record).collect();
    if !cells.is_empty() {
        section.folded("Plugins, weights and data of each cell", |section| {
            inputs(&cells).write(&mut section.body);
        });
    }
    let measured: Vec<(&CellRecord, &Telemetry)> =
        cells.iter().filter_map(|cell| Some((*cell, cell.telemetry.as_ref()?))).collect();
    if !measured.is_empty() {
        telemetry(&measured).write(&mut section.body);
    }
    section.unless_empty()
}

fn of_run(section: &mut Section, run: &Run) {
    section.heading(&one_line(&run.path.display().to_string()));
    let Some(record) = &run.record else {
        let missing = "A folder of cells without a run.json: nothing is known of its machine.";
        section.body.leaf("p", &[("class", "quiet")], missing);
        return;
    };
    let host = &record.host;
    let line = |text: &String| one_line(text);
    let cpu = match &host.cpu_model {
        Some(model) => format!("{model}, {} logical CPUs", host.logical_cpus),
        None => format!("{} logical CPUs", host.logical_cpus),
    };
    let system = host.kernel.iter().fold(format!("{} {}", host.os, host.arch), |system, kernel| {
        format!("{system}, kernel {kernel}")
    });
    let version = match &record.git_revision {
        Some(revision) => format!("{}, revision {revision}", record.kobench_version),
        None => record.kobench_version.clone(),
    };
    facts(
        &mut section.body,
        &[
            ("Made", Some(line(&record.created_at))),
            ("kobench", Some(line(&version))),
            ("CPU", Some(line(&cpu))),
            ("Memory", host.memory_bytes.map(bytes)),
            ("System", Some(line(&system))),
            ("Cells planned", Some(grouped(record.plan.len() as u64))),
        ],
    );
    section.body.element("pre", &[("class", "command"), ("tabindex", "0")], |html| {
        html.leaf("code", &[], command_line(&record.command_line));
    });
}

/// A command line as a shell takes it.
fn command_line(words: &[String]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=@%+".contains(c);
    let quoted = |word: &String| {
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn inputs(cells: &[&CellRecord]) -> Table {
    // Enough to tell it from others in the cell; all of it on pointing at it.
    let hash = |name: String, hash: &str| {
        let hash = hash.to_owned();
        Cell::new(move |html| {
            html.text(one_line(&name));
            html.leaf("code", &[("class", "below"), ("title", &hash)], short(&hash));
        })
    };
    let rows = cells.iter().map(|cell| {
        let inputs = &cell.inputs;
        let weights = match (&inputs.weights.source, &inputs.weights.checkpoint) {
            (WeightsSource::Directory, Some(directory)) => directory.clone(),
            (WeightsSource::Directory, None) => "a directory".to_owned(),
            (WeightsSource::Bundled, _) => "bundled".to_owned(),
            (WeightsSource::Random, _) => "random".to_owned(),
        };
        let threads = inputs.threads.to_string();
        let device = cell.backend.device_name.as_deref().unwrap_or(&inputs.device);
        let verified = if inputs.data.verified { "" } else { " (not verified)" };
        let options = inputs.options.iter().map(|(name, value)| format!("{name}={value}"));
        Row::from(vec![
            model_cell(cell),
            Cell::text(task_name(cell)),
            hash(
                format!("{} {}", inputs.plugin.name, inputs.plugin.version),
                &inputs.plugin.sha256,
            ),
            hash(weights, &inputs.weights.sha256),
            hash(format!("{}{verified}", inputs.data.file), &inputs.data.sha256),
            Cell::text(one_line(device)),
            Cell::text(one_line(cell.backend.isa.as_deref().unwrap_or("–"))),
            Cell::text(one_line(&inputs.precision)),
            Cell::number(Some(f64::from(inputs.threads)), |_| threads),
            Cell::text(one_line(&options.collect::<Vec<_>>().join(" "))),
            Cell::new(|html| {
                html.leaf("code", &[], one_line(&cell.id));
            }),
        ])
    });
    Table {
        caption: "What decides the numbers of each cell, with SHA-256".into(),
        columns: vec![
            Column::text("Model"),
            Column::text("Task"),
            Column::text("Plugin"),
            Column::text("Weights"),
            Column::text("Data"),
            Column::text("Device"),
            Column::text("Instructions"),
            Column::text("Precision"),
            Column::number("Threads"),
            Column::text("Options"),
            Column::text("Cell"),
        ],
        rows: rows.collect(),
        sortable: true,
    }
}

fn telemetry(measured: &[(&CellRecord, &Telemetry)]) -> Table {
    let rows = measured.iter().map(|(cell, telemetry)| {
        let throttled = telemetry.throttling.iter().map(|throttling| {
            format!("{} ({:.0}% of the time)", throttling.reason, 100.0 * throttling.share)
        });
        let throttled = throttled.collect::<Vec<_>>().join(", ");
        Row::from(vec![
            model_cell(cell),
            Cell::text(task_name(cell)),
            Cell::text(one_line(cell.backend.device_name.as_deref().unwrap_or("–"))),
            Cell::number(telemetry.sm_clock_mhz.map(|clock| clock.mean), |v| format!("{v:.0}")),
            Cell::number(telemetry.power_watts.map(|power| power.mean), |v| format!("{v:.0}")),
            Cell::number(telemetry.energy_joules, |v| format!("{v:.0}")),
            Cell::number(telemetry.utilisation.map(|u| u.mean), |v| format!("{:.0}%", 100.0 * v)),
            Cell::number(telemetry.temperature_max_celsius.map(f64::from), |v| format!("{v:.0}")),
            Cell::number(telemetry.memory_peak_bytes.map(|b| b as f64), |v| bytes(v as u64)),
            Cell::text(if throttled.is_empty() { "–".to_owned() } else { one_line(&throttled) }),
        ])
    });
    Table {
        caption: "What the GPUs did meanwhile".into(),
        columns: vec![
            Column::text("Model"),
            Column::text("Task"),
            Column::text("GPU"),
            Column::number("SM clock MHz"),
            Column::number("Power W"),
            Column::number("Energy J"),
            Column::number("Busy"),
            Column::number("Highest °C"),
            Column::number("Memory"),
            Column::text("Held down by"),
        ],
        rows: rows.collect(),
        sortable: true,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn command_lines_can_be_pasted() {
        let words = ["kobench", "run", "-m", "a b", "it's", ""].map(str::to_owned);
        assert_eq!(super::command_line(&words), "kobench run -m 'a b' 'it'\\''s' ''");
    }
}
