//! Files that are no predictions say what they are, and what to do.

use super::*;

#[test]
fn what_is_no_text_is_named() {
    let refused = |content: &[u8]| texts().refused("p.jsonl", content, &ScoreOptions::default());
    for (content, message, hint) in [
        (&b"\x1f\x8b\x08\x00abc"[..], "p.jsonl is compressed with gzip, not text", "gzip -d"),
        (b"\x28\xb5\x2f\xfdabc", "p.jsonl is compressed with zstd, not text", "zstd -d"),
        (b"PK\x03\x04abc", "p.jsonl is a zip archive (or a spreadsheet), not text", "unzip"),
        (b"PAR1abc", "p.jsonl is a Parquet file, not text", "CSV"),
        (b"0\n1\n\0\n", "p.jsonl is a binary file: there is a NUL byte at offset 4", "text file"),
        (b"0\n1\n\xc0\xcc\n", "p.jsonl:3: not UTF-8: the bytes at offset 4", "CP949"),
        (b"\xff\xfe0\x00", "p.jsonl:1: not UTF-8", "UTF-16"),
        (b"", "p.jsonl holds no predictions", "every row"),
        (b"\xef\xbb\xbf \r\n\n", "p.jsonl holds no predictions", "every row"),
    ] {
        let refused = refused(content);
        let (text, next) = refused.split_once("\nhint: ").expect("a hint");
        assert!(text.starts_with(message), "{refused}");
        assert!(next.contains(hint), "{refused}");
    }
}

#[test]
fn folders_and_missing_files_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |path: &Path| {
        let error = TextFile::read(path).expect_err("no file");
        format!("{error}\n{}", error.hint().unwrap_or_default())
    };
    let message = refused(folder.path());
    assert!(message.contains("is a folder, not a file with predictions"), "{message}");
    assert!(message.contains("RUN/cells/ID/predictions.jsonl"), "{message}");
    fs::write(folder.path().join("predictions.jsonl"), "").expect("written");
    let inside = folder.path().join("predictions.jsonl").display().to_string();
    assert!(refused(folder.path()).contains(&inside), "{}", refused(folder.path()));
    let message = refused(&folder.path().join("nowhere"));
    assert!(message.contains("nowhere") && message.contains("--predictions"), "{message}");
}

#[test]
fn lines_that_cannot_be_read_are_named() {
    let options = ScoreOptions::default();
    let conll = "이 B-PS\n순신 I-PS\n은\n\n네 O\n";
    for (rows, name, text, expected) in [
        (
            texts(),
            "p.jsonl",
            "{\"id\": \"a\", \"pred\": \"1\"\n",
            "p.jsonl:1: not a prediction: EOF while parsing an object at column 23",
        ),
        (
            texts(),
            "p.jsonl",
            "{\"id\":\"a\",\"pred\":1}\n[1]\n",
            "p.jsonl:2: not a prediction: invalid type: sequence, expected a JSON object",
        ),
        (
            texts(),
            "p.jsonl",
            "{\"id\":\"a\",\"pred\":1} x\n",
            "p.jsonl:1: not a prediction: trailing characters at column 21",
        ),
        (
            texts(),
            "p.jsonl",
            "{\"id\":\"a\",\"prde\":1}\n",
            "p.jsonl:1: there is no member `pred`; there are: id, prde\nhint: did you mean --pred-column prde?",
        ),
        (
            texts(),
            "p.jsonl",
            "{\"id\":\"a\",\"pred\":1,\"pred\":0}\n",
            "p.jsonl:1: not a prediction: the member `pred` stands twice",
        ),
        (
            texts(),
            "p.jsonl",
            "{\"id\":[],\"pred\":1}\n",
            "p.jsonl:1: not a prediction: the id must be a string or an integer, found a list",
        ),
        (
            texts(),
            "p.jsonl",
            "{\"i\":-1,\"pred\":1}\n",
            "p.jsonl:1: not a prediction: the index `i` must be an integer from 0, found -1",
        ),
        (
            texts(),
            "p.json",
            "{\"a\": 1,\n\"b\": oops}",
            "p.json:2: not a prediction: expected value at column 6",
        ),
        (
            texts(),
            "p.json",
            "{\"a\": {\"label\": 1}}",
            "p.json:1: not a prediction: entry 1 has no member `pred`",
        ),
        (
            texts(),
            "p.json",
            "\"a\"",
            "p.json:1: not a prediction: invalid type: string \"a\", expected an object of ids and predictions",
        ),
        (
            pairs(),
            "p.jsonl",
            "{\"i\":0,\"pred\":1}\n{\"i\":1,\"pred\":NaN}\n",
            "p.jsonl:2: NaN or an infinity at column 15, which is no number that can be scored",
        ),
        (pairs(), "p.json", "[1,\n-Infinity,\n2]", "p.json:2: NaN or an infinity"),
        (
            pairs(),
            "p.jsonl",
            "{\"i\":0,\"pred\":1e999}\n",
            "p.jsonl:1: not a prediction: number out of range",
        ),
        (
            texts(),
            "p.csv",
            "id,prde\na,1\n",
            "p.csv:1: there is no column `pred`; there are: id, prde\nhint: did you mean --pred-column prde?",
        ),
        (
            texts(),
            "p.csv",
            "id,predicted_label\na,1\n",
            "there is no column `pred`; there are: id, predicted_label\nhint: did you mean --pred-column predicted_label?",
        ),
        (texts(), "p.csv", "a,b\na,1\n", "hint: name the column with --pred-column"),
        (texts(), "p.csv", "id,pred\na,1\nb\n", "p.csv:3: found 1 fields, the header has 2"),
        (texts(), "p.csv", "id,pred\n\"a\nb\",1\nb\n", "p.csv:4: found 1 fields, the header has 2"),
        (
            texts(),
            "p.csv",
            "id,pred,pred\na,1,0\n",
            "p.csv:1: the column `pred` stands twice in the header",
        ),
        (
            texts(),
            "p.tsv",
            "i\tpred\nx\t1\n",
            "p.tsv:2: the index `i` must be an integer from 0, found \"x\"",
        ),
        (sentences(), "p.conll", conll, "p.conll:3: found 1 columns, the first word has 2"),
    ] {
        let refused = rows.refused(name, text, &options);
        assert!(refused.contains(expected), "{refused}\nexpected {expected}");
    }
    let refused = texts().refused("p.csv", "id,label\na,1\n", &named("id", "lable"));
    assert!(refused.ends_with("hint: did you mean --pred-column label?"), "{refused}");
    let refused = texts().refused("p.jsonl", "{\"ids\":\"a\",\"pred\":1}\n", &named("id", "pred"));
    assert!(refused.ends_with("hint: did you mean --id-column ids?"), "{refused}");
    let columns = ScoreOptions { pred_column: Some("2".to_owned()), ..ScoreOptions::default() };
    let refused = sentences().refused("p.conll", conll, &columns);
    assert!(
        refused.contains("p.conll:1: there is no column `2`; there are the columns 0 to 1"),
        "{refused}"
    );
}

