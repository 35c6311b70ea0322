//! One try of a download.

use std::io::{self, Read as _};
use std::time::Duration;

use super::client::{Client, Response};
use super::partial::Partial;
use super::{Cause, Download, DownloadError, Watch};

/// Why a try failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Another try may do better.
    Retry {
        cause: Cause,
        /// The wait that the server asks for.
        after: Option<Duration>,
    },
    /// No other try will.
    Fatal(DownloadError),
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Self::Fatal(error)
    }
}

fn retry(cause: Cause) -> Failure {
    Failure::Retry { cause, after: None }
}

/// Gets what is missing of `partial`, and checks the whole.
///
/// # Errors
/// [`Failure`]; what came before it stays in `partial`, unless it is of another file.
pub(super) fn attempt(
    client: &Client,
    download: &Download,
    partial: &mut Partial,
    watch: &mut dyn Watch,
) -> Result<(), Failure> {
    let (from, validator) = partial.resume();
    // All of it can be here already: killed between the last byte and the check.
    if from > 0 && partial.total() == Some(from) {
        return check(download, partial, &download.shown_url(), None);
    }
    let mut response = client.get(&download.url, from, validator, download.token.as_ref())?;
    if !accept(&response, from, partial)? {
        return check(download, partial, &response.url, None);
    }
    if let Some(encoding) = response.fields.encoding.take() {
        return Err(DownloadError::Encoded { url: response.url, encoding }.into());
    }
    if partial.total().is_some_and(|total| total > download.max_bytes) {
        return Err(too_large(download, &response, partial.total()));
    }
    watch.begins(partial.len(), partial.total());
    receive(client, download, &mut response, partial, watch)?;
    check(download, partial, &response.url, response.fields.content_type)
}

/// Acts on the status: whether a body follows that belongs into `partial`.
fn accept(response: &Response, from: u64, partial: &mut Partial) -> Result<bool, Failure> {
    let fields = &response.fields;
    match fields.status {
        // Also for a range: the server knows none, or the file has changed.
        200 => {
            partial.begin(fields)?;
            Ok(true)
        }
        206 if from > 0 => {
            let start = fields.range.and_then(|range| range.start);
            let reason = if start != Some(from) {
                "the server sends another range than was asked for"
            } else if !partial.fits(fields) {
                "the file has changed on the server"
            } else {
                partial.go_on(fields);
                return Ok(true);
            };
            partial.restart()?;
            Err(retry(Cause::Range(reason.to_owned())))
        }
        416 if from > 0 => {
            // Nothing comes after what is here: it is all there is, or it is of another file.
            if fields.range.and_then(|range| range.total) == Some(from) {
                return Ok(false);
            }
            partial.restart()?;
            Err(retry(Cause::Range("the server has no such range".to_owned())))
        }
        _ => Err(refusal(response)),
    }
}

/// What a status that brings no file means.
pub(super) fn refusal(response: &Response) -> Failure {
    let fields = &response.fields;
    match fields.status {
        status @ (408 | 425 | 429 | 500..=599) => {
            Failure::Retry { cause: Cause::Status(status), after: fields.retry_after }
        }
        status => {
            let (url, code) = (response.url.clone(), fields.error_code.clone());
            DownloadError::Status { url, status, code }.into()
        }
    }
}

fn receive(
    client: &Client,
    download: &Download,
    response: &mut Response,
    partial: &mut Partial,
    watch: &mut dyn Watch,
) -> Result<(), Failure> {
    let mut block = vec![0u8; 1 << 17];
    loop {
        let cut = Cause::Cut { found: partial.len(), expected: partial.total() };
        let read = match response.body.read(&mut block) {
            Ok(0) if partial.total().is_some_and(|total| partial.len() < total) => {
                return Err(retry(cut));
            }
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(client.body_failure(error, &download.url, cut)),
        };
        if partial.len() + read as u64 > download.max_bytes {
            return Err(too_large(download, response, None));
        }
        partial.append(&block[..read])?;
        watch.advances(read as u64);
    }
}

fn too_large(download: &Download, response: &Response, bytes: Option<u64>) -> Failure {
    let (url, limit) = (response.url.clone(), download.max_bytes);
    DownloadError::TooLarge { url, bytes, limit }.into()
}

fn check(
    download: &Download,
    partial: &mut Partial,
    url: &str,
    content_type: Option<String>,
) -> Result<(), Failure> {
    let Some(expected) = &download.expected else { return Ok(()) };
    let found = partial.hash();
    if found == expected.hex() {
        return Ok(());
    }
    // An earlier piece may be what is wrong. The whole from one try tells.
    if partial.is_pieced() {
        partial.restart()?;
        return Err(retry(Cause::Pieces));
    }
    let (algorithm, bytes) = (expected.algorithm(), partial.len());
    let (from, expected) = (url.to_owned(), expected.hex().to_owned());
    Err(DownloadError::Hash { from, algorithm, found, expected, bytes, content_type }.into())
}
