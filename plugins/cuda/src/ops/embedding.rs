//! Sum of table rows followed by layer norm and dropout, the input of an encoder, and gradients of tables.

use super::norm::{Kept, LayerNorm};
use super::teams::{Teams, pack};
use crate::device::Gpu;
use crate::error::Result;
use crate::module::Module;
use crate::slice::{DType, Ids, Slice, SliceMut};
use crate::step::Dropout;

/// An id that stands for nothing: it pads lists to the size of a bucket.
const NONE: u32 = u32::MAX;
/// Sorted tokens that one block sums, `PIECE` of kernels/embedding.cu.
const PIECE: usize = 32;
/// Most tables of a sum.
const TABLES: usize = 3;

/// One embedding table and which of its rows each token takes.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// The table, `[entries, hidden]`, of floats.
    pub table: Slice<'a>,
    /// A row number for each token, `[T]`; the caller has checked that they are in range. `u32::MAX` stands for no row,
    /// that is for zeros.
    pub ids: Ids<'a>,
}

/// y `[T, width]`, the sum of the rows that the lookups (at most three) name.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn sum(gpu: &Gpu, lookups: &[Lookup<'_>], width: usize, y: SliceMut<'_>) -> Result<()> {
    launch(gpu, lookups, None, 1.0, Dropout::off(), width, y, None)
}

/// y `[T, hidden]` = scale * the rows that the lookup names.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn scaled(
    gpu: &Gpu,
    lookup: Lookup<'_>,
    scale: f32,
    hidden: usize,
    y: SliceMut<'_>,
) -> Result<()> {
    launch(gpu, &[lookup], None, scale, Dropout::off(), hidden, y, None)
}

/// y = dropout(LayerNorm(sum of the rows that the lookups name)), y `[T, hidden]`.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn forward(
    gpu: &Gpu,
    lookups: &[Lookup<'_>],
    norm: LayerNorm<'_>,
    dropout: Dropout,
    y: SliceMut<'_>,
    kept: Option<Kept<'_>>,
) -> Result<()> {
    launch(gpu, lookups, Some(norm), 1.0, dropout, norm.hidden(), y, kept)
}

#[expect(clippy::too_many_arguments, reason = "what the three forms have between them")]
fn launch(
    gpu: &Gpu,
    lookups: &[Lookup<'_>],
    norm: Option<LayerNorm<'_>>,
    scale: f32,
    dropout: Dropout,
    width: usize,
    mut y: SliceMut<'_>,
    mut kept: Option<Kept<'_>>,
) -> Result<()> {
    let (rows, dtype) = (y.len() / width, y.dtype());
    assert!(lookups.len() <= TABLES, "a sum of {} tables", lookups.len());
    assert!(lookups.iter().all(|l| l.ids.len() * width == y.len()));
    assert!(
        lookups
            .iter()
            .all(|l| l.table.dtype() == DType::F32 && l.table.len().is_multiple_of(width))
    );
    assert!(kept.as_ref().is_none_or(|kept| kept.fits(y.len(), width, dtype)));
    let teams = Teams::new(rows, width);
    let name = if teams.wide { "kb_embedding_forward_wide" } else { "kb_embedding_forward" };
    let mut launch = gpu
        .kernel(Module::Embedding, name, Some(dtype))?
        .grid(teams.blocks, 1, 1)
        .block(teams.threads);
    for table in 0..TABLES {
        launch = match lookups.get(table) {
            Some(lookup) => launch.slice(lookup.table).ids(lookup.ids),
            None => launch.ptr(0).ptr(0),
        };
    }
    let launch = launch
        .optional(norm.map(|norm| norm.gamma))
        .optional(norm.map(|norm| norm.beta))
        .f32(norm.map_or(0.0, |norm| norm.eps))
        .f32(scale)
        .slice_mut(&mut y)
        .optional_mut(kept.as_mut().map(|kept| &mut kept.normalised))
        .optional_mut(kept.as_mut().map(|kept| &mut kept.rstd))
        .u32(rows)
        .u32(width)
        .dropout(dropout)
        .step();
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}

/// Which tokens took which row of a table: those of row `rows[g]` are `tokens[starts[g]..starts[g + 1]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// Row numbers, ascending, each once.
    pub rows: Vec<u32>,
    /// Where each row's tokens begin, and where the last's end: one more than there are rows.
    pub starts: Vec<u32>,
    /// Numbers of tokens, ascending in each group.
    pub tokens: Vec<u32>,
}

impl Groups {
    /// Pads the lists to the sizes of a bucket: that many rows, one more starts, and that many tokens.
    ///
    /// # Panics
    /// When there are more.
    pub fn pad(&mut self, rows: usize, tokens: usize) {
        assert!(self.rows.len() <= rows && self.tokens.len() <= tokens);
        self.starts.resize(rows + 1, self.tokens.len() as u32);
        self.rows.resize(rows, NONE);
        self.tokens.resize(tokens, NONE);
    }
}

