//! What an architecture's heads look like.

use crate::ops::activation::Activation;

/// The heads of an architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadConfig {
    /// Sequence classification and regression.
    pub sequence: SequenceHeadConfig,
    /// Labels for tokens.
    pub token: RowHeadConfig,
    /// Answers in a text: two columns, start and end.
    pub span: RowHeadConfig,
}

/// One token's hidden state, dropout, (dense, activation,) dropout, linear.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceHeadConfig {
    /// The token that stands for its sequence.
    pub pick: Pick,
    /// Dropout before the dense layer.
    pub input_dropout: f32,
    /// The dense layer.
    pub dense: Option<Dense>,
    /// Dropout before the last layer.
    pub dropout: f32,
    /// Name of the last layer in a checkpoint.
    pub output: String,
    /// Whether the last layer has a bias.
    pub bias: bool,
}

/// Which token stands for its sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The first.
    First,
    /// The last whose id is not this one; where all are, the first.
    LastExcept(u32),
}

/// A dense layer with an activation.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Name in a checkpoint.
    pub name: String,
    /// Columns of its output.
    pub outputs: usize,
    /// Activation.
    pub act: Activation,
}

/// Each token's hidden state, dropout, linear.
#[derive(Debug, Clone, PartialEq)]
pub struct RowHeadConfig {
    /// Dropout before the linear layer.
    pub dropout: f32,
    /// Name of the linear layer in a checkpoint.
    pub output: String,
}
