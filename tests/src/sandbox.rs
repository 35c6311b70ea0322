//! A folder and an environment of a test's own.

use crate::binary;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A temporary folder in which `kobench` is run, with caches inside it and no data from outside.
#[derive(Debug)]
pub struct Sandbox {
    folder: tempfile::TempDir,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Output {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// An empty folder.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A place in the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("folders can be made");
        std::fs::write(&path, content).expect("the sandbox can be written to");
        path
    }

    /// The command, ready to run in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.path())
            .env("XDG_CACHE_HOME", self.join("cache"))
            .env("HF_HOME", self.join("hf"))
            .env("NO_COLOR", "1")
            .env_remove("KOBENCH_DATA")
            .env_remove("KOBENCH_MIRROR")
            .env_remove("KOBENCH_PLUGIN_PATH")
            .env_remove("KOBENCH_TASK_PATH")
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .stdin(Stdio::null());
        for name in [
            "HF_HUB_CACHE",
            "HUGGINGFACE_HUB_CACHE",
            "HF_ENDPOINT",
            "HF_HUB_OFFLINE",
            "TRANSFORMERS_OFFLINE",
            "HF_TOKEN",
            "HUGGING_FACE_HUB_TOKEN",
            "HF_TOKEN_PATH",
            "HF_HUB_DISABLE_IMPLICIT_TOKEN",
        ] {
            command.env_remove(name);
        }
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(proxy).env_remove(proxy.to_lowercase());
        }
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        finish(&mut self.command(arguments))
    }

    /// Runs the bundled kcbert-demo on the sample of NSMC.
    pub fn run_demo(&self, more: &[&str]) -> Output {
        let demo = ["run", "-m", "kcbert-demo", "-t", "nsmc", "--split", "sample"];
        self.run(&[&demo[..], more].concat())
    }

    /// Runs the command, which must succeed, and parses its standard output as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let out = self.run(arguments);
        assert_eq!(out.code, 0, "{arguments:?}: {}", out.stderr);
        serde_json::from_str(&out.stdout)
            .unwrap_or_else(|e| panic!("{arguments:?}: {e}: {}", out.stdout))
    }
}

/// Runs a command to its end.
///
/// # Panics
/// If it does not start, or prints what is no UTF-8.
pub fn finish(command: &mut Command) -> Output {
    let out = command.output().expect("kobench starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("kobench prints UTF-8");
    Output {
        code: out.status.code().unwrap_or(-1),
        stdout: text(out.stdout),
        stderr: text(out.stderr),
    }
}

/// The folder with the full data sets, where the environment names one. Without it the caller's test has
/// nothing to look at, and says so.
pub fn full_data(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KOBENCH_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("{test}: skipped, KOBENCH_DATA does not name a folder with the full data sets");
    }
    folder
}

/// The records of a run directory's cells.
///
/// # Panics
/// If a record is missing or is not JSON.
pub fn records(run: &Path) -> Vec<Value> {
    let folders = std::fs::read_dir(run.join("cells")).expect("a run has cells");
    // What a training goes on from lies there too.
    let is_cell = |folder: &PathBuf| !folder.file_name().is_some_and(is_hidden);
    let record = |folder: PathBuf| -> Value {
        let text = std::fs::read_to_string(folder.join("cell.json")).expect("a cell has a record");
        serde_json::from_str(&text).expect("a record is JSON")
    };
    folders.map(|f| f.expect("a cell's folder").path()).filter(is_cell).map(record).collect()
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.to_string_lossy().starts_with('.')
}

/// [`records`] by model name, for runs of one cell a model.
///
/// # Panics
/// If a record is missing or is not JSON.
pub fn cells(run: &Path) -> std::collections::BTreeMap<String, Value> {
    let by_model =
        |r: Value| (r["model"].as_str().expect("a record names its model").to_string(), r);
    records(run).into_iter().map(by_model).collect()
}

/// The bundled kcbert-demo of NSMC as a Hugging Face directory, as far as a model needs one.
pub fn demo_checkpoint(folder: &Path) -> PathBuf {
    let demo = crate::workspace().join("plugins/kcbert/demo");
    std::fs::create_dir_all(folder).unwrap();
    for file in ["nsmc/config.json", "nsmc/model.safetensors", "vocab.txt"] {
        let from = demo.join(file);
        std::fs::copy(&from, folder.join(from.file_name().unwrap())).unwrap();
    }
    folder.to_path_buf()
}
