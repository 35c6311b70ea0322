//! Which tensor of a checkpoint each parameter is, before any of them is read.

use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::names::canonical;
use super::report::{LoadReport, WeightsFile, join, plural};
use super::source::{Checkpoint, Entry};
use crate::config::Architecture;
use crate::error::{EngineError, Result};
use crate::param::{ParamId, ParamStore, Part};

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

/// Which parameters are what, and what a checkpoint calls them.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The architecture.
    pub architecture: Architecture,
    /// Parameters from here on belong to the head.
    pub first_of_head: ParamId,
    /// Whether the checkpoint's head is of another kind, so that a new one takes nothing from it, even
    /// where names and shapes agree (transformers would load such tensors).
    pub other_head: bool,
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

/// Finds the tensor of each parameter of `store`.
///
/// With a new head, tensors outside the trunk that do not belong to it (another head's) are
/// ignored; without one they are an error.
///
/// # Errors
/// [`EngineError::Checkpoint`] naming every tensor that is missing, unexpected, misshapen, of a
/// dtype that holds no weights, or there twice; [`EngineError::UntrainedHead`].
pub(super) fn fit<'a>(
    store: &ParamStore,
    checkpoint: &'a Checkpoint,
    place: Place,
    new_head: NewHead,
) -> Result<Fit<'a>> {
    let mut found: BTreeMap<String, &Entry> = BTreeMap::new();
    let (mut ignored, mut twice, mut dtypes) = (Vec::new(), Vec::new(), BTreeMap::new());
    for entry in checkpoint.entries() {
        *dtypes.entry(entry.dtype.clone()).or_insert(0) += 1;
        match canonical(&entry.name, place.architecture).map(|name| found.entry(name)) {
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
    let head_parts = || store.iter().filter(|p| p.id() >= place.first_of_head);
    let of_head: BTreeSet<&str> =
        head_parts().flat_map(|p| p.parts()).map(|p| p.name.as_str()).collect();
    let parts = || store.iter().flat_map(|p| p.parts());
    found.retain(|name, entry| {
        let foreign = is_foreign(name, place.architecture, new_head) && !of_head.contains(&**name)
            || is_spare(name, place.architecture) && !parts().any(|part| part.name == *name)
            || place.other_head && new_head != NewHead::Refuse && of_head.contains(&**name);
        if foreign {
            ignored.push(entry.name.clone());
        }
        !foreign
    });
    let missing: Vec<&Part> = parts().filter(|p| !found.contains_key(&p.name)).collect();
    let only_head = !missing.is_empty() && missing.iter().all(|p| of_head.contains(&*p.name));
    if only_head && new_head == NewHead::Refuse {
        return Err(EngineError::UntrainedHead {
            origin: checkpoint.origin().to_owned(),
            tensors: join(missing.iter().map(|p| p.name.clone())),
        });
    }
    refuse(checkpoint, &found, parts, if only_head { &[] } else { &missing }, twice)?;

    let files = checkpoint.files();
    let file =
        |(path, bytes): (&str, usize)| WeightsFile { path: path.to_owned(), bytes: bytes as u64 };
    let report = LoadReport {
        files: files.map(file).collect(),
        format: checkpoint.format(),
        tensors: checkpoint.entries().len(),
        dtypes,
        ignored,
        initialised: missing.iter().map(|p| p.name.clone()).collect(),
    };
    Ok(Fit { found, report })
}

/// Whether a tensor that the head does not use belongs to a head that may be left out: BERT's
/// pooler, which only sequence classification has, and, under a new head, any other head.
fn is_foreign(name: &str, architecture: Architecture, new_head: NewHead) -> bool {
    let within = name.strip_prefix(architecture.prefix()).and_then(|n| n.strip_prefix('.'));
    match within {
        Some(name) => name.starts_with("pooler."),
        None => name.starts_with("pooler.") || new_head != NewHead::Refuse,
    }
}

/// Whether a tensor of the trunk may be there without config.json having a use for it.
fn is_spare(name: &str, architecture: Architecture) -> bool {
    architecture.spare_prefixes().iter().any(|prefix| name.starts_with(prefix))
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
