//! Philox4x32-10, a counter-based generator: element i of a stream is a function of (seed, stream,
//! i) alone, so dropout masks and initial weights do not depend on threads or on order.
//!
//! Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).

const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Ten rounds on `counter` under `key`.
#[inline(always)]
pub fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let a = u64::from(MULTIPLIER[0]) * u64::from(counter[0]);
        let b = u64::from(MULTIPLIER[1]) * u64::from(counter[2]);
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
    }
    counter
}

/// Blocks whose words [`Stream::blocks`] computes at a time.
pub(crate) const BLOCKS: usize = 16;

/// A stream of random numbers, addressed by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
    id: [u32; 2],
}

impl Stream {
    /// Stream `id` (for instance step and dropout site) of `seed`.
    pub fn new(seed: u64, id: [u32; 2]) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], id }
    }

    /// What sets it apart from other streams of the same seed.
    #[cfg(feature = "cuda")]
    pub(crate) fn id(&self) -> [u32; 2] {
        self.id
    }

    /// The four random words of block `index`.
    #[inline(always)]
    pub fn block(&self, index: u64) -> [u32; 4] {
        philox4x32([index as u32, (index >> 32) as u32, self.id[0], self.id[1]], self.key)
    }

    /// The words of [`BLOCKS`] blocks from `first` on, word after word and block by block in each: the same as
    /// [`Stream::block`], in loops that vectorise. Words lie in 64 bits, as their products do.
    #[inline(always)]
    pub(crate) fn blocks(&self, first: u64) -> [[u64; BLOCKS]; 4] {
        const LOW: u64 = u32::MAX as u64;
        let index: [u64; BLOCKS] = std::array::from_fn(|i| first.wrapping_add(i as u64));
        let [c, d] = self.id.map(|word| [u64::from(word); BLOCKS]);
        let mut words = [index.map(|i| i & LOW), index.map(|i| i >> 32), c, d];
        let mut key = self.key;
        for round in 0..10 {
            if round > 0 {
                key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
            }
            let mut next = [[0; BLOCKS]; 4];
            for i in 0..BLOCKS {
                // What is known to have 32 bits is multiplied by one instruction.
                let a = u64::from(MULTIPLIER[0]) * (words[0][i] & LOW);
                let b = u64::from(MULTIPLIER[1]) * (words[2][i] & LOW);
                next[0][i] = (b >> 32) ^ words[1][i] ^ u64::from(key[0]);
                next[1][i] = b & LOW;
                next[2][i] = (a >> 32) ^ words[3][i] ^ u64::from(key[1]);
                next[3][i] = a & LOW;
            }
            words = next;
        }
        words
    }

    /// Fills `out` with normal numbers of mean 0 and deviation `std` (Box and Muller 1958).
    pub fn fill_normal(&self, out: &mut [f32], std: f32) {
        for (index, chunk) in out.chunks_mut(4).enumerate() {
            let words = self.block(index as u64);
            for (pair, words) in chunk.chunks_mut(2).zip(words.chunks(2)) {
                // (0, 1], so that the logarithm is finite.
                let u = (f64::from(words[0]) + 1.0) / 4_294_967_296.0;
                let angle = std::f64::consts::TAU * f64::from(words[1]) / 4_294_967_296.0;
                let radius = (-2.0 * u.ln()).sqrt() * f64::from(std);
                for (value, unit) in pair.iter_mut().zip([angle.cos(), angle.sin()]) {
                    *value = (radius * unit) as f32;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of the authors' Random123 library (kat_vectors).
    #[test]
    fn known_answers() {
        assert_eq!(
            philox4x32([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn many_blocks_are_single_blocks() {
        let stream = Stream::new(0x1234_5678_9abc_def0, [3, 4]);
        // Across the border of 32 bits too.
        for first in [0, u64::from(u32::MAX) - 7, 5, u64::MAX - 3] {
            let words = stream.blocks(first);
            for i in 0..BLOCKS {
                let block = stream.block(first.wrapping_add(i as u64)).map(u64::from);
                assert_eq!(block, words.map(|words| words[i]), "{first} {i}");
            }
        }
    }

    #[test]
    fn normal_numbers_have_the_right_moments() {
        let mut values = vec![0.0; 100_001];
        Stream::new(42, [1, 2]).fill_normal(&mut values, 0.02);
        let mean = values.iter().sum::<f32>() / 1e5;
        let variance = values.iter().map(|v| v * v).sum::<f32>() / 1e5;
        assert!(mean.abs() < 3e-4 && (variance.sqrt() - 0.02).abs() < 2e-4);
    }
}
