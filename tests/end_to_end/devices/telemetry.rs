//! What is recorded of a GPU while a cell runs.

use super::Bench;
use kobench_tests::fake_nvml;
use serde_json::{Value, json};

/// A run with the library that answers as NVML does, long enough for several looks.
fn run(variables: &[(&str, &str)]) -> (Bench, kobench_tests::Output, Value) {
    let bench = Bench::new(&[]);
    let folder = fake_nvml(bench.sandbox.path());
    let mut all =
        vec![("LD_LIBRARY_PATH", folder.to_str().unwrap()), ("DEVICE_FORWARD_US", "1500")];
    all.extend(variables);
    let bench = bench.with(&all);
    let out = bench.run("run", &["--device", "cuda:1", "--batch-tokens", "500"]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let cell = bench.cell("run");
    (bench, out, cell)
}

#[test]
fn clocks_power_and_energy_are_recorded_and_throttling_is_named() {
    // 0x4: the power cap, 0x40: a thermal slowdown by the hardware, 0x1: idle, which holds nothing down.
    let (bench, out, cell) = run(&[("NVML_REASONS", "0x45")]);
    let told = &cell["telemetry"];
    assert_eq!(
        (&told["device_uuid"], &told["driver_version"]),
        (&"GPU-1".into(), &"580.65.06".into())
    );
    let same = |value: f64| json!({"min": value, "mean": value, "max": value});
    assert_eq!((&told["sm_clock_mhz"], &told["memory_clock_mhz"]), (&same(1980.0), &same(3201.0)));
    assert_eq!(told["temperature_max_celsius"], 61);
    assert_eq!(told["power_watts"], json!({"mean": 500.0, "max": 500.0}));
    assert_eq!(told["utilisation"]["max"], 0.93);
    assert_eq!(told["memory_peak_bytes"], 1_u64 << 36);
    let (seconds, energy) =
        (told["seconds"].as_f64().unwrap(), told["energy_joules"].as_f64().unwrap());
    // 300 rows of 1.5 ms, none of them unseen.
    let forward = cell["throughput"]["forward_seconds"].as_f64().unwrap();
    assert!(
        seconds >= forward && forward > 0.45 && told["samples"].as_u64().unwrap() >= 4,
        "{told}"
    );
    assert_eq!(told["energy_source"], "counter");
    assert!((energy / (500.0 * seconds) - 1.0).abs() < 0.1, "{told}");
    let reasons: Vec<&str> = told["throttling"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["reason"].as_str().unwrap())
        .collect();
    assert_eq!(reasons, ["power cap", "thermal slowdown by the hardware"]);
    let said = "the GPU's clocks were held down: power cap (100% of the time)";
    assert!(
        out.stderr.contains(&format!("warning: device on reviews/test: {said}")),
        "{}",
        out.stderr
    );
    assert!(cell["warnings"].to_string().contains(said));
    assert_eq!(told["notes"], json!([]));

    let run = bench.place("run");
    let table = |format: &str| {
        let arguments = ["leaderboard", run.to_str().unwrap(), "--throughput", "--format", format];
        bench.sandbox.run(&arguments).stdout
    };
    let terminal = table("terminal");
    for part in ["MFU", "energy", " J ", "500 W", "peak device memory", said] {
        assert!(terminal.contains(part), "no {part} in {terminal}");
    }
    let rows: Value = serde_json::from_str(&table("json")).unwrap();
    assert_eq!(rows["rows"][0]["energy_joules"], told["energy_joules"]);
    assert_eq!(rows["rows"][0]["mfu"], cell["throughput"]["mfu"]);
    assert!(table("csv").lines().next().unwrap().contains(",mfu,energy_joules,power_watts,"));
}

#[test]
fn without_a_counter_energy_is_integrated_power() {
    let (_, _, cell) = run(&[("NVML_NO_ENERGY", "1")]);
    let told = &cell["telemetry"];
    assert_eq!(told["energy_source"], "power");
    let (seconds, energy) =
        (told["seconds"].as_f64().unwrap(), told["energy_joules"].as_f64().unwrap());
    assert!((energy / (500.0 * seconds) - 1.0).abs() < 0.01, "{told}");
    assert!(told["notes"][0].as_str().unwrap().starts_with("no energy counter: "), "{told}");
    assert_eq!(told["throttling"], json!([]));
    assert!(!cell["warnings"].to_string().contains("clocks"), "{cell}");
}

#[test]
fn without_nvml_or_the_right_to_use_it_the_cell_is_done_and_a_note_says_why() {
    let (_, _, cell) = run(&[("NVML_INIT", "4")]);
    assert_eq!(cell["telemetry"]["samples"], 0);
    let note = cell["telemetry"]["notes"][0].as_str().unwrap();
    assert!(note.starts_with("NVML cannot be used: "), "{note}");
    assert!(cell["telemetry"].get("power_watts").is_none());

    // An empty library in its place: as on a machine without a driver.
    let bench = Bench::new(&[]);
    bench.sandbox.write("none/libnvidia-ml.so.1", "");
    let none = bench.sandbox.join("none");
    let bench = bench.with(&[("LD_LIBRARY_PATH", none.to_str().unwrap())]);
    assert_eq!(bench.run("run", &["--device", "cuda:0"]).code, 0);
    let note = bench.cell("run")["telemetry"]["notes"][0].to_string();
    assert!(note.contains("NVML cannot be used: ") && note.contains("libnvidia-ml.so.1"), "{note}");
}
