//! The rows of a baseline: whatever the file holds, it is rows or an error that names a line, and rows can be written.
#![no_main]

use std::path::Path;

use kobench::baseline::rows;

libfuzzer_sys::fuzz_target!(|content: &[u8]| {
    let file = Path::new("rows.txt");
    match rows::parse(content, file) {
        Ok(evidence) => {
            assert_eq!(evidence.index.len(), evidence.rows.len());
            let text = rows::write(&evidence, file).expect("what was read can be written");
            assert_eq!(rows::parse(text.as_bytes(), file).expect("and read again"), evidence);
        }
        Err(error) => assert!(error.line > 0 && !error.message.is_empty()),
    }
});
