//! Opening tokenisers: which files, what is refused, and algorithms from elsewhere.

mod common;

use std::path::Path;

use common::spm::{FAMILIES, folder, model_name, write};
use kobench_engine::EngineError;
use kobench_engine::tokenizer::{
    Algorithm, Piece, Scratch, Template, Tokenizer, TokenizerKind, WordPieceVocab,
};
use kobench_plugin_sdk::{EncodeOptions, Example};
use serde_json::json;
use tempfile::TempDir;

const VOCAB: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n가\n##나\n";

fn refused(kind: TokenizerKind, directory: &Path) -> String {
    Tokenizer::open(kind, directory, 512).unwrap_err().to_string()
}

#[test]
fn missing_files_are_named() {
    let directory = TempDir::new().unwrap();
    for (kind, names) in [
        (TokenizerKind::WordPiece, &["vocab.txt", "tokenizer.json"]),
        (TokenizerKind::KoBert, &["tokenizer_78b3253a26.model", "vocab.txt"]),
        (TokenizerKind::XlmRoberta, &["sentencepiece.bpe.model", "tokenizer.json"]),
        (TokenizerKind::DebertaV2, &["spm.model", "tokenizer.json"]),
        (TokenizerKind::Gemma, &["tokenizer.model", "tokenizer.json"]),
    ] {
        let error = Tokenizer::open(kind, directory.path(), 512).unwrap_err();
        let message = error.to_string();
        let EngineError::Io { source, .. } = error else { panic!("{message}") };
        assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        assert!(names.iter().all(|name| message.contains(name)), "{message}");
        assert!(message.contains(&directory.path().display().to_string()), "{message}");
    }
}

#[test]
fn files_of_another_family_are_refused() {
    let kobert = folder("kobert");
    let message = refused(TokenizerKind::WordPiece, kobert.path());
    assert!(message.contains("vocab.txt") && message.contains("SentencePiece"), "{message}");

    write(kobert.path(), "vocab.txt", VOCAB.as_bytes());
    let message = refused(TokenizerKind::KoBert, kobert.path());
    assert!(message.contains("different models") && message.contains("78b3253a26"), "{message}");

    let deberta = folder("deberta_v2");
    let model = std::fs::read(deberta.path().join("spm.model")).unwrap();
    for (kind, name, expected) in [
        (TokenizerKind::XlmRoberta, "sentencepiece.bpe.model", "its first pieces are"),
        (TokenizerKind::Gemma, "tokenizer.model", "<bos>"),
    ] {
        write(deberta.path(), name, &model);
        let message = refused(kind, deberta.path());
        assert!(message.contains(expected) && message.contains("another family"), "{message}");
    }
}

#[test]
fn damaged_models_are_named() {
    for (name, kind) in FAMILIES {
        let directory = folder(name);
        let file = model_name(name);
        let whole = std::fs::read(directory.path().join(file)).unwrap();
        for (bytes, expected) in [
            (&whole[..whole.len() / 3], "fetch it again"),
            (b"version https://git-lfs.github.com/spec/v1", "Git LFS pointer"),
            (b"", ""),
            (b"{}", ""),
        ] {
            write(directory.path(), file, bytes);
            let message = refused(kind, directory.path());
            assert!(message.contains(file) && message.contains(expected), "{message}");
        }
    }
}

#[test]
fn lower_casing_is_refused() {
    let config = json!({"do_lower_case": true});
    for (name, kind) in FAMILIES {
        let directory = folder(name);
        write(directory.path(), "tokenizer_config.json", config.to_string().as_bytes());
        let message = refused(kind, directory.path());
        assert!(message.contains("do_lower_case") && message.contains("cased"), "{message}");
    }
    let directory = TempDir::new().unwrap();
    write(directory.path(), "vocab.txt", VOCAB.as_bytes());
    write(directory.path(), "tokenizer_config.json", config.to_string().as_bytes());
    assert!(refused(TokenizerKind::WordPiece, directory.path()).contains("do_lower_case"));
    write(directory.path(), "tokenizer_config.json", b"{\"do_lower_case\": false}");
    assert!(Tokenizer::open(TokenizerKind::WordPiece, directory.path(), 512).is_ok());
    write(directory.path(), "tokenizer_config.json", b"{\"do_lower_case\": ");
    assert!(refused(TokenizerKind::WordPiece, directory.path()).contains("tokenizer_config.json"));
}

