//! What a kobench model plugin is written against: one trait, [`Plugin`], and one macro,
//! [`export_plugin!`].
//!
//! ```
//! use kobench_plugin_sdk::{self as sdk, *};
//!
//! /// Gives every text the logits (0, 1).
//! struct Constant;
//!
//! impl Plugin for Constant {
//!     type Tokenizer = ();
//!     type Model = ();
//!
//!     fn describe() -> Description {
//!         Description::new("constant", "0.1.0").variant(Variant::new("constant", "none"))
//!     }
//!     fn open_tokenizer(_: TokenizerRequest) -> sdk::Result<()> {
//!         Ok(())
//!     }
//!     fn encode(_: &mut (), examples: &[Example<'_>], _: &EncodeOptions) -> sdk::Result<Encoded> {
//!         let mut encoded = Encoded::default();
//!         for (i, _) in examples.iter().enumerate() {
//!             encoded.push_token(Token::special(2));
//!             encoded.finish_sequence(i, 0, 0, 0);
//!         }
//!         Ok(encoded)
//!     }
//!     fn open_model(_: ModelRequest) -> sdk::Result<()> {
//!         Ok(())
//!     }
//!     fn forward(_: &mut (), batch: &Batch<'_>, _: Head, out: &mut Logits<'_>) -> sdk::Result<()> {
//!         for row in out.rows(batch.len(), 2)?.chunks_mut(2) {
//!             row.copy_from_slice(&[0.0, 1.0]);
//!         }
//!         Ok(())
//!     }
//! }
//! export_plugin!(Constant);
//! ```
//!
//! The macro exports `kobench_plugin_entry_v1` (see `kobench_plugin.h` for the rules of the interface)
//! and keeps the plugin's side of them: a panic is caught at the border and poisons its handle, two
//! calls at once on one handle are refused, texts are checked to be UTF-8, sizes of structs are
//! honoured, and errors become a status code and a message.

#[cfg(panic = "abort")]
compile_error!(
    "a kobench plugin must be built with panic = \"unwind\": with \"abort\" a panic would end the worker \
     process instead of one call; remove `panic = \"abort\"` from the profile"
);

mod batch;
mod description;
mod encoded;
mod error;
mod ffi;
mod handle;
pub mod log;
mod plugin;
mod request;
mod selftest;
mod train;

pub use batch::{Batch, Cancel, Logits};
pub use description::{Description, OptionDescription, Variant};
pub use encoded::{Encoded, Source, Token};
pub use error::{Error, ErrorKind, Result};
pub use plugin::Plugin;
pub use request::{
    Context, EncodeOptions, Example, Head, ModelRequest, TokenizerRequest, Truncation,
};
pub use selftest::{
    CheckId, CheckLine, CheckOutcome, SelftestLines, SelftestRequest, SpeedLine, SpeedRequest,
};
pub use train::{StepArguments, StepOutcome, Targets};

#[doc(hidden)]
pub mod private {
    //! What [`export_plugin!`](crate::export_plugin) expands to; not for use by hand.
    pub use crate::ffi::entry;
    pub use kobench_plugin_abi::{Host, PluginVtable};
}

/// Exports a type that implements [`Plugin`] as this library's plugin. Once for each library.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty) => {
        /// The plugin's entry point (`kobench_plugin.h`).
        ///
        /// # Safety
        /// `host` and `out` are what the header says: valid, with truthful sizes.
        #[expect(unsafe_code, reason = "the one exported symbol of a plugin")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn kobench_plugin_entry_v1(
            host: *const $crate::private::Host,
            out: *mut $crate::private::PluginVtable,
        ) -> i32 {
            // SAFETY: passed on as they came; the header's rules are the caller's promise.
            unsafe { $crate::private::entry::<$plugin>(host, out) }
        }
    };
}
