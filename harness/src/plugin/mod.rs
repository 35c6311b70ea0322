//! Model plugins: finding, loading and calling them.
//!
//! [`Library`] and the handles under it are the one place of the harness that calls foreign code. They
//! are used in worker processes only ([`crate::worker`]), so that a plugin that crashes takes no run with
//! it. The harness itself knows plugins by their descriptions ([`Catalog`]).

mod cache;
mod catalog;
mod discovery;
mod error;
mod handles;
mod host;
mod library;
mod rows;

pub use catalog::{Broken, Catalog, Entry, Listed, ModelError};
pub use discovery::{SearchPath, library_name};
pub use error::{CallError, PluginError};
pub use handles::{Encoded, EncodingView, ForwardOutcome, Model, Tokenizer};
pub use host::set_log;
pub use library::Library;

/// The documents that cross the interface, shared with the SDK.
pub use kobench_plugin_sdk::{
    Context, Description, EncodeOptions, Example, Head, ModelRequest, OptionDescription,
    TokenizerRequest, Truncation, Variant,
};
