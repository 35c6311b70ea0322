//! Trying out a plugin: does it do what the interface asks, as far as a host can see?

use crate::hint::Hint as _;
use crate::plugin::{Description, Head, ModelRequest, TokenizerRequest, Variant};
use crate::qa::{QaOptions, Window, check_overlaps};
use crate::run::Checkpoint;
use crate::worker::{
    Encoding, EvaluateRequest, Event, Failure, FailureKind, Limits, Logits, OpenRequest, RowInput,
    TokenizeRequest, Worker,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// The largest difference of a logit between two batch compositions that passes, relative to the largest
/// logit.
const BATCH_TOLERANCE: f32 = 1e-5;

const LIMITS: Limits = Limits { silence: Duration::from_secs(120) };

/// Texts that have broken tokenisers: nothing, white space, controls, decomposed and compatibility jamo,
/// Hanja, emoji sequences, lone marks, special tokens as text, one very long word.
const NASTY: [&str; 16] = [
    "",
    " ",
    "\t\u{3000}\u{a0}\u{2028}",
    "\0\u{1}\u{7f}\u{85}",
    "이 영화 정말 재미있어요",
    "ㅋㅋㅋㅋㅋ ㅠㅠ ㅡㅡ",
    "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}",
    "大韓民國 \u{20000} かな カナ",
    "👨‍👩‍👧‍👦🇰🇷👍🏽🫠",
    "\u{301}\u{20dd}",
    "e\u{301} é",
    "[CLS] [SEP] [MASK] [UNK] ##가",
    "“”‘’…·～、。!?.,",
    "\u{feff}\u{200b}\u{200d}\u{fffd}",
    "별로",
    "a",
];

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// `ok`, `skipped` or `bad`.
    pub verdict: Verdict,
    /// What was looked at.
    pub what: String,
    /// What was found.
    pub detail: String,
}

/// How a look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Could not be looked at here.
    Skipped,
    /// Not as it should be.
    Bad,
}

impl Finding {
    fn new(verdict: Verdict, what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { verdict, what: what.into(), detail: detail.into() }
    }

    /// Whether nothing is wrong; what was skipped is not wrong.
    pub fn is_good(&self) -> bool {
        self.verdict != Verdict::Bad
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Ok => "ok     ",
            Verdict::Skipped => "skipped",
            Verdict::Bad => "BAD    ",
        };
        write!(f, "{mark} {}: {}", self.what, self.detail)
    }
}

fn bad(what: &str, failure: &Failure) -> Finding {
    let hint = failure.hint().map(|h| format!(" ({h})")).unwrap_or_default();
    let printed = match failure.output.last() {
        Some(line) => format!("; it printed: {line}"),
        None => String::new(),
    };
    Finding::new(Verdict::Bad, what, format!("{failure}{hint}{printed}"))
}

/// Loads a library in a worker and tries its description and its models.
pub fn check_plugin(library: &Path, checkpoint: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let described =
        Worker::start(1, LIMITS, |_| {}).and_then(|mut worker| worker.describe(library));
    let description = match described {
        Ok(description) => description,
        Err(failure) => return vec![bad("loads and describes itself", &failure)],
    };
    let detail = format!("{} {}", description.name, description.version);
    findings.push(Finding::new(Verdict::Ok, "loads and describes itself", detail));
    findings.push(check_description(&description));
    for variant in &description.variants {
        let request = Checkpoint::resolve(variant, checkpoint);
        match request {
            Ok(weights) => findings.extend(check_model(library, variant, &weights)),
            Err(e) => findings.push(Finding::new(Verdict::Skipped, &variant.name, e.to_string())),
        }
    }
    findings
}

/// Names that commands and records rely on.
fn check_description(d: &Description) -> Finding {
    let mut wrong = Vec::new();
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if !plain(&d.name) {
        wrong.push(format!("the name `{}` is not made of letters, digits, - _ .", d.name));
    }
    if d.variants.is_empty() {
        wrong.push("it has no models".into());
    }
    for v in &d.variants {
        if !plain(&v.name) {
            wrong
                .push(format!("the model name `{}` is not made of letters, digits, - _ .", v.name));
        }
        if d.variants.iter().filter(|o| o.name == v.name).count() > 1 {
            wrong.push(format!("two models are called `{}`", v.name));
        }
        if let Some(head) =
            v.heads.iter().find(|h| !["sequence", "token", "span"].contains(&h.as_str()))
        {
            wrong.push(format!("`{}` has an unknown head `{head}`", v.name));
        }
    }
    for precision in d.precisions.iter().filter(|p| !["f32", "bf16"].contains(&p.as_str())) {
        wrong.push(format!("unknown precision `{precision}`"));
    }
    for device in d.devices.iter().filter(|p| !["cpu", "cuda"].contains(&p.as_str())) {
        wrong.push(format!("unknown device `{device}`"));
    }
    if wrong.is_empty() {
        return Finding::new(Verdict::Ok, "description", format!("{} models", d.variants.len()));
    }
    Finding::new(Verdict::Bad, "description", wrong.join("; "))
}

