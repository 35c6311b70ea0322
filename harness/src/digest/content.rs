//! The two hashes by which files are named on the Hugging Face Hub: large files by their SHA-256, small ones as git
//! names blobs.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// What the content of a file must be; hashes are lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentHash {
    /// Its SHA-256, 64 digits.
    Sha256(String),
    /// The name that git gives it: SHA-1, 40 digits, of `blob SIZE`, a zero byte, and the content.
    GitBlob {
        /// The name.
        sha1: String,
        /// SIZE.
        bytes: u64,
    },
}

impl ContentHash {
    /// The hash whose digits these are, by their number; `bytes` is the size of the file.
    pub fn named(digits: &str, bytes: u64) -> Option<Self> {
        if !digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        match digits.len() {
            64 => Some(Self::Sha256(digits.to_owned())),
            40 => Some(Self::GitBlob { sha1: digits.to_owned(), bytes }),
            _ => None,
        }
    }

    /// Its digits.
    pub fn hex(&self) -> &str {
        match self {
            Self::Sha256(hex) | Self::GitBlob { sha1: hex, .. } => hex,
        }
    }

    /// Its name, for people.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "SHA-256",
            Self::GitBlob { .. } => "git blob SHA-1",
        }
    }

    /// The hash of a file, of the kind of `like`, else its SHA-256.
    ///
    /// # Errors
    /// The operating system's, when the file cannot be opened or read.
    pub fn of_file(path: &Path, like: Option<&Self>) -> io::Result<String> {
        let mut file = File::open(path)?;
        let mut hasher = ContentHasher::new(like);
        let mut block = vec![0u8; 1 << 20];
        loop {
            match file.read(&mut block) {
                Ok(0) => return Ok(hasher.hex()),
                Ok(read) => hasher.update(&block[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Hashes content piece by piece.
#[derive(Debug, Clone)]
pub struct ContentHasher(Inner);

#[derive(Debug, Clone)]
enum Inner {
    Sha256(Sha256),
    Sha1(Sha1),
}

impl ContentHasher {
    /// Begins a hash of the kind of `like`, else a SHA-256.
    pub fn new(like: Option<&ContentHash>) -> Self {
        Self(match like {
            Some(ContentHash::GitBlob { bytes, .. }) => {
                Inner::Sha1(Sha1::new().chain_update(format!("blob {bytes}\0")))
            }
            Some(ContentHash::Sha256(_)) | None => Inner::Sha256(Sha256::new()),
        })
    }

    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::Sha256(hasher) => hasher.update(bytes),
            Inner::Sha1(hasher) => hasher.update(bytes),
        }
    }

    /// The digits of what was taken so far.
    pub fn hex(&self) -> String {
        match &self.0 {
            Inner::Sha256(hasher) => hex::encode(hasher.clone().finalize()),
            Inner::Sha1(hasher) => hex::encode(hasher.clone().finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_hashes_are_those_of_git_and_sha256sum() {
        // `printf abc | git hash-object --stdin`, `printf abc | sha256sum`.
        let git = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "abc").expect("written");
        for digits in [git, sha256] {
            let named = ContentHash::named(digits, 3).expect("a hash");
            assert_eq!(named.hex(), digits);
            assert_eq!(ContentHash::of_file(file.path(), Some(&named)).expect("read"), digits);
        }
        assert_eq!(ContentHash::of_file(file.path(), None).expect("read"), sha256);
        for none in ["", "../../etc/passwd", &git.to_uppercase(), &git[1..], &sha256[..41]] {
            assert_eq!(ContentHash::named(none, 3), None, "{none}");
        }
    }
}
