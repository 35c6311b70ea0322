//! A child process that runs checks, and what becomes of it.

use crate::worker::of_exit;
use crate::worker::output::Output;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process of this program that runs checks of a plugin. It does not outlive this.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    output: Output,
}

impl Process {
    /// Starts `kobench worker FLAG` with a socket to this process.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub(crate) fn start(flag: &str, socket: UnixStream) -> std::io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["worker", flag])
            .arg(std::process::id().to_string())
            .stdin(Stdio::from(OwnedFd::from(socket)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that what a plugin starts can be ended with it.
            .process_group(0)
            .spawn()?;
        let output = Output::default();
        if let Some(stream) = child.stdout.take() {
            output.follow(stream, |_| {});
        }
        if let Some(stream) = child.stderr.take() {
            output.follow(stream, |_| {});
        }
        Ok(Self { child, output })
    }

    /// The last lines that it printed since this was asked last.
    pub(crate) fn printed(&self) -> Vec<String> {
        self.output.take()
    }

    /// How it ended. Its socket is closed, so that it has ended or is about to.
    pub(crate) fn ended(&mut self) -> String {
        for _ in 0..500 {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.output.settle();
                return of_exit(status).to_string();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        "closed its socket and went on".into()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
