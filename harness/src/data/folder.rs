//! A split that is a folder of JSON files, read one after the other.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use super::aihub;
use super::arena::Arena;
use super::builder::{Builder, Parsed};
use super::dataset::into_text;
use super::error::DataError;
use super::labels::LabelIndex;
use super::locate::SplitFile;
use super::store::Store;
use crate::digest::sha256_hex;
use crate::task::Task;

/// The rows of all `*.json` files below `folder`, ordered by path; what their places are of; and a SHA-256
/// over the files: of the lines `HASH  PATH`, as `sha256sum` prints them in that order.
pub(super) fn read(
    task: &Task,
    labels: &LabelIndex<'_>,
    folder: &Path,
    expected: Option<&str>,
) -> Result<(Cow<'static, str>, Store, String), DataError> {
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    if files.is_empty() {
        return Err(DataError::EmptyFolder { folder: folder.display().to_string() });
    }
    files.sort();
    let mut builder = Builder::new(task, labels, Arena::copies(0));
    let mut listing = String::new();
    for (name, path) in files {
        let file = SplitFile::Path(path);
        let bytes = file.read()?;
        listing.push_str(&format!("{}  {name}\n", sha256_hex(&bytes)));
        let content = into_text(bytes, &file)?;
        aihub::file(&mut builder, &content, &name).map_err(|error| DataError::Row {
            file: file.display(),
            error,
            // Whether the folder is the expected one is known when all of it was read; where no hash is
            // named it may as well be.
            is_expected_file: expected.is_none(),
        })?;
        if builder.arena.len() >= u32::MAX as usize {
            let (file, bytes) = (folder.display().to_string(), builder.arena.len() as u64);
            return Err(DataError::TooLarge { file, bytes });
        }
    }
    let Parsed { store, text } = builder.finish();
    Ok((Cow::Owned(text.unwrap_or_default()), store, sha256_hex(listing.as_bytes())))
}

/// All JSON files below `folder`, each with its path below the split's folder. `prefix` is that of
/// `folder` itself.
fn collect(
    folder: &Path,
    prefix: &str,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), DataError> {
    let io = |source| DataError::Io { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // Links to folders are not followed: they may lead in a circle.
        if entry.file_type().map_err(io)?.is_dir() {
            collect(&path, &format!("{name}/"), files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push((name, path));
        }
    }
    Ok(())
}
