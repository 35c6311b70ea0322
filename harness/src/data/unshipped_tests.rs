//! The built-in tasks whose data may not be shipped, over rows that were written for these tests.

use std::fs;

use super::testing::text;
use super::{DataPlaces, Dataset, DatasetOptions, Gold, Input};
use crate::task::Registry;

/// Reads `content` as the file of a split of a built-in task.
fn read(task: &str, split: &str, content: &str) -> Dataset {
    let task = Registry::load(&[]).expect("loads").get(task).expect("is there");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(task.splits[split].file.as_ref().expect("a file"));
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, content).expect("written");
    let places = DataPlaces::new(Some(folder.path()));
    let options = DatasetOptions { allow_unverified: true, limit: None };
    let data = Dataset::open(&task, Some(split), &places, options).expect("read");
    assert!(!data.info().verified && data.warnings().len() == 1);
    data
}

#[test]
fn naver_ner() {
    let data =
        read("naver_ner", "test", "홍길동이 한양에 산다 .\tPER-B LOC-B O O\n2024년\tDAT-B\n");
    let row = data.row(0).expect("a row");
    let Input::Words(words) = row.input else { panic!("{row:?}") };
    assert_eq!(words.iter().collect::<Vec<_>>(), ["홍길동이", "한양에", "산다", "."]);
    let ids = |row: usize| match data.row(row).expect("a row").gold {
        Gold::Tags(tags) => tags.to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!((ids(0), ids(1), data.len()), (vec![1, 9, 0, 0], vec![13], 2));
    // The order of the reference's outputs.
    assert_eq!(data.labels().len(), 29);
    assert_eq!(data.labels()[28].id, "TRM-I");
}

#[test]
fn korquad() {
    let content = r#"{"version": "t", "data": [{"title": "강", "paragraphs": [{"context": "한강은 서울을 흐른다.",
        "qas": [{"id": "t-0", "question": "한강은 어디를 흐르는가?", "answers": [{"text": "서울", "answer_start": 4}]}]}]}]}"#;
    let data = read("korquad", "dev", content);
    let row = data.row(0).expect("a row");
    let Gold::Answers(answers) = row.gold else { panic!("{row:?}") };
    let answer = answers.iter().next().expect("an answer");
    assert_eq!((row.id, answer.text, answer.start), (Some("t-0"), "서울", 10));
}

#[test]
fn dialect() {
    let data = read("dialect", "valid", "contents,label\n\"밥은, 먹었나\",1\n,0\n혼저옵서예,2\n");
    let rows: Vec<_> = data.rows().map(|row| (text(&row), row.gold)).collect();
    let expected = [("밥은, 먹었나", 1), ("nan", 0), ("혼저옵서예", 2)];
    assert_eq!(rows, expected.map(|(text, label)| (text, Gold::Label(label))));
}

#[test]
fn dialect_of_transcripts() {
    let folder = tempfile::tempdir().expect("a folder");
    let task = Registry::load(&[]).expect("loads").get("dialect_aihub").expect("is there");
    for (region, form) in [("gyeongsang", "(뭐라카노)/(뭐라고 하나)"), ("jeju", "(혼저)/(어서) 와")]
    {
        let path = folder.path().join("dialect/aihub/valid").join(region);
        fs::create_dir_all(&path).expect("made");
        let content = format!(
            "\u{feff}{{\"utterance\": [{{\"form\": \"{form}\"}}, {{\"form\": \"같다\"}}]}}"
        );
        fs::write(path.join("1.json"), content).expect("written");
    }
    let places = DataPlaces::new(Some(folder.path()));
    let data = Dataset::open(&task, None, &places, DatasetOptions::default()).expect("read");
    let rows: Vec<_> = data.rows().map(|row| (row.id, text(&row), row.gold)).collect();
    let expected = [
        (Some("gyeongsang/1.json:0:standard"), "뭐라고 하나", Gold::Label(0)),
        (Some("gyeongsang/1.json:0:dialect"), "뭐라카노", Gold::Label(1)),
        (Some("jeju/1.json:0:standard"), "어서 와", Gold::Label(0)),
        (Some("jeju/1.json:0:dialect"), "혼저 와", Gold::Label(2)),
    ];
    assert_eq!(rows, expected);
}
