//! A JSON object a line.
#![no_main]

use std::sync::LazyLock;

use kobench::task::Task;
use kobench_fuzz::{Kind, read, task};

static TASKS: LazyLock<Vec<Task>> = LazyLock::new(|| {
    vec![
        task(
            Kind::Classification,
            "format: jsonl\ncolumns: {id: id, text: {template: \"{a} {b.c}\"}, label: l, cluster: a}",
        ),
        task(
            Kind::Regression,
            "format: jsonl\ncolumns: {text: a, text_pair: b.c, label: l.real-label}",
        ),
        task(Kind::Tags, "format: jsonl\ncolumns: {text: words, label: tags}"),
    ]
});

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    for task in TASKS.iter() {
        read(task, content);
    }
});
