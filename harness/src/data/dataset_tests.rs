//! Reading whole files.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::data::Input;
use crate::hint::Hint;
use crate::task::{Part, Registry};

fn nsmc() -> Task {
    Registry::load(&[]).expect("loads").get("nsmc").expect("is there")
}

/// Reads `content` as a file of NSMC.
fn read(content: &[u8]) -> Result<Dataset, DataError> {
    let file = tempfile::Builder::new().suffix(".tsv").tempfile().expect("a file");
    fs::write(file.path(), content).expect("written");
    Dataset::open_file(&nsmc(), file.path(), None)
}

fn message(content: &[u8]) -> String {
    let error = read(content).expect_err("an error").to_string();
    error.split_once(".tsv:").map_or(error.clone(), |(_, rest)| rest.to_owned())
}

#[test]
fn rows_are_read_as_the_reference_does() {
    let text = "id\tdocument\tlabel\n1\t\"열린 따옴표\t0\r\n2\t\t1\r\u{a0}3\ta\u{1c}b\u{85}c\t1\u{1f} \n4\t x \t0\textra";
    let data = read(text.as_bytes()).expect("read");
    let rows: Vec<_> = data.rows().map(|row| (row.id, row.input, row.gold, row.line)).collect();
    let expected = [
        (Some("1"), Input::Text("\"열린 따옴표"), Gold::Label(0), 2),
        (Some("2"), Input::Text(""), Gold::Label(1), 3),
        (Some("3"), Input::Text("a\u{1c}b\u{85}c"), Gold::Label(1), 4),
        (Some("4"), Input::Text(" x "), Gold::Label(0), 5),
    ];
    assert_eq!(rows, expected);
    assert_eq!(data.gold_labels(), [0, 1, 1, 0]);
    assert!(!data.info().verified);
}

#[test]
fn picked_rows_are_a_data_set_of_their_own() {
    let data = read(b"id\tdocument\tlabel\n1\ta\t0\n2\tb\t1\n3\tc\t1\n").expect("read");
    let picked = data.pick(&[2, 0, 9]);
    let rows: Vec<_> = picked.rows().map(|row| (row.index, row.id, row.input)).collect();
    assert_eq!(rows, [(0, Some("3"), Input::Text("c")), (1, Some("1"), Input::Text("a"))]);
    assert_eq!((picked.gold_labels(), picked.info()), (vec![1, 0], data.info()));
}

#[test]
fn a_bad_row_is_named() {
    assert_eq!(message(b""), "1: the file is empty, a header line was expected");
    assert_eq!(
        message(b"id\tdocument\tlabel\n1\ta\t0\n2\tb\n"),
        "3: no label: found 2 fields, expected 3 or more, separated by tabs: \"2\\tb\""
    );
    assert_eq!(
        message(b"id\tdocument\tlabel\n1\ta\t2\n"),
        "2: unknown label \"2\", expected one of 0, 1: \"1\\ta\\t2\""
    );
    assert_eq!(
        message(b"id\ttext\tlabel\n1\ta\t2\n"),
        "1: the header has no column `document`; it has: id, text, label"
    );
    assert_eq!(
        message(b"id\tdocument\tlabel\n\n"),
        "2: no text, no label: found 1 fields, expected 3 or more, separated by tabs: \"\""
    );
    let bad = b"id\tdocument\tlabel\n1\t\xff\t0\n";
    assert_eq!(message(bad), "2: not UTF-8: the bytes at offset 20 are no character");
    let long = format!("id\tdocument\tlabel\n{}\n", "가".repeat(500));
    assert!(message(long.as_bytes()).ends_with("가...\""), "{}", message(long.as_bytes()));
}

#[test]
fn empty_texts_are_skipped_when_the_task_says_so() {
    let mut task = nsmc();
    task.reader.empty_text = crate::task::EmptyText::Skip;
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), "id\tdocument\tlabel\n1\t\t0\n2\tb\t1\n").expect("written");
    let data = Dataset::open_file(&task, file.path(), None).expect("read");
    assert_eq!((data.len(), data.skipped_empty()), (1, 1));
    assert_eq!(data.row(0).expect("a row").id, Some("2"));
}

#[test]
fn the_bundled_sample_is_what_the_task_names() {
    let places = DataPlaces::default();
    let data =
        Dataset::open(&nsmc(), Some("sample"), &places, DatasetOptions::default()).expect("read");
    assert_eq!((data.len(), data.info().verified), (2000, true));
    assert_eq!(data.row(0).expect("a row").input, Input::Text("굳 ㅋ"));
    let limit = DatasetOptions { limit: Some(64), ..DatasetOptions::default() };
    let data = Dataset::open(&nsmc(), Some("sample"), &places, limit).expect("read");
    assert_eq!((data.len(), data.info().rows), (64, 2000));
    assert!(data.row(64).is_none());
}

