//! A model's tokeniser, without the model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::plugin::{Catalog, Entry, TokenizerRequest, Variant};
use crate::run::{Checkpoint, PlanError};
use crate::worker::{
    Encoding, Event, Failure, Limits, RowInput, Sequence, TokenizeRequest, Worker,
};

/// A tokeniser that is ready to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelTokenizer {
    /// The plugin library.
    pub library: PathBuf,
    /// What it is asked to open.
    pub request: TokenizerRequest,
    /// The longest sequence of the model, where it says so.
    pub max_seq_len: Option<u32>,
    /// How long the plugin may make no progress.
    pub hang_limit: Duration,
    /// The `kobench` binary that works; none: this very program.
    pub executable: Option<PathBuf>,
}

impl ModelTokenizer {
    /// The tokeniser of a model that is known.
    pub fn new(
        entry: &Entry,
        variant: &Variant,
        checkpoint: &Checkpoint,
        options: &BTreeMap<String, String>,
    ) -> Self {
        Self {
            library: entry.path.clone(),
            request: TokenizerRequest {
                variant: variant.name.clone(),
                checkpoint: checkpoint.directory().map(Path::to_path_buf),
                options: options.clone(),
            },
            max_seq_len: variant.max_seq_len,
            hang_limit: Duration::from_secs(600),
            executable: None,
        }
    }

    /// The tokeniser of a model by its name, as `run -m NAME --checkpoint DIR` finds it.
    ///
    /// # Errors
    /// [`PlanError::Model`] and [`PlanError::Checkpoint`].
    pub fn resolve(
        catalog: &Catalog,
        model: &str,
        checkpoint: Option<&str>,
        options: &BTreeMap<String, String>,
    ) -> Result<Self, PlanError> {
        let (entry, variant) = catalog.model(model)?;
        let checkpoint = Checkpoint::resolve(variant, checkpoint)?;
        Ok(Self::new(entry, variant, &checkpoint, options))
    }

    /// The length at which rows are cut that may have `asked` tokens: the model's own limit, if that is
    /// smaller.
    pub fn limited(&self, asked: u32) -> u32 {
        self.max_seq_len.map_or(asked, |limit| asked.min(limit))
    }

    /// Tokenises rows of one kind; `take` is given each sequence, in the order of the rows.
    ///
    /// # Errors
    /// What the plugin did instead.
    pub fn tokenize(
        &self,
        examples: Vec<RowInput>,
        encoding: Encoding,
        pieces: bool,
        take: &mut dyn FnMut(Sequence),
    ) -> Result<(), Failure> {
        let limits = Limits { silence: self.hang_limit };
        let threads = crate::run::default_threads() as usize;
        let mut worker = match &self.executable {
            Some(executable) => Worker::start_program(executable, threads, limits, |_| {})?,
            None => Worker::start(threads, limits, |_| {})?,
        };
        let request = TokenizeRequest {
            library: self.library.clone(),
            tokenizer: self.request.clone(),
            examples,
            encoding,
            pieces,
        };
        worker.tokenize(request, &mut |event| {
            if let Event::Sequences(sequences) = event {
                sequences.into_iter().for_each(&mut *take);
            }
        })
    }
}
