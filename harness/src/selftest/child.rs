//! One child process from its order to its end.

use super::protocol::{News, Order};
use crate::check::Process;
use crate::plugin::SelftestRequest;
use crate::worker::{FailureKind, frame};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// The call returned.
    Done,
    /// The call returned an error, or the library does not load.
    Failed { message: String, hint: Option<String> },
    /// The process ended, hung, or was ended because of a line that makes no sense; with what it printed last.
    Broken { why: String, printed: Option<String> },
}

impl End {
    /// What happened, in words.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Done => "the plugin's call has ended".into(),
            Self::Failed { message, .. } => message.clone(),
            Self::Broken { why, printed: None } => why.clone(),
            Self::Broken { why, printed: Some(line) } => format!("{why}; it printed: {line}"),
        }
    }
}

/// Runs a request in a child of its own. `on_line` is given each line; an error from it ends the child.
pub(super) fn run(
    library: &Path,
    request: &SelftestRequest,
    silence: Duration,
    on_line: &mut dyn FnMut(&str) -> Result<(), String>,
) -> End {
    match start(library, request, silence) {
        Ok((process, socket)) => follow(process, socket, silence, on_line),
        Err(e) => {
            End::Failed { message: format!("a process could not be started: {e}"), hint: None }
        }
    }
}

fn start(
    library: &Path,
    request: &SelftestRequest,
    silence: Duration,
) -> io::Result<(Process, UnixStream)> {
    let (mut socket, theirs) = UnixStream::pair()?;
    socket.set_read_timeout(Some(silence))?;
    let process = Process::start("--selftest", theirs)?;
    let order = Order { library: library.to_path_buf(), request: request.clone() };
    // A child that ends at once is seen by whoever follows it.
    let _ = frame::write(&mut socket, &order);
    Ok((process, socket))
}

fn follow(
    mut process: Process,
    mut socket: UnixStream,
    silence: Duration,
    on_line: &mut dyn FnMut(&str) -> Result<(), String>,
) -> End {
    let why = loop {
        match frame::read::<News>(&mut socket) {
            Ok(Some(News::Line(line))) => {
                if let Err(why) = on_line(&line) {
                    break why;
                }
            }
            Ok(Some(News::Done)) => return End::Done,
            Ok(Some(News::Failed { message, hint })) => return End::Failed { message, hint },
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                break FailureKind::Hung { limit: silence }.to_string();
            }
            Ok(None) | Err(_) => break process.ended(),
        }
    };
    End::Broken { why, printed: process.printed().pop() }
}
