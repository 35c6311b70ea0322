//! Two real prediction files, to the last bit, and the mistakes that scorers of Korean make.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::Value;

use super::*;

/// Gold answers by question, in dataset order.
type Gold = Vec<(String, Vec<String>)>;

/// The folder with KorQuAD's dev set, and the one with predictions beside it.
fn folders(test: &str) -> Option<[PathBuf; 2]> {
    let data = std::env::var_os("KOBENCH_DATA").map(PathBuf::from);
    let folders = data.map(|data| [data.join("korquad"), data.join("../cases/korquad")]);
    let folders = folders.filter(|folders| folders.iter().all(|folder| folder.is_dir()));
    if folders.is_none() {
        eprintln!(
            "{test}: skipped, KOBENCH_DATA does not name a folder with korquad/KorQuAD_v1.0_dev.json and \
             ../cases/korquad"
        );
    }
    folders
}

fn json(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path).expect("readable");
    serde_json::from_str(&text).expect("JSON")
}

fn gold(folder: &std::path::Path) -> Gold {
    let file = json(folder.join("KorQuAD_v1.0_dev.json"));
    let list = |value: &Value, key: &str| value[key].as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut gold = Vec::new();
    for article in list(&file, "data") {
        for paragraph in list(&article, "paragraphs") {
            for question in list(&paragraph, "qas") {
                let answers = list(&question, "answers").iter().map(|a| text(&a["text"])).collect();
                gold.push((text(&question["id"]), answers));
            }
        }
    }
    assert_eq!(gold.len(), 5774);
    gold
}

fn predictions(folder: &std::path::Path, name: &str) -> HashMap<String, String> {
    serde_json::from_value(json(folder.join(name))).expect("answers by id")
}

/// Exact match and F1 in percent, as the official evaluation prints them.
fn official(gold: &Gold, predicted: &HashMap<String, String>) -> [f64; 2] {
    let right: Vec<Vec<&str>> =
        gold.iter().map(|(_, answers)| answers.iter().map(String::as_str).collect()).collect();
    let predicted: Vec<Option<&str>> =
        gold.iter().map(|(id, _)| predicted.get(id).map(String::as_str)).collect();
    let scores = AnswerScores::new(&right, &predicted).expect("compared");
    let n = gold.len() as f64;
    [100.0 * scores.exact_sum() / n, 100.0 * scores.char_f1_sum() / n]
}

#[test]
fn real_predictions_come_out_bit_for_bit() {
    let Some([data, cases]) = folders("real_predictions_come_out_bit_for_bit") else { return };
    let gold = gold(&data);
    for (name, expected) in [
        ("kcbert-base.predictions.json", [60.252_857_637_686_176, 84.389_428_754_855_71]),
        ("collapsed.predictions.json", [0.069_276_065_119_501_21, 7.321_854_126_468_218]),
    ] {
        let found = official(&gold, &predictions(&cases, name));
        assert_eq!(found.map(f64::to_bits), expected.map(f64::to_bits), "{name}: {found:?}");
    }
    let own = gold.iter().map(|(id, answers)| (id.clone(), answers[0].clone())).collect();
    assert_eq!(official(&gold, &own), [100.0, 100.0]);
}

/// A way to score that is not KorQuAD's.
struct Variant {
    name: &'static str,
    normalise: fn(&str) -> String,
    units: fn(&str) -> Vec<String>,
    /// EM where it is known, F1.
    gives: (Option<f64>, f64),
}

