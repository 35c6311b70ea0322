//! Task files for files as users have them. Whether they can be read is tested where they are written.

use super::*;
use crate::hint::Hint;

fn source(split: &str, name: &str, content: &str) -> SourceFile {
    SourceFile {
        split: split.to_owned(),
        path: PathBuf::from(name),
        below: name.to_owned(),
        sha256: sha256_hex(content.as_bytes()),
        content: content.to_owned(),
    }
}

fn drafted(name: &str, content: &str, choices: &Choices) -> Result<Draft, ScaffoldError> {
    draft("mine", &[source("test", name, content)], choices)
}

/// The task file as a value, and the notes in one text.
fn made(name: &str, content: &str) -> (serde_yaml::Value, String) {
    let draft = drafted(name, content, &Choices::default()).expect("a draft");
    let value = serde_yaml::from_str(&draft.yaml).expect("YAML");
    (value, draft.notes.join("\n"))
}

fn yaml(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).expect("YAML")
}

/// The error and its hint.
fn refused(name: &str, content: &str) -> String {
    let error = drafted(name, content, &Choices::default()).expect_err("refused");
    format!("{error}\nhint: {}", error.hint().unwrap_or_default())
}

fn label_ids(task: &serde_yaml::Value) -> Vec<String> {
    let labels = task["labels"].as_sequence().expect("labels");
    labels.iter().map(|label| label["id"].as_str().expect("a string").to_owned()).collect()
}

const REVIEWS: &str =
    "id\tdocument\tlabel\n1\t아주 좋다\t1\n2\t별로였다\t0\n3\t다시 볼 것이다\t1\n4\t지루했다\t0\n";

#[test]
fn a_table_with_usual_names() {
    let (task, notes) = made("reviews.tsv", REVIEWS);
    assert_eq!(
        task["reader"],
        yaml(
            "{format: tsv, header: true, columns: {id: id, text: document, label: label}, empty_text: keep}"
        )
    );
    assert_eq!(label_ids(&task), ["0", "1"]);
    assert_eq!(task["kind"], "sequence_classification");
    assert_eq!((&task["metric"], &task["report"]), (&yaml("accuracy"), &yaml("test")));
    assert_eq!(task["splits"]["test"]["rows"], 4);
    for option in ["--format", "--no-header", "--label", "--text", "--id", "--kind"] {
        assert!(notes.contains(option), "{option}: {notes}");
    }
}

#[test]
fn a_table_without_header() {
    let rows: String = (0..12)
        .map(|i| format!("{}번째 문장은 이렇다\t{}\n", i, ["예", "아니오"][i % 2]))
        .collect();
    let (task, _) = made("a.tsv", &rows);
    assert_eq!(task["reader"]["header"], false);
    assert_eq!(task["reader"]["columns"], yaml("{text: 0, label: 1}"));
    assert_eq!(label_ids(&task), ["아니오", "예"]);
    assert_eq!(task["splits"]["test"]["rows"], 12);
}

#[test]
fn unknown_names_above_numbers_are_a_header() {
    let (task, _) = made(
        "a.tsv",
        "제목 글\t점\n글 하나가 있다\t1\n글 둘이 있다\t0\n글 셋이 있다\t1\n글 넷이 있다\t0\n",
    );
    assert_eq!(task["reader"]["header"], true);
    assert_eq!(task["reader"]["columns"]["label"], "점");
}

#[test]
fn pairs_and_values() {
    let rows: String = (0..30)
        .map(|i| format!("main\t{i:04}\t{}.{}\t문장 {i} 하나\t문장 {i} 둘\n", i % 5, i % 10))
        .collect();
    let text = format!("genre\tid\tscore\tsentence1\tsentence2\n{rows}");
    let (task, notes) = made("sts.tsv", &text);
    assert_eq!(task["kind"], "sequence_regression", "{notes}");
    assert_eq!(
        task["reader"]["columns"],
        yaml("{id: id, text: sentence1, text_pair: sentence2, label: score}")
    );
    assert_eq!(task["metrics"], yaml("[pearson, spearman]"));
    assert!(task.get("labels").is_none());
    let nli = "premise\thypothesis\tgold_label\na b\tc d\tneutral\ne f\tg h\tentailment\n";
    let (task, _) = made("nli.tsv", nli);
    assert_eq!(task["reader"]["columns"]["text_pair"], "hypothesis");
    assert_eq!(label_ids(&task), ["entailment", "neutral"]);
}

