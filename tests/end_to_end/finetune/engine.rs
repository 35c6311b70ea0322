//! The engine's own models, trained through the whole harness.

use super::durability::killed_and_resumed;
use super::{Bench, log, weights};

/// A training of a few seconds, every weight new.
const SHORT: [&str; 11] = [
    "--from-scratch",
    "--set",
    "learning_rate=5e-3",
    "--set",
    "max_steps=40",
    "--set",
    "evaluate_every=20",
    "--set",
    "batch_size=16",
    "--set",
    "train_limit=64",
];

#[test]
fn threads_and_interruptions_change_no_weight() {
    let bench = Bench::new();
    let one = bench.run("kcbert-demo", "one", &[&SHORT[..], &["--threads", "1"]].concat());
    assert_eq!(one.code, 0, "{}", one.stderr);
    let two = bench.run("kcbert-demo", "two", &[&SHORT[..], &["--threads", "2"]].concat());
    assert_eq!(two.code, 0, "{}", two.stderr);
    killed_and_resumed(&bench, "kcbert-demo", "killed", &SHORT, 20);
    let ((path, one), two, killed) =
        (bench.cell("one"), bench.cell("two").1, bench.cell("killed").1);
    assert_eq!(weights(&one), weights(&two));
    assert_eq!(weights(&one), weights(&killed));
    assert_eq!(one["weights"]["source"], "random");
    // It learns its few rows by heart: less than the loss of guessing, which is 0.69.
    let steps = log(&path);
    let last: f64 = steps[30..].iter().map(|s| s["loss"].as_f64().unwrap()).sum::<f64>() / 10.0;
    assert!(last < 0.6, "{last}");
    let other = bench.run("kcbert-demo", "other", &[&SHORT[..], &["--seed", "43"]].concat());
    assert_eq!(other.code, 0, "{}", other.stderr);
    assert_ne!(weights(&bench.cell("other").1), weights(&one));
}
