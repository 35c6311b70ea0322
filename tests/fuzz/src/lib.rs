//! What the targets share: task files made for them, a scratch file in memory, and what must hold for
//! everything that was read.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use kobench::data::{Dataset, Gold, Input};
use kobench::score::{InputFormat, ScoreOptions, score};
use kobench::task::{Registry, Task};

/// The kinds of task, each with the labels, metrics and reader options that the targets use.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Two labels.
    Classification,
    /// Real numbers from 0 to 5.
    Regression,
    /// `O`, `B-A`, `I-A`.
    Tags,
    /// Answers.
    Qa,
}

/// A task with this reader; what is missing in `reader` is the default.
pub fn task(kind: Kind, reader: &str) -> Task {
    let kind = match kind {
        Kind::Classification => {
            "kind: sequence_classification\nlabels: [{id: \"0\", name: no}, {id: \"1\", name: yes}]\n\
             metric: accuracy\nmetrics: [accuracy, macro_f1, auroc, log_loss]\nscoring: {positive: \"1\"}\n"
        }
        Kind::Regression => {
            "kind: sequence_regression\nmetric: pearson\nmetrics: [pearson, spearman, macro_f1]\n\
             scoring: {threshold: 3.0, range: [0.0, 5.0]}\n"
        }
        Kind::Tags => {
            "kind: token_classification\nlabels: [{id: O, name: none}, {id: B-A, name: a}, {id: I-A, name: a}]\n\
             metric: entity_f1\nmetrics: [entity_f1, entity_f1_strict, entity_macro_f1, character_macro_f1]\n"
        }
        Kind::Qa => {
            "kind: extractive_qa\nqa: {}\nmetric: char_f1\nmetrics: [exact_match, char_f1]\n"
        }
    };
    let text = format!(
        "name: fuzz\nversion: 1\ntitle: fuzz\n{kind}reader:\n  {}\nsplits:\n  test: {{file: test}}\nreport: test\n\
         max_seq_len: 128\nselection: {{policy: none, text: none}}\nlicence: CC0-1.0\nsource: none\n",
        reader.trim().replace('\n', "\n  ")
    );
    Registry::parse_task(&text, "fuzz.yaml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

thread_local! {
    static SCRATCH: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
}

/// Writes `content` to a file in memory.
pub fn scratch(name: &str, content: &[u8]) -> PathBuf {
    SCRATCH.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| {
            tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
        });
        let path = folder.path().join(name);
        fs::write(&path, content).expect("written");
        path
    })
}

/// Reads `content` with the task's reader, and looks at everything that came out.
pub fn read(task: &Task, content: &[u8]) -> Option<Dataset> {
    let path = scratch("data.json", content);
    let data = match Dataset::open_file(task, &path, None) {
        Ok(data) => data,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return None;
        }
    };
    let n_labels = data.labels().len() as u32;
    for row in data.rows() {
        match (row.input, row.gold) {
            (Input::Words(words), Gold::Tags(tags)) => {
                assert_eq!(words.len(), tags.len());
                assert!(tags.iter().all(|tag| *tag < n_labels));
            }
            (Input::Question { context, .. }, Gold::Answers(answers)) => {
                assert!(!answers.is_empty());
                for answer in answers.iter() {
                    assert!(context[answer.start..].starts_with(answer.text));
                }
            }
            (Input::Text(_) | Input::Pair(..), Gold::Label(label)) => assert!(label < n_labels),
            (Input::Text(_) | Input::Pair(..), Gold::Value(value)) => {
                assert!((0.0..=5.0).contains(&value));
            }
            (input, gold) => panic!("{input:?} with {gold:?}"),
        }
    }
    if let Some(clusters) = data.clusters() {
        assert_eq!(clusters.len(), data.len());
    }
    Some(data)
}

/// Scores `content` as predictions in `format` for the rows of `data`; what comes out must be numbers.
pub fn predictions(task: &Task, data: &Dataset, content: &[u8], format: Option<InputFormat>) {
    let path = scratch("predictions", content);
    let mut options = ScoreOptions { input_format: format, ..ScoreOptions::default() };
    // The interval is not what is looked for here.
    options.intervals.resamples = 10;
    match score(task, data, &path, &options) {
        Ok(report) => {
            assert!(!report.metrics.is_empty());
            for (name, metric) in &report.metrics {
                assert!(metric.value.is_finite(), "{name}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
