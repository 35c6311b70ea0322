//! A chart of each kind with the data that it is made for, and the hard cases of it.

use rand::Rng as _;

use super::super::*;
use crate::stats::Random;

const MODELS: [(&str, &str); 15] = [
    ("kcbert-base", "BERT"),
    ("kcbert-large", "BERT"),
    ("kcelectra-base-v2022", "ELECTRA"),
    ("koelectra-base-v3", "ELECTRA"),
    ("koelectra-small-v3", "ELECTRA"),
    ("kobert", "BERT"),
    ("distilkobert", "BERT"),
    ("hanbert-54k", "BERT"),
    ("한국어 감성 모델 (소형)", "BERT"),
    ("xlm-roberta-base", "RoBERTa"),
    ("xlm-roberta-large", "RoBERTa"),
    ("mdeberta-v3-base", "DeBERTa"),
    ("gemma2-2b", "Gemma 2"),
    ("아주 긴 이름을 가진 실험용 한국어 모델 2026-11-30 체크포인트 (seed 42)", "ELECTRA"),
    ("majority", "baseline"),
];

fn axis(label: &str, scale: Scale, percent: bool) -> Axis {
    Axis { label: label.into(), scale, percent }
}

fn around(value: f64, half: f64) -> Ranged {
    Ranged { value, low: Some(value - half), high: Some(value + half) }
}

/// Names and charts.
pub(super) fn charts() -> Vec<(&'static str, String)> {
    vec![
        ("scatter", scatter().svg()),
        ("intervals", intervals().svg()),
        ("differences", differences().svg()),
        ("speed-differences", speed_differences().svg()),
        ("history", history().svg()),
        ("training", training()),
        ("heatmap", heatmap(12).svg()),
        ("heatmap-small", heatmap(2).svg()),
        ("histogram", histogram().svg()),
    ]
}

fn scatter() -> Scatter {
    let mut random = Random::stream(7, 0);
    let points = MODELS
        .iter()
        .map(|(label, group)| {
            // The faster the worse, in a crowd, as tables of published models are.
            let power = random.random_range(2.6..3.9);
            let accuracy = 0.915 - 0.02 * (power - 2.6) + random.random_range(-0.008..0.004);
            let speed = 10f64.powf(power);
            ScatterPoint {
                label: (*label).into(),
                group: (*group).into(),
                x: around(speed, 0.02 * speed),
                y: around(accuracy, 0.004),
            }
        })
        .filter(|point| point.group != "baseline")
        .collect();
    Scatter {
        title: "Accuracy against throughput: nsmc".into(),
        description: "14 models; those on the Pareto front are not beaten on both".into(),
        x: axis("rows/s", Scale::Log, false),
        y: axis("accuracy", Scale::Linear, true),
        points,
        front: true,
    }
}

