//! Downloads of files that are put in place whole and checked, or not at all.
//!
//! A download is written beside its target, under the name `.NAME.partial`, and renamed once its SHA-256
//! is right. One that was cut short, by the server, the network or `kill -9`, is taken up where it ended
//! (RFC 9110, section 14: `Range` with `If-Range`). Files of a Hugging Face cache grow as its other clients have
//! them ([`Growing::HubBlob`]). Nothing here knows of tasks or models.

mod attempt;
mod client;
mod error;
mod fetch;
mod headers;
mod partial;
mod place;
mod proxy;
mod read;
mod retry;
mod secret;
mod url;
mod watch;

pub use client::Client;
pub use error::{Cause, DownloadError};
pub use fetch::{Download, Fetched, Growing};
pub use place::copy_into_place;
pub use retry::Retries;
pub use secret::Secret;
pub use url::{encoded_segment, join_url, shown_url};
pub use watch::{Silent, Watch};
