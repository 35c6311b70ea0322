//! Policies against the built-in files, bad files, and the schema.

use serde_json::Value;

use super::super::{Effect, Tier, Verdict};
use super::{DIFFERENCES, OnInconclusive, Policy, builtin};
use crate::hint::Hint;
use crate::metrics::Metric;
use crate::record::{CellKey, validator};

fn key(model: &str, task: &str) -> CellKey {
    CellKey {
        model: model.into(),
        task: task.into(),
        task_version: 1,
        split: "test".into(),
        recipe: None,
        seed: None,
    }
}

/// A policy with these lines in place of `cells`, and whatever else they have.
fn policy(lines: &str) -> String {
    let margins = "margins: [{points: 0.5, nats: 0.01, relative: 2}]";
    format!(
        "name: mine\ntitle: Mine\ntiers:\n  critical: {{{margins}, inconclusive: fail}}\n  supporting: {{{margins}}}\n  \
         advisory: {{{margins}}}\n{lines}"
    )
}

fn schema() -> jsonschema::Validator {
    validator(include_str!("../../../schemas/policy.schema.json"))
}

fn json(text: &str) -> Value {
    serde_yaml::from_str(text).expect("YAML that is JSON too")
}

#[test]
fn built_in_policies_hold_and_keep_the_schema() {
    let schema = schema();
    let names: Vec<String> = builtin().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["default", "strict"]);
    for (name, text) in builtin() {
        let policy = Policy::load(Some(&name)).expect("is right");
        assert_eq!(
            (policy.name(), policy.document().name.as_str()),
            (name.as_str(), name.as_str())
        );
        let errors: Vec<String> =
            schema.iter_errors(&json(&text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        // What it leaves out would be decided elsewhere, which the file is to teach.
        let said: Vec<&str> = policy.document().differences.keys().map(String::as_str).collect();
        assert!(DIFFERENCES.iter().all(|(name, _)| said.contains(name)), "{name}");
    }
    assert_eq!(Policy::load(None).expect("the default").name(), "default");
    let error = Policy::load(Some("strikt")).expect_err("a slip");
    assert_eq!(error.hint().as_deref(), Some("did you mean `strict`?"));
    let error = Policy::load(Some("./nowhere.yaml")).expect_err("not there");
    assert!(error.to_string().starts_with("cannot read ./nowhere.yaml: "), "{error}");
}

#[test]
fn the_tighter_margin_holds() {
    let policy = Policy::load(None).expect("the default");
    let margin = |metric, base| policy.metric_rule(&key("m", "nsmc"), metric, true, base).margin;
    // A point of 87%, which is less than 4% of it; 4% of 10%, which is less than a point.
    assert!((margin(Metric::Accuracy, 0.87) - 0.01).abs() < 1e-12);
    assert!((margin(Metric::Accuracy, 0.10) - 0.004).abs() < 1e-12);
    assert!((margin(Metric::Spearman, -0.10) - 0.004).abs() < 1e-12);
    assert!((margin(Metric::LogLoss, 0.7) - 0.02).abs() < 1e-12);
    assert_eq!(margin(Metric::Accuracy, 0.0), 0.0);
}

#[test]
fn the_first_rule_that_matches_counts() {
    let text = policy(
        "cells:\n  - {model: \"kcbert-*\", task: nsmc, metric: macro_f1, tier: critical, gates: always}\n  \
         - {model: \"kcbert-*\", tier: critical}\n  - {task: nsmc, tier: advisory, gates: always}\n  \
         - {task: korsts, tier: supporting, gates: never}\n\
         speeds:\n  - {scenario: run, tier: advisory, percent: 20}\n  \
         - {measure: \"latency_*\", tier: critical, percent: 7.5}\n",
    );
    let policy = Policy::parse(&text, "mine.yaml").expect("is right");
    let rule = |model, task, metric, primary| {
        let rule = policy.metric_rule(&key(model, task), metric, primary, 0.5);
        (rule.tier, rule.gates)
    };
    assert_eq!(rule("kcbert-base", "nsmc", Metric::MacroF1, false), (Tier::Critical, true));
    assert_eq!(rule("kcbert-base", "nsmc", Metric::BinaryF1, false), (Tier::Critical, false));
    assert_eq!(rule("kcbert-base", "nsmc", Metric::Accuracy, true), (Tier::Critical, true));
    // Advisory numbers decide nothing, whatever the rule says.
    assert_eq!(rule("kobert", "nsmc", Metric::Accuracy, true), (Tier::Advisory, false));
    assert_eq!(rule("kobert", "korsts", Metric::Spearman, true), (Tier::Supporting, false));
    assert_eq!(rule("kobert", "paws", Metric::Accuracy, true), (Tier::Advisory, false));
    let speed = |scenario, measure| {
        let rule = policy.speed_rule(&key("m", "nsmc"), scenario, measure);
        (rule.tier, rule.gates, rule.margin)
    };
    assert_eq!(speed("run", "latency_p50_seconds"), (Tier::Advisory, false, 0.2));
    assert_eq!(speed("server", "latency_p50_seconds"), (Tier::Critical, true, 0.075));
    assert_eq!(speed("server", "rows_per_second"), (Tier::Advisory, false, 0.1));
    assert_eq!(policy.on_inconclusive(Tier::Critical), OnInconclusive::Fail);
    assert_eq!(policy.on_inconclusive(Tier::Supporting), OnInconclusive::Warn);
    assert_eq!(policy.on_inconclusive(Tier::Advisory), OnInconclusive::Pass);
}

#[test]
fn differences_and_missing_cells_are_what_the_file_says() {
    let text = policy(
        "cells: [{tier: critical}]\nmissing: ignore\nrequired: [{model: kcbert-base, task: \"k*\"}]\n\
         differences: {precision: refuse, data: warn}\n",
    );
    let policy = Policy::parse(&text, "mine.yaml").expect("is right");
    assert_eq!(policy.effect("precision"), Effect::Refuse);
    assert_eq!(policy.effect("data"), Effect::Warn);
    assert_eq!(policy.effect("task_version"), Effect::Refuse);
    assert_eq!(policy.effect("weights"), Effect::Expected);
    assert_eq!(policy.effect("never heard of"), Effect::Warn);
    assert_eq!(policy.missing(&key("kcbert-base", "korsts")), Verdict::Regression);
    assert_eq!(policy.missing(&key("kcbert-base", "nsmc")), Verdict::Pass);
    assert_eq!(policy.required()[0].to_string(), "kcbert-base on k*/*");
}

#[test]
fn bad_files_are_pointed_at() {
    let cells = "cells: [{tier: critical}]\n";
    // The lines of `policy` take 6; those given here begin at 7.
    for (lines, place, message, hint) in [
        ("cels: []\n".to_owned(), "7:1", "unknown field `cels`", Some("did you mean `cells`?")),
        (format!("{cells}missing: maybe\n"), "8:10", "unknown variant `maybe`", None),
        (format!("{cells}confidence: 95\n"), "8", "above 0.5 and below 1, not 95", None),
        (format!("{cells}confidence: .nan\n"), "8", "above 0.5 and below 1", None),
        ("cells: []\n".to_owned(), "7", "nothing would decide", None),
        (
            "cells:\n- {tier: critical}\n- {metric: acuracy, tier: critical}\n".to_owned(),
            "9",
            "no metric is called `acuracy`",
            Some("did you mean `accuracy`?"),
        ),
        (
            format!(
                "{cells}speeds:\n- {{tier: critical, percent: 5}}\n- {{tier: critical, percent: 100}}\n"
            ),
            "9",
            "below 100",
            None,
        ),
        (
            format!("{cells}differences:\n  weigths: warn\n"),
            "9",
            "no difference is called",
            Some("did you mean `weights`?"),
        ),
        (
            format!("{cells}speeds:\n- {{tier: critical, percent: 5, percentage: 5}}\n"),
            "9:32",
            "unknown field `percentage`",
            None,
        ),
    ] {
        let error = Policy::parse(&policy(&lines), "p.yaml").expect_err(&lines);
        let text = error.to_string();
        assert!(text.starts_with(&format!("p.yaml:{place}: ")), "{text}");
        assert!(text.contains(message), "{text}");
        if let Some(hint) = hint {
            assert_eq!(error.hint().as_deref(), Some(hint), "{text}");
        }
    }
    let no_loss = policy(cells).replace(", nats: 0.01, relative: 2}]}", "}]}");
    let error = Policy::parse(&no_loss, "p.yaml").expect_err("no margin for losses");
    assert_eq!(error.to_string(), "p.yaml:5: tier supporting has no margin for log_loss");
    let negative = policy(cells).replace("points: 0.5", "points: -1");
    assert!(Policy::parse(&negative, "p.yaml").is_err());
    assert!(Policy::parse("", "p.yaml").is_err());
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = schema();
    assert!(schema.is_valid(&json(&policy("cells: [{tier: critical}]\n"))));
    for lines in [
        "cells: []\n",
        "cels: []\n",
        "cells: [{tier: vital}]\n",
        "cells: [{tier: critical}]\nmissing: maybe\n",
        "cells: [{tier: critical}]\nconfidence: 95\n",
        "cells: [{tier: critical}]\nspeeds: [{tier: critical, percent: 100}]\n",
        "cells: [{tier: critical}]\ndifferences: {weigths: warn}\n",
    ] {
        assert!(!schema.is_valid(&json(&policy(lines))), "{lines}");
        assert!(Policy::parse(&policy(lines), "p.yaml").is_err(), "{lines}");
    }
    // The names are the same in both.
    let text: Value =
        serde_json::from_str(include_str!("../../../schemas/policy.schema.json")).expect("JSON");
    let names = DIFFERENCES.map(|(name, _)| name);
    assert_eq!(
        text["properties"]["differences"]["propertyNames"]["enum"],
        serde_json::json!(names)
    );
}
