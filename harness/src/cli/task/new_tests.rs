//! Task files that are written and read back.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::*;
use crate::hint::Hint;
use crate::task::Registry;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: NewArgs,
}

/// A folder with a data file, and what `task new` says about it.
struct Made {
    folder: tempfile::TempDir,
    result: Result<bool, Error>,
    shown: String,
    messages: String,
}

impl Made {
    fn output(&self) -> PathBuf {
        self.folder.path().join("mine.yaml")
    }
}

fn run(folder: &Path, arguments: &[&str]) -> (Result<bool, Error>, String, String) {
    let at = |name: &str| folder.join(name).display().to_string();
    let mut line = vec!["new".to_owned(), "mine".to_owned()];
    for argument in arguments {
        // `@name` is a file of the folder.
        line.push(argument.strip_prefix('@').map_or((*argument).to_owned(), at));
    }
    if !arguments.contains(&"-o") {
        line.extend(["-o".to_owned(), at("mine.yaml")]);
    }
    let args = Command::parse_from(line).args;
    let (mut out, mut messages) = (Vec::new(), Vec::new());
    let result = new(&args, &Look::default(), &mut out, &mut messages);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (result, text(out), text(messages))
}

fn made(name: &str, content: &str, arguments: &[&str]) -> Made {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), content).expect("written");
    let from = format!("@{name}");
    let (result, shown, messages) =
        run(folder.path(), &[&["--from", from.as_str()][..], arguments].concat());
    Made { folder, result, shown, messages }
}

/// The task file is valid, its data is read with it, and is what it says.
fn assert_read_back(found: &Made) {
    assert!(found.result.as_ref().is_ok_and(|ok| *ok), "{:?}\n{}", found.result, found.shown);
    assert!(found.shown.contains("SHA-256 as named"), "{}", found.shown);
    let text = fs::read_to_string(found.output()).expect("written");
    let task: serde_json::Value = serde_yaml::from_str(&text).expect("YAML");
    let schema = crate::cli::task::check::tests::validator(include_str!(
        "../../../schemas/task.schema.json"
    ));
    let errors: Vec<String> = schema.iter_errors(&task).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} in {text}");
}

const REVIEWS: &str =
    "id\tdocument\tlabel\n1\t아주 좋다\t1\n2\t별로였다\t0\n3\t다시 볼 것이다\t1\n4\t지루했다\t0\n";

#[test]
fn a_tsv_file_is_read_back() {
    let found = made("reviews.tsv", REVIEWS, &[]);
    assert_read_back(&found);
    assert!(found.shown.contains("labels: 0 2 (50.00%), 1 2 (50.00%)"), "{}", found.shown);
    assert!(found.messages.contains("wrote "), "{}", found.messages);
    let task = Registry::read_task(&found.output()).expect("valid");
    assert_eq!((task.name.as_str(), task.report.as_str()), ("mine", "test"));
    let pairs: String =
        (0..8).map(|i| format!("글 {i}\t말 {i}\t{}\n", ["예", "아니오"][i % 2])).collect();
    assert_read_back(&made("a.tsv", &pairs, &["--text", "0", "--text-pair", "1"]));
}

