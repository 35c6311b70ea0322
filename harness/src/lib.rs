//! Benchmark harness for Korean language models.

pub mod cli {
    //! The commands.
    pub mod leaderboard;
    pub mod score;
    pub mod shared;
    pub mod task;
}
pub mod data;
pub mod digest;
pub mod error;
pub mod hint;
pub mod metrics;
pub mod record;
pub mod report;
pub mod score;
pub mod stats;
pub mod suggest;
pub mod task;
