//! All checks, and which of them are wanted.

use super::bench::Bench;
use super::outcome::Outcome;
use crate::suggest::closest;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Checks that share a child process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// What the library says about itself.
    Describe,
    /// The border: versions, sizes of structs, arguments, errors, threads.
    Abi,
    /// Encodings.
    Tokenizer,
    /// Logits.
    Model,
    /// What is left behind after closing.
    Memory,
    /// Training steps, saving, loading.
    Training,
    /// Checkpoints that are missing or broken.
    Errors,
}

/// The groups in the order in which they run.
pub const GROUPS: [Group; 7] = [
    Group::Describe,
    Group::Abi,
    Group::Tokenizer,
    Group::Model,
    Group::Memory,
    Group::Training,
    Group::Errors,
];

impl Group {
    /// The first part of its checks' ids.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Abi => "abi",
            Self::Tokenizer => "tokenizer",
            Self::Model => "model",
            Self::Memory => "memory",
            Self::Training => "training",
            Self::Errors => "errors",
        }
    }

    /// Whether it looks at each model, or once at the library (by means of one model).
    pub const fn is_per_model(self) -> bool {
        !matches!(self, Self::Describe | Self::Abi)
    }

    /// Its checks.
    pub fn checks(self) -> Vec<&'static Check> {
        match self {
            Self::Describe => super::describe::CHECKS.iter().collect(),
            Self::Abi => super::abi::checks(),
            Self::Tokenizer => super::tokenizer::checks(),
            Self::Model => super::model::CHECKS.iter().collect(),
            Self::Memory => super::memory::CHECKS.iter().collect(),
            Self::Training => super::training::CHECKS.iter().collect(),
            Self::Errors => super::errors::CHECKS.iter().collect(),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One check.
#[derive(Debug)]
pub struct Check {
    /// Its name for good: scripts rely on it.
    pub id: &'static str,
    /// What holds where it is passed.
    pub what: &'static str,
    /// What an author does where it is not.
    pub hint: &'static str,
    pub(super) run: fn(&mut Bench) -> Outcome,
}

/// All checks, in the order in which they run.
pub fn all() -> Vec<&'static Check> {
    GROUPS.into_iter().flat_map(Group::checks).collect()
}

/// The checks that are wanted.
#[derive(Debug, Clone, Default)]
pub struct Selection(Vec<String>);

/// A name that is no check's and no group's.
#[derive(Debug, thiserror::Error)]
#[error("no check and no group of checks is called `{name}`")]
pub struct UnknownCheck {
    name: String,
}

impl crate::hint::Hint for UnknownCheck {
    fn hint(&self) -> Option<String> {
        let names = all().into_iter().map(|c| c.id).chain(GROUPS.map(Group::name));
        Some(match closest(&self.name, names) {
            Some(close) => {
                format!("did you mean `{close}`? `kobench plugin check --list` shows all")
            }
            None => "`kobench plugin check --list` shows all".into(),
        })
    }
}

impl Selection {
    /// The checks with these names, or in the groups with these names; all, if none is named.
    ///
    /// # Errors
    /// A name that is none.
    pub fn new(names: &[String]) -> Result<Self, UnknownCheck> {
        let known = |name: &str| {
            GROUPS.iter().any(|g| g.name() == name) || all().iter().any(|c| c.id == name)
        };
        match names.iter().find(|name| !known(name)) {
            Some(name) => Err(UnknownCheck { name: name.clone() }),
            None => Ok(Self(names.to_vec())),
        }
    }

    /// The wanted checks of a group.
    pub(super) fn of(&self, group: Group) -> Vec<&'static Check> {
        let wanted = |id: &str| {
            self.0.is_empty() || self.0.iter().any(|name| name == id || name == group.name())
        };
        group.checks().into_iter().filter(|check| wanted(check.id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint as _;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_begin_with_their_group() {
        let mut seen = BTreeSet::new();
        for group in GROUPS {
            for check in group.checks() {
                assert!(check.id.starts_with(&format!("{}.", group.name())), "{}", check.id);
                assert!(seen.insert(check.id), "{} twice", check.id);
                assert!(!check.what.is_empty() && !check.hint.is_empty(), "{}", check.id);
            }
        }
        assert!(seen.len() > 60, "{}", seen.len());
    }

    #[test]
    fn checks_are_chosen_by_id_and_by_group() {
        let one = Selection::new(&["abi.null-arguments".into()]).unwrap();
        assert_eq!(one.of(Group::Abi).len(), 1);
        assert!(one.of(Group::Model).is_empty());
        let group = Selection::new(&["model".into()]).unwrap();
        assert_eq!(group.of(Group::Model).len(), Group::Model.checks().len());
        let error = Selection::new(&["abi.null-argument".into()]).unwrap_err();
        assert!(error.hint().unwrap().contains("`abi.null-arguments`"));
    }
}
