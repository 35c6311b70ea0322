//! The header's constants.

/// Declares the constants together with `CONSTANTS`, the table that a test holds against the header.
macro_rules! abi_constants {
    ($( $(#[$meta:meta])* $c_name:ident => pub const $name:ident : $ty:ty = $value:expr; )*) => {
        $( $(#[$meta])* pub const $name: $ty = $value; )*

        /// Every constant: its name in the header, and the mirror's value.
        pub const CONSTANTS: &[(&str, i64)] = &[$( (stringify!($c_name), $name as i64), )*];
    };
}

abi_constants! {
    /// The major version; part of the entry symbol's name.
    KOBENCH_ABI_MAJOR => pub const ABI_MAJOR: u32 = 1;
    /// The minor version that this crate describes.
    KOBENCH_ABI_MINOR => pub const ABI_MINOR: u32 = 1;
    /// The oldest minor of the other side that code built on this crate accepts.
    KOBENCH_ABI_MINOR_OLDEST => pub const ABI_MINOR_OLDEST: u32 = 0;

    /// Success.
    KOBENCH_OK => pub const OK: i32 = 0;
    /// The caller's fault.
    KOBENCH_E_INVALID_ARGUMENT => pub const E_INVALID_ARGUMENT: i32 = 1;
    /// Not something that this plugin, variant or build can do.
    KOBENCH_E_UNSUPPORTED => pub const E_UNSUPPORTED: i32 = 2;
    /// A file is missing.
    KOBENCH_E_NOT_FOUND => pub const E_NOT_FOUND: i32 = 3;
    /// A file's content is wrong.
    KOBENCH_E_BAD_DATA => pub const E_BAD_DATA: i32 = 4;
    /// Host memory is exhausted.
    KOBENCH_E_OUT_OF_MEMORY => pub const E_OUT_OF_MEMORY: i32 = 5;
    /// Device memory is exhausted; the handle is intact.
    KOBENCH_E_OUT_OF_DEVICE_MEMORY => pub const E_OUT_OF_DEVICE_MEMORY: i32 = 6;
    /// The call was cancelled.
    KOBENCH_E_CANCELLED => pub const E_CANCELLED: i32 = 7;
    /// The version ranges do not meet.
    KOBENCH_E_VERSION => pub const E_VERSION: i32 = 8;
    /// The call panicked, or the handle is poisoned by an earlier one that did.
    KOBENCH_E_PANIC => pub const E_PANIC: i32 = 9;
    /// Two calls at once on one handle.
    KOBENCH_E_BUSY => pub const E_BUSY: i32 = 10;
    /// The host's buffer is too small.
    KOBENCH_E_BUFFER_TOO_SMALL => pub const E_BUFFER_TOO_SMALL: i32 = 11;
    /// A loss or gradient is NaN or infinite.
    KOBENCH_E_NOT_FINITE => pub const E_NOT_FINITE: i32 = 12;
    /// Anything else.
    KOBENCH_E_INTERNAL => pub const E_INTERNAL: i32 = 13;

    /// Log level: something failed.
    KOBENCH_LOG_ERROR => pub const LOG_ERROR: i32 = 1;
    /// Log level: something is doubtful.
    KOBENCH_LOG_WARN => pub const LOG_WARN: i32 = 2;
    /// Log level: what a user may want to see.
    KOBENCH_LOG_INFO => pub const LOG_INFO: i32 = 3;
    /// Log level: for the plugin's author.
    KOBENCH_LOG_DEBUG => pub const LOG_DEBUG: i32 = 4;

    /// One text.
    KOBENCH_EXAMPLE_TEXT => pub const EXAMPLE_TEXT: u32 = 0;
    /// Two texts.
    KOBENCH_EXAMPLE_PAIR => pub const EXAMPLE_PAIR: u32 = 1;
    /// Words.
    KOBENCH_EXAMPLE_WORDS => pub const EXAMPLE_WORDS: u32 = 2;
    /// Question and context, with windows.
    KOBENCH_EXAMPLE_QUESTION_CONTEXT => pub const EXAMPLE_QUESTION_CONTEXT: u32 = 3;
    /// Truncation: one token at a time from the longer text, ties from the second.
    KOBENCH_TRUNCATE_LONGEST_FIRST => pub const TRUNCATE_LONGEST_FIRST: u32 = 0;
    /// Truncation: an error.
    KOBENCH_TRUNCATE_NEVER => pub const TRUNCATE_NEVER: u32 = 1;
    /// Encode flag: fill in the pieces.
    KOBENCH_ENCODE_PIECES => pub const ENCODE_PIECES: u32 = 1;
    /// The word id of a special token.
    KOBENCH_NO_WORD => pub const NO_WORD: i32 = -1;
    /// Token source: the first text.
    KOBENCH_FROM_FIRST => pub const FROM_FIRST: u8 = 0;
    /// Token source: the second text.
    KOBENCH_FROM_SECOND => pub const FROM_SECOND: u8 = 1;
    /// Token source: a special token.
    KOBENCH_FROM_SPECIAL => pub const FROM_SPECIAL: u8 = 255;

    /// Head: logits for each sequence.
    KOBENCH_HEAD_SEQUENCE => pub const HEAD_SEQUENCE: u32 = 0;
    /// Head: logits for each token.
    KOBENCH_HEAD_TOKEN => pub const HEAD_TOKEN: u32 = 1;
    /// Head: a start and an end logit for each token.
    KOBENCH_HEAD_SPAN => pub const HEAD_SPAN: u32 = 2;

    /// Targets: a class for each sequence.
    KOBENCH_TARGET_CLASS => pub const TARGET_CLASS: u32 = 0;
    /// Targets: a number for each sequence.
    KOBENCH_TARGET_REAL => pub const TARGET_REAL: u32 = 1;
    /// Targets: a class for each word.
    KOBENCH_TARGET_WORD => pub const TARGET_WORD: u32 = 2;
    /// Targets: a token span for each sequence.
    KOBENCH_TARGET_SPAN => pub const TARGET_SPAN: u32 = 3;
    /// The class that gives no loss.
    KOBENCH_IGNORE_INDEX => pub const IGNORE_INDEX: i32 = -100;
    /// Step flag: add to the gradients without an update.
    KOBENCH_STEP_ACCUMULATE => pub const STEP_ACCUMULATE: u32 = 1;
    /// Save and load flag: the training state too.
    KOBENCH_STATE_TRAINING => pub const STATE_TRAINING: u32 = 1;
}
