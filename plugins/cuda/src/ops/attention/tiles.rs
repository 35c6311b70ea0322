//! How attention is cut into blocks, and which kernels take them.

use std::cmp::Reverse;

use crate::device::Gpu;
use crate::slice::DType;

/// Numbers of an entry of the work list.
pub(super) const WORDS: usize = 4;
/// Stands for an entry of the work list without work.
const NONE: u32 = u32::MAX;
/// Rows of a tile without tensor cores.
const PLAIN_ROWS: usize = 32;
/// Keys and values of a stage of the forward pass.
const FORWARD_STAGE: usize = 64;
/// Bytes of what the backward pass knows of a query.
const STATS: usize = 8;

/// How an attention is cut into blocks, which depends on its heads, its type, and how long sequences can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiles {
    pub(super) heads: usize,
    pub(super) head_dim: usize,
    pub(super) dtype: DType,
    pub(super) kernels: Kernels,
}

/// A family of kernels. `width` is what a head's columns are rounded up to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kernels {
    /// Tensor cores, all of a sequence in a block of `rows`; none is longer than `longest`.
    Short { width: usize, rows: usize, longest: usize },
    /// Tensor cores, tiles of `rows`.
    Long { width: usize, rows: usize },
    /// Plain arithmetic.
    Plain { width: usize },
}

impl Tiles {
    /// Of `heads` heads of `head_dim` elements of a type; no sequence is longer than `longest`.
    ///
    /// # Panics
    /// When heads are wider than 256, for which there is no kernel.
    pub fn new(gpu: &Gpu, heads: usize, head_dim: usize, dtype: DType, longest: usize) -> Self {
        Self::of(heads, head_dim, dtype, longest, gpu.shared_memory_limit())
    }

    fn of(heads: usize, head_dim: usize, dtype: DType, longest: usize, limit: usize) -> Self {
        assert!((1..=256).contains(&head_dim), "no kernel has heads of {head_dim}");
        let kernels = if dtype == DType::F32 || head_dim > 128 {
            let width =
                if dtype == DType::F32 { head_dim.next_power_of_two().max(32) } else { 256 };
            Kernels::Plain { width }
        } else {
            let width = head_dim.next_power_of_two().max(16);
            let rows = if width <= 64 { 128 } else { 64 };
            let short = Kernels::Short { width, rows, longest };
            let fits = longest <= rows && short.bytes().1 <= limit;
            if fits { short } else { Kernels::Long { width, rows } }
        };
        Self { heads, head_dim, dtype, kernels }
    }

    pub(super) fn hidden(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Blocks of a sequence.
    fn blocks(&self, length: usize) -> usize {
        self.heads.div_ceil(self.kernels.heads_of_block(length))
            * length.div_ceil(self.kernels.rows())
    }

    /// Most entries of the work list of so many tokens in at most so many sequences, none longer than `longest`: a list
    /// of this many entries serves all such batches.
    pub fn most_entries(&self, tokens: usize, sequences: usize, longest: usize) -> usize {
        let sequences = sequences.min(tokens);
        let one = self.blocks(1);
        // A sequence has as many blocks as one of a single token and some for each further token, at most as many as
        // where their number has just become larger.
        let steps = (17..=longest).step_by(16);
        let further = steps.map(|l| (tokens - sequences) * (self.blocks(l) - one) / (l - 1));
        let any = sequences * one + further.max().unwrap_or(0);
        any.min(sequences * self.blocks(longest))
    }

    /// The work list: entries (first row of a sequence, its length, first row of a tile of it, first head), one a block,
    /// those of long sequences first, for what takes long should not start last. It has `entries` entries, of which the
    /// last may stand for nothing.
    ///
    /// # Panics
    /// When there are more than `entries`, or a sequence is longer than was said.
    pub fn plan(&self, cu_seqlens: &[u32], entries: usize) -> Vec<u32> {
        let mut spans: Vec<(u32, u32)> =
            cu_seqlens.windows(2).map(|w| (w[0], w[1] - w[0])).collect();
        spans.sort_by_key(|&(start, length)| (Reverse(length), start));
        if let Kernels::Short { longest, .. } = self.kernels {
            let fits = spans.first().is_none_or(|&(_, length)| length as usize <= longest);
            assert!(fits, "a sequence is longer than {longest}");
        }
        let mut list = Vec::with_capacity(entries * WORDS);
        for (start, length) in spans {
            let heads = self.kernels.heads_of_block(length as usize);
            for row in (0..length).step_by(self.kernels.rows()) {
                for head in (0..self.heads as u32).step_by(heads) {
                    list.extend([start, length, row, head]);
                }
            }
        }
        assert!(list.len() <= entries * WORDS);
        list.resize(entries * WORDS, NONE);
        list
    }
}

/// Warps that have a sequence of at most 128 rows, 16 each; a power of two.
fn warps(length: usize) -> usize {
    length.div_ceil(16).next_power_of_two()
}

impl Kernels {
    /// Rows of a tile.
    fn rows(self) -> usize {
        match self {
            Self::Short { rows, .. } | Self::Long { rows, .. } => rows,
            Self::Plain { .. } => PLAIN_ROWS,
        }
    }

