//! What of the tasks' data is here, what is missing, and how it is got.

mod item;
mod search;
mod state;
mod walk;

pub use item::{Item, Obtain};
pub use search::{Search, Searched, search};
pub use state::{Looked, State, look};
pub use walk::{FoundFile, Walked, walk};

/// Files of this size and larger are no data: kobench's readers count bytes with 32 bits.
pub const MAX_BYTES: u64 = u32::MAX as u64;
