//! Does a model answer alike however it is asked, and does it answer at all when it is measured? `kobench audit`, after
//! MLPerf's compliance tests: TEST01 (answers while performance is measured are those of an evaluation) and TEST04
//! (answers are not remembered).
//!
//! The same rows are answered in several ways: in batches of one and of all, in another order, with other threads, on
//! another device, twice, and in each scenario of `kobench bench`. Logits are compared, not labels, for a label hides a
//! difference until it is large.

mod answers;
mod caching;
mod checks;
mod execute;
mod outcome;
mod session;
mod tolerance;

pub use execute::{Auditor, Failed};
pub use outcome::{AUDIT_VERSION, Audit, Check, Outcome};
pub use tolerance::{CACHING_FACTOR, tolerance};
