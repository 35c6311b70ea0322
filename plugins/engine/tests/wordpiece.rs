//! The tokeniser against transformers' slow one, and offsets into the original text.

mod common;

use std::path::PathBuf;

use common::goldens;
use kobench_engine::tokenizer::{Tokenizer, TokenizerKind};
use kobench_plugin_sdk::{Context, EncodeOptions, Encoded, Example, Truncation};
use serde::Deserialize;
use serde::de::DeserializeOwned;

fn demo() -> Tokenizer {
    let folder = goldens("wordpiece");
    Tokenizer::open(TokenizerKind::WordPiece, &folder, 512).unwrap()
}

/// A tokeniser over a small vocabulary: `[PAD]` 0, `[UNK]` 1, `[CLS]` 2, `[SEP]` 3, `[MASK]` 4, then these.
fn small(pieces: &[&str]) -> Tokenizer {
    let vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].iter().chain(pieces);
    let text: String = vocab.map(|p| format!("{p}\n")).collect();
    Tokenizer::from_vocab(text.as_bytes(), "vocab.txt", 512).unwrap()
}

fn lines<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let text = std::fs::read_to_string(goldens("wordpiece").join(name)).unwrap();
    text.split('\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[derive(Deserialize)]
struct Line {
    text: String,
    ids: Vec<u32>,
    pieces: Vec<String>,
    ids_if_assigned: Option<Vec<u32>>,
}

#[test]
fn ids_equal_the_slow_tokeniser() {
    let tokenizer = demo();
    let lines: Vec<Line> = lines("lines.jsonl");
    assert!(lines.len() > 1000);
    for line in &lines {
        // Our Unicode tables are newer than the goldens': see their header.
        let expected = line.ids_if_assigned.as_ref().unwrap_or(&line.ids);
        assert_eq!(&tokenizer.ids(&line.text), expected, "{:?}", line.text);
    }
}

#[derive(Deserialize)]
struct More {
    lines: usize,
    ids: Vec<String>,
}

/// Together with the lines above these are 2,000.
#[test]
fn ids_of_more_lines_equal_the_slow_tokeniser() {
    let tokenizer = demo();
    let texts: Vec<String> = common::spm::json_lines("sentencepiece/lines.jsonl");
    let more: Vec<More> = lines("more.json");
    assert_eq!((texts.len(), more[0].lines, more[0].ids.len()), (814, 814, 82));
    for (texts, expected) in texts.chunks(10).zip(&more[0].ids) {
        let rows: Vec<Vec<u32>> = texts.iter().map(|t| tokenizer.ids(t)).collect();
        assert_eq!(&common::spm::digest(rows.iter().map(Vec::as_slice)), expected, "{texts:?}");
    }
}

#[test]
fn offsets_point_at_the_pieces() {
    let tokenizer = demo();
    let lines: Vec<Line> = lines("lines.jsonl");
    let options = EncodeOptions { pieces: true, max_seq_len: 512, ..EncodeOptions::default() };
    for line in &lines {
        let encoded = tokenizer.encode(&[Example::Text(&line.text)], &options).unwrap();
        let mut last = (0, -1);
        for t in 1..encoded.n_tokens() - 1 {
            let (start, end) = (encoded.offset_start[t] as usize, encoded.offset_end[t] as usize);
            let span = &line.text[start..end];
            assert!(start >= last.0 && start < end, "{:?} {t}", line.text);
            assert!(encoded.word_ids[t] >= last.1);
            last = (end, encoded.word_ids[t]);
            let piece = encoded.pieces[t].trim_start_matches("##");
            // Apart from unknown words, a span is its piece with removed characters in between.
            if encoded.input_ids[t] != 1 && span != piece {
                let mut rest = span.chars();
                assert!(piece.chars().all(|c| rest.any(|s| s == c)), "{span:?} for {piece:?}");
            }
        }
        if line.ids_if_assigned.is_none() && line.ids.len() <= 510 {
            assert_eq!(encoded.pieces[1..encoded.n_tokens() - 1], line.pieces);
        }
    }
}

#[derive(Deserialize)]
struct Pair {
    a: String,
    b: Option<String>,
    max_length: usize,
    input_ids: Vec<u32>,
    token_type_ids: Vec<u8>,
}

#[test]
fn pairs_are_truncated_by_the_references_rule() {
    let tokenizer = demo();
    let pairs: Vec<Pair> = lines("pairs.jsonl");
    assert!(pairs.len() > 100);
    for pair in &pairs {
        let example = match &pair.b {
            Some(b) => Example::Pair(&pair.a, b),
            None => Example::Text(&pair.a),
        };
        let options = EncodeOptions { max_seq_len: pair.max_length, ..EncodeOptions::default() };
        let encoded = tokenizer.encode(&[example], &options).unwrap();
        assert_eq!(encoded.input_ids, pair.input_ids, "{:?} {:?}", pair.a, pair.b);
        assert_eq!(encoded.token_type_ids, pair.token_type_ids);
    }
}

#[test]
fn words_context_and_windows() {
    let tokenizer = small(&["가", "##나", "다", "."]);
    let options = EncodeOptions::default();
    // A word without tokens becomes one [UNK]; offsets are within the word.
    let words = Example::Words(vec!["가나", "\u{200b}", "다.", "x"]);
    let e = tokenizer.encode(&[words], &options).unwrap();
    assert_eq!(e.input_ids, [2, 5, 6, 1, 7, 8, 1, 3]);
    assert_eq!(e.word_ids, [-1, 0, 0, 1, 2, 2, 3, -1]);
    assert_eq!(e.offset_start, [0, 0, 3, 0, 0, 3, 0, 0]);
    assert_eq!(e.offset_end, [0, 3, 6, 3, 3, 4, 1, 0]);
    assert_eq!(e.n_unknown, [2]);

    // Capacity 10 - 1 - 3 = 6 of 11 tokens: windows at 0, 4, 8 (the second reaches 10 of 11).
    let context = "가나 다 다 다\u{202f}다 다 다 다 다 다";
    let question =
        Example::QuestionContext { question: "다 다", context: Context::Text(context) };
    let options = EncodeOptions {
        max_seq_len: 10,
        doc_stride: 4,
        max_question_len: 1,
        ..EncodeOptions::default()
    };
    let e = tokenizer.encode(&[question], &options).unwrap();
    assert_eq!(
        (e.cu_seqlens.as_slice(), e.window.as_slice()),
        ([0, 10, 20, 27].as_slice(), [0, 1, 2].as_slice())
    );
    assert_eq!(e.n_truncated, [1, 1, 1], "one token of the question");
    assert_eq!(e.input_ids[..10], [2, 7, 3, 5, 6, 7, 7, 7, 7, 3]);
    assert_eq!(e.token_type_ids[..10], [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(e.word_ids[10..20], [-1, 0, -1, 3, 4, 5, 6, 7, 8, -1]);
    for t in 13..19 {
        assert_eq!(&context[e.offset_start[t] as usize..e.offset_end[t] as usize], "다");
    }
    // An empty context still is one window.
    let empty = Example::QuestionContext { question: "다", context: Context::Words(vec![]) };
    let e = tokenizer.encode(&[empty], &options).unwrap();
    assert_eq!(e.input_ids, [2, 7, 3, 3]);
}

#[test]
fn limits_are_errors_with_advice() {
    let tokenizer = small(&["가"]);
    let example = [Example::Text("가 가 가 가")];
    for (options, expected) in [
        (EncodeOptions { max_seq_len: 513, ..EncodeOptions::default() }, "512 positions"),
        (EncodeOptions { max_seq_len: 2, ..EncodeOptions::default() }, "no room"),
        (
            EncodeOptions {
                max_seq_len: 5,
                truncation: Truncation::Never,
                ..EncodeOptions::default()
            },
            "example 0 has 4 tokens",
        ),
    ] {
        let message = tokenizer.encode(&example, &options).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let error = Tokenizer::from_vocab(b"a\nb\n", "vocab.txt", 512).unwrap_err();
    assert!(error.to_string().contains("[UNK]"), "{error}");
}

#[test]
fn threads_do_not_change_the_encoding() {
    let tokenizer = demo();
    let lines: Vec<Line> = lines("lines.jsonl");
    let examples: Vec<Example<'_>> = lines.iter().map(|l| Example::Text(&l.text)).collect();
    let run = || tokenizer.encode(&examples, &EncodeOptions::default()).unwrap();
    let one: Encoded = common::with_threads(1, run);
    assert!(one == common::with_threads(3, run));
    assert_eq!(one.example, (0..u32::try_from(lines.len()).unwrap()).collect::<Vec<_>>());
}

/// The first-piece check of KoELECTRA v1, when the user has its vocabulary beside the data.
#[test]
fn koelectras_vocabulary_gives_the_published_ids() {
    let Some(data) = std::env::var_os("KOBENCH_DATA").map(PathBuf::from) else {
        return eprintln!("skipped: KOBENCH_DATA names no folder beside which vocab/ could be");
    };
    let path = data.join("../vocab/koelectra-v1.txt");
    let Ok(vocab) = std::fs::read(&path) else {
        return eprintln!("skipped: {} is missing", path.display());
    };
    let tokenizer = Tokenizer::from_vocab(&vocab, "koelectra-v1.txt", 512).unwrap();
    assert_eq!(
        tokenizer.ids("[CLS] 한국어 ELECTRA를 공유합니다. [SEP]"),
        [2, 18429, 41, 6240, 15229, 6204, 20894, 5689, 12622, 10690, 18, 3]
    );
}

/// The whole official NSMC test set under KcBERT's own vocabulary, when the user has both.
#[test]
fn nsmc_under_kcberts_vocabulary() {
    let Some(data) = std::env::var_os("KOBENCH_DATA").map(PathBuf::from) else {
        return eprintln!("skipped: KOBENCH_DATA names no folder with nsmc/ratings_test.txt");
    };
    let (rows, vocab) = (data.join("nsmc/ratings_test.txt"), data.join("../vocab/kcbert.txt"));
    let (Ok(text), Ok(vocab)) = (std::fs::read_to_string(&rows), std::fs::read(&vocab)) else {
        return eprintln!("skipped: {} or {} is missing", rows.display(), vocab.display());
    };
    let tokenizer = Tokenizer::from_vocab(&vocab, "kcbert.txt", 300).unwrap();
    let python_strip = |l: &'static str| {
        l.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
    };
    let text: &'static str = Box::leak(text.into_boxed_str());
    let documents: Vec<&str> = text
        .split('\n')
        .skip(1)
        .filter(|l| !l.is_empty())
        .map(|l| python_strip(l).split('\t').nth(1).unwrap())
        .collect();
    assert_eq!(documents.len(), 50_000);
    let examples: Vec<Example<'_>> = documents.iter().map(|d| Example::Text(d)).collect();
    let start = std::time::Instant::now();
    let e = tokenizer.encode(&examples, &EncodeOptions::default()).unwrap();
    println!("50,000 rows in {:.2} s", start.elapsed().as_secs_f64());
    assert_eq!((e.n_tokens(), e.n_unknown.iter().sum::<u32>()), (981_585, 4_103));
    let mut bytes = Vec::new();
    for s in 0..e.n_sequences() {
        let ids = &e.input_ids[e.range(s)];
        bytes.extend(u32::try_from(ids.len()).unwrap().to_le_bytes());
        bytes.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
    }
    use sha2::Digest;
    let hash: String = sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    let text = std::fs::read_to_string(goldens("wordpiece/nsmc_test_ids.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(golden["kcbert"]["sha256"].as_str(), Some(hash.as_str()));
}
