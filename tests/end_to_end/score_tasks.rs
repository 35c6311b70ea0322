//! `kobench score` on real predictions for tasks of every kind, where the data is there.

use kobench_tests::{Sandbox, full_data};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Scores a file with a task's own data.
fn score(sandbox: &Sandbox, task: &str, data: &Path, file: &Path, more: &[&str]) -> Value {
    let (data, file) = (data.to_str().unwrap(), file.to_str().unwrap());
    let base = ["score", "-t", task, "--data-dir", data, "--predictions", file, "--format", "json"];
    sandbox.json(&[&base[..], more].concat())
}

/// The folder with real prediction files beside the data, where there is one.
fn korquad_cases(test: &str) -> Option<(PathBuf, PathBuf)> {
    let data = full_data(test)?.canonicalize().unwrap();
    let cases = data.parent().unwrap().join("cases/korquad");
    if !cases.is_dir() {
        eprintln!("{test}: skipped, there is no folder {}", cases.display());
        return None;
    }
    Some((data, cases))
}

#[test]
fn korquad_predictions_score_what_the_official_evaluation_printed() {
    let test = "korquad_predictions_score_what_the_official_evaluation_printed";
    let Some((data, cases)) = korquad_cases(test) else { return };
    let sandbox = Sandbox::new();
    for (name, exact, f1) in [
        ("kcbert-base", 60.252_857_637_686_176, 84.389_428_754_855_71),
        ("collapsed", 0.069_276_065_119_501_21, 7.321_854_126_468_218),
    ] {
        let file = cases.join(format!("{name}.predictions.json"));
        let more = ["--resamples", "100", "-m", "kcbert-base"];
        let json = score(&sandbox, "korquad", &data, &file, &more);
        let verdicts: Vec<&str> = (json["published"].as_array().unwrap().iter())
            .map(|published| published["verdict"].as_str().unwrap())
            .collect();
        let expected = if name == "collapsed" { "below" } else { "identical" };
        assert_eq!(verdicts, [expected; 2], "{json}");
        assert_eq!(json["n"], 5774);
        assert_eq!(json["predictions"]["joined_by"], "id");
        for (metric, expected) in [("exact_match", exact), ("char_f1", f1)] {
            // The reference multiplies the sum by 100 before it divides by n; 100 times the quotient is
            // at most one unit in the last place away.
            let percent = 100.0 * json["metrics"][metric]["value"].as_f64().unwrap();
            let apart = percent.to_bits().abs_diff(f64::to_bits(expected));
            assert!(apart <= 1, "{name}: {metric} is {percent}, not {expected}");
            let (low, high) =
                (&json["metrics"][metric]["ci_low"], &json["metrics"][metric]["ci_high"]);
            assert!(
                100.0 * low.as_f64().unwrap() <= percent
                    && percent <= 100.0 * high.as_f64().unwrap()
            );
        }
    }
}

#[test]
fn korquad_questions_without_an_answer_count_as_wrong_when_that_is_allowed() {
    let test = "korquad_questions_without_an_answer_count_as_wrong_when_that_is_allowed";
    let Some((data, cases)) = korquad_cases(test) else { return };
    let sandbox = Sandbox::new();
    let text = std::fs::read_to_string(cases.join("kcbert-base.predictions.json")).unwrap();
    let mut answers: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    let gone: Vec<String> = answers.keys().take(774).cloned().collect();
    for id in &gone {
        answers.remove(id);
    }
    let file = sandbox.write("p.json", Value::Object(answers).to_string());
    let data_dir = data.to_str().unwrap();
    let refused = sandbox.run(&[
        "score",
        "-t",
        "korquad",
        "--data-dir",
        data_dir,
        "--predictions",
        file.to_str().unwrap(),
    ]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("rows without a prediction: 774 (id "), "{}", refused.stderr);
    assert!(refused.stderr.contains("--allow-missing"), "{}", refused.stderr);
    let json = score(&sandbox, "korquad", &data, &file, &["--allow-missing", "--resamples", "100"]);
    assert_eq!((&json["n"], &json["predictions"]["missing"]), (&5774.into(), &774.into()));
    let whole = score(
        &sandbox,
        "korquad",
        &data,
        &cases.join("kcbert-base.predictions.json"),
        &["--resamples", "100"],
    );
    let value = |json: &Value| json["metrics"]["exact_match"]["value"].as_f64().unwrap();
    assert!(value(&json) < value(&whole) && value(&json) > value(&whole) - 774.0 / 5774.0 - 1e-9);
    let warnings = json["warnings"].to_string();
    assert!(
        warnings.contains("774 of 5774 questions have no answer, and count as wrong"),
        "{warnings}"
    );
}

#[test]
fn gold_scored_against_itself_is_perfect_for_every_kind() {
    let Some(data) = full_data("gold_scored_against_itself_is_perfect_for_every_kind") else {
        return;
    };
    let data = data.canonicalize().unwrap();
    let sandbox = Sandbox::new();

    let text = std::fs::read_to_string(data.join("korquad/KorQuAD_v1.0_dev.json")).unwrap();
    let korquad: Value = serde_json::from_str(&text).unwrap();
    let mut answers = serde_json::Map::new();
    for paragraph in
        korquad["data"].as_array().unwrap().iter().flat_map(|a| a["paragraphs"].as_array().unwrap())
    {
        for question in paragraph["qas"].as_array().unwrap() {
            let id = question["id"].as_str().unwrap().to_string();
            answers.insert(id, question["answers"][0]["text"].clone());
        }
    }
    let file = sandbox.write("qa.json", Value::Object(answers).to_string());
    let json = score(&sandbox, "korquad", &data, &file, &["--resamples", "50"]);
    assert_eq!(json["metrics"]["exact_match"]["value"], 1.0);
    assert_eq!(json["metrics"]["char_f1"]["value"], 1.0);

    let text = std::fs::read_to_string(data.join("korsts/sts-test.tsv")).unwrap();
    let scores: Vec<&str> =
        text.lines().skip(1).map(|line| line.split('\t').nth(4).unwrap()).collect();
    let file = sandbox.write("sts.txt", scores.join("\n") + "\n");
    let json = score(&sandbox, "korsts", &data, &file, &["--resamples", "50"]);
    assert!((json["metrics"]["spearman"]["value"].as_f64().unwrap() - 1.0).abs() < 1e-12, "{json}");

    // KLUE's own file: a character and its tag a line, spaces among them, comments before each sentence.
    let file = data.join("klue/klue-ner-v1.1_dev.tsv");
    let json = score(
        &sandbox,
        "klue_ner",
        &data,
        &file,
        &["--input-format", "conll", "--resamples", "50"],
    );
    assert_eq!(json["metrics"]["entity_macro_f1"]["value"], 1.0, "{json}");
}
