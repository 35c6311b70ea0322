//! Who is told how a download goes.

use std::path::Path;
use std::time::Duration;

use super::{Cause, Retries};

/// Is told how a download goes.
pub trait Watch {
    /// Bytes come, from offset `from`; `total` is the size of the whole file, where the server told it.
    /// Called again for each try, with a smaller `from` where a try had to begin anew.
    fn begins(&mut self, from: u64, total: Option<u64>);

    /// So many more bytes are here.
    fn advances(&mut self, bytes: u64);

    /// A try failed, and there will be another one after `delay`.
    fn retries(&mut self, cause: &Cause, delay: Duration, retries: &Retries);

    /// Another process downloads the same file; we wait for it.
    fn waits(&mut self, file: &Path);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Watch for Silent {
    fn begins(&mut self, _from: u64, _total: Option<u64>) {}
    fn advances(&mut self, _bytes: u64) {}
    fn retries(&mut self, _cause: &Cause, _delay: Duration, _retries: &Retries) {}
    fn waits(&mut self, _file: &Path) {}
}
