//! Predictions of any system, for every kind of task and in every format.
#![no_main]

use std::sync::LazyLock;

use kobench::data::Dataset;
use kobench::task::Task;
use kobench_fuzz::{Kind, predictions, read, task};

static DATA: LazyLock<Vec<(Task, Dataset)>> = LazyLock::new(|| {
    let squad = r#"{"data":[{"paragraphs":[{"context":"가나 다라","qas":[
        {"id":"q0","question":"?","answers":[{"text":"가나","answer_start":0}]},
        {"id":"q1","question":"?","answers":[{"text":"다라","answer_start":3}]}]}]}]}"#;
    [
        (
            task(Kind::Classification, "format: tsv\ncolumns: {id: 0, text: 1, label: 2}"),
            "a\tx\t0\nb\ty\t1\n",
        ),
        (
            task(Kind::Regression, "format: tsv\ncolumns: {text: 0, label: 1}"),
            "x\t1.5\ny\t4\nz\t2\n",
        ),
        (
            task(Kind::Tags, "format: tsv\ncolumns: {text: 0, label: 1}"),
            "가 나 다\tB-A I-A O\n라\tO\n",
        ),
        (task(Kind::Qa, "format: squad"), squad),
    ]
    .into_iter()
    .map(|(task, content)| {
        let data = read(&task, content.as_bytes()).expect("well-formed");
        (task, data)
    })
    .collect()
});

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    for (task, data) in DATA.iter() {
        predictions(task, data, content, None);
    }
});
