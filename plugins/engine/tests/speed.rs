//! Tokens per second of the full-size model on real rows, when the user has both:
//!
//! `KOBENCH_CHECKPOINT=DIR KOBENCH_DATA=DIR cargo test --release -p kobench-engine --test speed -- --nocapture --ignored`

use std::path::PathBuf;
use std::time::Instant;

use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::tokenizer::{Tokenizer, TokenizerKind};
use kobench_engine::{Context, PackedBatch};
use kobench_plugin_sdk::{EncodeOptions, Example, Head};

/// Tokens that one batch holds at most.
const BUDGET: usize = 2048;
const ROWS: usize = 1000;

#[test]
#[ignore = "needs a full-size checkpoint and minutes"]
fn tokens_per_second() {
    let folder = |name| PathBuf::from(std::env::var_os(name).expect(name));
    let (checkpoint, data) = (folder("KOBENCH_CHECKPOINT"), folder("KOBENCH_DATA"));
    let json = std::fs::read(checkpoint.join("config.json")).unwrap();
    let config = ModelConfig::from_json(Architecture::Bert, &json, "config.json").unwrap();
    let tokenizer =
        Tokenizer::open(TokenizerKind::WordPiece, &checkpoint, config.max_seq_len).unwrap();
    let text = std::fs::read_to_string(data.join("nsmc/ratings_test.txt")).unwrap();
    let rows = text.split('\n').skip(1).take(ROWS);
    let documents: Vec<&str> = rows.map(|l| l.trim().split('\t').nth(1).unwrap()).collect();
    let examples: Vec<Example<'_>> = documents.iter().map(|d| Example::Text(d)).collect();
    let encoded = tokenizer.encode(&examples, &EncodeOptions::default()).unwrap();

    let start = Instant::now();
    let weights = Checkpoint::open(&checkpoint).unwrap();
    let ctx = Context::cpu(2).unwrap();
    let new_head = NewHead::Initialise { seed: 1 };
    let mut model = Model::load(config, Head::Sequence, &weights, new_head, ctx).unwrap();
    model.pack().unwrap();
    println!("load: {:.2} s, {}", start.elapsed().as_secs_f64(), model.context().isa());

    let mut order: Vec<usize> = (0..encoded.n_sequences()).collect();
    order.sort_by_key(|&s| std::cmp::Reverse(encoded.range(s).len()));
    for round in 0..2 {
        let start = Instant::now();
        let mut batch = PackedBatch::default();
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            batch.clear();
            let mut taken = 0;
            for &s in rest {
                let range = encoded.range(s);
                if taken > 0 && batch.tokens() + range.len() > BUDGET {
                    break;
                }
                let types = vec![0; range.len()];
                batch.push(&encoded.input_ids[range], &types).unwrap();
                taken += 1;
            }
            rest = &rest[taken..];
            let mut logits = vec![0.0; taken * model.config().num_labels];
            model.forward(&batch, &mut logits, &|| Ok(())).unwrap();
        }
        let seconds = start.elapsed().as_secs_f64();
        let rate = encoded.n_tokens() as f64 / seconds;
        println!(
            "round {round}: {} tokens in {seconds:.2} s, {rate:.0} tokens/s",
            encoded.n_tokens()
        );
    }
    println!("buffers: {} bytes", model.context().buffer_bytes());
}
