//! `kobench report`: one HTML file about runs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::compare::open;
use super::shared::{DataArgs, TaskArgs, warn};
use super::{CliError, Exit, files};
use crate::compare::{CompareRequest, Policy, compare, gate};
use crate::error::Error;
use crate::history::{History, HistoryOptions, history};
use crate::html::{Figure, Material, Report};
use crate::published::{Comparison, MARGIN_POINTS, Published};
use crate::record::rfc3339;
use crate::report::Judged;
use crate::task::Registry;
use crate::text::bytes;

/// Rows of each kind and cell that changed sides and are listed.
const FLIPS: usize = 20;

/// Write one HTML file about runs
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  kobench report results/runs/demo                                   writes report.html
  kobench report results/runs/a results/runs/b -o both.html          several runs as one
  kobench report results/runs/new --compare main --flips 50          with the verdict against a baseline
  kobench report results/runs/new --history results/runs             and how the numbers went
  kobench report results/runs/new --plots plots/                     each chart as an SVG file, too
  kobench report results/runs/new -o - > report.html

The file is whole: styles, charts and the small script are in it, and it loads nothing. It can be read without its
script, in light and dark, on paper and by keyboard. The exit code says nothing of the numbers; `kobench compare` judges.")]
pub(super) struct Args {
    /// Run directories. A cell that is in several counts once: a done one before a failed one, then the latest
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    /// Where to write it; `-` for standard output
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Compare the run with this one: a run directory, a baseline's name, or its directory
    #[arg(long, value_name = "BASE")]
    compare: Option<PathBuf>,
    /// A policy's name, or the path of a policy file
    #[arg(long, value_name = "FILE|NAME", default_value = Policy::DEFAULT, requires = "compare")]
    policy: String,
    /// Rows that changed sides to list, of each kind and cell; their texts are shown where the data are at hand
    #[arg(long, value_name = "N", default_value_t = FLIPS, requires = "compare")]
    flips: usize,
    /// Show how numbers went over the runs of this folder; may be given several times
    #[arg(long, value_name = "DIR")]
    history: Vec<PathBuf>,
    /// Write each chart as an SVG file into this folder, too
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// The heading [default: the runs' names]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// The published table to stand beside [default: each in which a number of the runs may stand]
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    data: DataArgs,
}

/// Writes the report, and says on `messages` what was written.
///
/// # Errors
/// A run, a policy, a table or a baseline that is not there or is damaged; a file that cannot be written.
pub(super) fn run(
    args: &Args,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<Exit, CliError> {
    if let (Some(base), [_, _, ..]) = (&args.compare, args.runs.as_slice()) {
        let message =
            format!("--compare {}: {} runs were given to compare", base.display(), args.runs.len());
        return Err(CliError::usage(message, "give the one run that is to be judged"));
    }
    // Slips in names should not wait for the runs to be read.
    let policy = Policy::load(Some(&args.policy))?;
    let registry = args.tasks.registry()?;
    let published = Published::load()?;
    if let Some(name) = &args.table {
        published.table(name)?;
    }
    let material = Material::read(&args.runs)?;
    let tables = tables(args, &published, &material, &registry);
    if let (Some(name), false) = (&args.table, tables.iter().any(Comparison::has_ours)) {
        let what = format!("no result of the runs may stand in table {name}");
        warn(messages, &[what]).map_err(Error::from)?;
    }
    let compared = compared(args, &policy, &registry)?;
    let gate = compared.as_ref().map(|comparison| gate(comparison, &policy, false));
    let judged = (compared.as_ref().zip(gate.as_ref())).map(|(comparison, gate)| Judged {
        comparison,
        gate,
        policy: &policy,
    });
    let history = course(args)?;
    let now = rfc3339(SystemTime::now());
    let title = args.title.clone().unwrap_or_else(|| title(&args.runs, args.compare.as_deref()));
    let mut report = Report::new(title, now, &material, &registry);
    report.tables = &tables;
    report.comparison = judged.as_ref();
    report.history = history.as_ref();
    let page = report.page();
    if args.output == Path::new("-") {
        out.write_all(page.html.as_bytes()).and_then(|()| out.flush()).map_err(Error::from)?;
    } else {
        files::write(&args.output, &page.html, "--output")?;
        let size = bytes(page.html.len() as u64);
        writeln!(messages, "wrote {} ({size})", args.output.display()).map_err(Error::from)?;
    }
    if let Some(folder) = &args.plots {
        plots(folder, &page.figures)?;
        let count = page.figures.len();
        writeln!(messages, "wrote {count} charts into {}", folder.display())
            .map_err(Error::from)?;
    }
    Ok(Exit::Done)
}

/// The published tables in which numbers of the runs stand, or the one that was asked for.
fn tables(
    args: &Args,
    published: &Published,
    material: &Material,
    registry: &Registry,
) -> Vec<Comparison> {
    let records = material.records();
    let specs =
        published.tables().filter(|spec| args.table.as_ref().is_none_or(|t| *t == spec.name));
    let compared =
        specs.map(|spec| Comparison::new(published, spec, &records, registry, MARGIN_POINTS));
    compared.filter(|table| args.table.is_some() || stands_beside(table)).collect()
}

/// Whether a number of ours stands beside a published one.
fn stands_beside(table: &Comparison) -> bool {
    let mut cells = table.rows.iter().flat_map(|row| &row.cells);
    cells.any(|cell| cell.ours.is_some() && cell.published.is_some())
}

fn compared(
    args: &Args,
    policy: &Policy,
    registry: &Registry,
) -> Result<Option<crate::compare::Comparison>, CliError> {
    let Some(base) = &args.compare else { return Ok(None) };
    let (base, new) = (open(base)?, open(&args.runs[0])?);
    let request = CompareRequest {
        base: &base,
        new: &new,
        policy,
        registry,
        flips: args.flips,
        data: (args.flips > 0).then(|| args.data.places()),
        seed: 0,
    };
    Ok(Some(compare(&request)?))
}

fn course(args: &Args) -> Result<Option<History>, CliError> {
    if args.history.is_empty() {
        return Ok(None);
    }
    Ok(Some(history(&args.history, &HistoryOptions::default())?))
}

fn plots(folder: &Path, figures: &[Figure]) -> Result<(), CliError> {
    figures.iter().try_for_each(|figure| {
        files::write(&folder.join(format!("{}.svg", figure.name)), &figure.svg, "--plots")
    })
}

/// `a, b and 3 more`, and what it is compared with.
fn title(runs: &[PathBuf], base: Option<&Path>) -> String {
    const NAMED: usize = 3;
    let name = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.unwrap_or_else(|| path.display().to_string())
    };
    let mut title = runs.iter().take(NAMED).map(|run| name(run)).collect::<Vec<_>>().join(", ");
    if runs.len() > NAMED {
        title.push_str(&format!(" and {} more", runs.len() - NAMED));
    }
    base.map_or_else(|| title.clone(), |base| format!("{title} against {}", name(base)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_named_after_its_runs() {
        let runs: Vec<PathBuf> = ["runs/a", "b", "c", "d"].map(PathBuf::from).to_vec();
        assert_eq!(title(&runs[..1], None), "a");
        assert_eq!(title(&runs, None), "a, b, c and 1 more");
        assert_eq!(title(&runs[..1], Some(Path::new("results/main"))), "a against main");
        assert_eq!(title(&[PathBuf::from("..")], None), "..");
    }
}
