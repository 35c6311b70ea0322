//! Where baselines lie, and what a killed process may have left there.

use std::fs;
use std::path::{Path, PathBuf};

use super::BaselineError;
use crate::record::Lock;
use crate::suggest::closest;

/// Where baselines are looked for unless another folder is named.
pub const FOLDER: &str = "results/baselines";

/// The name of a baseline's record.
pub(super) const RECORD_FILE: &str = "baseline.json";
pub(super) const TEMPORARY: &str = ".tmp-";
pub(super) const REPLACED: &str = ".old-";

const LONGEST_NAME: usize = 100;

/// Whether this folder is a baseline.
pub fn is_baseline(path: &Path) -> bool {
    path.join(RECORD_FILE).is_file()
}

/// A folder of baselines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Default for Folder {
    fn default() -> Self {
        Self::new(Path::new(FOLDER))
    }
}

impl Folder {
    /// The folder at this path, which need not be there.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the baselines in it, in order.
    ///
    /// # Errors
    /// [`BaselineError::Io`]. A folder that is not there has none.
    pub fn names(&self) -> Result<Vec<String>, BaselineError> {
        if !self.path.is_dir() {
            return Ok(Vec::new());
        }
        let mut names: Vec<String> = (entries(&self.path)?.iter())
            .filter(|path| is_baseline(path))
            .map(|path| {
                let name = file_name(path);
                // Between the two renames of a replacement the old one is what there is.
                name.strip_prefix(REPLACED).map(str::to_owned).unwrap_or(name)
            })
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The directory of a baseline.
    ///
    /// # Errors
    /// [`BaselineError::Unknown`] with the closest name, [`BaselineError::BadName`].
    pub fn find(&self, name: &str) -> Result<PathBuf, BaselineError> {
        check_name(name)?;
        let here = [self.path.join(name), self.path.join(format!("{REPLACED}{name}"))];
        if let Some(path) = here.into_iter().find(|path| is_baseline(path)) {
            return Ok(path);
        }
        let names = self.names()?;
        Err(BaselineError::Unknown {
            name: name.to_owned(),
            folder: self.path.clone(),
            closest: closest(name, names.iter().map(String::as_str)).map(str::to_owned),
            known: match names.join(", ") {
                names if names.is_empty() => String::new(),
                names => format!("; there are: {names}"),
            },
        })
    }

    /// Removes a baseline.
    ///
    /// # Errors
    /// As [`Folder::find`], and [`BaselineError::Io`].
    pub fn remove(&self, name: &str) -> Result<(), BaselineError> {
        self.find(name)?;
        let _lock = self.open()?;
        let path = self.find(name)?;
        // Under another name first, so that no half of it is ever found.
        let going = self.temporary(name);
        fs::rename(&path, &going).map_err(BaselineError::io("remove", &path))?;
        fs::remove_dir_all(&going).map_err(BaselineError::io("remove", &going))
    }

    /// Makes the folder and the right to write in it, and cleans up after a process that was killed: what it was
    /// writing goes, what it was replacing comes back.
    pub(super) fn open(&self) -> Result<Lock, BaselineError> {
        fs::create_dir_all(&self.path).map_err(BaselineError::io("create", &self.path))?;
        let lock = Lock::acquire(&self.path)?;
        for path in entries(&self.path)? {
            let name = file_name(&path);
            if let Some(name) = name.strip_prefix(REPLACED) {
                let place = self.path.join(name);
                if is_baseline(&place) {
                    fs::remove_dir_all(&path).map_err(BaselineError::io("remove", &path))?;
                } else {
                    fs::rename(&path, &place).map_err(BaselineError::io("restore", &place))?;
                }
            } else if name.starts_with(TEMPORARY) {
                fs::remove_dir_all(&path).map_err(BaselineError::io("remove", &path))?;
            }
        }
        Ok(lock)
    }

    pub(super) fn temporary(&self, name: &str) -> PathBuf {
        self.path.join(format!("{TEMPORARY}{name}-{}", std::process::id()))
    }
}

/// A name becomes a folder, so nothing that leads elsewhere may be one.
pub(super) fn check_name(name: &str) -> Result<(), BaselineError> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
    let good = !name.is_empty()
        && name.chars().count() <= LONGEST_NAME
        && !name.starts_with(['.', '-'])
        && name.chars().all(allowed);
    if good { Ok(()) } else { Err(BaselineError::BadName { name: name.to_owned() }) }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, BaselineError> {
    fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(BaselineError::io("read", directory))
}
