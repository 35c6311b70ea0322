//! Losses over logits, each with its gradient: the engine's ops/loss.
//!
//! Every function takes logits `[rows, classes]`, writes the gradient of the mean loss times the step's loss scale to
//! `dlogits`, of the same size and type, and has the mean itself in [`StepMemory`], with which [`StepMemory::begin`] came
//! first. Rows without a target get zeros.

use super::gradient::{NONE, StepMemory};
use crate::device::Gpu;
use crate::error::Result;
use crate::launch::Launch;
use crate::module::Module;
use crate::slice::{DType, Ids, Slice, SliceMut};

/// Sizes of kernels/loss.cuh.
const COUNT_BLOCKS: usize = 128;
const THREADS: u32 = 256;
/// Threads of a sequence of [`span`].
const SPAN_THREADS: u32 = 128;
/// Most blocks; the sum of their losses depends on their number, and so that is the same on all devices.
const BLOCKS: usize = 1024;
/// With more rows they are counted by a launch of its own.
const COUNTED_BY_ALL: usize = 8192;

/// Class targets as kernels read them, padded to `rows` with what takes no part.
///
/// # Panics
/// When there are more than `rows`.
pub fn class_targets(classes: &[i64], rows: usize) -> Vec<u32> {
    assert!(classes.len() <= rows);
    let known = classes.iter().map(|&class| u32::try_from(class).unwrap_or(NONE));
    known.chain(std::iter::repeat(NONE)).take(rows).collect()
}

/// Real targets as kernels read them, padded to `rows` with what takes no part.
///
/// # Panics
/// When there are more than `rows`.
pub fn real_targets(reals: &[f32], rows: usize) -> Vec<f32> {
    assert!(reals.len() <= rows);
    let padding = std::iter::repeat(f32::from_bits(NONE));
    reals.iter().copied().chain(padding).take(rows).collect()
}

/// Cross-entropy with class weights and label smoothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct CrossEntropy<'a> {
    /// A factor for each class, f32; none: 1 for all.
    pub class_weights: Option<Slice<'a>>,
    /// The part of the target that is spread evenly over all classes.
    pub label_smoothing: f64,
}

impl CrossEntropy<'_> {
    /// See `CrossEntropy::mean` of the engine. `targets`: see [`class_targets`].
    ///
    /// # Errors
    /// Of the device.
    ///
    /// # Panics
    /// When the sizes or types contradict each other.
    pub fn mean(
        self,
        gpu: &Gpu,
        logits: Slice<'_>,
        targets: Ids<'_>,
        dlogits: SliceMut<'_>,
        memory: &StepMemory,
    ) -> Result<()> {
        let classes = columns(logits, targets.len(), &dlogits);
        if let Some(weights) = self.class_weights {
            assert!(weights.len() == classes && weights.dtype() == DType::F32);
        }
        let own = |launch: Launch<'_>, counts: u64, mut dlogits: SliceMut<'_>| {
            let launch = launch.slice(logits).ids(targets).optional(self.class_weights).ptr(counts);
            let launch = launch.slice_mut(&mut dlogits).u32(targets.len()).u32(classes);
            run(launch.f64(self.label_smoothing), gpu, memory)
        };
        let name = "kb_loss_cross_entropy";
        of_classes(gpu, name, targets, classes, self.class_weights, dlogits, own)
    }
}

/// What the probability of a class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FocalReading {
    /// Softmax over the classes; only the target's counts.
    Softmax,
    /// One against all: a sigmoid for each class.
    Sigmoid,
}

/// Focal loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Focal {
    /// The reading.
    pub reading: FocalReading,
    /// The exponent; 0: cross-entropy.
    pub gamma: f64,
    /// Softmax: a factor on all. Sigmoid: the factor of the target's class, 1 - alpha that of the others. None: 1.
    pub alpha: Option<f64>,
    /// Whether the mean is over the rows' elements, else over the rows.
    pub by_element: bool,
}

impl Focal {
    /// See `Focal::mean` of the engine. `targets`: see [`class_targets`].
    ///
    /// # Errors
    /// Of the device.
    ///
    /// # Panics
    /// When the sizes or types contradict each other.
    pub fn mean(
        self,
        gpu: &Gpu,
        logits: Slice<'_>,
        targets: Ids<'_>,
        dlogits: SliceMut<'_>,
        memory: &StepMemory,
    ) -> Result<()> {
        let classes = columns(logits, targets.len(), &dlogits);
        let (own, others) = self.alpha.map_or((1.0, 1.0), |alpha| (alpha, 1.0 - alpha));
        let sigmoid = usize::from(self.reading == FocalReading::Sigmoid);
        let body = |launch: Launch<'_>, counts: u64, mut dlogits: SliceMut<'_>| {
            let launch = launch.slice(logits).ids(targets).ptr(counts).slice_mut(&mut dlogits);
            let launch =
                launch.u32(targets.len()).u32(classes).f64(self.gamma).f64(own).f64(others);
            run(launch.u32(sigmoid).u32(usize::from(self.by_element)), gpu, memory)
        };
        of_classes(gpu, "kb_loss_focal", targets, classes, None, dlogits, body)
    }
}

