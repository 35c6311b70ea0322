//! Opening a tokeniser.

use kobench_plugin_sdk::{self as sdk, Error, TokenizerRequest};

use super::family::{Family, check_options};
use super::find::{Files, Wanted, find};
use crate::tokenizer::Tokenizer;

/// Opens the tokeniser that a request names.
pub(super) fn open<F: Family>(request: &TokenizerRequest) -> sdk::Result<Tokenizer> {
    check_options::<F>(&request.options)?;
    let preprocess = F::preprocess(&request.options)?;
    let found = find::<F>(&request.variant, request.checkpoint.as_ref(), Wanted::Any)?;
    let limit = found.config.max_seq_len;
    let tokenizer = match &found.files {
        Files::Directory(directory) => F::tokenizer(directory, limit, &request.options)?,
        Files::Bundled(bundle) => {
            let vocab = bundle.tokenizer.iter().find(|(name, _)| *name == "vocab.txt");
            let (_, vocab) = vocab.ok_or_else(|| {
                Error::internal(format!("{}: the bundle has no vocab.txt", found.origin))
            })?;
            let origin = format!("{} (bundled)", found.variant.name);
            Tokenizer::from_vocab(vocab, &origin, limit)?
        }
    };
    if tokenizer.vocab_size() > found.config.vocab_size {
        return Err(Error::bad_data(format!(
            "the tokeniser has {} pieces, but {} says vocab_size {}: they belong to different \
             models; use the files that came together",
            tokenizer.vocab_size(),
            found.origin,
            found.config.vocab_size
        )));
    }
    Ok(match preprocess {
        Some(edit) => tokenizer.with_preprocess(edit),
        None => tokenizer,
    })
}
