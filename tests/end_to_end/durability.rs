//! Runs that are killed, and places that cannot be written to.

use kobench_tests::{Sandbox, bad_plugin, c_plugin, cells};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited for too long: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Processes whose command line is that of a worker of this harness.
fn workers_of(harness: u32) -> Vec<u32> {
    let argument = format!("worker\0{harness}\0");
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|p| p.file_name().to_str()?.parse::<u32>().ok())
        .filter(|p| {
            std::fs::read_to_string(format!("/proc/{p}/cmdline"))
                .is_ok_and(|c| c.ends_with(&argument))
        })
        .collect()
}

fn n_cells(run: &Path) -> usize {
    let Ok(folders) = std::fs::read_dir(run.join("cells")) else { return 0 };
    folders.flatten().filter(|f| !f.file_name().to_string_lossy().starts_with('.')).count()
}

#[test]
fn a_killed_harness_loses_the_cell_in_flight_and_its_worker_goes_with_it() {
    let sandbox = Sandbox::new();
    c_plugin(sandbox.path());
    bad_plugin(sandbox.path(), "HANG");
    let out = sandbox.join("run");
    let arguments = [
        "run",
        "-m",
        "lexicon,bad_hang",
        "-t",
        "nsmc",
        "--split",
        "sample",
        "--plugin-dir",
        sandbox.path().to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--hang-limit",
        "600",
    ];
    let mut harness =
        sandbox.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the first cell", || n_cells(&out) == 1);
    wait_until("the second cell's worker", || !workers_of(harness.id()).is_empty());
    harness.kill().unwrap();
    harness.wait().unwrap();
    wait_until("the worker to end", || workers_of(harness.id()).is_empty());

    let before = cells(&out);
    assert_eq!(before.len(), 1);
    assert_eq!(before["lexicon"]["status"], "done");

    let again = sandbox.run(&[&arguments[..11], &["--hang-limit", "1"]].concat());
    assert_eq!(again.code, 1, "{}", again.stderr);
    assert!(again.stderr.contains("lexicon on nsmc/sample: done already"), "{}", again.stderr);
    let after = cells(&out);
    assert_eq!(after["lexicon"], before["lexicon"], "what was done stays as it was");
    assert_eq!(after["bad_hang"]["cause"]["kind"], "hung");
}

#[test]
fn a_killed_worker_costs_its_cell() {
    let sandbox = Sandbox::new();
    bad_plugin(sandbox.path(), "HANG");
    let out = sandbox.join("run");
    let arguments = [
        "run",
        "-m",
        "bad_hang",
        "-t",
        "nsmc",
        "--split",
        "sample",
        "--plugin-dir",
        sandbox.path().to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let harness =
        sandbox.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = harness.id();
    let mut found = Vec::new();
    wait_until("the worker", || {
        found = workers_of(id);
        // The one that describes the plugin comes first and goes.
        found.len() == 1 && out.join("run.json").exists()
    });
    let status = Command::new("kill").args(["-9", &found[0].to_string()]).status().unwrap();
    assert!(status.success());
    let ended = harness.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let record = &cells(&out)["bad_hang"];
    assert_eq!(record["cause"]["kind"], "killed", "{record}");
    assert_eq!(record["cause"]["signal"], "SIGKILL", "{record}");
}

#[test]
fn a_disk_that_is_full_gives_one_error_and_leaves_nothing_half_written() {
    let sandbox = Sandbox::new();
    let library = c_plugin(sandbox.path());
    let out = sandbox.join("run");
    // A limit on the size of files stands for the full disk: the same calls fail, without a mount.
    let limited = "trap '' XFSZ; ulimit -f 40; exec \"$0\" \"$@\"";
    let arguments = [
        "run",
        "-m",
        "lexicon",
        "-t",
        "nsmc",
        "--split",
        "sample",
        "--plugin-dir",
        library.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let ready = sandbox.command(&arguments);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", limited])
        .arg(ready.get_program())
        .args(ready.get_args())
        .current_dir(sandbox.path());
    for (name, value) in ready.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let ended = shell.output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().filter(|l| l.starts_with("error:")).count(), 1, "{stderr}");
    assert!(stderr.contains("predictions.jsonl") && stderr.contains("hint:"), "{stderr}");
    assert_eq!(
        std::fs::read_dir(out.join("cells")).unwrap().count(),
        0,
        "nothing half-written remains"
    );

    let retried = sandbox.run(&arguments);
    assert_eq!(retried.code, 0, "{}", retried.stderr);
}

#[test]
fn a_place_that_cannot_be_made_gives_one_error() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("file", "in the way");
    let out = file.join("run");
    let run = sandbox.run(&["run", "--suite", "demo", "--out", out.to_str().unwrap()]);
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(
        run.stderr.contains(out.to_str().unwrap()) && run.stderr.contains("--out"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stdout, "");
}

#[test]
fn two_runs_do_not_write_to_one_place_at_once() {
    let sandbox = Sandbox::new();
    bad_plugin(sandbox.path(), "HANG");
    c_plugin(sandbox.path());
    let out = sandbox.join("run");
    let arguments = |model: &'static str| {
        let folder = sandbox.path().to_str().unwrap().to_string();
        let out = out.to_str().unwrap().to_string();
        [
            "run",
            "-m",
            model,
            "-t",
            "nsmc",
            "--split",
            "sample",
            "--plugin-dir",
            &folder,
            "--out",
            &out,
        ]
        .map(ToString::to_string)
    };
    let first = arguments("bad_hang");
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let mut harness =
        sandbox.command(&first).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the first run", || out.join("run.json").exists());
    let second = arguments("lexicon");
    let second: Vec<&str> = second.iter().map(String::as_str).collect();
    let refused = sandbox.run(&second);
    harness.kill().unwrap();
    harness.wait().unwrap();
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(
        refused.stderr.contains(&harness.id().to_string()),
        "names the process: {}",
        refused.stderr
    );
}
