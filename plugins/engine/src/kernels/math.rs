//! Elementary functions in f32 that vectorise, each with its measured error.

/// exp(x), relative error below 2e-7 for x in `[-87, 88]`; 0 below that range, infinity above it.
///
/// Range reduction to |r| <= ln 2 / 2 and the degree-5 polynomial of Cephes `expf`.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    /// 1.5 * 2^23: adding and subtracting it rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HI: f32 = 0.693_359_4;
    const LN2_LO: f32 = -2.121_944_4e-4;
    let clamped = x.clamp(-87.3, 88.7);
    let shifted = clamped.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_HI, clamped);
    let r = n.mul_add(-LN2_LO, r);
    let mut p = 1.987_569_1e-4_f32;
    p = p.mul_add(r, 1.398_199_9e-3);
    p = p.mul_add(r, 8.333_452e-3);
    p = p.mul_add(r, 4.166_579_6e-2);
    p = p.mul_add(r, 1.666_666_5e-1);
    p = p.mul_add(r, 0.5);
    let value = p.mul_add(r * r, r + 1.0);
    // The integer is in the lowest bits of what was shifted. A conversion would not vectorise, for it saturates.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()).cast_signed();
    // 2^n in two factors, because n = 128 has no f32 of its own.
    let half = n >> 1;
    let value = value * power_of_two(half) * power_of_two(n.wrapping_sub(half));
    let value = if x < -87.3 { 0.0 } else { value };
    let value = if x > 88.722_84 { f32::INFINITY } else { value };
    if x.is_nan() { x } else { value }
}

/// 2^n for n in `[-126, 127]`; anything for others.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(n.wrapping_add(127).cast_unsigned() << 23)
}

/// erf(x), absolute error below 4e-7 everywhere.
///
/// x P(x^2 / 8 - 1) on `[-4, 4]`, with P of degree 15 through the Chebyshev nodes of `[-1, 1]`. A rational
/// approximation has half as many terms, but its division takes longer than all of these.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    /// From the highest power.
    const P: [f32; 16] = [
        -1.372_815_1e-3,
        3.002_311e-3,
        -1.076_942_1e-3,
        1.700_600_7e-3,
        -0.010_085_907,
        0.017_188_484,
        -0.021_662_531,
        0.031_679_343,
        -0.046_014_32,
        0.060_247_4,
        -0.074_687_53,
        0.090_163_12,
        -0.107_713_364,
        0.131_677_33,
        -0.176_576_17,
        0.353_530_97,
    ];
    let c = x.clamp(-4.0, 4.0);
    let t = (c * 0.125).mul_add(c, -1.0);
    let mut p = P[0];
    for coefficient in &P[1..] {
        p = p.mul_add(t, *coefficient);
    }
    c * p
}

/// The exact GELU, x Phi(x) = x (1 + erf(x / sqrt 2)) / 2 (Hendrycks and Gimpel 2016).
///
/// Absolute error below 2e-6 for |x| <= 5.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Derivative of [`gelu`]: Phi(x) + x phi(x).
#[inline(always)]
pub fn gelu_grad(x: f32) -> f32 {
    const INV_SQRT_2PI: f32 = 0.398_942_3;
    let cdf = 0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
    (x * INV_SQRT_2PI).mul_add(exp(-0.5 * x * x), cdf)
}

/// tanh(x), absolute error below 3e-7: the sign of x times (1 - e) / (1 + e), e = exp(-2|x|).
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let e = exp(-2.0 * x.abs());
    let t = (1.0 - e) / (1.0 + e);
    t.copysign(x)
}

/// cap * tanh(x / cap), relative error below 5e-7: scores are mostly small against their cap, where
/// the absolute error of [`tanh`] times the cap would be felt.
///
/// The odd polynomial of Cephes `tanhf` for |x / cap| < 0.625.
#[inline(always)]
pub fn soft_cap(x: f32, cap: f32) -> f32 {
    let t = x / cap;
    let z = t * t;
    let mut p = -5.704_988_7e-3_f32;
    p = p.mul_add(z, 2.063_908_8e-2);
    p = p.mul_add(z, -5.373_971_5e-2);
    p = p.mul_add(z, 1.333_144_2e-1);
    p = p.mul_add(z, -3.333_328e-1);
    let small = (p * z).mul_add(t, t);
    cap * if t.abs() < 0.625 { small } else { tanh(t) }
}

