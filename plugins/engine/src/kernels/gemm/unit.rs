//! Which unit of the machine multiplies, and in which precision.

use std::cell::Cell;
#[cfg(target_arch = "x86_64")]
use std::sync::LazyLock;

use super::blocked;
use super::kernel::{Element, Kernel};
use super::panels::Packed;
use super::portable::{Portable, Rounded};
#[cfg(target_arch = "x86_64")]
use super::proof;
use super::weights::{self, Layout};
#[cfg(target_arch = "x86_64")]
use super::x86::{Amx, Avx2, Avx512, Avx512Bf16, detect};
use super::{MatRef, Right, Write};
use crate::context::Precision;
use crate::error::{EngineError, Result};
use crate::kernels::tile::TileMut;

/// A unit of this machine. One that the machine does not have cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Amx,
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
    /// A unit that multiplies f32; in bf16 operands are rounded as they are packed.
    F32 { isa: Isa, rounds: bool },
}

/// An instruction set with which f32 are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

#[cfg(target_arch = "x86_64")]
static AMX: LazyLock<bool> = LazyLock::new(|| detect::amx_bf16() && proof::multiplies::<Amx>());
#[cfg(target_arch = "x86_64")]
static AVX512_BF16: LazyLock<bool> =
    LazyLock::new(|| detect::avx512_bf16() && proof::multiplies::<Avx512Bf16>());

thread_local! {
    static UNIT: Cell<Option<Unit>> = const { Cell::new(None) };
}

/// Calls a generic function for the kernel of a unit.
macro_rules! with_kernel {
    ($unit:expr, $K:ident => $body:expr) => {
        match $unit.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Amx => {
                type $K = Amx;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Bf16 => {
                type $K = Avx512Bf16;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            Kind::F32 { isa: Isa::Avx512, rounds: false } => {
                type $K = Avx512;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            Kind::F32 { isa: Isa::Avx512, rounds: true } => {
                type $K = Rounded<Avx512>;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            Kind::F32 { isa: Isa::Avx2, rounds: false } => {
                type $K = Avx2;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            Kind::F32 { isa: Isa::Avx2, rounds: true } => {
                type $K = Rounded<Avx2>;
                $body
            }
            Kind::F32 { isa: Isa::Portable, rounds: false } => {
                type $K = Portable;
                $body
            }
            Kind::F32 { isa: Isa::Portable, rounds: true } => {
                type $K = Rounded<Portable>;
                $body
            }
        }
    };
}

impl Unit {
    /// All that there are, on any machine.
    pub(crate) const NAMES: [&'static str; 6] =
        ["amx-bf16", "avx512-bf16", "avx512", "avx2+fma", "neon", "portable"];

    /// All units of this machine for a precision, the fastest first.
    pub(crate) fn all(precision: Precision) -> Vec<Self> {
        let mut kinds = Vec::new();
        let rounds = precision == Precision::Bf16;
        #[cfg(target_arch = "x86_64")]
        {
            let units = [
                (rounds && *AMX, Kind::Amx),
                (rounds && *AVX512_BF16, Kind::Avx512Bf16),
                (detect::avx512(), Kind::F32 { isa: Isa::Avx512, rounds }),
                (detect::avx2(), Kind::F32 { isa: Isa::Avx2, rounds }),
            ];
            kinds.extend(units.into_iter().filter(|(has, _)| *has).map(|(_, kind)| kind));
        }
        kinds.push(Kind::F32 { isa: Isa::Portable, rounds });
        kinds.into_iter().map(Self).collect()
    }

    /// The unit of this thread: f32 on the best of the machine where [`Unit::install`] was never called.
    pub(super) fn of_this_thread() -> Self {
        UNIT.get().unwrap_or_else(|| {
            let unit = Self::best(Precision::F32);
            unit.install();
            unit
        })
    }

    /// The fastest unit of this machine for a precision.
    pub(crate) fn best(precision: Precision) -> Self {
        Self::all(precision)[0]
    }

    /// The unit of that name.
    ///
    /// # Errors
    /// [`EngineError::Input`] when this machine has none of that name.
    pub(crate) fn named(precision: Precision, name: &str) -> Result<Self> {
        let all = Self::all(precision);
        all.iter().copied().find(|unit| unit.name() == name).ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|unit| unit.name()).collect();
            EngineError::Input(format!(
                "this machine cannot multiply in {} with \"{name}\"; use one of {}",
                precision.name(),
                names.join(", ")
            ))
        })
    }

    /// The name in options and records.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Amx => "amx-bf16",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512Bf16 => "avx512-bf16",
            #[cfg(target_arch = "x86_64")]
            Kind::F32 { isa: Isa::Avx512, .. } => "avx512",
            #[cfg(target_arch = "x86_64")]
            Kind::F32 { isa: Isa::Avx2, .. } => "avx2+fma",
            Kind::F32 { isa: Isa::Portable, .. } if cfg!(target_arch = "aarch64") => "neon",
            Kind::F32 { isa: Isa::Portable, .. } => "portable",
        }
    }

    /// Makes this the unit of this thread.
    pub(crate) fn install(self) {
        UNIT.set(Some(self));
    }

    /// Whether packed operands are what they were before.
    pub(crate) fn is_exact(self) -> bool {
        matches!(self.0, Kind::F32 { rounds: false, .. })
    }

    /// Rows of a whole left panel.
    pub(super) fn panel_rows(self) -> usize {
        with_kernel!(self, K => K::ROWS)
    }

    /// How right panels lie.
    pub(super) fn layout(self) -> Layout {
        with_kernel!(self, K => Layout::of::<K>())
    }

    /// Packs a right operand.
    pub(super) fn pack(self, b: MatRef<'_>) -> Result<Packed> {
        with_kernel!(self, K => Ok(weights::pack::<K>(b)?.into()))
    }

    /// Packs a right operand into memory that was used before.
    pub(super) fn repack(self, panels: &mut Packed, b: MatRef<'_>) {
        with_kernel!(self, K => weights::repack::<K>(Element::own(panels), b));
    }

    /// out (+)= scale * a b.
    pub(super) fn product(
        self,
        out: &mut TileMut<'_>,
        a: MatRef<'_>,
        b: Right<'_>,
        scale: f32,
        write: Write,
    ) {
        with_kernel!(self, K => blocked::product::<K>(out, a, b, scale, write));
    }
}
