//! Models as users name them: a plugin's model, or a repository of the hub.

use crate::cli::CliError;
use crate::hub::Source;
use crate::plugin::{Catalog, Variant};

/// What a name stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Named {
    /// A repository of the hub, with the model whose it is where a plugin's was named.
    Hub(Source, Option<Variant>),
    /// A model whose weights are part of its plugin.
    Bundled(Variant),
    /// A model that is published nowhere.
    Unpublished(Variant),
}

/// What `MODEL`, `MODEL@REVISION`, `hf:ORG/NAME` or `hf:ORG/NAME@REVISION` stands for.
///
/// # Errors
/// An unknown model, what is no id, what is no revision.
pub(super) fn named(text: &str, catalog: &mut dyn FnMut() -> Catalog) -> Result<Named, CliError> {
    if let Some(source) = text.strip_prefix("hf:") {
        return Ok(Named::Hub(Source::parse(source)?, None));
    }
    let (name, asked) = match text.split_once('@') {
        Some((name, revision)) => (name, Some(revision)),
        None => (text, None),
    };
    let catalog = catalog();
    let variant = catalog.model(name)?.1.clone();
    if variant.bundled {
        return Ok(Named::Bundled(variant));
    }
    let Some(id) = &variant.hub_id else { return Ok(Named::Unpublished(variant)) };
    let source = Source::new(id, asked.or(variant.revision.as_deref()))?;
    Ok(Named::Hub(source, Some(variant)))
}
