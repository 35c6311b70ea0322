//! Opening a tokeniser.

use kobench_plugin_sdk::{self as sdk, Error, TokenizerRequest};

use super::family::{Family, check_options};
use super::find::{Files, Wanted, find};
use crate::tokenizer::{Place, Tokenizer};

/// Opens the tokeniser that a request names.
pub(super) fn open<F: Family>(request: &TokenizerRequest) -> sdk::Result<Tokenizer> {
    check_options::<F>(&request.options)?;
    let preprocess = F::preprocess(&request.options)?;
    let found = find::<F>(&request.variant, request.checkpoint.as_ref(), Wanted::Any)?;
    let limit = found.config.max_seq_len;
    let tokenizer = match &found.files {
        Files::Directory(directory) => F::tokenizer(directory, limit, &request.options)?,
        Files::Bundled(bundle) => {
            let origin = format!("{} (bundled)", found.variant.name);
            let place = Place::Memory { files: bundle.tokenizer, origin: &origin };
            Tokenizer::open_at(F::TOKENIZER, place, limit)?
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
