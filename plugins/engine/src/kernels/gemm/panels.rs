//! Memory for packed operands, on cache lines.
#![expect(unsafe_code, reason = "lines of bytes are read as the numbers that they hold")]

use std::marker::PhantomData;

use super::kernel::Element;
use crate::error::{EngineError, Result};

/// One cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// A run of numbers that begins on a cache line.
#[derive(Debug)]
pub(super) struct Panels<E> {
    lines: Vec<Line>,
    element: PhantomData<E>,
}

impl<E: Element> Panels<E> {
    pub(super) const fn empty() -> Self {
        Self { lines: Vec::new(), element: PhantomData }
    }

    /// `len` zeros.
    ///
    /// # Errors
    /// [`EngineError::OutOfMemory`].
    pub(super) fn zeros(len: usize, what: &str) -> Result<Self> {
        let bytes = len.saturating_mul(size_of::<E>());
        let count = bytes.div_ceil(size_of::<Line>());
        let mut lines = Vec::new();
        lines
            .try_reserve_exact(count)
            .map_err(|_| EngineError::OutOfMemory { what: what.to_owned(), bytes })?;
        lines.resize(count, Line([0; 64]));
        Ok(Self { lines, element: PhantomData })
    }

    /// At least `len` numbers, the first of all.
    pub(super) fn grown(&mut self, len: usize) -> &mut [E] {
        let lines = (len * size_of::<E>()).div_ceil(size_of::<Line>());
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0; 64]));
        }
        &mut self.as_mut_slice()[..len]
    }

    pub(super) fn bytes(&self) -> usize {
        self.lines.len() * size_of::<Line>()
    }

    pub(super) fn as_slice(&self) -> &[E] {
        // SAFETY: a line is larger than any alignment of a number, and elements are plain numbers,
        // for which every pattern of bits is a value (`Element` is only implemented for such).
        unsafe {
            std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.bytes() / size_of::<E>())
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [E] {
        let len = self.bytes() / size_of::<E>();
        // SAFETY: as above; the lines are borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), len) }
    }
}

/// The panels of one unit.
#[derive(Debug)]
pub(super) enum Packed {
    F32(Panels<f32>),
    /// Two bfloat16 in an element, the first one in the lower half.
    Bf16(Panels<u32>),
}

impl From<Panels<f32>> for Packed {
    fn from(panels: Panels<f32>) -> Self {
        Self::F32(panels)
    }
}

impl From<Panels<u32>> for Packed {
    fn from(panels: Panels<u32>) -> Self {
        Self::Bf16(panels)
    }
}

/// Blocks of both operands.
#[derive(Debug)]
pub(super) struct Scratch<E> {
    pub(super) left: Panels<E>,
    pub(super) right: Panels<E>,
}

macro_rules! element {
    ($type:ty, $variant:ident) => {
        impl Element for $type {
            fn with_scratch<T>(f: impl FnOnce(&mut Scratch<Self>) -> T) -> T {
                thread_local! {
                    static SCRATCH: std::cell::RefCell<Scratch<$type>> = const {
                        std::cell::RefCell::new(Scratch {
                            left: Panels::empty(),
                            right: Panels::empty(),
                        })
                    };
                }
                SCRATCH.with_borrow_mut(f)
            }

            fn packed(panels: &Packed) -> Option<&[Self]> {
                match panels {
                    Packed::$variant(panels) => Some(panels.as_slice()),
                    _ => None,
                }
            }

            fn own(panels: &mut Packed) -> &mut Panels<Self> {
                if Self::packed(panels).is_none() {
                    *panels = Panels::<Self>::empty().into();
                }
                match panels {
                    Packed::$variant(panels) => panels,
                    _ => unreachable!("replaced above"),
                }
            }
        }
    };
}
element!(f32, F32);
// The bits of two bfloat16.
element!(u32, Bf16);