/// sqrt(2 / pi), the inner factor of the tanh form of GELU.
const SQRT_2_OVER_PI: f32 = 0.797_884_6;

/// GELU's tanh form, Hugging Face's `gelu_new`:
/// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
#[inline(always)]
pub fn gelu_tanh(x: f32) -> f32 {
    0.5 * x * (1.0 + tanh(SQRT_2_OVER_PI * (0.044_715 * x * x).mul_add(x, x)))
}

/// Derivative of [`gelu_tanh`].
#[inline(always)]
pub fn gelu_tanh_grad(x: f32) -> f32 {
    let t = tanh(SQRT_2_OVER_PI * (0.044_715 * x * x).mul_add(x, x));
    let inner = SQRT_2_OVER_PI * (0.134_145 * x).mul_add(x, 1.0);
    (0.5 * x * inner).mul_add(1.0 - t * t, 0.5 * (1.0 + t))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(from: f64, to: f64) -> impl Iterator<Item = f32> {
        (0..=200_000).map(move |i| (from + (to - from) * f64::from(i) / 200_000.0) as f32)
    }

    #[test]
    fn exp_is_within_its_stated_error() {
        for x in grid(-87.0, 88.0) {
            let exact = f64::from(x).exp();
            assert!(((f64::from(exp(x)) - exact) / exact).abs() < 2e-7, "exp({x})");
        }
        assert_eq!((exp(-200.0), exp(f32::NEG_INFINITY), exp(0.0)), (0.0, 0.0, 1.0));
        assert_eq!((exp(89.0), exp(f32::INFINITY)), (f32::INFINITY, f32::INFINITY));
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn erf_tanh_and_gelu_are_within_their_stated_errors() {
        for x in grid(-9.0, 9.0) {
            let d = f64::from(x);
            assert!((f64::from(erf(x)) - libm::erf(d)).abs() < 4e-7, "erf({x})");
            assert!((f64::from(tanh(x)) - d.tanh()).abs() < 3e-7, "tanh({x})");
        }
        for x in grid(-5.0, 5.0) {
            let d = f64::from(x);
            let exact = 0.5 * d * (1.0 + libm::erf(d / std::f64::consts::SQRT_2));
            assert!((f64::from(gelu(x)) - exact).abs() < 2e-6, "gelu({x})");
        }
        assert!(erf(f32::NAN).is_nan() && gelu(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
        assert_eq!((erf(0.0), tanh(f32::NEG_INFINITY)), (0.0, -1.0));
        assert!((erf(f32::INFINITY) - 1.0).abs() < 4e-7);
    }

    #[test]
    fn the_soft_cap_is_within_its_stated_error() {
        for cap in [0.5, 3.0, 50.0_f32] {
            for x in grid(-200.0, 200.0) {
                let exact = f64::from(cap) * (f64::from(x) / f64::from(cap)).tanh();
                let off = (f64::from(soft_cap(x, cap)) - exact).abs();
                assert!(off <= 5e-7 * exact.abs(), "soft_cap({x}, {cap})");
            }
            assert_eq!((soft_cap(0.0, cap), soft_cap(f32::INFINITY, cap)), (0.0, cap));
            assert!(soft_cap(f32::NAN, cap).is_nan());
        }
    }

    #[test]
    fn derivatives_equal_finite_differences() {
        for x in grid(-6.0, 6.0).step_by(500) {
            let (d, h) = (f64::from(x), 1e-5);
            let f = |v: f64| 0.5 * v * (1.0 + libm::erf(v / std::f64::consts::SQRT_2));
            let slope = (f(d + h) - f(d - h)) / (2.0 * h);
            assert!((f64::from(gelu_grad(x)) - slope).abs() < 2e-6, "gelu'({x})");
            let g = |v: f64| {
                0.5 * v
                    * (1.0
                        + ((2.0 / std::f64::consts::PI).sqrt() * (v + 0.044715 * v * v * v)).tanh())
            };
            let slope = (g(d + h) - g(d - h)) / (2.0 * h);
            assert!((f64::from(gelu_tanh_grad(x)) - slope).abs() < 2e-6, "gelu_tanh'({x})");
        }
    }
}
