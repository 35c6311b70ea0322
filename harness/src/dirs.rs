//! Folders outside the project: the cache, and Hugging Face's.

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

/// Hugging Face's hub cache, by its own rules: `HF_HUB_CACHE`, `$HF_HOME/hub`, else
/// `~/.cache/huggingface/hub`.
pub fn hugging_face_hub() -> Option<PathBuf> {
    env_path("HF_HUB_CACHE").or_else(|| Some(env_path("HF_HOME")?.join("hub"))).or_else(|| {
        let base = env_path("XDG_CACHE_HOME").or_else(|| Some(env_path("HOME")?.join(".cache")))?;
        Some(base.join("huggingface/hub"))
    })
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