#[test]
fn wordpiece_from_tokenizer_json() {
    let vocab: serde_json::Map<_, _> =
        VOCAB.lines().zip(0..).map(|(p, id)| (p.to_owned(), json!(id))).collect();
    let document = |normalizer: serde_json::Value, model: &str| {
        json!({
            "added_tokens": [{"id": 7, "content": "[NEW]", "special": false}],
            "normalizer": normalizer,
            "model": {"type": model, "vocab": vocab, "unk_token": "[UNK]",
                      "continuing_subword_prefix": "##", "max_input_chars_per_word": 100}
        })
    };
    let cased = json!({"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": true, "strip_accents": null, "lowercase": false});
    let mut lower = cased.clone();
    lower["lowercase"] = json!(true);
    let mut accents = cased.clone();
    accents["strip_accents"] = json!(true);
    let directory = TempDir::new().unwrap();
    let path = directory.path();
    let put = |document: serde_json::Value| {
        write(path, "tokenizer.json", document.to_string().as_bytes());
    };
    put(document(cased.clone(), "WordPiece"));
    let tokenizer = Tokenizer::open(TokenizerKind::WordPiece, path, 512).unwrap();
    assert_eq!(tokenizer.ids("가나 가[SEP] 다가[NEW]나"), [5, 6, 5, 3, 1, 7, 1]);
    // Only special tokens are seen where the removal of characters makes them.
    assert_eq!(tokenizer.ids("[SEP\u{200b}] [NEW\u{200b}]"), [3, 1, 1, 1]);
    assert_eq!(tokenizer.vocab_size(), 8);
    for (document, expected) in [
        (document(lower, "WordPiece"), "only cased"),
        (document(accents, "WordPiece"), "only cased"),
        (document(json!({"type": "NFC"}), "WordPiece"), "BertNormalizer"),
        (document(cased, "Unigram"), "another family"),
    ] {
        put(document);
        let message = refused(TokenizerKind::WordPiece, path);
        assert!(message.contains("tokenizer.json") && message.contains(expected), "{message}");
    }
}

#[test]
fn added_tokens_have_their_ids() {
    let directory = folder("deberta_v2");
    let path = directory.path();
    let plain = Tokenizer::open(TokenizerKind::DebertaV2, path, 512).unwrap();
    let size = u32::try_from(plain.vocab_size()).unwrap();
    // [MASK] comes after the model's pieces where nothing says its id.
    assert_eq!(plain.ids("[MASK][CLS]"), [size - 1, 1]);
    write(path, "added_tokens.json", json!({"[MASK]": size + 1}).to_string().as_bytes());
    let added = Tokenizer::open(TokenizerKind::DebertaV2, path, 512).unwrap();
    assert_eq!((added.ids("[MASK]")[0], added.vocab_size()), (size + 1, size as usize + 2));
    let token = |single_word: bool, content: &str| {
        json!({"added_tokens_decoder": {(size + 2).to_string(): {"content": content, "rstrip": true,
            "single_word": single_word}}})
    };
    write(path, "tokenizer_config.json", token(false, "<x>").to_string().as_bytes());
    let config = Tokenizer::open(TokenizerKind::DebertaV2, path, 512).unwrap();
    assert_eq!(config.ids("<x>  [SEP]"), [size + 2, 2]);
    write(path, "tokenizer_config.json", token(true, "<x>").to_string().as_bytes());
    assert!(refused(TokenizerKind::DebertaV2, path).contains("single_word"));
    let clash = json!({"added_tokens_decoder": {"1": {"content": "<x>"}}});
    write(path, "tokenizer_config.json", clash.to_string().as_bytes());
    assert!(refused(TokenizerKind::DebertaV2, path).contains("different models"));
    let far = json!({"added_tokens_decoder": {"4000000000": {"content": "<x>"}}});
    write(path, "tokenizer_config.json", far.to_string().as_bytes());
    assert!(refused(TokenizerKind::DebertaV2, path).contains("far beyond"));
}

#[test]
fn gemma_ends_texts_where_its_config_says_so() {
    let directory = folder("gemma");
    let config = json!({"add_bos_token": true, "add_eos_token": true});
    write(directory.path(), "tokenizer_config.json", config.to_string().as_bytes());
    let tokenizer = Tokenizer::open(TokenizerKind::Gemma, directory.path(), 512).unwrap();
    let e = tokenizer.encode(&[Example::Pair("", "")], &EncodeOptions::default()).unwrap();
    assert_eq!(e.input_ids, [2, 1, 2, 1]);
    assert_eq!(e.token_type_ids, [0, 0, 1, 1]);
}

