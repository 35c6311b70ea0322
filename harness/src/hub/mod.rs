//! Models of the Hugging Face Hub, and its cache on this machine.
//!
//! The cache is the standard one, so that what kobench fetches is found by Hugging Face's own clients, and the other way
//! round. A repository is a folder of it:
//!
//! ```text
//! models--ORG--NAME/blobs/HASH                   contents, by SHA-256 (large files) or git blob SHA-1
//! models--ORG--NAME/blobs/HASH.incomplete        what is being downloaded, or was when somebody pulled the plug
//! models--ORG--NAME/refs/REVISION                the commit of a branch or tag, as it was when it was last fetched
//! models--ORG--NAME/snapshots/COMMIT/FILE        -> ../../blobs/HASH
//! .locks/models--ORG--NAME/HASH.lock             locked (flock) while a blob is written
//! ```
//!
//! Of a repository the configuration, the tokeniser and one set of weights are fetched ([`choose`]). A revision's `refs` file
//! is written once all of its files are there.

mod api;
mod cache;
pub mod choose;
mod error;
mod fetch;
mod plan;
mod settings;
mod snapshot;
mod source;
mod verify;

pub use cache::{HubCache, RepoCache};
pub use error::HubError;
pub use fetch::{FileFetched, Hub};
pub use plan::{FilePlan, FileState, Plan};
pub use settings::{Settings, cache_folder};
pub use snapshot::{CachedRevision, Snapshot};
pub use source::{MAIN, RepoId, Source, is_commit};
pub use verify::{FileVerdict, VerifiedFile, verify_directory, verify_repo};
