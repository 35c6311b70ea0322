//! The tokenisers of all families against transformers' slow ones: ids and offsets of 2,000 lines.

mod common;

use std::path::Path;

use common::goldens;
use common::spm::{FAMILIES, digest, folder, json_folder, json_lines, texts, write};
use kobench_engine::tokenizer::{Tokenizer, TokenizerKind};
use kobench_plugin_sdk::{Context, EncodeOptions, Encoded, Example};
use proptest::prelude::*;
use serde::Deserialize;

fn open(kind: TokenizerKind, directory: &Path) -> Tokenizer {
    Tokenizer::open(kind, directory, 8192).unwrap()
}

/// Ids and offsets of each line, special tokens left out.
fn encode(tokenizer: &Tokenizer, lines: &[String]) -> Vec<(Vec<u32>, Vec<u32>)> {
    let examples: Vec<Example<'_>> = lines.iter().map(|l| Example::Text(l)).collect();
    let encoded = tokenizer.encode(&examples, &EncodeOptions::default()).unwrap();
    assert_eq!(encoded.n_sequences(), lines.len());
    assert!(encoded.n_truncated.iter().all(|&n| n == 0));
    let of = |s: usize| encoded.range(s).filter(|&t| encoded.word_ids[t] >= 0);
    (0..lines.len())
        .map(|s| {
            let ids = of(s).map(|t| encoded.input_ids[t]).collect();
            let spans = of(s).flat_map(|t| [encoded.offset_start[t], encoded.offset_end[t]]);
            (ids, spans.collect())
        })
        .collect()
}

#[derive(Deserialize)]
struct Hashes {
    ids: Vec<String>,
    offsets: Vec<String>,
}

#[derive(Deserialize)]
struct Full {
    ids: Vec<u32>,
    offsets: Vec<u32>,
}

#[test]
fn ids_and_offsets_of_2000_lines_equal_the_references() {
    let lines = texts();
    assert_eq!(lines.len(), 2000);
    let path = goldens("sentencepiece/hashes.json");
    let hashes: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let full: Vec<serde_json::Value> = json_lines("sentencepiece/full.jsonl");
    assert!(full.len() > 50);
    for (name, kind) in FAMILIES {
        let directory = folder(name);
        let rows = encode(&open(kind, directory.path()), &lines);
        // In full first: a difference shows what it is.
        for row in &full {
            let line = row["line"].as_u64().unwrap() as usize;
            let expected = Full::deserialize(&row[name]).unwrap();
            assert_eq!(rows[line].0, expected.ids, "{name} {:?}", lines[line]);
            assert_eq!(rows[line].1, expected.offsets, "{name} {:?}", lines[line]);
        }
        let expected = Hashes::deserialize(&hashes[name]).unwrap();
        assert_eq!((expected.ids.len(), expected.offsets.len()), (200, 200));
        let mut wrong = Vec::new();
        for (block, chunk) in rows.chunks(10).enumerate() {
            for (what, digest, expected) in [
                ("ids", digest(chunk.iter().map(|r| r.0.as_slice())), &expected.ids[block]),
                ("offsets", digest(chunk.iter().map(|r| r.1.as_slice())), &expected.offsets[block]),
            ] {
                if digest != *expected {
                    wrong.push(format!("{what} of lines {} to {}", block * 10, block * 10 + 9));
                }
            }
        }
        assert!(wrong.is_empty(), "{name}: {}", wrong.join(", "));
    }
}

#[derive(Deserialize)]
struct Pair {
    family: String,
    a: String,
    b: Option<String>,
    max_length: usize,
    input_ids: Vec<u32>,
    token_type_ids: Vec<u8>,
}

#[test]
fn special_tokens_and_truncation_equal_the_references() {
    let pairs: Vec<Pair> = json_lines("sentencepiece/pairs.jsonl");
    assert!(pairs.len() >= 90);
    for (name, kind) in FAMILIES {
        let directory = folder(name);
        let tokenizer = open(kind, directory.path());
        for pair in pairs.iter().filter(|p| p.family == name) {
            let example = match &pair.b {
                Some(b) => Example::Pair(&pair.a, b),
                None => Example::Text(&pair.a),
            };
            let options = EncodeOptions { max_seq_len: pair.max_length, ..Default::default() };
            let encoded = tokenizer.encode(&[example], &options).unwrap();
            assert_eq!(encoded.input_ids, pair.input_ids, "{name} {:?} {:?}", pair.a, pair.b);
            assert_eq!(encoded.token_type_ids, pair.token_type_ids, "{name}");
        }
    }
}

#[test]
fn tokenizer_json_gives_the_ids_of_the_model() {
    let lines = texts();
    for (name, kind) in FAMILIES {
        let Some(json) = json_folder(name) else { continue };
        let (json, model) = (open(kind, json.path()), folder(name));
        let model = open(kind, model.path());
        assert_eq!(json.vocab_size(), model.vocab_size(), "{name}");
        for line in &lines {
            assert_eq!(json.ids(line), model.ids(line), "{name} {line:?}");
        }
    }
}