fn check_model(library: &Path, variant: &Variant, weights: &Checkpoint) -> Vec<Finding> {
    let checkpoint = weights.directory().map(Path::to_path_buf);
    let what = |aspect: &str| format!("{}: {aspect}", variant.name);
    let tokenizer = TokenizerRequest {
        variant: variant.name.clone(),
        checkpoint: checkpoint.clone(),
        options: Default::default(),
    };
    let model = ModelRequest {
        variant: variant.name.clone(),
        checkpoint,
        head: Default::default(),
        num_labels: None,
        device: "cpu".into(),
        precision: "f32".into(),
        threads: 1,
        new_head: false,
        seed: 0,
        check: false,
        options: Default::default(),
    };
    let request = OpenRequest { library: library.into(), tokenizer, model };
    let opened = Worker::start(1, LIMITS, |_| {}).and_then(|mut worker| {
        worker.open(request.clone(), &mut |_| {})?;
        Ok(worker)
    });
    let mut worker = match opened {
        Ok(worker) => worker,
        Err(failure) => return vec![bad(&what("opens"), &failure)],
    };
    let mut findings = vec![Finding::new(Verdict::Ok, what("opens"), "tokeniser and model")];
    for (rows, named) in [
        (texts().into_iter().map(RowInput::Text).collect(), "encodes texts"),
        (vec![RowInput::Words(texts())], "encodes words"),
        (texts().into_iter().map(question).collect::<Vec<_>>(), "encodes questions"),
    ] {
        findings.push(check_encoding(&mut worker, &request, rows, &what(named)));
    }
    let together = logits(&mut worker, u64::MAX);
    let alone = logits(&mut worker, 1);
    match (together, alone) {
        (Ok(a), Ok(b)) => {
            let finite = a.iter().chain(&b).all(|v| v.is_finite());
            let detail = format!("{} texts, {} logits", NASTY.len() + 1, a.len());
            let verdict = if finite { Verdict::Ok } else { Verdict::Bad };
            findings.push(Finding::new(verdict, what("finite logits for nasty texts"), detail));
            let largest = a.iter().fold(1.0_f32, |m, v| m.max(v.abs()));
            let apart = a.iter().zip(&b).fold(0.0_f32, |m, (x, y)| m.max((x - y).abs())) / largest;
            let same = a.len() == b.len() && apart <= BATCH_TOLERANCE;
            let verdict = if same { Verdict::Ok } else { Verdict::Bad };
            let detail =
                format!("largest relative difference {apart:.1e} (limit {BATCH_TOLERANCE:.0e})");
            findings.push(Finding::new(verdict, what("same logits alone and in a batch"), detail));
        }
        (Err(failure), _) | (_, Err(failure)) => findings.push(bad(&what("runs"), &failure)),
    }
    findings
}

/// The nasty texts, and one long one, which is made on the spot.
fn texts() -> Vec<String> {
    NASTY.into_iter().map(ToOwned::to_owned).chain(["가".repeat(5_000)]).collect()
}

fn question(text: String) -> RowInput {
    RowInput::Question { context: format!("{} {text}", NASTY.join(" ")), question: text }
}

/// Whether rows get an encoding that agrees with them and with itself: order, words, offsets, windows,
/// pieces.
fn check_encoding(
    worker: &mut Worker,
    opened: &OpenRequest,
    rows: Vec<RowInput>,
    what: &str,
) -> Finding {
    let options = QaOptions { doc_stride: 8, max_question_len: 8, ..QaOptions::default() };
    let mut windows: BTreeMap<u32, Vec<Window>> = BTreeMap::new();
    let (mut sequences, n) = (0, rows.len());
    // Only answers are made of pieces, so only plugins that take questions need to give any.
    let pieces = matches!(rows.first(), Some(RowInput::Question { .. }));
    let request = TokenizeRequest {
        library: opened.library.clone(),
        tokenizer: opened.tokenizer.clone(),
        examples: rows,
        encoding: Encoding::new(32, options),
        pieces,
    };
    let tokenized = worker.tokenize(request, &mut |event| {
        if let Event::Sequences(all) = event {
            sequences += all.len();
            for sequence in all {
                windows.entry(sequence.row).or_default().extend(sequence.context);
            }
        }
    });
    match tokenized {
        Err(Failure { kind: FailureKind::Error { code, message, .. }, .. })
            if code == "unsupported" =>
        {
            return Finding::new(Verdict::Skipped, what, message);
        }
        Err(failure) => return bad(what, &failure),
        Ok(()) => {}
    }
    for (row, windows) in windows {
        if let Err(error) = check_overlaps(&windows, options.doc_stride as usize) {
            return Finding::new(Verdict::Bad, what, format!("row {row}: {error}"));
        }
    }
    Finding::new(Verdict::Ok, what, format!("{n} rows, {sequences} sequences"))
}

/// The logits of the nasty texts, in their order, with batches of at most so many tokens.
fn logits(worker: &mut Worker, batch_tokens: u64) -> Result<Vec<f32>, Failure> {
    let examples: Vec<RowInput> = texts().into_iter().map(RowInput::Text).collect();
    let mut rows: Vec<Vec<f32>> = vec![Vec::new(); examples.len()];
    // The model's own limit decides where the long text is cut.
    let encoding = Encoding::new(0, QaOptions::default());
    let request = EvaluateRequest { examples, head: Head::Sequence, encoding, batch_tokens };
    worker.evaluate(request, &mut |event| {
        if let Event::Logits { logits: Logits::Rows { rows: answered, width, values }, .. } = event
        {
            for (row, values) in answered.iter().zip(values.chunks(width.max(1) as usize)) {
                if let Some(slot) = rows.get_mut(*row as usize) {
                    *slot = values.to_vec();
                }
            }
        }
    })?;
    Ok(rows.concat())
}
