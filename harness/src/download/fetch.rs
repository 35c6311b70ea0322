//! A download from its first try to its last.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use super::attempt::{Failure, attempt};
use super::partial::Partial;
use super::{Client, DownloadError, Retries, Secret, Watch, shown_url};
use crate::digest::ContentHash;

/// What is to be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Where from, http or https.
    pub url: String,
    /// Where to. A file that is there is replaced, once the new one is right.
    pub target: PathBuf,
    /// What the file must be.
    pub expected: Option<ContentHash>,
    /// More bytes than this are refused.
    pub max_bytes: u64,
    /// Shown to the server of `url`, and to no other that it redirects to.
    pub token: Option<Secret>,
    /// Where the file is until it is whole.
    pub growing: Growing,
}

/// Where a download is until it is whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Growing {
    /// In `.NAME.partial` beside the target, which is locked, with a note of what is known of it.
    #[default]
    Beside,
    /// In `NAME.incomplete` beside the target, as Hugging Face's clients have it: the target's name is the hash of
    /// its content, so that no note is needed, and what another client left is taken up.
    HubBlob {
        /// The file that is locked meanwhile.
        lock: PathBuf,
    },
}

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Size of the file.
    pub bytes: u64,
    /// Its hash: the one that was expected, or else its SHA-256.
    pub hash: String,
    /// Bytes that an earlier process had left.
    pub resumed_from: u64,
    /// Whether another process put the file there while we waited for it.
    pub by_another: bool,
}

impl Download {
    pub(super) fn shown_url(&self) -> String {
        shown_url(&self.url)
    }
}

impl Client {
    /// Downloads a file and puts it in place, whole and checked.
    ///
    /// # Errors
    /// [`DownloadError`]. The target is as it was; what came so far is kept for the next call where it can be
    /// checked, and removed where it is wrong.
    pub fn download(
        &self,
        download: &Download,
        mut retries: Retries,
        watch: &mut dyn Watch,
    ) -> Result<Fetched, DownloadError> {
        let before = stamp(&download.target);
        let mut partial = Partial::open(download, watch)?;
        if let Some(fetched) = put_there_meanwhile(download, before)? {
            partial.remove();
            return Ok(fetched);
        }
        let resumed_from = partial.resume().0;
        loop {
            match attempt(self, download, &mut partial, watch) {
                Ok(()) => {
                    let (bytes, hash) = (partial.len(), partial.hash());
                    partial.land(&download.target)?;
                    return Ok(Fetched { bytes, hash, resumed_from, by_another: false });
                }
                Err(Failure::Retry { cause, after }) => {
                    match retries.failed(partial.len(), after) {
                        Some(delay) => {
                            watch.retries(&cause, delay, &retries);
                            thread::sleep(delay);
                        }
                        None => {
                            let tries = retries.failures();
                            let kept = partial.keep();
                            let url = download.shown_url();
                            return Err(DownloadError::GaveUp { url, tries, cause, kept });
                        }
                    }
                }
                Err(Failure::Fatal(error)) => {
                    if is_of_the_bytes(&error) {
                        partial.remove();
                    } else {
                        partial.keep();
                    }
                    return Err(error);
                }
            }
        }
    }
}

/// Whether the bytes are what is wrong. Otherwise the next call can go on with them: the disk may have room then,
/// or another server the file.
fn is_of_the_bytes(error: &DownloadError) -> bool {
    use DownloadError::{Encoded, Hash, TooLarge};
    matches!(error, Hash { .. } | TooLarge { .. } | Encoded { .. })
}

/// What tells a file from the one that was there before.
type Stamp = Option<(u64, u64, i64, i64)>;

fn stamp(path: &Path) -> Stamp {
    let meta = path.metadata().ok()?;
    Some((meta.dev(), meta.ino(), meta.mtime(), meta.mtime_nsec()))
}

/// The file that another process has put in place since `before`, where it is the right one.
fn put_there_meanwhile(
    download: &Download,
    before: Stamp,
) -> Result<Option<Fetched>, DownloadError> {
    let target = &download.target;
    if stamp(target) == before || !target.is_file() {
        return Ok(None);
    }
    let hash = ContentHash::of_file(target, download.expected.as_ref())
        .map_err(DownloadError::io("read", target))?;
    if download.expected.as_ref().is_some_and(|expected| expected.hex() != hash) {
        return Ok(None);
    }
    let bytes = target.metadata().map_err(DownloadError::io("read", target))?.len();
    Ok(Some(Fetched { bytes, hash, resumed_from: 0, by_another: true }))
}
