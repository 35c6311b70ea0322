//! Names with wildcards.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::CellKey;

/// A name in which `*` stands for any characters, none too, and `?` for any one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Glob(String);

impl Default for Glob {
    fn default() -> Self {
        Self("*".to_owned())
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Glob {
    /// The pattern of this text.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether it matches anything.
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// Whether it has no wildcard.
    pub fn is_name(&self) -> bool {
        !self.0.contains(['*', '?'])
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches the whole of `name`.
    pub fn matches(&self, name: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let name: Vec<char> = name.chars().collect();
        let (mut p, mut n) = (0, 0);
        // Where the last `*` stands, and where in the name it ends for now: going back to the last one alone
        // suffices, and keeps the time at pattern times name.
        let mut star: Option<(usize, usize)> = None;
        while n < name.len() {
            if p < pattern.len() && pattern[p] == '*' {
                star = Some((p, n));
                p += 1;
            } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
                p += 1;
                n += 1;
            } else if let Some((at, end)) = star {
                star = Some((at, end + 1));
                p = at + 1;
                n = end + 1;
            } else {
                return false;
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

/// Some cells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellPattern {
    /// Models by name.
    #[serde(default)]
    pub model: Glob,
    /// Tasks by name.
    #[serde(default)]
    pub task: Glob,
    /// Splits by name.
    #[serde(default)]
    pub split: Glob,
}

impl CellPattern {
    /// Whether a cell is one of them.
    pub fn matches(&self, key: &CellKey) -> bool {
        self.model.matches(&key.model)
            && self.task.matches(&key.task)
            && self.split.matches(&key.split)
    }
}

impl fmt::Display for CellPattern {
    /// As [`CellKey::label`]: `kcbert-base on nsmc/*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}/{}", self.model, self.task, self.split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_whole_names() {
        for (pattern, name, matches) in [
            ("*", "", true),
            ("*", "nsmc", true),
            ("nsmc", "nsmc", true),
            ("nsmc", "nsmc2", false),
            ("nsmc?", "nsmc2", true),
            ("nsmc?", "nsmc", false),
            ("k*-base*", "kcbert-base-v2", true),
            ("k*-base", "kcbert-base-v2", false),
            ("*a*b", "aab-ab", true),
            ("*한?어", "대한국어", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), matches, "{pattern} on {name}");
        }
        // Exponential where a matcher tries every `*` again.
        assert!(!Glob::new("*a".repeat(50)).matches(&"a".repeat(2_000).replace("aa", "ab")));
    }
}
