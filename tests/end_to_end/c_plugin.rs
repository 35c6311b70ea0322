//! A plugin in C does what a plugin in Rust does.

use kobench_tests::{Sandbox, c_plugin, cells};

#[test]
fn a_plugin_in_c_is_listed_checked_and_run() {
    let sandbox = Sandbox::new();
    let library = c_plugin(sandbox.path());
    let library = library.to_str().unwrap();

    let listed = sandbox.json(&["plugin", "list", "--plugin-dir", library, "--format", "json"]);
    let names: Vec<&str> = listed["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|p| p["description"]["name"].as_str())
        .collect();
    assert!(names.contains(&"lexicon"), "{names:?}");

    let checked = sandbox.run(&["plugin", "check", library]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    assert!(
        checked.stdout.contains("ok      model.batch (lexicon): same logits alone and in a batch"),
        "{}",
        checked.stdout
    );

    let out = sandbox.join("run");
    let run = sandbox.run(&[
        "run",
        "-m",
        "lexicon",
        "-t",
        "nsmc",
        "--split",
        "sample",
        "--plugin-dir",
        library,
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("lexicon"), "{}", run.stdout);
    let record = &cells(&out)["lexicon"];
    assert_eq!((record["status"].as_str(), record["n"].as_u64()), (Some("done"), Some(2000)));
    // Counting words of praise and blame does better than any constant answer.
    let accuracy = record["metrics"]["accuracy"]["value"].as_f64().unwrap();
    let support: Vec<u64> = record["per_class"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["support"].as_u64().unwrap())
        .collect();
    let majority = *support.iter().max().unwrap() as f64 / 2000.0;
    assert!(accuracy > majority + 0.05, "accuracy {accuracy}, majority {majority}");
}
