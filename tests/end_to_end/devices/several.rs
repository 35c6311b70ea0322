//! Several GPUs take a cell each.

use super::Bench;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const TRAIN: [&str; 8] = [
    "--finetune",
    "--seed",
    "1,2,3,4,5,6",
    "--set",
    "epochs=1",
    "--set",
    "learning_rate=0.05",
    "--select=last",
];

/// The hash of each seed's model.
fn weights(cells: &[Value]) -> BTreeMap<u64, String> {
    let of = |cell: &Value| {
        let hash = cell["training"]["model"]["sha256"].as_str().unwrap();
        (cell["seed"].as_u64().unwrap(), hash.to_owned())
    };
    cells.iter().map(of).collect()
}

#[test]
fn trainings_are_shared_out_and_come_to_the_same() {
    // Slow enough that one GPU alone would not take all.
    let bench = Bench::new(&[("DEVICE_FORWARD_US", "100"), ("DEVICE_GPUS", "3")]);
    let one = bench.run("one", &[&TRAIN[..], &["--device", "cuda:0"]].concat());
    let three = bench.run("three", &[&TRAIN[..], &["--device", "cuda:0-2"]].concat());
    assert_eq!((one.code, three.code), (0, 0), "{}", three.stderr);
    let (one, three) = (bench.records("one"), bench.records("three"));
    assert_eq!((one.len(), three.len()), (6, 6));
    let gpus: BTreeSet<&str> =
        three.iter().map(|cell| cell["backend"]["device"].as_str().unwrap()).collect();
    assert_eq!(gpus.into_iter().collect::<Vec<_>>(), ["cuda:0", "cuda:1", "cuda:2"]);
    assert_eq!(weights(&one), weights(&three));
    let ids = |cells: &[Value]| -> BTreeSet<String> {
        cells.iter().map(|cell| cell["id"].to_string()).collect()
    };
    assert_eq!(ids(&one), ids(&three));
}

#[test]
fn a_gpu_that_is_not_there_costs_one_cell_and_is_left_out() {
    let bench = Bench::new(&[("DEVICE_FORWARD_US", "100")]);
    let run = |device: &str| bench.run("run", &[&TRAIN[..], &["--device", device]].concat());
    let out = run("cuda:0,cuda:7");
    assert_eq!(out.code, 1, "{}", out.stderr);
    assert!(out.stderr.contains("there is no cuda:7: this machine has 2 GPUs"), "{}", out.stderr);
    assert!(out.stderr.contains("cuda:7 cannot be used and is left out"), "{}", out.stderr);
    let failed = bench.records("run").iter().filter(|cell| cell["status"] == "failed").count();
    assert_eq!(failed, 1);
    // The same run goes on with what there is.
    let out = run("cuda:0-1");
    assert_eq!(out.code, 0, "{}", out.stderr);
    assert_eq!(out.stderr.matches("done already").count(), 5, "{}", out.stderr);
}
