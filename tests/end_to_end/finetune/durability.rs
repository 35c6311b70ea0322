//! Trainings that are killed, and disks that are full.

use super::{Bench, is_hidden, log, weights};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// The states that a training in flight has saved.
fn states(bench: &Bench, out: &str) -> Vec<PathBuf> {
    let below = |folder: PathBuf| {
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
    };
    below(bench.sandbox.join(out).join("cells"))
        .filter(|path| is_hidden(path))
        .flat_map(below)
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("state-"))
        .collect()
}

/// Kills a training once it has saved a state behind step `after`, and gives the same command again.
pub(super) fn killed_and_resumed(bench: &Bench, model: &str, out: &str, set: &[&str], after: u64) {
    let set = [set, &["--save-every-steps", "10"]].concat();
    let mut harness = bench.start(model, out, &set);
    let deadline = Instant::now() + Duration::from_secs(120);
    let step = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.trim_start_matches("state-").parse::<u64>().unwrap()
    };
    while !states(bench, out).iter().any(|path| step(path) >= after) {
        assert!(harness.try_wait().unwrap().is_none(), "the training ended before it was killed");
        assert!(Instant::now() < deadline, "no state was saved");
        std::thread::sleep(Duration::from_millis(1));
    }
    harness.kill().unwrap();
    harness.wait().unwrap();
    let again = bench.run(model, out, &set);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains("goes on after step"), "{}", again.stderr);
}

#[test]
fn a_killed_training_ends_with_the_weights_of_an_undisturbed_one() {
    let bench = Bench::new();
    let set = ["--set", "learning_rate=0.02", "--set", "epochs=60", "--set", "evaluate_every=100"];
    let whole = bench.run("trainer", "whole", &set);
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    killed_and_resumed(&bench, "trainer", "killed", &set, 250);
    let ((whole_path, whole), (path, cell)) = (bench.cell("whole"), bench.cell("killed"));
    assert_eq!(weights(&cell), weights(&whole));
    assert_eq!(cell["metrics"], whole["metrics"]);
    for key in ["selection", "evaluations", "final_loss", "steps"] {
        assert_eq!(cell["training"][key], whole["training"][key], "{key}");
    }
    let resumed = cell["training"]["resumed_from"].as_array().unwrap();
    assert!(resumed.len() == 1 && resumed[0].as_u64().unwrap() >= 250, "{resumed:?}");
    // The log is that of one training: every step once, with the same losses.
    let timeless = |steps: Vec<serde_json::Value>| -> Vec<serde_json::Value> {
        steps
            .into_iter()
            .map(|mut step| {
                step["seconds"] = 0.into();
                step
            })
            .collect()
    };
    assert_eq!(timeless(log(&path)), timeless(log(&whole_path)));
    assert_eq!(states(&bench, "killed"), [] as [PathBuf; 0], "what it went on from is gone");
}

#[test]
fn a_full_disk_keeps_the_last_good_state_and_the_training_goes_on_later() {
    let bench = Bench::new();
    let set = [
        "--set",
        "learning_rate=0.02",
        "--set",
        "epochs=30",
        "--select",
        "last",
        "--save-every-steps",
        "100",
    ];
    // A limit on the size of files stands for the full disk: the log of the steps grows beyond it.
    let arguments = bench.arguments("trainer", "run", &set);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ready = bench.sandbox.command(&arguments);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 150; exec \"$0\" \"$@\""])
        .arg(ready.get_program())
        .args(ready.get_args())
        .current_dir(bench.sandbox.path());
    for (name, value) in ready.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let ended = shell.output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("train.jsonl") && stderr.contains("hint:"), "{stderr}");
    assert_eq!(states(&bench, "run").len(), 1, "{stderr}");
    let again = bench.run("trainer", "run", &set);
    assert!(again.code == 0 && again.stderr.contains("goes on after step"), "{}", again.stderr);
    let whole = bench.run("trainer", "whole", &set);
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    assert_eq!(weights(&bench.cell("run").1), weights(&bench.cell("whole").1));
}
