//! What is fetched, and where it goes.

use super::hub::{COMMIT, Repo};
use super::{assert_failed, assert_snapshot, blobs, fetch, folder, run, valid};
use kobench_tests::Sandbox;
use kobench_tests::http::{Reply, Server};
use serde_json::json;

#[test]
fn a_model_is_fetched_into_the_standard_cache() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = repo.serve();
    let out = fetch(&sandbox, &server, &["--format", "json"]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    let report = valid("model-fetch", &out.stdout);
    let model = &report["models"][0];
    assert_eq!((&model["outcome"], &model["commit"]), (&json!("fetched"), &json!(COMMIT)));
    assert_eq!(model["to_fetch"], model["bytes"]);
    assert_snapshot(&sandbox, &repo, &Repo::NEEDED);
    assert_eq!(std::fs::read_to_string(folder(&sandbox).join("refs/main")).unwrap(), COMMIT);
    assert_eq!(blobs(&sandbox).len(), 4, "nothing but the contents: {:?}", blobs(&sandbox));
    let lock = format!("hf/hub/.locks/models--made--up/{}.lock", repo.hash("vocab.txt"));
    assert!(sandbox.join(&lock).is_file());
    assert_eq!(server.requests().len(), 5);
    let last = server.requests().pop().unwrap();
    assert_eq!(repo.asked(&last), Some("model.safetensors"), "the weights come last");

    let out = fetch(&sandbox, &server, &[]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    assert!(out.stdout.starts_with("hf:made/up: here already"), "{}", out.stdout);
    assert_eq!(server.requests().len(), 6, "only the commit is asked for");
    // `run` takes it from there.
    let checkpoint = ["--checkpoint", "hf:made/up"];
    let rest = ["run", "-m", "kcbert-base", "-t", "nsmc", "--split", "sample"];
    let out = sandbox.run(&[&rest[..], &checkpoint].concat());
    assert!(!out.stderr.contains("model fetch"), "it is found: {}", out.stderr);
}

#[test]
fn a_dry_run_writes_nothing() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = repo.serve();
    let out = fetch(&sandbox, &server, &["--dry-run"]);
    assert_eq!(out.code, 0, "{}", out.stderr);
    assert!(
        out.stdout.contains("model.safetensors           293.0 KiB  to download"),
        "{}",
        out.stdout
    );
    assert!(!out.stdout.contains("tf_model") && !out.stdout.contains("pytorch"), "{}", out.stdout);
    assert!(!sandbox.join("hf").exists());
    let out = fetch(&sandbox, &server, &["--dry-run", "--format", "json"]);
    assert_eq!(valid("model-fetch", &out.stdout)["models"][0]["outcome"], "planned");
}

#[test]
fn shards_are_those_that_the_index_names() {
    let index = |second: &str| {
        json!({"metadata": {"total_size": 10}, "weight_map": {
            "a": "model-00001-of-00002.safetensors", "b": second, "c": "model-00001-of-00002.safetensors"}})
        .to_string()
    };
    let name = "model.safetensors.index.json";
    let repo = Repo::model()
        .without("model.safetensors")
        .with("model-00001-of-00002.safetensors", b"first")
        .with("model-00002-of-00002.safetensors", b"second")
        .with("model-00003-of-00003.safetensors", b"of another set")
        .with(name, index("model-00002-of-00002.safetensors").as_bytes());
    let sandbox = Sandbox::new();
    let out = fetch(&sandbox, &repo.serve(), &[]);
    assert_eq!(out.code, 0, "{}", out.stdout);
    let expected = [
        "config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        name,
        "tokenizer_78b3253a26.model",
        "vocab.txt",
    ];
    assert_snapshot(&sandbox, &repo, &expected);

    // One that is not there, and one that would be elsewhere.
    for (second, says) in [
        ("model-00009-of-00009.safetensors", "has no model-00009-of-00009.safetensors"),
        ("../../../../x.safetensors", "which is no file beside it"),
    ] {
        let (repo, sandbox) = (repo.clone().with(name, index(second).as_bytes()), Sandbox::new());
        assert_failed(&fetch(&sandbox, &repo.serve(), &[]), 1, &[says]);
        assert!(!sandbox.join("hf").exists(), "nothing is written");
    }
}

#[test]
fn pickles_are_taken_where_there_is_nothing_else() {
    let (repo, sandbox) = (Repo::model().without("model.safetensors"), Sandbox::new());
    assert_eq!(fetch(&sandbox, &repo.serve(), &[]).code, 0);
    let expected = ["config.json", "pytorch_model.bin", "tokenizer_78b3253a26.model", "vocab.txt"];
    assert_snapshot(&sandbox, &repo, &expected);
    let repo = repo.without("pytorch_model.bin");
    assert_failed(&fetch(&Sandbox::new(), &repo.serve(), &[]), 1, &["no weights", "tf_model.h5"]);
    let repo = Repo::model().without("config.json");
    assert_failed(&fetch(&Sandbox::new(), &repo.serve(), &[]), 1, &["has no config.json"]);
}

