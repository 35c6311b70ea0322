//! How far answers may be apart.

/// How much faster texts may be answered that were answered before. Caches of the processor and branches that are
/// predicted explain a few percent; a model that looks answers up is many times faster. (MLPerf's TEST04 allows 10% on
/// a quiet machine.)
pub const CACHING_FACTOR: f64 = 1.25;

/// The largest difference of two logits that passes, as a part of the largest logit of all rows.
///
/// - f32: 1e-4. A sum of a thousand products in another order moves by about 1e-6 of its terms, and a dozen layers add
///   up to some 1e-5; an answer that depends on its neighbours in the batch moves by far more. It is the bound that
///   logits keep against Hugging Face's (`CONTRIBUTING.md`).
/// - bf16: 8e-2, which is what `kobench selftest` allows. A number has eight bits, so that one rounding is worth 2^-9,
///   and sums in another order round dozens of intermediate results the other way.
pub fn tolerance(precision: &str) -> f64 {
    if precision == "bf16" { 8e-2 } else { 1e-4 }
}
