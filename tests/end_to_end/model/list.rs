//! `kobench model list` and `kobench plugin list`.

use super::hub::Repo;
use super::{run, valid};
use kobench_tests::http::Server;
use kobench_tests::{Sandbox, c_plugin};

#[test]
fn lists_are_what_their_schemas_say() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.join("plugins")).unwrap();
    c_plugin(&sandbox.join("plugins"));
    sandbox.write("plugins/libkobench_plugin_broken.so", "no library");
    let out = sandbox.run(&["model", "list", "--plugin-dir", "plugins", "--format", "json"]);
    let list = valid("model-list", &out.stdout);
    let state = |name: &str| {
        let all = list["models"].as_array().unwrap();
        all.iter().find(|m| m["model"]["name"] == name).unwrap()["files"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        [state("lexicon"), state("kcbert-demo"), state("kcbert-base")],
        ["bundled", "bundled", "absent"]
    );
    let out = sandbox.run(&["plugin", "list", "--plugin-dir", "plugins", "--format", "json"]);
    let list = valid("plugin-list", &out.stdout);
    let all = list["plugins"].as_array().unwrap();
    assert!(all.iter().any(|p| p["status"] == "broken") && all.iter().any(|p| p["status"] == "ok"));
}

#[test]
fn what_is_in_the_cache_is_told_by_revision() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = Server::start(move |request, _| {
        let mut asked = request.clone();
        asked.target = asked.target.replace("beomi/kcbert-base", super::ID);
        repo.reply(&asked)
    });
    let list =
        || sandbox.json(&["model", "list", "kcbert-base", "--format", "json"])["models"][0].clone();
    assert_eq!(run(&sandbox, &server, &["fetch", "kcbert-base@refs/pr/1"]).code, 0);
    assert_eq!(list()["files"], "other_revision");
    assert_eq!(list()["cached"][0]["references"][0], "refs/pr/1");
    let out = sandbox.run(&["run", "-m", "kcbert-base", "-t", "nsmc", "--split", "sample"]);
    super::assert_failed(
        &out,
        2,
        &["`kobench model fetch kcbert-base`", "hf:beomi/kcbert-base@REVISION", "refs/pr/1"],
    );
    assert_eq!(run(&sandbox, &server, &["fetch", "kcbert-base"]).code, 0);
    assert_eq!(list()["files"], "complete");
    let weights =
        list()["cached"][0]["directory"].as_str().unwrap().to_owned() + "/model.safetensors";
    std::fs::remove_file(std::fs::canonicalize(weights).unwrap()).unwrap();
    assert_eq!(list()["files"], "incomplete");
    assert_eq!(list()["cached"][0]["missing"][0], "model.safetensors");
    let out = sandbox.run(&["model", "list", "kcbert"]);
    assert!(
        out.stdout.contains("incomplete") && out.stdout.contains("kcbert-large"),
        "{}",
        out.stdout
    );
    assert_eq!(sandbox.run(&["model", "list", "nothing"]).code, 2);
}
