//! `kobench model check`.

use super::valid;
use kobench_tests::{Output, Sandbox, c_plugin, checks_plugin};

fn check(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    sandbox.run(&[&["model", "check", "--plugin-dir", "plugins"], arguments].concat())
}

fn with_plugin(how: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.join("plugins")).unwrap();
    checks_plugin(&sandbox.join("plugins"), how);
    sandbox
}

#[test]
fn a_plugin_that_says_what_it_read_is_believed_head_by_head() {
    let sandbox = with_plugin(None);
    let out = check(&sandbox, &["checks"]);
    assert_eq!(out.code, 1, "{}{}", out.stdout, out.stderr);
    for text in [
        "checks (checks 1.0.0): bundled weights",
        "/c/model.safetensors (4.0 KiB)",
        "safetensors, 5 tensors: 5 F32",
        "pairs of characters; \"이 영화 정말 재미있어요!\" has 9 tokens",
        "  sequence    in the checkpoint, 2 outputs\n  token       not in the checkpoint: new",
        "      classifier.bias\n      classifier.weight\n    not needed:\n      cls.predictions.bias\n",
        "  span        DOES NOT FIT",
        "DOES NOT FIT\n",
    ] {
        assert!(out.stdout.contains(text), "no `{text}` in {}", out.stdout);
    }
    // The whole list, a tensor a line, though it is longer than a usual message.
    for layer in [0, 123, 399] {
        let line = format!(
            "\n    encoder.layer.{layer}.output.dense.weight: shape [768, 3072], expected [768, 768]\n"
        );
        assert!(out.stdout.contains(&line), "no {line}");
    }
    let report = valid("model-check", &check(&sandbox, &["checks", "--format", "json"]).stdout);
    let states: Vec<&str> =
        report["heads"].as_array().unwrap().iter().map(|h| h["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["in_checkpoint", "new", "does_not_fit"]);
    assert_eq!(report["heads"][2]["error"].as_str().unwrap().lines().count(), 401);
}

#[test]
fn plugins_that_do_not_say_are_asked_otherwise() {
    // One that was built before there was anything to say refuses the key.
    let sandbox = with_plugin(Some("OLD"));
    let out = check(&sandbox, &["checks_old"]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    for text in [
        "sequence    in the checkpoint",
        "token       not in the checkpoint",
        "span        not in the checkpoint",
        "does not know `check`",
        "does not say which files",
        "\nfits\n",
    ] {
        assert!(out.stdout.contains(text), "no `{text}` in {}", out.stdout);
    }
    let report = valid("model-check", &check(&sandbox, &["checks_old", "--format", "json"]).stdout);
    assert_eq!(report["found"], serde_json::Value::Null);

    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.join("plugins")).unwrap();
    c_plugin(&sandbox.join("plugins"));
    let out = check(&sandbox, &["lexicon"]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert!(out.stdout.contains("sequence    in the checkpoint"), "{}", out.stdout);
}

#[test]
fn a_crash_is_a_finding() {
    let sandbox = with_plugin(Some("CRASH"));
    let out = check(&sandbox, &["checks_crash"]);
    assert_eq!(out.code, 1, "{}{}", out.stdout, out.stderr);
    assert_eq!(out.stdout.matches("crashed: SIGABRT in model_open").count(), 3, "{}", out.stdout);
}

#[test]
fn the_bundled_model_fits() {
    let sandbox = Sandbox::new();
    let out = sandbox.run(&["model", "check", "kcbert-demo", "--format", "json"]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    let report = valid("model-check", &out.stdout);
    assert_eq!(report["heads"][0]["state"], "in_checkpoint");
    assert_eq!(report["tokenizer"]["pieces"].as_array().unwrap()[0], "이");
}

#[test]
fn a_checkpoint_of_another_size_names_every_tensor() {
    let sandbox = Sandbox::new();
    let demo = kobench_tests::demo_checkpoint(&sandbox.join("demo"));
    let out = sandbox.run(&["model", "check", "demo", "--model", "kcbert-demo"]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert!(!out.stdout.contains("another size"), "{}", out.stdout);
    let out = sandbox.run(&["model", "check", "demo", "--model", "kcbert-base"]);
    assert!(out.stdout.contains("0.6M parameters and kcbert-base has 108.9M"), "{}", out.stdout);
    let config = std::fs::read_to_string(demo.join("config.json")).unwrap();
    let layers = config.replace("\"num_hidden_layers\": ", "\"num_hidden_layers\": 1");
    assert_ne!(layers, config);
    sandbox.write("demo/config.json", layers);
    let out = sandbox.run(&["model", "check", "demo", "--model", "kcbert-demo"]);
    assert_eq!(out.code, 1, "{}{}", out.stdout, out.stderr);
    assert!(
        out.stdout.contains("DOES NOT FIT") && out.stdout.contains("encoder.layer."),
        "{}",
        out.stdout
    );
    std::fs::remove_file(sandbox.join("demo/vocab.txt")).unwrap();
    let out = sandbox.run(&["model", "check", "demo", "--model", "kcbert-demo"]);
    assert!(
        out.stdout.contains("DOES NOT WORK") && out.stdout.contains("vocab.txt"),
        "{}",
        out.stdout
    );
}

#[test]
fn what_is_missing_is_said_before_anything_is_opened() {
    let sandbox = Sandbox::new();
    sandbox.write("empty/readme", "");
    for (arguments, says) in [
        (&["model", "check", "kcbert-base"][..], "`kobench model fetch kcbert-base`"),
        (&["model", "check", "empty"], "--model MODEL"),
        (&["model", "check", "empty", "--model", "kcbert-base"], "no config.json"),
        (&["model", "check", "nowhere", "--model", "kcbert-base"], "no such directory"),
        (&["model", "check", "kcbert-bsae"], "did you mean"),
    ] {
        super::assert_failed(&sandbox.run(arguments), 2, &[says]);
    }
}
