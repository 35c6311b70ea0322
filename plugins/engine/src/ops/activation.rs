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

/// Hands the function to a macro that loops over elements.
macro_rules! functions {
    ($act:expr, $each:ident) => {
        match $act {
            Self::Identity => $each!(|v| v),
            Self::Gelu => $each!(|v| math::gelu(v)),
            Self::GeluTanh => $each!(|v| math::gelu_tanh(v)),
            // A comparison, because f32::max would turn NaN into 0.
            Self::Relu => $each!(|v| if v < 0.0 { 0.0 } else { v }),
            Self::Tanh => $each!(|v| math::tanh(v)),
        }
    };
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

    /// The same for a device.
    #[cfg(feature = "cuda")]
    pub(crate) fn device(self) -> kobench_cuda::ops::activation::Activation {
        use kobench_cuda::ops::activation::Activation as Device;

        match self {
            Self::Identity => Device::Identity,
            Self::Gelu => Device::Gelu,
            Self::GeluTanh => Device::GeluTanh,
            Self::Relu => Device::Relu,
            Self::Tanh => Device::Tanh,
        }
    }

    /// Applies the function in place, adding `bias` (of the row's length) first.
    #[inline(always)]
    pub(crate) fn apply(self, row: &mut [f32], bias: &[f32]) {
        macro_rules! each {
            (|$v:ident| $f:expr) => {
                for (x, b) in row.iter_mut().zip(bias) {
                    let $v = *x + b;
                    *x = $f;
                }
            };
        }
        functions!(self, each);
    }

    /// out = f(z).
    #[inline(always)]
    pub(crate) fn map(self, out: &mut [f32], z: &[f32]) {
        macro_rules! each {
            (|$v:ident| $f:expr) => {
                for (y, z) in out.iter_mut().zip(z) {
                    let $v = *z;
                    *y = $f;
                }
            };
        }
        functions!(self, each);
    }

    /// Multiplies `dy` by the derivative at the pre-activation `z`.
    #[inline(always)]
    pub(crate) fn scale_gradient(self, dy: &mut [f32], z: &[f32]) {
        macro_rules! each {
            (|$v:ident| $f:expr) => {
                for (g, z) in dy.iter_mut().zip(z) {
                    let $v = *z;
                    *g *= $f;
                }
            };
        }
        match self {
            Self::Identity => {}
            Self::Gelu => each!(|v| math::gelu_grad(v)),
            Self::GeluTanh => each!(|v| math::gelu_tanh_grad(v)),
            Self::Relu => each!(|v| if v > 0.0 { 1.0 } else { 0.0 }),
            Self::Tanh => each!(|v| 1.0 - math::tanh(v) * math::tanh(v)),
        }
    }
}
