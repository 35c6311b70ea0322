//! Comparisons for tests.

use super::{
    COMPARISON_VERSION, CellComparison, Comparison, Difference, Effect, Flip, FlipKind, Flips,
    MetricComparison, Side, SideKind, SpeedComparison, Spread, Tier, Unmatched, Verdict,
};
use crate::record::CellKey;

/// Two runs with one cell each, of which one metric decides and passes.
pub(crate) fn comparison() -> Comparison {
    let side = |path: &str, kind| Side {
        path: path.into(),
        kind,
        created_at: Some("2026-01-31T23:59:59Z".into()),
        kobench_version: Some("0.1.0".into()),
        git_revision: Some("1234abc".into()),
        host: None,
    };
    Comparison {
        schema_version: COMPARISON_VERSION,
        kobench_version: "0.1.0".into(),
        base: side("results/baselines/main", SideKind::Baseline),
        new: side("results/runs/new", SideKind::Run),
        policy: "default".into(),
        verdict: Verdict::Pass,
        cells: vec![cell("nsmc", metric("accuracy", Verdict::Pass, true))],
        speeds: vec![],
        refused: vec![],
        only_base: vec![],
        only_new: vec![],
        notes: vec![],
    }
}

/// The key of a cell of kcbert-demo.
pub(crate) fn key(task: &str) -> CellKey {
    CellKey {
        model: "kcbert-demo".into(),
        task: task.into(),
        task_version: 1,
        split: "sample".into(),
        recipe: None,
        seed: None,
    }
}

/// A cell with one metric.
pub(crate) fn cell(task: &str, metric: MetricComparison) -> CellComparison {
    let key = key(task);
    CellComparison {
        label: key.label(),
        key,
        base_id: "0".repeat(16),
        new_id: "1".repeat(16),
        n: 2000,
        units: 2000,
        primary_metric: metric.metric.clone(),
        flips: Flips {
            broken: 30,
            fixed: 12,
            changed: 45,
            rows: vec![Flip {
                i: 7,
                id: Some("9976970".into()),
                kind: FlipKind::Broken,
                gold: "1".into(),
                base: Some("1".into()),
                new: Some("0".into()),
                text: Some("정말 재미있다 | <b>".into()),
            }],
        },
        differences: vec![differs("weights", Effect::Expected)],
        verdict: metric.verdict,
        metrics: vec![metric],
        reason: None,
    }
}

/// A metric with numbers that suit its verdict.
pub(crate) fn metric(name: &str, verdict: Verdict, gates: bool) -> MetricComparison {
    let (new, ci_low, ci_high, p) = match verdict {
        Verdict::Pass => (0.8680, -0.0025, 0.0015, 0.5),
        Verdict::Improvement => (0.8985, 0.0200, 0.0400, 1.0),
        Verdict::Inconclusive => (0.8600, -0.0180, 0.0010, 0.2),
        Verdict::Regression => (0.8385, -0.0400, -0.0200, 0.0001),
    };
    MetricComparison {
        metric: name.into(),
        tier: if gates { Tier::Supporting } else { Tier::Advisory },
        gates,
        base: 0.8685,
        new,
        difference: new - 0.8685,
        ci_low,
        ci_high,
        confidence: 0.95,
        interval_method: "newcombe".into(),
        p_value: p,
        test: "mcnemar_mid_p".into(),
        p_regression: p,
        p_regression_adjusted: p,
        p_improvement: 1.0 - p,
        p_improvement_adjusted: 1.0 - p,
        margin: 0.01,
        minimum_detectable: 0.0231,
        verdict,
    }
}

/// A difference.
pub(crate) fn differs(what: &str, effect: Effect) -> Difference {
    Difference { what: what.into(), base: "old".into(), new: "new".into(), effect }
}

/// A cell that one side alone has.
pub(crate) fn unmatched(task: &str, verdict: Verdict) -> Unmatched {
    let key = key(task);
    Unmatched { label: key.label(), key, id: "2".repeat(16), verdict }
}

/// A speed that decides, with numbers that suit its verdict.
pub(crate) fn speed(measure: &str, verdict: Verdict) -> SpeedComparison {
    let (ratio, ci) = match verdict {
        Verdict::Pass => (1.001, (0.99, 1.012)),
        Verdict::Improvement => (0.8, (0.77, 0.83)),
        Verdict::Inconclusive => (1.04, (0.97, 1.12)),
        Verdict::Regression => (1.2, (1.16, 1.24)),
    };
    let spread = |value: f64| Spread {
        value,
        ci_low: Some(value * 0.98),
        ci_high: Some(value * 1.02),
        repetitions: 15,
    };
    let key = key("nsmc");
    SpeedComparison {
        label: key.label(),
        key,
        scenario: "single-stream".into(),
        measure: measure.into(),
        higher_is_better: false,
        tier: Tier::Supporting,
        gates: true,
        base: spread(0.002),
        new: spread(0.002 * ratio),
        ratio,
        ci_low: Some(ci.0),
        ci_high: Some(ci.1),
        confidence: 0.95,
        interleaved: true,
        p_value: Some(0.001),
        test: Some("signed_rank".into()),
        p_regression: Some(0.001),
        p_regression_adjusted: Some(0.001),
        p_improvement: Some(0.999),
        p_improvement_adjusted: Some(1.0),
        margin: 0.05,
        minimum_detectable: Some(0.08),
        differences: vec![],
        notes: vec!["the machine was busy with other work".into()],
        verdict,
    }
}