#[test]
fn names_that_would_leave_the_cache_are_never_written() {
    let repo = Repo::model();
    for (name, key, value) in [
        ("config.json", "blobId", json!("../../../../escaped")),
        ("config.json", "blobId", json!("A".repeat(40))),
        ("config.json", "blobId", json!(null)),
        ("config.json", "size", json!(null)),
        ("model.safetensors", "lfs", json!({"sha256": "../../escaped", "size": 3})),
        ("model.safetensors", "lfs", json!({"sha256": "a".repeat(40), "size": 3})),
    ] {
        let mut info = repo.info();
        for sibling in info["siblings"].as_array_mut().unwrap() {
            if sibling["rfilename"] == name {
                sibling[key] = value.clone();
            }
        }
        let (info, sandbox) = (info.to_string(), Sandbox::new());
        let server = Server::start(move |_, _| Reply::new(200, info.clone()));
        assert_failed(
            &fetch(&sandbox, &server, &[]),
            1,
            &["not the answer of a Hugging Face Hub", name],
        );
        assert!(!sandbox.join("hf").exists(), "{name} {key}");
    }
    for sha in ["../../escaped", "", "main"] {
        let mut info = repo.info();
        info["sha"] = json!(sha);
        let (info, sandbox) = (info.to_string(), Sandbox::new());
        let server = Server::start(move |_, _| Reply::new(200, info.clone()));
        assert_failed(&fetch(&sandbox, &server, &[]), 1, &["is no commit"]);
        assert!(!sandbox.join("hf").exists(), "{sha}");
    }
    // Listed, but no file that a model needs: passed over.
    let (named, sandbox) = (
        repo.clone()
            .with("../x.model", b"!")
            .with("a/../../vocab.txt", b"!")
            .with("/etc/x.model", b"!"),
        Sandbox::new(),
    );
    assert_eq!(fetch(&sandbox, &named.serve(), &[]).code, 0);
    assert_snapshot(&sandbox, &named, &Repo::NEEDED);
}

#[test]
fn revisions_may_have_slashes_and_be_commits() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = repo.serve();
    let out = run(&sandbox, &server, &["fetch", "hf:made/up@refs/pr/1"]);
    assert_eq!(out.code, 0, "{}", out.stdout);
    let reference = folder(&sandbox).join("refs/refs/pr/1");
    assert_eq!(std::fs::read_to_string(reference).unwrap(), COMMIT);
    let out = run(&sandbox, &server, &["fetch", &format!("hf:made/up@{COMMIT}")]);
    assert!(out.stdout.contains("here already"), "{}", out.stdout);
    assert_failed(
        &run(&sandbox, &server, &["fetch", "hf:made/up@nowhere"]),
        1,
        &["made/up has no revision `nowhere`", "/made/up/commits/main"],
    );
    assert_failed(
        &run(&sandbox, &server, &["fetch", "hf:made/other"]),
        1,
        &["/made/other: no such model, or a private one"],
    );
    // Not this branch: the run says which there is.
    let run = ["run", "-m", "kcbert-base", "-t", "nsmc", "--checkpoint", "hf:made/up"];
    let out = sandbox.run(&run);
    assert_failed(&out, 2, &["`kobench model fetch hf:made/up`", "refs/pr/1"]);
}

#[test]
fn names_are_checked_before_anything_is_asked() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = repo.serve();
    for (name, says) in [
        ("hf:../../etc", "is no id of a model"),
        ("hf:a/b/c", "is no id of a model"),
        ("hf:made/up@../../x", "is no revision"),
        ("kcbert-bsae", "did you mean `kcbert-base`"),
    ] {
        let out = run(&sandbox, &server, &["fetch", "hf:made/up", name]);
        assert_failed(&out, 2, &[says]);
    }
    assert_eq!(run(&sandbox, &server, &["fetch"]).code, 2);
    assert_eq!(server.requests().len(), 0);
    let out = run(&sandbox, &server, &["fetch", "kcbert-demo"]);
    assert_eq!((out.code, out.stdout.as_str()), (0, "kcbert-demo: part of its plugin\n"));
}

#[test]
fn a_plugin_s_model_is_fetched_by_its_name() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = {
        let repo = repo.clone();
        Server::start(move |request, _| {
            let mut asked = request.clone();
            asked.target = asked.target.replace("beomi/kcbert-base", super::ID);
            repo.reply(&asked)
        })
    };
    let out = run(&sandbox, &server, &["fetch", "kcbert-base"]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert!(out.stderr.contains("licence MIT"), "{}", out.stderr);
    assert!(sandbox.join("hf/hub/models--beomi--kcbert-base/snapshots").is_dir());
    let list = sandbox.json(&["model", "list", "kcbert-base", "--format", "json"]);
    assert_eq!(list["models"][0]["files"], "complete");
}

#[test]
fn too_little_room_is_said_before_the_download() {
    let repo = Repo::model();
    let mut info = repo.info();
    for sibling in info["siblings"].as_array_mut().unwrap() {
        if sibling["rfilename"] == "model.safetensors" {
            sibling["lfs"]["size"] = json!(1_u64 << 62);
        }
    }
    let (info, sandbox) = (info.to_string(), Sandbox::new());
    let server = Server::start(move |_, _| Reply::new(200, info.clone()));
    assert_failed(
        &fetch(&sandbox, &server, &[]),
        1,
        &["are to be downloaded", "are free", "HF_HUB_CACHE"],
    );
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn answers_of_other_servers_are_named() {
    for body in ["<html>", "{}", r#"{"sha": 1}"#] {
        let server = Server::start(move |_, _| Reply::new(200, body));
        assert_failed(
            &fetch(&Sandbox::new(), &server, &[]),
            1,
            &["not the answer of a Hugging Face Hub", "HF_ENDPOINT"],
        );
    }
    let server = Server::start(|_, _| Reply::new(503, ""));
    assert_failed(&fetch(&Sandbox::new(), &server, &["--retries", "0"]), 1, &["503"]);
}
