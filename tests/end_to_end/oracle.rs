//! The pipeline of extractive question answering over the real plugin: with the vocabularies of two published
//! models it gives the reference's windows, tokens and answers on the whole of KorQuAD 1.0 dev.
//!
//! The vocabularies are looked for in `$KOBENCH_DATA/../vocab`.

use kobench::metrics::AnswerScores;
use kobench::plugin::TokenizerRequest;
use kobench::qa::QaOptions;
use kobench::tokens::{ModelTokenizer, OracleRow, Question, oracle};
use kobench_tests::{Sandbox, binary, full_data};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the reference gives.
struct Expected {
    windows: usize,
    context_tokens: usize,
    unknown: usize,
    too_long: usize,
    /// Exact match and F1 in percent, to four places.
    best: [&'static str; 2],
}

#[test]
fn the_pipeline_equals_the_reference_with_the_vocabulary_of_kcbert() {
    let expected = Expected {
        windows: 8_338,
        context_tokens: 256_881,
        unknown: 4_436,
        too_long: 1,
        best: ["77.4680", "97.0234"],
    };
    let Some(rows) = compare("kcbert", 300, &expected) else { return };
    let whole = score(&rows, |row| row.whole_words.as_deref());
    assert_eq!(whole, ["23.9695", "87.6624"], "whole words");
}

#[test]
fn the_pipeline_equals_the_reference_with_the_vocabulary_of_koelectra() {
    let expected = Expected {
        windows: 6_199,
        context_tokens: 223_744,
        unknown: 4_304,
        too_long: 0,
        best: ["70.8521", "96.2218"],
    };
    compare("koelectra-v1", 512, &expected);
}

type Rows = Vec<(OracleRow, String)>;

fn compare(vocabulary: &str, max_seq_len: u32, expected: &Expected) -> Option<Rows> {
    let data = full_data("the question answering pipeline against the reference")?;
    let vocab = data.join("../vocab").join(vocabulary).with_extension("txt");
    let korquad = data.join("korquad/KorQuAD_v1.0_dev.json");
    for file in [&vocab, &korquad] {
        if !file.is_file() {
            eprintln!(
                "the question answering pipeline against the reference: skipped, no {}",
                file.display()
            );
            return None;
        }
    }
    let sandbox = Sandbox::new();
    let tokenizer = tokenizer(&checkpoint(&sandbox, &vocab, max_seq_len));
    let file: Value = serde_json::from_slice(&std::fs::read(korquad).unwrap()).unwrap();
    let questions = questions(&file);
    let options = QaOptions::default();
    let rows = oracle(&tokenizer, &questions, max_seq_len, &options).unwrap();

    assert_eq!(rows.len(), 5_774);
    let windows: usize = rows.iter().map(|row| row.windows).sum();
    assert_eq!(windows, expected.windows, "windows");
    // Each paragraph counts once, however many questions are asked about it; about one there are none.
    let paragraphs = oracle(&tokenizer, &paragraphs(&file), max_seq_len, &options).unwrap();
    assert_eq!(paragraphs.len(), 964);
    let sum = |of: fn(&OracleRow) -> usize| paragraphs.iter().map(of).sum::<usize>();
    assert_eq!(sum(|row| row.tokens), expected.context_tokens, "tokens");
    assert_eq!(sum(|row| row.unknown), expected.unknown, "unknown tokens");
    assert!(rows.iter().all(|row| row.span.is_some()), "every answer is in its context");
    let longest = options.max_answer_len as usize;
    let too_long = rows.iter().filter(|row| row.span.unwrap().len() > longest).count();
    assert_eq!(too_long, expected.too_long, "spans of more than 30 tokens");
    let rows: Rows = rows.into_iter().zip(questions.iter().map(|q| q.answer.to_owned())).collect();
    assert_eq!(score(&rows, |row| row.text.as_deref()), expected.best, "best answers");
    Some(rows)
}

/// A checkpoint folder with nothing but what a tokeniser needs.
fn checkpoint(sandbox: &Sandbox, vocab: &Path, positions: u32) -> PathBuf {
    let pieces = std::fs::read(vocab).unwrap();
    let size = pieces.iter().filter(|&&byte| byte == b'\n').count() + 1;
    sandbox.write("checkpoint/vocab.txt", pieces);
    let config = serde_json::json!({
        "vocab_size": size, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
        "intermediate_size": 3072, "max_position_embeddings": positions, "type_vocab_size": 2,
        "hidden_act": "gelu", "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1
    });
    sandbox.write("checkpoint/config.json", config.to_string()).parent().unwrap().to_path_buf()
}

fn tokenizer(checkpoint: &Path) -> ModelTokenizer {
    let executable = binary();
    ModelTokenizer {
        library: executable.with_file_name("libkobench_plugin_kcbert.so"),
        request: TokenizerRequest {
            variant: "kcbert-base".into(),
            checkpoint: Some(checkpoint.into()),
            options: BTreeMap::new(),
        },
        max_seq_len: None,
        hang_limit: Duration::from_secs(60),
        executable: Some(executable.into()),
    }
}

fn each_paragraph(file: &Value) -> impl Iterator<Item = &Value> {
    let articles = file["data"].as_array().unwrap().iter();
    articles.flat_map(|article| article["paragraphs"].as_array().unwrap())
}

/// Every paragraph with a question that takes no tokens.
fn paragraphs(file: &Value) -> Vec<Question<'_>> {
    let contexts = each_paragraph(file).map(|paragraph| paragraph["context"].as_str().unwrap());
    contexts
        .map(|context| Question { question: "", context, answer: "", answer_start: 0 })
        .collect()
}

fn questions(file: &Value) -> Vec<Question<'_>> {
    let mut all = Vec::new();
    for paragraph in each_paragraph(file) {
        let context = paragraph["context"].as_str().unwrap();
        for asked in paragraph["qas"].as_array().unwrap() {
            let answer = &asked["answers"][0];
            let start = usize::try_from(answer["answer_start"].as_u64().unwrap()).unwrap();
            all.push(Question {
                question: asked["question"].as_str().unwrap(),
                context,
                answer: answer["text"].as_str().unwrap(),
                answer_start: context.char_indices().nth(start).unwrap().0,
            });
        }
    }
    all
}

/// KorQuAD's exact match and F1 over characters, in percent to four places.
fn score<'a>(rows: &'a Rows, of: impl Fn(&'a OracleRow) -> Option<&'a str>) -> [String; 2] {
    let (predicted, gold): (Vec<_>, Vec<_>) =
        rows.iter().map(|(row, gold)| (of(row), vec![gold.as_str()])).unzip();
    let scores = AnswerScores::new(&gold, &predicted).unwrap();
    [scores.exact_sum(), scores.char_f1_sum()]
        .map(|sum| format!("{:.4}", 100.0 * sum / rows.len() as f64))
}
