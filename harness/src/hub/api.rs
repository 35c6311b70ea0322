//! What the hub says about a repository.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{HubError, Settings, Source, is_commit};
use crate::digest::ContentHash;
use crate::download::{
    Client, DownloadError, Retries, Watch, encoded_segment, join_url, shown_url,
};

/// The largest answer that is read: some 100,000 files.
const MAX_ANSWER: u64 = 64 << 20;

/// A repository at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) commit: String,
    /// Its files, by name. What the hub says of them, it says of those that are asked for ([`Listed::content`]).
    pub(super) files: BTreeMap<String, Listed>,
    url: String,
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Listed {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Large>,
}

/// A large file, which the hub keeps apart from git.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Large {
    #[serde(alias = "oid")]
    sha256: String,
    size: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Info {
    sha: String,
    siblings: Vec<Listed>,
}

/// The page of a repository, for people.
pub(super) fn page(settings: &Settings, source: &Source) -> String {
    shown_url(&join_url(&settings.endpoint, source.id.as_str()))
}

/// Asks for the commit and the files of a revision: `GET /api/models/ID/revision/REVISION?blobs=true`.
///
/// # Errors
/// [`HubError::Refused`], [`HubError::NotFound`], [`HubError::NoRevision`], [`HubError::Answer`],
/// [`HubError::Download`].
pub(super) fn ask(
    client: &Client,
    settings: &Settings,
    source: &Source,
    retries: Retries,
    watch: &mut dyn Watch,
) -> Result<Remote, HubError> {
    let revision = encoded_segment(source.revision());
    let url = join_url(&settings.endpoint, &format!("api/models/{}/revision/", source.id));
    let url = format!("{url}{revision}?blobs=true");
    let answer = client.read(&url, settings.token.as_ref(), MAX_ANSWER, retries, watch).map_err(
        |error| match error {
            // A server that has no codes.
            DownloadError::Status { status: 404, code: None, .. } => {
                let (page, with_token) = (page(settings, source), settings.token.is_some());
                HubError::NotFound { page, with_token }
            }
            error => refused(error, settings, source),
        },
    )?;
    let url = shown_url(&url);
    let bad = |reason: String| HubError::Answer { url: url.clone(), reason };
    let info: Info = serde_json::from_slice(&answer).map_err(|error| bad(error.to_string()))?;
    if !is_commit(&info.sha) {
        return Err(bad(format!("`{}` is no commit", crate::text::shorten(&info.sha, 80))));
    }
    if is_commit(source.revision()) && info.sha != source.revision() {
        return Err(bad(format!(
            "it is of the commit {}, not of the one that was asked for",
            info.sha
        )));
    }
    let files = info.siblings.into_iter().map(|file| (file.rfilename.clone(), file)).collect();
    Ok(Remote { commit: info.sha, files, url })
}

/// What an error of a download means for a repository.
pub(super) fn refused(error: DownloadError, settings: &Settings, source: &Source) -> HubError {
    let DownloadError::Status { url, status, code } = error else { return error.into() };
    let (id, page) = (source.id.to_string(), page(settings, source));
    let with_token = settings.token.is_some();
    match (status, code.as_deref()) {
        (_, Some("RevisionNotFound")) => {
            HubError::NoRevision { id, page, revision: source.revision().to_owned() }
        }
        // Who is not known is not told whether a private repository is there.
        (_, Some("RepoNotFound")) => HubError::NotFound { page, with_token },
        (401 | 403, _) => HubError::Refused { id, page, status, code, with_token },
        _ => DownloadError::Status { url, status, code }.into(),
    }
}

impl Remote {
    /// Size and hash of a file that is listed.
    ///
    /// # Errors
    /// [`HubError::Answer`], where the hub does not say them.
    pub(super) fn content(&self, file: &Listed) -> Result<(u64, ContentHash), HubError> {
        let name = &file.rfilename;
        let bad = |reason| HubError::Answer { url: self.url.clone(), reason };
        let bytes = file.lfs.as_ref().and_then(|lfs| lfs.size).or(file.size);
        let bytes = bytes.ok_or_else(|| bad(format!("it does not say the size of {name}")))?;
        let digits = match (&file.lfs, &file.blob_id) {
            (Some(lfs), _) => lfs.sha256.as_str(),
            (None, Some(blob)) => blob.as_str(),
            (None, None) => return Err(bad(format!("it does not say the hash of {name}"))),
        };
        let large = file.lfs.is_some();
        // The digits become the name of a file: nothing else may pass.
        ContentHash::named(digits, bytes)
            .filter(|hash| matches!(hash, ContentHash::Sha256(_)) == large)
            .map(|hash| (bytes, hash))
            .ok_or_else(|| {
                bad(format!("`{}` is no hash of {name}", crate::text::shorten(digits, 80)))
            })
    }
}
