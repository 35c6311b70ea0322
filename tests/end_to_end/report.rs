//! The report: one HTML file, in a browser, of many cells, and what it refuses.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use kobench_tests::scale::{Scale, write_run};
use kobench_tests::{Sandbox, workspace};

fn text(path: &Path) -> String {
    path.to_str().expect("a path is UTF-8").to_owned()
}

#[test]
fn a_run_becomes_one_file() {
    let sandbox = Sandbox::new();
    write_run(&sandbox.join("run"), 8, 200, 1);
    let out = sandbox.run(&["report", "run", "--title", "밤새 <b>", "--plots", "plots"]);
    assert_eq!((out.code, out.stdout.as_str()), (0, ""), "{}", out.stderr);
    assert!(out.stderr.starts_with("wrote report.html ("), "{}", out.stderr);
    let html = std::fs::read_to_string(sandbox.join("report.html")).unwrap();
    assert!(html.starts_with("<!doctype html>\n") && html.ends_with("</html>\n"));
    assert!(html.contains("<h1>밤새 &lt;b&gt;</h1>"));
    let plots: Vec<PathBuf> =
        std::fs::read_dir(sandbox.join("plots")).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(plots.len(), html.matches("<figure").count());
    for plot in plots {
        let svg = std::fs::read_to_string(&plot).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("http://www.w3.org/2000/svg"), "{plot:?}");
    }
    let again = sandbox.run(&["report", "run", "-o", "-"]);
    assert!(again.code == 0 && again.stdout.starts_with("<!doctype html>"), "{}", again.stderr);
    assert_eq!(again.stderr, "");
}

#[test]
fn what_cannot_be_reported_is_said() {
    let sandbox = Sandbox::new();
    write_run(&sandbox.join("run"), 1, 20, 1);
    for (arguments, said) in [
        (&["report", "nowhere"][..], "nowhere is not a run directory"),
        (&["report", "run", "run", "--compare", "run"], "give the one run that is to be judged"),
        (&["report", "run", "--table", "kcbrt"], "did you mean `kcbert`?"),
        (&["report", "run", "--compare", "mian"], "mian"),
        (&["report", "run", "-o", "/proc/report.html"], "cannot write /proc/report.html"),
        (&["report"], "RUN"),
    ] {
        let out = sandbox.run(arguments);
        assert_eq!(out.code, 2, "{arguments:?}: {}", out.stderr);
        assert!(out.stderr.contains(said), "{arguments:?}: {}", out.stderr);
        assert_eq!(out.stdout, "", "{arguments:?}");
    }
    assert!(!sandbox.join("report.html").exists(), "an error leaves nothing behind");
    // A damaged line is named.
    let cell = std::fs::read_dir(sandbox.join("run/cells")).unwrap().next().unwrap().unwrap();
    let predictions = cell.path().join("predictions.jsonl");
    let mut lines = std::fs::read_to_string(&predictions).unwrap();
    lines.truncate(lines.len() - 10);
    std::fs::write(&predictions, lines).unwrap();
    let out = sandbox.run(&["report", "run"]);
    assert_eq!(out.code, 2);
    assert!(out.stderr.contains("predictions.jsonl:20: not a prediction row"), "{}", out.stderr);
}

#[test]
fn a_hundred_cells_are_reported_at_once() {
    let sandbox = Sandbox::new();
    write_run(&sandbox.join("run"), 100, 2000, 1);
    // Whatever the first start needs, building the binary for one, is not what is measured.
    assert_eq!(sandbox.run(&["--version"]).code, 0);
    let started = Instant::now();
    let out = sandbox.run(&["report", "run"]);
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(out.code, 0, "{}", out.stderr);
    let size = std::fs::metadata(sandbox.join("report.html")).unwrap().len();
    eprintln!("100 cells of 2,000 rows: {seconds:.2} s, {:.2} MB", size as f64 / 1e6);
    assert!(size < 5_000_000, "{size} bytes");
    // A quiet machine needs a fraction of this; tests share theirs.
    assert!(seconds < 20.0, "{seconds} s");
}

/// A program of the path, where there is one.
fn found(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut all = names.iter().flat_map(|name| places.iter().map(move |place| place.join(name)));
    all.find(|file| file.is_file())
}

/// Whether this is Node.js 20 or newer.
fn speaks_today(node: &Path) -> bool {
    let out = Command::new(node).arg("--version").output().expect("node starts");
    let version = String::from_utf8_lossy(&out.stdout).into_owned();
    let major = version.trim().trim_start_matches('v').split('.').next().map(str::parse::<u32>);
    major.is_some_and(|major| major.is_ok_and(|major| major >= 20))
}

/// Runs with a history and a comparison, in every size of window, by keyboard, in light and dark, and without script.
/// `KOBENCH_SCREENSHOTS` names a folder that keeps the pictures.
#[test]
fn a_browser_finds_nothing_wrong() {
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let (Some(chromium), Some(node)) = (found(&browsers), found(&["node"])) else {
        eprintln!("a_browser_finds_nothing_wrong: skipped, Chromium or Node.js is not installed");
        return;
    };
    if !speaks_today(&node) {
        eprintln!("a_browser_finds_nothing_wrong: skipped, Node.js is older than 20");
        return;
    }
    let sandbox = Sandbox::new();
    for day in 0..12 {
        let changed = if day < 6 { 0.0 } else { 0.3 };
        let worse = (day >= 6).then_some(0.9);
        let scale = Scale { day, changed, changed_errors: worse, ..Scale::new(8, 300, 1) };
        scale.write(&sandbox.join(&format!("runs/{day:02}")));
    }
    let arguments =
        ["report", "runs/11", "--compare", "runs/00", "--flips", "5", "--history", "runs"];
    let out = sandbox.run(&arguments);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let kept = std::env::var_os("KOBENCH_SCREENSHOTS").map(PathBuf::from);
    let pictures = kept.unwrap_or_else(|| sandbox.join("pictures"));
    let out = Command::new(node)
        .arg(workspace().join("tests/browser/check.mjs"))
        .args([&text(&chromium), &text(&sandbox.join("report.html")), &text(&pictures)])
        .env("HOME", sandbox.path())
        .output()
        .expect("node starts");
    let (wrong, messages) = (out.stdout, String::from_utf8_lossy(&out.stderr).into_owned());
    assert!(out.status.success(), "{}\n{messages}", String::from_utf8_lossy(&wrong));
    for name in ["comparison.png", "leaderboard.png", "top-dark.png", "leaderboard-phone.png"] {
        let bytes = std::fs::read(pictures.join(name)).expect(name);
        assert!(
            bytes.starts_with(b"\x89PNG") && bytes.len() > 5000,
            "{name}: {} bytes",
            bytes.len()
        );
    }
}