fn characters(text: &str) -> Vec<String> {
    text.chars().filter(|c| !c.is_whitespace()).map(String::from).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn joined(text: &str) -> String {
    words(text).join(" ")
}

fn without(text: &str, drop: impl Fn(char) -> bool) -> String {
    joined(&text.chars().filter(|c| !drop(*c)).collect::<String>())
}

const SPACED: [char; 12] = ['\'', '"', '《', '》', '<', '>', '〈', '〉', '(', ')', '‘', '’'];

/// SQuAD's: lower case, no ASCII punctuation, no English articles.
fn squad(text: &str) -> String {
    let text = without(&text.to_lowercase(), |c| c.is_ascii_punctuation());
    let kept: Vec<&str> = text.split(' ').filter(|w| !["a", "an", "the"].contains(w)).collect();
    joined(&kept.join(" "))
}

fn ascii_only(text: &str) -> String {
    without(&text.to_lowercase(), |c| c.is_ascii_punctuation())
}

/// Quotes, brackets and dashes beyond ASCII, as far as the files hold them: general category P*.
fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c)
        || matches!(c, '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}')
        || matches!(c, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}')
        || matches!(c, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{30fb}')
        || matches!(c, '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff3d}')
}

fn unicode_punctuation(text: &str) -> String {
    let spaced = text.replace(SPACED, " ").to_lowercase();
    without(&spaced, |c| is_punctuation(c) || c.is_ascii_punctuation())
}

fn no_lower(text: &str) -> String {
    without(&text.replace(SPACED, " "), |c| c.is_ascii_punctuation())
}

fn with_spaces(text: &str) -> Vec<String> {
    text.chars().map(String::from).collect()
}

fn f1(answer: &[String], right: &[String]) -> f64 {
    let mut left: HashMap<&str, u32> = HashMap::new();
    right.iter().for_each(|unit| *left.entry(unit).or_default() += 1);
    let mut same = 0;
    for unit in answer {
        if let Some(count) = left.get_mut(unit.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            same += 1;
        }
    }
    if same == 0 {
        return 0.0;
    }
    let (p, r) = (f64::from(same) / answer.len() as f64, f64::from(same) / right.len() as f64);
    2.0 * p * r / (p + r)
}

#[test]
fn common_mistakes_give_other_numbers() {
    let Some([data, cases]) = folders("common_mistakes_give_other_numbers") else { return };
    let gold = gold(&data);
    let predicted = predictions(&cases, "kcbert-base.predictions.json");
    let ours = official(&gold, &predicted);
    let variants = [
        Variant {
            name: "words",
            normalise: normalise_answer,
            units: words,
            gives: (None, 69.1763),
        },
        Variant { name: "SQuAD", normalise: squad, units: words, gives: (Some(60.1143), 68.5807) },
        Variant {
            name: "ASCII",
            normalise: ascii_only,
            units: characters,
            gives: (Some(60.1143), 84.3586),
        },
        Variant {
            name: "all punctuation",
            normalise: unicode_punctuation,
            units: characters,
            gives: (Some(60.2702), 84.3957),
        },
        Variant {
            name: "spaces",
            normalise: normalise_answer,
            units: with_spaces,
            gives: (None, 84.1460),
        },
        Variant {
            name: "no lower",
            normalise: no_lower,
            units: characters,
            gives: (None, 84.3816),
        },
        Variant {
            name: "raw",
            normalise: str::to_owned,
            units: characters,
            gives: (Some(59.9584), 84.2205),
        },
    ];
    for Variant { name, normalise, units, gives } in variants {
        let mut sums = [0.0; 2];
        for (id, answers) in &gold {
            let (answer, right) = (normalise(&predicted[id]), normalise(&answers[0]));
            sums[0] += f64::from(u8::from(answer == right));
            sums[1] += f1(&units(&answer), &units(&right));
        }
        let [em, f1] = sums.map(|sum| 100.0 * sum / gold.len() as f64);
        if let Some(expected) = gives.0 {
            assert!((em - expected).abs() < 5e-5, "{name}: EM {em}");
            assert!((em - ours[0]).abs() > 0.01, "{name}: EM {em}");
        }
        assert!((f1 - gives.1).abs() < 5e-5, "{name}: F1 {f1}");
        assert!((f1 - ours[1]).abs() > 0.005, "{name}: F1 {f1}");
    }
}
