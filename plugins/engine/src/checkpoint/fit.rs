//! Which tensor of a checkpoint each parameter is, before any of them is read.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::fmt::Write as _;

use super::names::canonical;
use super::report::{LoadReport, WeightsFile, join, plural};
use super::source::{Checkpoint, Entry};
use crate::error::{EngineError, Result};
use crate::param::{ParamStore, Part};

/// What happens when a checkpoint holds a trunk but no classification head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewHead {
    /// It is an error.
    Refuse,
    /// The head is initialised from this seed, to be trained.
    Initialise {
        /// Seed of the generator.
        seed: u64,
    },
}

/// The tensors of a checkpoint under today's names.
pub(super) struct Fit<'a> {
    found: BTreeMap<String, &'a Entry>,
    pub(super) report: LoadReport,
}

impl<'a> Fit<'a> {
    /// The tensor that is `part`; `None` when it is to be initialised.
    pub(super) fn entry(&self, part: &Part) -> Option<&'a Entry> {
        self.found.get(&part.name).copied()
    }
}

/// Finds the tensor of each parameter of `store`, whose trunk's names begin with `prefix`.
///
/// # Errors
/// [`EngineError::Checkpoint`] naming every tensor that is missing, unexpected, misshapen, of a
/// dtype that holds no weights, or there twice; [`EngineError::UntrainedHead`].
pub(super) fn fit<'a>(
    store: &ParamStore,
    checkpoint: &'a Checkpoint,
    prefix: &str,
    new_head: NewHead,
) -> Result<Fit<'a>> {
    let mut found: BTreeMap<String, &Entry> = BTreeMap::new();
    let (mut ignored, mut twice) = (Vec::new(), Vec::new());
    for entry in checkpoint.entries() {
        match canonical(&entry.name, prefix).map(|name| found.entry(name)) {
            None => ignored.push(entry.name.clone()),
            Some(Vacant(place)) => _ = place.insert(entry),
            Some(Occupied(first)) => twice.push(format!(
                "{} ({} in {} and {} in {})",
                first.key(),
                first.get().name,
                checkpoint.file_of(first.get()),
                entry.name,
                checkpoint.file_of(entry)
            )),
        }
    }
    let parts = || store.iter().flat_map(|p| p.parts());
    let missing: Vec<&Part> = parts().filter(|p| !found.contains_key(&p.name)).collect();
    // The pooler belongs to the trunk of most pre-trained checkpoints, but may be new as well.
    let of_head = |name: &str| {
        !name.starts_with(prefix)
            || name.strip_prefix(prefix).is_some_and(|n| n.starts_with(".pooler."))
    };
    let only_head = !missing.is_empty() && missing.iter().all(|p| of_head(&p.name));
    if only_head && new_head == NewHead::Refuse {
        return Err(EngineError::UntrainedHead {
            origin: checkpoint.origin().to_owned(),
            tensors: join(missing.iter().map(|p| p.name.clone())),
        });
    }
    refuse(checkpoint, &found, parts, if only_head { &[] } else { &missing }, twice)?;

    let mut dtypes = BTreeMap::new();
    for entry in found.values() {
        *dtypes.entry(entry.dtype.clone()).or_insert(0) += 1;
    }
    let files = checkpoint.files();
    let file =
        |(path, bytes): (&str, usize)| WeightsFile { path: path.to_owned(), bytes: bytes as u64 };
    let report = LoadReport {
        files: files.map(file).collect(),
        format: checkpoint.format(),
        tensors: found.len(),
        dtypes,
        ignored,
        initialised: missing.iter().map(|p| p.name.clone()).collect(),
    };
    Ok(Fit { found, report })
}

/// One error that names all that is wrong, or nothing.
fn refuse<'a, I: Iterator<Item = &'a Part>>(
    checkpoint: &Checkpoint,
    found: &BTreeMap<String, &Entry>,
    parts: impl Fn() -> I,
    missing: &[&Part],
    twice: Vec<String>,
) -> Result<()> {
    let expected: BTreeMap<&str, &Part> = parts().map(|p| (p.name.as_str(), p)).collect();
    let misshapen: Vec<String> = expected
        .values()
        .filter_map(|part| {
            let entry = found.get(&part.name).filter(|e| e.view.shape() != part.shape)?;
            Some(format!(
                "{} is {:?}, but config.json says {:?}",
                entry.name,
                entry.view.shape(),
                part.shape
            ))
        })
        .collect();
    let unexpected: Vec<String> = found
        .iter()
        .filter(|(name, _)| !expected.contains_key(name.as_str()))
        .map(|(_, entry)| format!("{} {:?}", entry.name, entry.view.shape()))
        .collect();
    let mut message = String::new();
    for (what, names) in [
        ("missing", missing.iter().map(|p| format!("{} {:?}", p.name, p.shape)).collect()),
        ("of the wrong shape", misshapen),
        ("unexpected", unexpected),
        ("there twice", twice),
    ] {
        if !names.is_empty() {
            let _ = write!(message, "{} {what}: {}. ", plural(names.len(), "tensor"), join(names));
        }
    }
    if !message.is_empty() {
        message.push_str(
            "The weights and config.json do not describe the same model: use the config.json that \
             came with these weights (its sizes, num_hidden_layers and number of labels), or \
             download both again",
        );
        return Err(EngineError::checkpoint(checkpoint.origin(), message));
    }
    let odd: Vec<String> = found
        .values()
        .filter(|entry| entry.width().is_none())
        .map(|entry| format!("{} has dtype {}", entry.name, entry.dtype))
        .collect();
    if odd.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{}; weights may be F32, F16, BF16 or F64: convert the checkpoint to one of them",
        join(odd)
    );
    Err(EngineError::checkpoint(checkpoint.origin(), message))
}
