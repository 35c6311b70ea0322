//! What cannot be scored is refused by name, and what is left out is said.

use super::*;

fn error(task: &Task, observations: &Observations<'_>) -> MetricError {
    run(task, observations, None, 10).expect_err("refused")
}

#[test]
fn rows_that_do_not_pair_up_or_are_unknown() {
    let task = classification(&[Metric::Accuracy], 2, 1);
    assert_eq!(error(&task, &labels(&[], &[])), MetricError::Empty);
    let lengths = MetricError::Lengths { gold: 2, predicted: 1 };
    assert_eq!(error(&task, &labels(&[0, 1], &[0])), lengths);
    let index = error(&task, &labels(&[0, 1, 0], &[0, 1, 9]));
    assert_eq!(index.to_string(), "row 2: label index 9, but the task has 2 labels");
    let clusters = run(&task, &labels(&[0], &[0]), Some(&[1, 2]), 10);
    assert_eq!(clusters, Err(MetricError::Clusters { clusters: 2, rows: 1 }));
    let none = run(&task, &labels(&[0], &[0]), None, 0);
    assert_eq!(none, Err(MetricError::NoResamples));
}

#[test]
fn numbers_that_are_none() {
    let task = task(Kind::SequenceRegression, &[Metric::Pearson], &[]);
    let of = |gold: &[f64], predicted: &[f64]| {
        error(&task, &Observations::Values { gold, predicted }).to_string()
    };
    let nan = of(&[1.0, 2.0], &[1.0, f64::NAN]);
    assert_eq!(nan, "row 1: the prediction is NaN, which is not a finite number");
    assert!(of(&[f64::INFINITY, 2.0], &[1.0, 2.0]).contains("row 0: the gold value is inf"));
    assert!(of(&[1.0], &[1.0, 2.0]).contains("2 predictions for 1 rows"));
    let constant = of(&[1.0, 2.0, 3.0], &[0.5; 3]);
    assert_eq!(constant, "all 3 predictions, from row 0 on, are 0.5: pearson is not defined");
    assert!(of(&[0.0, -0.0], &[1.0, 2.0]).contains("gold values"));

    let task = classification(&[Metric::LogLoss], 2, 1);
    let of = |values: &[f64], are_logits| {
        let scores = Some(ScoreRows { values, are_logits });
        let rows = LabelObservations { gold: &[0, 1], predicted: &[0, 1], scores };
        error(&task, &Observations::Labels(rows)).to_string()
    };
    assert!(of(&[1.0, 2.0, f64::NAN, 0.0], true).contains("row 1: a score of its labels is NaN"));
    assert!(of(&[1.0, 2.0, 3.0], true).contains("3 scores for 2 rows of 2 labels"));
    assert!(of(&[0.5, 0.5, 1.5, -0.5], false).contains("row 1: 1.5"));
}

#[test]
fn words_and_answers() {
    let tags = task(Kind::TokenClassification, &[Metric::EntityF1], &["O", "B-X"]);
    let of = |gold: &[u32], predicted: &[Option<u32>]| {
        let observations =
            Observations::Tags { gold: vec![&[], gold], predicted: vec![&[], predicted] };
        error(&tags, &observations).to_string()
    };
    assert_eq!(of(&[0, 1], &[Some(0)]), "row 1: 1 predicted labels for 2 words");
    assert!(of(&[0, 1], &[Some(0), Some(7)]).contains("row 1: label index 7"));
    let answers = task(Kind::ExtractiveQa, &[Metric::CharF1], &[]);
    let observations = Observations::Answers { gold: vec![vec![]], predicted: vec![Some("가")] };
    assert!(error(&answers, &observations).to_string().contains("row 0: there is no right answer"));
}

#[test]
fn what_is_missing_is_said() {
    let task = classification(&[Metric::Accuracy, Metric::LogLoss, Metric::Auroc], 2, 1);
    let scores = run(&task, &labels(&[0, 1], &[0, 1]), None, 10).expect("scored");
    assert_eq!(scores.metrics.keys().collect::<Vec<_>>(), ["accuracy"]);
    assert_eq!(scores.notes.len(), 2, "{:?}", scores.notes);
    assert!(scores.notes[0].starts_with("log_loss is left out: the predictions hold no scores"));

    let task = classification(&[Metric::MacroF1], 5, 1);
    let scores = run(&task, &labels(&[0, 1, 2, 0], &[0, 3, 3, 0]), None, 10).expect("scored");
    let expected = "macro_f1: of 5 labels 2 never predicted (their F1 is 0), 1 predicted, but no row's gold label \
                    (their F1 is 0), 1 neither gold nor predicted (left out of the average)";
    assert!(scores.notes.contains(&expected.to_owned()), "{:?}", scores.notes);
    assert_eq!(value(&scores, Metric::MacroF1), 0.25);

    let task = task_with_unseen();
    let scores = run(&task.0, &task.1, None, 10).expect("scored");
    assert!(scores.notes[0].starts_with("the model never saw 2 of 4 words"), "{:?}", scores.notes);
    let row = &scores.per_class[1];
    assert_eq!((row.support, row.predicted, row.correct), (2, 1, 1));
}

