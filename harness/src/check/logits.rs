//! Logits, compared.

use super::outcome::{Stop, bad};

/// The largest difference between two batch compositions, or two numbers of threads, that passes; relative
/// to the largest logit.
pub(super) const TOLERANCE: f32 = 1e-5;

/// Rows of logits, as a forward call wrote them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) values: Vec<f32>,
}

impl Rows {
    /// The largest relative difference of two, if they have the same shape.
    pub(super) fn distance(&self, other: &Self) -> Option<f32> {
        if (self.rows, self.width) != (other.rows, other.width) {
            return None;
        }
        let largest = self.values.iter().chain(&other.values).fold(1.0_f32, |m, v| m.max(v.abs()));
        let apart = self.values.iter().zip(&other.values);
        // A value that is not finite is as far away as can be.
        Some(apart.fold(0.0_f32, |m, (a, b)| {
            let d = (a - b).abs() / largest;
            if d.is_nan() { f32::INFINITY } else { m.max(d) }
        }))
    }

    /// Stops where two are not the same bit for bit.
    pub(super) fn same(&self, other: &Self, between: &str) -> Result<(), Stop> {
        let bits = |r: &Self| r.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        if (self.rows, self.width) == (other.rows, other.width) && bits(self) == bits(other) {
            return Ok(());
        }
        Err(bad(self.apart(other, between), "the same logits, bit for bit"))
    }

    /// Stops where two are further apart than rounding explains; returns how far they are.
    pub(super) fn near(&self, other: &Self, between: &str) -> Result<f32, Stop> {
        match self.distance(other) {
            Some(distance) if distance <= TOLERANCE => Ok(distance),
            _ => Err(bad(
                self.apart(other, between),
                format!(
                    "the same logits but for rounding: a relative difference of at most {TOLERANCE:.0e}"
                ),
            )),
        }
    }

    fn apart(&self, other: &Self, between: &str) -> String {
        match self.distance(other) {
            None => format!(
                "{between}: {} x {} logits, and {} x {}",
                self.rows, self.width, other.rows, other.width
            ),
            Some(distance) => format!("{between}: logits differ by {distance:.1e} of the largest"),
        }
    }
}
