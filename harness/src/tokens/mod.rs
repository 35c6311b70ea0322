//! What a model's tokeniser makes of a data set: lengths, cuts, unknown tokens, and for questions the best
//! that any model with this tokeniser can do.
//!
//! ```ignore
//! let tokenizer = ModelTokenizer::resolve(&catalog, "kcbert-base", checkpoint, &options)?;
//! let audit: TokenAudit = audit(&tokenizer, &task, &dataset, None)?;
//! ```
//!
//! The tokeniser runs in a worker process of its own, as it does in a run; no model is opened, so that a
//! checkpoint without weights will do. [`TokenAudit`] is `Serialize`; shares and scores are fractions.

mod audit;
mod error;
mod lengths;
mod oracle;
mod tokenizer;

pub use audit::{EntityAudit, QuestionAudit, TokenAudit, WordAudit, audit};
pub use error::AuditError;
pub use lengths::Lengths;
pub use oracle::{OracleRow, Question, oracle};
pub use tokenizer::ModelTokenizer;
