//! Runs that are kept, and compared with.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use kobench_tests::{Sandbox, workspace};
use serde_json::Value;

/// A run of kcbert-demo on samples of every kind that it has.
fn run(sandbox: &Sandbox) -> String {
    let out = sandbox.join("run").to_str().unwrap().to_owned();
    let tasks = "nsmc,korsts,klue_ner,hate_speech,question_pair";
    let arguments =
        ["run", "-m", "kcbert-demo", "-t", tasks, "--split", "sample", "--quiet", "--out", &out];
    let ran = sandbox.run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    out
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files.extend(self::files(&entry.path()));
        } else {
            let text = std::fs::read_to_string(entry.path()).expect("text");
            files.push((entry.path().display().to_string(), text));
        }
    }
    files
}

#[test]
fn a_baseline_is_made_shown_compared_with_and_removed() {
    let sandbox = Sandbox::new();
    let run = run(&sandbox);
    let set = sandbox.run(&["baseline", "set", "main", &run, "--note", "첫 기준"]);
    assert_eq!((set.code, set.stdout.as_str()), (0, "results/baselines/main\n"), "{}", set.stderr);
    assert!(set.stderr.starts_with("5 cells, 0 measurements of speed, "), "{}", set.stderr);

    // Nothing of the data: the texts of these samples are Korean, and so is the note.
    let files = files(&sandbox.join("results/baselines/main"));
    assert_eq!(files.len(), 6);
    for (name, text) in &files {
        let text = text.replace("첫 기준", "");
        assert!(text.is_ascii(), "{name} holds {:?}", text.chars().find(|c| !c.is_ascii()));
        assert!(!text.contains(sandbox.path().to_str().unwrap()), "{name} holds a local path");
    }

    let list = sandbox.run(&["baseline", "list"]);
    assert!(
        list.code == 0 && list.stdout.contains("main") && list.stdout.contains("첫 기준"),
        "{}",
        list.stdout
    );
    let json = sandbox.json(&["baseline", "list", "--format", "json"]);
    assert_valid("baseline-list", &json);
    assert_eq!(json["baselines"][0]["cells"], 5);
    let shown = sandbox.run(&["baseline", "show", "main"]);
    assert!(
        shown.stdout.contains("entity_macro_f1") && shown.stdout.contains("첫 기준"),
        "{}",
        shown.stdout
    );
    let json = sandbox.json(&["baseline", "show", "main", "--format", "json"]);
    assert_valid("baseline", &json);
    for entry in json["cells"].as_array().unwrap() {
        assert_valid("cell", &entry["cell"]);
    }
    let check = sandbox.run(&["baseline", "check", "main"]);
    assert_eq!(check.stdout, "main: 6 files are as they were made\n", "{}", check.stderr);

    // Compared with it is as compared with the run, to the last digit, by name and by path.
    let compared = |base: &str| {
        let mut json = sandbox.json(&["compare", base, &run, "--format", "json"]);
        let object = json.as_object_mut().unwrap();
        assert_eq!(object["cells"].as_array().unwrap().len(), 5);
        object.remove("base");
        json
    };
    let with_run = compared(&run);
    assert_eq!(with_run["verdict"], "pass");
    assert_eq!(compared("main"), with_run);
    assert_eq!(compared("results/baselines/main"), with_run);

    let again = sandbox.run(&["baseline", "set", "main", &run]);
    assert_eq!((again.code, again.stdout.as_str()), (2, ""));
    assert!(
        again.stderr.contains("there is a baseline `main` already")
            && again.stderr.contains("hint: --force"),
        "{}",
        again.stderr
    );
    assert_eq!(sandbox.run(&["baseline", "set", "main", &run, "--force"]).code, 0);
    let removed = sandbox.run(&["baseline", "remove", "main"]);
    assert_eq!(removed.code, 0, "{}", removed.stderr);
    let gone = sandbox.run(&["baseline", "show", "main"]);
    assert_eq!(gone.code, 2);
    assert!(
        gone.stderr.contains("there is no baseline `main` in results/baselines"),
        "{}",
        gone.stderr
    );
}

