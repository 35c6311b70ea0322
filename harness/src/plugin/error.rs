//! What can go wrong between the harness and a plugin.

use kobench_plugin_abi as abi;
use std::path::PathBuf;

/// A library that cannot be used as a plugin.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// No such file.
    #[error("{}: no such plugin library", path.display())]
    Missing {
        /// The library.
        path: PathBuf,
    },
    /// The dynamic linker refused it.
    #[error("{}: not a loadable library: {reason}", path.display())]
    NotALibrary {
        /// The library.
        path: PathBuf,
        /// The linker's words.
        reason: String,
    },
    /// A library, but no plugin.
    #[error("{}: a shared library, but not a kobench plugin: it does not export `kobench_plugin_entry_v1`", path.display())]
    NoEntry {
        /// The library.
        path: PathBuf,
    },
    /// A plugin of another major version of the interface.
    #[error(
        "{}: this plugin speaks version {found} of the plugin interface, this kobench speaks version {}",
        path.display(), abi::ABI_MAJOR
    )]
    OtherMajor {
        /// The library.
        path: PathBuf,
        /// Its major version.
        found: u32,
    },
    /// The ranges of minor versions do not meet.
    #[error(
        "{}: this plugin speaks version 1.{minor} of the plugin interface and needs a host of 1.{oldest} or \
         newer; this kobench speaks 1.{} and needs a plugin of 1.{} or newer",
        path.display(), abi::ABI_MINOR, abi::ABI_MINOR_OLDEST
    )]
    OtherMinor {
        /// The library.
        path: PathBuf,
        /// The plugin's minor version.
        minor: u32,
        /// The oldest host minor that it accepts.
        oldest: u32,
    },
    /// The entry point failed or left out a required call.
    #[error("{}: {reason}", path.display())]
    BadEntry {
        /// The library.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// The description is not what the schema says.
    #[error("{}: the plugin's description is not valid: {reason}", path.display())]
    BadDescription {
        /// The library.
        path: PathBuf,
        /// What was wrong.
        reason: String,
    },
}

impl crate::hint::Hint for PluginError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => "`kobench plugin list` shows the plugins that were found".into(),
            Self::NotALibrary { .. } | Self::NoEntry { .. } => {
                "a plugin is a shared library built with kobench-plugin-sdk or kobench_plugin.h".into()
            }
            Self::OtherMajor { found, .. } if *found > abi::ABI_MAJOR => {
                "the plugin is newer: update kobench, or build the plugin against this kobench's header".into()
            }
            Self::OtherMajor { .. } => "the plugin is older: rebuild it against this kobench's header".into(),
            Self::OtherMinor { oldest, .. } if *oldest > abi::ABI_MINOR => {
                "the plugin is newer: update kobench, or build the plugin against this kobench's header".into()
            }
            Self::OtherMinor { .. } => "the plugin is older: rebuild it against this kobench's header".into(),
            Self::BadEntry { .. } | Self::BadDescription { .. } => {
                "this is a defect of the plugin; `kobench plugin check` shows more".into()
            }
        })
    }
}

/// A call that a plugin answered with an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {message} ({code})")]
pub struct CallError {
    /// The call.
    pub call: &'static str,
    /// The status.
    pub status: i32,
    /// The status by name.
    pub code: String,
    /// The plugin's message.
    pub message: String,
}

impl CallError {
    /// Whether a smaller batch may succeed.
    pub fn is_out_of_device_memory(&self) -> bool {
        self.status == abi::E_OUT_OF_DEVICE_MEMORY
    }
}

/// The name of a status, as messages and records have it.
pub(crate) fn status_name(status: i32) -> String {
    match status {
        abi::E_INVALID_ARGUMENT => "invalid argument",
        abi::E_UNSUPPORTED => "unsupported",
        abi::E_NOT_FOUND => "not found",
        abi::E_BAD_DATA => "bad data",
        abi::E_OUT_OF_MEMORY => "out of memory",
        abi::E_OUT_OF_DEVICE_MEMORY => "out of device memory",
        abi::E_CANCELLED => "cancelled",
        abi::E_VERSION => "version",
        abi::E_PANIC => "panic",
        abi::E_BUSY => "busy",
        abi::E_BUFFER_TOO_SMALL => "buffer too small",
        abi::E_NOT_FINITE => "not finite",
        abi::E_INTERNAL => "internal error",
        other => return format!("status {other}"),
    }
    .into()
}
