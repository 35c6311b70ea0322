//! Fills a model's parameters from a checkpoint, or says everything that does not fit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::names::canonical;
use super::source::{Checkpoint, Entry};
use crate::buffer::{Buffer, zeroed};
use crate::config::Architecture;
use crate::error::{EngineError, Result};
use crate::param::{Init, ParamId, ParamStore, Parameter, Part};
use crate::rng::Stream;

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

/// Random stream of initial weights, apart from those of dropout (which count steps).
const INIT_STREAM: u32 = 0xFFFF_FFFF;

/// Most tensors that an error names in one list.
const NAMED: usize = 8;

/// Which parameters are what, and what a checkpoint calls them.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The architecture.
    pub architecture: Architecture,
    /// Parameters from here on belong to the head.
    pub first_of_head: ParamId,
}

/// What a checkpoint held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LoadReport {
    /// Number of tensors.
    pub tensors: usize,
    /// How many tensors there are of each dtype.
    pub dtypes: BTreeMap<String, usize>,
    /// Tensors that the model has no use for.
    pub ignored: Vec<String>,
    /// Tensors that were missing and have been initialised.
    pub initialised: Vec<String>,
}

/// Fills every parameter of `store` from `checkpoint`.
///
/// With a new head, tensors outside the trunk that do not belong to it (another head's) are
/// ignored; without one they are an error.
///
/// # Errors
/// [`EngineError::Checkpoint`] naming every missing, unexpected and misshapen tensor at once, or
/// the tensor that holds NaN; [`EngineError::UntrainedHead`]; [`EngineError::OutOfMemory`].
pub fn load(
    store: &ParamStore,
    checkpoint: &Checkpoint,
    place: Place,
    new_head: NewHead,
) -> Result<LoadReport> {
    let mut report = LoadReport { tensors: checkpoint.entries().len(), ..LoadReport::default() };
    let mut found: BTreeMap<String, &Entry> = BTreeMap::new();
    for entry in checkpoint.entries() {
        *report.dtypes.entry(entry.dtype.clone()).or_default() += 1;
        match canonical(&entry.name, place.architecture) {
            Some(name) => {
                found.insert(name, entry);
            }
            None => report.ignored.push(entry.name.clone()),
        }
    }
    let head_parts = || store.iter().filter(|p| p.id() >= place.first_of_head);
    let of_head: BTreeSet<&str> =
        head_parts().flat_map(|p| p.parts()).map(|p| p.name.as_str()).collect();
    let parts = || store.iter().flat_map(|p| p.parts());
    found.retain(|name, entry| {
        let foreign = is_foreign(name, place.architecture, new_head) && !of_head.contains(&**name);
        if foreign {
            report.ignored.push(entry.name.clone());
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
    check(checkpoint, &found, parts, if only_head { &[] } else { &missing })?;
    report.initialised = missing.iter().map(|p| p.name.clone()).collect();

    for param in store.iter() {
        let mut values =
            zeroed(param.elements(), &format!("the weights {}", param.parts()[0].name))?;
        let mut rest = values.as_mut_slice();
        for part in param.parts() {
            let (values, tail) = rest.split_at_mut(part.elements());
            rest = tail;
            match (found.get(&part.name), new_head) {
                (Some(entry), _) => checkpoint.read(entry, values)?,
                (None, NewHead::Initialise { seed }) => initialise(param, values, seed),
                (None, NewHead::Refuse) => {
                    return Err(EngineError::Internal(format!("{} went missing", part.name)));
                }
            }
        }
        *param.write() = Buffer::from_vec(values);
    }
    Ok(report)
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

fn initialise(param: &Parameter, values: &mut [f32], seed: u64) {
    match param.init() {
        Init::Zeros => values.fill(0.0),
        Init::Ones => values.fill(1.0),
        Init::Normal(std) => {
            let id = u32::try_from(param.id().index()).unwrap_or(u32::MAX);
            Stream::new(seed, [INIT_STREAM, id]).fill_normal(values, std);
        }
    }
}

/// One error that names all that is wrong, or nothing.
fn check<'a, I: Iterator<Item = &'a Part>>(
    checkpoint: &Checkpoint,
    found: &BTreeMap<String, &Entry>,
    parts: impl Fn() -> I,
    missing: &[&Part],
) -> Result<()> {
    let expected: BTreeMap<&str, &Part> = parts().map(|p| (p.name.as_str(), p)).collect();
    let misshapen: Vec<String> = expected
        .values()
        .filter_map(|part| {
            let entry = found.get(&part.name).filter(|e| e.shape != part.shape)?;
            Some(format!(
                "{} is {:?}, but config.json says {:?}",
                entry.name, entry.shape, part.shape
            ))
        })
        .collect();
    let unexpected: Vec<String> = found
        .iter()
        .filter(|(name, _)| !expected.contains_key(name.as_str()))
        .map(|(_, entry)| format!("{} {:?}", entry.name, entry.shape))
        .collect();
    let mut message = String::new();
    for (what, names) in [
        ("missing", missing.iter().map(|p| format!("{} {:?}", p.name, p.shape)).collect()),
        ("of the wrong shape", misshapen),
        ("unexpected", unexpected),
    ] {
        if !names.is_empty() {
            let plural = if names.len() == 1 { "tensor is" } else { "tensors are" };
            let _ = write!(message, "{} {plural} {what}: {}. ", names.len(), join(names));
        }
    }
    if message.is_empty() {
        return Ok(());
    }
    message.push_str(
        "The weights and config.json do not describe the same model: use the config.json that \
         came with these weights (its sizes, num_hidden_layers and number of labels), or download \
         both again",
    );
    Err(EngineError::checkpoint(checkpoint.origin(), message))
}

/// Names with commas, the first few of them when there are many.
fn join(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect();
    let mut text = names[..names.len().min(NAMED)].join(", ");
    if names.len() > NAMED {
        let _ = write!(text, " and {} more", names.len() - NAMED);
    }
    text
}
