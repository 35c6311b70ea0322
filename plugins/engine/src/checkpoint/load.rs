//! Fills a model's parameters from a checkpoint, or says everything that does not fit.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::names::canonical;
use super::source::{Checkpoint, Entry};
use crate::buffer::{Buffer, zeroed};
use crate::error::{EngineError, Result};
use crate::param::{Init, ParamStore, Parameter, Part};
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

/// Fills every parameter of `store`, whose trunk's names begin with `prefix`, from `checkpoint`.
///
/// # Errors
/// [`EngineError::Checkpoint`] naming every missing, unexpected and misshapen tensor at once, or
/// the tensor that holds NaN; [`EngineError::UntrainedHead`]; [`EngineError::OutOfMemory`].
pub fn load(
    store: &ParamStore,
    checkpoint: &Checkpoint,
    prefix: &str,
    new_head: NewHead,
) -> Result<()> {
    let mut found: BTreeMap<String, &Entry> = BTreeMap::new();
    for entry in checkpoint.entries() {
        if let Some(name) = canonical(&entry.name, prefix) {
            found.insert(name, entry);
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
    report(checkpoint, &found, parts, if only_head { &[] } else { &missing })?;

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
    Ok(())
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
fn report<'a, I: Iterator<Item = &'a Part>>(
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
