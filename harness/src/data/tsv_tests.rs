//! Words, values, clusters and templates in tab-separated files; the rest is in the data set's tests.

use proptest::prelude::*;

use crate::data::testing::{CLASSES, TAGS, VALUES, message, read, task, text};
use crate::data::{Gold, Input};
use crate::task::Task;

fn words() -> Task {
    task(TAGS, "{format: tsv, columns: {text: 0, label: 1}}")
}

#[test]
fn words_and_labels_are_split_as_python_does() {
    // A line is stripped, so that one without words has one field.
    assert_eq!(
        message(&words(), "a\tO\n\tO\n"),
        "2: no label: found 1 fields, expected 2 or more, separated by tabs: \"\\tO\""
    );
    let data = read(&words(), "김 씨\tB-PS O\r\n a\u{1c}b  c\tO O O \n").expect("read");
    let row = data.row(1).expect("a row");
    let Input::Words(found) = row.input else { panic!("{row:?}") };
    assert_eq!(found.iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!((row.gold, row.line), (Gold::Tags(&[0, 0, 0]), 2));
}

#[test]
fn counts_that_differ_are_named() {
    assert_eq!(message(&words(), "a b\tO\n"), "1: 2 words, but 1 labels: \"a b\\tO\"");
    assert_eq!(
        message(&words(), "a b\tO PS-B\n"),
        "1: unknown label \"PS-B\", expected one of O, B-PS, I-PS: \"a b\\tO PS-B\""
    );
}

#[test]
fn values_are_numbers_within_their_range() {
    let task =
        task(VALUES, "{format: tsv, header: true, columns: {text: a, text_pair: b, label: score}}");
    let data = read(&task, "score\ta\tb\n5.000\tx\ty\n0.250\t\ty\n1e-1\tx\ty").expect("read");
    assert_eq!(data.gold_values(), [5.0, 0.25, 0.1]);
    assert_eq!(data.row(1).expect("a row").input, Input::Pair("", "y"));
    for (value, expected) in [
        ("5.001", "2: 5.001 is not within 0 to 5: \"5.001\\tx\\ty\""),
        ("-0.1", "2: -0.1 is not within 0 to 5: \"-0.1\\tx\\ty\""),
        ("inf", "2: \"inf\" is no finite number: \"inf\\tx\\ty\""),
        ("1,5", "2: \"1,5\" is no finite number: \"1,5\\tx\\ty\""),
    ] {
        assert_eq!(message(&task, format!("score\ta\tb\n{value}\tx\ty\n")), expected);
    }
}

#[test]
fn rows_of_equal_content_form_a_cluster() {
    let task =
        task(CLASSES, "{format: tsv, columns: {text: 0, text_pair: 1, label: 2, cluster: 0}}");
    let data = read(&task, "a\tx\t0\nb\tx\t0\na\ty\t1\n").expect("read");
    assert_eq!(data.clusters(), Some([0, 1, 0].as_slice()));
}

#[test]
fn texts_may_be_put_together() {
    let by_index =
        task(CLASSES, "{format: tsv, columns: {text: {template: \"{1}/{0}\"}, label: 2, id: 0}}");
    let data = read(&by_index, "a\tb\t1\nc\td\t0\n").expect("read");
    let rows: Vec<_> = data.rows().map(|row| (row.id, text(&row), row.gold)).collect();
    assert_eq!(rows, [(Some("a"), "b/a", Gold::Label(1)), (Some("c"), "d/c", Gold::Label(0))]);
    let by_name = task(
        CLASSES,
        "{format: tsv, header: true, columns: {text: {template: \"{1}\"}, label: l}}",
    );
    assert_eq!(text(&read(&by_name, "l\t1\n0\tx\n").expect("read").row(0).expect("a row")), "x");
    assert_eq!(message(&by_name, "l\t2\n0\tx\n"), "1: the header has no column `1`; it has: l, 2");
}

proptest! {
    #[test]
    fn words_that_were_written_are_read(rows in prop::collection::vec(prop::collection::vec(("[a가\"',#]{1,4}", 0u32..3), 1..6), 0..10)) {
        let names = ["O", "B-PS", "I-PS"];
        let content: String = rows
            .iter()
            .map(|row| {
                let words: Vec<&str> = row.iter().map(|(word, _)| word.as_str()).collect();
                let tags: Vec<&str> = row.iter().map(|(_, tag)| names[*tag as usize]).collect();
                format!("{}\t{}\n", words.join(" "), tags.join(" "))
            })
            .collect();
        let data = read(&words(), content).expect("read");
        let found: Vec<Vec<(String, u32)>> = data
            .rows()
            .map(|row| match (row.input, row.gold) {
                (Input::Words(words), Gold::Tags(tags)) => {
                    words.iter().map(str::to_owned).zip(tags.iter().copied()).collect()
                }
                _ => vec![],
            })
            .collect();
        prop_assert_eq!(found, rows);
    }

    #[test]
    fn arbitrary_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..200)) {
        for task in [words(), task(VALUES, "{format: tsv, columns: {text: 1, label: 0}}")] {
            if let Ok(data) = read(&task, &content) {
                prop_assert_eq!(data.rows().count(), data.len());
            }
        }
    }
}