#[test]
fn measurements_of_speed_are_kept_and_compared() {
    let sandbox = Sandbox::new();
    let run = sandbox.join("run").to_str().unwrap().to_owned();
    let arguments = [
        "bench",
        "-m",
        "kcbert-demo",
        "-t",
        "nsmc",
        "--split",
        "sample",
        "--repetitions",
        "6",
        "--duration",
        "0.05",
        "--warmup",
        "0.1",
        "--precision",
        "f32",
        "--quiet",
        "--out",
        &run,
    ];
    let bench = sandbox.run(&arguments);
    assert_eq!(bench.code, 0, "{}", bench.stderr);
    let set = sandbox.run(&["baseline", "set", "speed", &run]);
    assert!(set.stderr.starts_with("0 cells, 1 measurement of speed, "), "{}", set.stderr);
    assert_eq!(
        sandbox.run(&["baseline", "check", "speed"]).stdout,
        "speed: 2 files are as they were made\n"
    );
    let shown = sandbox.run(&["baseline", "show", "speed"]);
    assert!(shown.stdout.contains("end_to_end_rows_per_second"), "{}", shown.stdout);
    let json = sandbox.run(&["compare", "speed", &run, "--format", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_valid("comparison", &json);
    let speeds = json["speeds"].as_array().unwrap();
    let throughput =
        speeds.iter().find(|speed| speed["measure"] == "end_to_end_rows_per_second").unwrap();
    assert_eq!(
        (throughput["ratio"].as_f64(), throughput["gates"].as_bool()),
        (Some(1.0), Some(true))
    );
    // Whatever the machine was doing, a measurement is not slower than itself.
    assert!(speeds.iter().all(|speed| speed["verdict"] != "regression"), "{speeds:?}");
}

#[test]
fn an_edit_is_found() {
    let sandbox = Sandbox::new();
    let run = sandbox.join("run").to_str().unwrap().to_owned();
    assert_eq!(sandbox.run_demo(&["--quiet", "--out", &run]).code, 0);
    assert_eq!(sandbox.run(&["baseline", "set", "main", &run]).code, 0);
    let rows = std::fs::read_dir(sandbox.join("results/baselines/main/rows")).unwrap();
    let path = rows.flatten().next().unwrap().path();
    let text = std::fs::read_to_string(&path).unwrap();
    type Edit = fn(&str) -> String;
    let edits: [(&str, Edit); 3] = [
        ("has changed: its SHA-256 is", |text| text.replacen("\n1 1", "\n1 0", 1)),
        ("has changed: its SHA-256 is", |text| text[..text.len() / 2].to_owned()),
        ("No such file", |_| String::new()),
    ];
    for (message, edit) in edits {
        let edited = edit(&text);
        if edited.is_empty() {
            std::fs::remove_file(&path).unwrap();
        } else {
            assert_ne!(edited, text);
            std::fs::write(&path, edited).unwrap();
        }
        for arguments in [vec!["baseline", "check", "main"], vec!["compare", "main", &run]] {
            let out = sandbox.run(&arguments);
            assert_eq!((out.code, out.stdout.as_str()), (2, ""), "{arguments:?}");
            assert!(
                out.stderr.contains(message) && out.stderr.contains("/rows/"),
                "{}",
                out.stderr
            );
        }
    }
}

#[test]
fn a_killed_set_leaves_the_old_baseline_or_the_new() {
    let sandbox = Sandbox::new();
    let run = run(&sandbox);
    assert_eq!(sandbox.run(&["baseline", "set", "main", &run]).code, 0);
    // How long it takes to the end, so that the kills fall into all of it.
    let start = std::time::Instant::now();
    assert_eq!(sandbox.run(&["baseline", "set", "main", &run, "--force"]).code, 0);
    let whole = start.elapsed();
    let mut killed = 0;
    for moment in 1..=20_u32 {
        let mut set = sandbox
            .command(&["baseline", "set", "main", &run, "--force"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole * moment / 20 + Duration::from_micros(100));
        let _ = set.kill();
        killed += u32::from(!set.wait().unwrap().success());
        let check = sandbox.run(&["baseline", "check", "main"]);
        assert_eq!(check.code, 0, "after {moment}/20: {}", check.stderr);
    }
    assert!(killed > 0, "every one of them came to its end");
    // What they left is gone after the next one.
    assert_eq!(sandbox.run(&["baseline", "set", "main", &run, "--force"]).code, 0);
    let mut names: Vec<String> = std::fs::read_dir(sandbox.join("results/baselines"))
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, [".lock", "main"]);
}

#[test]
fn workflow_files_are_printed_as_they_are() {
    let sandbox = Sandbox::new();
    for (runner, file) in [("cpu", "cpu-hosted"), ("gpu", "gpu-self-hosted")] {
        let out = sandbox.run(&["baseline", "workflow", runner]);
        let path = workspace().join(format!("harness/templates/workflows/{file}.yaml"));
        assert_eq!((out.code, out.stdout), (0, std::fs::read_to_string(path).unwrap()));
    }
}

fn assert_valid(schema: &str, json: &Value) {
    let path = workspace().join(format!("harness/schemas/{schema}.schema.json"));
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(json).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}
