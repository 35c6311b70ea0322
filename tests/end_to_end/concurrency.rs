//! The interface lets a tokeniser and a model be used at the same time by different threads.

use kobench::plugin::{EncodeOptions, Example, Head, Library, ModelRequest, TokenizerRequest};
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_tokeniser_and_a_model_work_at_the_same_time() {
    let folder = kobench_tests::binary().parent().unwrap();
    let library = Library::load(&folder.join(kobench::plugin::library_name("kcbert"))).unwrap();
    let json = r#"{"variant": "kcbert-demo", "threads": 1}"#;
    let model: ModelRequest = serde_json::from_str(json).unwrap();
    let tokenizer: TokenizerRequest =
        serde_json::from_str(r#"{"variant": "kcbert-demo"}"#).unwrap();
    let mut model = library.open_model(&model).unwrap();
    let mut tokenizer = library.open_tokenizer(&tokenizer).unwrap();

    let texts = vec![
        Example::Text("배우들의 연기는 참 좋았지만 이야기는 별로였다");
        200
    ];
    let options = EncodeOptions::default();
    let encoded = tokenizer.encode(&texts, &options).unwrap();
    let indices: Vec<u64> = (0..200).collect();
    let mut expected = Vec::new();
    model.forward(&encoded, &indices, Head::Sequence, &mut expected).unwrap();

    let computing = AtomicBool::new(true);
    std::thread::scope(|scope| {
        let encoding = scope.spawn(|| {
            let mut calls = 0;
            while computing.load(Ordering::Relaxed) || calls == 0 {
                let again = tokenizer.encode(&texts, &options).unwrap();
                assert_eq!(again.view().unwrap().cu_seqlens, encoded.view().unwrap().cu_seqlens);
                calls += 1;
            }
            calls
        });
        for _ in 0..10 {
            let mut values = Vec::new();
            model.forward(&encoded, &indices, Head::Sequence, &mut values).unwrap();
            assert_eq!(values, expected);
        }
        computing.store(false, Ordering::Relaxed);
        assert!(encoding.join().unwrap() > 0);
    });
    // An encoding outlives the tokeniser that made it.
    drop(tokenizer);
    let mut values = Vec::new();
    model.forward(&encoded, &indices, Head::Sequence, &mut values).unwrap();
    assert_eq!(values, expected);
}
