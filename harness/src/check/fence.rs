//! Memory with a fence behind it: what a plugin reads or writes beyond its end is noticed.
#![expect(unsafe_code, reason = "maps pages, and lends them to foreign code")]

use super::outcome::{Stop, bad};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::ffi::c_void;
use std::io;

/// What the bytes around are filled with; as a pointer or a size it makes no sense.
const FILL: u8 = 0xa5;

/// Bytes that end where a page ends that nobody may touch. (After Perens 1987, "Electric Fence".)
///
/// They begin at a multiple of 8, as structs do, so that up to 7 bytes lie between their end and the fence;
/// these, and those before, are filled with a pattern.
#[derive(Debug)]
pub(super) struct Fenced {
    base: *mut c_void,
    mapped: usize,
    /// From `base` to the first byte.
    offset: usize,
    size: usize,
}

impl Fenced {
    /// Room for so many bytes, filled with the pattern.
    ///
    /// # Errors
    /// If the system gives no pages.
    pub(super) fn new(size: usize) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let room = size.next_multiple_of(8);
        let usable = (room + 64).next_multiple_of(page);
        let mapped = usable + page;
        let (all, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: a fresh mapping, at no fixed address.
        let base = unsafe { rustix::mm::mmap_anonymous(std::ptr::null_mut(), mapped, all, flags)? };
        let fenced = Self { base, mapped, offset: usable - room, size };
        // SAFETY: the first `usable` bytes of the mapping are ours, and its last page is nobody's yet.
        unsafe {
            base.cast::<u8>().write_bytes(FILL, usable);
            rustix::mm::mprotect(base.byte_add(usable), page, MprotectFlags::empty())?;
        }
        Ok(fenced)
    }

    /// The same, with the first `size` bytes of a struct in it, and its size as `struct_size`.
    ///
    /// # Errors
    /// If the system gives no pages.
    pub(super) fn sized<T: kobench_plugin_abi::AbiStruct>(
        value: &T,
        size: usize,
    ) -> io::Result<Self> {
        Self::list(std::slice::from_ref(value), size)
    }

    /// Several structs, `size` bytes apart.
    ///
    /// # Errors
    /// If the system gives no pages.
    pub(super) fn list<T: kobench_plugin_abi::AbiStruct>(
        values: &[T],
        size: usize,
    ) -> io::Result<Self> {
        // The size itself must be there to be read.
        let mut fenced = Self::new((size * values.len()).max(4))?;
        fenced.size = size * values.len();
        let stated = u32::try_from(size).unwrap_or(u32::MAX).to_ne_bytes();
        for (i, value) in values.iter().enumerate() {
            // SAFETY: at most the struct's bytes, into room for them; the size fits also where it is less.
            unsafe {
                let to = fenced.start().add(i * size);
                let known = size.min(size_of::<T>());
                std::ptr::copy_nonoverlapping((&raw const *value).cast::<u8>(), to, known);
                std::ptr::copy_nonoverlapping(stated.as_ptr(), to, 4);
            }
        }
        Ok(fenced)
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: within the mapping.
        unsafe { self.base.cast::<u8>().add(self.offset) }
    }

    /// The first byte, as a pointer to what the plugin takes it for.
    pub(super) fn as_ptr<T>(&self) -> *mut T {
        self.start().cast()
    }

    /// The bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `size` bytes of the mapping, which the plugin touches during calls only.
        unsafe { std::slice::from_raw_parts(self.start(), self.size) }
    }

    /// What the bytes hold as a struct; where there are fewer, the rest is zero. The size is not looked at.
    pub(super) fn read<T: kobench_plugin_abi::AbiStruct>(&self) -> T {
        let mut value = T::zeroed();
        let known = self.size.min(size_of::<T>());
        // SAFETY: `known` bytes on both sides.
        unsafe {
            std::ptr::copy_nonoverlapping(self.start(), (&raw mut value).cast::<u8>(), known);
        }
        value
    }

    /// Stops if something was written before the first byte, between the last one and the fence, or at or
    /// after `from`.
    pub(super) fn untouched(&self, from: usize, what: &str) -> Result<(), Stop> {
        // SAFETY: the readable part of the mapping.
        let all = unsafe { std::slice::from_raw_parts(self.base.cast::<u8>(), self.readable()) };
        let is_ours = |i: usize| (self.offset..self.offset + from).contains(&i);
        match (0..all.len()).find(|&i| all[i] != FILL && !is_ours(i)) {
            None => Ok(()),
            Some(i) => Err(bad(
                format!("{what} wrote to byte {} of {}", i as i64 - self.offset as i64, self.size),
                "no byte is written beyond what `struct_size` or `capacity` says",
            )),
        }
    }

    /// The same for a struct of so many bytes, of which the host writes the size in any case.
    pub(super) fn kept(&self, size: usize, what: &str) -> Result<(), Stop> {
        self.untouched(size.max(size_of::<u32>()), what)
    }

    fn readable(&self) -> usize {
        self.mapped - rustix::param::page_size()
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        // SAFETY: our own mapping, which nobody uses any more.
        let _ = unsafe { rustix::mm::munmap(self.base, self.mapped) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kobench_plugin_abi::{AbiStruct as _, Step};

    #[test]
    fn writes_beyond_the_end_are_noticed() {
        let mut step = Step::zeroed();
        step.learning_rate = 0.5;
        let fenced = Fenced::sized(&step, 16 + 3).unwrap();
        assert_eq!(fenced.read::<Step>().learning_rate, 0.5);
        assert_eq!(fenced.read::<Step>().struct_size, 19);
        fenced.untouched(19, "nobody").unwrap();
        // SAFETY: within the page.
        unsafe { fenced.as_ptr::<u8>().add(20).write(1) };
        let seen = fenced.untouched(19, "somebody").unwrap_err();
        assert!(format!("{seen:?}").contains("byte 20 of 19"), "{seen:?}");
    }

    #[test]
    fn the_size_can_be_read_also_where_it_says_nothing() {
        let fenced = Fenced::sized(&Step::zeroed(), 0).unwrap();
        assert!(fenced.bytes().is_empty());
        fenced.kept(0, "nobody").unwrap();
    }
}
