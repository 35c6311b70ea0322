//! Gold entities that a model sees, which depend on its vocabulary and on how long its sequences are.

use kobench_tests::{Sandbox, full_data, workspace};
use serde_json::Value;
use std::collections::BTreeMap;

/// Type of entity -> (all, visible) in the split `test`.
fn entities(sandbox: &Sandbox, arguments: &[&str]) -> BTreeMap<String, (u64, u64)> {
    let fixed = ["task", "check", "naver_ner", "-m", "kcbert-base", "--format", "json"];
    let out = sandbox.run(&[&fixed, arguments].concat());
    let report: Value =
        serde_json::from_str(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", out.stderr));
    let splits = report["tasks"][0]["splits"].as_array().unwrap();
    let test = splits.iter().find(|split| split["split"] == "test").unwrap();
    let found = test["tokens"]["words"]["entities"].as_array().unwrap_or_else(|| panic!("{test}"));
    let count = |of: &Value, key: &str| of[key].as_u64().unwrap();
    found
        .iter()
        .map(|of| (of["type"].as_str().unwrap().into(), (count(of, "all"), count(of, "visible"))))
        .collect()
}

/// A checkpoint's folder that has the tokeniser only.
fn with_vocabulary(sandbox: &Sandbox, vocabulary: impl AsRef<[u8]>) {
    let config = workspace().join("plugins/kcbert/configs/kcbert-base.json");
    sandbox.write("checkpoint/config.json", std::fs::read(config).unwrap());
    sandbox.write("checkpoint/vocab.txt", vocabulary);
}

#[test]
fn entities_are_counted_up_to_the_cut() {
    let sandbox = Sandbox::new();
    with_vocabulary(&sandbox, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n가\n##가\n나\n");
    // Tokens a word: 2 1 1, and 1 1 2.
    let rows = "가가 나 나\tPER-B PER-I LOC-B\n나 나 가가\tO LOC-B LOC-I\n";
    sandbox.write("data/naver-ner/test.tsv", rows);
    let of = |max_seq_len: &str| {
        let arguments =
            ["--checkpoint", "checkpoint", "--data-dir", "data", "--max-seq-len", max_seq_len];
        let found = entities(&sandbox, &arguments);
        (found["PER"], found["LOC"], found["ORG"])
    };
    assert_eq!(of("6"), ((1, 1), (2, 2), (0, 0)));
    // Three tokens are left: the first row loses a word, the second half of one, whose label stays.
    assert_eq!(of("5"), ((1, 1), (2, 1), (0, 0)));
    // Two tokens: one word, and two.
    assert_eq!(of("4"), ((1, 1), (2, 1), (0, 0)));
}

/// The supports that the published runs of KcBERT-base recorded, and those without truncation.
#[test]
fn the_supports_of_naver_ner_are_those_of_the_published_runs() {
    let Some(data) = full_data("the supports of Naver NER against the published runs") else {
        return;
    };
    let vocab = data.join("../vocab/kcbert.txt");
    let test = data.join("naver-ner/test.tsv");
    for file in [&vocab, &test] {
        if !file.is_file() {
            eprintln!(
                "skipped: the supports of Naver NER against the published runs ({} is not there; the agreement \
                 of the contest forbids copies, so the file has to be the user's own)",
                file.display()
            );
            return;
        }
    }
    let sandbox = Sandbox::new();
    with_vocabulary(&sandbox, std::fs::read(&vocab).unwrap());
    let arguments =
        ["--checkpoint", "checkpoint", "--data-dir", data.to_str().unwrap(), "--max-seq-len", "50"];
    let found = entities(&sandbox, &arguments);
    let visible = [
        ("AFW", 377),
        ("ANM", 688),
        ("CVL", 5368),
        ("DAT", 2418),
        ("EVT", 1026),
        ("FLD", 227),
        ("LOC", 2023),
        ("MAT", 11),
        ("NUM", 5114),
        ("ORG", 3705),
        ("PER", 4205),
        ("PLT", 33),
        ("TIM", 304),
        ("TRM", 1792),
    ];
    let expected: BTreeMap<String, u64> = visible.map(|(kind, n)| (kind.to_string(), n)).into();
    let of = |pick: fn(&(u64, u64)) -> u64| -> BTreeMap<String, u64> {
        found.iter().map(|(kind, counts)| (kind.clone(), pick(counts))).collect()
    };
    assert_eq!(of(|counts| counts.1), expected);
    assert_eq!(of(|counts| counts.1).values().sum::<u64>(), 27_291);
    assert_eq!(of(|counts| counts.0).values().sum::<u64>(), 29_413);
}
