//! Fills a model's parameters from a checkpoint, or says everything that does not fit.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::fit::{NewHead, Place, fit};
use super::report::{LoadReport, join, plural};
use super::source::{Checkpoint, Entry, Format};
use crate::buffer::Buffer;
use crate::error::{EngineError, Result};
use crate::kernels::gemm::Unit;
use crate::memory;
use crate::param::{Init, ParamStore, Parameter, Part};
use crate::rng::Stream;

/// Random stream of initial weights, apart from those of dropout (which count steps).
const INIT_STREAM: u32 = 0xFFFF_FFFF;

/// Elements that are read at a time: what is mapped of a file, and what a check holds.
const PIECE: usize = 1 << 22;

/// Where weights stay.
#[derive(Debug)]
pub(crate) enum Landing {
    /// In the host's memory, as they are.
    Host,
    /// In the host's memory, in the order in which products on this unit read them.
    Packed(Unit),
    /// In a device's memory; `trains`: in f32 too where products read bf16.
    #[cfg(feature = "cuda")]
    Device { gpu: Arc<kobench_cuda::Gpu>, precision: crate::context::Precision, trains: bool },
}

impl Landing {
    /// Refuses weights that are larger than the memory that they are to stay in.
    fn fits(&self, store: &ParamStore) -> Result<()> {
        match self {
            Self::Host | Self::Packed(_) => {
                memory::fits(store.elements().saturating_mul(size_of::<f32>()))
            }
            // What does not fit there is said with its sizes when it is reached.
            #[cfg(feature = "cuda")]
            Self::Device { .. } => Ok(()),
        }
    }

    fn settle(&self, param: &Parameter) -> Result<()> {
        match self {
            Self::Host => Ok(()),
            Self::Packed(unit) => param.pack(*unit),
            #[cfg(feature = "cuda")]
            Self::Device { gpu, precision, trains } => param.to_device(gpu, *precision, *trains),
        }
    }
}

/// Fills every parameter of `store` from `checkpoint`.
///
/// With a new head, tensors outside the trunk that do not belong to it (another head's) are
/// ignored; without one they are an error.
///
/// Tensors are read piece by piece, and what was read of a file is given back to the system, so
/// that the process never holds much more than the weights themselves. Each is brought to where it stays before the next
/// one is read.
///
/// # Errors
/// [`EngineError::Checkpoint`] naming every missing, unexpected and misshapen tensor at once, or
/// the tensor that holds NaN; [`EngineError::UntrainedHead`]; [`EngineError::ModelTooLarge`] when
/// the weights exceed this machine's memory; [`EngineError::OutOfMemory`].
pub(crate) fn load(
    store: &ParamStore,
    checkpoint: &Checkpoint,
    place: Place,
    new_head: NewHead,
    landing: &Landing,
) -> Result<LoadReport> {
    let fit = fit(store, checkpoint, place, new_head)?;
    landing.fits(store)?;
    for param in store.iter() {
        let mut values = allocate(param)?;
        let mut rest = values.as_mut_slice();
        for part in param.parts() {
            let (values, tail) = rest.split_at_mut(part.elements());
            rest = tail;
            match (fit.entry(part), new_head) {
                (Some(entry), _) => read(checkpoint, entry, values)?,
                (None, NewHead::Initialise { seed }) => initialise(param, values, seed),
                (None, NewHead::Refuse) => return Err(went_missing(part)),
            }
        }
        *param.write() = Buffer::from_vec(values).into();
        landing.settle(param)?;
    }
    Ok(fit.report)
}

/// Fills every parameter of `store` with new values that follow from `seed`.
///
/// # Errors
/// [`EngineError::ModelTooLarge`] and [`EngineError::OutOfMemory`].
pub(crate) fn from_scratch(store: &ParamStore, seed: u64, landing: &Landing) -> Result<LoadReport> {
    landing.fits(store)?;
    for param in store.iter() {
        let mut values = allocate(param)?;
        // All parts in one go: stacked parts are different numbers of one stream.
        initialise(param, &mut values, seed);
        *param.write() = Buffer::from_vec(values).into();
        landing.settle(param)?;
    }
    let names = store.iter().flat_map(|param| param.parts()).map(|part| part.name.clone());
    Ok(LoadReport {
        files: Vec::new(),
        format: Format::New,
        tensors: 0,
        dtypes: BTreeMap::new(),
        ignored: Vec::new(),
        initialised: names.collect(),
    })
}

/// Reads every tensor that `load` would read, with the same errors, and keeps none: a model that
/// does not fit into this machine's memory can be checked all the same.
///
/// # Errors
/// As `load`, but for memory; all tensors with NaN or infinity are named.
pub fn check(
    store: &ParamStore,
    checkpoint: &Checkpoint,
    place: Place,
    new_head: NewHead,
) -> Result<LoadReport> {
    let fit = fit(store, checkpoint, place, new_head)?;
    let mut scratch = vec![0.0; PIECE];
    let mut bad = Vec::new();
    for part in store.iter().flat_map(|param| param.parts()) {
        let Some(entry) = fit.entry(part) else { continue };
        for from in (0..part.elements()).step_by(PIECE) {
            let piece = &mut scratch[..PIECE.min(part.elements() - from)];
            checkpoint.read(entry, from, piece)?;
            if let Some(at) = first_not_finite(piece) {
                bad.push(not_finite(entry, from + at, piece[at]));
                break;
            }
        }
    }
    if bad.is_empty() {
        return Ok(fit.report);
    }
    Err(EngineError::checkpoint(
        checkpoint.origin(),
        format!("{} damaged: {}{DIVERGED}", plural(bad.len(), "tensor"), join(bad)),
    ))
}

/// The end of an error about values that are not finite.
const DIVERGED: &str = ": the weights are damaged, or their training diverged; use another \
                        checkpoint";

fn not_finite(entry: &Entry, at: usize, value: f32) -> String {
    format!("{} has the value {value} at element {at}", entry.name)
}

fn first_not_finite(values: &[f32]) -> Option<usize> {
    const CHUNK: usize = 1 << 14;
    // Without an early end inside a chunk, so that the compiler vectorises it.
    let finite = |chunk: &[f32]| chunk.iter().fold(true, |all, v| all & v.is_finite());
    let start = CHUNK * values.par_chunks(CHUNK).position_first(|chunk| !finite(chunk))?;
    values[start..].iter().position(|v| !v.is_finite()).map(|at| start + at)
}

/// Memory for a parameter, zeroed by all threads: the first touch of a page is what costs time.
fn allocate(param: &Arc<Parameter>) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    let elements = param.elements();
    values.try_reserve_exact(elements).map_err(|_| EngineError::OutOfMemory {
        what: format!("the weights {}", param.parts()[0].name),
        bytes: elements.saturating_mul(size_of::<f32>()),
    })?;
    values.par_extend(rayon::iter::repeat_n(0.0_f32, elements).with_min_len(1 << 16));
    Ok(values)
}

/// Reads a whole tensor.
fn read(checkpoint: &Checkpoint, entry: &Entry, values: &mut [f32]) -> Result<()> {
    for (piece, values) in values.chunks_mut(PIECE).enumerate() {
        checkpoint.read(entry, piece * PIECE, values)?;
        if let Some(at) = first_not_finite(values) {
            let what = not_finite(entry, piece * PIECE + at, values[at]);
            return Err(EngineError::checkpoint(
                checkpoint.file_of(entry),
                format!("tensor {what}{DIVERGED}"),
            ));
        }
    }
    Ok(())
}

fn went_missing(part: &Part) -> EngineError {
    EngineError::Internal(format!("{} went missing", part.name))
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