fn task_with_unseen() -> (Task, Observations<'static>) {
    let task = task(Kind::TokenClassification, &[Metric::EntityF1], &["O", "B-X"]);
    let observations = Observations::Tags {
        gold: vec![&[0, 1], &[1, 0]],
        predicted: vec![&[Some(0), Some(1)], &[None, None]],
    };
    (task, observations)
}

#[test]
fn intervals_say_how_they_were_made() {
    let gold: Vec<u32> = (0..600).map(|row| row % 3).collect();
    let predicted: Vec<u32> = (0..600).map(|row| if row % 5 == 0 { 0 } else { row % 3 }).collect();
    let clusters: Vec<u32> = (0..600).map(|row| row / 3).collect();
    let task = classification(&[Metric::Accuracy, Metric::MicroF1, Metric::MacroF1], 3, 0);
    let scores = run(&task, &labels(&gold, &predicted), None, 200).expect("scored");
    let said = |scores: &Scores, metric: Metric| {
        let value = &scores.metrics[metric.name()];
        (value.method.clone(), value.resamples, value.clusters, value.n)
    };
    let wilson = ("wilson".to_owned(), None, None, 600);
    assert_eq!(said(&scores, Metric::Accuracy), wilson);
    assert_eq!(said(&scores, Metric::MicroF1), wilson);
    assert_eq!(said(&scores, Metric::MacroF1), ("bootstrap".to_owned(), Some(200), None, 600));
    assert_eq!(value(&scores, Metric::Accuracy), scores.metrics["accuracy"].value);
    let clustered = run(&task, &labels(&gold, &predicted), Some(&clusters), 200).expect("scored");
    for metric in task.metrics.clone() {
        let expected = ("cluster_bootstrap".to_owned(), Some(200), Some(200), 600);
        assert_eq!(said(&clustered, metric), expected);
        assert_eq!(value(&clustered, metric), value(&scores, metric));
    }
    // What is recorded is read back.
    for metric in clustered.metrics.values().chain(scores.metrics.values()) {
        let json = serde_json::to_value(metric).expect("serialised");
        assert_eq!(json.get("clusters").is_some(), metric.clusters.is_some());
        assert_eq!(
            &serde_json::from_value::<crate::record::MetricValue>(json).expect("read"),
            metric
        );
    }
}

