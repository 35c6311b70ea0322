//! What a training step is given and what it answers.

/// Typed targets of a training step, for the sequences of the batch in its order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Targets<'a> {
    /// A class for each sequence; -100 gives no loss.
    Class(&'a [i32]),
    /// A number for each sequence.
    Real(&'a [f32]),
    /// A class for each word: those of sequence `i` are `classes[cu_words[i]..cu_words[i + 1]]`, by word
    /// id. The first token of a word carries its label.
    Word {
        /// The classes; -100 gives no loss.
        classes: &'a [i32],
        /// Offsets into `classes`, one more than there are sequences.
        cu_words: &'a [u64],
    },
    /// The first and last token of the answer, as positions within each sequence.
    Span {
        /// The first token.
        starts: &'a [u32],
        /// The last token, inclusive.
        ends: &'a [u32],
    },
}

/// What the host says about a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepArguments {
    /// The learning rate of this step; the schedule is the host's.
    pub learning_rate: f64,
    /// A factor on the loss: one over the number of accumulated steps.
    pub loss_scale: f64,
    /// Whether to add to the gradients without an update yet.
    pub accumulate: bool,
}

/// What a step answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOutcome {
    /// The loss, before scaling.
    pub loss: f64,
    /// The global norm of the gradients before clipping; NaN while accumulating.
    pub grad_norm: f64,
}
