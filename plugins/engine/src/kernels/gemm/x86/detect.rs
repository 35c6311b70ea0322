//! Which units this machine has, and lets programs use.
#![expect(unsafe_code, reason = "reads the processor's identification")]

/// AVX-512 for f32.
pub(in crate::kernels::gemm) fn avx512() -> bool {
    is_x86_feature_detected!("avx512f")
}

/// AVX2 with fused multiply-add.
pub(in crate::kernels::gemm) fn avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// AVX512-BF16.
pub(in crate::kernels::gemm) fn avx512_bf16() -> bool {
    avx512() && is_x86_feature_detected!("avx512bf16")
}

/// AMX for bf16, with the system's permission to use tiles.
pub(in crate::kernels::gemm) fn amx_bf16() -> bool {
    avx512() && has_tiles() && permitted()
}

/// Whether the processor has the instructions, and the system keeps tiles when it changes threads.
fn has_tiles() -> bool {
    use std::arch::x86_64::{__cpuid_count, __get_cpuid_max, _xgetbv};
    const AMX_BF16: u32 = 1 << 22;
    const AMX_TILE: u32 = 1 << 24;
    /// Configuration and data of tiles.
    const TILES: u64 = 0b11 << 17;

    /// # Safety
    /// The system has enabled XSAVE.
    #[target_feature(enable = "xsave")]
    unsafe fn enabled() -> u64 {
        // SAFETY: register 0 is there with XSAVE.
        unsafe { _xgetbv(0) }
    }

    if __get_cpuid_max(0).0 < 7 || !is_x86_feature_detected!("xsave") {
        return false;
    }
    let edx = __cpuid_count(7, 0).edx;
    // SAFETY: XSAVE is there, as was just checked.
    edx & (AMX_BF16 | AMX_TILE) == AMX_BF16 | AMX_TILE && unsafe { enabled() } & TILES == TILES
}

/// Asks Linux for tiles, which it only keeps for processes that have asked
/// (Documentation/arch/x86/xstate.rst).
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const SYS_ARCH_PRCTL: usize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let result: isize;
    // SAFETY: the call takes two numbers, and changes nothing but the permission.
    unsafe {
        std::arch::asm!(
            "syscall",
            inout("rax") SYS_ARCH_PRCTL => result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            out("rcx") _,
            out("r11") _,
            options(nostack)
        );
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}
