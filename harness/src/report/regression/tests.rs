//! What each format says of a comparison.

use unicode_width::UnicodeWidthStr;

use super::*;
use crate::compare::testing::{cell, comparison, differs, metric, speed, unmatched};
use crate::compare::{Effect, Refusal, Verdict, gate};
use crate::record::validator;

/// One of everything, with names that mean something in every format.
fn everything() -> Comparison {
    let mut comparison = comparison();
    let mut worse = cell("hate_speech", metric("macro_f1", Verdict::Regression, true));
    worse.differences.push(differs("precision", Effect::Warn));
    let mut unclear = cell("klue_ner", metric("entity_f1", Verdict::Inconclusive, true));
    unclear.key.model = "a|b <x> & \u{1b}[2J\u{1}".into();
    unclear.label = unclear.key.label();
    let mut better = cell("korsts", metric("spearman", Verdict::Improvement, true));
    better.metrics.push(metric("pearson", Verdict::Regression, false));
    let mut failed = cell("paws", metric("accuracy", Verdict::Regression, true));
    failed.metrics.clear();
    failed.reason = Some("the new cell failed: crashed: SIGSEGV".into());
    for cell in [&mut better, &mut failed, &mut unclear] {
        cell.flips.rows.clear();
    }
    comparison.cells.extend([worse, unclear, better, failed]);
    comparison.speeds = vec![
        speed("latency_p50_seconds", Verdict::Regression),
        speed("peak_rss_bytes", Verdict::Inconclusive),
    ];
    let refused = cell("kornli", metric("accuracy", Verdict::Pass, true));
    let mut data = differs("data", Effect::Refuse);
    data.base = "a".repeat(64);
    comparison.refused =
        vec![Refusal { key: refused.key, label: refused.label, differences: vec![data] }];
    comparison.only_base = vec![unmatched("korquad", Verdict::Inconclusive)];
    comparison.only_new = vec![unmatched("klue_nli", Verdict::Pass)];
    comparison.notes = vec!["the base has no measurement of speed".into()];
    comparison
}

fn rendered(comparison: &Comparison, format: ComparisonFormat, look: &Look) -> String {
    let policy = Policy::load(None).expect("the default");
    let gate = gate(comparison, &policy, false);
    let judged = Judged { comparison, gate: &gate, policy: &policy };
    render_judged(&judged, format, look).expect("rendered")
}

fn terminal(comparison: &Comparison) -> String {
    rendered(comparison, ComparisonFormat::Terminal, &Look::default())
}

#[test]
fn the_worst_comes_first_and_the_last_line_says_it_all() {
    let text = terminal(&everything());
    let place =
        |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle} is not in\n{text}"));
    assert!(place("✗ regression") < place("? inconclusive"), "{text}");
    assert!(place("? inconclusive") < place("▲ improvement"), "{text}");
    assert!(place("▲ improvement") < place("✓ pass"), "{text}");
    assert!(place("✓ pass") < place("(✗ regression)"), "what decides nothing comes last\n{text}");
    assert_eq!(
        text.lines().last(),
        Some(
            "3 regressions, 1 cell refused, 1 cell missing, 2 inconclusive, 1 improvement, 1 pass: the gate fails"
        ),
        "{text}"
    );
    for needle in [
        "results/baselines/main (baseline, 2026-01-31T23:59:59Z, kobench 0.1.0 at 1234abc)",
        "-3.00 [-4.00, -2.00]",
        "+20.0% [+16.0, +24.0]",
        "2.00 ms",
        "the new cell failed: crashed: SIGSEGV",
        "kcbert-demo on kornli/sample: data aaaaaaaaaaaa -> new",
        "precision: old -> new (1 of 7 comparisons); what changed may come from that",
        "weights: old -> new (5 of 7 comparisons)",
        "broken row 7 (9976970): gold 1, 1 -> 0: 정말 재미있다 | <b>",
        // (0.0231 - 0.01)^2 / 0.01^2 * 2000 = 3432.2, upwards to two digits.
        "with 2,000 rows a loss is found from 2.31 points on; about 3,500 rows would show within 1.00 points",
        "neither \"worse\" nor \"not worse\"",
        "the machine was busy with other work",
        "fails: kcbert-demo on hate_speech/sample: macro_f1 became worse",
        "warns: kcbert-demo on korquad/sample: missing in the new run",
    ] {
        place(needle);
    }
    assert_eq!(text.matches("the machine was busy").count(), 1, "a note stands once");
    assert!(!text.contains('\u{1b}'), "neither colour nor a name's escapes");
}

