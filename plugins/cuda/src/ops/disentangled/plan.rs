//! What the host prepares for disentangled attention: the list of tiles, and the table of relative positions.

use crate::slice::DType;

/// Ends of lists are filled with it; kernels skip it (`NONE` of kernels/common.cuh).
const NONE: u32 = u32::MAX;
/// u32 numbers of an entry of the lists.
const ENTRY: usize = 4;
/// Blocks that sum up gradients of positions: chunks of pairs of tiles, times heads.
const BLOCKS: usize = 512;

/// Sizes of a work list, which a captured graph fixes for all batches of its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lists {
    /// Tokens of a tile.
    pub tile: usize,
    /// Tiles of queries (or of keys).
    pub tiles: usize,
    /// Pairs of tiles of the same sequence, one of queries and one of keys.
    pub pairs: usize,
    /// Most pairs of a chunk.
    pub chunk: usize,
    /// Chunks of pairs of tiles at the same distance.
    pub chunks: usize,
    /// Tiles of the longest sequence.
    pub across: usize,
}

impl Lists {
    /// The least for a batch with these cumulative lengths, `[B + 1]`.
    pub fn of(dtype: DType, (heads, head_dim): (usize, usize), cu_seqlens: &[u32]) -> Self {
        let tile = tile(dtype, head_dim, lengths(cu_seqlens).max().unwrap_or(0));
        let across = || lengths(cu_seqlens).map(|length| length.div_ceil(tile));
        let pairs = across().map(|n| n * n).sum();
        let most = across().max().unwrap_or(0);
        let chunk = chunk(pairs, heads);
        // At each distance between tiles, from 1 - most to most - 1.
        let chunks = (0..most).map(|apart| {
            let pairs: usize = across().map(|n| n.saturating_sub(apart)).sum();
            pairs.div_ceil(chunk) * if apart == 0 { 1 } else { 2 }
        });
        Self { tile, tiles: across().sum(), pairs, chunk, chunks: chunks.sum(), across: most }
    }

    /// Enough for any batch of so many tokens, at most, in so many sequences, none longer than `longest`.
    pub fn enough(
        dtype: DType,
        (heads, head_dim): (usize, usize),
        (tokens, sequences, longest): (usize, usize, usize),
    ) -> Self {
        let tile = tile(dtype, head_dim, longest);
        let across = longest.div_ceil(tile);
        // A sequence has one tile that is not full, at most.
        let tiles = (tokens / tile + sequences).min(sequences * across);
        let pairs = tiles * across;
        let chunk = chunk(pairs, heads);
        let chunks = pairs / chunk + (2 * across).saturating_sub(1);
        Self { tile, tiles, pairs, chunk, chunks: chunks.min(pairs), across }
    }

