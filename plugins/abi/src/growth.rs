//! Reading and writing structs that may be older or newer than this crate (rule "Growth").
#![expect(unsafe_code, reason = "copies a struct's prefix by its own statement of its size")]

use crate::{
    EncodeOptions, EncodingView, ErrorBuffer, Example, Host, Logits, PluginVtable, Sink, Step,
    Targets,
};
use std::mem::MaybeUninit;

/// A struct of the ABI: it begins with `struct_size` and `flags`, and all-zero bytes are a value of it.
///
/// # Safety
/// The type is `#[repr(C)]`, its first field is the `u32` struct size, and zeroed memory is valid.
pub unsafe trait AbiStruct: Copy {
    /// All fields zero (pointers NULL), but for the size, which is this crate's.
    fn zeroed() -> Self {
        // SAFETY: zeroed memory is valid for the type (this trait's contract).
        let mut value: Self = unsafe { MaybeUninit::zeroed().assume_init() };
        // SAFETY: the first field is the `u32` size (this trait's contract).
        unsafe { (&raw mut value).cast::<u32>().write(Self::SIZE) };
        value
    }

    /// The size that this crate knows of.
    #[expect(clippy::cast_possible_truncation, reason = "structs are far smaller than 4 GiB")]
    const SIZE: u32 = size_of::<Self>() as u32;
}

macro_rules! abi_struct_impls {
    ($($name:ident)*) => { $(
        // SAFETY: `repr(C)`, begins with `struct_size: u32`; integers, floats and nullable pointers.
        unsafe impl AbiStruct for $name {}
    )* };
}
abi_struct_impls! { ErrorBuffer Sink Host Example EncodeOptions EncodingView Logits Targets Step PluginVtable }

/// What the other side wrote at `source`, with the fields that it does not know of as zero. The
/// result's `struct_size` is the other side's statement, cut to this crate's size.
///
/// Returns `None` if `source` is NULL or states a size too small for `struct_size` and `flags`.
///
/// # Safety
/// `source` is NULL or points to as many readable bytes as its first `u32` says.
pub unsafe fn read_prefix<T: AbiStruct>(source: *const T) -> Option<T> {
    if source.is_null() {
        return None;
    }
    // SAFETY: not NULL, and every struct begins with its size.
    let stated = unsafe { source.cast::<u32>().read_unaligned() };
    if stated < 8 {
        return None;
    }
    let mut value = T::zeroed();
    let known = stated.min(T::SIZE);
    // SAFETY: `known` bytes are readable at the source (the caller's promise) and fit into `value`.
    unsafe {
        std::ptr::copy_nonoverlapping(
            source.cast::<u8>(),
            (&raw mut value).cast::<u8>(),
            known as usize,
        );
        (&raw mut value).cast::<u32>().write(known);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_and_shorter_struct_reads_as_zero_beyond_its_end() {
        let mut old = Step::zeroed();
        old.learning_rate = 1e-3;
        old.loss_scale = 7.0;
        old.struct_size = 16; // a step of a time when it held the learning rate alone
        // SAFETY: the struct is whole; it only states less.
        let read = unsafe { read_prefix(&raw const old) }.unwrap();
        assert_eq!((read.learning_rate, read.loss_scale, read.struct_size), (1e-3, 0.0, 16));
    }

    #[test]
    fn null_and_nonsense_sizes_are_refused() {
        let mut step = Step::zeroed();
        step.struct_size = 4;
        // SAFETY: NULL is allowed; the other pointer is valid.
        unsafe {
            assert!(read_prefix::<Step>(std::ptr::null()).is_none());
            assert!(read_prefix(&raw const step).is_none());
        }
    }
}
