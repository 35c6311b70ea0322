//! Rows come back as they were written, and nothing else is read without an error.

use std::path::Path;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{parse, write};
use crate::compare::{Evidence, Rows, SideKind};

const FILE: &str = "rows/0.txt";

fn evidence(rows: Rows) -> Evidence {
    let index = (0..rows.len() as u64).collect();
    Evidence { from: SideKind::Baseline, index, ids: None, clusters: None, rows }
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |number| number.is_finite())
}

fn single() -> impl Strategy<Value = f64> {
    any::<f32>().prop_filter("finite", |number| number.is_finite()).prop_map(f64::from)
}

fn rows() -> impl Strategy<Value = Rows> {
    let labels = (1_usize..4, 0_usize..20).prop_flat_map(|(labels, rows)| {
        let scores = prop_oneof![vec(finite(), rows * labels), vec(single(), rows * labels)];
        (vec(0_u32..5, rows), vec(0_u32..5, rows), option::of(scores)).prop_map(
            |(gold, predicted, scores)| {
                // Without rows there is no number of scores a row.
                let scores = scores.filter(|scores| !scores.is_empty());
                Rows::Labels { gold, predicted, scores }
            },
        )
    });
    let values = vec((finite(), finite()), 0..20).prop_map(|pairs| {
        let (gold, predicted) = pairs.into_iter().unzip();
        Rows::Values { gold, predicted }
    });
    let word = (0_u32..4, option::weighted(0.8, 0_u32..4));
    let tags = vec(vec(word, 0..6), 0..12).prop_map(|sentences| {
        let mut starts = vec![0];
        starts.extend(sentences.iter().scan(0, |end, sentence| {
            *end += sentence.len();
            Some(*end)
        }));
        let (gold, predicted) = sentences.into_iter().flatten().unzip();
        Rows::Tags { starts, gold, predicted }
    });
    let answers = vec((any::<bool>(), 0.0..=1.0), 0..20).prop_map(|pairs| {
        let (exact, char_f1) = pairs.into_iter().unzip();
        Rows::Answers { exact, char_f1, texts: None }
    });
    prop_oneof![labels, values, tags, answers]
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    rows().prop_flat_map(|rows| {
        let n = rows.len();
        let index = prop_oneof![Just((0..n as u64).collect::<Vec<_>>()), vec(any::<u64>(), n)];
        (index, option::of(vec(any::<u32>(), n))).prop_map(move |(index, clusters)| Evidence {
            from: SideKind::Baseline,
            index,
            ids: None,
            clusters,
            rows: rows.clone(),
        })
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(evidence in any_evidence()) {
        let text = write(&evidence, Path::new(FILE)).expect("written");
        let read = parse(text.as_bytes(), Path::new(FILE)).expect("read");
        prop_assert_eq!(&read, &evidence);
        prop_assert_eq!(write(&read, Path::new(FILE)).expect("written"), text);
    }

    #[test]
    fn no_bytes_are_a_panic(
        evidence in any_evidence(),
        at in any::<prop::sample::Index>(),
        bytes in vec(any::<u8>(), 0..8),
    ) {
        let _ = parse(&bytes, Path::new(FILE));
        let mut content = write(&evidence, Path::new(FILE)).expect("written").into_bytes();
        let at = at.index(content.len());
        let end = (at + bytes.len()).min(content.len());
        content.splice(at..end, bytes);
        if let Ok(read) = parse(&content, Path::new(FILE)) {
            // Whatever it is, it can be kept.
            write(&read, Path::new(FILE)).expect("written");
        }
    }
}

#[test]
fn the_format_is_stable() {
    let labels = evidence(Rows::Labels {
        gold: vec![1, 0],
        predicted: vec![1, 1],
        scores: Some(vec![f64::from(0.1_f32), -2.0, 1e-7, f64::from(1e20_f32)]),
    });
    let text = "kobench-rows 1 labels rows=2 columns=gold,predicted,f32:2\n1 1 0.1 -2\n0 1 1.0000000000000000e-7 1e20\n"
        .replace("1.0000000000000000e-7", "1e-7");
    // 1e-7 has no exact single: then all are written as doubles.
    let doubles = "kobench-rows 1 labels rows=2 columns=gold,predicted,f64:2\n1 1 0.10000000149011612 -2\n0 1 1e-7 \
                   1.0000000200408773e20\n";
    assert_eq!(write(&labels, Path::new(FILE)).expect("written"), doubles);
    let mut singles = labels.clone();
    if let Rows::Labels { scores: Some(scores), .. } = &mut singles.rows {
        scores[2] = f64::from(1e-7_f32);
    }
    assert_eq!(write(&singles, Path::new(FILE)).expect("written"), text);

    let mut tags = evidence(Rows::Tags {
        starts: vec![0, 4, 4, 5],
        gold: vec![3, 3, 0, 0, 2],
        predicted: vec![Some(3), Some(4), None, Some(0), Some(2)],
    });
    tags.index = vec![0, 2, 5];
    tags.clusters = Some(vec![7, 7, 8]);
    let text = "kobench-rows 1 tags rows=3 columns=index,cluster,words\n0 7 3 3 0 0 | 1:4 2:-\n2 7\n5 8 2\n";
    assert_eq!(write(&tags, Path::new(FILE)).expect("written"), text);

    let texts = Some(vec![("서울".into(), "부산".into())]);
    let answers = evidence(Rows::Answers { exact: vec![false], char_f1: vec![0.5], texts });
    let text = write(&answers, Path::new(FILE)).expect("written");
    assert_eq!(text, "kobench-rows 1 answers rows=1 columns=exact,char_f1\n0 0.5\n", "no texts");
}

#[test]
fn bad_lines_are_named() {
    let labels = "kobench-rows 1 labels rows=2 columns=gold,predicted";
    let tags = "kobench-rows 1 tags rows=1 columns=words";
    let answers = "kobench-rows 1 answers rows=1 columns=exact,char_f1";
    for (text, expected) in [
        (String::new(), "1: not a rows file"),
        ("kobench-rows 2 labels rows=0 columns=gold,predicted\n".into(), "1: not a rows file"),
        ("kobench-rows 1 words rows=0 columns=gold\n".into(), "1: no rows of the kind `words`"),
        (
            "kobench-rows 1 labels rows=-1 columns=gold,predicted\n".into(),
            "1: the number of rows is a whole number, not `-1`",
        ),
        (
            "kobench-rows 1 labels rows=0 columns=gold,predicted,f16:2\n".into(),
            "1: scores are `f32:L`",
        ),
        (
            "kobench-rows 1 labels rows=0 columns=gold,predicted,f32:0\n".into(),
            "1: scores of no label",
        ),
        (format!("{labels}\n0 0\n"), "2: there are 1 rows, the first line says 2"),
        (format!("{labels}\n0 0\n0 1\n1 1\n"), "4: there are 3 rows, the first line says 2"),
        (format!("{labels}\n0 0\n0\n"), "3: the predicted label is missing"),
        (format!("{labels}\n0 0\n0 -1\n"), "3: the predicted label is a whole number, not `-1`"),
        (format!("{labels}\n0 0 1\n0 1\n"), "2: `1` stands after the last column"),
        (format!("{labels}\n0 0 | 0:1\n0 1\n"), "2: `0:1` stands after the last column"),
        (format!("{tags}\n0 0 | 2:1\n"), "2: word 2 is not among the row's 2"),
        (format!("{tags}\n0 0 | 1\n"), "2: `WORD:LABEL` was expected, not `1`"),
        (format!("{answers}\n2 0.5\n"), "2: an answer is exact (1) or not (0), not 2"),
        (format!("{answers}\n1 NaN\n"), "2: a finite number was expected, not `NaN`"),
        (format!("{answers}\n1 1.5\n"), "2: an overlap is from 0 to 1"),
    ] {
        let error = parse(text.as_bytes(), Path::new(FILE)).expect_err(&text).to_string();
        assert!(error.starts_with(&format!("{FILE}:{expected}")), "{error}");
    }
    let error =
        parse(b"kobench-rows 1 labels rows=1 columns=gold,predicted\n\xff", Path::new(FILE));
    assert_eq!(error.expect_err("no UTF-8").to_string(), format!("{FILE}:2: not UTF-8"));
}

#[test]
fn what_cannot_be_read_again_is_not_written() {
    let infinite = Rows::Values { gold: vec![0.0, 1.0], predicted: vec![0.5, f64::INFINITY] };
    let error = write(&evidence(infinite), Path::new(FILE)).expect_err("not finite");
    assert_eq!(error.to_string(), format!("{FILE}:3: values must be finite numbers"));
    let short = Rows::Labels { gold: vec![0, 1], predicted: vec![0], scores: None };
    assert!(write(&evidence(short), Path::new(FILE)).is_err());
    let mut clusters = evidence(Rows::Labels { gold: vec![0], predicted: vec![0], scores: None });
    clusters.clusters = Some(vec![]);
    assert!(write(&clusters, Path::new(FILE)).is_err());
}