#[test]
fn what_is_refused_is_said_once_a_reason() {
    let mut comparison = comparison();
    for task in ["nsmc", "korsts", "paws"] {
        let cell = cell(task, metric("accuracy", Verdict::Pass, true));
        let differences = vec![differs("task_version", Effect::Refuse)];
        comparison.refused.push(Refusal { key: cell.key, label: cell.label, differences });
    }
    let text = terminal(&comparison);
    let expected = "cannot be compared:\n  - 3 cells, as kcbert-demo on nsmc/sample: task version old -> new\n";
    assert!(text.contains(expected), "{text}");
    assert!(!text.contains("fails:") && text.ends_with("the gate cannot judge\n"), "{text}");
}

#[test]
fn narrow_terminals_lose_columns_before_words() {
    let comparison = everything();
    for width in [80_u16, 100, 140] {
        let look = Look { width: Some(width), colour: false };
        let text = rendered(&comparison, ComparisonFormat::Terminal, &look);
        // The last line stays one, for those who read no other.
        let (above, _) = text.trim_end().rsplit_once('\n').expect("lines");
        let wide = above.lines().find(|line| line.width() > width.into());
        // One word alone may be longer.
        assert!(wide.is_none_or(|line| line.split_whitespace().count() < 4), "{wide:?}\n{text}");
        assert!(text.contains("no room for: ") || width > 200, "{text}");
        assert!(text.contains("✗ regression"), "{text}");
    }
    let look = Look { width: None, colour: true };
    let colour = rendered(&comparison, ComparisonFormat::Terminal, &look);
    assert!(colour.contains('\u{1b}'));
    assert_eq!(anstream::adapter::strip_str(&colour).to_string(), terminal(&comparison));
}

#[test]
fn a_run_against_itself_is_short() {
    let mut comparison = comparison();
    comparison.cells[0].flips = Default::default();
    comparison.cells[0].differences.clear();
    let text = terminal(&comparison);
    assert!(text.ends_with("\n1 pass: the gate passes\n"), "{text}");
    for absent in ["what would tell", "different:", "fails:", "to know"] {
        assert!(!text.contains(absent), "{absent} in\n{text}");
    }
    let markdown = rendered(&comparison, ComparisonFormat::Markdown, &Look::default());
    assert!(
        markdown
            .starts_with("## ✓ kobench: the gate passes\n\n1 pass: the gate passes.\n\n<details>"),
        "{markdown}"
    );
}

#[test]
fn markdown_shows_what_is_not_a_pass_and_folds_the_rest() {
    let text = rendered(&everything(), ComparisonFormat::Markdown, &Look::default());
    let (open, folded) = text.split_once("<details>").expect("something is folded");
    assert!(
        open.contains("| ✗ regression | kcbert-demo on hate\\_speech/sample | macro\\_f1 |"),
        "{open}"
    );
    assert!(open.contains("? inconclusive") && !open.contains("✓ pass"), "{open}");
    assert!(folded.contains("<summary>1 pass</summary>\n\n|"), "{folded}");
    assert!(folded.contains("정말 재미있다 \\| \\<b\\>"), "{folded}");
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    // A name is a name, in tables, lists and HTML alike.
    assert!(open.contains("a\\|b \\<x\\> & [2J"), "{open}");
    assert!(!text.contains('\u{1b}') && !text.contains("<x>"), "{text}");
}