#[test]
fn each_word_is_tokenised_alone() {
    let directory = folder("kobert");
    let tokenizer = open(TokenizerKind::KoBert, directory.path());
    let options = EncodeOptions { pieces: true, ..EncodeOptions::default() };
    let words = vec!["영화", "10,", "\u{200b}", "뷁", "ㅋㅋ영"];
    let e = tokenizer.encode(&[Example::Words(words.clone())], &options).unwrap();
    // The first token of every word but the empty one has the prefix, be it alone or not.
    for (word, text) in words.iter().enumerate() {
        let first = e.word_ids.iter().position(|&w| w == word as i32).unwrap();
        let expected = if *text == "\u{200b}" { "[UNK]" } else { "\u{2581}" };
        assert!(e.pieces[first].starts_with(expected), "{text}: {}", e.pieces[first]);
        assert_eq!(e.offset_start[first], 0, "{text}");
        assert!(e.offset_end[first] as usize <= text.len());
    }
    // A bare prefix is a token of its own, and has no bytes.
    let bare = e.pieces.iter().position(|p| p == "\u{2581}").unwrap();
    assert_eq!((e.offset_start[bare], e.offset_end[bare]), (0, 0));
}

#[test]
fn questions_have_the_familys_own_template() {
    let context =
        "영화 정말 재미있다 좋아요 최고의 영화였다 배우 연기 감독 모두 10,000원 아깝지 않다";
    let options = EncodeOptions { max_seq_len: 14, doc_stride: 3, ..EncodeOptions::default() };
    for (name, kind) in FAMILIES {
        let directory = folder(name);
        let tokenizer = open(kind, directory.path());
        let ids = tokenizer.ids("영화는?");
        let question =
            Example::QuestionContext { question: "영화는?", context: Context::Text(context) };
        let e = tokenizer.encode(&[question], &options).unwrap();
        assert!(e.n_sequences() > 1, "{name}");
        let first = &e.input_ids[e.range(0)];
        let (before, between, after) = match kind {
            TokenizerKind::XlmRoberta => (vec![0], vec![2, 2], vec![2]),
            TokenizerKind::Gemma => (vec![2], vec![2], vec![]),
            TokenizerKind::DebertaV2 => (vec![1], vec![2], vec![2]),
            _ => (vec![2], vec![3], vec![3]),
        };
        let head = [before, ids, between].concat();
        assert_eq!(first[..head.len()], head, "{name}");
        assert!(first.ends_with(&after) && first.len() == 14, "{name}");
        // Tokens of the context point into all of it.
        for t in e.range(1).filter(|&t| e.token_source[t] == 1) {
            let (start, end) = (e.offset_start[t] as usize, e.offset_end[t] as usize);
            let word = context.split(' ').nth(e.word_ids[t] as usize).unwrap();
            let at = context.find(word).unwrap();
            assert!(at <= start && end <= at + word.len(), "{name} {word}");
        }
    }
}

#[test]
fn threads_do_not_change_the_encoding() {
    let lines = texts();
    let examples: Vec<Example<'_>> = lines.iter().map(|l| Example::Text(l)).collect();
    for (name, kind) in FAMILIES {
        let directory = folder(name);
        let tokenizer = open(kind, directory.path());
        let run = || tokenizer.encode(&examples, &EncodeOptions::default()).unwrap();
        let one: Encoded = common::with_threads(1, run);
        assert!(one == common::with_threads(3, run), "{name}");
    }
}

/// Characters that tokenisers stumble over, in any order.
fn texts_to_stumble_over() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[가각갂ㄱㅏ\u{1100}\u{1161}\u{11a8}ㅋ]",
        "[a1, \t\n\u{3000}\u{200b}\u{feff}\u{301}\u{2581}\u{fdfa}\u{a8}㎏]",
        Just("<s>".to_owned()),
        Just("[SEP]".to_owned()),
        Just("``".to_owned()),
        Just("👨\u{200d}👩".to_owned()),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
}

proptest! {
    // Each case has several models to open and many texts.
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn offsets_lie_on_characters_and_never_decrease(texts in proptest::collection::vec(texts_to_stumble_over(), 40)) {
        for (name, kind) in FAMILIES {
            let directory = folder(name);
            let tokenizer = open(kind, directory.path());
            for text in &texts {
                let encoded =
                    tokenizer.encode(&[Example::Text(text)], &EncodeOptions::default()).unwrap();
                let (mut last, mut word) = (0, 0);
                for t in (0..encoded.n_tokens()).filter(|&t| encoded.word_ids[t] >= 0) {
                    let (start, end) = (encoded.offset_start[t] as usize, encoded.offset_end[t] as usize);
                    prop_assert!(text.get(start..end).is_some(), "{} {:?} {} {}", name, text, start, end);
                    prop_assert!(start >= last, "{} {:?}", name, text);
                    prop_assert!(encoded.word_ids[t] >= word);
                    prop_assert!((encoded.input_ids[t] as usize) < tokenizer.vocab_size());
                    (last, word) = (start, encoded.word_ids[t]);
                }
            }
        }
    }

    #[test]
    fn damaged_models_do_not_panic(cut in 0_usize..40_000, flips in proptest::collection::vec((0_usize..40_000, any::<u8>()), 0..4)) {
        for (name, kind) in FAMILIES {
            let directory = folder(name);
            let file = common::spm::model_name(name);
            let mut bytes = std::fs::read(directory.path().join(file)).unwrap();
            for (at, byte) in &flips {
                let at = at % bytes.len();
                bytes[at] = *byte;
            }
            if flips.is_empty() {
                bytes.truncate(cut % bytes.len());
            }
            write(directory.path(), file, &bytes);
            if let Ok(tokenizer) = Tokenizer::open(kind, directory.path(), 512) {
                let _ = tokenizer.ids("영화 10,000원 ㎏ <s> 😀 [SEP]");
            }
        }
    }
}
