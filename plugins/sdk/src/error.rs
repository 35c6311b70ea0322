//! Errors of a plugin: a kind, which becomes the status code, and a message for the user.

use kobench_plugin_abi as abi;

/// The result of a plugin's call.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of thing went wrong; each is a status code of the ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller's fault: an option, an index.
    InvalidArgument,
    /// This plugin, variant or build cannot do this.
    Unsupported,
    /// A file that should be there is not.
    NotFound,
    /// A file is there, and its content is wrong.
    BadData,
    /// Host memory is exhausted.
    OutOfMemory,
    /// Device memory is exhausted; the handle is intact, a smaller batch may work.
    OutOfDeviceMemory,
    /// The call was cancelled.
    Cancelled,
    /// A panic.
    Panic,
    /// Two calls at once on one handle.
    Busy,
    /// The host's buffer is too small.
    BufferTooSmall,
    /// A loss or gradient is NaN or infinite.
    NotFinite,
    /// Anything else.
    Internal,
}

impl ErrorKind {
    /// The status code.
    pub const fn code(self) -> i32 {
        match self {
            Self::InvalidArgument => abi::E_INVALID_ARGUMENT,
            Self::Unsupported => abi::E_UNSUPPORTED,
            Self::NotFound => abi::E_NOT_FOUND,
            Self::BadData => abi::E_BAD_DATA,
            Self::OutOfMemory => abi::E_OUT_OF_MEMORY,
            Self::OutOfDeviceMemory => abi::E_OUT_OF_DEVICE_MEMORY,
            Self::Cancelled => abi::E_CANCELLED,
            Self::Panic => abi::E_PANIC,
            Self::Busy => abi::E_BUSY,
            Self::BufferTooSmall => abi::E_BUFFER_TOO_SMALL,
            Self::NotFinite => abi::E_NOT_FINITE,
            Self::Internal => abi::E_INTERNAL,
        }
    }

    /// The kind with a status code; a code that has none is internal.
    pub(crate) fn from_code(code: i32) -> Self {
        const KINDS: [ErrorKind; 11] = [
            ErrorKind::InvalidArgument,
            ErrorKind::Unsupported,
            ErrorKind::NotFound,
            ErrorKind::BadData,
            ErrorKind::OutOfMemory,
            ErrorKind::OutOfDeviceMemory,
            ErrorKind::Cancelled,
            ErrorKind::Panic,
            ErrorKind::Busy,
            ErrorKind::BufferTooSmall,
            ErrorKind::NotFinite,
        ];
        KINDS.into_iter().find(|kind| kind.code() == code).unwrap_or(Self::Internal)
    }
}

/// An error that crosses the ABI as a status code and a message.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The kind.
    pub kind: ErrorKind,
    /// What was wrong, where, and what to do about it.
    pub message: String,
}

macro_rules! constructors {
    ($($name:ident => $kind:ident),* $(,)?) => { $(
        #[doc = concat!("An error of the kind [`ErrorKind::", stringify!($kind), "`].")]
        pub fn $name(message: impl Into<String>) -> Self {
            Self { kind: ErrorKind::$kind, message: message.into() }
        }
    )* };
}

impl Error {
    constructors! {
        invalid_argument => InvalidArgument,
        unsupported => Unsupported,
        not_found => NotFound,
        bad_data => BadData,
        out_of_memory => OutOfMemory,
        out_of_device_memory => OutOfDeviceMemory,
        cancelled => Cancelled,
        panic => Panic,
        busy => Busy,
        buffer_too_small => BufferTooSmall,
        not_finite => NotFinite,
        internal => Internal,
    }
}
