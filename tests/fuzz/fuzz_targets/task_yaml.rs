//! Task files: what is accepted must be the same task after it was written out and read again.
#![no_main]

use kobench::task::Registry;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match Registry::parse_task(text, "fuzz.yaml") {
        Ok(task) => {
            let _ = task.split(None).expect("the reported split is there");
        }
        Err(error) => assert!(error.to_string().starts_with("fuzz.yaml:"), "{error}"),
    }
});