#[test]
fn a_metric_fits_a_task_or_says_what_is_missing() {
    let fits = |metric: Metric, task: &Task| metric.fits(task.kind, task);
    let mut classes = classification(&[Metric::Accuracy], 2, 1);
    for metric in [Metric::Accuracy, Metric::BinaryF1, Metric::Auroc, Metric::LogLoss] {
        assert_eq!(fits(metric, &classes), Ok(()));
    }
    let missing = |metric: Metric, task: &Task| fits(metric, task).expect_err("does not fit");
    assert!(missing(Metric::MeanBatchAccuracy, &classes).contains("`scoring.batch_size`"));
    classes.scoring.batch_size = Some(0);
    assert!(missing(Metric::MeanBatchAccuracy, &classes).contains("at least 1"));
    classes.scoring.batch_size = Some(256);
    assert_eq!(fits(Metric::MeanBatchAccuracy, &classes), Ok(()));
    classes.scoring.positive = Some("7".into());
    assert!(missing(Metric::BinaryF1, &classes).contains("none of the labels 0, 1"));
    classes.scoring.positive = None;
    assert!(missing(Metric::Auroc, &classes).contains("needs `scoring.positive`"));
    assert!(missing(Metric::Auroc, &classification(&[Metric::Auroc], 3, 1)).contains("two labels"));
    assert!(missing(Metric::Spearman, &classes).contains("sequence_regression"));

    let mut values = task(Kind::SequenceRegression, &[Metric::Pearson], &[]);
    assert!(missing(Metric::MacroF1, &values).contains("`scoring.threshold`"));
    values.scoring.threshold = Some(3.0);
    assert_eq!((fits(Metric::BinaryF1, &values), fits(Metric::Pearson, &values)), (Ok(()), Ok(())));
    assert!(missing(Metric::LogLoss, &values).contains("sequence_classification"));

    let tags = task(Kind::TokenClassification, &[Metric::EntityF1], &["O", "B-X", "S-X"]);
    assert_eq!(fits(Metric::EntityF1, &tags), Ok(()));
    assert!(missing(Metric::EntityF1Strict, &tags).contains("`S-X`"));
    assert!(missing(Metric::Accuracy, &tags).contains("not token_classification"));
    let wrong = task(Kind::TokenClassification, &[Metric::EntityF1], &["O", "X-B"]);
    assert!(missing(Metric::EntityF1, &wrong).contains("`scoring.tags: prefix`"));
    // What does not fit is not scored.
    let refused =
        run(&wrong, &Observations::Tags { gold: vec![&[0]], predicted: vec![&[None]] }, None, 9);
    assert!(matches!(refused, Err(MetricError::Unfit { metric: "entity_f1", .. })));
    let answers = task(Kind::ExtractiveQa, &[Metric::CharF1], &[]);
    for metric in Metric::ALL {
        let expected = matches!(metric, Metric::ExactMatch | Metric::CharF1);
        assert_eq!(fits(metric, &answers).is_ok(), expected, "{metric}");
    }
}

#[test]
fn degenerate_intervals_are_named() {
    let task = classification(&[Metric::MacroF1], 2, 1);
    let same = run(&task, &labels(&[0, 1, 0, 1], &[0, 1, 0, 1]), None, 50).expect("scored");
    assert!(same.notes.iter().any(|note| note.contains("says nothing")), "{:?}", same.notes);
    let few = run(&task, &labels(&[0, 1, 0, 1], &[0, 1, 1, 1]), None, 50).expect("scored");
    assert!(few.notes.iter().any(|note| note.contains("from 4 rows only")), "{:?}", few.notes);
    // Of one cluster there is nothing to resample, and a correlation over it stays.
    let values = super::task(Kind::SequenceRegression, &[Metric::Spearman], &[]);
    let observations = Observations::Values { gold: &[1.0, 2.0, 3.0], predicted: &[1.0, 3.0, 2.0] };
    let one = run(&values, &observations, Some(&[4, 4, 4]), 50).expect("scored");
    assert_eq!(one.metrics["spearman"].clusters, Some(1));
    assert!(one.notes.iter().any(|note| note.contains("says nothing")), "{:?}", one.notes);
}

#[test]
fn records_hold_all_of_it_as_the_schemas_say() {
    let (task, observations) = task_with_unseen();
    let scores = run(&task, &observations, Some(&[0, 1]), 10).expect("scored");
    assert_eq!(scores.per_entity.len(), 1);
    let mut cell = crate::record::testing::done();
    cell.metrics = scores.metrics;
    cell.per_entity = scores.per_entity;
    cell.per_class = scores.per_class;
    let cell = serde_json::to_value(&cell).expect("serialised");
    assert_eq!(cell["per_entity"][0]["type"], "X");
    assert_eq!(cell["metrics"]["entity_f1"]["clusters"], 2);
    for text in [
        include_str!("../../../schemas/cell.schema.json"),
        include_str!("../../../schemas/score.schema.json"),
    ] {
        let schema: serde_json::Value = serde_json::from_str(text).expect("JSON");
        for part in ["metrics", "per_entity", "per_class"] {
            let mut part_schema = schema["properties"][part].clone();
            part_schema["$defs"] = schema["$defs"].clone();
            let validator = jsonschema::validator_for(&part_schema).expect("a schema");
            let errors: Vec<String> =
                validator.iter_errors(&cell[part]).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{part}: {errors:?}");
            let mut wrong = cell[part].clone();
            match part {
                "metrics" => wrong["entity_f1"]["method"] = "guessed".into(),
                _ => wrong[0]["support"] = "many".into(),
            }
            assert!(!validator.is_valid(&wrong), "{part}");
        }
    }
    let read: crate::record::CellRecord = serde_json::from_value(cell.clone()).expect("read");
    assert_eq!(serde_json::to_value(&read).expect("serialised"), cell);
}