/// See `mse` of the engine. `targets`, f32: see [`real_targets`].
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When the sizes or types contradict each other.
pub fn mse(
    gpu: &Gpu,
    logits: Slice<'_>,
    targets: Slice<'_>,
    mut dlogits: SliceMut<'_>,
    memory: &StepMemory,
) -> Result<()> {
    let rows = targets.len();
    assert!(columns(logits, rows, &dlogits) == 1 && targets.dtype() == DType::F32 || rows == 0);
    let launch = gpu.kernel(Module::Loss, "kb_loss_mse", Some(logits.dtype()))?;
    let launch = launch.grid(rows.div_ceil(THREADS as usize).min(BLOCKS), 1, 1).block(THREADS);
    let launch = launch.slice(logits).slice(targets).slice_mut(&mut dlogits).u32(rows);
    run(launch, gpu, memory)
}

/// See `span` of the engine. `cu_seqlens` is `[B + 1]`; sequences whose start is [`NONE`] and rows behind the last
/// sequence take no part.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When the sizes or types contradict each other.
pub fn span(
    gpu: &Gpu,
    logits: Slice<'_>,
    cu_seqlens: Ids<'_>,
    (starts, ends): (Ids<'_>, Ids<'_>),
    mut dlogits: SliceMut<'_>,
    memory: &StepMemory,
) -> Result<()> {
    let (rows, sequences) = (logits.len() / 2, starts.len());
    assert!(columns(logits, rows, &dlogits) == 2 || rows == 0);
    assert!(ends.len() == sequences && cu_seqlens.len() == sequences + 1);
    let launch = gpu.kernel(Module::Loss, "kb_loss_span", Some(logits.dtype()))?;
    let launch = launch.grid(sequences + 1, 1, 1).block(SPAN_THREADS);
    let launch = launch.slice(logits).ids(cu_seqlens).ids(starts).ids(ends);
    let launch = launch.slice_mut(&mut dlogits).u32(rows).u32(sequences).step();
    let parts = gpu.workspace((sequences + 1) * size_of::<f64>())?;
    launched(launch.ptr(parts).ptr(memory.result()))
}

/// Number of classes of `logits` for so many targets.
fn columns(logits: Slice<'_>, rows: usize, dlogits: &SliceMut<'_>) -> usize {
    assert!(logits.len() == dlogits.len() && logits.dtype() == dlogits.dtype());
    let columns = logits.len() / rows.max(1);
    assert_eq!(logits.len(), columns * rows);
    columns
}

/// Begins a loss over classes: counts the rows where that is worth a launch, and chooses the grid. `body` is given the
/// launch and where the counts are, or 0.
fn of_classes(
    gpu: &Gpu,
    name: &'static str,
    targets: Ids<'_>,
    classes: usize,
    weights: Option<Slice<'_>>,
    dlogits: SliceMut<'_>,
    body: impl FnOnce(Launch<'_>, u64, SliceMut<'_>) -> Result<()>,
) -> Result<()> {
    let rows = targets.len();
    let mut counts = 0;
    if rows > COUNTED_BY_ALL {
        counts = workspace(gpu)?;
        let launch = gpu.kernel(Module::Loss, "kb_loss_count", None)?;
        let launch = launch.grid(COUNT_BLOCKS, 1, 1).block(THREADS).ids(targets).optional(weights);
        launched(launch.u32(rows).u32(classes).ptr(counts))?;
    }
    let launch = gpu.kernel(Module::Loss, name, Some(dlogits.dtype()))?;
    let launch = launch.grid(class_blocks(rows, classes), 1, 1).block(THREADS);
    body(launch, counts, dlogits)
}

/// Blocks for so many rows: a row has as many lanes as classes, rounded up to a power of two, but no more than a warp.
fn class_blocks(rows: usize, classes: usize) -> usize {
    let lanes = classes.next_power_of_two().min(32);
    rows.div_ceil(THREADS as usize / lanes).min(BLOCKS)
}

/// Scratch memory: counts, then the blocks' losses.
fn workspace(gpu: &Gpu) -> Result<u64> {
    gpu.workspace((2 * COUNT_BLOCKS + BLOCKS) * size_of::<f64>())
}

/// Adds the arguments that losses end with.
fn run(launch: Launch<'_>, gpu: &Gpu, memory: &StepMemory) -> Result<()> {
    let parts = workspace(gpu)? + (2 * COUNT_BLOCKS * size_of::<f64>()) as u64;
    launched(launch.step().ptr(parts).ptr(memory.result()))
}

#[expect(unsafe_code, reason = "launches a kernel")]
fn launched(launch: Launch<'_>) -> Result<()> {
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe { launch.run() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_that_are_no_class_become_none() {
        assert_eq!(class_targets(&[0, -100, 7], 5), [0, NONE, 7, NONE, NONE]);
        let reals = real_targets(&[0.5], 2);
        assert_eq!((reals[0], reals[1].to_bits()), (0.5, NONE));
    }

    #[test]
    fn blocks_have_a_group_of_lanes_for_each_row() {
        assert_eq!(class_blocks(1, 2), 1);
        assert_eq!(class_blocks(129, 2), 2);
        assert_eq!(class_blocks(9, 188), 2);
        assert_eq!(class_blocks(1 << 20, 9), BLOCKS);
    }
}