#[test]
fn markdown_fits_into_a_comment() {
    let mut comparison = everything();
    let one = comparison.cells[0].clone();
    comparison.cells.extend(std::iter::repeat_n(one, 2_000));
    let text = rendered(&comparison, ComparisonFormat::Markdown, &Look::default());
    assert!(text.chars().count() <= markdown::LONGEST, "{}", text.len());
    assert!(text.contains("<summary>2001 passes</summary>"), "{}", &text[..2000]);
    assert!(text.contains("hate\\_speech"));
    let worst = comparison.cells[1].clone();
    comparison.cells.extend(std::iter::repeat_n(worst, 2_000));
    let text = rendered(&comparison, ComparisonFormat::Markdown, &Look::default());
    assert!(text.chars().count() <= markdown::LONGEST, "{}", text.chars().count());
    assert!(text.contains("2003 regressions"));
}

#[test]
fn junit_has_a_suite_a_task_and_a_case_a_metric() {
    let text = rendered(&everything(), ComparisonFormat::Junit, &Look::default());
    for needle in [
        "<testsuite id=\"0\" package=\"kobench\" name=\"hate_speech\" timestamp=\"2026-01-31T23:59:59\" hostname=\"localhost\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"0\">",
        "<testcase classname=\"kcbert-demo on hate_speech/sample\" name=\"macro_f1\" time=\"0\">\n      <failure type=\"regression\" message=\"worse: 86.85 -&gt; 83.85, difference -3.00 [-4.00, -2.00] points, margin 1.00\">",
        "<skipped message=\"inconclusive: ",
        "<error type=\"failed\" message=\"the new cell failed: crashed: SIGSEGV\">",
        "<error type=\"refused\" message=\"cannot be compared: other data\">",
        "<skipped message=\"missing in the new run\"/>",
        "<testcase classname=\"kcbert-demo on nsmc/sample\" name=\"accuracy\" time=\"0\"/>",
        "classname=\"a|b &lt;x&gt; &amp; [2J on klue_ner/sample\"",
        "(✗ regression): kcbert-demo on korsts/sample, pearson",
    ] {
        assert!(text.contains(needle), "no {needle} in\n{text}");
    }
    // Each number of a suite is the number of its elements.
    for suite in text.split("<testsuite ").skip(1) {
        for (attribute, element) in [
            ("tests", "<testcase "),
            ("failures", "<failure "),
            ("errors", "<error "),
            ("skipped", "<skipped "),
        ] {
            let said = suite
                .split(&format!(" {attribute}=\""))
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            assert_eq!(said, Some(suite.matches(element).count().to_string().as_str()), "{suite}");
        }
    }
    assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text}");
    // Under the strict policy what is inconclusive fails.
    let comparison = everything();
    let policy = Policy::load(Some("strict")).expect("built in");
    let gate = gate(&comparison, &policy, false);
    let judged = Judged { comparison: &comparison, gate: &gate, policy: &policy };
    let text = render_judged(&judged, ComparisonFormat::Junit, &Look::default()).expect("rendered");
    assert!(text.contains("<failure type=\"inconclusive\" message=\"inconclusive: "), "{text}");
}

#[test]
fn json_keeps_its_schema() {
    let schema = validator(include_str!("../../../schemas/comparison.schema.json"));
    let comparison = everything();
    let text = rendered(&comparison, ComparisonFormat::Json, &Look::default());
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let errors: Vec<String> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(serde_json::from_value::<Comparison>(json.clone()).expect("parsed"), comparison);
    let wrong: [fn(&mut serde_json::Value); 6] = [
        |json| json["verdict"] = "fine".into(),
        |json| json["cells"][0]["metrics"][0]["p_value"] = 1.5.into(),
        |json| json["cells"][0]["flips"]["broken"] = (-1).into(),
        |json| json["speeds"][0]["base"]["repetitions"] = "many".into(),
        |json| json["extra"] = 1.into(),
        |json| drop(json["refused"][0].as_object_mut().expect("an object").remove("differences")),
    ];
    for (index, change) in wrong.into_iter().enumerate() {
        let mut json = json.clone();
        change(&mut json);
        assert!(!schema.is_valid(&json), "change {index} passes");
    }
}
