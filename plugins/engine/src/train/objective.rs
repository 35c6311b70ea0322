//! Targets of a batch, and the loss of its logits against them.

use crate::batch::PackedBatch;
use crate::error::{EngineError, Result};
use crate::ops::loss::{self, CrossEntropy, Focal, IGNORE};

/// A loss with its constants.
#[derive(Debug, Clone, PartialEq)]
pub enum Loss {
    /// Cross-entropy.
    CrossEntropy {
        /// A factor for each class.
        class_weights: Option<Vec<f32>>,
        /// The part of each target that is spread over all classes.
        label_smoothing: f64,
    },
    /// Mean squared error.
    Mse,
    /// Focal loss.
    Focal(Focal),
}

impl Loss {
    /// Cross-entropy without weights or smoothing.
    pub const PLAIN: Self = Self::CrossEntropy { class_weights: None, label_smoothing: 0.0 };

    fn name(&self) -> &'static str {
        match self {
            Self::CrossEntropy { .. } => "cross_entropy",
            Self::Mse => "mse",
            Self::Focal(_) => "focal",
        }
    }
}

/// What the logits of a batch should have been.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// A class for each row of logits, or [`IGNORE`].
    Classes(Vec<i64>),
    /// A number for each sequence.
    Reals(Vec<f32>),
    /// Start and end of the answer, as positions within each sequence.
    Spans {
        /// First tokens.
        starts: Vec<u32>,
        /// Last tokens, inclusive.
        ends: Vec<u32>,
    },
}

/// Targets that were checked, with the loss that fits them.
#[derive(Debug)]
pub(crate) struct Objective<'a> {
    loss: &'a Loss,
    targets: &'a Targets,
}

impl<'a> Objective<'a> {
    /// Checks that `targets` fit a batch with `rows` rows of `width` logits, and picks the loss for them
    /// where none was chosen.
    ///
    /// # Errors
    /// [`EngineError::Input`] for another number of targets, classes that the model does not have, numbers
    /// that are not finite, positions outside their sequence, and a loss that does not take such targets.
    pub(crate) fn new(
        chosen: Option<&'a Loss>,
        targets: &'a Targets,
        batch: &PackedBatch,
        (rows, width): (usize, usize),
    ) -> Result<Self> {
        let input = |message: String| Err(EngineError::Input(message));
        let default = match targets {
            Targets::Reals(_) => &Loss::Mse,
            Targets::Classes(_) | Targets::Spans { .. } => &Loss::PLAIN,
        };
        let loss = chosen.unwrap_or(default);
        let given = match targets {
            Targets::Classes(classes) => classes.len(),
            Targets::Reals(reals) => reals.len(),
            Targets::Spans { starts, .. } => starts.len(),
        };
        let needed = if matches!(targets, Targets::Classes(_)) { rows } else { batch.sequences() };
        if given != needed {
            return input(format!("{given} targets for {needed} rows of logits"));
        }
        match (targets, loss) {
            (Targets::Classes(classes), Loss::CrossEntropy { .. } | Loss::Focal(_)) => {
                let is_class = |t: i64| usize::try_from(t).is_ok_and(|class| class < width);
                if let Some(bad) = classes.iter().find(|&&t| t != IGNORE && !is_class(t)) {
                    return input(format!(
                        "target {bad} is not a class: the model has {width} labels (0 to {})",
                        width - 1
                    ));
                }
            }
            (Targets::Reals(reals), Loss::Mse) => {
                if width != 1 {
                    return input(format!(
                        "real targets need a model with 1 output, but this one has {width} labels; open \
                         it with \"num_labels\": 1"
                    ));
                }
                if let Some(at) = reals.iter().position(|t| !t.is_finite()) {
                    return input(format!("target {at} of the batch is {}", reals[at]));
                }
            }
            (
                Targets::Spans { starts, ends },
                Loss::CrossEntropy { class_weights: None, label_smoothing: 0.0 },
            ) => {
                let lengths = batch.cu_seqlens().windows(2).map(|s| s[1] - s[0]);
                for (at, (length, (&start, &end))) in
                    lengths.zip(starts.iter().zip(ends)).enumerate()
                {
                    if start >= length || end >= length {
                        return input(format!(
                            "the answer of sequence {at} of the batch is tokens {start} to {end}, but the \
                             sequence has {length} tokens; leave windows without the answer to its \
                             first token"
                        ));
                    }
                }
            }
            (Targets::Spans { .. }, Loss::CrossEntropy { .. }) => {
                return input(
                    "span targets take cross_entropy without class_weights and label_smoothing"
                        .into(),
                );
            }
            (_, loss) => {
                let (kind, fitting) = match targets {
                    Targets::Classes(_) => ("classes", "cross_entropy or focal"),
                    Targets::Reals(_) => ("real numbers", "mse"),
                    Targets::Spans { .. } => ("spans", "cross_entropy"),
                };
                return input(format!(
                    "the loss {} does not take targets that are {kind}; begin training with {fitting}",
                    loss.name()
                ));
            }
        }
        Ok(Self { loss, targets })
    }

