//! Compiles the kernels: one fat binary for each file of `kernels`, with machine code for the architectures in
//! `KOBENCH_CUDA_ARCHS` (a list such as `80,90`, which is the default) and PTX of the last for newer ones.
//!
//! `KOBENCH_NVCC` names the compiler, else it is looked for in `CUDA_HOME`, `CUDA_PATH`, `PATH` and `/usr/local/cuda`.
//! `KOBENCH_NVCC=none`, or leaving the feature `kernels` out, builds without kernels: everything type-checks and links, and opening a device says that this
//! build has none. The emulator in `emulator` needs none, for it has the kernels itself.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

fn main() {
    for variable in ["KOBENCH_NVCC", "KOBENCH_CUDA_ARCHS", "CUDA_HOME", "CUDA_PATH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=kernels");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut sources: Vec<PathBuf> = fs::read_dir("kernels")
        .expect("kernels is beside build.rs")
        .map(|entry| entry.expect("kernels can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "cu"))
        .collect();
    sources.sort();
    let images = match compiler() {
        None => Vec::new(),
        Some(nvcc) => compile(&nvcc, &sources, &out),
    };
    let mut list = String::from(
        "/// Fat binaries by the name of their file.\npub(crate) const IMAGES: &[(&str, &[u8])] = &[\n",
    );
    for (name, image) in &images {
        writeln!(list, "    ({name:?}, include_bytes!({image:?})),").expect("a string takes all");
    }
    list.push_str("];\n");
    fs::write(out.join("images.rs"), list).expect("OUT_DIR can be written to");
}

/// The compiler, or `None` where the build asks for no kernels.
fn compiler() -> Option<PathBuf> {
    env::var_os("CARGO_FEATURE_KERNELS")?;
    if let Some(asked) = env::var_os("KOBENCH_NVCC") {
        return (asked != "none").then(|| PathBuf::from(asked));
    }
    let homes = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env::var_os).map(PathBuf::from);
    let homes = homes.chain([PathBuf::from("/usr/local/cuda")]).map(|home| home.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let found = homes
        .chain(env::split_paths(&path))
        .map(|folder| folder.join("nvcc"))
        .find(|p| p.is_file());
    assert!(
        found.is_some(),
        "the feature `cuda` needs nvcc of a CUDA 12 or 13 toolkit: set CUDA_HOME or KOBENCH_NVCC, or build with \
         KOBENCH_NVCC=none to check the code without kernels"
    );
    found
}

/// Compiles all sources, as many at a time as cargo allows, and returns their names and images.
fn compile(nvcc: &Path, sources: &[PathBuf], out: &Path) -> Vec<(String, PathBuf)> {
    let archs = env::var("KOBENCH_CUDA_ARCHS").unwrap_or_else(|_| "80,90".into());
    let archs: Vec<&str> = archs.split(',').map(str::trim).collect();
    let mut flags: Vec<OsString> =
        ["-fatbin", "-O3", "-std=c++17", "-Werror", "all-warnings"].map(Into::into).into();
    for arch in &archs {
        flags.push(format!("-gencode=arch=compute_{arch},code=sm_{arch}").into());
    }
    if let Some(last) = archs.last() {
        flags.push(format!("-gencode=arch=compute_{last},code=compute_{last}").into());
    }
    let jobs = env::var("NUM_JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(1_usize);
    let mut images = Vec::new();
    for group in sources.chunks(jobs.max(1)) {
        let running: Vec<(Child, &PathBuf)> = group
            .iter()
            .map(|source| {
                let image = image_of(source, out);
                let mut command = Command::new(nvcc);
                command.args(&flags).arg(source).arg("-o").arg(&image);
                let child = command
                    .spawn()
                    .unwrap_or_else(|e| panic!("cannot run {}: {e}", nvcc.display()));
                images.push((stem(source), image));
                (child, source)
            })
            .collect();
        for (mut child, source) in running {
            let status = child.wait().expect("a child can be waited for");
            assert!(status.success(), "nvcc failed on {}: {status}", source.display());
        }
    }
    images
}

fn stem(source: &Path) -> String {
    source.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn image_of(source: &Path, out: &Path) -> PathBuf {
    out.join(stem(source)).with_extension("fatbin")
}