    /// Length of the list in u32 numbers.
    pub fn len(&self) -> usize {
        ENTRY * (self.tiles + self.chunks + self.pairs)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where chunks and pairs begin in the list, in u32 numbers.
    pub(super) fn offsets(&self) -> (usize, usize) {
        (ENTRY * self.tiles, ENTRY * (self.tiles + self.chunks))
    }

    /// Whether all that `other` has fits.
    fn has_room_for(&self, other: &Self) -> bool {
        self.tiles >= other.tiles && self.pairs >= other.pairs && self.across >= other.across
    }
}

/// Tokens of a tile: kernels know 32 and 64.
fn tile(dtype: DType, head_dim: usize, longest: usize) -> usize {
    if dtype == DType::Bf16 && head_dim <= 64 && longest > 32 { 64 } else { 32 }
}

/// A chunk is as long as leaves enough blocks, since each leaves sums that have to be added.
fn chunk(pairs: usize, heads: usize) -> usize {
    (pairs * heads / BLOCKS).clamp(4, 64)
}

fn lengths(cu_seqlens: &[u32]) -> impl Iterator<Item = usize> {
    cu_seqlens.windows(2).map(|span| (span[1] - span[0]) as usize)
}

/// The work list of a batch, of `lists.len()` numbers, for [`super::Shape::plan`]; it serves both passes.
///
/// Tiles {first token of the sequence, its length, first query, number of the sequence's first pair}, long sequences
/// first, for they take longest; then chunks {first pair, pairs, tiles apart}; then pairs {first token, length, first
/// query, number}, in the order of the distance between the two tiles.
///
/// # Panics
/// When `lists` are too short for the batch.
pub fn plan(cu_seqlens: &[u32], lists: Lists) -> Vec<u32> {
    let tile = lists.tile;
    let mut sequences = Vec::new();
    let mut first_pair = 0;
    for (span, length) in cu_seqlens.windows(2).zip(lengths(cu_seqlens)) {
        let across = length.div_ceil(tile);
        sequences.push((span[0], length, across, first_pair));
        first_pair += across * across;
    }
    let number = |n: usize| u32::try_from(n).expect("fewer than 2^32");

    sequences.sort_by_key(|&(_, length, ..)| std::cmp::Reverse(length));
    let mut list = Vec::with_capacity(lists.len());
    for &(start, length, across, pair) in &sequences {
        for query in 0..across {
            list.extend([start, number(length), number(query * tile), number(pair)]);
        }
    }
    sequences.sort_by_key(|&(start, ..)| start);
    let most = sequences.iter().map(|&(_, _, across, _)| across).max().unwrap_or(0);
    let (mut chunks, mut pairs) = (Vec::new(), Vec::new());
    for apart in 1 - most.cast_signed()..most.cast_signed() {
        let begin = pairs.len() / ENTRY;
        for &(start, length, across, pair) in &sequences {
            for query in 0..across {
                let Some(key) = query.checked_add_signed(-apart).filter(|key| *key < across) else {
                    continue;
                };
                let pair = pair + query * across + key;
                pairs.extend([start, number(length), number(query * tile), number(pair)]);
            }
        }
        let end = pairs.len() / ENTRY;
        for first in (begin..end).step_by(lists.chunk) {
            let count = lists.chunk.min(end - first);
            chunks.extend([number(first), number(count), (apart as i32).cast_unsigned(), 0]);
        }
    }
    let found = Lists {
        tiles: list.len() / ENTRY,
        pairs: pairs.len() / ENTRY,
        chunks: chunks.len() / ENTRY,
        across: most,
        ..lists
    };
    assert!(lists.has_room_for(&found), "{lists:?} have no room for {found:?}");
    let (chunks_from, pairs_from) = lists.offsets();
    list.resize(chunks_from, NONE);
    list.extend(chunks);
    assert!(list.len() <= pairs_from, "{lists:?} have no room for {found:?}");
    list.resize(pairs_from, NONE);
    list.extend(pairs);
    list.resize(lists.len(), NONE);
    list
}

/// The table of relative positions for [`super::Positions::relative`], from the table's row of each distance from
/// 1 - longest to longest - 1 (the engine's `DistanceTable`), which never descend.
///
/// Rows that occur are numbered without gaps, as ranks. The rank of each distance, `[2 longest - 1]`; the row of each
/// rank, counted from the first that occurs, `[ranks]`; the first distance of each rank, and where they end,
/// `[ranks + 1]`.
///
/// # Panics
/// When rows descend, or there is not an odd number of them.
pub fn relative(rows: &[u32]) -> Vec<u32> {
    assert!(rows.len() % 2 == 1 && rows.is_sorted());
    let (mut ranks, mut rows_of, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
    for (distance, row) in (0..).zip(rows) {
        let row = row - rows[0];
        if rows_of.last() != Some(&row) {
            rows_of.push(row);
            firsts.push(distance);
        }
        ranks.push(rows_of.len() as u32 - 1);
    }
    firsts.push(rows.len() as u32);
    [ranks, rows_of, firsts].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: (usize, usize) = (2, 64);

    #[test]
    fn tiles_suit_the_batch() {
        let tile = |dtype, head_dim, length| Lists::of(dtype, (2, head_dim), &[0, length]).tile;
        assert_eq!([tile(DType::Bf16, 64, 32), tile(DType::Bf16, 64, 33)], [32, 64]);
        assert_eq!([tile(DType::Bf16, 65, 500), tile(DType::F32, 64, 500)], [32, 32]);
    }

    #[test]
    fn a_plan_has_every_pair_once() {
        let cu_seqlens = [0, 5, 5, 135, 200];
        let lists = Lists::of(DType::Bf16, HEADS, &cu_seqlens);
        assert_eq!((lists.tiles, lists.pairs, lists.across, lists.chunk), (6, 14, 3, 4));
        let list = plan(&cu_seqlens, lists);
        assert_eq!(list.len(), lists.len());
        let (chunks, pairs) = lists.offsets();
        let tiles: Vec<_> = list[..chunks].chunks(ENTRY).collect();
        assert_eq!(tiles[0], [5, 130, 0, 1]);
        assert_eq!(tiles[2], [5, 130, 128, 1]);
        assert_eq!(tiles[4], [135, 65, 64, 10]);
        assert_eq!(tiles[5], [0, 5, 0, 0]);
        let mut numbers = Vec::new();
        let mut next = 0;
        for chunk in list[chunks..pairs].chunks(ENTRY) {
            let (first, count, apart) = (chunk[0], chunk[1], chunk[2].cast_signed());
            assert!(first == next && (1..=4).contains(&count));
            next += count;
            for pair in list[pairs..].chunks(ENTRY).skip(first as usize).take(count as usize) {
                let tiles_across = pair[1].div_ceil(64);
                let first = [0, 1, 10][[0, 5, 135].iter().position(|s| *s == pair[0]).unwrap()];
                let (query, key) =
                    ((pair[3] - first) / tiles_across, (pair[3] - first) % tiles_across);
                assert_eq!(query * 64, pair[2]);
                assert_eq!(query.cast_signed() - key.cast_signed(), apart);
                numbers.push(pair[3]);
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..14).collect::<Vec<_>>());
    }

    #[test]
    fn a_bucket_has_room_and_what_is_left_is_skipped() {
        let batches: [&[u32]; 5] =
            [&[0], &[0, 1, 2, 3], &[0, 300], &[0, 64, 128, 300], &[0, 65, 130, 195, 260, 300]];
        for dtype in [DType::Bf16, DType::F32] {
            let lists = Lists::enough(dtype, HEADS, (300, 5, 300));
            for cu_seqlens in batches {
                let list = plan(cu_seqlens, lists);
                assert_eq!(list.len(), lists.len());
                let entries = list.chunks(ENTRY).take(lists.tiles).filter(|tile| tile[0] != NONE);
                let tokens: u32 =
                    entries.map(|tile| (tile[1] - tile[2]).min(lists.tile as u32)).sum();
                assert_eq!(tokens, *cu_seqlens.last().unwrap());
            }
        }
    }

    #[test]
    #[should_panic(expected = "have no room")]
    fn lists_that_are_too_short_are_refused() {
        let lists = Lists::enough(DType::F32, HEADS, (100, 1, 100));
        plan(&[0, 50, 100, 150], lists);
    }

    #[test]
    fn ranks_have_no_gaps() {
        // Distances -3..=3 at rows 7, 7, 9, 10, 11, 15, 15.
        let relative = relative(&[7, 7, 9, 10, 11, 15, 15]);
        assert_eq!(relative[..7], [0, 0, 1, 2, 3, 4, 4]);
        assert_eq!(relative[7..12], [0, 2, 3, 4, 8]);
        assert_eq!(relative[12..], [0, 2, 3, 4, 5, 7]);
        assert_eq!(super::relative(&[3]), [0, 0, 0, 1]);
    }
}
