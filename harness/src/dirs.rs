//! Folders outside the project: the cache. Hugging Face's is in [`crate::hub`].

use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

fn env_path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// kobench's cache: `$XDG_CACHE_HOME/kobench`, else `~/.cache/kobench`.
pub fn cache() -> Option<PathBuf> {
    let base = env_path("XDG_CACHE_HOME").or_else(|| Some(env_path("HOME")?.join(".cache")))?;
    Some(base.join("kobench"))
}

/// Writes a file of the cache, whole or not at all.
///
/// # Errors
/// If the cache folder cannot be made or written to.
pub fn write_cache(file: &Path, content: &impl Serialize) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    std::fs::create_dir_all(folder)?;
    let temporary = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(io::BufWriter::new(&temporary), content)?;
    temporary.persist(file).map(drop).map_err(|e| e.error)
}
