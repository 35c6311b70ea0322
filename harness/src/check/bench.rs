//! What the checks of a group work with: the loaded library, and a model to open.
#![expect(unsafe_code, reason = "finds the entry point once more, for the checks of it")]

use super::logits::Rows;
use super::outcome::{Stop, bad, skipped};
use super::protocol::Order;
use super::text::Kind;
use crate::plugin::{
    Description, EncodeOptions, Encoded, Example, Head, Library, Model, ModelRequest, PluginError,
    Tokenizer, TokenizerRequest, Variant,
};
use crate::worker::RowInput;
use kobench_plugin_abi::{self as abi, ENTRY_SYMBOL, EntryFn, PluginVtable};
use std::path::PathBuf;

/// The status of a kind of example that a plugin does not take.
const UNSUPPORTED: i32 = abi::E_UNSUPPORTED;

/// A library in this process.
pub(super) struct Bench {
    pub(super) library: Library,
    pub(super) entry: EntryFn,
    pub(super) description: Description,
    /// The model to look at, or why there is none.
    variant: Result<Variant, String>,
    pub(super) checkpoint: Option<PathBuf>,
    /// An empty folder.
    pub(super) scratch: PathBuf,
}

impl Bench {
    /// Loads the library that an order names.
    pub(super) fn open(order: &Order) -> Result<Self, PluginError> {
        let library = Library::load(&order.library)?;
        let description = library.describe()?;
        let path = std::path::absolute(&order.library).unwrap_or_else(|_| order.library.clone());
        let missing = || PluginError::NoEntry { path: order.library.clone() };
        // SAFETY: it is loaded already; this only finds it again.
        let again = unsafe { libloading::Library::new(&path) }.map_err(|_| missing())?;
        let again: &'static libloading::Library = Box::leak(Box::new(again));
        // SAFETY: the symbol's type is what the header says.
        let entry = *unsafe { again.get::<EntryFn>(ENTRY_SYMBOL) }.map_err(|_| missing())?;
        let variant = order
            .model
            .as_ref()
            .and_then(|name| description.variants.iter().find(|v| v.name == *name).cloned());
        Ok(Self {
            library,
            entry,
            variant: variant.ok_or_else(|| order.no_model.clone()),
            description,
            checkpoint: order.checkpoint.clone(),
            scratch: order.scratch.clone(),
        })
    }

