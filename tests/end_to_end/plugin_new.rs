//! `kobench plugin new`: what it writes builds, passes the check, and is never written over anything.

use kobench_tests::{Sandbox, binary, finish, target_folder, workspace};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

const ARCHS: [&str; 6] = ["bert", "electra", "distilbert", "deberta", "roberta", "gemma2"];

/// Makes a plugin in the sandbox against this source tree.
fn new(sandbox: &Sandbox, name: &str, arch: &str, more: &[&str]) -> PathBuf {
    let tree = workspace().to_str().unwrap();
    let arguments =
        [&["plugin", "new", name, "--arch", arch, "--kobench", tree][..], more].concat();
    let out = sandbox.run(&arguments);
    assert_eq!(out.code, 0, "{}", out.stderr);
    assert!(out.stdout.contains("kobench plugin check"), "{}", out.stdout);
    sandbox.join(name)
}

/// Cargo, offline, in a crate of its own, without what it told this test about its package.
fn cargo(folder: &Path, arguments: &[&str]) -> kobench_tests::Output {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder).args(arguments).arg("--offline");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_") && name != "CARGO_HOME") {
            cargo.env_remove(name);
        }
    }
    // Shared by the runs of the tests, so that the dependencies are built once.
    let target = target_folder().parent().unwrap().join("new-plugins");
    finish(cargo.env("CARGO_TARGET_DIR", target))
}

fn check(sandbox: &Sandbox, library: &Path) {
    let checked = sandbox.run(&["plugin", "check", library.to_str().unwrap()]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
}

/// A run of the new model on NSMC's sample: its accuracy.
fn accuracy(sandbox: &Sandbox, model: &str, library: &Path) -> f64 {
    let out = sandbox.join("run");
    let library = library.to_str().unwrap();
    let run = ["run", "-m", model, "-t", "nsmc", "--split", "sample", "--plugin-dir", library];
    let run = sandbox.run(&[&run[..], &["--out", out.to_str().unwrap()]].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    kobench_tests::cells(&out)[model]["metrics"]["accuracy"]["value"].as_f64().unwrap()
}

#[test]
fn a_model_of_ones_own_builds_passes_its_tests_and_the_check_and_runs() {
    let sandbox = Sandbox::new();
    let folder = new(&sandbox, "my-words", "custom", &[]);
    let built = cargo(&folder, &["build", "--release", "--quiet"]);
    assert_eq!(built.code, 0, "{}", built.stderr);
    let tested = cargo(&folder, &["test", "--release", "--quiet"]);
    assert_eq!(tested.code, 0, "{}{}", tested.stdout, tested.stderr);
    let target = target_folder().parent().unwrap().join("new-plugins");
    let library = target.join("release/libkobench_plugin_my_words.so");
    check(&sandbox, &library);
    assert!(accuracy(&sandbox, "my-words", &library) > 0.55);

    // The weights as a checkpoint: broken ones are told as the interface asks.
    let weights = std::fs::read_to_string(folder.join("weights.tsv")).unwrap();
    let config = format!("{{\"num_words\": {}}}", weights.lines().count());
    sandbox.write("checkpoint/config.json", config);
    sandbox.write("checkpoint/weights.tsv", weights);
    let checkpoint = sandbox.join("checkpoint");
    let arguments = ["plugin", "check", "--only", "errors", "--only", "model", "--checkpoint"];
    let mut command = sandbox.command(&arguments);
    let checked = finish(command.arg(checkpoint).arg(&library));
    assert_eq!(checked.code, 0, "{}", checked.stdout);
}

#[test]
fn a_plugin_in_c_builds_passes_the_check_and_runs() {
    let sandbox = Sandbox::new();
    // No source tree is needed: the headers are written beside it.
    let out = sandbox.run(&["plugin", "new", "my-c", "--arch", "custom", "--lang", "c"]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let folder = sandbox.join("my-c");
    let mut make = Command::new("make");
    let made = finish(
        make.current_dir(&folder).args(["CFLAGS=-O1 -Wall -Wextra -Wno-type-limits -Werror"]),
    );
    assert_eq!(made.code, 0, "this test needs make and a C compiler: {}", made.stderr);
    let library = folder.join("libkobench_plugin_my_c.so");
    check(&sandbox, &library);
    assert!(accuracy(&sandbox, "my-c", &library) > 0.55);
}

/// Compiled with what the build of this workspace has left, since a build of a crate of its own would build the
/// engine's dependencies again.
fn compile(folder: &Path, library: &Path) {
    let newest = |prefix: &str| -> Vec<PathBuf> {
        let deps = target_folder().join("deps");
        let mut found: Vec<(SystemTime, PathBuf)> = std::fs::read_dir(deps)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                name.starts_with(prefix) && name.ends_with(".rlib")
            })
            .map(|entry| (entry.metadata().unwrap().modified().unwrap(), entry.path()))
            .collect();
        found.sort();
        found.into_iter().rev().map(|(_, path)| path).collect()
    };
    let mut last = String::new();
    for engine in newest("libkobench_engine-") {
        // The engine names the very SDK that it was compiled with; another one does not fit.
        for sdk in newest("libkobench_plugin_sdk-") {
            let extern_of = |name: &str, path: &Path| format!("{name}={}", path.display());
            let mut rustc =
                Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
            rustc
                .args(["--edition=2024", "--crate-type=cdylib", "-Copt-level=1", "-Dwarnings"])
                .arg("--extern")
                .arg(extern_of("kobench_engine", &engine))
                .arg("--extern")
                .arg(extern_of("kobench_plugin_sdk", &sdk))
                .arg(format!("-Ldependency={}", target_folder().join("deps").display()))
                .arg("-o")
                .arg(library)
                .arg(folder.join("src/lib.rs"))
                .env("CARGO_PKG_VERSION", "0.1.0");
            let out = finish(&mut rustc);
            if out.code == 0 {
                return;
            }
            last = out.stderr;
        }
    }
    panic!("{last}");
}

#[test]
fn an_architecture_of_the_engine_compiles_and_passes_the_check() {
    let sandbox = Sandbox::new();
    binary();
    let folder = new(&sandbox, "my-electra", "electra", &[]);
    // Its Cargo.toml fits, with the versions of this workspace.
    let tree = cargo(&folder, &["tree", "--edges", "normal", "--prefix", "none"]);
    assert_eq!(tree.code, 0, "{}", tree.stderr);
    for name in ["kobench-engine", "kobench-plugin-sdk", "candle-core v0.11.1"] {
        assert!(tree.stdout.contains(name), "{name}: {}", tree.stdout);
    }
    let library = sandbox.join("libkobench_plugin_my_electra.so");
    compile(&folder, &library);
    check(&sandbox, &library);
    let models = sandbox.json(&[
        "plugin",
        "list",
        "--format",
        "json",
        "--plugin-dir",
        library.to_str().unwrap(),
    ]);
    let plugins = models["plugins"].as_array().unwrap();
    let mine = plugins.iter().find(|p| p["description"]["name"] == "my-electra").unwrap();
    let variant = &mine["description"]["variants"][0];
    assert_eq!(variant["name"], "my-electra-base");
    assert!(variant["parameters"].as_u64().unwrap() > 80_000_000, "{variant}");
}

#[test]
fn every_architecture_is_written_as_formatted_rust() {
    let sandbox = Sandbox::new();
    for arch in ARCHS.into_iter().chain(["custom"]) {
        let folder = new(&sandbox, &format!("of-{arch}"), arch, &[]);
        let mut rustfmt = Command::new("rustfmt");
        rustfmt.args(["--check", "--edition=2024", "--config-path"]).arg(workspace());
        let out = finish(rustfmt.arg(folder.join("src/lib.rs")));
        assert_eq!(out.code, 0, "{arch}: {}{}", out.stdout, out.stderr);
    }
}

/// A source tree as far as `plugin new` looks at it.
fn tree(sandbox: &Sandbox) -> PathBuf {
    for file in ["Cargo.toml", "plugins/sdk/Cargo.toml", "plugins/abi/include/kobench_plugin.h"] {
        let content = std::fs::read(workspace().join(file)).unwrap();
        sandbox.write(&format!("tree/{file}"), content);
    }
    sandbox.join("tree")
}

#[test]
fn a_plugin_in_the_source_tree_becomes_a_member_of_its_workspace() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    // Found above the target.
    let target = tree.join("plugins/newcomer");
    let arguments = ["plugin", "new", "newcomer", "--arch", "bert", "-o", target.to_str().unwrap()];
    let out = sandbox.run(&arguments);
    assert_eq!(out.code, 0, "{}", out.stderr);
    let manifest = std::fs::read_to_string(tree.join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\n  \"plugins/newcomer\",\n"), "{manifest}");
    assert!(out.stdout.contains("added it to the members"), "{}", out.stdout);
    let own = std::fs::read_to_string(target.join("Cargo.toml")).unwrap();
    assert!(
        own.contains("kobench-engine.workspace = true") && !own.contains("[workspace]"),
        "{own}"
    );
}

