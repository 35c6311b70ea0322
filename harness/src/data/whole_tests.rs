//! The whole of every data set that is there, against what is known of it.
//!
//! Counts are those of the reference protocol, measured from the files.

use std::path::PathBuf;

use super::{DataError, DataPlaces, Dataset, DatasetOptions, Gold, Input};
use crate::task::{Registry, Task};

fn registry() -> Registry {
    Registry::load(&[]).expect("loads")
}

/// The folder that `KOBENCH_DATA` names.
fn folder(needed: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KOBENCH_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: KOBENCH_DATA does not name a folder with {needed}");
    }
    folder
}

/// A split, if the folder has it; it is then the file that the task names.
fn open(folder: &std::path::Path, task: &Task, split: &str) -> Option<Dataset> {
    let places = DataPlaces::new(Some(folder));
    match Dataset::open(task, Some(split), &places, DatasetOptions::default()) {
        Ok(data) => {
            let named = task.splits[split].sha256.is_some();
            assert_eq!(data.info().verified, named, "{}/{split}", task.name);
            Some(data)
        }
        Err(DataError::NotFound { .. }) => {
            eprintln!("skipped: {}/{split} is not in {}", task.name, folder.display());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Rows a label, in the task's order.
fn label_counts(data: &Dataset) -> Vec<usize> {
    let gold = data.gold_labels();
    assert_eq!(gold.len(), data.len());
    (0..data.labels().len())
        .map(|label| gold.iter().filter(|gold| **gold as usize == label).count())
        .collect()
}

fn texts<'a>(input: &Input<'a>) -> Vec<&'a str> {
    match *input {
        Input::Text(text) => vec![text],
        Input::Pair(first, second) => vec![first, second],
        Input::Question { question, context } => vec![question, context],
        Input::Words(words) => words.iter().collect(),
    }
}

fn count(data: &Dataset, is: impl Fn(&str) -> bool) -> usize {
    data.rows().filter(|row| texts(&row.input).into_iter().any(&is)).count()
}

#[test]
fn every_bundled_sample_is_what_its_task_names() {
    let registry = registry();
    let mut samples = 0;
    for task in registry.tasks() {
        for (name, split) in &task.splits {
            if split.bundled.is_some() {
                let places = DataPlaces::default();
                let data = Dataset::open(task, Some(name), &places, DatasetOptions::default())
                    .unwrap_or_else(|error| panic!("{}/{name}: {error}", task.name));
                assert!(data.info().verified && split.sha256.is_some() && split.rows.is_some());
                samples += 1;
            }
        }
    }
    assert_eq!(samples, 10);
}

#[test]
fn classifications_have_the_rows_that_are_known() {
    let Some(folder) = folder("the data sets") else { return };
    let registry = registry();
    for (task, split, counts) in [
        ("nsmc", "test", vec![24_827, 25_173]),
        ("nsmc", "train", vec![75_173, 74_827]),
        ("paws", "dev", vec![1160, 840]),
        ("paws", "test", vec![1104, 896]),
        ("kornli", "dev", vec![830; 3]),
        ("kornli", "test", vec![1670; 3]),
        ("question_pair", "test", vec![508, 250]),
        ("hate_speech", "val", vec![160, 189, 122]),
        ("klue_nli", "dev", vec![1000; 3]),
    ] {
        let task = registry.get(task).expect("is there");
        let Some(data) = open(&folder, &task, split) else { continue };
        assert_eq!(label_counts(&data), counts, "{}/{split}", task.name);
        assert_eq!(data.skipped_empty(), 0, "{}/{split}", task.name);
    }
}

#[test]
fn every_split_that_is_there_is_what_its_task_names() {
    let Some(folder) = folder("the data sets") else { return };
    let mut read = 0;
    for task in registry().tasks() {
        for (name, split) in &task.splits {
            if let Some(data) = open(&folder, task, name) {
                assert!(data.clusters().is_none_or(|clusters| clusters.len() == data.len()));
                assert_eq!(split.scored_rows().unwrap_or(data.len() as u64), data.len() as u64);
                read += 1;
            }
        }
    }
    eprintln!("{read} splits read");
}

#[test]
fn empty_and_odd_texts_are_kept() {
    let Some(folder) = folder("nsmc and paws") else { return };
    let registry = registry();
    let nsmc = registry.get("nsmc").expect("is there");
    for (split, empty) in [("test", 3), ("train", 5)] {
        let Some(data) = open(&folder, &nsmc, split) else { continue };
        assert_eq!(count(&data, str::is_empty), empty, "nsmc/{split}");
    }
    let paws = registry.get("paws").expect("is there");
    for (split, placeholders) in [("dev", 35), ("test", 28)] {
        let Some(data) = open(&folder, &paws, split) else { continue };
        assert_eq!(count(&data, |text| text == "NS"), placeholders, "paws/{split}");
    }
    // A reader of lines that breaks at every control character loses this row.
    let Some(dev) = open(&folder, &paws, "dev") else { return };
    let row = dev.rows().find(|row| row.id == Some("3342")).expect("is there");
    assert!(texts(&row.input).iter().any(|text| text.contains('\u{1c}')), "{row:?}");
    assert_eq!(count(&dev, |text| text.contains('\u{8}')), 1);
}

#[test]
fn rows_of_one_premise_form_a_cluster() {
    let Some(folder) = folder("kornli and klue") else { return };
    let registry = registry();
    for (task, split, premises) in
        [("kornli", "dev", 830), ("kornli", "test", 1670), ("klue_nli", "dev", 1000)]
    {
        let task = registry.get(task).expect("is there");
        let Some(data) = open(&folder, &task, split) else { continue };
        let clusters = data.clusters().expect("has clusters");
        for cluster in 0..premises {
            assert_eq!(clusters.iter().filter(|found| **found == cluster).count(), 3, "{cluster}");
        }
        assert_eq!(clusters.len() as u32, premises * 3);
    }
}

#[test]
fn regressions_have_values_within_their_range() {
    let Some(folder) = folder("korsts and klue") else { return };
    let registry = registry();
    let korsts = registry.get("korsts").expect("is there");
    for split in ["train", "dev", "test"] {
        let Some(data) = open(&folder, &korsts, split) else { continue };
        assert!(data.gold_values().iter().all(|value| (0.0..=5.0).contains(value)));
    }
    let klue = registry.get("klue_sts").expect("is there");
    let Some(data) = open(&folder, &klue, "dev") else { return };
    let mut values = data.gold_values();
    assert_eq!((values.len(), values.iter().filter(|value| **value >= 3.0).count()), (519, 220));
    assert_eq!(values[0].to_bits(), 4.857142857142857_f64.to_bits());
    values.sort_by(f64::total_cmp);
    values.dedup();
    assert_eq!(values.len(), 80);
    let row = data.row(0).expect("a row");
    assert_eq!((row.id, row.line), (Some("klue-sts-v1_dev_00000"), 2));
}

#[test]
fn every_answer_of_korquad_is_where_it_says() {
    let Some(folder) = folder("korquad") else { return };
    let task = registry().get("korquad").expect("is there");
    let Some(data) = open(&folder, &task, "dev") else { return };
    assert_eq!(data.len(), 5774);
    for row in data.rows() {
        let (Input::Question { context, .. }, Gold::Answers(answers)) = (row.input, row.gold)
        else {
            panic!("{row:?}");
        };
        assert_eq!(answers.len(), 1);
        for answer in answers.iter() {
            assert!(context[answer.start..].starts_with(answer.text), "{row:?}");
        }
    }
    let clusters = data.clusters().expect("has clusters");
    assert_eq!(clusters.last(), Some(&963), "964 paragraphs");
    assert!(clusters.is_sorted());
}

#[test]
fn every_character_of_klue_ner_survives() {
    let Some(folder) = folder("klue") else { return };
    let task = registry().get("klue_ner").expect("is there");
    let Some(data) = open(&folder, &task, "dev") else { return };
    let (mut spaces, mut characters, mut longest) = (0, 0, 0);
    let mut tags = vec![0; task.labels.len()];
    for row in data.rows() {
        let (Input::Words(words), Gold::Tags(gold)) = (row.input, row.gold) else {
            panic!("{row:?}");
        };
        assert_eq!(words.len(), gold.len());
        spaces += words.iter().filter(|word| *word == " ").count();
        characters += words.len();
        longest = longest.max(words.len());
        assert!(words.iter().all(|word| word.chars().count() == 1));
        gold.iter().for_each(|tag| tags[*tag as usize] += 1);
    }
    assert_eq!((data.len(), spaces, characters, longest), (5000, 60_379, 285_929, 145));
    let begins = ["B-DT", "B-LC", "B-OG", "B-PS", "B-QT", "B-TI"];
    let count = |id: &str| tags[task.label_index(id).expect("a label") as usize];
    assert_eq!(begins.map(count), [2312, 1649, 2182, 4418, 3151, 545]);
    let row = data.row(0).expect("a row");
    assert_eq!((row.id, row.line), (Some("klue-ner-v1_dev_00000-wikitree"), 7));
    assert_eq!(
        data.row(4999).expect("a row").id.map(|id| &id[..21]),
        Some("klue-ner-v1_dev_04999")
    );
}

#[test]
fn samples_are_rows_of_their_originals() {
    let Some(folder) = folder("the data sets") else { return };
    for task in registry().tasks().filter(|task| task.splits.contains_key("sample")) {
        let Some(whole) = open(&folder, task, &task.report) else { continue };
        let sample = open(&folder, task, "sample").expect("is part of kobench");
        let mut rows = whole.rows();
        for row in sample.rows() {
            let found = rows
                .any(|other| (other.id, other.input, other.gold) == (row.id, row.input, row.gold));
            assert!(found, "{}: {row:?}", task.name);
        }
    }
}

/// Prints time and peak memory of one split; needs a process of its own.
#[test]
#[ignore = "measures: KOBENCH_READ=nsmc/train cargo test ... -- --ignored --exact --nocapture"]
fn time_and_memory_of_one_split() {
    let Some(folder) = folder("the data sets") else { return };
    let name = std::env::var("KOBENCH_READ").unwrap_or_else(|_| "nsmc/train".to_owned());
    let (task, split) = name.split_once('/').expect("TASK/SPLIT");
    let task = registry().get(task).expect("is there");
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        status.lines().find(|line| line.starts_with("VmHWM")).map(str::to_owned)
    };
    let before = peak();
    let start = std::time::Instant::now();
    let data = open(&folder, &task, split).expect("is there");
    let elapsed = start.elapsed();
    eprintln!("{name}: {} rows in {elapsed:?}; before {before:?}, after {:?}", data.len(), peak());
}
