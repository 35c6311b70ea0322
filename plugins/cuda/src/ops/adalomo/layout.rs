//! How a tensor is split into the blocks of each pass, and the space that these hand sums to each other in.

use super::Tensor;
use crate::memory::Plain;

/// Sizes of kernels/optimizer_adalomo.cuh.
const TILE: usize = 256;
const WARPS: usize = 8;
const MEANS: usize = 256;
/// Blocks that a tensor is split into, at most and where it is large: every block of a pass sums what those of the pass
/// before found. The same on all devices, and so are the sums.
const BLOCKS: usize = 1056;
/// Rows of a warp that are loaded at the same time.
const AT_ONCE: usize = 4;
/// Fewest elements of a block that sums squares of weights.
const WEIGHTS: usize = 16 << 10;

/// A tensor, `kb_lomo` of kernels/optimizer_adalomo.cuh.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    pub(super) weights: u64,
    pub(super) copy: u64,
    pub(super) gradient: u64,
    pub(super) first: u64,
    pub(super) second: u64,
    pub(super) rows: u64,
    pub(super) space: u64,
    pub(super) rate: f64,
    pub(super) weight_chunk: u64,
    pub(super) weight_blocks: u32,
    pub(super) matrices: u32,
    pub(super) height: u32,
    pub(super) width: u32,
    pub(super) listed: u32,
    pub(super) warp_rows: u32,
    pub(super) row_tiles: u32,
    pub(super) apply_warp_rows: u32,
    pub(super) apply_row_tiles: u32,
    pub(super) column_tiles: u32,
    pub(super) decays: u32,
    pub(super) compact: u32,
    pub(super) tensor: u32,
    pub(super) reserved: u32,
}

/// A block's work, `kb_part` of kernels/optimizer_adalomo.cuh.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) tensor: u32,
    pub(super) part: u32,
}

const _: () = assert!(size_of::<Entry>() == 128 && size_of::<Part>() == 8);

#[expect(unsafe_code, reason = "the layout is a promise")]
// SAFETY: numbers without gaps, as their sum is the size above.
unsafe impl Plain for Entry {}
#[expect(unsafe_code, reason = "the layout is a promise")]
// SAFETY: as above.
unsafe impl Plain for Part {}

/// The passes over matrices in their order, and the one over vectors.
pub(super) const PASSES: usize = 5;
pub(super) const VECTORS: usize = 4;

pub(super) fn is_vector(tensor: &Tensor) -> bool {
    tensor.shape.len() < 2
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).expect("a size below 2^32")
}

/// The entry of a tensor, but for the address of its space.
pub(super) fn entry((number, tensor): (usize, &Tensor)) -> Entry {
    let (matrices, height, width) = match tensor.shape.as_slice() {
        [outer @ .., height, width] => (outer.iter().product(), *height, *width),
        [width] => (1, 1, *width),
        [] => (1, 1, 1),
    };
    if let Some(rows) = tensor.rows {
        assert!(matrices == 1 && !is_vector(tensor) && rows.width == width && rows.capacity > 0);
    }
    assert!(tensor.rows.is_some() || !tensor.compact, "compact without a list of rows");
    let listed = tensor.rows.map_or(height, |rows| rows.capacity);
    let column_tiles = width.div_ceil(TILE);
    let (warp_rows, row_tiles) = tiles(matrices * column_tiles, listed);
    let visited = if tensor.decays { height } else { listed };
    let (apply_warp_rows, apply_row_tiles) = tiles(matrices * column_tiles, visited);
    let elements = matrices * height * width;
    let weight_chunk = elements.div_ceil(BLOCKS).next_multiple_of(4).max(WEIGHTS);
    Entry {
        weights: tensor.weights,
        copy: tensor.copy,
        gradient: tensor.gradient,
        first: tensor.first,
        second: tensor.second,
        rows: tensor.rows.map_or(0, |rows| rows.list),
        space: 0,
        rate: tensor.rate,
        weight_chunk: weight_chunk as u64,
        weight_blocks: narrow(elements.div_ceil(weight_chunk)),
        matrices: narrow(matrices),
        height: narrow(height),
        width: narrow(width),
        listed: narrow(listed),
        warp_rows: narrow(warp_rows),
        row_tiles: narrow(row_tiles),
        apply_warp_rows: narrow(apply_warp_rows),
        apply_row_tiles: narrow(apply_row_tiles),
        column_tiles: narrow(column_tiles),
        decays: u32::from(tensor.decays),
        compact: u32::from(tensor.compact),
        tensor: narrow(number),
        reserved: 0,
    }
}

