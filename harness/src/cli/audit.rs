//! `kobench audit`: does a model answer alike however it is asked?

use super::measured::MeasuredArgs;
use super::shared::{TextFormat, write_json};
use super::{CliError, Exit};
use crate::audit::{AUDIT_VERSION, Audit, Auditor, Check, Failed, Outcome};
use crate::error::Error;
use crate::report::{Cell, Column, Grid, Look, Tone, render_grid, wrapped};
use crate::run::Progress;
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  kobench audit -m kcbert-demo -t nsmc --split sample
  kobench audit -m kcbert-base --checkpoint ./kcbert-nsmc -t nsmc --limit 100 --device cuda:0 --precision bf16

The rows are answered as an evaluation does, and then: again (same-twice: the same bits), a row a batch and all rows in
one batch, in another order, in each scenario of `kobench bench` (performance-..), with 1, 2 and all threads, and on the
other device where there is one. Logits may differ by 1e-4 of the largest logit in f32 and by 8e-2 in bf16. Caching:
texts that come again may be answered 1.25 times as fast as new ones.

Exit codes: 0 every check passed or had nothing to check here; 1 a check failed; 2 wrong usage.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    measured: MeasuredArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
}

/// Rows that are audited where nobody says how many: enough for batches to differ, few enough for a minute.
const ROWS: u64 = 256;

pub(super) fn run(args: &Args, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    let mut options = args.measured.options()?;
    options.limit = options.limit.or(Some(ROWS));
    let (catalog, registry) = (args.measured.plugins.catalog(), args.measured.tasks.registry()?);
    let auditor = Auditor { options: &options, catalog: &catalog, registry: &registry };
    let (audits, failed) = auditor.audit(&mut Progress::new(args.measured.quiet))?;
    match args.format {
        TextFormat::Json => {
            let document = serde_json::json!({
                "schema_version": AUDIT_VERSION, "audits": audits, "failed": failed
            });
            write_json(to, &document)?;
        }
        TextFormat::Terminal => {
            to.write_all(terminal(&audits, &failed, look).as_bytes()).map_err(Error::from)?;
        }
    }
    Ok(Exit::of_verdict(failed.is_empty() && audits.iter().all(Audit::is_good)))
}

fn terminal(audits: &[Audit], failed: &[Failed], look: &Look) -> String {
    let mut text = String::new();
    for audit in audits {
        let inputs = &audit.inputs;
        let on = format!("{} {}, {} threads", inputs.device, inputs.precision, inputs.threads);
        let head = format!("{}, {} rows, {on}", inputs.key.label(), audit.rows);
        text.push_str(&wrapped("", &head, look));
        text.push_str(&render_grid(&grid(&audit.checks), look));
        let count = |outcome| audit.checks.iter().filter(|c| c.outcome == outcome).count();
        let (passed, bad) = (count(Outcome::Passed), count(Outcome::Failed));
        let skipped = count(Outcome::Skipped);
        text.push_str(&format!("{passed} passed, {bad} failed, {skipped} skipped\n"));
    }
    for Failed { label, reason } in failed {
        text.push_str(&wrapped("FAILED ", &format!("{label}: {reason}"), look));
    }
    text
}

fn grid(checks: &[Check]) -> Grid {
    let row = |check: &Check| {
        let (outcome, tone) = match check.outcome {
            Outcome::Passed => ("passed", Tone::Good),
            Outcome::Failed => ("FAILED", Tone::Bad),
            Outcome::Skipped => ("skipped", Tone::Faint),
        };
        let difference = check.largest_difference.map(|value| format!("{value:.1e}"));
        let speedup = check.speedup.map(|value| format!("{value:.2}x"));
        let tolerance = check.tolerance.map(|value| {
            if check.speedup.is_some() { format!("{value:.2}x") } else { format!("{value:.0e}") }
        });
        vec![
            check.name.into(),
            Cell::toned(outcome, tone),
            difference.or(speedup).unwrap_or_default().into(),
            tolerance.unwrap_or_default().into(),
            check.changed_predictions.map(|n| n.to_string()).unwrap_or_default().into(),
            check.message.as_str().into(),
        ]
    };
    Grid {
        columns: vec![
            Column::text("Check"),
            Column::text("Outcome"),
            Column::number("Seen"),
            Column::number("Tolerance").gives_way(1),
            Column::number("Changed").gives_way(2),
            Column::text("What was seen"),
        ],
        rows: checks.iter().map(row).collect(),
    }
}
