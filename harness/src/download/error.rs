//! What can go wrong with a download.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::hint::{Hint, io_hint};
use crate::text::bytes as size;

/// An error that ends a download. URLs are shown without user name, password and query.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Not a URL that can be downloaded.
    #[error("{url} is no http or https URL: {reason}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server refuses, and would again.
    #[error("{url}: the server answers {status}{}", reason(*status))]
    Status {
        /// The URL, after redirects.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the server calls the error, in `X-Error-Code`.
        code: Option<String>,
    },
    /// Redirects that do not end.
    #[error("{url}: more than {limit} redirects")]
    Redirects {
        /// The URL.
        url: String,
        /// How many are followed.
        limit: u32,
    },
    /// A redirect from https to http.
    #[error("{url}: the server redirects to {to}, which is not encrypted")]
    Downgrade {
        /// The URL.
        url: String,
        /// Where the server points.
        to: String,
    },
    /// No encrypted connection.
    #[error("{url}: no secure connection: {reason}")]
    Tls {
        /// The URL.
        url: String,
        /// What the TLS library says.
        reason: String,
    },
    /// The environment names a proxy that is none.
    #[error("{variable} names no proxy: `{value}`")]
    Proxy {
        /// The variable.
        variable: String,
        /// Its value, without secrets.
        value: String,
    },
    /// The bytes are compressed although nobody asked for it.
    #[error("{url}: the server sends the file in the encoding `{encoding}`, asked was `identity`")]
    Encoded {
        /// The URL.
        url: String,
        /// What the server named.
        encoding: String,
    },
    /// More bytes than the file may have.
    #[error("{url}: {}, more than the {} that the file may have",
        bytes.map_or_else(|| "the body does not end".to_owned(), size), size(*limit))]
    TooLarge {
        /// The URL.
        url: String,
        /// What the server announced.
        bytes: Option<u64>,
        /// The limit.
        limit: u64,
    },
    /// Other bytes than expected. Nothing was put in place.
    #[error("{from}: the {algorithm} of its {} is {found}, expected {expected}", size(*bytes))]
    Hash {
        /// URL or file.
        from: String,
        /// For instance `SHA-256`.
        algorithm: &'static str,
        /// The hash of what came.
        found: String,
        /// The hash of what was asked for.
        expected: String,
        /// Size of what came.
        bytes: u64,
        /// What the server called it.
        content_type: Option<String>,
    },
    /// All tries failed.
    #[error("{url}: {cause} ({tries} {} in a row failed)", if *tries == 1 { "try" } else { "tries" })]
    GaveUp {
        /// The URL.
        url: String,
        /// How many there were since there was progress.
        tries: u32,
        /// Why the last one failed.
        cause: Cause,
        /// Bytes that are kept for the next download.
        kept: u64,
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

/// Why one try of a download failed; another may do better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The server is busy or broken.
    Status(u16),
    /// The server's name is not known.
    Host(String),
    /// No connection, or one that broke.
    Connection(String),
    /// The connection ended before the file did.
    Cut {
        /// Bytes that are here.
        found: u64,
        /// Bytes that the file has, where it was told.
        expected: Option<u64>,
    },
    /// Nothing came for so long.
    Silence(Duration),
    /// The server did not go on where the download had ended.
    Range(String),
    /// What was put together from several tries has another hash.
    Pieces,
}

impl DownloadError {
    /// For `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// What to do next; `flag` names the option that moves the target elsewhere.
    pub fn hint_with(&self, flag: &str) -> Option<String> {
        match self {
            Self::Io { source, .. } => io_hint(source, flag),
            Self::Url { .. } | Self::Redirects { .. } | Self::Downgrade { .. } => Some(
                "check the URL; a mirror is given with --mirror or KOBENCH_MIRROR".to_owned(),
            ),
            Self::Status { status: 401 | 403 | 407, .. } => Some(
                "the server wants a login that kobench does not have; get the file by hand".to_owned(),
            ),
            Self::Status { .. } => Some(
                "the file may have moved; if a server of yours has it, name that with --mirror".to_owned(),
            ),
            Self::Tls { .. } => Some(
                "the certificates of the system decide (package ca-certificates); SSL_CERT_FILE names a file with others"
                    .to_owned(),
            ),
            Self::Proxy { variable, .. } => {
                Some(format!("set {variable} to http://HOST:PORT, or unset it"))
            }
            Self::Encoded { .. } => Some("download the file by hand, or from a mirror".to_owned()),
            Self::TooLarge { .. } => Some("this is hardly the right file; check the URL".to_owned()),
            Self::Hash { content_type: Some(html), .. } if html == "text/html" => Some(
                "a web page came in place of the file, as login pages and expired links give it".to_owned(),
            ),
            Self::Hash { .. } => Some(
                "the file was not put in place; the source may have changed since its hash was recorded"
                    .to_owned(),
            ),
            Self::GaveUp { kept, .. } if *kept > 0 => Some(format!(
                "{} are kept, and the next download goes on from there; --retries and --timeout give it more time",
                size(*kept)
            )),
            Self::GaveUp { cause: Cause::Status(_), .. } => Some("try again later".to_owned()),
            Self::GaveUp { .. } => Some(
                "check the network and the proxy (HTTPS_PROXY, NO_PROXY), or try again later".to_owned(),
            ),
        }
    }
}

impl Hint for DownloadError {
    fn hint(&self) -> Option<String> {
        self.hint_with("--data-dir")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the server answers {status}{}", reason(*status)),
            Self::Host(host) => write!(f, "the name {host} cannot be resolved"),
            Self::Connection(reason) => write!(f, "the connection failed: {reason}"),
            Self::Cut { found, expected: Some(expected) } => {
                write!(f, "the connection ended after {found} of {expected} bytes")
            }
            Self::Cut { found, expected: None } => {
                write!(f, "the connection ended after {found} bytes, before the file did")
            }
            Self::Silence(limit) => {
                write!(f, "nothing came for {} s", limit.as_secs_f64())
            }
            Self::Range(reason) => write!(f, "the download could not be taken up: {reason}"),
            Self::Pieces => f.write_str("the pieces of several tries do not make up the file"),
        }
    }
}

/// ` (Not Found)`, for the statuses that have a name.
fn reason(status: u16) -> String {
    ureq::http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_say_what_and_hints_what_next() {
        let status = DownloadError::Status { url: "http://a/b".into(), status: 404, code: None };
        assert_eq!(status.to_string(), "http://a/b: the server answers 404 (Not Found)");
        let cause = Cause::Cut { found: 3, expected: Some(10) };
        let gave_up = DownloadError::GaveUp { url: "http://a".into(), tries: 2, cause, kept: 2048 };
        assert_eq!(
            gave_up.to_string(),
            "http://a: the connection ended after 3 of 10 bytes (2 tries in a row failed)"
        );
        assert!(gave_up.hint().is_some_and(|hint| hint.starts_with("2.0 KiB are kept")));
        let large = DownloadError::TooLarge { url: "http://a".into(), bytes: None, limit: 1 << 20 };
        assert_eq!(
            large.to_string(),
            "http://a: the body does not end, more than the 1.0 MiB that the file may have"
        );
        let full = DownloadError::io("write", Path::new("/x"))(io::ErrorKind::StorageFull.into());
        assert!(full.hint_with("--to").is_some_and(|hint| hint.contains("--to")));
    }
}
