//! The header's structs, in its order. Field docs are in the header; here stands only what Rust adds.
#![expect(
    missing_docs,
    reason = "the header documents each field; a copy here would drift from it"
)]

use crate::layout::abi_structs;
use std::ffi::c_void;

/// `kobench_str`: a view of UTF-8 text; frozen.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Str {
    pub data: *const u8,
    pub size: usize,
}

impl Str {
    /// A view of `text`, valid as long as `text` is.
    pub const fn new(text: &str) -> Self {
        Self { data: text.as_ptr(), size: text.len() }
    }

    /// No text.
    pub const EMPTY: Self = Self { data: std::ptr::null(), size: 0 };
}

/// `kobench_tokenizer`, the plugin's.
#[repr(C)]
#[derive(Debug)]
pub struct OpaqueTokenizer {
    _private: [u8; 0],
}
/// `kobench_encoded`, the plugin's.
#[repr(C)]
#[derive(Debug)]
pub struct OpaqueEncoded {
    _private: [u8; 0],
}
/// `kobench_model`, the plugin's.
#[repr(C)]
#[derive(Debug)]
pub struct OpaqueModel {
    _private: [u8; 0],
}

type TokenizerPtr = *mut OpaqueTokenizer;
type EncodedPtr = *const OpaqueEncoded;
type ModelPtr = *mut OpaqueModel;
type ErrorPtr = *mut ErrorBuffer;

abi_structs! {
    /// `kobench_error`: where a call says what went wrong.
    kobench_error => pub struct ErrorBuffer {
        pub struct_size: u32,
        pub flags: u32,
        pub message: *mut u8,
        pub capacity: usize,
        pub size: usize,
    }

    /// `kobench_sink`: where a call writes a JSON document.
    kobench_sink => pub struct Sink {
        pub struct_size: u32,
        pub flags: u32,
        pub context: *mut c_void,
        pub write: Option<unsafe extern "C" fn(context: *mut c_void, data: *const u8, size: usize) -> i32>,
    }

    /// `kobench_host`: what the host offers.
    kobench_host => pub struct Host {
        pub struct_size: u32,
        pub flags: u32,
        pub abi_minor: u32,
        pub abi_minor_oldest: u32,
        pub name: Str,
        pub version: Str,
        pub context: *mut c_void,
        pub log: Option<unsafe extern "C" fn(context: *mut c_void, level: i32, message: Str)>,
    }

    /// `kobench_example`: one row to encode.
    kobench_example => pub struct Example {
        pub struct_size: u32,
        pub flags: u32,
        pub kind: u32,
        pub reserved: u32,
        pub first: Str,
        pub second: Str,
        pub words: *const Str,
        pub n_words: usize,
    }

    /// `kobench_encode_options`.
    kobench_encode_options => pub struct EncodeOptions {
        pub struct_size: u32,
        pub flags: u32,
        pub max_seq_len: u32,
        pub truncation: u32,
        pub doc_stride: u32,
        pub max_question_len: u32,
    }

    /// `kobench_encoding_view`: packed sequences.
    kobench_encoding_view => pub struct EncodingView {
        pub struct_size: u32,
        pub flags: u32,
        pub n_sequences: u64,
        pub n_tokens: u64,
        pub cu_seqlens: *const u64,
        pub input_ids: *const u32,
        pub token_type_ids: *const u8,
        pub token_source: *const u8,
        pub word_ids: *const i32,
        pub offset_start: *const u32,
        pub offset_end: *const u32,
        pub example: *const u32,
        pub window: *const u32,
        pub n_truncated: *const u32,
        pub n_unknown: *const u32,
        pub pieces: *const Str,
    }

    /// `kobench_logits`: the host's buffer for a forward call.
    kobench_logits => pub struct Logits {
        pub struct_size: u32,
        pub flags: u32,
        pub values: *mut f32,
        pub capacity: usize,
        pub rows: u64,
        pub width: u32,
        pub reserved: u32,
    }

    /// `kobench_targets`: what a training step should have predicted.
    kobench_targets => pub struct Targets {
        pub struct_size: u32,
        pub flags: u32,
        pub kind: u32,
        pub reserved: u32,
        pub classes: *const i32,
        pub reals: *const f32,
        pub cu_words: *const u64,
        pub starts: *const u32,
        pub ends: *const u32,
    }

    /// `kobench_step`: one optimiser step, in and out.
    kobench_step => pub struct Step {
        pub struct_size: u32,
        pub flags: u32,
        pub learning_rate: f64,
        pub loss_scale: f64,
        pub loss: f64,
        pub grad_norm: f64,
    }

    /// `kobench_plugin`: the calls of a plugin.
    kobench_plugin => pub struct PluginVtable {
        pub struct_size: u32,
        pub flags: u32,
        pub abi_minor: u32,
        pub abi_minor_oldest: u32,
        pub describe: Option<unsafe extern "C" fn(*const Sink, ErrorPtr) -> i32>,
        pub tokenizer_open: Option<unsafe extern "C" fn(Str, *mut TokenizerPtr, ErrorPtr) -> i32>,
        pub tokenizer_encode: Option<
            unsafe extern "C" fn(
                TokenizerPtr,
                *const Example,
                usize,
                *const EncodeOptions,
                *mut EncodedPtr,
                ErrorPtr,
            ) -> i32,
        >,
        pub encoded_view: Option<unsafe extern "C" fn(EncodedPtr, *mut EncodingView, ErrorPtr) -> i32>,
        pub encoded_free: Option<unsafe extern "C" fn(EncodedPtr)>,
        pub tokenizer_close: Option<unsafe extern "C" fn(TokenizerPtr)>,
        pub model_open: Option<unsafe extern "C" fn(Str, *mut ModelPtr, ErrorPtr) -> i32>,
        pub model_forward: Option<
            unsafe extern "C" fn(ModelPtr, EncodedPtr, *const u64, usize, u32, *mut Logits, ErrorPtr) -> i32,
        >,
        pub model_close: Option<unsafe extern "C" fn(ModelPtr)>,
        pub model_stats: Option<unsafe extern "C" fn(ModelPtr, *const Sink, ErrorPtr) -> i32>,
        pub model_cancel: Option<unsafe extern "C" fn(ModelPtr)>,
        pub model_seed: Option<unsafe extern "C" fn(ModelPtr, u64, ErrorPtr) -> i32>,
        pub train_begin: Option<unsafe extern "C" fn(ModelPtr, Str, ErrorPtr) -> i32>,
        pub train_step: Option<
            unsafe extern "C" fn(
                ModelPtr,
                EncodedPtr,
                *const u64,
                usize,
                u32,
                *const Targets,
                *mut Step,
                ErrorPtr,
            ) -> i32,
        >,
        pub train_end: Option<unsafe extern "C" fn(ModelPtr, ErrorPtr) -> i32>,
        pub model_save: Option<unsafe extern "C" fn(ModelPtr, Str, u32, ErrorPtr) -> i32>,
        pub model_load: Option<unsafe extern "C" fn(ModelPtr, Str, u32, ErrorPtr) -> i32>,
        pub selftest: Option<unsafe extern "C" fn(Str, *const Sink, ErrorPtr) -> i32>,
    }
}
