//! Handles: what keeps two calls from meeting and a panic from being forgotten.

use crate::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, Once, TryLockError};

/// A tokeniser or model behind an opaque pointer.
///
/// The mutex gives both of the rules that it must keep: a second call at once finds it locked, and a
/// panic inside a call poisons it for all later ones.
#[derive(Debug)]
pub(crate) struct Handle<T> {
    value: Mutex<T>,
    pub(crate) cancelled: AtomicBool,
}

impl<T> Handle<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), cancelled: AtomicBool::new(false) }
    }

    /// Runs a call on the value; a panic becomes an error here, and poisons the handle.
    pub(crate) fn call<R>(&self, f: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        guarded(|| match self.value.try_lock() {
            Ok(mut value) => f(&mut value),
            Err(TryLockError::WouldBlock) => Err(Error::busy(
                "two calls at once on one handle; open a second handle to work in parallel",
            )),
            Err(TryLockError::Poisoned(_)) => Err(Error::panic(
                "an earlier call on this handle panicked; close it and open a new one",
            )),
        })
    }
}

/// Where the last panic of any of the plugin's threads happened, and what it said.
static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Makes panics leave their message and place for [`guarded`] instead of printing them. The hook is the
/// plugin library's own (each has its own copy of the standard library), not the host's.
pub(crate) fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let text = info.payload_as_str().unwrap_or("a value that is no text");
            let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line()));
            if let Ok(mut last) = LAST_PANIC.lock() {
                *last = Some(format!("{text}{}", place.unwrap_or_default()));
            }
        }));
    });
}

/// Runs `f`; a panic becomes an error that says what and where.
pub(crate) fn guarded<R>(f: impl FnOnce() -> Result<R>) -> Result<R> {
    // Unwind safety: what the closure touches is either the caller's out-parameters, which the caller
    // ignores after an error, or behind the handle's mutex, which is poisoned.
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let noted = LAST_PANIC.lock().ok().and_then(|mut last| last.take());
        let text = noted
            .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".into());
        // A payload whose own drop panics must not unwind out of here.
        std::mem::forget(payload);
        Err(Error::panic(format!("the plugin panicked: {text}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_panic_becomes_an_error_and_poisons_the_handle() {
        install_panic_hook();
        let handle = Handle::new(1);
        let error = handle.call::<()>(|_| panic!("weights of clay")).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Panic);
        assert!(error.message.contains("weights of clay"), "{error}");
        assert!(error.message.contains("handle.rs:"), "{error}");
        let later = handle.call(|v| Ok(*v)).unwrap_err();
        assert_eq!(later.kind, ErrorKind::Panic);
        assert!(later.message.contains("earlier call"), "{later}");
    }

    #[test]
    fn an_error_does_not_poison() {
        let handle = Handle::new(1);
        handle.call::<()>(|_| Err(Error::invalid_argument("no"))).unwrap_err();
        assert_eq!(handle.call(|v| Ok(*v)).unwrap(), 1);
    }

    #[test]
    fn a_second_call_at_once_is_refused() {
        let handle = Handle::new(());
        let inner = handle.call(|()| Ok(handle.call(|()| Ok(())).unwrap_err().kind)).unwrap();
        assert_eq!(inner, ErrorKind::Busy);
    }
}
