//! The vendor's analyser, a C library.
//!
//! What it exports, by the vendor's Python wrapper: `MorAn16_open_dbs()`; `Moran4dnlp(input, output,
//! capacity)`, which returns the morphemes of a UTF-8 text with spaces between them; `MorAn_close_dbs()`. A
//! morpheme that continues the word before it begins with `~~`.
#![expect(unsafe_code, reason = "calls of the vendor's C library")]

use std::ffi::{CStr, CString, c_char, c_int};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use kobench_plugin_sdk::{Error, Result};
use libloading::Library;

/// Bytes of the buffers that the vendor's wrapper hands over.
const CAPACITY: usize = 102_400;

/// Bytes of text for one call. Marks and restored forms make the output longer than the text, and a cut
/// output would lose words without a sign.
const AT_ONCE: usize = CAPACITY / 4;

type OpenDbs = unsafe extern "C" fn() -> c_int;
type CloseDbs = unsafe extern "C" fn() -> c_int;
type Analyse = unsafe extern "C" fn(*const c_char, *mut c_char, c_int) -> *const c_char;

/// The loaded analyser. It is not known to be safe for threads, so one call runs at a time.
#[derive(Debug)]
pub(crate) struct Moran {
    analyse: Analyse,
    close: CloseDbs,
    output: Mutex<Vec<u8>>,
    /// Keeps the code in memory; never used again.
    _library: Library,
}

impl Moran {
    /// Loads the library and opens its databases.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let missing =
            |what: &str| Error::bad_data(format!("{}: {what}; {}", path.display(), super::ADVICE));
        if !path.is_file() {
            return Err(Error::not_found(format!(
                "{}: no such file; {}",
                path.display(),
                super::ADVICE
            )));
        }
        // SAFETY: loading runs the library's initialisers; the user names the vendor's analyser, which
        // is meant to be loaded so.
        let library = unsafe { Library::new(path) }
            .map_err(|e| missing(&format!("not a library that can be loaded ({e})")))?;
        let no_symbol = |e| missing(&format!("not the vendor's analyser ({e})"));
        // SAFETY: the types are those of the vendor's own wrapper, and the pointers are used only while
        // `_library` keeps the code loaded.
        let (open, analyse, close) = unsafe {
            (
                *library.get::<OpenDbs>(b"MorAn16_open_dbs\0").map_err(no_symbol)?,
                *library.get::<Analyse>(b"Moran4dnlp\0").map_err(no_symbol)?,
                *library.get::<CloseDbs>(b"MorAn_close_dbs\0").map_err(no_symbol)?,
            )
        };
        // SAFETY: takes nothing; what it returns is not documented and not looked at.
        unsafe { open() };
        Ok(Self { analyse, close, output: Mutex::new(vec![0; CAPACITY]), _library: library })
    }

    /// The morphemes of a text without control characters, appended to `out`.
    ///
    /// A text whose morphemes might not fit into the analyser's buffer is cut at spaces.
    pub(crate) fn morphemes(&self, text: &str, out: &mut Vec<String>) {
        let mut rest = text;
        while !rest.is_empty() {
            let cut = match rest.len() <= AT_ONCE {
                true => rest.len(),
                false => cut_before(rest, AT_ONCE),
            };
            let (now, later) = rest.split_at(cut);
            rest = later;
            // The text has no NUL: cleaning removed control characters.
            let Ok(input) = CString::new(now) else { continue };
            let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            output[0] = 0;
            // SAFETY: `input` ends with NUL; the output buffer has the capacity that is passed; the lock
            // keeps other calls away.
            let result = unsafe {
                (self.analyse)(input.as_ptr(), output.as_mut_ptr().cast(), CAPACITY as c_int)
            };
            if result.is_null() {
                continue;
            }
            // SAFETY: the analyser returns a string that ends with NUL and stays valid until its next
            // call, which the lock holds off.
            let found = unsafe { CStr::from_ptr(result) }.to_string_lossy();
            out.extend(found.split_whitespace().map(str::to_owned));
        }
    }
}

impl Drop for Moran {
    fn drop(&mut self) {
        // SAFETY: the databases were opened in `load`, and no call is running any more.
        unsafe { (self.close)() };
    }
}

/// The last space at or before byte `limit`, or, in a text without one, the last character boundary.
fn cut_before(text: &str, limit: usize) -> usize {
    let limit = text.floor_char_boundary(limit);
    match text[..limit].rfind(' ') {
        Some(at) if at > 0 => at,
        _ => limit,
    }
}
