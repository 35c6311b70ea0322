//! Where policies come from: the binary, or a file that the user names.

use std::fs;
use std::path::Path;

use super::{Document, Policy, PolicyError, check};
use crate::suggest::closest;
use crate::task::{embedded_yaml, parse};

/// The text of every built-in policy, by its name.
pub fn builtin() -> Vec<(String, String)> {
    let name =
        |path: &str| path.trim_start_matches("policies/").trim_end_matches(".yaml").to_owned();
    embedded_yaml("policies/").into_iter().map(|(path, text)| (name(&path), text)).collect()
}

/// The text of a built-in policy.
///
/// # Errors
/// [`PolicyError::Unknown`] with the closest name.
pub fn builtin_text(name: &str) -> Result<String, PolicyError> {
    let policies = builtin();
    if let Some((_, text)) = policies.iter().find(|(known, _)| known == name) {
        return Ok(text.clone());
    }
    let names: Vec<&str> = policies.iter().map(|(name, _)| name.as_str()).collect();
    Err(PolicyError::Unknown {
        name: name.to_owned(),
        closest: closest(name, names.iter().copied()).map(str::to_owned),
        known: names.join(", "),
    })
}

impl Policy {
    /// The policy that is taken where none is named.
    pub const DEFAULT: &str = "default";

    /// The built-in policy of this name, or the one in the file of this path (`./mine.yaml`); [`Policy::DEFAULT`] where
    /// neither is given.
    ///
    /// # Errors
    /// [`PolicyError::Unknown`] with the closest name; the errors of reading a file, which name file and line.
    pub fn load(name_or_path: Option<&str>) -> Result<Self, PolicyError> {
        let name = name_or_path.unwrap_or(Self::DEFAULT);
        let path = Path::new(name);
        if name.contains('/') || path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            let text = fs::read_to_string(path)
                .map_err(|source| PolicyError::Io { path: path.to_owned(), source })?;
            return Self::parse(&text, name);
        }
        let text = builtin_text(name)?;
        let mut policy = Self::parse(&text, &format!("built-in policies/{name}.yaml"))?;
        policy.name = name.to_owned();
        Ok(policy)
    }

    /// Reads and checks the text of a policy file; `file` is its name in errors.
    ///
    /// # Errors
    /// [`PolicyError::Yaml`] or [`PolicyError::Meaning`].
    pub fn parse(text: &str, file: &str) -> Result<Self, PolicyError> {
        let document: Document = parse(text, file)?;
        check::check(&document, text, file)?;
        Ok(Self { document, name: file.to_owned() })
    }
}
