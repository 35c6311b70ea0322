//! Tab-separated files: classification, regression and tagging.
#![no_main]

use std::sync::LazyLock;

use kobench::task::Task;
use kobench_fuzz::{Kind, read, task};

static TASKS: LazyLock<Vec<Task>> = LazyLock::new(|| {
    vec![
        task(
            Kind::Classification,
            "format: tsv\nheader: true\ncolumns: {id: id, text: a, text_pair: b, label: c}\nempty_text: skip",
        ),
        task(Kind::Regression, "format: tsv\ncolumns: {text: 0, label: 1, cluster: 0}"),
        task(Kind::Tags, "format: tsv\ncolumns: {text: 0, label: 1}"),
    ]
});

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    for task in TASKS.iter() {
        read(task, content);
    }
});
