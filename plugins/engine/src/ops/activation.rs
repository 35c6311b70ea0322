//! Activation functions, as epilogues of a linear layer.

use crate::kernels::math;

/// A pointwise function. Names are those of Hugging Face's `hidden_act`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// f(x) = x
    Identity,
    /// Exact GELU (erf).
    Gelu,
    /// The tanh form of GELU, `gelu_new` and `gelu_pytorch_tanh`.
    GeluTanh,
    /// max(x, 0)
    Relu,
    /// tanh, of BERT's pooler.
    Tanh,
}

impl Activation {
    /// The function that `hidden_act` names, or `None`.
    pub fn from_hidden_act(name: &str) -> Option<Self> {
        match name {
            "gelu" | "gelu_python" => Some(Self::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" => Some(Self::GeluTanh),
            "relu" => Some(Self::Relu),
            "tanh" => Some(Self::Tanh),
            "linear" => Some(Self::Identity),
            _ => None,
        }
    }

    /// Applies the function in place, adding `bias` (of the row's length) first.
    #[inline(always)]
    pub(crate) fn apply(self, row: &mut [f32], bias: &[f32]) {
        let each = row.iter_mut().zip(bias);
        match self {
            Self::Identity => each.for_each(|(x, b)| *x += b),
            Self::Gelu => each.for_each(|(x, b)| *x = math::gelu(*x + b)),
            Self::GeluTanh => each.for_each(|(x, b)| *x = math::gelu_tanh(*x + b)),
            // A comparison, because f32::max would turn NaN into 0.
            Self::Relu => each.for_each(|(x, b)| {
                let v = *x + b;
                *x = if v < 0.0 { 0.0 } else { v };
            }),
            Self::Tanh => each.for_each(|(x, b)| *x = math::tanh(*x + b)),
        }
    }

    /// Multiplies `dy` by the derivative at the pre-activation `z`.
    #[inline(always)]
    pub(crate) fn scale_gradient(self, dy: &mut [f32], z: &[f32]) {
        let each = dy.iter_mut().zip(z);
        match self {
            Self::Identity => {}
            Self::Gelu => each.for_each(|(g, z)| *g *= math::gelu_grad(*z)),
            Self::GeluTanh => each.for_each(|(g, z)| *g *= math::gelu_tanh_grad(*z)),
            Self::Relu => each.for_each(|(g, z)| *g = if *z > 0.0 { *g } else { 0.0 }),
            Self::Tanh => each.for_each(|(g, z)| {
                let t = math::tanh(*z);
                *g *= 1.0 - t * t;
            }),
        }
    }
}
