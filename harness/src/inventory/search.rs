//! Which of some files are the data of which splits: by SHA-256 where the task names one, else by name.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::{FoundFile, Item, MAX_BYTES};
use crate::digest::sha256_file;

/// What a search found.
#[derive(Debug, Default)]
pub struct Search<'a> {
    /// For each split in the order asked for.
    pub splits: Vec<(Item<'a>, Searched)>,
    /// Files that are no split's. Where everything was found early, not all files were looked at.
    pub unknown: Vec<PathBuf>,
    /// Files that could not be read, each with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// What a search found for one split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Searched {
    /// This file, with its SHA-256.
    Found {
        /// The file.
        path: PathBuf,
        /// Its SHA-256.
        sha256: String,
    },
    /// The task names no SHA-256, and files that differ have the name.
    Ambiguous(Vec<PathBuf>),
    /// No file.
    Missing {
        /// A file that has the name but another SHA-256.
        namesake: Option<(PathBuf, String)>,
    },
}

/// How well a file's path fits a split without a SHA-256; the greater, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// `test.tsv` in a folder of the task's name.
    TaskFolder,
    /// `naver-ner/test.tsv`.
    Path,
}

/// Searches `files` for the splits in `items`. `watch` is told how many files, and bytes, were read so far.
///
/// Files are read in the order of their promise: those with a split's file name first. Reading ends once
/// every split with a SHA-256 is found.
pub fn search<'a>(
    items: &[Item<'a>],
    files: &[FoundFile],
    mut watch: impl FnMut(usize, u64),
) -> Search<'a> {
    let mut open: HashMap<&str, Option<PathBuf>> =
        items.iter().filter_map(|item| Some((item.split.sha256.as_deref()?, None))).collect();
    let (mut hashes, mut unreadable) = (HashMap::new(), Vec::new());
    let mut order: Vec<&FoundFile> =
        files.iter().filter(|file| file.bytes > 0 && file.bytes < MAX_BYTES).collect();
    order.sort_by_key(|file| (!has_some_name(file, items), file.bytes));
    let (mut read, mut bytes) = (0, 0);
    for file in order {
        if !has_some_name(file, items) && open.values().all(Option::is_some) {
            break;
        }
        match sha256_file(&file.path) {
            Ok(sha256) => {
                if let Some(found @ None) = open.get_mut(sha256.as_str()) {
                    *found = Some(file.path.clone());
                }
                hashes.insert(file.path.as_path(), sha256);
            }
            Err(error) => unreadable.push((file.path.clone(), reason(&error))),
        }
        (read, bytes) = (read + 1, bytes + file.bytes);
        watch(read, bytes);
    }
    let splits: Vec<(Item<'a>, Searched)> = items
        .iter()
        .map(|item| {
            let searched = match &item.split.sha256 {
                Some(sha256) => match &open[sha256.as_str()] {
                    Some(path) => Searched::Found { path: path.clone(), sha256: sha256.clone() },
                    None => Searched::Missing { namesake: namesake(item, files, &hashes) },
                },
                None => by_name(item, files, &hashes),
            };
            (*item, searched)
        })
        .collect();
    // A file counts as known by its content: a second copy of a split is not unknown.
    let known: Vec<&String> = splits
        .iter()
        .filter_map(|(_, searched)| match searched {
            Searched::Found { sha256, .. } => Some(sha256),
            _ => None,
        })
        .collect();
    let unknown = files
        .iter()
        .filter(|file| hashes.get(file.path.as_path()).is_some_and(|hash| !known.contains(&hash)))
        .map(|file| file.path.clone())
        .collect();
    Search { splits, unknown, unreadable }
}

fn reason(error: &io::Error) -> String {
    error.to_string()
}

/// The file for a split without a SHA-256.
fn by_name(item: &Item<'_>, files: &[FoundFile], hashes: &HashMap<&Path, String>) -> Searched {
    let fitting: Vec<(Fit, &Path, &String)> = files
        .iter()
        .filter_map(|file| {
            Some((fit(&file.path, item)?, file.path.as_path(), hashes.get(file.path.as_path())?))
        })
        .collect();
    let Some(best) = fitting.iter().map(|(fit, ..)| *fit).max() else {
        return Searched::Missing { namesake: None };
    };
    let best: Vec<_> = fitting.into_iter().filter(|(fit, ..)| *fit == best).collect();
    let (_, path, sha256) = best[0];
    if best.iter().all(|(_, _, other)| *other == sha256) {
        return Searched::Found { path: path.to_owned(), sha256: sha256.clone() };
    }
    Searched::Ambiguous(best.into_iter().map(|(_, path, _)| path.to_owned()).collect())
}

/// A file that has the path of a split, or its name in a folder of the task's name, but another hash.
fn namesake(
    item: &Item<'_>,
    files: &[FoundFile],
    hashes: &HashMap<&Path, String>,
) -> Option<(PathBuf, String)> {
    let fitting = files.iter().filter_map(|file| Some((fit(&file.path, item)?, &file.path)));
    let (_, path) = fitting.max_by_key(|(fit, _)| *fit)?;
    Some((path.clone(), hashes.get(path.as_path())?.clone()))
}

fn fit(path: &Path, item: &Item<'_>) -> Option<Fit> {
    let file = Path::new(item.file()?);
    if path.ends_with(file) {
        return Some(Fit::Path);
    }
    if path.file_name() != file.file_name() {
        return None;
    }
    // `naver_ner`, `naver-ner` and `Naver NER` are one name.
    let plain = |name: &str| name.to_lowercase().replace([' ', '-'], "_");
    let folder = plain(path.parent()?.file_name()?.to_str()?);
    let own = file.parent().and_then(Path::file_name).and_then(|name| name.to_str()).map(plain);
    (folder == plain(&item.task.name) || Some(folder) == own).then_some(Fit::TaskFolder)
}

fn has_some_name(file: &FoundFile, items: &[Item<'_>]) -> bool {
    items.iter().any(|item| {
        item.file().is_some_and(|name| Path::new(name).file_name() == file.path.file_name())
    })
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
