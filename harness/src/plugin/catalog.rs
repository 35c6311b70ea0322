//! All plugins that were found, described, and the models that they offer.

use super::cache::Cache;
use super::{Description, SearchPath, Variant};
use std::path::{Path, PathBuf};

/// What to do where there are no plugins.
pub const NO_PLUGINS: &str = "`cargo build --release` builds the bundled ones; --plugin-dir or \
                              KOBENCH_PLUGIN_PATH name other places";

/// A plugin that works as far as its description goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its library.
    pub path: PathBuf,
    /// What it says about itself.
    pub description: Description,
}

/// A library that could not be described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its library.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
    /// What to do.
    pub hint: Option<String>,
}

/// One line of `plugin list`.
pub type Listed = Result<Entry, Broken>;

/// The plugins of a search path. A broken one is listed as broken and hides no other.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// All libraries, in the order in which they were found.
    pub plugins: Vec<Listed>,
}

/// No such model, or two of that name.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No plugin has it.
    #[error("no model is called `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What to do.
        hint: String,
    },
    /// Several plugins have it.
    #[error("two plugins have a model `{name}`: {} and {}", first.display(), second.display())]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// One library.
        first: PathBuf,
        /// The other library.
        second: PathBuf,
    },
}

impl crate::hint::Hint for ModelError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { hint, .. } => hint.clone(),
            Self::Ambiguous { name, .. } => {
                format!(
                    "name the plugin too, for instance `-m PLUGIN/{name}`, or narrow --plugin-dir"
                )
            }
        })
    }
}

impl Catalog {
    /// Finds and describes all plugins. `describe` runs in a worker process; it is not asked for
    /// libraries that the cache in `cache_folder` knows.
    pub fn load(
        path: &SearchPath,
        cache_folder: Option<&Path>,
        describe: impl Fn(&Path) -> Result<Description, Broken>,
    ) -> Self {
        let mut cache = Cache::open(cache_folder);
        let mut plugins = Vec::new();
        for library in path.libraries() {
            if let Some(description) = cache.get(&library) {
                plugins.push(Ok(Entry { path: library, description }));
                continue;
            }
            plugins.push(describe(&library).map(|description| {
                cache.put(&library, description.clone());
                Entry { path: library.clone(), description }
            }));
        }
        cache.save();
        Self { plugins }
    }

    /// The plugins that work.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.plugins.iter().filter_map(|p| p.as_ref().ok())
    }

    /// The libraries that do not.
    pub fn broken(&self) -> impl Iterator<Item = &Broken> {
        self.plugins.iter().filter_map(|p| p.as_ref().err())
    }

    /// The plugin and model of a name: `VARIANT`, or `PLUGIN/VARIANT`.
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub fn model(&self, name: &str) -> Result<(&Entry, &Variant), ModelError> {
        let (plugin, variant) = match name.split_once('/') {
            Some((plugin, variant)) => (Some(plugin), variant),
            None => (None, name),
        };
        let mut found = self
            .entries()
            .filter(|e| plugin.is_none_or(|p| e.description.name == p))
            .flat_map(|e| e.description.variants.iter().map(move |v| (e, v)))
            .filter(|(_, v)| v.name == variant);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some((a, _)), Some((b, _))) => Err(ModelError::Ambiguous {
                name: variant.into(),
                first: a.path.clone(),
                second: b.path.clone(),
            }),
            (None, _) => {
                Err(ModelError::Unknown { name: name.into(), hint: self.unknown_hint(variant) })
            }
        }
    }

    fn unknown_hint(&self, name: &str) -> String {
        let known: Vec<&str> =
            self.entries().flat_map(|e| &e.description.variants).map(|v| v.name.as_str()).collect();
        if let Some(close) = crate::suggest::closest(name, known.iter().copied()) {
            return format!("did you mean `{close}`? `kobench model list` shows all");
        }
        if let Some(broken) = self.broken().next() {
            return format!(
                "one plugin does not load ({}: {})",
                broken.path.display(),
                broken.reason
            );
        }
        if known.is_empty() {
            return format!("no plugins were found: {NO_PLUGINS}");
        }
        format!("the models are: {}", known.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint as _;

    fn entry(path: &str, plugin: &str, variants: &[&str]) -> Listed {
        let mut description = Description::new(plugin, "1");
        description.variants = variants.iter().map(|v| Variant::new(v, "none")).collect();
        Ok(Entry { path: path.into(), description })
    }

    #[test]
    fn models_are_found_by_name_and_told_apart_by_plugin() {
        let catalog = Catalog {
            plugins: vec![entry("a.so", "a", &["x", "kcbert-base"]), entry("b.so", "b", &["x"])],
        };
        assert_eq!(catalog.model("kcbert-base").unwrap().0.path, Path::new("a.so"));
        assert!(matches!(catalog.model("x"), Err(ModelError::Ambiguous { .. })));
        assert_eq!(catalog.model("b/x").unwrap().0.path, Path::new("b.so"));
        let hint = catalog.model("kcbert-bsae").unwrap_err().hint().unwrap();
        assert!(hint.contains("did you mean `kcbert-base`"), "{hint}");
    }
}
