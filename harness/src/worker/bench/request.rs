//! What harness and worker say to each other of a measurement of speed.

use super::super::protocol::{Encoding, Evaluated, RowInput};
use crate::plugin::Head;
use serde::{Deserialize, Serialize};

/// Rows that queries are drawn from, and how they go through the open model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchRows {
    /// The rows; all of one kind.
    pub examples: Vec<RowInput>,
    /// The head, which the model was opened with.
    pub head: Head,
    /// How rows become sequences.
    pub encoding: Encoding,
    /// Tokens a batch; a sequence that is longer makes a batch of its own.
    pub batch_tokens: u64,
    /// Whether, offline, the next rows are tokenised while the model computes: where a GPU does that.
    pub overlap: bool,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchRequest {
    /// How queries come.
    pub traffic: Traffic,
    /// How many at least.
    pub queries: u64,
    /// How long at least, in seconds; queries are added until then. Not of a server's, which are all drawn before.
    pub min_seconds: f64,
    /// What the order of the rows, and the times of arrival, follow from.
    pub seed: u64,
    /// Its number: other rows come first in each.
    pub repetition: u64,
    /// Whether the logits are sent home, which costs time: for audits.
    pub send_logits: bool,
}

/// How queries come. A query is one row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Traffic {
    /// All at once, to be answered in batches of any order.
    Offline,
    /// The next one when the last one is answered.
    SingleStream,
    /// At random: the times between arrivals are independent and exponential.
    Server {
        /// Queries a second on average.
        rate: f64,
    },
}

/// What a measurement came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Benched {
    /// Queries that were answered.
    pub queries: u64,
    /// How often the rows were gone through; 1 where none came twice.
    pub times_through: u64,
    /// What they took together. `total_seconds` are from the first query to the last answer.
    pub done: Evaluated,
    /// Seconds from each query to its answer, in the order of the queries; empty offline.
    pub latencies: Vec<f32>,
}
