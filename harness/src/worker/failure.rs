//! Why a request to a worker failed.

use std::process::ExitStatus;
use std::time::Duration;

/// What happened, where, and what the plugin had printed by then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{kind}{}", place(kind, stage.as_deref()))]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// The plugin call during which it happened.
    pub stage: Option<String>,
    /// The last lines that the worker's process printed.
    pub output: Vec<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FailureKind {
    /// A signal that stands for a defect of the plugin.
    #[error("crashed: {signal}")]
    Crashed {
        /// For instance `SIGSEGV`.
        signal: String,
    },
    /// A signal from outside.
    #[error("killed: {signal}{}", if signal == "SIGKILL" { " (out of memory?)" } else { "" })]
    Killed {
        /// For instance `SIGKILL`.
        signal: String,
    },
    /// The plugin ended its process.
    #[error("exited: code {code}")]
    Exited {
        /// The exit status.
        code: i32,
    },
    /// No progress for so long.
    #[error("hung: no progress for {} s", limit.as_secs_f64())]
    Hung {
        /// The limit.
        limit: Duration,
    },
    /// An error that the plugin reported.
    #[error("{message}")]
    Error {
        /// The kind.
        code: String,
        /// The message.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The worker could not be started or spoken to.
    #[error("worker: {0}")]
    Worker(String),
}

/// Where it happened. The message of an error says that itself.
fn place(kind: &FailureKind, stage: Option<&str>) -> String {
    match (kind, stage) {
        (FailureKind::Error { .. }, _) | (_, None) => String::new(),
        (_, Some(stage)) => format!(" in {stage}"),
    }
}

impl crate::hint::Hint for Failure {
    fn hint(&self) -> Option<String> {
        match &self.kind {
            FailureKind::Error { hint, .. } => hint.clone(),
            FailureKind::Hung { .. } => Some("--hang-limit SECONDS gives it longer".into()),
            FailureKind::Killed { signal } if signal == "SIGKILL" => Some(
                "the system may have run out of memory: try --batch-tokens with a smaller number"
                    .into(),
            ),
            _ => None,
        }
    }
}

/// What an exit status says about a worker that ended by itself.
pub(crate) fn of_exit(status: ExitStatus) -> FailureKind {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => FailureKind::Exited { code },
        (None, Some(number)) => {
            let signal = signal_name(number);
            // SEGV, ABRT, BUS, FPE, ILL, TRAP, SYS come from within; the others are sent.
            let within = [
                "SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS", "SIGPIPE",
            ];
            if within.contains(&signal.as_str()) {
                FailureKind::Crashed { signal }
            } else {
                FailureKind::Killed { signal }
            }
        }
        (None, None) => FailureKind::Worker("ended without a status".into()),
    }
}

/// The name of a signal on Linux.
pub fn signal_name(number: i32) -> String {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let name = usize::try_from(number).ok().and_then(|n| NAMES.get(n.checked_sub(1)?));
    name.map_or_else(|| format!("signal {number}"), |n| format!("SIG{n}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    #[test]
    fn statuses_are_named() {
        let of = |raw| of_exit(ExitStatus::from_raw(raw)).to_string();
        assert_eq!(of(11), "crashed: SIGSEGV");
        assert_eq!(of(6), "crashed: SIGABRT");
        assert_eq!(of(9), "killed: SIGKILL (out of memory?)");
        assert_eq!(of(15), "killed: SIGTERM");
        assert_eq!(of(3 << 8), "exited: code 3");
    }
}
