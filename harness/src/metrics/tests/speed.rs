//! How long intervals take. Run it with
//! `cargo test --release -p kobench --lib -- --ignored --nocapture how_long_intervals_take`.

use std::time::Instant;

use super::*;
use crate::stats::Random;

fn random_labels(rows: usize, count: u32, random: &mut Random) -> (Vec<u32>, Vec<u32>) {
    let gold: Vec<u32> = (0..rows).map(|_| random.two_below(count).0).collect();
    let answer = |gold: &u32| if random.unit() < 0.8 { *gold } else { random.two_below(count).0 };
    let predicted = gold.iter().map(answer).collect();
    (gold, predicted)
}

/// Processor time of this process so far, in seconds; Linux has it in ticks of 10 ms.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which may hold anything but is in parentheses: user and system time are 12 and 13.
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

fn timed(what: &str, task: &Task, observations: &Observations<'_>, clusters: Option<&[u32]>) {
    let (start, before) = (Instant::now(), processor_seconds());
    let scores = run(task, observations, clusters, 10_000).expect("scored");
    let seconds = start.elapsed().as_secs_f64();
    let resamples: Vec<u32> = scores.metrics.values().filter_map(|value| value.resamples).collect();
    let cpu = processor_seconds().zip(before).map_or(f64::NAN, |(after, before)| after - before);
    println!("{what:50} {seconds:6.2} s, processor {cpu:6.2} s, resamples {resamples:?}");
}

#[test]
#[ignore = "measures; run it alone, optimised"]
fn how_long_intervals_take() {
    let random = &mut Random::stream(1, 1);
    println!("{} threads", rayon::current_num_threads());
    for (rows, count) in [(50_000, 2), (50_000, 30), (20_559, 188), (200_000, 2)] {
        let (gold, predicted) = random_labels(rows, count, random);
        let clusters: Vec<u32> = (0..rows as u32).map(|row| row / 3).collect();
        let task = |metric| classification(&[metric], count, 1);
        let rows = format!("{rows} rows, {count} labels");
        let observed = labels(&gold, &predicted);
        timed(&format!("accuracy (Wilson), {rows}"), &task(Metric::Accuracy), &observed, None);
        timed(
            &format!("accuracy (clusters), {rows}"),
            &task(Metric::Accuracy),
            &observed,
            Some(&clusters),
        );
        timed(&format!("macro F1, {rows}"), &task(Metric::MacroF1), &observed, None);
        timed(
            &format!("macro F1 (clusters), {rows}"),
            &task(Metric::MacroF1),
            &observed,
            Some(&clusters),
        );
        let values: Vec<f64> = gold
            .iter()
            .flat_map(|g| (0..count).map(move |k| f64::from(u8::from(*g == k))))
            .map(|hit| hit + random.unit())
            .collect();
        let scores = Some(ScoreRows { values: &values, are_logits: true });
        let observed =
            Observations::Labels(LabelObservations { gold: &gold, predicted: &predicted, scores });
        timed(&format!("log loss, {rows}"), &task(Metric::LogLoss), &observed, None);
        if count == 2 {
            timed(&format!("AUROC, {rows}"), &task(Metric::Auroc), &observed, None);
        }
    }
    let kinds = ["A", "B", "C", "D", "E", "F", "G", "H", "J", "K", "L", "M", "N", "P"];
    let ids: Vec<String> = std::iter::once("O".to_owned())
        .chain(kinds.iter().flat_map(|kind| [format!("B-{kind}"), format!("I-{kind}")]))
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for sentences in [9_000, 50_000] {
        let rows: Vec<(Vec<u32>, Vec<u32>)> = (0..sentences)
            .map(|_| {
                let words = 4 + random.two_below(14).0 as usize;
                let (gold, predicted) = random_labels(words, 29, random);
                let thin = |labels: Vec<u32>| -> Vec<u32> {
                    labels
                        .iter()
                        .zip(&gold)
                        .map(|(label, gold)| if gold % 3 == 0 { *label } else { 0 })
                        .collect()
                };
                (thin(gold.clone()), thin(predicted))
            })
            .collect();
        let seen: Vec<Vec<Option<u32>>> =
            rows.iter().map(|row| row.1.iter().map(|label| Some(*label)).collect()).collect();
        for metric in [Metric::EntityF1, Metric::EntityMacroF1, Metric::CharacterMacroF1] {
            let observed = Observations::Tags {
                gold: rows.iter().map(|row| row.0.as_slice()).collect(),
                predicted: seen.iter().map(Vec::as_slice).collect(),
            };
            let task = task(Kind::TokenClassification, &[metric], &ids);
            timed(&format!("{metric}, {sentences} sentences"), &task, &observed, None);
        }
    }
    for rows in [1_379, 50_000] {
        let gold: Vec<f64> = (0..rows).map(|_| (random.unit() * 50.0).round() / 10.0).collect();
        let predicted: Vec<f64> = gold.iter().map(|value| value + random.unit() * 2.0).collect();
        let observed = Observations::Values { gold: &gold, predicted: &predicted };
        for metric in [Metric::Spearman, Metric::Pearson] {
            let task = task(Kind::SequenceRegression, &[metric], &[]);
            timed(&format!("{metric}, {rows} rows"), &task, &observed, None);
        }
    }
    let texts: Vec<String> = (0..5774).map(|row| format!("답 {row}번 ({})", row % 37)).collect();
    let gold: Vec<Vec<&str>> = texts.iter().map(|text| vec![text.as_str()]).collect();
    let predicted: Vec<Option<&str>> =
        texts.iter().map(|text| text.split(' ').next_back()).collect();
    let clusters: Vec<u32> = (0..5774).map(|row| row / 6).collect();
    let task = task(Kind::ExtractiveQa, &[Metric::ExactMatch, Metric::CharF1], &[]);
    let observed = Observations::Answers { gold, predicted };
    timed("KorQuAD EM and F1 (clusters), 5,774 questions", &task, &observed, Some(&clusters));
}
