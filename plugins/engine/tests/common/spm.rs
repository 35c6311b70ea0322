//! The small SentencePiece models of tests/goldens/sentencepiece as a user would have them.

use std::path::Path;

use kobench_engine::tokenizer::TokenizerKind;
use serde::de::DeserializeOwned;
use sha2::Digest;
use tempfile::TempDir;

use super::goldens;

/// The families' names in the goldens.
pub const FAMILIES: [(&str, TokenizerKind); 4] = [
    ("kobert", TokenizerKind::KoBert),
    ("xlm_roberta", TokenizerKind::XlmRoberta),
    ("deberta_v2", TokenizerKind::DebertaV2),
    ("gemma", TokenizerKind::Gemma),
];

/// What a family's model is called in the hub's repositories.
pub fn model_name(family: &str) -> &'static str {
    match family {
        "kobert" => "tokenizer_78b3253a26.model",
        "xlm_roberta" => "sentencepiece.bpe.model",
        "deberta_v2" => "spm.model",
        _ => "tokenizer.model",
    }
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(goldens("sentencepiece").join(name)).unwrap()
}

pub fn write(directory: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(directory.join(name), bytes).unwrap();
}

/// A folder with a family's files.
pub fn folder(family: &str) -> TempDir {
    let directory = TempDir::new().unwrap();
    let mut model = golden(&format!("{family}.model"));
    if family != "gemma" {
        // Protobuf messages merge when they are concatenated; see the goldens' header.
        model.extend(golden("nmt_nfkc.bin"));
    }
    write(directory.path(), model_name(family), &model);
    if family == "kobert" {
        write(directory.path(), "vocab.txt", &golden("kobert.vocab.txt"));
    }
    directory
}

/// A folder with a family's tokenizer.json alone.
pub fn json_folder(family: &str) -> Option<TempDir> {
    let text =
        std::fs::read_to_string(goldens("sentencepiece").join(format!("{family}.tokenizer.json")))
            .ok()?;
    let directory = TempDir::new().unwrap();
    // The field is normalizer_spec { name, precompiled_charsmap }: the map is its last and longest part.
    let spec = golden("nmt_nfkc.bin");
    let map = charsmap(&spec);
    write(directory.path(), "tokenizer.json", text.replace("CHARSMAP", &base64(map)).as_bytes());
    Some(directory)
}

/// The value of field 2 of the message in field 3.
fn charsmap(bytes: &[u8]) -> &[u8] {
    fn field(mut bytes: &[u8], wanted: u8) -> &[u8] {
        loop {
            let tag = bytes[0];
            let (mut length, mut at, mut shift) = (0, 1, 0);
            loop {
                length |= usize::from(bytes[at] & 0x7f) << shift;
                shift += 7;
                at += 1;
                if bytes[at - 1] & 0x80 == 0 {
                    break;
                }
            }
            if tag & 7 == 0 {
                bytes = &bytes[at..];
            } else if tag >> 3 == wanted {
                return &bytes[at..at + length];
            } else {
                bytes = &bytes[at + length..];
            }
        }
    }
    field(field(bytes, 3), 2)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().chain(&[0; 2]).take(3).fold(0, |n, &b| n << 8 | usize::from(b));
        for i in 0..4 {
            let digit = DIGITS[bits >> (18 - 6 * i) & 63] as char;
            text.push(if i <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

/// The JSON values of a golden file, a line each.
pub fn json_lines<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(goldens(name)).unwrap();
    text.split('\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// The 2,000 lines.
pub fn texts() -> Vec<String> {
    let first: Vec<serde_json::Value> = json_lines("wordpiece/lines.jsonl");
    let mut texts: Vec<String> =
        first.iter().map(|row| row["text"].as_str().unwrap().to_owned()).collect();
    texts.extend(json_lines::<String>("sentencepiece/lines.jsonl"));
    texts
}

/// The first 16 hexadecimal digits of a SHA-256 over rows, each its length and its numbers.
pub fn digest<'a>(rows: impl IntoIterator<Item = &'a [u32]>) -> String {
    let mut sha = sha2::Sha256::new();
    for row in rows {
        sha.update(u32::try_from(row.len()).unwrap().to_le_bytes());
        row.iter().for_each(|n| sha.update(n.to_le_bytes()));
    }
    sha.finalize().iter().take(8).map(|b| format!("{b:02x}")).collect()
}
