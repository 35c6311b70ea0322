//! Plugins in C, built with the system's compiler.

use crate::workspace;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds `tests/plugins/lexicon.c` into `folder`; the header is all that it needs.
pub fn c_plugin(folder: &Path) -> PathBuf {
    build(folder, "lexicon", "lexicon.c", &["-std=c11", "-pedantic"])
}

/// Builds the plugin that does nothing, fast. Its model is called `noop`.
pub fn noop_plugin(folder: &Path) -> PathBuf {
    build(folder, "noop", "noop.c", &["-std=c11", "-O2"])
}

/// Builds the plugin that misbehaves in one way, for instance `SEGFAULT`. Its model is called
/// `bad_segfault`.
pub fn bad_plugin(folder: &Path, how: &str) -> PathBuf {
    let name = format!("bad_{}", how.to_lowercase());
    let defines = [format!("-DLEXICON_NAME=\"{name}\""), format!("-DBAD_{how}")];
    let options: Vec<&str> =
        defines.iter().map(String::as_str).chain(["-std=gnu11", "-Wno-unused-function"]).collect();
    build(folder, &name, "bad.c", &options)
}

/// Builds another plugin's library again, slower: each option is for instance `SLOWED_PART=0.05`
/// (`tests/plugins/slowed.c`).
pub fn slowed_plugin(folder: &Path, inner: &Path, options: &[&str]) -> PathBuf {
    std::fs::create_dir_all(folder).expect("a folder can be made");
    let mut defines = vec![format!("-DSLOWED_INNER=\"{}\"", inner.display())];
    defines.extend(options.iter().map(|option| format!("-D{option}")));
    let options: Vec<&str> =
        defines.iter().map(String::as_str).chain(["-std=gnu11", "-ldl"]).collect();
    build(folder, "slowed", "slowed.c", &options)
}

/// Builds the plugin that has every head. Its model is called `rules`.
pub fn rules_plugin(folder: &Path) -> PathBuf {
    build(folder, "rules", "rules.c", &["-std=c11", "-pedantic"])
}

/// Builds the plugin that says what it read of a checkpoint. Its model is called `checks`. With `how`, for instance
/// `OLD`, it is another one, `checks_old`.
pub fn checks_plugin(folder: &Path, how: Option<&str>) -> PathBuf {
    let name = how.map_or_else(|| "checks".into(), |how| format!("checks_{}", how.to_lowercase()));
    let mut defines = vec![format!("-DRULES_NAME=\"{name}\"")];
    defines.extend(how.map(|how| format!("-DCHECKS_{how}")));
    let options: Vec<&str> =
        defines.iter().map(String::as_str).chain(["-std=c11", "-pedantic"]).collect();
    build(folder, &name, "checks.c", &options)
}

/// Builds the plugin whose encodings or logits are broken in one way, for instance `OFFSETS`. Its model is
/// called `broken_offsets`.
pub fn broken_plugin(folder: &Path, how: &str) -> PathBuf {
    let name = format!("broken_{}", how.to_lowercase());
    let defines = [format!("-DRULES_NAME=\"{name}\""), format!("-DBROKEN_{how}")];
    let options: Vec<&str> =
        defines.iter().map(String::as_str).chain(["-std=gnu11", "-Wno-unused-function"]).collect();
    build(folder, &name, "broken.c", &options)
}

/// Builds the plugin whose self-test goes in one way, for instance `CRASH`; `GOOD` passes. Its name is
/// `selftest_crash`.
pub fn selftest_plugin(folder: &Path, how: &str) -> PathBuf {
    let name = format!("selftest_{}", how.to_lowercase());
    let defines = [format!("-DLEXICON_NAME=\"{name}\""), format!("-DSELFTEST_{how}")];
    let options: Vec<&str> =
        defines.iter().map(String::as_str).chain(["-std=gnu11", "-Wno-unused-function"]).collect();
    build(folder, &name, "selftest.c", &options)
}

/// Builds the plugin that trains. Its model is called `trainer`.
pub fn trainer_plugin(folder: &Path) -> PathBuf {
    build(folder, "trainer", "trainer.c", &["-std=c11", "-pedantic", "-lm"])
}

/// Builds the plugin that claims to have GPUs. Its model is called `device`; `DEVICE_...` variables say how it behaves.
pub fn device_plugin(folder: &Path) -> PathBuf {
    let options = ["-std=gnu11", "-DTRAINER_NAME=\"device\"", "-DTRAINER_DROPOUT=0", "-lm"];
    build(folder, "device", "device.c", &options)
}

/// Builds a library that answers as NVML does, of the GPUs of [`device_plugin`], and gives the folder for
/// `LD_LIBRARY_PATH`.
pub fn fake_nvml(folder: &Path) -> PathBuf {
    let folder = folder.join("nvml");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let library = folder.join("libnvidia-ml.so.1");
    compile(&["-std=gnu11"], &workspace().join("tests/nvml/nvml.c"), &library);
    folder
}

/// Builds the plugins that break the rule that the environment variable `FAULT` names, for the checks of
/// training and of checkpoints, and for all others. Their models are called `faulty_trainer` and `faulty`.
pub fn faulty_plugins(folder: &Path) -> (PathBuf, PathBuf) {
    let more = ["-std=gnu11", "-Wno-unused-function", "-Wno-unused-value", "-pthread", "-lm"];
    let named = |name: &str, define: &str| {
        let define = format!("-D{define}=\"{name}\"");
        let options: Vec<&str> = more.into_iter().chain([define.as_str()]).collect();
        build(folder, name, &format!("{name}.c"), &options)
    };
    (named("faulty_trainer", "TRAINER_NAME"), named("faulty", "RULES_NAME"))
}

fn build(folder: &Path, name: &str, source: &str, options: &[&str]) -> PathBuf {
    let library = folder.join(format!("libkobench_plugin_{name}.so"));
    compile(options, &workspace().join("tests/plugins").join(source), &library);
    library
}

fn compile(options: &[&str], source: &Path, library: &Path) {
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let built = Command::new(&cc)
        .args(["-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-I"])
        .arg(workspace().join("plugins/abi/include"))
        .args(options)
        .arg("-o")
        .arg(library)
        .arg(source)
        // Libraries come after what needs them.
        .args(options.iter().filter(|o| o.starts_with("-l")))
        .output()
        .unwrap_or_else(|e| panic!("these tests need a C compiler ({cc}): {e}"));
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