#[test]
fn another_file_is_an_error_unless_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("nsmc")).expect("made");
    let path = folder.path().join("nsmc/ratings_test.txt");
    fs::write(&path, "id\tdocument\tlabel\n1\ta\t0\n").expect("written");
    let places = DataPlaces::new(Some(folder.path()));
    let error =
        Dataset::open(&nsmc(), None, &places, DatasetOptions::default()).expect_err("unverified");
    let text = error.to_string();
    assert!(
        text.contains("8ac9f64052f11dbf")
            && text.contains(&sha256_hex(&fs::read(&path).expect("read"))),
        "{text}"
    );
    assert!(error.hint().is_some_and(|hint| hint.contains("--allow-unverified")));
    let options = DatasetOptions { allow_unverified: true, limit: None };
    let data = Dataset::open(&nsmc(), None, &places, options).expect("read");
    assert!(!data.info().verified && data.warnings().len() == 1);
    // A wrong row says more than a wrong hash, and comes first even where it is allowed.
    fs::write(&path, "id\tdocument\tlabel\n1\ta\n").expect("written");
    let error =
        Dataset::open(&nsmc(), None, &places, options).expect_err("a row without its label");
    assert!(matches!(error, DataError::Row { is_expected_file: false, .. }), "{error}");
}

#[test]
fn the_official_files_are_read_in_full() {
    let Some(folder) = std::env::var_os("KOBENCH_DATA").map(PathBuf::from) else {
        eprintln!("skipped: KOBENCH_DATA does not name a folder with nsmc/ratings_test.txt");
        return;
    };
    let places = DataPlaces::new(Some(&folder));
    let start = Instant::now();
    let train =
        Dataset::open(&nsmc(), Some("train"), &places, DatasetOptions::default()).expect("read");
    let elapsed = start.elapsed();
    eprintln!("150,000 rows read and verified in {elapsed:?}");
    // Far above what it takes: a busy machine and an unoptimised build must pass too.
    assert!(train.info().verified && elapsed.as_secs_f64() < 10.0, "{elapsed:?}");
    assert_eq!(train.len(), 150_000);
    let test = Dataset::open(&nsmc(), None, &places, DatasetOptions::default()).expect("read");
    assert_eq!((test.len(), test.info().verified), (50_000, true));
    // pandas would drop these three, or read them as NaN.
    assert_eq!(test.rows().filter(|row| row.input == Input::Text("")).count(), 3);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..300), header: bool) {
        let mut bytes = if header { b"id\tdocument\tlabel\n".to_vec() } else { vec![] };
        bytes.extend(content);
        if let Ok(data) = read(&bytes) {
            prop_assert_eq!(data.rows().count(), data.len());
        }
    }

    #[test]
    fn what_was_written_is_read(rows in prop::collection::vec(("[0-9]{1,5}", "[a가\"',\u{1c} ]{0,9}", 0u32..2), 0..20)) {
        let mut text = "id\tdocument\tlabel\n".to_owned();
        for (id, document, label) in &rows {
            text.push_str(&format!("{id}\t{document}\t{label}\n"));
        }
        let data = read(text.as_bytes()).expect("read");
        prop_assert_eq!(data.len(), rows.len());
        for (row, (id, document, label)) in data.rows().zip(&rows) {
            prop_assert_eq!(row.id, Some(id.as_str()));
            prop_assert_eq!((row.input, row.gold), (Input::Text(document), Gold::Label(*label)));
        }
    }
}

#[test]
fn a_part_of_a_file_is_its_rows_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = "id\tdocument\tlabel\na\t하나\t0\nb\t둘\t1\nc\t셋\t1\nd\t넷\t0\n";
    fs::write(folder.path().join("all.tsv"), rows).expect("written");
    let mut task = nsmc();
    let split = task.splits.get_mut("test").expect("is there");
    (split.file, split.url) = (Some("all.tsv".to_owned()), None);
    (split.sha256, split.rows) = (Some(sha256_hex(rows.as_bytes())), Some(4));
    split.part = Some(Part { from: 1, to: 3 });
    let places = DataPlaces::new(Some(folder.path()));
    let open = |task: &Task, limit| {
        let options = DatasetOptions { limit, allow_unverified: false };
        Dataset::open(task, Some("test"), &places, options)
    };
    let data = open(&task, None).expect("read");
    let ids: Vec<_> = data.rows().map(|row| row.id).collect();
    assert_eq!(ids, [Some("b"), Some("c")]);
    // Hash and rows are the whole file's, and both were compared.
    assert_eq!((data.info().rows, data.info().verified), (4, true));
    assert_eq!(data.info().part, Some(Part { from: 1, to: 3 }));
    assert_eq!(open(&task, Some(1)).expect("read").gold_labels(), [1]);

    let split = task.splits.get_mut("test").expect("is there");
    (split.rows, split.part) = (None, Some(Part { from: 1, to: 5 }));
    let error = open(&task, None).expect_err("beyond the end");
    let path = folder.path().join("all.tsv");
    assert_eq!(
        error.to_string(),
        format!("nsmc/test is rows 1 to 5 of {}, which has 4", path.display())
    );
}

#[test]
fn the_demo_splits_of_klue_ner_share_no_row_and_the_sample_is_the_second() {
    let task = Registry::load(&[]).expect("loads").get("klue_ner").expect("is there");
    let part = |name: &str| task.splits[name].part.expect("a part");
    assert_eq!((part("demo_train").len(), part("demo_test").len()), (4_000, 1_000));
    assert_eq!(part("demo_train").to, part("demo_test").from);
    let options = DatasetOptions::default();
    let sample =
        Dataset::open(&task, Some("sample"), &DataPlaces::default(), options).expect("read");
    let id = |index: usize| sample.row(index).and_then(|row| row.id).map(|id| id[..21].to_owned());
    assert_eq!(sample.len(), 1_000);
    assert_eq!(id(0).as_deref(), Some("klue-ner-v1_dev_04000"));
    assert_eq!(id(999).as_deref(), Some("klue-ner-v1_dev_04999"));
}
