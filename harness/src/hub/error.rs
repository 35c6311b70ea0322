//! What can go wrong between this machine and the hub.

use std::io;
use std::path::{Path, PathBuf};

use crate::download::DownloadError;
use crate::hint::{Hint, io_hint};
use crate::text::bytes as size;

/// An error about a model of the hub. Tokens are never shown.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// What is no id.
    #[error("`{id}` is no id of a model on the hub: {reason}")]
    Id {
        /// As it was named.
        id: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// What is no revision.
    #[error("`{revision}` is no revision")]
    Revision {
        /// As it was named.
        revision: String,
    },
    /// No place for a cache.
    #[error("there is no folder for the Hugging Face cache: HOME is not set")]
    NoCache,
    /// A token that no header field can hold.
    #[error("{origin} holds no token: it has characters that no token has")]
    Token {
        /// The variable or file.
        origin: String,
    },
    /// The network may not be asked.
    #[error("{id} is not fetched: {variable} forbids to ask the network")]
    Offline {
        /// The repository.
        id: String,
        /// The variable that forbids it.
        variable: &'static str,
    },
    /// Access is refused.
    #[error("{id}: access is refused ({status}{})", code.as_ref().map_or_else(String::new, |code| format!(", {code}")))]
    Refused {
        /// The repository.
        id: String,
        /// Its page.
        page: String,
        /// The HTTP status.
        status: u16,
        /// What the hub calls the error.
        code: Option<String>,
        /// Whether a token was shown.
        with_token: bool,
    },
    /// No such repository, for this user.
    #[error("{page}: no such model{}", if *with_token { "" } else { ", or a private one" })]
    NotFound {
        /// Where it would be.
        page: String,
        /// Whether a token was shown.
        with_token: bool,
    },
    /// No such revision.
    #[error("{id} has no revision `{revision}`")]
    NoRevision {
        /// The repository.
        id: String,
        /// Its page.
        page: String,
        /// What was asked for.
        revision: String,
    },
    /// A download that failed.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// An answer that makes no sense.
    #[error("{url}: not the answer of a Hugging Face Hub: {reason}")]
    Answer {
        /// What was asked.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A repository without what a model needs.
    #[error("{id} at {commit} has no {what}")]
    NoFile {
        /// The repository.
        id: String,
        /// The commit.
        commit: String,
        /// What it lacks.
        what: String,
        /// What it has.
        has: Vec<String>,
    },
    /// An index of shards that cannot be used.
    #[error("{index}: not an index of weights: {reason}")]
    Index {
        /// The file.
        index: String,
        /// What is wrong.
        reason: String,
    },
    /// Too little room.
    #[error("{}: {} are to be downloaded, {} are free", folder.display(), size(*needed), size(*free))]
    Room {
        /// The cache.
        folder: PathBuf,
        /// Bytes to download.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// Nothing of it is in the cache.
    #[error("{id} at `{revision}` is not in the Hugging Face cache ({})", folder.display())]
    NotCached {
        /// The repository.
        id: String,
        /// The revision.
        revision: String,
        /// Where it would be.
        folder: PathBuf,
        /// Revisions that are there.
        others: Vec<String>,
    },
    /// A part of it is in the cache.
    #[error("{source_name} is incomplete in the Hugging Face cache ({}): {} missing", directory.display(), missing.join(", "))]
    Incomplete {
        /// The model, as it was asked for.
        source_name: String,
        /// What there is.
        directory: PathBuf,
        /// Files that are missing.
        missing: Vec<String>,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl HubError {
    /// For `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// What to do next; `fetch` is the command that fetches the model.
    pub fn hint_with(&self, fetch: Option<&str>) -> Option<String> {
        Some(match self {
            Self::Id { .. } => "an id is ORG/NAME, for instance hf:beomi/kcbert-base".to_owned(),
            Self::Revision { .. } => {
                "a revision is a branch, a tag or a commit: hf:ORG/NAME@REVISION".to_owned()
            }
            Self::NoCache => "set HF_HOME to a folder".to_owned(),
            Self::Token { origin } => {
                format!("{origin} should be a token as the hub's settings page shows it, or empty")
            }
            Self::Offline { variable, .. } => format!(
                "unset {variable}, or copy the cache of a machine that has the model (HF_HOME)"
            ),
            Self::Refused { page, code, with_token: false, .. } => match code.as_deref() {
                Some("GatedRepo") => format!(
                    "log in at {page} and accept the licence there; then set HF_TOKEN to a token of yours, or run `hf auth login`"
                ),
                _ => format!("check the name; if you may use {page}, set HF_TOKEN to a token of yours"),
            },
            Self::Refused { page, .. } => format!(
                "accept the licence at {page} with the account of the token, and let the token read gated models"
            ),
            Self::NotFound { with_token: false, .. } => {
                "check the name; for a private model set HF_TOKEN to a token that may read it".to_owned()
            }
            Self::NotFound { .. } => {
                "check the name, and whether the token's account may read it".to_owned()
            }
            Self::NoRevision { page, .. } => format!("{page}/commits/main shows what there is"),
            Self::Download(error) => return download_hint(error),
            Self::Answer { .. } => "HF_ENDPOINT names the server; without it, https://huggingface.co is asked".to_owned(),
            Self::NoFile { has, .. } => format!("it has: {}", listed(has)),
            Self::Index { .. } => "the repository is damaged, or not what it says; `kobench model verify` tells whether the cache is".to_owned(),
            Self::Room { .. } => {
                "free some space, or set HF_HUB_CACHE to a folder on a larger disk".to_owned()
            }
            Self::NotCached { id, revision, others, .. } => {
                let fetch = fetch.map_or_else(|| fetch_command(id, revision), str::to_owned);
                let others = match others.as_slice() {
                    [] => String::new(),
                    some => format!("; there are other revisions, which hf:{id}@REVISION names: {}", listed(some)),
                };
                format!("`{fetch}` gets it; a run downloads nothing{others}")
            }
            Self::Incomplete { source_name, .. } => {
                let command = || format!("kobench model fetch hf:{source_name}");
                let fetch = fetch.map_or_else(command, str::to_owned);
                format!("`{fetch}` gets the rest")
            }
            Self::Io { source, .. } => return io_hint(source, "HF_HUB_CACHE"),
        })
    }
}

/// The command that fetches a revision.
fn fetch_command(id: &str, revision: &str) -> String {
    match revision {
        super::MAIN => format!("kobench model fetch hf:{id}"),
        _ => format!("kobench model fetch hf:{id}@{revision}"),
    }
}

/// The first few of some names.
fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 12 {
        text.push_str(&format!(" and {} more", names.len() - 12));
    }
    text
}

fn download_hint(error: &DownloadError) -> Option<String> {
    Some(match error {
        DownloadError::Url { .. } | DownloadError::Redirects { .. } | DownloadError::Downgrade { .. } => {
            "HF_ENDPOINT names the server; without it, https://huggingface.co is asked".to_owned()
        }
        DownloadError::Status { .. } => {
            "the file may have been removed; `--dry-run` shows what the hub has now".to_owned()
        }
        DownloadError::Encoded { .. } => "another server may do better: HF_ENDPOINT".to_owned(),
        DownloadError::TooLarge { .. } => {
            "the file is not the one that the hub has listed; try again, or set HF_ENDPOINT to another server"
                .to_owned()
        }
        other => return other.hint_with("HF_HUB_CACHE"),
    })
}

impl Hint for HubError {
    fn hint(&self) -> Option<String> {
        self.hint_with(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_is_told_what_to_do() {
        let refused = |code: Option<&str>, with_token| HubError::Refused {
            id: "google/gemma-2-2b".into(),
            page: "https://huggingface.co/google/gemma-2-2b".into(),
            status: 401,
            code: code.map(str::to_owned),
            with_token,
        };
        let error = refused(Some("GatedRepo"), false);
        assert_eq!(error.to_string(), "google/gemma-2-2b: access is refused (401, GatedRepo)");
        let hint = error.hint().expect("a hint");
        assert!(hint.contains("accept the licence") && hint.contains("HF_TOKEN"), "{hint}");
        let hint = refused(None, true).hint().expect("a hint");
        assert!(hint.contains("account of the token"), "{hint}");
        let not_cached = HubError::NotCached {
            id: "a/b".into(),
            revision: "main".into(),
            folder: "/x".into(),
            others: vec!["v1".into()],
        };
        let hint = not_cached.hint().expect("a hint");
        assert!(hint.contains("`kobench model fetch hf:a/b`") && hint.contains("v1"), "{hint}");
        let hint = not_cached.hint_with(Some("kobench model fetch b")).expect("a hint");
        assert!(hint.contains("`kobench model fetch b`"), "{hint}");
    }
}
