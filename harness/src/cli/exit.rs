//! Exit codes, in one place: scripts and CI act on them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, and the verdict, where there is one, is good.
    Done = 0,
    /// 1: done, and the verdict is bad: a cell failed, a check found something.
    Bad = 1,
    /// 2: wrong usage, or something that is needed is missing or broken.
    Usage = 2,
    /// 3: under `--strict`, the data are too few to say.
    Inconclusive = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// Done or bad.
    pub(crate) fn of_verdict(good: bool) -> Self {
        if good { Self::Done } else { Self::Bad }
    }
}
