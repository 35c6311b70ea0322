//! A JSON list of objects.
#![no_main]

use std::sync::LazyLock;

use kobench::task::Task;
use kobench_fuzz::{Kind, read, task};

static TASKS: LazyLock<Vec<Task>> = LazyLock::new(|| {
    vec![
        task(
            Kind::Classification,
            "format: json\ncolumns: {id: id, text: a, text_pair: b, label: l}",
        ),
        task(Kind::Regression, "format: json\nmember: data.rows\ncolumns: {text: a, label: l}"),
        task(Kind::Tags, "format: json\ncolumns: {text: words, label: tags}"),
    ]
});

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    for task in TASKS.iter() {
        read(task, content);
    }
});
