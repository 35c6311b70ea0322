//! Where plugin libraries are looked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The file name of a plugin's library: `libkobench_plugin_NAME.so`.
pub fn library_name(name: &str) -> String {
    format!("{}kobench_plugin_{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// Folders and files in which plugins are looked for, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPath {
    /// By the user: what is missing there is an error.
    named: Vec<PathBuf>,
    /// By default: what is missing there is none.
    usual: Vec<PathBuf>,
}

impl SearchPath {
    /// What the user named, then `KOBENCH_PLUGIN_PATH` (separated by colons), then the folder of the
    /// executable and `../lib/kobench` beside it. A place may be a folder or one library.
    pub fn new(named: &[PathBuf]) -> Self {
        let mut named = named.to_vec();
        if let Some(list) = std::env::var_os("KOBENCH_PLUGIN_PATH") {
            named.extend(std::env::split_paths(&list).filter(|p| !p.as_os_str().is_empty()));
        }
        let executable = std::env::current_exe().ok();
        let folder = executable.as_deref().and_then(Path::parent);
        let usual =
            folder.map(|f| vec![f.to_path_buf(), f.join("../lib/kobench")]).unwrap_or_default();
        Self { named, usual }
    }

    /// Only these places.
    pub fn only(named: Vec<PathBuf>) -> Self {
        Self { named, usual: Vec::new() }
    }

    /// All libraries: those named as files, and `libkobench_plugin_*.so` in the folders, sorted by name
    /// within each. A library that is found twice is listed once.
    pub fn libraries(&self) -> Vec<PathBuf> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let usual = self.usual.iter().filter(|place| place.is_dir());
        for place in self.named.iter().chain(usual) {
            let mut here = if place.is_dir() { in_folder(place) } else { vec![place.clone()] };
            here.sort();
            for path in here {
                let real = path.canonicalize().unwrap_or_else(|_| path.clone());
                if seen.insert(real.clone()) {
                    found.push(real);
                }
            }
        }
        found
    }
}

fn in_folder(folder: &Path) -> Vec<PathBuf> {
    let prefix = format!("{}kobench_plugin_", std::env::consts::DLL_PREFIX);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_plugin = |path: &PathBuf| {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(&prefix) && name.ends_with(std::env::consts::DLL_SUFFIX)
    };
    entries.flatten().map(|e| e.path()).filter(is_plugin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_plugin_libraries_only_and_named_files_count_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let touch = |name: &str| std::fs::write(dir.path().join(name), "").unwrap();
        let (a, b) = (library_name("a"), library_name("b"));
        for name in [b.as_str(), &a, "libother.so", "libkobench_plugin_c.d"] {
            touch(name);
        }
        let path = SearchPath::only(vec![dir.path().join("libother.so"), dir.path().into()]);
        let names: Vec<_> = path
            .libraries()
            .iter()
            .map(|p| p.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["libother.so", &a, &b]);
    }

    #[test]
    fn a_named_file_that_is_missing_stays_listed_so_that_it_can_be_complained_about() {
        let path = SearchPath::only(vec!["/nowhere/libx.so".into()]);
        assert_eq!(path.libraries(), [PathBuf::from("/nowhere/libx.so")]);
    }
}
