//! Loading a plugin library and agreeing on a version with it.
#![expect(unsafe_code, reason = "loads and calls foreign code")]

use super::error::{CallError, PluginError};
use super::handles::{Model, Tokenizer};
use super::host::{collect, host};
use super::{Description, ModelRequest, TokenizerRequest};
use kobench_plugin_abi::{
    self as abi, AbiStruct as _, ENTRY_SYMBOL, EntryFn, PluginVtable, ranges_meet,
};
use std::mem::offset_of;
use std::path::{Path, PathBuf};

/// A loaded plugin. It stays loaded until the process ends.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    vtable: &'static PluginVtable,
}

impl Library {
    /// Loads the library, finds its entry point, and checks that the versions meet.
    ///
    /// # Errors
    /// See [`PluginError`].
    pub fn load(path: &Path) -> Result<Self, PluginError> {
        let owned = path.to_path_buf();
        if !path.is_file() {
            return Err(PluginError::Missing { path: owned });
        }
        // An absolute path: a bare name would be searched for in the system's folders.
        let absolute = std::path::absolute(path).unwrap_or_else(|_| owned.clone());
        // SAFETY: loading runs the library's initialisers, which is what a plugin is trusted with, in a
        // process of its own.
        let library = unsafe { libloading::Library::new(&absolute) }.map_err(|e| {
            PluginError::NotALibrary { path: owned.clone(), reason: linker_message(&e, &absolute) }
        })?;
        // Libraries are never unloaded (header, rule "Lifetime").
        let library: &'static libloading::Library = Box::leak(Box::new(library));
        // SAFETY: the symbol's type is what the header says.
        let entry = match unsafe { library.get::<EntryFn>(ENTRY_SYMBOL) } {
            Ok(symbol) => *symbol,
            Err(_) => return Err(other_major(library, owned)),
        };
        let mut vtable = PluginVtable::zeroed();
        // SAFETY: both structs are valid and state their sizes.
        let status = unsafe { entry(host(), &raw mut vtable) };
        check(status, &vtable, &owned)?;
        // A plugin of 1.0 has no such field, and whatever lies there is not its word.
        if (vtable.struct_size as usize) < offset_of!(PluginVtable, selftest) + size_of::<usize>() {
            vtable.selftest = None;
        }
        Ok(Self { path: owned, vtable: Box::leak(Box::new(vtable)) })
    }

    /// Where it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The plugin's calls.
    pub(crate) fn vtable(&self) -> &'static PluginVtable {
        self.vtable
    }

    /// What the plugin says about itself.
    ///
    /// # Errors
    /// If the call fails or the document is not what the schema says.
    pub fn describe(&self) -> Result<Description, PluginError> {
        let bad = |reason: String| PluginError::BadDescription { path: self.path.clone(), reason };
        let describe = self.vtable.describe.ok_or_else(|| bad("there is none".into()))?;
        // SAFETY: a required call of a checked plugin, with valid arguments.
        let json = collect("describe", |sink, error| unsafe { describe(sink, error) })
            .map_err(|e| bad(e.to_string()))?;
        serde_json::from_str(&json)
            .map_err(|e| bad(format!("{e}; it was: {}", crate::text::shorten(&json, 200))))
    }

    /// Opens a tokeniser.
    ///
    /// # Errors
    /// The plugin's.
    pub fn open_tokenizer(&self, request: &TokenizerRequest) -> Result<Tokenizer, CallError> {
        Tokenizer::open(self, request)
    }

    /// Opens a model.
    ///
    /// # Errors
    /// The plugin's.
    pub fn open_model(&self, request: &ModelRequest) -> Result<Model, CallError> {
        Model::open(self, request)
    }
}

/// The linker's message without the path, which the error names already.
fn linker_message(error: &libloading::Error, path: &Path) -> String {
    use std::error::Error as _;
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    text.trim_start_matches(&*path.to_string_lossy()).trim_start_matches([':', ' ']).to_string()
}

/// A library without our entry point: a plugin of another major version, or no plugin at all.
fn other_major(library: &libloading::Library, path: PathBuf) -> PluginError {
    let exported = |major: u32| {
        let symbol = format!("kobench_plugin_entry_v{major}\0");
        // SAFETY: the symbol is only looked for, never called.
        unsafe { library.get::<unsafe extern "C" fn()>(symbol.as_bytes()) }.is_ok()
    };
    match (0..100).filter(|&m| m != abi::ABI_MAJOR).find(|&m| exported(m)) {
        Some(found) => PluginError::OtherMajor { path, found },
        None => PluginError::NoEntry { path },
    }
}

/// The handshake: what the entry point answered.
fn check(status: i32, vtable: &PluginVtable, path: &Path) -> Result<(), PluginError> {
    let path = path.to_path_buf();
    let (minor, oldest) = (vtable.abi_minor, vtable.abi_minor_oldest);
    let host = (abi::ABI_MINOR, abi::ABI_MINOR_OLDEST);
    if status == abi::E_VERSION || (status == abi::OK && !ranges_meet(host, (minor, oldest))) {
        return Err(PluginError::OtherMinor { path, minor, oldest });
    }
    if status != abi::OK {
        return Err(PluginError::BadEntry {
            path,
            reason: format!("the entry point answered with {}", super::error::status_name(status)),
        });
    }
    let required = [
        ("describe", vtable.describe.is_some()),
        ("tokenizer_open", vtable.tokenizer_open.is_some()),
        ("tokenizer_encode", vtable.tokenizer_encode.is_some()),
        ("encoded_view", vtable.encoded_view.is_some()),
        ("encoded_free", vtable.encoded_free.is_some()),
        ("tokenizer_close", vtable.tokenizer_close.is_some()),
        ("model_open", vtable.model_open.is_some()),
        ("model_forward", vtable.model_forward.is_some()),
        ("model_close", vtable.model_close.is_some()),
    ];
    let missing: Vec<_> =
        required.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(PluginError::BadEntry {
        path,
        reason: format!("required calls are NULL: {}", missing.join(", ")),
    })
}