#[test]
fn files_become_splits_by_their_names() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["ratings_train.tsv", "b.tsv", "c.tsv"] {
        fs::write(folder.path().join(name), REVIEWS).expect("written");
    }
    let (result, shown, _) = run(
        folder.path(),
        &["--from", "@ratings_train.tsv", "--dev", "@b.tsv", "--test", "@c.tsv"],
    );
    assert!(result.expect("made"), "{shown}");
    let task = Registry::read_task(&folder.path().join("mine.yaml")).expect("valid");
    let files: Vec<_> = (task.splits.iter())
        .map(|(name, split)| (name.as_str(), split.file.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(files, [("dev", "b.tsv"), ("test", "c.tsv"), ("train", "ratings_train.tsv")]);
    assert!(shown.contains("4 rows of dev (100.00%) have a text of test"), "{shown}");
    for (name, split) in [("x/val.tsv", "dev"), ("test_2k.tsv", "test"), ("latest.tsv", "-")] {
        assert_eq!(split_of(Path::new(name)).unwrap_or("-"), split);
    }
}

#[test]
fn a_task_file_is_never_lost() {
    let found = made("reviews.tsv", REVIEWS, &[]);
    let before = "# mine\n";
    fs::write(found.output(), before).expect("written");
    let folder = found.folder.path();
    let (result, _, messages) = run(folder, &["--from", "@reviews.tsv"]);
    let error = result.expect_err("the file is there");
    assert!(error.hint().is_some_and(|hint| hint.contains("--force")) && messages.is_empty());
    // What fails writes nothing, even with --force.
    fs::write(folder.join("bad.tsv"), "글뿐\n").expect("written");
    let (result, ..) = run(folder, &["--from", "@bad.tsv", "--force"]);
    assert!(result.is_err());
    assert_eq!(fs::read_to_string(found.output()).expect("read"), before);
    let (result, ..) = run(folder, &["--from", "@reviews.tsv", "--force"]);
    assert!(result.expect("written over"));
    let left: Vec<_> =
        fs::read_dir(folder).expect("read").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn data_elsewhere_needs_a_data_directory() {
    let (data, tasks) =
        (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::create_dir(data.path().join("sub")).expect("made");
    let from = data.path().join("sub/reviews.tsv").display().to_string();
    fs::write(&from, REVIEWS).expect("written");
    let (result, ..) = run(tasks.path(), &["--from", &from]);
    let error = result.expect_err("not below");
    assert!(error.hint().is_some_and(|hint| hint.contains("--data-dir")), "{error}");
    let data_dir = data.path().display().to_string();
    let (result, shown, _) = run(tasks.path(), &["--from", &from, "--data-dir", &data_dir]);
    assert!(result.expect("made"), "{shown}");
    let task = Registry::read_task(&tasks.path().join("mine.yaml")).expect("valid");
    assert_eq!(task.splits["test"].file.as_deref(), Some("sub/reviews.tsv"));
}

#[test]
fn what_the_reader_refuses_is_a_verdict() {
    // A row without its label: the draft is written, and the check says what is wrong.
    let found = made("reviews.tsv", &format!("{REVIEWS}5\t끊긴 줄\n"), &[]);
    assert!(found.result.as_ref().is_ok_and(|ok| !ok), "{:?}", found.result);
    assert!(
        found.shown.contains("WRONG") && found.shown.contains("reviews.tsv:6"),
        "{}",
        found.shown
    );
    assert!(found.output().exists());
}

#[test]
fn the_published_files_are_told() {
    let Some(data) = std::env::var_os("KOBENCH_DATA").map(PathBuf::from) else {
        eprintln!("skipped: KOBENCH_DATA does not name a folder with the data sets");
        return;
    };
    let data_dir = data.display().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    for (file, arguments, kind, columns) in [
        (
            "nsmc/ratings_test.txt",
            vec![],
            "sequence_classification",
            "{id: id, text: document, label: label}",
        ),
        (
            "paws/test_2k.tsv",
            vec![],
            "sequence_classification",
            "{id: id, text: sentence1, text_pair: sentence2, label: label}",
        ),
        (
            "kornli/xnli.test.ko.tsv",
            vec![],
            "sequence_classification",
            "{text: sentence1, text_pair: sentence2, label: gold_label}",
        ),
        (
            "korsts/sts-test.tsv",
            vec![],
            "sequence_regression",
            "{text: sentence1, text_pair: sentence2, label: score}",
        ),
        (
            "question-pair/test.tsv",
            vec![],
            "sequence_classification",
            "{text: question1, text_pair: question2, label: is_duplicate}",
        ),
        (
            "korean-hate-speech/val.tsv",
            vec!["--label", "hate"],
            "sequence_classification",
            "{text: comment, label: hate}",
        ),
        (
            "klue/klue-nli-v1.1_dev.json",
            vec![],
            "sequence_classification",
            "{id: guid, text: premise, text_pair: hypothesis, label: gold_label}",
        ),
        (
            "klue/klue-sts-v1.1_dev.json",
            vec!["--label", "labels.real-label"],
            "sequence_regression",
            "{id: guid, text: sentence1, text_pair: sentence2, label: labels.real-label}",
        ),
        ("klue/klue-ner-v1.1_dev.tsv", vec![], "token_classification", "{text: 0, label: 1}"),
        ("korquad/KorQuAD_v1.0_dev.json", vec![], "extractive_qa", "null"),
    ] {
        let from = data.join(file).display().to_string();
        let arguments =
            [&["--from", from.as_str(), "--data-dir", &data_dir, "--force"][..], &arguments]
                .concat();
        let (result, shown, messages) = run(folder.path(), &arguments);
        assert!(result.is_ok(), "{file}: {result:?} {messages}");
        let text = fs::read_to_string(folder.path().join("mine.yaml")).expect("written");
        let task: serde_yaml::Value = serde_yaml::from_str(&text).expect("YAML");
        assert_eq!(task["kind"], kind, "{file}: {messages}");
        let columns: serde_yaml::Value = serde_yaml::from_str(columns).expect("YAML");
        let found = task["reader"].get("columns").cloned().unwrap_or_default();
        assert_eq!(found, columns, "{file}: {messages}");
        eprintln!("{file}\n{messages}{shown}");
    }
}

/// Waits for the readers of these formats and kinds.
mod when_every_format_is_read {
    use super::*;

    #[test]
    fn csv() {
        assert_read_back(&made(
            "a.csv",
            "text,label\n\"가, 나\n다\",x\n라마,y\n\"바 \"\"사\"\"\",x\n아자,y\n",
            &[],
        ));
    }

    #[test]
    fn json() {
        let rows = "{\"title\": \"가 나\", \"body\": \"다 라\", \"topic\": \"x\"}\n{\"title\": \"마\", \"body\": \"바\", \"topic\": \"y\"}";
        let options = ["--text", "{title} {body}", "--label", "topic"];
        assert_read_back(&made("a.jsonl", rows, &options));
        let list = format!("[{}]", rows.replace('\n', ","));
        assert_read_back(&made("a.json", &list, &options));
        assert_read_back(&made("b.json", &format!("{{\"n\": 2, \"rows\": {list}}}"), &options));
        let words = "{\"tokens\": [\"서울\", \"a b\"], \"ner_tags\": [\"B-LC\", \"O\"]}\n{\"tokens\": [\"나\"], \"ner_tags\": [\"O\"]}\n";
        assert_read_back(&made("a.jsonl", words, &[]));
    }

    #[test]
    fn squad() {
        let text = r#"{"version": "1", "data": [{"paragraphs": [{"context": "서울은 수도이다", "qas": [
            {"id": "1", "question": "수도는?", "answers": [{"text": "서울", "answer_start": 0}]},
            {"id": "2", "question": "서울은?", "answers": [{"text": "수도", "answer_start": 4}]}]}]}]}"#;
        let found = made("dev.json", text, &[]);
        assert_read_back(&found);
        assert!(found.shown.contains("answers: 2 of 2 questions, 1 context"), "{}", found.shown);
    }

    #[test]
    fn words() {
        let text = "## 머리말\n## a-1\t글 하나\n서\tB-LC\n울\tI-LC\n \tO\n##\tO\n\n## a-2\t글 둘\n나\tO\n도\tB-PS\n";
        let found = made("ner.tsv", text, &[]);
        assert_read_back(&found);
        assert!(found.shown.contains("entities: 2, LC 1, PS 1"), "{}", found.shown);
        let table = "서울 사람 이다\tLOC-B O O\n김 씨 는\tPER-B PER-I O\n그리고 그는\tO O\n";
        assert_read_back(&made("train.tsv", table, &[]));
    }

    #[test]
    fn values() {
        let rows: String =
            (0..30).map(|i| format!("{}.{}\t문장 {i}\t글 {i}\n", i % 5, i % 10)).collect();
        let found = made("a.tsv", &format!("score\tsentence1\tsentence2\n{rows}"), &[]);
        assert_read_back(&found);
        assert!(found.shown.contains("values: 0 to 4.9"), "{}", found.shown);
    }
}
