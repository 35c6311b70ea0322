//! A model: counts with a head, and the training that is counting.

use std::path::Path;

use kobench_plugin_sdk::{Batch, Error, Head, Logits, ModelRequest, Result, StepOutcome, Targets};

use crate::counts::Counts;
use crate::files::{self, Saved};
use crate::settings;

/// A model that is ready to answer, and to count.
#[derive(Debug)]
pub(crate) struct Majority {
    head: Head,
    counts: Counts,
    /// What was counted since the last update; none while nothing is trained.
    pending: Option<Counts>,
}

impl Majority {
    /// Opens a checkpoint, or counts that are part of the library, or, where one is asked for, a head that has
    /// counted nothing.
    ///
    /// # Errors
    /// Files that are missing or wrong; another head, or other labels than were counted.
    pub(crate) fn open(request: &ModelRequest) -> Result<Self> {
        let head = request.head;
        if head == Head::Span {
            return Err(Error::unsupported("no most frequent answer: there is no span head"));
        }
        let fresh = |labels: Option<u32>| match labels {
            Some(0) => Err(Error::invalid_argument("num_labels is 0")),
            labels => Ok(Self { head, counts: Counts::new(labels.unwrap_or(2)), pending: None }),
        };
        if request.from_scratch {
            return fresh(request.num_labels);
        }
        let saved = match &request.checkpoint {
            Some(folder) => files::read(folder),
            None => files::bundled(request.weights.as_deref(), head, request.num_labels),
        };
        let fits = |saved: &Saved| {
            saved.head == head
                && request.num_labels.is_none_or(|n| n as usize == saved.counts.labels())
        };
        match saved {
            Ok(saved) if fits(&saved) => Ok(Self { head, counts: saved.counts, pending: None }),
            Ok(_) if request.new_head => fresh(request.num_labels),
            Ok(saved) => Err(Error::bad_data(format!(
                "what was counted are {} labels for a {} head; asked for are {} for a {} head",
                saved.counts.labels(),
                saved.head.name(),
                request.num_labels.map_or_else(|| "any".to_owned(), |n| n.to_string()),
                head.name()
            ))),
            // A head of which the library has no counts is new where one is asked for.
            Err(_) if request.new_head && request.checkpoint.is_none() => fresh(request.num_labels),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The same row for every sequence, or for every token.
    ///
    /// # Errors
    /// Another head than the model was opened with, too small a buffer, or a cancelled call.
    pub(crate) fn forward(
        &self,
        batch: &Batch<'_>,
        head: Head,
        out: &mut Logits<'_>,
    ) -> Result<()> {
        self.check_head(head)?;
        batch.cancel.check()?;
        let rows = if head == Head::Sequence { batch.len() } else { batch.n_tokens() };
        let logits = self.counts.logits();
        for row in out.rows(rows, logits.len())?.chunks_mut(logits.len()) {
            row.copy_from_slice(&logits);
        }
        Ok(())
    }

    fn check_head(&self, head: Head) -> Result<()> {
        if head == self.head {
            return Ok(());
        }
        Err(Error::unsupported(format!(
            "the model was opened with a {} head, not with a {} head",
            self.head.name(),
            head.name()
        )))
    }

    /// Begins to count.
    ///
    /// # Errors
    /// Settings that there are not.
    pub(crate) fn train_begin(&mut self, settings: serde_json::Value) -> Result<()> {
        settings::check(settings)?;
        self.pending = Some(self.nothing());
        Ok(())
    }

    fn nothing(&self) -> Counts {
        Counts::new(u32::try_from(self.counts.labels()).unwrap_or(u32::MAX))
    }

    /// Counts a batch; what was counted answers from the next step on that is not accumulating. The norm is how far
    /// the logits moved.
    ///
    /// # Errors
    /// No `train_begin` before, another head, targets that do not fit the head.
    pub(crate) fn train_step(
        &mut self,
        batch: &Batch<'_>,
        head: Head,
        targets: Targets<'_>,
        accumulate: bool,
    ) -> Result<StepOutcome> {
        self.check_head(head)?;
        batch.cancel.check()?;
        if self.pending.is_none() {
            return Err(begin_first("train_step"));
        }
        let (loss, seen) = match (targets, head) {
            (Targets::Class(classes), Head::Sequence) => self.counts.class_loss(classes)?,
            (Targets::Real(values), Head::Sequence) => self.counts.value_loss(values)?,
            (Targets::Word { classes, cu_words }, Head::Token) => {
                self.counts.class_loss(&visible(batch, classes, cu_words)?)?
            }
            _ => {
                return Err(Error::invalid_argument(format!(
                    "targets of this kind are not for a {} head",
                    head.name()
                )));
            }
        };
        let pending = self.pending.as_mut().ok_or_else(|| begin_first("train_step"))?;
        pending.add(&seen);
        if accumulate {
            return Ok(StepOutcome { loss, grad_norm: f64::NAN });
        }
        let before = self.counts.logits();
        self.counts.add(pending);
        self.pending = Some(self.nothing());
        let moved = before.iter().zip(self.counts.logits()).map(|(a, b)| f64::from(a - b).powi(2));
        Ok(StepOutcome { loss, grad_norm: moved.sum::<f64>().sqrt() })
    }

    /// Ends the training.
    ///
    /// # Errors
    /// No `train_begin` before.
    pub(crate) fn train_end(&mut self) -> Result<()> {
        self.pending.take().map(drop).ok_or_else(|| begin_first("train_end"))
    }

    /// Writes the model.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(crate) fn save(&self, folder: &Path, training_state: bool) -> Result<()> {
        let saved = Saved { head: self.head, counts: self.counts.clone() };
        let pending = if training_state { self.pending.as_ref() } else { None };
        files::write(folder, &saved, pending)
    }

    /// Reads back what [`Majority::save`] wrote; nothing changes where that fails.
    ///
    /// # Errors
    /// Files that are missing or wrong, or of another head or other labels.
    pub(crate) fn load(&mut self, folder: &Path, training_state: bool) -> Result<()> {
        let saved = files::read(folder)?;
        if saved.head != self.head || saved.counts.labels() != self.counts.labels() {
            return Err(Error::bad_data(format!(
                "{}: {} labels for a {} head; the model has {} for a {} head",
                folder.display(),
                saved.counts.labels(),
                saved.head.name(),
                self.counts.labels(),
                self.head.name()
            )));
        }
        let pending = training_state.then(|| files::read_state(folder)).transpose()?;
        if pending.as_ref().is_some_and(|p| p.labels() != saved.counts.labels()) {
            return Err(Error::bad_data(format!(
                "{}: the state is of a model with other labels",
                folder.display()
            )));
        }
        self.counts = saved.counts;
        if pending.is_some() {
            self.pending = pending;
        }
        Ok(())
    }
}

fn begin_first(call: &str) -> Error {
    Error::invalid_argument(format!("{call} before train_begin"))
}

/// The classes of the words that the sequences show, for a word that was cut off is none of the model's.
fn visible(batch: &Batch<'_>, classes: &[i32], cu_words: &[u64]) -> Result<Vec<i32>> {
    let mut shown = Vec::new();
    for (range, bounds) in batch.ranges().zip(cu_words.windows(2)) {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let words = classes.get(place(bounds[0])..place(bounds[1])).ok_or_else(|| {
            Error::invalid_argument("the targets have fewer classes than their offsets say")
        })?;
        let mut last = None;
        for &word in &batch.encoded.word_ids[range] {
            let Ok(index) = usize::try_from(word) else { continue };
            if last != Some(index) {
                let class = words.get(index).ok_or_else(|| {
                    Error::invalid_argument(format!(
                        "a sequence has a word {index}, and targets for {} words",
                        words.len()
                    ))
                })?;
                shown.push(*class);
            }
            last = Some(index);
        }
    }
    Ok(shown)
}
