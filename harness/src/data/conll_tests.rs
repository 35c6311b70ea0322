//! Words and labels on lines of their own.

use proptest::prelude::*;

use crate::data::testing::{TAGS, message, read, task};
use crate::data::{Dataset, Gold, Input};
use crate::task::Task;

fn klue() -> Task {
    task(TAGS, "{format: conll, comment: \"##\", columns: {id: 0, text: 0, label: 1}}")
}

fn plain() -> Task {
    task(TAGS, "{format: conll}")
}

type Sentence = (Option<String>, Vec<String>, Vec<u32>, u32);

fn sentences(data: &Dataset) -> Vec<Sentence> {
    let sentence = |row: crate::data::Row<'_>| match (row.input, row.gold) {
        (Input::Words(words), Gold::Tags(tags)) => (
            row.id.map(str::to_owned),
            words.iter().map(str::to_owned).collect(),
            tags.to_vec(),
            row.line,
        ),
        _ => panic!("{row:?}"),
    };
    data.rows().map(sentence).collect()
}

fn sentence(id: Option<&str>, words: &[&str], tags: &[u32], line: u32) -> Sentence {
    (id.map(str::to_owned), words.iter().map(|w| (*w).to_owned()).collect(), tags.to_vec(), line)
}

#[test]
fn characters_that_are_spaces_survive() {
    let content = "## 주석 : ##\n## 컬럼명 : CHAR\tNE_TAG\n## a-0\t<김:PS> 씨\n김\tB-PS\n \tO\n씨\tO\n\n\n## a-1\tx\n#\tO\n\u{3000}\tI-PS\n";
    let data = read(&klue(), content).expect("read");
    let expected = [
        sentence(Some("a-0"), &["김", " ", "씨"], &[1, 0, 0], 4),
        sentence(Some("a-1"), &["#", "\u{3000}"], &[0, 2], 10),
    ];
    assert_eq!(sentences(&data), expected);
}

#[test]
fn fields_are_separated_by_tabs_or_spaces() {
    let data = read(&plain(), "\u{feff}김 B-PS\r\n씨   O \n  \n가\u{1c}\tO").expect("read");
    let expected =
        [sentence(None, &["김", "씨"], &[1, 0], 1), sentence(None, &["가\u{1c}"], &[0], 4)];
    assert_eq!(sentences(&data), expected);
    let last = task(TAGS, "{format: conll, columns: {text: 1, label: 3}}");
    let data = read(&last, "1 김 NNP B-PS\n2 씨 NNB O\n").expect("read");
    assert_eq!(sentences(&data), [sentence(None, &["김", "씨"], &[1, 0], 1)]);
    assert_eq!(read(&plain(), "\n\n").expect("read").len(), 0);
}

#[test]
fn bad_lines_are_named() {
    assert_eq!(
        message(&plain(), "김\tB-PS\n씨\n"),
        "2: no label: found 1 fields, expected 2 or more, separated by tabs: \"씨\""
    );
    assert_eq!(
        message(&plain(), "김\tB-LC\n"),
        "1: unknown label \"B-LC\", expected one of O, B-PS, I-PS: \"김\\tB-LC\""
    );
    assert_eq!(
        message(&plain(), "\t\n"),
        "1: unknown label \"\", expected one of O, B-PS, I-PS: \"\\t\""
    );
    assert_eq!(
        message(&klue(), "## a\tx\n김\tO\n## b\ty\n"),
        "3: a comment within a sentence, expected an empty line before it: \"## b\\ty\""
    );
    assert_eq!(
        message(&klue(), "## a\tx\n김\tO\n\n씨\tO\n"),
        "4: the sentence has no id: expected a comment with one before \"씨\""
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(content in prop::collection::vec(any::<u8>(), 0..200)) {
        for task in [klue(), plain()] {
            if let Ok(data) = read(&task, &content) {
                prop_assert_eq!(data.rows().count(), data.len());
            }
        }
    }

    #[test]
    fn arbitrary_lines_never_panic(content in "([a #\t]|\tO|\n|## a\t){0,30}") {
        for task in [klue(), plain()] {
            if let Ok(data) = read(&task, &content) {
                prop_assert_eq!(sentences(&data).len(), data.len());
            }
        }
    }

    #[test]
    fn what_was_written_is_read(written in prop::collection::vec(prop::collection::vec(("[a가 \"\u{1c}\u{a0}]{1,3}", 0u32..3), 1..6), 0..6)) {
        let names = ["O", "B-PS", "I-PS"];
        let mut content = String::new();
        for (index, words) in written.iter().enumerate() {
            content.push_str(&format!("## s{index}\tx\n"));
            for (word, tag) in words {
                content.push_str(&format!("{word}\t{}\n", names[*tag as usize]));
            }
            content.push('\n');
        }
        let data = read(&klue(), content).expect("read");
        let found: Vec<_> = sentences(&data)
            .into_iter()
            .map(|(_, words, tags, _)| words.into_iter().zip(tags).collect::<Vec<_>>())
            .collect();
        prop_assert_eq!(found, written);
    }
}