/// The groups of the tokens that took rows `ids` of a table, without those of the row `padding`, which torch does not
/// train (`padding_idx`), and without ids of `u32::MAX`.
///
/// # Panics
/// When there are 2^32 tokens or more.
pub fn plan(ids: &[u32], padding: Option<u32>) -> Groups {
    let count = u32::try_from(ids.len()).expect("fewer than 2^32 tokens");
    let mut keys: Vec<u64> = (0..count)
        .zip(ids)
        .filter(|&(_, &id)| id != NONE && Some(id) != padding)
        .map(|(token, &id)| u64::from(id) << 32 | u64::from(token))
        .collect();
    // No two are equal, and tokens of one row come in their order.
    keys.sort_unstable();
    let mut groups = Groups::default();
    for (place, &key) in (0..).zip(&keys) {
        let (row, token) = ((key >> 32) as u32, key as u32);
        if groups.rows.last() != Some(&row) {
            groups.rows.push(row);
            groups.starts.push(place);
        }
        groups.tokens.push(token);
    }
    groups.starts.push(groups.tokens.len() as u32);
    groups
}

/// [`Groups`] on the device, perhaps padded.
#[derive(Debug, Clone, Copy)]
pub struct GroupIds<'a> {
    /// `[groups]`
    pub rows: Ids<'a>,
    /// `[groups + 1]`
    pub starts: Ids<'a>,
    /// `[T]` or fewer.
    pub tokens: Ids<'a>,
}

/// Gathers the gradient of a table's rows from that of the sum: `grad` `[groups, width]`, of floats, is
/// scale * the sums of dsum `[T, width]` over the groups' tokens, in their order. Rows that only pad the list
/// are left as they are.
///
/// # Errors
/// [`crate::CudaError::OutOfMemory`] for scratch memory, or of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict each other.
pub fn backward(
    gpu: &Gpu,
    dsum: Slice<'_>,
    groups: GroupIds<'_>,
    width: usize,
    scale: f32,
    grad: SliceMut<'_>,
) -> Result<()> {
    assert_eq!(grad.len(), groups.rows.len() * width);
    launch_backward(gpu, dsum, groups, width, scale, grad, (false, false))
}

/// [`backward`] to a gradient of the whole table, `[entries, width]`: its rows that the groups name are overwritten, or
/// added to with `add`, and the others left as they are.
///
/// # Errors
/// As for [`backward`].
///
/// # Panics
/// As for [`backward`].
pub fn backward_dense(
    gpu: &Gpu,
    dsum: Slice<'_>,
    groups: GroupIds<'_>,
    width: usize,
    scale: f32,
    grad: SliceMut<'_>,
    add: bool,
) -> Result<()> {
    assert!(grad.len().is_multiple_of(width));
    launch_backward(gpu, dsum, groups, width, scale, grad, (true, add))
}

fn launch_backward(
    gpu: &Gpu,
    dsum: Slice<'_>,
    groups: GroupIds<'_>,
    width: usize,
    scale: f32,
    mut grad: SliceMut<'_>,
    (dense, add): (bool, bool),
) -> Result<()> {
    assert!(groups.starts.len() == groups.rows.len() + 1 && dsum.len().is_multiple_of(width));
    assert!(groups.tokens.len() * width <= dsum.len() && grad.dtype() == DType::F32);
    let pieces = groups.tokens.len().div_ceil(PIECE);
    let open = gpu.workspace(pieces * 2 * width * size_of::<f32>())?;
    let packs = width.div_ceil(pack(dsum.dtype()));
    let threads = packs.next_multiple_of(32).min(128);
    let launch = gpu
        .kernel(Module::Embedding, "kb_embedding_backward", Some(dsum.dtype()))?
        .grid(pieces, packs.div_ceil(threads), 1)
        .block(threads as u32)
        .slice(dsum)
        .ids(groups.rows)
        .ids(groups.starts)
        .ids(groups.tokens)
        .u32(groups.rows.len())
        .u32(width)
        .slice_mut(&mut grad)
        .u32(usize::from(dense))
        .u32(usize::from(add))
        .f32(scale)
        .ptr(open);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, the sizes were checked, and each piece has its sums.
    unsafe { launch.run() }?;
    let launch = gpu
        .kernel(Module::Embedding, "kb_embedding_join", None)?
        .grid(pieces, width.div_ceil(128), 1)
        .block(256)
        .ptr(open)
        .ids(groups.rows)
        .ids(groups.starts)
        .ids(groups.tokens)
        .u32(groups.rows.len())
        .u32(width)
        .slice_mut(&mut grad)
        .u32(usize::from(dense))
        .u32(usize::from(add))
        .f32(scale);
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: as above.
    unsafe {
        launch.run()
    }
}

#[cfg(test)]
mod tests {
    use super::{Groups, NONE, plan};

    #[test]
    fn groups_hold_each_token_once_and_in_order() {
        let ids = [7, 3, 7, 0, 3, NONE, 7, 9];
        let groups = plan(&ids, Some(0));
        assert_eq!(groups.rows, [3, 7, 9]);
        assert_eq!(groups.starts, [0, 2, 5, 6]);
        assert_eq!(groups.tokens, [1, 4, 0, 2, 6, 7]);
        assert_eq!(plan(&ids, None).rows, [0, 3, 7, 9]);
        assert_eq!(plan(&[5; 4], Some(5)), Groups { starts: vec![0], ..Groups::default() });
        assert_eq!(plan(&[], None).starts, [0]);
    }

    #[test]
    fn padding_adds_groups_of_nothing() {
        let mut groups = plan(&[2, 1, 2], None);
        groups.pad(4, 5);
        assert_eq!(groups.rows, [1, 2, NONE, NONE]);
        assert_eq!(groups.starts, [0, 1, 3, 3, 3]);
        assert_eq!(groups.tokens, [1, 0, 2, NONE, NONE]);
    }
}