/// Rows of a warp, and tiles of eight warps that `rows` then need, in each of `columns` columns of tiles.
fn tiles(columns: usize, rows: usize) -> (usize, usize) {
    let of_tile = (columns * rows).div_ceil(BLOCKS);
    let warp_rows = of_tile.div_ceil(WARPS).next_multiple_of(AT_ONCE).max(AT_ONCE);
    (warp_rows, rows.div_ceil(WARPS * warp_rows))
}

/// Blocks of each pass.
pub(super) fn blocks(entry: &Entry) -> [usize; PASSES] {
    let [matrices, height, width] = [entry.matrices, entry.height, entry.width].map(|n| n as usize);
    if matrices * height * width == 0 {
        return [0; PASSES];
    }
    let tiles = |row_tiles: u32| matrices * row_tiles as usize * entry.column_tiles as usize;
    let moments = matrices * (height.div_ceil(MEANS) + width.div_ceil(MEANS));
    let (gradient, weights) = (tiles(entry.row_tiles), entry.weight_blocks as usize);
    [gradient + weights, moments, gradient, tiles(entry.apply_row_tiles), 1]
}

/// Doubles of a tensor's space, as `Space` of kernels/optimizer_adalomo.cuh lays it out.
pub(super) fn space_doubles(entry: &Entry) -> usize {
    let [matrices, height, width] = [entry.matrices, entry.height, entry.width].map(|n| n as usize);
    let [listed, rows, columns] =
        [entry.listed, entry.row_tiles, entry.column_tiles].map(|n| n as usize);
    let row_sums = matrices * columns * listed;
    let column_sums = matrices * rows * width;
    let of_tiles = 2 * matrices * rows * columns;
    let means = matrices * height.div_ceil(MEANS);
    let roots = (matrices * width).div_ceil(2);
    row_sums + column_sums + of_tiles + entry.weight_blocks as usize + means + roots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::gradient::TableRows;

    fn tensor(shape: &[usize]) -> Tensor {
        Tensor {
            weights: 0,
            copy: 0,
            gradient: 0,
            first: 0,
            second: 0,
            shape: shape.to_vec(),
            decays: false,
            rate: 1.0,
            rows: None,
            compact: false,
        }
    }

    #[test]
    fn tiles_cover_all_rows_with_a_bounded_number_of_blocks() {
        for shape in
            [&[1, 1][..], &[5, 7], &[768, 768], &[28_672, 3584], &[3584, 14_336], &[256_000, 3584]]
        {
            let entry = entry((0, &tensor(shape)));
            let rows = entry.warp_rows as usize * WARPS;
            assert!(rows * entry.row_tiles as usize >= shape[0]);
            assert!(rows * (entry.row_tiles as usize - 1) < shape[0]);
            assert!(entry.warp_rows.is_multiple_of(4));
            assert!((entry.row_tiles * entry.column_tiles) as usize <= BLOCKS + 56, "{shape:?}");
            assert!(entry.weight_blocks as usize <= BLOCKS);
            let summed = entry.weight_chunk as usize * entry.weight_blocks as usize;
            assert!(summed >= shape.iter().product());
        }
    }

    #[test]
    fn a_stack_is_split_by_matrix_and_a_list_by_its_entries() {
        let stack = entry((3, &tensor(&[768, 768, 3])));
        assert_eq!((stack.matrices, stack.height, stack.width, stack.tensor), (768, 768, 3, 3));
        assert_eq!(blocks(&stack)[1], 768 * 4);
        let rows = TableRows { list: 8, capacity: 4096, width: 3584, live: 0 };
        let mut table = Tensor { rows: Some(rows), compact: true, ..tensor(&[256_000, 3584]) };
        let (without, own) = (entry((0, &table)), 4096 * 3584);
        assert_eq!((without.listed, without.apply_row_tiles), (4096, without.row_tiles));
        assert!(space_doubles(&without) < own / 40);
        table.decays = true;
        let with = entry((0, &table));
        assert!(with.apply_row_tiles as usize * with.apply_warp_rows as usize * WARPS >= 256_000);
    }

    #[test]
    fn what_is_empty_has_no_blocks() {
        assert_eq!(blocks(&entry((0, &tensor(&[0, 4])))), [0; PASSES]);
        assert_eq!(blocks(&entry((0, &tensor(&[0])))), [0; PASSES]);
        assert_eq!(blocks(&entry((0, &tensor(&[]))))[VECTORS], 1);
    }
}
