//! What the plugin interface itself costs: 50,000 texts through a plugin that does nothing.
//!
//! `cargo bench -p kobench-tests --bench abi`. "calls" is the interface alone (one encode call, 25 forward
//! calls of 2,000 rows), "worker" the same through a worker process, with texts and logits on the socket.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kobench::plugin::{EncodeOptions, Example, Head, Library, ModelRequest, TokenizerRequest};
use kobench::qa::QaOptions;
use kobench::worker::{Encoding, EvaluateRequest, Limits, OpenRequest, RowInput, Worker};
use std::hint::black_box;
use std::time::Duration;

const ROWS: usize = 50_000;
/// About as long as a row of NSMC.
const TEXT: &str = "원작의 긴장감을 제대로 살려내지 못했지만 배우들의 연기는 참 좋았다";

fn requests() -> (TokenizerRequest, ModelRequest) {
    let json = r#"{"variant": "noop"}"#;
    (serde_json::from_str(json).expect("a request"), serde_json::from_str(json).expect("a request"))
}

fn calls(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let library =
        Library::load(&kobench_tests::noop_plugin(folder.path())).expect("the plugin loads");
    let (tokenizer, model) = requests();
    let mut tokenizer = library.open_tokenizer(&tokenizer).expect("a tokeniser");
    let mut model = library.open_model(&model).expect("a model");
    let texts = vec![Example::Text(TEXT); ROWS];
    let indices: Vec<u64> = (0..ROWS as u64).collect();
    let mut values = Vec::new();
    let mut group = c.benchmark_group("interface");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("calls", |b| {
        b.iter(|| {
            let encoded = tokenizer.encode(&texts, &EncodeOptions::default()).expect("encodes");
            for batch in indices.chunks(2_000) {
                model.forward(&encoded, batch, Head::Sequence, &mut values).expect("computes");
                black_box(&values);
            }
        });
    });
    group.finish();
}

fn worker(c: &mut Criterion) {
    // A worker is the kobench binary; this bench is none, so that the path is the built binary's.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (tokenizer, model) = requests();
    let limits = Limits { silence: Duration::from_secs(60) };
    let mut worker =
        Worker::start_program(kobench_tests::binary(), 1, limits, |_| {}).expect("a worker starts");
    let library = kobench_tests::noop_plugin(folder.path());
    worker.open(OpenRequest { library, tokenizer, model }, &mut |_| {}).expect("opens");
    let example = RowInput::Text(TEXT.into());
    let request = EvaluateRequest {
        examples: vec![example; ROWS],
        head: Head::Sequence,
        encoding: Encoding::new(128, QaOptions::default()),
        batch_tokens: 2_000,
        overlap: false,
    };
    let mut group = c.benchmark_group("interface");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(20);
    group.bench_function("worker", |b| {
        b.iter(|| {
            worker
                .evaluate(request.clone(), &mut |event| drop(black_box(event)))
                .expect("evaluates")
        });
    });
    group.finish();
}

criterion_group!(benches, calls, worker);
criterion_main!(benches);
