//! Every head of a plugin through a worker process, and encodings that contradict themselves.

use kobench::plugin::{Head, ModelRequest, TokenizerRequest};
use kobench::qa::{QaOptions, WindowLogits, Words, answer, candidates, check_overlaps};
use kobench::worker::{
    Encoding, EvaluateRequest, Evaluated, Event, Failure, FailureKind, Limits, Logits, OpenRequest,
    RowInput, SpanLogits, Worker,
};
use kobench_tests::{Sandbox, binary, broken_plugin, rules_plugin};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

const QA: QaOptions =
    QaOptions { doc_stride: 16, max_question_len: 8, max_answer_len: 30, n_best: 20 };

/// Runs rows through a plugin's model in a worker.
fn evaluate(
    library: PathBuf,
    head: Head,
    labels: Option<u32>,
    rows: &[RowInput],
    batch_tokens: u64,
) -> Result<(Vec<Logits>, Evaluated), Failure> {
    let limits = Limits { silence: Duration::from_secs(60) };
    let mut worker = Worker::start_program(binary(), 1, limits, |_| {})?;
    // A plugin in C has one model, which is called as its library is.
    let name = library.file_stem().unwrap().to_string_lossy();
    let variant = name.trim_start_matches("libkobench_plugin_").to_owned();
    let tokenizer =
        TokenizerRequest { variant: variant.clone(), checkpoint: None, options: BTreeMap::new() };
    let model = ModelRequest {
        variant,
        checkpoint: None,
        head,
        num_labels: labels,
        device: "cpu".into(),
        precision: "f32".into(),
        threads: 1,
        new_head: false,
        seed: 0,
        check: false,
        from_scratch: false,
        weights: None,
        options: BTreeMap::new(),
    };
    worker.open(OpenRequest { library, tokenizer, model }, &mut |_| {})?;
    let encoding = Encoding::new(32, QA);
    let examples = rows.to_vec();
    let request = EvaluateRequest { examples, head, encoding, batch_tokens, overlap: false };
    let mut all = Vec::new();
    let evaluated = worker.evaluate(request, &mut |event| {
        if let Event::Logits { logits, .. } = event {
            all.push(logits);
        }
    })?;
    Ok((all, evaluated))
}

fn words(text: &str) -> RowInput {
    RowInput::Words(text.split(' ').map(ToOwned::to_owned).collect())
}

fn question(context: &str) -> RowInput {
    RowInput::Question { question: "언제 읽었나?".into(), context: context.into() }
}

/// Long enough for several windows; the only number stands in the last third.
fn long_context() -> String {
    format!("{} 1839년에 그 책을 읽었다. {}", "가나다라 마바사 ".repeat(12), "아자차카 ".repeat(3))
}

#[test]
fn a_regression_has_one_number_a_pair() {
    let sandbox = Sandbox::new();
    let pair = |a: &str, b: &str| RowInput::Pair(a.into(), b.into());
    let rows =
        [pair("서울 간다", "서울 간다"), pair("서울", "부산"), pair("서울 간다", "서울 온다")];
    let library = rules_plugin(sandbox.path());
    let (logits, evaluated) = evaluate(library, Head::Sequence, Some(1), &rows, 8_192).unwrap();
    let [Logits::Rows { rows: order, width: 1, values }] = logits.as_slice() else {
        panic!("{logits:?}")
    };
    let mut values: Vec<(u32, f32)> = order.iter().copied().zip(values.iter().copied()).collect();
    values.sort_by_key(|(row, _)| *row);
    assert_eq!(values, [(0, 5.0), (1, 0.0), (2, 2.5)]);
    assert_eq!((evaluated.sequences, evaluated.truncated_rows), (3, 0));
}

#[test]
fn words_are_answered_at_their_first_token_and_cut_ones_are_not() {
    let sandbox = Sandbox::new();
    let long = format!("{}1839년", "가나 ".repeat(40));
    let rows = [words("1839년에 서울로  간다"), words(&long), words("")];
    let library = rules_plugin(sandbox.path());
    // One batch for each row.
    let (logits, evaluated) = evaluate(library, Head::Token, Some(3), &rows, 1).unwrap();
    let mut seen = BTreeMap::new();
    for batch in logits {
        let Logits::Words { rows, width: 3, values } = batch else { panic!("{batch:?}") };
        let label = |logits: &[f32]| logits.iter().position(|&v| v == 1.0).unwrap();
        let labels: Vec<usize> = values.chunks(3).map(label).collect();
        assert_eq!(rows.iter().map(|(_, words)| *words as usize).sum::<usize>(), labels.len());
        seen.insert(rows[0].0, labels);
    }
    // The third word of the first row is empty, and one unknown token.
    assert_eq!(seen[&0], [1, 2, 0, 0]);
    assert_eq!(
        seen[&1],
        vec![0; 30],
        "32 positions hold 30 words; the 41st word would be a number"
    );
    assert_eq!(seen[&2], [0]);
    assert_eq!((evaluated.truncated_rows, evaluated.unknown_tokens), (1, 2));
}

/// The windows of each row, in order.
fn windows(logits: Vec<Logits>) -> BTreeMap<u32, Vec<SpanLogits>> {
    let mut all: BTreeMap<u32, Vec<SpanLogits>> = BTreeMap::new();
    for batch in logits {
        let Logits::Spans(spans) = batch else { panic!("{batch:?}") };
        spans.into_iter().for_each(|one| all.entry(one.row).or_default().push(one));
    }
    all.values_mut().for_each(|windows| windows.sort_by_key(|one| one.window));
    all
}

