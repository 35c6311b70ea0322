//! Small documents, which are read into memory.

use std::io::{self, Read as _};
use std::thread;

use super::attempt::{Failure, refusal};
use super::{Cause, Client, DownloadError, Retries, Secret, Watch, shown_url};

impl Client {
    /// Reads the document at `url`, of at most `max_bytes`.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub fn read(
        &self,
        url: &str,
        token: Option<&Secret>,
        max_bytes: u64,
        mut retries: Retries,
        watch: &mut dyn Watch,
    ) -> Result<Vec<u8>, DownloadError> {
        loop {
            match self.try_read(url, token, max_bytes) {
                Ok(document) => return Ok(document),
                Err(Failure::Fatal(error)) => return Err(error),
                Err(Failure::Retry { cause, after }) => match retries.failed(0, after) {
                    Some(delay) => {
                        watch.retries(&cause, delay, &retries);
                        thread::sleep(delay);
                    }
                    None => {
                        let (url, tries) = (shown_url(url), retries.failures());
                        return Err(DownloadError::GaveUp { url, tries, cause, kept: 0 });
                    }
                },
            }
        }
    }

    fn try_read(
        &self,
        url: &str,
        token: Option<&Secret>,
        max_bytes: u64,
    ) -> Result<Vec<u8>, Failure> {
        let mut response = self.get(url, 0, None, token)?;
        if response.fields.status != 200 {
            return Err(refusal(&response));
        }
        let shown = response.url.clone();
        if let Some(encoding) = response.fields.encoding.take() {
            return Err(DownloadError::Encoded { url: shown, encoding }.into());
        }
        let total = response.fields.length;
        let mut document = Vec::new();
        let read = response.body.by_ref().take(max_bytes + 1).read_to_end(&mut document);
        let found = document.len() as u64;
        let cut = Cause::Cut { found, expected: total };
        match read {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                Err(self.body_failure(error, url, cut))
            }
            _ if found > max_bytes => {
                Err(DownloadError::TooLarge { url: shown, bytes: total, limit: max_bytes }.into())
            }
            _ if total.is_some_and(|total| found < total) => {
                Err(Failure::Retry { cause: cut, after: None })
            }
            _ => Ok(document),
        }
    }
}
