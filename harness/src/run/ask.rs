//! Asking an opened model about rows: the rows through a worker, its answers into predictions and metrics.

use super::kinds::{Answered, TaskRows, answers, head};
use crate::hint::Hint as _;
use crate::worker::{
    Encoding, EvaluateRequest, Evaluated, Event, Failure, FailureKind, RowInput, Worker,
};

/// How rows go through a model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    /// How they become sequences.
    pub(crate) encoding: Encoding,
    /// Tokens a batch.
    pub(crate) batch_tokens: u64,
    /// Whether the next ones are tokenised meanwhile.
    pub(crate) overlap: bool,
}

/// What happens while a model is asked.
pub(super) enum Heard {
    /// So many rows are answered, of so many tokens.
    Rows { rows: u64, tokens: u64 },
    /// A message of the plugin's; level as in the interface.
    Log { level: i32, message: String },
    /// All rows are answered; what is left is to score them.
    Answered,
}

/// Answers to all rows, and what they took. Answers that make no sense or cannot be scored are a failure of the
/// plugin too.
pub(super) fn ask(
    worker: &mut Worker,
    asked: TaskRows<'_>,
    how: How,
    hear: &mut dyn FnMut(Heard),
) -> Result<(Answered, Evaluated), Failure> {
    let request = EvaluateRequest {
        examples: asked.dataset.rows().map(|row| RowInput::from(row.input)).collect(),
        head: head(asked.task.kind),
        encoding: how.encoding,
        batch_tokens: how.batch_tokens,
        overlap: how.overlap,
    };
    let mut answers = answers(asked);
    let mut wrong = None;
    let evaluated = worker.evaluate(request, &mut |event| match event {
        Event::Logits { logits, tokens } => {
            let rows = answers.take(logits).unwrap_or_else(|reason| {
                wrong.get_or_insert(reason);
                0
            });
            hear(Heard::Rows { rows, tokens });
        }
        Event::Log { level, message } => hear(Heard::Log { level, message }),
        Event::Stage(_) | Event::Sequences(_) | Event::Queries(_) => {}
    })?;
    hear(Heard::Answered);
    if let Err(reason) = wrong.map_or_else(|| answers.complete(), Err) {
        return Err(unusable(worker, "bad logits", reason, None));
    }
    match answers.finish() {
        Ok(answered) => Ok((answered, evaluated)),
        Err(e) => Err(unusable(worker, METRICS, e.to_string(), e.hint())),
    }
}

/// The code of the failure of answers that have no score.
pub(super) const METRICS: &str = "metrics";

fn unusable(worker: &Worker, code: &str, message: String, hint: Option<String>) -> Failure {
    let kind = FailureKind::Error { code: code.into(), message, hint };
    let stage = if code == METRICS { "score" } else { "forward" };
    Failure { kind, stage: Some(stage.into()), output: worker.take_output() }
}
