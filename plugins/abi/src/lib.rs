//! Rust mirror of `include/kobench_plugin.h`, the C interface between kobench and a model plugin.
//!
//! The header is the contract and holds its rules (versions, growth of structs, memory, threads,
//! errors); this crate only restates its types. A test compiles a table of `sizeof` and `offsetof`
//! with the system's C compiler and compares it, field by field and constant by constant, with
//! [`LAYOUTS`] and [`CONSTANTS`].
//!
//! Plugin authors want `kobench-plugin-sdk` instead.

mod constants;
mod growth;
mod layout;
mod structs;

pub use constants::*;
pub use growth::{AbiStruct, read_prefix};
pub use layout::{FieldLayout, StructLayout};
pub use structs::*;

/// The text of the header, for tools that write it out for C authors.
pub const HEADER: &str = include_str!("../include/kobench_plugin.h");

/// The symbol that a plugin exports, NUL included.
pub const ENTRY_SYMBOL: &[u8] = b"kobench_plugin_entry_v1\0";

/// The type of the entry point.
pub type EntryFn = unsafe extern "C" fn(host: *const Host, out: *mut PluginVtable) -> i32;

/// Whether two sides with these `(minor, oldest minor of the other side)` fit together.
///
/// ```
/// use kobench_plugin_abi::ranges_meet;
/// assert!(ranges_meet((0, 0), (3, 0)), "a newer plugin that still accepts an old host");
/// assert!(!ranges_meet((0, 0), (3, 2)), "a newer plugin that needs what the host lacks");
/// ```
pub const fn ranges_meet(host: (u32, u32), plugin: (u32, u32)) -> bool {
    host.0 >= plugin.1 && plugin.0 >= host.1
}
