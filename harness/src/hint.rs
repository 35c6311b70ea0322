//! What to do next, beside what went wrong.

/// An error that knows what its reader can do about it.
///
/// The message of an error says what happened and where; the hint is printed on a line of its own
/// (`hint: ...`), so that scripts can match messages without it.
pub trait Hint {
    /// One sentence without a final period, or `None` where nothing better than the message is known.
    fn hint(&self) -> Option<String>;
}

/// The hint for an error of the operating system, where there is one that helps.
///
/// `flag` names the option that moves the path elsewhere, for instance `--out`.
pub fn io_hint(error: &std::io::Error, flag: &str) -> Option<String> {
    use std::io::ErrorKind::{
        FileTooLarge, NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
        StorageFull,
    };
    let hint = match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => {
            format!("free some space, or choose a place with more of it with {flag}")
        }
        ReadOnlyFilesystem | PermissionDenied => {
            format!("choose a folder that you may use with {flag}")
        }
        NotADirectory => format!("a part of the path is a file; choose another place with {flag}"),
        NotFound => format!("check the path, or give another one with {flag}"),
        _ => return None,
    };
    Some(hint)
}
