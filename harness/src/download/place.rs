//! Files that are put in place whole: written beside the target, synced, renamed.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::Path;

use super::DownloadError;
use crate::digest::HashingWriter;

/// Makes a rename in `folder` durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder of a file; the current one for a bare name.
pub(super) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Copies `source` to `target`, whole or not at all; the SHA-256 and the bytes of what was copied.
///
/// The source is only read. `expected` is compared with what was copied, for the source can have changed
/// since it was looked at.
///
/// # Errors
/// [`DownloadError::Io`], [`DownloadError::Hash`].
pub fn copy_into_place(
    source: &Path,
    target: &Path,
    expected: Option<&str>,
) -> Result<(String, u64), DownloadError> {
    let folder = folder_of(target);
    fs::create_dir_all(folder).map_err(DownloadError::io("make the folder", folder))?;
    let mut from = File::open(source).map_err(DownloadError::io("read", source))?;
    // A named temporary file would be readable by its owner alone, and stay so.
    let copy = tempfile::Builder::new()
        .prefix(".import-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(DownloadError::io("write in", folder))?;
    let write = DownloadError::io("write", copy.path());
    let mut to = HashingWriter::new(copy.as_file());
    let mut block = vec![0u8; 1 << 18];
    let copied = loop {
        match from.read(&mut block) {
            Ok(0) => break Ok(()),
            Ok(read) => {
                if let Err(error) = to.write_all(&block[..read]) {
                    break Err(error);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(DownloadError::io("read", source)(error)),
        }
    };
    let (file, found, bytes) = to.finish();
    copied.and_then(|()| file.sync_all()).map_err(write)?;
    if let Some(expected) = expected
        && found != expected
    {
        return Err(DownloadError::Hash {
            from: source.display().to_string(),
            algorithm: "SHA-256",
            found,
            expected: expected.to_owned(),
            bytes,
            content_type: None,
        });
    }
    copy.persist(target).map_err(|error| DownloadError::io("write", target)(error.error))?;
    sync_folder(folder).map_err(DownloadError::io("sync", folder))?;
    Ok((found, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256_hex;

    #[test]
    fn copies_are_whole_and_checked() {
        let folder = tempfile::tempdir().expect("a folder");
        let (source, target) = (folder.path().join("a"), folder.path().join("b/c/d"));
        fs::write(&source, "abc").expect("written");
        let (sha256, bytes) = copy_into_place(&source, &target, None).expect("copied");
        assert_eq!((sha256, bytes), (sha256_hex(b"abc"), 3));
        assert_eq!(fs::read(&target).expect("read"), b"abc");
        fs::write(&source, "abd").expect("written");
        let error = copy_into_place(&source, &target, Some(&sha256_hex(b"abc")));
        assert!(matches!(error, Err(DownloadError::Hash { bytes: 3, .. })));
        assert_eq!(fs::read(&target).expect("read"), b"abc", "the older file stays");
        let names = fs::read_dir(target.parent().expect("a folder")).expect("read").count();
        assert_eq!(names, 1, "no temporary file stays");
    }

    #[test]
    fn a_bare_name_is_in_the_current_folder() {
        assert_eq!(folder_of(Path::new("a")), Path::new("."));
        assert_eq!(folder_of(Path::new("/a/b")), Path::new("/a"));
    }
}