    pub(super) fn vtable(&self) -> &'static PluginVtable {
        self.library.vtable()
    }

    /// The model to look at.
    pub(super) fn variant(&self) -> Result<&Variant, Stop> {
        self.variant.as_ref().map_err(|reason| Stop::Skipped(reason.clone()))
    }

    /// The heads that it lists; where it lists none, a sequence head.
    pub(super) fn heads(&self) -> Result<Vec<Head>, Stop> {
        let listed = &self.variant()?.heads;
        let all = [Head::Sequence, Head::Token, Head::Span];
        let known: Vec<Head> =
            all.into_iter().filter(|h| listed.iter().any(|l| l == h.name())).collect();
        Ok(if known.is_empty() { vec![Head::Sequence] } else { known })
    }

    pub(super) fn tokenizer_request(&self) -> Result<TokenizerRequest, Stop> {
        Ok(TokenizerRequest {
            variant: self.variant()?.name.clone(),
            checkpoint: self.checkpoint.clone(),
            options: Default::default(),
        })
    }

    pub(super) fn model_request(&self, head: Head) -> Result<ModelRequest, Stop> {
        Ok(ModelRequest {
            variant: self.variant()?.name.clone(),
            checkpoint: self.checkpoint.clone(),
            head,
            num_labels: None,
            device: "cpu".into(),
            precision: "f32".into(),
            threads: 1,
            new_head: false,
            seed: 0,
            check: false,
            from_scratch: false,
            weights: None,
            options: Default::default(),
        })
    }

    /// A request for a head that opens: as the weights have it, or else a new one.
    pub(super) fn openable(&self, head: Head) -> Result<ModelRequest, Stop> {
        let request = self.model_request(head)?;
        if self.library.open_model(&request).is_ok() {
            return Ok(request);
        }
        let new = ModelRequest { new_head: true, ..request };
        // The labels of a head that is not there are the host's to say.
        let labelled = ModelRequest { num_labels: Some(2), ..new.clone() };
        for request in [new, labelled] {
            if self.library.open_model(&request).is_ok() {
                return Ok(request);
            }
        }
        Err(bad(
            format!(
                "no {} head opens: {}",
                head.name(),
                self.library.open_model(&self.model_request(head)?).map_or_else(
                    |e| e.to_string(),
                    |_| "it opened only after it had failed to".into()
                )
            ),
            "each head that the description lists opens",
        ))
    }

    /// The first head that opens.
    pub(super) fn head(&self) -> Result<ModelRequest, Stop> {
        let mut first = None;
        for head in self.heads()? {
            match self.openable(head) {
                Ok(request) => return Ok(request),
                Err(stop) => first = first.or(Some(stop)),
            }
        }
        Err(first.unwrap_or_else(|| Stop::Skipped("the model has no head".into())))
    }

    pub(super) fn tokenizer(&self) -> Result<Tokenizer, Stop> {
        Ok(self.library.open_tokenizer(&self.tokenizer_request()?)?)
    }

    pub(super) fn model(&self) -> Result<Model, Stop> {
        Ok(self.library.open_model(&self.head()?)?)
    }

    /// The longest sequence that checks ask for.
    pub(super) fn max_seq_len(&self) -> usize {
        let stated = self.variant.as_ref().ok().and_then(|v| v.max_seq_len);
        stated.map_or(32, |n| 32.min(n as usize))
    }

    /// Short sequences and short windows, so that there are several.
    pub(super) fn options(&self) -> EncodeOptions {
        EncodeOptions {
            max_seq_len: self.max_seq_len(),
            doc_stride: 8,
            max_question_len: 8,
            ..EncodeOptions::default()
        }
    }

    /// Encodes rows; `None` where the plugin does not take their kind.
    pub(super) fn encode(
        &self,
        tokenizer: &mut Tokenizer,
        rows: &[RowInput],
        options: &EncodeOptions,
    ) -> Result<Option<Encoded>, Stop> {
        let views: Vec<Example<'_>> = rows.iter().map(RowInput::view).collect();
        match tokenizer.encode(&views, options) {
            Ok(encoded) => Ok(Some(encoded)),
            Err(e) if e.status == UNSUPPORTED => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// The kinds of examples that the tokeniser takes.
    pub(super) fn kinds(&self) -> Result<Vec<Kind>, Stop> {
        let mut tokenizer = self.tokenizer()?;
        let mut kinds = Vec::new();
        for kind in Kind::ALL {
            if self.encode(&mut tokenizer, &kind.plain()[..1], &self.options())?.is_some() {
                kinds.push(kind);
            }
        }
        match kinds.is_empty() {
            false => Ok(kinds),
            true => Err(bad(
                "the tokeniser takes no kind of example",
                "at least one of: texts, pairs, words, questions with contexts",
            )),
        }
    }

    /// A kind of example that the tokeniser takes: texts, where it does.
    pub(super) fn kind(&self) -> Result<Kind, Stop> {
        Ok(self.kinds()?[0])
    }

    /// An encoding of rows whose kind the plugin takes.
    pub(super) fn encoded(&self, rows: &[RowInput]) -> Result<Encoded, Stop> {
        let encoded = self.encode(&mut self.tokenizer()?, rows, &self.options())?;
        match encoded {
            Some(encoded) => Ok(encoded),
            None => skipped("the tokeniser does not take this kind of example"),
        }
    }
}

/// Runs a model on sequences of an encoding.
pub(super) fn forward(
    model: &mut Model,
    encoded: &Encoded,
    indices: &[u64],
    head: Head,
) -> Result<Rows, Stop> {
    let mut values = Vec::new();
    let outcome = model.forward(encoded, indices, head, &mut values)?;
    values.truncate(outcome.rows * outcome.width);
    Ok(Rows { rows: outcome.rows, width: outcome.width, values })
}

/// All sequences of an encoding.
pub(super) fn everything(encoded: &Encoded) -> Result<Vec<u64>, Stop> {
    Ok((0..encoded.view()?.n_sequences() as u64).collect())
}
