//! A Hugging Face Hub for tests: one repository, as the real one describes and serves it.

use kobench::digest::{ContentHash, ContentHasher, sha256_hex};
use kobench_tests::http::{Reply, Request, Server};
use serde_json::{Value, json};

/// The commit of the repository.
pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A repository.
#[derive(Debug, Clone, Default)]
pub(super) struct Repo {
    files: Vec<(String, Vec<u8>)>,
}

/// Whether the hub keeps a file apart from git.
fn is_large(name: &str) -> bool {
    [".safetensors", ".bin", ".model", ".h5"].iter().any(|end| name.ends_with(end))
}

impl Repo {
    /// A model of a usual repository, with files that no model needs.
    pub(super) fn model() -> Self {
        let weights: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
        Self::default()
            .with("config.json", br#"{"model_type": "bert"}"#)
            .with("vocab.txt", "[PAD]\n[UNK]\n한국어\n".as_bytes())
            .with("tokenizer_78b3253a26.model", b"pieces")
            .with("model.safetensors", &weights)
            .with("pytorch_model.bin", b"the same, pickled")
            .with("tf_model.h5", b"the same, once more")
            .with("README.md", b"# A card")
            .with("sub/vocab.txt", b"of something else")
    }

    /// The files of [`Repo::model`] that a model needs, sorted.
    pub(super) const NEEDED: [&'static str; 4] =
        ["config.json", "model.safetensors", "tokenizer_78b3253a26.model", "vocab.txt"];

    /// With a file, in place of one of that name.
    pub(super) fn with(mut self, name: &str, content: &[u8]) -> Self {
        self = self.without(name);
        self.files.push((name.to_owned(), content.to_owned()));
        self
    }

    /// Without a file.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.files.retain(|(known, _)| known != name);
        self
    }

    /// The content of a file.
    pub(super) fn content(&self, name: &str) -> &[u8] {
        &self.files.iter().find(|(known, _)| known == name).expect("a file").1
    }

    /// The name of its blob.
    pub(super) fn hash(&self, name: &str) -> String {
        let content = self.content(name);
        if is_large(name) {
            return sha256_hex(content);
        }
        let like = ContentHash::GitBlob { sha1: String::new(), bytes: content.len() as u64 };
        let mut hasher = ContentHasher::new(Some(&like));
        hasher.update(content);
        hasher.hex()
    }

    /// What the API says of it.
    pub(super) fn info(&self) -> Value {
        let sibling = |(name, content): &(String, Vec<u8>)| {
            let size = content.len();
            match is_large(name) {
                true => json!({"rfilename": name, "size": size, "blobId": "f".repeat(40), "lfs":
                    {"sha256": self.hash(name), "size": size, "pointerSize": 134}}),
                false => json!({"rfilename": name, "size": size, "blobId": self.hash(name)}),
            }
        };
        let siblings: Vec<Value> = self.files.iter().map(sibling).collect();
        json!({"_id": "1", "id": super::ID, "sha": COMMIT, "private": false, "gated": false, "siblings": siblings})
    }

    /// The file that a request is for.
    pub(super) fn asked<'a>(&self, request: &'a Request) -> Option<&'a str> {
        request.target.strip_prefix(&format!("/{}/resolve/{COMMIT}/", super::ID))
    }

    /// What the hub answers.
    pub(super) fn reply(&self, request: &Request) -> Reply {
        let api = format!("/api/models/{}/revision/", super::ID);
        if let Some(revision) = request.target.strip_prefix(&api) {
            let known = ["main?blobs=true", "refs%2Fpr%2F1?blobs=true"];
            return match known.contains(&revision) || revision.starts_with(COMMIT) {
                true => Reply::new(200, self.info().to_string()),
                false => Reply::new(404, "").header("x-error-code", "RevisionNotFound"),
            };
        }
        match self.asked(request).filter(|name| self.files.iter().any(|(known, _)| known == name)) {
            Some(name) => {
                Reply::file(request, self.content(name), &format!("\"{}\"", self.hash(name)))
            }
            None if self.asked(request).is_some() => {
                Reply::new(404, "").header("x-error-code", "EntryNotFound")
            }
            None => Reply::new(404, "").header("x-error-code", "RepoNotFound"),
        }
    }

    /// A server that behaves.
    pub(super) fn serve(&self) -> Server {
        let repo = self.clone();
        Server::start(move |request, _| repo.reply(request))
    }
}