#[test]
fn questions_are_answered_from_windows_whatever_the_batches() {
    let sandbox = Sandbox::new();
    let library = rules_plugin(sandbox.path());
    let contexts = [
        long_context(),
        "7월의 일이다.".into(),
        "그는 (1839년에) 읽었다".into(),
        "수가 없다".into(),
        String::new(),
    ];
    let rows = contexts.each_ref().map(|context| question(context));
    let mut answers = Vec::new();
    for batch_tokens in [1, 40, 8_192] {
        let (logits, evaluated) =
            evaluate(library.clone(), Head::Span, None, &rows, batch_tokens).unwrap();
        let windows = windows(logits);
        let counts: Vec<usize> = windows.values().map(Vec::len).collect();
        assert!(counts[0] > 2 && counts[1..] == [1; 4], "{counts:?}");
        assert_eq!(evaluated.sequences as usize, counts.iter().sum::<usize>());
        let mut texts = Vec::new();
        for (row, context) in contexts.iter().enumerate() {
            let all = &windows[&u32::try_from(row).unwrap()];
            assert!(all.iter().all(|one| one.windows as usize == all.len()));
            let shown: Vec<_> = all.iter().map(|one| one.context.clone()).collect();
            check_overlaps(&shown, 16).unwrap();
            let logits: Vec<_> =
                all.iter().map(|one| WindowLogits { start: &one.start, end: &one.end }).collect();
            let found = candidates(&shown, &logits, &QA);
            texts.push(answer(&Words::split(context), &shown, &found));
        }
        answers.push(texts);
    }
    // An answer within a word is cut out of it, unless it begins there.
    assert_eq!(answers[0][..3], ["1839", "7", "(1839년에)"]);
    // Where all logits are equal, the earliest span is the best.
    assert_eq!(answers[0][3..], ["수가", "empty"]);
    assert!(answers.iter().all(|texts| *texts == answers[0]), "{answers:?}");
}

/// What is said about a plugin that is broken in one way.
fn broken(how: &str, head: Head, rows: &[RowInput]) -> String {
    let sandbox = Sandbox::new();
    let library = broken_plugin(sandbox.path(), how);
    let labels = (head == Head::Token).then_some(3);
    let failure = evaluate(library, head, labels, rows, 8_192).unwrap_err();
    let FailureKind::Error { code, message, .. } = failure.kind else { panic!("{failure:?}") };
    let expected = match how {
        "ROWS" => "internal error",
        _ => "bad encoding",
    };
    assert_eq!(code, expected, "{message}");
    message
}

#[test]
fn broken_encodings_of_words_are_named_by_row() {
    let rows = [words("가나 다라"), words("가나다라 마바 사아")];
    let says = |how: &str, expected: &str| {
        let message = broken(how, Head::Token, &rows);
        assert!(message.contains(expected), "{how}: {message}");
    };
    says(
        "OFFSETS",
        "row 1: the plugin's encoding: token 1 is bytes 0..100006 of a text of 12 bytes",
    );
    says("WORD", "row 1: the plugin's encoding: token 2 is of word 1000, of 3 words");
    says(
        "WORD_ORDER",
        "row 1: the plugin's encoding: token 1 is of word 1, where it should be of word 0",
    );
    says(
        "WORD_LOST",
        "row 1: the plugin's encoding: only 2 of 3 words have a token, but nothing was cut off",
    );
    says("ROW", "made 1 sequences of 2 texts");
    says("ROWS", "the plugin answered 10 tokens with 2 rows of 3 logits");
}

#[test]
fn broken_windows_are_named_by_row() {
    let rows = [question("7월의 일이다."), question(&long_context())];
    let says = |how: &str, expected: &str| {
        let message = broken(how, Head::Span, &rows);
        assert!(message.contains(expected), "{how}: {message}");
    };
    says("OFFSETS", "row 1: the plugin's encoding: token");
    says("ORDER", "begins before the one before it");
    says("WINDOW", "gave window 2 of row 1 after window 0 of row 1");
    says("ROW", "made no sequence of row 1");
    says("PIECES", "row 1: the plugin's encoding: `pieces` is NULL, but was asked for");
    says("PIECE", "is not UTF-8");
    says("CONTEXT", "is not of the context, but lies within it");
}

#[test]
fn windows_with_another_stride_do_not_fit_together() {
    let sandbox = Sandbox::new();
    let library = broken_plugin(sandbox.path(), "STRIDE");
    let (logits, _) =
        evaluate(library, Head::Span, None, &[question(&long_context())], 8_192).unwrap();
    let shown: Vec<_> = windows(logits)[&0].iter().map(|one| one.context.clone()).collect();
    let error = check_overlaps(&shown, 16).unwrap_err().to_string();
    assert!(error.contains("window 1 should begin 16 tokens after window 0"), "{error}");
}

#[test]
fn a_check_of_a_plugin_looks_at_its_encodings() {
    let sandbox = Sandbox::new();
    let check = |library: PathBuf| sandbox.run(&["plugin", "check", library.to_str().unwrap()]);
    let good = check(rules_plugin(sandbox.path()));
    assert_eq!(good.code, 0, "{}", good.stdout);
    for (how, id) in [
        ("OFFSETS", "tokenizer.offsets"),
        ("WORD", "tokenizer.word-order"),
        ("STRIDE", "tokenizer.windows"),
    ] {
        let broken = check(broken_plugin(sandbox.path(), how));
        let expected = format!("BAD     {id} (broken_{}): ", how.to_lowercase());
        assert!(broken.code == 1 && broken.stdout.contains(&expected), "{}", broken.stdout);
    }
}
