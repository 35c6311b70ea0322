//! `kobench model verify`.

use super::hub::{COMMIT, Repo};
use super::{assert_failed, fetch, folder, run, valid};
use kobench_tests::Sandbox;

#[test]
fn damage_is_found_named_and_mended() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = repo.serve();
    assert_eq!(fetch(&sandbox, &server, &[]).code, 0);
    let verify = |more: &[&str]| run(&sandbox, &server, &[&["verify"], more].concat());
    for target in [&[][..], &["hf:made/up"], &[&format!("hf:made/up@{COMMIT}")]] {
        let out = verify(target);
        assert_eq!(out.code, 0, "{}", out.stdout);
        assert!(out.stdout.contains(": 4 right"), "{}", out.stdout);
    }
    let snapshot = folder(&sandbox).join("snapshots").join(COMMIT);
    let out = verify(&[snapshot.to_str().unwrap()]);
    assert_eq!(out.code, 0, "{}", out.stdout);

    // One bit of the weights: the size is right, so that only reading tells.
    let weights = repo.hash("model.safetensors");
    let mut content = repo.content("model.safetensors").to_vec();
    content[1234] ^= 4;
    std::fs::write(folder(&sandbox).join("blobs").join(&weights), &content).unwrap();
    let out = verify(&[]);
    assert_failed(
        &out,
        1,
        &[
            "3 right",
            "1 damaged",
            "model.safetensors",
            &weights,
            "kobench model fetch hf:made/up --force",
        ],
    );
    let found = kobench::digest::sha256_hex(&content);
    let report = valid("model-verify", &verify(&["--format", "json"]).stdout);
    let files = report["models"][0]["files"].as_array().unwrap();
    assert!(files.iter().any(|f| f["verdict"] == "damaged" && f["found"] == found.as_str()));
    assert_eq!(fetch(&sandbox, &server, &["--force"]).code, 0);
    assert_eq!(verify(&[]).code, 0);

    // A content that is gone.
    std::fs::remove_file(folder(&sandbox).join("blobs").join(repo.hash("vocab.txt"))).unwrap();
    let out = verify(&["hf:made/up"]);
    assert_failed(&out, 1, &["1 missing", "vocab.txt", "`kobench model fetch hf:made/up` gets"]);
    let out =
        sandbox.run(&["run", "-m", "kcbert-base", "-t", "nsmc", "--checkpoint", "hf:made/up"]);
    assert_failed(
        &out,
        2,
        &["is incomplete", "vocab.txt missing", "`kobench model fetch hf:made/up`"],
    );
    assert_eq!(fetch(&sandbox, &server, &[]).code, 0);
    assert_eq!(verify(&[]).code, 0);

    // A link that is gone: nothing dangles, but a model that was named needs it.
    std::fs::remove_file(snapshot.join("model.safetensors")).unwrap();
    assert_eq!(verify(&[]).code, 0, "what nobody asked for may be a part");
    assert_failed(
        &verify(&["hf:made/up"]),
        1,
        &["model.safetensors or pytorch_model.bin", "missing"],
    );
}

#[test]
fn what_is_not_there_is_said() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = repo.serve();
    let verify = |more: &[&str]| run(&sandbox, &server, &[&["verify"], more].concat());
    let out = verify(&[]);
    assert_eq!(out.code, 0);
    assert!(out.stdout.contains("no models in the cache"), "{}", out.stdout);
    valid("model-verify", &verify(&["--format", "json"]).stdout);
    assert_failed(&verify(&["hf:made/up"]), 1, &["not in the Hugging Face cache", "model fetch"]);
    assert_failed(&verify(&["kcbert-base"]), 1, &["`kobench model fetch kcbert-base`"]);
    assert_failed(&verify(&["./nowhere"]), 1, &["nowhere"]);
    assert_failed(&verify(&["kcbert-bsae"]), 2, &["did you mean"]);
    assert_eq!(server.requests().len(), 0);
    // A folder that is no cache has no hashes, but may lack a shard.
    sandbox.write("mine/config.json", "{}");
    sandbox.write("mine/model.safetensors.index.json", r#"{"weight_map": {"a": "b.safetensors"}}"#);
    assert_failed(&verify(&["mine"]), 1, &["b.safetensors", "missing", "2 without a known hash"]);
}
