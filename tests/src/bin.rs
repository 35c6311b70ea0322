//! The binary and the plugins under test, built once for each test process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the workspace")
}

/// The folder of the profile that the tests were built with, for instance `target/release`.
pub fn target_folder() -> PathBuf {
    let test = std::env::current_exe().expect("this test knows where it is");
    // target/PROFILE/deps/TEST
    test.ancestors().nth(2).expect("a test lies in target/PROFILE/deps").to_path_buf()
}

/// The `kobench` binary, with the bundled plugins beside it.
///
/// Cargo builds neither for the tests of this package (binaries and `cdylib`s of other packages are no
/// dependencies), so that they are built here: a matter of a second where they are fresh.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let folder = target_folder();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // The whole workspace: for some packages alone cargo would choose other features of the crates that
        // they depend on, and build those once more.
        cargo.current_dir(workspace()).args(["build", "--quiet"]);
        // What cargo told this test about its own package would make build scripts that look at it run anew,
        // and everything above them be built again.
        for (name, _) in std::env::vars_os() {
            let of_a_package = ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_"];
            if name.to_str().is_some_and(|name| of_a_package.iter().any(|p| name.starts_with(p))) {
                cargo.env_remove(name);
            }
        }
        if folder.ends_with("release") {
            cargo.arg("--release");
        }
        if cfg!(feature = "cuda") {
            cargo.args(["--features", "cuda"]);
        }
        let target = folder.parent().expect("a profile's folder lies in the target folder");
        let status = cargo.arg("--target-dir").arg(target).status().expect("cargo runs");
        assert!(status.success(), "building kobench and its plugins failed");
        folder.join("kobench")
    })
}