    /// Whether any target counts.
    pub(crate) fn counts(&self) -> bool {
        match self.targets {
            Targets::Classes(classes) => classes.iter().any(|&t| t != IGNORE),
            Targets::Reals(reals) => !reals.is_empty(),
            Targets::Spans { starts, .. } => !starts.is_empty(),
        }
    }

    /// The mean loss; its gradient goes to `dlogits`.
    pub(crate) fn evaluate(&self, batch: &PackedBatch, logits: &[f32], dlogits: &mut [f32]) -> f64 {
        match (self.targets, self.loss) {
            (Targets::Classes(classes), Loss::Focal(focal)) => focal.mean(logits, classes, dlogits),
            (Targets::Classes(classes), Loss::CrossEntropy { class_weights, label_smoothing }) => {
                let own = CrossEntropy {
                    class_weights: class_weights.as_deref(),
                    label_smoothing: *label_smoothing,
                };
                own.mean(logits, classes, dlogits)
            }
            (Targets::Spans { starts, ends }, _) => {
                loss::span(logits, batch.cu_seqlens(), starts, ends, dlogits)
            }
            (Targets::Reals(reals), _) => loss::mse(logits, reals, dlogits),
            (Targets::Classes(_), Loss::Mse) => unreachable!("refused by `Objective::new`"),
        }
    }
}

/// Losses on a device.
#[cfg(feature = "cuda")]
mod device {
    use kobench_cuda::Gpu;
    use kobench_cuda::ops::gradient::StepMemory;
    use kobench_cuda::ops::loss::{self, CrossEntropy};

    use super::{Loss, Objective, Targets};
    use crate::buffer::Buffer;
    use crate::context::Context;
    use crate::error::Result;
    use crate::ops::loss::{Focal, FocalMean, FocalReading};
    use crate::stage::{List, Stage};

    /// A start or end of an answer that takes no part.
    const NONE: u32 = u32::MAX;

    impl Objective<'_> {
        /// Collects the targets, padded to so many rows of logits and sequences.
        pub(crate) fn stage(&self, rows: usize, sequences: usize, stage: &mut Stage) {
            match self.targets {
                Targets::Classes(classes) => {
                    stage.push(List::Targets, loss::class_targets(classes, rows));
                }
                Targets::Reals(reals) => {
                    let padded = loss::real_targets(reals, sequences);
                    stage.push(List::Targets, padded.into_iter().map(f32::to_bits).collect());
                }
                Targets::Spans { starts, ends } => {
                    let padded = |all: &[u32]| {
                        all.iter().copied().chain(std::iter::repeat(NONE)).take(sequences).collect()
                    };
                    stage.push(List::AnswerStarts, padded(starts));
                    stage.push(List::AnswerEnds, padded(ends));
                }
            }
            if let Loss::CrossEntropy { class_weights: Some(weights), .. } = self.loss {
                stage.push(List::ClassWeights, weights.iter().map(|w| w.to_bits()).collect());
            }
        }

        /// Writes the gradient of the mean loss times the step's scale to `dlogits`; the mean itself is in `memory`.
        pub(crate) fn launch(
            &self,
            gpu: &Gpu,
            ctx: &Context,
            logits: &Buffer,
            dlogits: &mut Buffer,
            memory: &StepMemory,
        ) -> Result<()> {
            let (logits, dlogits) = (logits.device()?, dlogits.device_mut()?);
            let list = |list| ctx.staged.ids(list);
            match (self.targets, self.loss) {
                (Targets::Classes(_), Loss::Focal(focal)) => {
                    let targets = list(List::Targets)?;
                    device_focal(focal).mean(gpu, logits, targets, dlogits, memory)?;
                }
                (Targets::Classes(_), Loss::CrossEntropy { class_weights, label_smoothing }) => {
                    let class_weights = match class_weights {
                        Some(_) => Some(list(List::ClassWeights)?.as_f32()),
                        None => None,
                    };
                    let own = CrossEntropy { class_weights, label_smoothing: *label_smoothing };
                    own.mean(gpu, logits, list(List::Targets)?, dlogits, memory)?;
                }
                (Targets::Spans { .. }, _) => {
                    let answers = (list(List::AnswerStarts)?, list(List::AnswerEnds)?);
                    loss::span(gpu, logits, list(List::CuSeqlens)?, answers, dlogits, memory)?;
                }
                (Targets::Reals(_), _) => {
                    loss::mse(gpu, logits, list(List::Targets)?.as_f32(), dlogits, memory)?;
                }
                (Targets::Classes(_), Loss::Mse) => unreachable!("refused by `Objective::new`"),
            }
            Ok(())
        }
    }

    fn device_focal(focal: &Focal) -> loss::Focal {
        let reading = match focal.reading {
            FocalReading::Softmax => loss::FocalReading::Softmax,
            FocalReading::Sigmoid => loss::FocalReading::Sigmoid,
        };
        let Focal { gamma, alpha, .. } = *focal;
        let by_element = focal.mean == FocalMean::Elements;
        loss::Focal { reading, gamma, alpha, by_element }
    }
}
