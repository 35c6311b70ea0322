//! Files with quoting.

use proptest::prelude::*;

use crate::data::testing::{CLASSES, message, read, task, text};
use crate::data::{Gold, Input};
use crate::task::Task;

fn dialect() -> Task {
    task(CLASSES, "{format: csv, header: true, columns: {text: contents, label: label}}")
}

fn rows(task: &Task, content: &str) -> Vec<(String, Gold<'static>, u32)> {
    let data = read(task, content).unwrap_or_else(|error| panic!("{error}"));
    let label = |gold| match gold {
        Gold::Label(label) => Gold::Label(label),
        _ => panic!("no label"),
    };
    data.rows().map(|row| (text(&row).to_owned(), label(row.gold), row.line)).collect()
}

#[test]
fn fields_may_be_quoted() {
    let content = "\u{feff}contents,label\n\"가, \"\"나\"\"\n다\",1\r\n\n라\"마,0\n,1\n\" x \",0";
    let expected = [("가, \"나\"\n다", 1, 2), ("라\"마", 0, 5), ("", 1, 6), (" x ", 0, 7)];
    let expected = expected.map(|(text, label, line)| (text.to_owned(), Gold::Label(label), line));
    assert_eq!(rows(&dialect(), content), expected);
}

#[test]
fn missing_texts_become_nan_where_the_task_says_so() {
    let content = "contents,label\n,0\nNA,1\n\"null\",0\nNone,1\n nan,0\n";
    let texts = |empty_text: &str| -> Vec<String> {
        let reader = format!(
            "{{format: csv, header: true, empty_text: {empty_text}, columns: {{text: contents, label: label}}}}"
        );
        rows(&task(CLASSES, &reader), content).into_iter().map(|(text, ..)| text).collect()
    };
    assert_eq!(texts("keep"), ["", "NA", "null", "None", " nan"]);
    assert_eq!(texts("skip"), ["NA", "null", "None", " nan"]);
    assert_eq!(texts("as_nan"), ["nan", "nan", "nan", "None", " nan"]);
}

#[test]
fn what_pandas_would_fill_up_is_an_error() {
    let task = dialect();
    for (content, expected) in [
        ("", "1: the file is empty, a header line was expected"),
        ("contents,lable\n", "1: the header has no column `label`; it has: contents, lable"),
        (
            "contents,label\na\n",
            "2: no label: found 1 fields, expected 2, separated by commas: \"a\"",
        ),
        (
            "contents,label\na,b,1\n",
            "2: found 3 fields, expected 2, separated by commas: \"a,b,1\"",
        ),
        ("contents,label\na,1\nb,x\n", "3: unknown label \"x\", expected one of 0, 1: \"b,x\""),
        (
            "contents,label\na,0\n\"b,1\nc,0\n",
            "3: a quotation mark opens a field and none closes it: \"\\\"b,1\\nc,0\"",
        ),
        (
            "contents,label\na,\"1",
            "2: a quotation mark opens a field and none closes it: \"a,\\\"1\"",
        ),
    ] {
        assert_eq!(message(&task, content), expected);
    }
}

#[test]
fn columns_may_be_indices() {
    let task = task(CLASSES, "{format: csv, columns: {text: {template: \"{1}-{0}\"}, label: 2}}");
    assert_eq!(rows(&task, "a,b,1\n"), [("b-a".to_owned(), Gold::Label(1), 1)]);
    assert_eq!(
        message(&task, "a,b\n"),
        "1: no label: found 2 fields, expected 3, separated by commas: \"a,b\""
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..200), header: bool) {
        let mut bytes = if header { b"contents,label\n".to_vec() } else { vec![] };
        bytes.extend(content);
        if let Ok(data) = read(&dialect(), bytes) {
            prop_assert_eq!(data.rows().count(), data.len());
        }
    }

    #[test]
    fn what_was_written_is_read(rows in prop::collection::vec(("[a가\",\n\r\t ]{0,9}", 0u32..2), 0..20)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["contents", "label"]).expect("written");
        for (text, label) in &rows {
            writer.write_record([text.as_str(), &label.to_string()]).expect("written");
        }
        let data = read(&dialect(), writer.into_inner().expect("written")).expect("read");
        let found: Vec<_> = data.rows().map(|row| (row.input, row.gold)).collect();
        let expected: Vec<_> =
            rows.iter().map(|(text, label)| (Input::Text(text), Gold::Label(*label))).collect();
        prop_assert_eq!(found, expected);
    }
}
