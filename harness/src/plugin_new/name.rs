//! The name of a new plugin.

use super::NewPluginError;

/// Names that Rust, cargo or the layout of the source tree have taken.
const RESERVED: [&str; 58] = [
    "abi",
    "sdk",
    "engine",
    "test",
    "tests",
    "core",
    "std",
    "alloc",
    "proc-macro",
    "build",
    "deps",
    "examples",
    "incremental",
    "as",
    "break",
    "const",
    "continue",
    "crate",
    "else",
    "enum",
    "extern",
    "false",
    "fn",
    "for",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "match",
    "mod",
    "move",
    "mut",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "type",
    "unsafe",
    "use",
    "where",
    "while",
    "async",
    "await",
    "dyn",
    "gen",
    "try",
    "yield",
    "box",
    "final",
    "macro",
    "kobench",
    "plugin",
];

const LONGEST: usize = 40;

/// A name that can be a crate's, a library's, a type's and a model's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(name: &str) -> Result<Self, NewPluginError> {
        let refuse = |what: &str| {
            Err(NewPluginError::Name { name: name.to_owned(), reason: what.to_owned() })
        };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) {
            return refuse("a name is made of a-z, 0-9 and -, and begins with a letter");
        }
        if name.ends_with('-') || name.contains("--") {
            return refuse("a - stands between letters or digits");
        }
        if name.len() > LONGEST {
            return refuse("a name has at most 40 characters");
        }
        if RESERVED.contains(&name) {
            return refuse("the name is reserved");
        }
        Ok(Self(name.to_owned()))
    }

    /// As it was given.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a library has it: `my-model` is `my_model`.
    pub(super) fn in_library(&self) -> String {
        self.0.replace('-', "_")
    }

    /// The library's file name.
    pub(super) fn library(&self) -> String {
        crate::plugin::library_name(&self.in_library())
    }

    /// As a type has it: `my-model` is `MyModel`.
    pub(super) fn as_type(&self) -> String {
        let word = |w: &str| {
            let mut letters = w.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        };
        self.0.split('-').map(word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_crates_libraries_and_types() {
        let name = Name::new("ko-electra3").unwrap();
        assert_eq!(
            (name.in_library().as_str(), name.as_type().as_str()),
            ("ko_electra3", "KoElectra3")
        );
        assert!(name.library().contains("kobench_plugin_ko_electra3"));
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for name in [
            "",
            "KoBERT",
            "1st",
            "a b",
            "a_b",
            "a/b",
            "..",
            "-a",
            "a-",
            "a--b",
            "한국",
            "sdk",
            "match",
            &"a".repeat(41),
        ] {
            assert!(Name::new(name).is_err(), "{name}");
        }
    }
}
