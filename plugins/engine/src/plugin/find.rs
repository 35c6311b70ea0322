//! From a request to the model's files: a checkpoint's directory, or what the plugin carries.

use std::path::PathBuf;

use kobench_plugin_sdk::{self as sdk, Error, Head};

use super::family::{Bundle, Family, FamilyVariant};
use crate::config::ModelConfig;
use crate::error::EngineError;

/// Where a model's files are.
#[derive(Debug, Clone)]
pub(super) enum Files {
    Directory(PathBuf),
    Bundled(&'static Bundle),
}

/// What a request names: the model's description, its files, and its parsed config.json.
pub(super) struct Found {
    pub(super) variant: &'static FamilyVariant,
    pub(super) files: Files,
    pub(super) config: ModelConfig,
    /// config.json as it is.
    pub(super) json: Vec<u8>,
    /// Where config.json came from, for errors.
    pub(super) origin: String,
}

/// Which of a variant's bundled weights are wanted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// Any: only what all of them share is looked at.
    Any,
    /// Those of a task.
    Task(&'a str),
    /// Those that were trained with a head, if there are such.
    Head(Head),
}

/// Finds the variant and reads its config.json, from the checkpoint if one is given.
pub(super) fn find<F: Family>(
    name: &str,
    checkpoint: Option<&PathBuf>,
    wanted: Wanted<'_>,
) -> sdk::Result<Found> {
    let variant = F::variants().iter().find(|v| v.name == name).ok_or_else(|| {
        let known: Vec<&str> = F::variants().iter().map(|v| v.name).collect();
        Error::invalid_argument(format!(
            "the plugin {} has no model \"{name}\"; it has {}",
            F::NAME,
            known.join(", ")
        ))
    })?;
    let (files, json, origin) = match checkpoint {
        Some(directory) => {
            if let Wanted::Task(task) = wanted {
                return Err(Error::invalid_argument(format!(
                    "\"weights\" is \"{task}\", which names bundled weights, but a checkpoint is given too: leave \
                     one of them out"
                )));
            }
            let path = directory.join("config.json");
            let json = std::fs::read(&path)
                .map_err(|source| EngineError::Io { path: path.clone(), source })?;
            (Files::Directory(directory.clone()), json, path.display().to_string())
        }
        None => {
            let bundle = bundle::<F>(variant, wanted)?;
            let origin = format!("{name} (bundled)");
            (Files::Bundled(bundle), bundle.config.to_vec(), origin)
        }
    };
    let config = ModelConfig::from_json(F::ARCHITECTURE, &json, &origin)?;
    Ok(Found { variant, files, config, json, origin })
}

/// The bundled weights that are wanted.
fn bundle<F: Family>(
    variant: &'static FamilyVariant,
    wanted: Wanted<'_>,
) -> sdk::Result<&'static Bundle> {
    let name = variant.name;
    let Some(first) = variant.bundles.first() else {
        return Err(Error::not_found(format!(
            "{name} is not bundled with the plugin: name a folder with its config.json, \
             tokeniser and weights as the checkpoint{}",
            variant.hub_id.map(|id| format!(" (they are published as {id})")).unwrap_or_default()
        )));
    };
    let found = match wanted {
        Wanted::Any => Some(first),
        Wanted::Task(task) => {
            let found = variant.bundles.iter().find(|bundle| bundle.task == task);
            if found.is_none() {
                let known: Vec<&str> = variant.bundles.iter().map(|bundle| bundle.task).collect();
                return Err(Error::invalid_argument(format!(
                    "{name} has no weights \"{task}\"; it has {}",
                    known.join(", ")
                )));
            }
            found
        }
        Wanted::Head(head) => {
            variant.bundles.iter().find(|bundle| trained_head::<F>(bundle) == Some(head))
        }
    };
    Ok(found.unwrap_or(first))
}

/// The head that bundled weights were trained with.
pub(super) fn trained_head<F: Family>(bundle: &Bundle) -> Option<Head> {
    let config = ModelConfig::from_json(F::ARCHITECTURE, bundle.config, bundle.task).ok()?;
    config.trained_head.map(|(head, _)| head)
}
