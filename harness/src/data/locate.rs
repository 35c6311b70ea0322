//! Where data is looked for.

use std::borrow::Cow;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::DataError;
use crate::task::{Format, Origin, Split, SplitLocation, Task, embedded_file};

/// The folders in which data is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataPlaces {
    folders: Vec<PathBuf>,
}

/// A split's file, found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplitFile {
    /// Part of kobench, by its path below tasks/.
    Bundled(String),
    /// On disk.
    Path(PathBuf),
}

impl DataPlaces {
    /// The folder that the user gave (`--data-dir`); without one, `KOBENCH_DATA`, then the cache:
    /// `$XDG_CACHE_HOME/kobench/data`, or `~/.cache/kobench/data`.
    ///
    /// A folder that was given is the only one that is looked at, so that a run never takes other
    /// data than the command line says.
    pub fn new(data_dir: Option<&Path>) -> Self {
        if let Some(folder) = data_dir {
            return Self { folders: vec![folder.to_owned()] };
        }
        let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = crate::dirs::cache();
        let folders = set("KOBENCH_DATA").into_iter().chain(cache.map(|cache| cache.join("data")));
        Self { folders: folders.collect() }
    }

    /// The folders in the order in which they are looked at.
    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The same folders, and that of a file.
    pub(super) fn and_beside(mut self, file: &Path) -> Self {
        self.folders.extend(file.parent().map(Path::to_owned));
        self
    }

    /// Every path at which a file may be. A task file on disk may have its data beside it.
    fn candidates(&self, task: &Task, file: &str) -> Vec<PathBuf> {
        let beside = match &task.origin {
            Origin::File(path) => path.parent().map(Path::to_owned),
            Origin::BuiltIn => None,
        };
        self.folders.iter().chain(&beside).map(|folder| folder.join(file)).collect()
    }

    /// The task's labels file; `file` is its path below the data directory. Only its last part is taken
    /// where no folder has the whole path, as beside a file that was given by its path.
    pub(super) fn find_labels(&self, task: &Task, file: &str) -> Result<PathBuf, DataError> {
        let mut places = self.candidates(task, file);
        if let Some(name) = Path::new(file).file_name().filter(|name| *name != file) {
            places.extend(self.folders.iter().map(|folder| folder.join(name)));
        }
        if let Some(found) = places.iter().find(|place| place.is_file()) {
            return Ok(found.clone());
        }
        Err(DataError::NotFound {
            task: task.name.clone(),
            split: "labels".to_owned(),
            places,
            bundled: None,
            fetchable: false,
        })
    }

    /// The file of a split, or its folder where the format allows one.
    ///
    /// # Errors
    /// [`DataError::NotFound`] with every path that was tried.
    pub fn find(&self, task: &Task, name: &str, split: &Split) -> Result<SplitFile, DataError> {
        let file = match split.location() {
            SplitLocation::Bundled(path) => return Ok(SplitFile::Bundled(path.to_owned())),
            SplitLocation::File(file) => file,
        };
        let places = self.candidates(task, file);
        let may_be_folder = task.reader.format == Format::AihubDialect;
        let is_there = |place: &&PathBuf| place.is_file() || (may_be_folder && place.is_dir());
        if let Some(found) = places.iter().find(is_there) {
            return Ok(SplitFile::Path(found.clone()));
        }
        let bundled = task
            .splits
            .iter()
            .find(|(_, other)| other.bundled.is_some())
            .map(|(name, _)| name.clone());
        Err(DataError::NotFound {
            task: task.name.clone(),
            split: name.to_owned(),
            places,
            bundled,
            fetchable: split.url.is_some(),
        })
    }
}

impl SplitFile {
    /// Its content.
    ///
    /// # Errors
    /// [`DataError::Io`].
    pub fn read(&self) -> Result<Cow<'static, [u8]>, DataError> {
        match self {
            Self::Path(path) => fs::read(path)
                .map(Cow::Owned)
                .map_err(|source| DataError::Io { path: path.clone(), source }),
            Self::Bundled(path) => embedded_file(path).ok_or_else(|| DataError::Io {
                path: PathBuf::from(path),
                source: std::io::ErrorKind::NotFound.into(),
            }),
        }
    }

    /// The path, where it is a folder.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Path(path) if path.is_dir() => Some(path),
            _ => None,
        }
    }

    /// The last part of its path.
    pub(super) fn name(&self) -> String {
        let path = match self {
            Self::Bundled(path) => Path::new(path),
            Self::Path(path) => path,
        };
        path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Its name in messages and records.
    pub fn display(&self) -> String {
        match self {
            Self::Bundled(path) => format!("bundled:{path}"),
            Self::Path(path) => path.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;
    use crate::task::Registry;

    #[test]
    fn a_given_folder_is_the_only_one() {
        let task = Registry::load(&[]).expect("loads").get("nsmc").expect("is there");
        let folder = tempfile::tempdir().expect("a folder");
        let places = DataPlaces::new(Some(folder.path()));
        let error = places.find(&task, "test", &task.splits["test"]).expect_err("not there");
        let path = folder.path().join("nsmc/ratings_test.txt");
        assert_eq!(
            error.to_string(),
            format!("the data of nsmc/test is not there; looked at:\n  {}", path.display())
        );
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("--data-dir") && hint.contains("--split sample"))
        );
        fs::create_dir(folder.path().join("nsmc")).expect("made");
        fs::write(&path, "").expect("written");
        assert_eq!(
            places.find(&task, "test", &task.splits["test"]).expect("found"),
            SplitFile::Path(path)
        );
        let sample = places.find(&task, "sample", &task.splits["sample"]).expect("found");
        assert_eq!(sample.display(), "bundled:samples/nsmc/ratings_test.sample.txt");
    }

    #[test]
    fn a_task_file_may_have_its_data_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut task = Registry::load(&[]).expect("loads").get("nsmc").expect("is there");
        task.origin = Origin::File(folder.path().join("nsmc.yaml"));
        fs::create_dir(folder.path().join("nsmc")).expect("made");
        fs::write(folder.path().join("nsmc/ratings_test.txt"), "").expect("written");
        let places = DataPlaces::new(Some(Path::new("/nowhere")));
        assert!(places.find(&task, "test", &task.splits["test"]).is_ok());
    }
}
