//! What changes from step to step, as kernels see it.

/// The state of a step, `kb_step` of kernels/common.cuh. It lies in device memory, so that a captured graph can be
/// launched again with other values.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepState {
    /// Key of all random numbers.
    pub seed: [u32; 2],
    /// Number of the pass.
    pub pass: u32,
    /// Tokens before padding to a bucket.
    pub tokens: u32,
    /// The longest sequence before padding.
    pub longest: u32,
    /// Sequences before padding.
    pub sequences: u32,
    /// A factor on the loss.
    pub loss_scale: f32,
    /// Zero.
    pub reserved: u32,
}

/// Dropout of one site, `kb_dropout` of kernels/common.cuh.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// With the pass it names a stream of random numbers.
    pub site: u32,
    /// An element is kept when its random word is at least this; 0: all are kept.
    pub threshold: u32,
    /// A factor on what is kept.
    pub scale: f32,
    /// Zero.
    pub reserved: u32,
}

impl StepState {
    /// As kernels read it.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: numbers of 4 bytes each without gaps, as the size below says.
        #[expect(unsafe_code, reason = "the layout is a promise")]
        unsafe {
            std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), size_of::<Self>())
        }
    }
}

impl Dropout {
    /// Keeps every element.
    pub fn off() -> Self {
        Self { site: 0, threshold: 0, scale: 1.0, reserved: 0 }
    }

    /// Whether every element is kept.
    pub fn is_off(&self) -> bool {
        self.threshold == 0
    }
}

const _: () = assert!(size_of::<StepState>() == 32 && size_of::<Dropout>() == 16);
