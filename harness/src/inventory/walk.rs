//! The files below a folder, whatever the folder is: links that lead in circles, folders that may not be read,
//! millions of files.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// More files than any collection of data sets has.
const MAX_FILES: usize = 1_000_000;

/// The files below a folder.
#[derive(Debug, Default)]
pub struct Walked {
    /// Regular files, ordered by path. A link to a file counts as one, a link to a folder is not followed.
    pub files: Vec<FoundFile>,
    /// Folders and files that could not be looked at, each with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Whether the walk ended early, for there are too many files.
    pub truncated: bool,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its path, beginning with that of the folder.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// Lists the files below `root`, or `root` itself where it is a file.
///
/// # Errors
/// Where `root` itself cannot be looked at; what is below it is reported in [`Walked::unreadable`].
pub fn walk(root: &Path) -> io::Result<Walked> {
    walk_at_most(root, MAX_FILES)
}

fn walk_at_most(root: &Path, max_files: usize) -> io::Result<Walked> {
    let mut walked = Walked::default();
    let meta = fs::metadata(root)?;
    if meta.is_file() {
        walked.files.push(FoundFile { path: root.to_owned(), bytes: meta.len() });
        return Ok(walked);
    }
    let mut rest = vec![(root.to_owned(), fs::read_dir(root)?)];
    // A folder can be mounted below itself.
    let mut seen = HashSet::from([(meta.dev(), meta.ino())]);
    let mut entries = 0usize;
    while let Some((folder, mut reader)) = rest.pop() {
        let Some(entry) = reader.next() else { continue };
        rest.push((folder.clone(), reader));
        entries += 1;
        if walked.files.len() >= max_files || entries >= max_files.saturating_mul(4) {
            walked.truncated = true;
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                walked.unreadable.push((folder, error.to_string()));
                rest.pop();
                continue;
            }
        };
        let path = entry.path();
        let looked = entry.file_type().and_then(|kind| {
            // Follows links; what is not a file or a folder (a pipe, a device) is never opened.
            let meta = fs::metadata(&path)?;
            if meta.is_file() {
                walked.files.push(FoundFile { path: path.clone(), bytes: meta.len() });
            } else if kind.is_dir() && seen.insert((meta.dev(), meta.ino())) {
                rest.push((path.clone(), fs::read_dir(&path)?));
            }
            Ok(())
        });
        if let Err(error) = looked {
            walked.unreadable.push((path, error.to_string()));
        }
    }
    walked.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walked)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(walked: &Walked, root: &Path) -> Vec<String> {
        let below =
            |file: &FoundFile| file.path.strip_prefix(root).map(|p| p.display().to_string());
        walked.files.iter().map(|file| below(file).expect("below the root")).collect()
    }

    #[test]
    fn links_in_circles_and_broken_ones_do_not_hurt() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("a/b")).expect("made");
        fs::write(root.join("a/b/x"), "123").expect("written");
        symlink(root, root.join("a/b/up")).expect("linked");
        symlink("loop", root.join("loop")).expect("linked");
        symlink("a/b/x", root.join("y")).expect("linked");
        symlink("nowhere", root.join("z")).expect("linked");
        let walked = walk(root).expect("walked");
        assert_eq!(names(&walked, root), ["a/b/x", "y"]);
        assert_eq!(walked.files[1].bytes, 3);
        assert_eq!(walked.unreadable.len(), 2, "{:?}", walked.unreadable);
    }

    #[test]
    fn deep_and_huge_trees_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut deep = folder.path().to_owned();
        for _ in 0..300 {
            deep.push("d");
        }
        fs::create_dir_all(&deep).expect("made");
        fs::write(deep.join("x"), "").expect("written");
        assert_eq!(walk(folder.path()).expect("walked").files.len(), 1);
        for index in 0..20 {
            fs::write(folder.path().join(index.to_string()), "").expect("written");
        }
        let walked = walk_at_most(folder.path(), 10).expect("walked");
        assert!(walked.truncated && walked.files.len() == 10);
        assert!(walk(&folder.path().join("none")).is_err());
        assert_eq!(walk(&folder.path().join("3")).expect("a file").files.len(), 1);
    }
}
