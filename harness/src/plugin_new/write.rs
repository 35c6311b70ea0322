//! Writing files whole or not at all.

use super::NewPluginError;
use super::files::File;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs;
use std::io;
use std::path::Path;

/// Writes files into a new folder.
///
/// # Errors
/// If a file cannot be written, or the folder is there by now; nothing is left behind then.
pub(super) fn write(folder: &Path, files: &[File]) -> Result<(), NewPluginError> {
    let parent = folder.parent().unwrap_or(folder);
    let io = |path: &Path| {
        let path = path.to_path_buf();
        move |source| NewPluginError::Io { path, source }
    };
    let made =
        tempfile::Builder::new().prefix(".kobench-new-").tempdir_in(parent).map_err(io(parent))?;
    for file in files {
        let path = made.path().join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io(parent))?;
        }
        fs::write(&path, &file.content).map_err(io(&path))?;
    }
    // A temporary folder is its owner's alone; what is made here is as other folders are.
    open_to_all(made.path()).map_err(io(folder))?;
    match renameat_with(CWD, made.path(), CWD, folder, RenameFlags::NOREPLACE) {
        Ok(()) => {
            // It is not there any more under this name.
            let _ = made.keep();
            Ok(())
        }
        Err(rustix::io::Errno::EXIST) => {
            Err(NewPluginError::Exists { folder: folder.to_path_buf() })
        }
        Err(e) => Err(io(folder)(e.into())),
    }
}

/// Gives a folder the permissions that a folder made here by hand would have.
fn open_to_all(folder: &Path) -> io::Result<()> {
    let beside = folder.join(".permissions");
    fs::create_dir(&beside)?;
    let permissions = fs::metadata(&beside)?.permissions();
    fs::remove_dir(&beside)?;
    fs::set_permissions(folder, permissions)
}

/// Puts another text in a file's place.
///
/// # Errors
/// If it cannot be written; the file is as it was then.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let parent = path.parent().unwrap_or(path);
    let new = tempfile::NamedTempFile::new_in(parent)?;
    fs::write(new.path(), text)?;
    fs::set_permissions(new.path(), fs::metadata(path)?.permissions())?;
    new.persist(path)?;
    Ok(())
}