    /// Heads that a block takes of a sequence.
    fn heads_of_block(self, length: usize) -> usize {
        match self {
            Self::Short { rows, .. } => rows / 16 / warps(length.max(1)),
            Self::Long { .. } | Self::Plain { .. } => 1,
        }
    }

    /// Threads of a block whose warps have 16 rows each.
    pub(super) fn threads(self) -> u32 {
        2 * self.rows() as u32
    }

    /// Shared memory of a block: of the forward pass, and of the first and the second kernel of the backward pass.
    pub(super) fn bytes(self) -> (usize, usize, usize) {
        let row = |width: usize| (width + 8) * DType::Bf16.bytes();
        match self {
            Self::Short { width, rows, longest } => {
                let scores = row(16 * warps(longest.max(1)));
                (rows * 3 * row(width), rows * (4 * row(width) + scores + STATS), 0)
            }
            Self::Long { width, rows } => {
                let stage = if width <= 64 { 64 } else { 32 };
                let panels = (2 * rows + 4 * stage) * row(width);
                let forward = (rows + 4 * FORWARD_STAGE) * row(width);
                (forward, panels + rows * STATS, panels + 2 * stage * STATS)
            }
            Self::Plain { width } => {
                let panel = PLAIN_ROWS * (width + 4) * DType::F32.bytes();
                let scores = PLAIN_ROWS * (PLAIN_ROWS + 4) * DType::F32.bytes();
                (3 * panel + scores, 4 * panel + 2 * scores, 4 * panel + 2 * scores)
            }
        }
    }

    pub(super) fn forward(self) -> &'static str {
        match self {
            Self::Short { width: 16, .. } => "kb_attention_forward_short_d16",
            Self::Short { width: 32, .. } => "kb_attention_forward_short_d32",
            Self::Short { width: 64, .. } => "kb_attention_forward_short_d64",
            Self::Short { .. } => "kb_attention_forward_short_d128",
            Self::Long { width: 16, .. } => "kb_attention_forward_long_d16",
            Self::Long { width: 32, .. } => "kb_attention_forward_long_d32",
            Self::Long { width: 64, .. } => "kb_attention_forward_long_d64",
            Self::Long { .. } => "kb_attention_forward_long_d128",
            Self::Plain { width: 32 } => "kb_attention_forward_plain_d32",
            Self::Plain { width: 64 } => "kb_attention_forward_plain_d64",
            Self::Plain { width: 128 } => "kb_attention_forward_plain_d128",
            Self::Plain { .. } => "kb_attention_forward_plain_d256",
        }
    }

