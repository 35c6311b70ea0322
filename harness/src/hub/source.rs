//! What a model on the hub is called: `ORG/NAME`, and a revision of it.

use std::fmt;

use super::HubError;

/// The revision that is meant where none is named.
pub const MAIN: &str = "main";

/// The longest id that the hub allows.
const MAX_ID: usize = 96;

/// The id of a repository: `ORG/NAME`, or `NAME` for some old ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoId(String);

/// A repository and the revision that is asked for, if one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The repository.
    pub id: RepoId,
    /// A branch, a tag, `refs/pr/N`, or a commit.
    pub revision: Option<String>,
}

impl RepoId {
    /// An id, by the hub's rules: one or two names of letters, digits, `-`, `_` and `.`, that neither begin nor end
    /// with `-` or `.`, without `--` and `..`, 96 characters at most. No such id leaves the cache's folder.
    ///
    /// # Errors
    /// [`HubError::Id`].
    pub fn parse(id: &str) -> Result<Self, HubError> {
        let bad = |reason: &str| {
            Err(HubError::Id { id: crate::text::shorten(id, 120), reason: reason.to_owned() })
        };
        let parts: Vec<&str> = id.split('/').collect();
        if parts.len() > 2 {
            return bad("it has more than one `/`");
        }
        if id.len() > MAX_ID {
            return bad("it has more than 96 characters");
        }
        for part in parts {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            if part.is_empty() || !part.bytes().all(plain) {
                return bad("it may have letters, digits, `-`, `_` and `.` alone");
            }
            if part.starts_with(['-', '.']) || part.ends_with(['-', '.']) {
                return bad("a name neither begins nor ends with `-` or `.`");
            }
            if part.contains("--") || part.contains("..") {
                return bad("`--` and `..` are not allowed");
            }
        }
        Ok(Self(id.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its folder in the cache.
    pub fn folder_name(&self) -> String {
        format!("models--{}", self.0.replace('/', "--"))
    }

    /// The id whose folder is called so.
    pub fn of_folder(name: &str) -> Option<Self> {
        Self::parse(&name.strip_prefix("models--")?.replacen("--", "/", 1)).ok()
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Source {
    /// `ORG/NAME`, or `ORG/NAME@REVISION`.
    ///
    /// # Errors
    /// [`HubError::Id`], [`HubError::Revision`].
    pub fn parse(text: &str) -> Result<Self, HubError> {
        let (id, revision) = match text.split_once('@') {
            Some((id, revision)) => (id, Some(revision)),
            None => (text, None),
        };
        Self::new(id, revision)
    }

    /// A repository and a revision of it.
    ///
    /// # Errors
    /// [`HubError::Id`], [`HubError::Revision`].
    pub fn new(id: &str, revision: Option<&str>) -> Result<Self, HubError> {
        let id = RepoId::parse(id)?;
        if let Some(revision) = revision {
            check_revision(revision)?;
        }
        Ok(Self { id, revision: revision.map(str::to_owned) })
    }

    /// The revision that is asked for, else `main`.
    pub fn revision(&self) -> &str {
        self.revision.as_deref().unwrap_or(MAIN)
    }
}

/// `ORG/NAME@REVISION`, or `ORG/NAME` where no revision was named.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.revision {
            Some(revision) => write!(f, "{}@{revision}", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

/// Whether a revision is one that git allows (git-check-ref-format), as far as its name as a file goes.
fn check_revision(revision: &str) -> Result<(), HubError> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.contains("..")
            && part.bytes().all(|b| b.is_ascii_graphic() && !b"\\~^:?*[@%#".contains(&b))
    };
    if revision.len() <= 200 && revision.split('/').all(plain) {
        return Ok(());
    }
    Err(HubError::Revision { revision: crate::text::shorten(revision, 120) })
}

/// Whether a revision is a whole commit: 40 lower-case hexadecimal digits.
pub fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_revisions() {
        let source = Source::parse("beomi/kcbert-base").expect("an id");
        assert_eq!((source.revision(), source.to_string().as_str()), ("main", "beomi/kcbert-base"));
        assert_eq!(source.id.folder_name(), "models--beomi--kcbert-base");
        assert_eq!(RepoId::of_folder("models--beomi--kcbert-base"), Some(source.id));
        assert_eq!(RepoId::of_folder("models--gpt2").expect("an id").as_str(), "gpt2");
        assert_eq!(RepoId::of_folder("datasets--a--b"), None);
        let source = Source::parse("a/b@refs/pr/1").expect("an id");
        assert_eq!((source.id.as_str(), source.revision()), ("a/b", "refs/pr/1"));
    }

    #[test]
    fn names_that_would_leave_the_cache_are_refused() {
        for id in [
            "", "/", "a/", "../b", "a/..", "a/b/c", "a//b", "a/b c", "한/국", "a--b/c", "-a/b",
            "a/b.",
        ] {
            assert!(matches!(Source::parse(id), Err(HubError::Id { .. })), "{id}");
        }
        assert!(RepoId::parse(&"a".repeat(97)).is_err());
        for revision in
            ["", "../../x", "/etc", "a/../b", "a//b", "a b", "a\\b", ".git", "a/", "a@b", "a\n"]
        {
            let text = format!("a/b@{revision}");
            assert!(matches!(Source::parse(&text), Err(HubError::Revision { .. })), "{revision}");
        }
        assert!(is_commit(&"0a".repeat(20)) && !is_commit("main") && !is_commit(&"0A".repeat(20)));
    }
}