fn intervals() -> Intervals {
    let mut random = Random::stream(3, 0);
    let mut rows: Vec<IntervalRow> = MODELS
        .iter()
        .map(|(label, group)| {
            let value = if *group == "baseline" { 0.787 } else { random.random_range(0.86..0.91) };
            let is_published = !label.contains('한') && *group != "baseline";
            IntervalRow {
                label: (*label).into(),
                at: around(value, random.random_range(0.004..0.012)),
                reference: is_published.then(|| value + random.random_range(-0.01..0.01)),
                note: format!("{:.2} [n = 50,000]", 100.0 * value),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.at.value.total_cmp(&a.at.value));
    Intervals {
        title: "nsmc: accuracy with 95% intervals".into(),
        description: "15 models, the best first, beside published values".into(),
        axis: axis("accuracy", Scale::Linear, true),
        rows,
    }
}

fn differences() -> Differences {
    let row = |label: &str, value, half, mark: &str, tone| DifferenceRow {
        label: label.into(),
        at: around(value, half),
        margin: 0.005,
        higher_is_better: true,
        mark: mark.into(),
        tone,
    };
    Differences {
        title: "New less base: differences with 95% intervals".into(),
        description: "Six cells; one is a regression".into(),
        axis: axis("difference in percentage points of each task's metric", Scale::Linear, true),
        rows: vec![
            row("nsmc · accuracy", -0.021, 0.004, "✗ regression", Tone::Bad),
            row("korsts · spearman", -0.003, 0.006, "? inconclusive", Tone::Unsure),
            row("klue_ner · entity_macro_f1", 0.001, 0.003, "✓ pass", Tone::Good),
            row("혐오 표현 · macro_f1", 0.014, 0.005, "✓ improvement", Tone::Good),
            row("question_pair · accuracy", 0.0, 0.0, "✓ pass", Tone::Good),
            row("korquad · exact_match", -0.001, 0.002, "not judged", Tone::Plain),
        ],
    }
}

fn speed_differences() -> Differences {
    let row = |label: &str, value, higher_is_better, mark: &str, tone| DifferenceRow {
        label: label.into(),
        at: around(value, 0.012),
        margin: 0.05,
        higher_is_better,
        mark: mark.into(),
        tone,
    };
    Differences {
        title: "Speed".into(),
        description: "Throughput and latency of two runs".into(),
        axis: axis("relative difference", Scale::Linear, true),
        rows: vec![
            row("kcbert-base offline, rows/s", 0.02, true, "✓ pass", Tone::Good),
            row("kcbert-base single stream, p99 latency", 0.08, false, "✗ regression", Tone::Bad),
        ],
    }
}

fn history() -> Lines {
    let mut random = Random::stream(11, 0);
    let level = |run: usize| match run {
        0..14 => 0.882,
        14..29 => 0.871,
        _ => 0.889,
    };
    let point = |run: usize, y: Ranged| LinePoint { x: run as f64, y, title: format!("run {run}") };
    let runs = (0..40)
        .map(|run| {
            let value = level(run) + random.random_range(-0.003..0.003);
            point(run, if run == 20 { f64::NAN.into() } else { around(value, 0.004) })
        })
        .collect();
    let series = |label: &str, style, points| LineSeries {
        label: label.into(),
        style,
        on_right: false,
        points,
    };
    let mut all = vec![series("run, with its 95% interval", LineStyle::Dots, runs)];
    for piece in [0..14, 14..29, 29..40] {
        let points = piece.map(|run| point(run, level(run).into())).collect();
        all.push(series("level between changes", LineStyle::Line, points));
    }
    Lines {
        title: "nsmc · kcbert-base: accuracy over 40 runs".into(),
        description: "Falls at run 14 and rises at run 29".into(),
        x: axis("run", Scale::Linear, false),
        y: axis("accuracy", Scale::Linear, true),
        right: None,
        series: all,
        marks: vec![
            Mark { x: 14.0, label: "−1.1 points at 3f2a9c1".into(), is_bad: true },
            Mark { x: 15.0, label: "토크나이저 교체 b81e0d4".into(), is_bad: false },
            Mark { x: 29.0, label: "+1.8 points at 77e01fd".into(), is_bad: false },
            Mark { x: 38.0, label: "throughput −6%".into(), is_bad: true },
        ],
        ticks: (0..40)
            .map(|run| format!("{:07x}", 0x03f2_a9c1u32.wrapping_mul(run + 7) >> 4))
            .collect(),
    }
}

fn training() -> String {
    let mut random = Random::stream(5, 0);
    let mut step = |step: u64| crate::record::TrainingStep {
        step,
        epoch: 0.0,
        loss: 0.25 + 0.45 * (-(step as f64) / 300.0).exp() + random.random_range(-0.08..0.08),
        lr: 0.0,
        grad_norm: None,
        rows: 32,
        tokens: 900,
        seconds: 0.1,
        parts: None,
    };
    let steps: Vec<_> = (1..=1500).map(&mut step).collect();
    let evaluation = |step: u64, split: &str, value| crate::record::EvaluationRecord {
        step,
        epoch: step as f64 / 500.0,
        split: split.into(),
        metric: "accuracy".into(),
        value,
    };
    let evaluations = [
        evaluation(500, "dev", 0.842),
        evaluation(1000, "dev", 0.861),
        evaluation(1500, "dev", 0.866),
        evaluation(500, "test", 0.836),
        evaluation(1000, "test", 0.852),
        evaluation(1500, "test", 0.858),
    ];
    crate::report::training_curve("kcbert-base · nsmc, seed 42", &steps, &evaluations)
        .trim_end()
        .to_owned()
}

fn heatmap(size: usize) -> Heatmap {
    let names = [
        "부정",
        "긍정",
        "IT과학",
        "경제",
        "사회",
        "생활문화",
        "세계",
        "스포츠",
        "정치",
        "neutral",
        "entailment",
        "contradiction",
    ];
    let names: Vec<String> = names[..size].iter().map(|name| (*name).to_owned()).collect();
    let mut random = Random::stream(9, 0);
    let counts = (0..size)
        .map(|row| {
            (0..size)
                .map(|column| {
                    if row == column {
                        random.random_range(400..1500)
                    } else {
                        random.random_range(0..40u64) * random.random_range(0..6u64)
                    }
                })
                .collect()
        })
        .collect();
    Heatmap {
        title: format!("Confusion of {size} labels"),
        description: "Rows are gold labels, columns predictions".into(),
        row_title: "gold".into(),
        column_title: "predicted".into(),
        rows: names.clone(),
        columns: names,
        counts,
    }
}

fn histogram() -> Histogram {
    let bins = (0..32)
        .map(|bin| {
            let (from, at) = (f64::from(8 * bin), f64::from(bin));
            let count = (4000.0 * (-(at - 5.0).powi(2) / 40.0).exp()) as u64;
            Bin { from, to: from + 8.0, count }
        })
        .collect();
    Histogram {
        title: "Tokens a row: nsmc".into(),
        description: "Most rows have 20 to 60 tokens".into(),
        axis: axis("tokens", Scale::Linear, false),
        bins,
    }
}