#[test]
fn quoted_commas_and_line_ends_are_csv() {
    let text = "text,label\n\"가, 나\n다\",x\n라마,y\n\"바 \"\"사\"\"\",x\n아자,y\n";
    let (task, _) = made("a.csv", text);
    assert_eq!(task["reader"]["format"], "csv");
    assert_eq!(task["splits"]["test"]["rows"], 4);
    assert_eq!(made("noname", "text,label\n가,x\n나,y\n").0["reader"]["format"], "csv");
}

#[test]
fn json_lines_lists_and_what_is_inside() {
    let lines = "{\"guid\": \"a\", \"sentence1\": \"가\", \"sentence2\": \"나\", \"labels\": {\"label\": 3.7, \"binary-label\": 1}}\n\
        {\"guid\": \"b\", \"sentence1\": \"다\", \"sentence2\": \"라\", \"labels\": {\"label\": 0.5, \"binary-label\": 0}}\n\
        {\"guid\": \"c\", \"sentence1\": \"마\", \"sentence2\": \"바\", \"labels\": {\"label\": 1.5, \"binary-label\": 0}}\n";
    let (task, notes) = made("a.jsonl", lines);
    assert_eq!(task["reader"]["format"], "jsonl");
    assert_eq!(task["reader"]["columns"]["label"], "labels.label", "{notes}");
    assert_eq!(task["kind"], "sequence_regression");
    let list = format!("[{}]", lines.trim_end().replace('\n', ",\n"));
    let (listed, _) = made("a.json", &list);
    assert_eq!(listed["reader"]["format"], "json");
    assert_eq!(listed["reader"]["columns"], task["reader"]["columns"]);
    let (inside, _) = made("a.json", &format!("{{\"version\": 1, \"rows\": {list}}}"));
    assert_eq!(inside["reader"]["member"], "rows");
}

#[test]
fn words_with_labels_in_each_form() {
    let conll = "## 머리말\n## a-1\t글 하나\n서\tB-LC\n울\tI-LC\n \tO\n##\tO\n\n## a-2\t글 둘\n나\tO\n도\tB-PS\n";
    let (task, _) = made("ner.tsv", conll);
    assert_eq!(
        task["reader"],
        yaml("{format: conll, comment: \"## \", columns: {text: 0, label: 1}}")
    );
    assert_eq!(label_ids(&task), ["O", "B-LC", "I-LC", "B-PS"]);
    assert_eq!(
        (&task["splits"]["test"]["rows"], &task["metric"]),
        (&yaml("2"), &yaml("entity_f1"))
    );
    let table = "서울 사람 이다\tLOC-B O O\n김 씨 는\tPER-B PER-I O\n그리고 그는\tO O\n";
    let (task, notes) = made("train.tsv", table);
    assert_eq!(task["kind"], "token_classification", "{notes}");
    assert_eq!(task["reader"]["columns"], yaml("{text: 0, label: 1}"));
    assert_eq!(task["scoring"]["tags"], "suffix");
    assert_eq!(label_ids(&task), ["O", "LOC-B", "PER-B", "PER-I"]);
    let lists = "{\"tokens\": [\"서울\", \" \"], \"ner_tags\": [\"B-LC\", \"O\"]}\n{\"tokens\": [\"나\"], \"ner_tags\": [\"O\"]}\n";
    let (task, _) = made("a.jsonl", lists);
    assert_eq!(task["reader"]["columns"], yaml("{text: tokens, label: ner_tags}"));
}

#[test]
fn questions_about_contexts() {
    let squad = r#"{"version": "1", "data": [{"title": "t", "paragraphs": [{"context": "서울은 수도이다", "qas": [
        {"id": "1", "question": "수도는?", "answers": [{"text": "서울", "answer_start": 0}]},
        {"id": "2", "question": "서울은?", "answers": [{"text": "수도", "answer_start": 4}]}]}]}]}"#;
    let (task, _) = made("dev.json", squad);
    assert_eq!(
        (&task["kind"], &task["splits"]["test"]["rows"]),
        (&yaml("extractive_qa"), &yaml("2"))
    );
    assert_eq!(task["metrics"], yaml("[exact_match, char_f1]"));
    let broken = squad.replace("\"context\"", "\"contxt\"");
    assert!(refused("dev.json", &broken).contains("data[0].paragraphs[0] has no `context`"));
}