/// Everything in a folder.
fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn what_cannot_be_made_is_refused_and_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let tree = tree.to_str().unwrap();
    std::fs::create_dir(sandbox.join("there")).unwrap();
    std::fs::create_dir_all(sandbox.join("tree/plugins/kcbert")).unwrap();
    let before = listing(sandbox.path());
    let custom = ["--arch", "custom"];
    for (arguments, says, hint) in [
        (&["Bad_Name", "--kobench", tree][..], "cannot be called `Bad_Name`", "my-model"),
        (&["there", "--kobench", tree][..], "is there already", "-o"),
        (&["kcbert", "-o", "x", "--kobench", tree][..], "plugin `kcbert` already", "plugin list"),
        (&["fine", "--kobench", "there"][..], "not the source tree of kobench", "--kobench PATH"),
        (&["fine"][..], "was not found above", "--kobench PATH"),
        (&["fine", "-o", "no/such/parent", "--kobench", tree][..], "no/such", "check the path"),
    ] {
        let out = sandbox.run(&[&["plugin", "new"][..], arguments, &custom].concat());
        assert_eq!(out.code, 2, "{arguments:?}: {}", out.stdout);
        assert!(
            out.stderr.contains(says) && out.stderr.contains(hint),
            "{arguments:?}: {}",
            out.stderr
        );
        assert_eq!(listing(sandbox.path()), before, "{arguments:?}");
    }
    let out = sandbox.run(&["plugin", "new", "fine", "--arch", "bert", "--lang", "c"]);
    assert!(out.code == 2 && out.stderr.contains("--arch bert"), "{}", out.stderr);

    // A folder that cannot be written to.
    let folder = sandbox.join("there");
    let mut permissions = std::fs::metadata(&folder).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&folder, permissions).unwrap();
    let out = sandbox.run(&[
        "plugin",
        "new",
        "x",
        "-o",
        "there/x",
        "--kobench",
        tree,
        "--arch",
        "custom",
    ]);
    // (A superuser may write anywhere.)
    assert!(out.code == 2 || folder.join("x/Cargo.toml").is_file(), "{}", out.stderr);
    assert!(listing(&folder).iter().all(|p| !p.to_string_lossy().contains(".kobench-new")));
}
