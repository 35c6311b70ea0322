//! How an error of a command is shown.

use super::Exit;
use crate::hint::Hint;
use anstyle::{AnsiColor, Style};
use std::error::Error;
use std::io;

/// An error that ends a command: what happened, and what to do about it.
#[derive(Debug)]
pub(crate) struct CliError {
    error: Box<dyn Error>,
    hint: Option<String>,
}

impl<E: Error + Hint + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        let hint = error.hint();
        Self { error: error.into(), hint }
    }
}

impl CliError {
    /// An error of the command line itself.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { error: message.into().into(), hint: Some(hint.into()) }
    }

    /// Writes the error to standard error. A reader of standard output that has gone away (`| head`) is
    /// no error.
    pub(crate) fn report(&self) -> Exit {
        if self.is_closed_pipe() {
            return Exit::Done;
        }
        let red = AnsiColor::Red.on_default().bold();
        let cyan = AnsiColor::Cyan.on_default().bold();
        let mut to = anstream::stderr().lock();
        let _ = write_labelled(&mut to, "error", red, &self.error.to_string());
        let mut cause = self.error.source();
        while let Some(source) = cause {
            // A message that holds its source's already needs it no second time.
            if !self.error.to_string().contains(&source.to_string()) {
                let _ = write_labelled(&mut to, "caused by", red, &source.to_string());
            }
            cause = source.source();
        }
        if let Some(hint) = &self.hint {
            let _ = write_labelled(&mut to, "hint", cyan, hint);
        }
        Exit::Usage
    }
}

impl CliError {
    fn is_closed_pipe(&self) -> bool {
        matches!(self.error.downcast_ref::<crate::error::Error>(),
            Some(crate::error::Error::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn write_labelled(
    to: &mut impl io::Write,
    label: &str,
    style: Style,
    text: &str,
) -> io::Result<()> {
    writeln!(to, "{style}{label}{style:#}: {text}")
}
