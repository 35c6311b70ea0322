use std::process::Command;

use kobench_engine::plugin::Family;
use kobench_plugin_sdk::{EncodeOptions, Encoded, ErrorKind, Example};

use super::*;

const VOCABULARY: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n영화\n~~가\n정\n~~말\n안\n~~되어\n大\n韓\n##화\n나\n~~는\n";

/// A made-up checkpoint folder, with a stand-in for the vendor's library.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(VOCAB), VOCABULARY).unwrap();
    let status = Command::new("cc")
        .args(["-std=c11", "-shared", "-fPIC", "-o"])
        .arg(folder.path().join(LIBRARY))
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/stub.c"))
        .status()
        .expect("a C compiler (cc)");
    assert!(status.success());
    folder
}

fn encode(folder: &Path, example: Example<'_>) -> Encoded {
    let tokenizer = HanBert::tokenizer(folder, 64, &Options::new()).unwrap();
    tokenizer.encode(&[example], &EncodeOptions::default()).unwrap()
}

fn spans(encoded: &Encoded) -> Vec<(u32, u32, u32)> {
    let offsets = encoded.offset_start.iter().zip(&encoded.offset_end);
    encoded.input_ids.iter().zip(offsets).map(|(&id, (&start, &end))| (id, start, end)).collect()
}

#[test]
fn morphemes_become_pieces_with_their_places() {
    let folder = folder();
    let encoded = encode(folder.path(), Example::Text("영화가 정말\t안돼"));
    assert_eq!(
        spans(&encoded),
        [
            (2, 0, 0),
            (5, 0, 6),
            (6, 6, 9),
            (7, 10, 13),
            (8, 13, 16),
            (9, 17, 20),
            // The analyser restored a form: the rest of its word.
            (10, 20, 23),
            (3, 0, 0)
        ]
    );
    assert_eq!(encoded.word_ids[1..7], [0, 0, 1, 1, 2, 2]);
}

#[test]
fn ideographs_controls_and_special_tokens() {
    let folder = folder();
    let encoded = encode(folder.path(), Example::Text("\u{feff}大韓[SEP]나\u{200b}는 밖"));
    assert_eq!(
        spans(&encoded),
        [
            (2, 0, 0),
            (11, 3, 6),
            (12, 6, 9),
            (3, 9, 14),
            (14, 14, 17),
            (15, 20, 23),
            (1, 24, 27),
            (3, 0, 0)
        ]
    );
    let words = Example::Words(vec!["나는", "", "영화가"]);
    let encoded = encode(folder.path(), words);
    assert_eq!(encoded.input_ids, [2, 14, 15, 1, 5, 6, 3]);
    assert_eq!(encoded.word_ids[1..6], [0, 0, 1, 2, 2]);
}

#[test]
fn a_long_text_goes_through_in_parts() {
    let folder = folder();
    let text = "영화가 ".repeat(20_000);
    let tokenizer = HanBert::tokenizer(folder.path(), 64, &Options::new()).unwrap();
    let ids = tokenizer.ids(&text);
    assert_eq!(ids.len(), 40_000);
    assert!(ids.chunks(2).all(|pair| pair == [5, 6]));
}

#[test]
fn missing_files_say_how_to_get_them() {
    let folder = folder();
    std::fs::remove_file(folder.path().join(LIBRARY)).unwrap();
    let open = |options: &Options| HanBert::tokenizer(folder.path(), 64, options).unwrap_err();
    let error = open(&Options::new());
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.message.contains("libmoran4dnlp.so") && error.message.contains("twoblockai.com"));
    std::fs::write(folder.path().join(LIBRARY), b"no library").unwrap();
    assert!(open(&Options::new()).message.contains("not a library that can be loaded"));
    let error = open(&Options::from([("moran".to_owned(), "/nonexistent.so".to_owned())]));
    assert!(error.message.contains("/nonexistent.so"), "{}", error.message);
    std::fs::remove_file(folder.path().join(VOCAB)).unwrap();
    assert!(open(&Options::new()).message.contains("vocab_54k.txt"));
}