#[test]
fn numbers_for_the_labels_must_be_such() {
    let mut rows = texts();
    rows.task.metrics = vec![Metric::LogLoss];
    let options = ScoreOptions::default();
    let row = |scores: &str| {
        format!(
            "{{\"id\":\"a\",\"pred\":1,{scores}}}\n{{\"id\":\"b\",\"pred\":1,\"logits\":[1,2]}}\n{{\"id\":7,\"pred\":1}}\n"
        )
    };
    for (text, expected) in [
        (row("\"logits\":[1,2,3]"), "p.jsonl:1: 3 numbers for 2 labels"),
        (row("\"probs\":[0.5,0.5]"), "p.jsonl:2: logits here, probabilities in the rows before"),
        (row("\"logits\":[1,NaN]"), "p.jsonl:1: NaN or an infinity"),
        (
            row("\"logits\":[1,2]"),
            "rows without finite numbers for the labels, which others have: 1 (line 3)",
        ),
        (
            row("\"logits\":[1,2],\"probs\":[0,1]"),
            "p.jsonl:1: not a prediction: `probs` beside other numbers for the labels",
        ),
        (
            row("\"x\":1"),
            "rows without finite numbers for the labels, which others have: 2 (line 1, line 3)",
        ),
    ] {
        let refused = rows.refused("p.jsonl", &text, &options);
        assert!(refused.contains(expected), "{refused}\nexpected {expected}");
    }
    let text = "[{\"pred\":0,\"probs\":[0.5,0.6]},{\"pred\":0,\"probs\":[2,-1]},{\"pred\":0,\"probs\":[1,0]}]";
    let refused = rows.refused("p.json", text, &options);
    assert!(refused.contains("(numbers before the softmax are called `logits`): 2 (the sum 1.1 in entry 1, the sum 1 in entry 2)"), "{refused}");
    let score = ScoreOptions { score_column: Some("p".to_owned()), ..ScoreOptions::default() };
    let refused = rows.refused("p.csv", "pred,p\n1,1.5\n1,nan\n1,0.5\n", &score);
    assert!(
        refused.contains("scores that are no probability from 0 to 1: 1 (1.5 in line 2)"),
        "{refused}"
    );
    assert!(
        refused
            .contains("rows without finite numbers for the labels, which others have: 1 (line 3)"),
        "{refused}"
    );
    let refused = rows.refused("p.csv", "pred,p\n1,x\n1,1\n1,0.5\n", &score);
    assert!(refused.contains("p.csv:2: the score must be a number, found \"x\""), "{refused}");
}

#[test]
fn options_must_fit_the_task() {
    let allowed = ScoreOptions { allow_missing: true, ..ScoreOptions::default() };
    let refused = texts().refused("p.txt", "1\n1\n1\n", &allowed);
    assert!(
        refused.starts_with(
            "--allow-missing is for questions; nsmc is a task of sequence_classification"
        ),
        "{refused}"
    );
    let refused = questions().refused("p.txt", "1\n1\n1\n", &of_format(InputFormat::Conll));
    assert!(refused.starts_with("the format conll has a label a word"), "{refused}");
    let score = ScoreOptions { score_column: Some("p".to_owned()), ..ScoreOptions::default() };
    let refused = pairs().refused("p.csv", "pred,p\n1,1\n", &score);
    assert!(refused.starts_with("--score-column is for tasks with two labels"), "{refused}");
}
