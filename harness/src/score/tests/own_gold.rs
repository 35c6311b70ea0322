//! Gold that stands beside the predictions.

use super::*;

fn scored(task: &Task, name: &str, text: &str, column: &str) -> Result<ScoreReport, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, text).expect("written");
    let options = ScoreOptions { gold_column: Some(column.to_owned()), ..ScoreOptions::default() };
    score_own_gold(task, &path, None, &options)
}

#[test]
fn a_column_may_hold_the_gold() {
    for (name, text) in [
        ("p.csv", "gold,pred\n1,1\n0,1\n1,positive\n0,0\n"),
        ("p.tsv", "id\tpred\tgold\n9\t1\t1\n8\t1\t0\n9\t1\tpositive\n1\t0\tnegative\n"),
        (
            "p.jsonl",
            "{\"gold\":1,\"pred\":1,\"i\":9}\n{\"gold\":0,\"pred\":1}\n{\"gold\":1,\"pred\":1}\n{\"gold\":\"0\",\"pred\":0}\n",
        ),
        (
            "p.json",
            "[{\"gold\":1,\"pred\":1},{\"gold\":0,\"pred\":1},{\"gold\":1,\"pred\":1},{\"gold\":0,\"pred\":0}]",
        ),
    ] {
        let report = scored(&nsmc(), name, text, "gold").expect("scored");
        assert_eq!((report.n, report.metrics["accuracy"].value), (4, 0.75), "{name}");
        assert_eq!((report.split, report.gold.verified, report.gold.rows), (None, false, 4));
        assert!(
            report.warnings[0].contains("the file's own column `gold`"),
            "{:?}",
            report.warnings
        );
    }
}

#[test]
fn gold_that_is_none_is_refused() {
    for (name, text, column, expected) in [
        (
            "p.csv",
            "gold,pred\n1,1\n2,1\n",
            "gold",
            "gold labels that are none of the labels 0 (negative), 1 (positive): 1 (\"2\" in line 3)",
        ),
        ("p.csv", "gold,pred\n1,1\n", "gald", "there is no column `gald`; there are: gold, pred"),
        (
            "p.jsonl",
            "{\"gold\":1,\"pred\":1}\n{\"pred\":1}\n",
            "gold",
            ":2: there is no member `gold`; there are: pred",
        ),
        ("p.json", "{\"a\":1}", "gold", "entry 1 has no member `gold`"),
        ("p.json", "{\"a\":{\"pred\":1}}", "gold", "entry 1 has no member `gold`"),
        ("p", "1\n0\n", "gold", "there is no column `pred`; there are: 1"),
    ] {
        let error = scored(&nsmc(), name, text, column).expect_err("bad").to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
    }
}

/// What the file says is right, for kinds whose metrics are not looked at here.
fn gold(kind: Kind, labels: &[&str], name: &str, text: &str) -> Result<String, ScoreError> {
    let task = task(kind, labels);
    let options = ScoreOptions {
        gold_column: Some(if name == "p.conll" { "1" } else { "gold" }.to_owned()),
        ..ScoreOptions::default()
    };
    let file = TextFile::new(text.as_bytes().to_vec(), Path::new(name))?;
    let scoring = Scoring::new(&task, &task.labels, &file, &options)?;
    let predictions = scoring.read(usize::MAX)?;
    let reference =
        Reference::of_predictions(task.kind, &predictions, &scoring.labels, Path::new(name))?;
    scoring.predicted(&predictions, &reference)?;
    Ok(format!("{:?}", reference.gold))
}

#[test]
fn every_kind_may_bring_its_gold() {
    let words = ["O", "B"];
    for (kind, labels, name, text, expected) in [
        (
            Kind::SequenceRegression,
            &[][..],
            "p.csv",
            "pred,gold\n1,2.5\n2,3\n",
            "Values([2.5, 3.0])",
        ),
        (
            Kind::TokenClassification,
            &words,
            "p.csv",
            "pred,gold\nO B,B B\nO,O\n",
            "Tags([[1, 1], [0]])",
        ),
        (
            Kind::TokenClassification,
            &words,
            "p.conll",
            "a B O\nb O O\n\nc B B\n",
            "Tags([[1, 0], [1]])",
        ),
        (
            Kind::TokenClassification,
            &words,
            "p.jsonl",
            "{\"gold\":[{\"label\":\"B\",\"cut\":true}],\"pred\":[{\"label\":null,\"cut\":true}]}",
            "Tags([[1]])",
        ),
        (
            Kind::ExtractiveQa,
            &[],
            "p.jsonl",
            "{\"gold\":[\"a\",\"b\"],\"pred\":\"c\"}\n{\"gold\":\"d\",\"pred\":\"e\"}\n",
            "Answers([[\"a\", \"b\"], [\"d\"]])",
        ),
    ] {
        assert_eq!(
            gold(kind, labels, name, text).map_err(|error| error.to_string()),
            Ok(expected.to_owned())
        );
    }
    for (kind, labels, text, expected) in [
        (
            Kind::SequenceRegression,
            &[][..],
            "pred,gold\n1,x\n",
            "gold values that are no finite number: 1 (\"x\" in line 2)",
        ),
        (
            Kind::TokenClassification,
            &words,
            "pred,gold\nO,O B\n",
            "1 labels for 2 words in row 0 (line 2)",
        ),
        (
            Kind::TokenClassification,
            &words,
            "pred,gold\nO,C\n",
            "gold labels that are none of the labels O (name of O), B (name of B): 1 (\"C\" in word 1 in line 2)",
        ),
    ] {
        let error = gold(kind, labels, "p.csv", text).expect_err("bad").to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
    }
}
