//! Comma-separated files with quoting.
#![no_main]

use std::sync::LazyLock;

use kobench::task::Task;
use kobench_fuzz::{Kind, read, task};

static TASKS: LazyLock<Vec<Task>> = LazyLock::new(|| {
    vec![
        task(
            Kind::Classification,
            "format: csv\nheader: true\ncolumns: {text: a, label: b}\nempty_text: as_nan",
        ),
        task(Kind::Regression, "format: csv\ncolumns: {text: {template: \"{0} - {1}\"}, label: 1}"),
    ]
});

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    for task in TASKS.iter() {
        read(task, content);
    }
});