/// As many pieces as XLM-R and mDeBERTa have, in a file that is written here.
#[test]
fn a_quarter_of_a_million_pieces() {
    fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
        out.extend([number << 3 | 2, bytes.len() as u8]);
        out.extend(bytes);
    }
    let mut model = Vec::new();
    let mut piece = |text: &str, score: f32, kind: u8| {
        let mut bytes = Vec::new();
        field(&mut bytes, 1, text.as_bytes());
        bytes.push(2 << 3 | 5);
        bytes.extend(score.to_le_bytes());
        bytes.extend([3 << 3, kind]);
        field(&mut model, 1, &bytes);
    };
    piece("<unk>", 0.0, 2);
    piece("<s>", 0.0, 3);
    piece("</s>", 0.0, 3);
    piece("\u{2581}", -3.0, 1);
    let syllable = |n: usize| char::from_u32(0xac00 + (n * 7919 % 11_172) as u32).unwrap();
    for n in 0..11_172 {
        piece(&syllable(n).to_string(), -9.0, 1);
    }
    for n in 11_172..250_000 {
        let word: String = ["\u{2581}"][n % 2..]
            .iter()
            .flat_map(|s| s.chars())
            .chain([syllable(n), syllable(n / 11_172), syllable(n * n)])
            .collect();
        piece(&word, -10.0 - (n as f32) / 250_000.0, 1);
    }
    // Neither the trainer nor the normaliser has settings of its own.
    field(&mut model, 2, &[]);
    field(&mut model, 3, &[]);
    let directory = TempDir::new().unwrap();
    write(directory.path(), "sentencepiece.bpe.model", &model);
    let start = std::time::Instant::now();
    let tokenizer = Tokenizer::open(TokenizerKind::XlmRoberta, directory.path(), 512).unwrap();
    println!("opened in {:.2} s", start.elapsed().as_secs_f64());
    assert_eq!(tokenizer.vocab_size(), 250_002);
    let text: String = (0..1000).map(|n| if n % 7 == 6 { ' ' } else { syllable(n * n) }).collect();
    let start = std::time::Instant::now();
    let examples = vec![Example::Text(&text); 200];
    let e = tokenizer.encode(&examples, &EncodeOptions::default()).unwrap();
    let shown = e.n_tokens() as f64 + f64::from(e.n_truncated.iter().sum::<u32>());
    println!("{:.0} tokens a second", shown / start.elapsed().as_secs_f64());
    assert!(e.n_unknown.iter().all(|&n| n == 0) && e.input_ids.contains(&4));
}

/// Words by a rule of its own (letters alone, digits dropped), then WordPiece.
struct Foreign(WordPieceVocab);

impl Algorithm for Foreign {
    fn tokenize(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<Piece>) {
        let word = scratch.get::<String>();
        for (at, c) in text.char_indices().filter(|(_, c)| !c.is_ascii_digit()) {
            word.clear();
            word.push(c);
            self.0.split(word, |id, from, to| {
                let (start, end) = ((at + from) as u32, (at + to) as u32);
                out.push(Piece { id, start, end, word: 0 });
            });
        }
    }

    fn piece(&self, id: u32) -> &str {
        self.0.piece(id)
    }

    fn vocab_size(&self) -> usize {
        self.0.len()
    }

    fn unknown(&self) -> u32 {
        self.0.unknown()
    }
}

#[test]
fn an_algorithm_from_elsewhere_gets_everything_else() {
    let vocab = WordPieceVocab::parse(VOCAB.as_bytes(), "vocab.txt").unwrap();
    assert_eq!((vocab.id("가"), vocab.id("다")), (Some(5), None));
    let template = vocab.template();
    assert_eq!(template, Template::bert(2, 3));
    let tokenizer = Tokenizer::from_algorithm(Box::new(Foreign(vocab)), template, 5);
    let options = EncodeOptions { pieces: true, ..EncodeOptions::default() };
    let examples = [Example::Text("1가2나가가"), Example::Pair("가", "가")];
    let e = tokenizer.encode(&examples, &options).unwrap();
    assert_eq!(e.input_ids, [2, 5, 1, 5, 3, 2, 5, 3, 5, 3]);
    assert_eq!((e.n_truncated[0], e.n_unknown[0]), (1, 1));
    assert_eq!((e.offset_start[2], e.offset_end[2], e.pieces[2].as_str()), (5, 8, "[UNK]"));
    let edited = tokenizer.with_preprocess(|text| {
        let kept = text.chars().iter().copied().filter(|c| c.0 != '가').collect();
        text.set_chars(kept);
    });
    let e = edited.encode(&examples[..1], &options).unwrap();
    assert_eq!((e.input_ids.as_slice(), e.offset_start[1]), ([2, 1, 3].as_slice(), 5));
}
