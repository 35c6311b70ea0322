//! Trainings that cannot be, and trainings that go wrong.

use super::Bench;
use kobench_tests::{Sandbox, c_plugin};

fn refused(bench: &Bench, more: &[&str], what: &str, hint: &str) {
    let out = bench.run("trainer", "run", more);
    assert_eq!(out.code, 2, "{more:?}: {}", out.stderr);
    assert!(out.stderr.contains(what) && out.stderr.contains(hint), "{more:?}: {}", out.stderr);
}

#[test]
fn what_cannot_be_is_said_before_anything_begins() {
    let bench = Bench::new();
    refused(&bench, &["--recipe", "generation-c"], "generation-c", "generation-");
    refused(&bench, &["--set", "learning_rat=1"], "learning_rat", "learning_rate");
    refused(&bench, &["--set", "epochs=-1"], "epochs must be above 0", "");
    refused(&bench, &["--recipe", "generation-b"], "no task `reviews`", "");
    refused(
        &bench,
        &["--set", "dev_split=test", "--set", "dev_fraction=none"],
        "checkpoints are to be chosen",
        "--set select=last",
    );
    refused(
        &bench,
        &["--split", "train", "--select", "last"],
        "cannot be trained on and reported",
        "--split",
    );
    refused(&bench, &["--set", "optimizer.eps=x"], "eps", "");
}

#[test]
fn a_plugin_that_does_not_train_is_named() {
    let bench = Bench::new();
    c_plugin(bench.sandbox.path());
    let out = bench.run("lexicon", "run", &[]);
    assert_eq!(out.code, 2, "{}", out.stderr);
    assert!(out.stderr.contains("the plugin `lexicon` does not train"), "{}", out.stderr);
}

#[test]
fn options_of_training_need_training() {
    let out = Sandbox::new().run(&["run", "-m", "kcbert-demo", "-t", "nsmc", "--seed", "1"]);
    assert_eq!(out.code, 2);
    assert!(out.stderr.contains("--seed") && out.stderr.contains("--finetune"), "{}", out.stderr);
}

#[test]
fn a_training_that_diverges_stops_its_cell_and_names_step_and_rows() {
    let bench = Bench::new();
    let set = [
        "--from-scratch",
        "--set",
        "learning_rate=1e30",
        "--set",
        "batch_size=4",
        "--set",
        "warmup_proportion=0",
    ];
    let out = bench.run("kcbert-demo", "run", &set);
    assert_eq!(out.code, 1, "{}", out.stderr);
    let cell = bench.cell("run").1;
    assert_eq!((&cell["status"], &cell["cause"]["code"]), (&"failed".into(), &"not finite".into()));
    let detail = cell["cause"]["detail"].as_str().unwrap();
    assert!(detail.starts_with("step ") && detail.contains("of the training data"), "{detail}");
}
