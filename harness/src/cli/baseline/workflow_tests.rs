//! The workflow files are YAML that GitHub takes, and every command in them is one of this kobench.

use clap::Parser;
use serde_yaml::Value;

use super::super::super::Cli;
use super::{CPU, GPU};

fn parsed(text: &str) -> Value {
    serde_yaml::from_str(text).expect("YAML")
}

fn steps(workflow: &Value) -> Vec<Value> {
    workflow["jobs"]["compare"]["steps"].as_sequence().expect("steps").clone()
}

/// The shell's words of a line, with the workflow's `env` in the place of variables: `$NAME`, and `${NAME//,/ }`, which
/// makes several words of one with commas.
fn words(line: &str, env: &Value) -> Vec<String> {
    let value = |name: &str| -> String {
        env[name].as_str().map_or_else(|| name.to_lowercase(), str::to_owned)
    };
    let mut text = line.to_owned();
    while let Some(begin) = text.find("${") {
        let end = begin + text[begin..].find('}').expect("a brace that closes");
        let (name, rest) = text[begin + 2..end].split_once('/').expect("a replacement");
        assert_eq!(rest, "/,/ ", "{line}");
        text.replace_range(begin..=end, &value(name).replace(',', " "));
    }
    let mut words = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            '$' => {
                let mut name = String::new();
                while let Some(c) = characters.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                words.last_mut().expect("a word").push_str(&value(&name));
            }
            other => words.last_mut().expect("a word").push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn every_command_is_one_of_ours() {
    for (text, expected) in [
        (CPU, ["compare", "baseline", "data", "run"].as_slice()),
        (GPU, &["compare", "baseline", "bench", "data", "run", "selftest"]),
    ] {
        let workflow = parsed(text);
        let mut seen = Vec::new();
        for step in steps(&workflow) {
            let Some(run) = step["run"].as_str() else { continue };
            for line in run.replace("\\\n", " ").lines().map(str::trim) {
                if !line.starts_with("kobench ") {
                    continue;
                }
                let words = words(line, &workflow["env"]);
                if let Err(error) = Cli::try_parse_from(&words) {
                    panic!("{line}\n{words:?}\n{error}");
                }
                seen.push(words[1].clone());
            }
        }
        for command in expected {
            assert!(seen.iter().any(|seen| seen == command), "no {command} in {seen:?}");
        }
    }
}

#[test]
fn they_ask_for_little_and_keep_the_results() {
    for text in [CPU, GPU] {
        let workflow = parsed(text);
        // YAML 1.1 would read the key `on` as true; this reader does not, nor does GitHub's.
        assert!(workflow["on"]["pull_request"].is_null() && workflow["on"].is_mapping());
        assert_eq!(workflow["permissions"], parsed("{contents: read}"));
        assert!(workflow["concurrency"]["group"].is_string());
        assert!(workflow["jobs"]["compare"]["timeout-minutes"].is_u64());
        let steps = steps(&workflow);
        for step in &steps {
            if let Some(action) = step["uses"].as_str() {
                let version = action.split_once("@v").expect("a version").1;
                assert!(version.parse::<u32>().is_ok(), "{action}");
            }
        }
        let last = steps.last().expect("a step");
        assert!(
            last["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/upload-artifact@"))
        );
        assert_eq!(last["if"], "always()");
    }
    let gpu = parsed(GPU);
    assert_eq!(gpu["concurrency"]["cancel-in-progress"], false);
    assert!(
        gpu["jobs"]["compare"]["if"]
            .as_str()
            .is_some_and(|condition| condition.contains("head.repo.full_name"))
    );
}
