//! What the commands that need plugins have in common.

use super::shared::TextFormat;
use crate::dirs;
use crate::plugin::{Catalog, SearchPath};
use crate::worker::{Limits, describe};
use std::path::PathBuf;
use std::time::Duration;

/// Where plugins are looked for.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct PluginArgs {
    /// Look for plugins here first: a folder, or one library (repeatable; also KOBENCH_PLUGIN_PATH).
    #[arg(long = "plugin-dir", value_name = "PATH")]
    plugin_dirs: Vec<PathBuf>,
}

/// A list of plugins, or of their models.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) plugins: PluginArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: TextFormat,
}

/// How long a plugin may take to describe itself.
const DESCRIBE: Limits = Limits { silence: Duration::from_secs(10) };

impl PluginArgs {
    pub(super) fn search_path(&self) -> SearchPath {
        SearchPath::new(&self.plugin_dirs)
    }

    /// All plugins, described; each in a worker, unless it is remembered.
    pub(super) fn catalog(&self) -> Catalog {
        load(&self.search_path())
    }
}

/// The plugins of a folder, or of one library, and no others.
pub(super) fn catalog_at(place: PathBuf) -> Catalog {
    load(&SearchPath::only(vec![place]))
}

fn load(path: &SearchPath) -> Catalog {
    Catalog::load(path, dirs::cache().as_deref(), |library| describe(library, DESCRIBE))
}