    /// The kernel of dq, and that of dk and dv where it is another.
    pub(super) fn backward(self) -> (&'static str, Option<&'static str>) {
        macro_rules! two {
            ($name:literal) => {
                (
                    concat!("kb_attention_backward_queries_", $name),
                    Some(concat!("kb_attention_backward_keys_", $name)),
                )
            };
        }
        match self {
            Self::Short { width: 16, .. } => ("kb_attention_backward_short_d16", None),
            Self::Short { width: 32, .. } => ("kb_attention_backward_short_d32", None),
            Self::Short { width: 64, .. } => ("kb_attention_backward_short_d64", None),
            Self::Short { .. } => ("kb_attention_backward_short_d128", None),
            Self::Long { width: 16, .. } => two!("d16"),
            Self::Long { width: 32, .. } => two!("d32"),
            Self::Long { width: 64, .. } => two!("d64"),
            Self::Long { .. } => two!("d128"),
            Self::Plain { width: 32 } => two!("plain_d32"),
            Self::Plain { width: 64 } => two!("plain_d64"),
            Self::Plain { width: 128 } => two!("plain_d128"),
            Self::Plain { .. } => two!("plain_d256"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOPPER: usize = 227 << 10;

    fn bf16(heads: usize, longest: usize) -> Tiles {
        Tiles::of(heads, 64, DType::Bf16, longest, HOPPER)
    }

    #[test]
    fn short_sequences_share_blocks() {
        let cu_seqlens = [0, 17, 20, 20, 120, 140];
        let entries =
            [20, 100, 0, 0, 20, 100, 0, 1, 20, 100, 0, 2, 120, 20, 0, 0, 0, 17, 0, 0, 17, 3, 0, 0];
        assert_eq!(bf16(3, 128).plan(&cu_seqlens, 6), entries);
        assert_eq!(bf16(3, 100).plan(&cu_seqlens, 7), [&entries[..], &[NONE; 4]].concat());
        assert_eq!(bf16(3, 100).plan(&[0], 0), []);
    }

    #[test]
    fn long_sequences_are_tiles() {
        let list = bf16(2, 512).plan(&[0, 20, 149], 6);
        let entries = [
            20, 129, 0, 0, 20, 129, 0, 1, 20, 129, 128, 0, 20, 129, 128, 1, 0, 20, 0, 0, 0, 20, 0,
            1,
        ];
        assert_eq!(list, entries);
        let list = Tiles::of(1, 64, DType::F32, 40, HOPPER).plan(&[0, 33], 2);
        assert_eq!(list, [0, 33, 0, 0, 0, 33, 32, 0]);
    }

    #[test]
    #[should_panic(expected = "longer than 30")]
    fn sequences_are_as_short_as_was_said() {
        bf16(1, 30).plan(&[0, 31], 8);
    }

    #[test]
    fn no_batch_has_more_entries_than_expected() {
        let mut seed = 1_u32;
        let mut random = |bound: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize % bound
        };
        for case in 0..300 {
            let longest = [1, 16, 17, 60, 128, 300, 512][case % 7];
            let (heads, dim) = ([1, 3, 12][case % 3], [64, 128, 200][random(3)]);
            let dtype = if case % 2 == 0 { DType::Bf16 } else { DType::F32 };
            let tiles = Tiles::of(heads, dim, dtype, longest, HOPPER);
            let mut cu_seqlens = vec![0_u32];
            for i in 0..1 + random(20) {
                let steps = [1, 16, 17, 33, 65, 129].map(|l: usize| l.min(longest));
                let length = if case % 5 == 0 { steps[random(6)] } else { 1 + random(longest) };
                cu_seqlens.push(cu_seqlens[i] + length as u32);
            }
            let (tokens, sequences) =
                (cu_seqlens[cu_seqlens.len() - 1] as usize, cu_seqlens.len() - 1);
            let most = tiles.most_entries(tokens, sequences, longest);
            tiles.plan(&cu_seqlens, most);
            assert!(most <= tiles.most_entries(tokens + 9, sequences + 2, longest));
        }
        // Of 32 sentences of 20 tokens, 12 heads: three blocks each.
        assert!((96..200).contains(&bf16(12, 128).most_entries(640, 32, 128)));
        assert_eq!(bf16(12, 20).most_entries(640, 32, 20), 96);
    }

    #[test]
    fn kernels_are_those_that_fit() {
        let of = |dim, longest, limit| Tiles::of(1, dim, DType::Bf16, longest, limit << 10).kernels;
        assert_eq!(of(64, 128, 163), Kernels::Short { width: 64, rows: 128, longest: 128 });
        assert_eq!(of(64, 129, 227), Kernels::Long { width: 64, rows: 128 });
        assert_eq!(of(40, 65, 99), Kernels::Long { width: 64, rows: 128 });
        assert_eq!(of(64, 64, 99), Kernels::Short { width: 64, rows: 128, longest: 64 });
        assert_eq!(of(65, 65, 227), Kernels::Long { width: 128, rows: 64 });
        assert_eq!(of(129, 5, 227), Kernels::Plain { width: 256 });
        for (longest, limit) in [(1, 99), (128, 163), (512, 99)] {
            for dim in [1, 32, 64, 128] {
                let (a, b, c) = of(dim, longest, limit).bytes();
                assert!(a.max(b).max(c) <= limit << 10, "{dim} {longest}");
            }
        }
        let (a, b, c) = Kernels::Plain { width: 256 }.bytes();
        assert!(a.max(b).max(c) <= 163 << 10);
    }
}