#[test]
fn labels_of_every_file_are_labels() {
    let files = [
        source("train", "train.tsv", REVIEWS),
        source("test", "test.tsv", "id\tdocument\tlabel\n5\t그저 그렇다\t2\n"),
    ];
    let draft = draft("mine", &files, &Choices::default()).expect("a draft");
    let task: serde_yaml::Value = yaml(&draft.yaml);
    assert_eq!(label_ids(&task), ["0", "1", "2"]);
    assert_eq!(task["splits"]["test"]["sha256"], files[1].sha256.as_str());
    let other = [files[0].clone(), source("test", "test.tsv", "id\ttext\tgold\n5\ta\t2\n")];
    let error = super::draft("mine", &other, &Choices::default()).expect_err("another header");
    assert!(error.to_string().contains("test.tsv: there is no column `label`"), "{error}");
}

#[test]
fn what_cannot_be_told_is_asked() {
    let rows: String = (0..20)
        .map(|i| {
            format!(
                "제목 {i} 이다\t댓글 {i} 이다\t{}\t{}\n",
                ["none", "gender"][i % 2],
                ["hate", "none", "offensive"][i % 3]
            )
        })
        .collect();
    let text = refused("a.tsv", &format!("title\tcomment\tbias\thate\n{rows}"));
    assert!(text.contains("cannot tell which column holds the label"), "{text}");
    assert!(text.contains("bias: 2 distinct, for instance none | gender"), "{text}");
    assert!(text.contains("hint: give it with --label COL"), "{text}");
    let two: String = (0..20).map(|i| format!("글 {i} 이다\t말 {i} 이다\t{}\n", i % 2)).collect();
    assert!(refused("a.tsv", &two).contains("cannot tell which column holds the text"));
    let choices = Choices { text: Some("1".into()), ..Choices::default() };
    let draft = drafted("a.tsv", &two, &choices).expect("a draft");
    assert_eq!(yaml(&draft.yaml)["reader"]["columns"], yaml("{text: 1, label: 2}"));
    let choices = Choices { label: Some("lable".into()), ..Choices::default() };
    let error = drafted("a.tsv", REVIEWS, &choices).expect_err("no such column");
    assert_eq!(error.hint().as_deref(), Some("did you mean `label`?"));
}

#[test]
fn files_of_no_use_are_refused() {
    for (name, content, expected) in [
        ("a.tsv", "", "a.tsv: the file is empty"),
        ("a.txt", "그냥 글\n또 한 줄\n", "no format fits"),
        ("a.json", "{\"a\": [1,", "a.json:1: not JSON"),
        ("a.json", "{\"a\": 1, \"b\": 2}", "a JSON object with a, b;"),
        ("a.json", "[]", "there are no rows"),
        ("a.json", "[1, 2]", "row 0 is no JSON object"),
        ("a.jsonl", "{\"text\": \"a\", \"label\": 1}\n{\"text\": \n", "a.jsonl:2: not JSON"),
        ("a.tsv", "text\tlabel\n", "there are no rows"),
        ("a.tsv", "text\tlabel\n가 나\t1\n다 라\t1\n", "`label` holds one value only"),
    ] {
        let text = refused(name, content);
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_template_names_its_columns() {
    let lines = "{\"title\": \"가 나\", \"body\": \"다 라\", \"topic\": \"x\"}\n{\"title\": \"마\", \"body\": \"바\", \"topic\": \"y\"}\n";
    let choices = Choices {
        text: Some("{title} {{}} {body}".into()),
        label: Some("topic".into()),
        ..Choices::default()
    };
    let draft = drafted("a.jsonl", lines, &choices).expect("a draft");
    let task = yaml(&draft.yaml);
    assert_eq!(task["reader"]["columns"]["text"]["template"], "{title} {{}} {body}");
    for (wrong, expected) in [("{titel}", "no column `titel`"), ("{title", "not closed")] {
        let choices = Choices { text: Some(wrong.into()), ..choices.clone() };
        let error = drafted("a.jsonl", lines, &choices).expect_err("wrong").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_gives_a_task_file_or_an_error(
            content in "[ab가O\t,\"\n{}\\[\\]:#0-3.-]{0,80}",
            extension in prop::sample::select(vec!["tsv", "csv", "json", "jsonl", "txt"]),
        ) {
            if let Ok(draft) = drafted(&format!("a.{extension}"), &content, &Choices::default()) {
                let task: serde_yaml::Value = serde_yaml::from_str(&draft.yaml).expect("YAML");
                prop_assert!(task["splits"]["test"]["rows"].as_u64().is_some_and(|rows| rows > 0));
            }
        }
    }
}
