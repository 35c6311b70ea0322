//! Why a plugin could not be made.

use crate::hint::{Hint, io_hint};
use std::io;
use std::path::PathBuf;

/// Why a plugin could not be made. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum NewPluginError {
    /// A name that cannot be.
    #[error("a plugin cannot be called `{name}`: {reason}")]
    Name {
        /// The name.
        name: String,
        /// Why not.
        reason: String,
    },
    /// A name that another plugin has.
    #[error("there is a plugin `{name}` already: {}", path.display())]
    Taken {
        /// The name.
        name: String,
        /// Its library or folder.
        path: PathBuf,
    },
    /// Something is in the way.
    #[error("{}: is there already", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// An architecture that C has not.
    #[error(
        "the engine's architectures are for plugins in Rust: `--arch {arch}` does not go with `--lang c`"
    )]
    EngineInC {
        /// The architecture.
        arch: &'static str,
    },
    /// The source tree that was named is none.
    #[error("{}: not the source tree of kobench (it has no plugins/sdk)", folder.display())]
    NotKobench {
        /// The folder.
        folder: PathBuf,
    },
    /// No source tree was found.
    #[error("the source tree of kobench was not found above {} or above the current folder", folder.display())]
    NoKobench {
        /// The new plugin's folder.
        folder: PathBuf,
    },
    /// A file or folder that cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

impl Hint for NewPluginError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Name { .. } => "choose another name, for instance `my-model`".into(),
            Self::Taken { .. } => {
                "choose another name; `kobench plugin list` shows those that there are".into()
            }
            Self::Exists { .. } => "name another folder with -o; nothing is overwritten".into(),
            Self::EngineInC { .. } => "leave out `--lang c`, or take `--arch custom`".into(),
            Self::NotKobench { .. } | Self::NoKobench { .. } => {
                "name the folder with kobench's sources with --kobench PATH: its crates are not published, so \
                 that a plugin builds against the sources"
                    .into()
            }
            Self::Io { source, .. } => return io_hint(source, "-o"),
        })
    }
}
