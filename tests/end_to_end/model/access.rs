//! Who may fetch what, and who learns of the token.

use super::hub::Repo;
use super::{assert_failed, assert_snapshot, command, fetch};
use kobench_tests::http::{Reply, Request, Server};
use kobench_tests::{Output, Sandbox, finish};

const TOKEN: &str = "hf_secretsecretsecret";

/// A gated repository: its files want a token.
fn gated(repo: &Repo) -> Server {
    let repo = repo.clone();
    Server::start(move |request, _| match (repo.asked(request), request.header("authorization")) {
        (None, _) => repo.reply(request),
        (_, Some("Bearer hf_secretsecretsecret")) => repo.reply(request),
        (_, Some(_)) => Reply::new(403, "").header("x-error-code", "GatedRepo"),
        (_, None) => Reply::new(401, "").header("x-error-code", "GatedRepo"),
    })
}

fn fetch_with(sandbox: &Sandbox, server: &Server, set: &[(&str, &str)]) -> Output {
    let mut command = command(sandbox, server, &["fetch", "hf:made/up", "--retries", "0"]);
    command.envs(set.iter().copied());
    let out = finish(&mut command);
    assert!(!format!("{}{}", out.stdout, out.stderr).contains("secret"), "{}", out.stdout);
    out
}

#[test]
fn a_gated_model_wants_a_token_and_its_licence_accepted() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = gated(&repo);
    let page = server.url("/made/up");
    assert_failed(
        &fetch(&sandbox, &server, &[]),
        1,
        &["access is refused (401, GatedRepo)", &page, "accept the licence", "HF_TOKEN"],
    );
    assert!(!super::folder(&sandbox).join("refs").exists());
    let out = fetch_with(&sandbox, &server, &[("HF_TOKEN", "hf_anothersecret")]);
    assert_failed(&out, 1, &["403, GatedRepo", "with the account of the token"]);
    let out = fetch_with(&sandbox, &server, &[("HF_TOKEN", "two words of secret")]);
    assert_failed(&out, 2, &["HF_TOKEN holds no token"]);
    let out = fetch_with(&sandbox, &server, &[("HF_TOKEN", TOKEN)]);
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert_snapshot(&sandbox, &repo, &Repo::NEEDED);
}

#[test]
fn tokens_come_from_where_hugging_face_keeps_them() {
    let repo = Repo::model();
    let server = gated(&repo);
    let sandbox = Sandbox::new();
    sandbox.write("hf/token", format!("{TOKEN}\n"));
    let implicit = ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    assert_eq!(fetch_with(&sandbox, &server, &[implicit]).code, 1);
    assert_eq!(fetch_with(&sandbox, &server, &[]).code, 0);
    let sandbox = Sandbox::new();
    let file = sandbox.write("elsewhere", TOKEN);
    let path = ("HF_TOKEN_PATH", file.to_str().unwrap());
    assert_eq!(fetch_with(&sandbox, &server, &[path]).code, 0);
    let sandbox = Sandbox::new();
    assert_eq!(fetch_with(&sandbox, &server, &[("HUGGING_FACE_HUB_TOKEN", TOKEN)]).code, 0);
}

fn tokens_in(requests: &[Request]) -> usize {
    requests.iter().filter(|request| request.header("authorization").is_some()).count()
}

#[test]
fn another_server_that_files_come_from_never_sees_the_token() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    // The same host with another port is another server.
    let store = {
        let repo = repo.clone();
        Server::start(move |request, _| {
            let mut asked = request.clone();
            asked.target = asked.target.replace("?signature=x", "");
            repo.reply(&asked)
        })
    };
    let hub = {
        let (repo, base) = (repo.clone(), store.url(""));
        Server::start(move |request, _| match repo.asked(request) {
            Some(name) if name.ends_with(".safetensors") => {
                Reply::redirect(&format!("{base}{}?signature=x", request.target))
            }
            // Small files come from the hub itself, by a path of its own.
            Some("vocab.txt") if !request.target.ends_with("again") => {
                Reply::redirect(&format!("/api/resolve-cache{}", request.target))
            }
            _ => {
                let mut asked = request.clone();
                asked.target = asked.target.replace("/api/resolve-cache", "");
                repo.reply(&asked)
            }
        })
    };
    let out = fetch_with(&sandbox, &hub, &[("HF_TOKEN", TOKEN)]);
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert_snapshot(&sandbox, &repo, &Repo::NEEDED);
    assert_eq!((store.requests().len(), tokens_in(&store.requests())), (1, 0));
    let asked = hub.requests();
    assert_eq!(
        tokens_in(&asked),
        asked.len(),
        "the hub itself sees it, also after its own redirects"
    );
    assert!(asked.iter().any(|request| request.target.starts_with("/api/resolve-cache")));
}

#[test]
fn offline_nothing_is_asked() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = repo.serve();
    for variable in ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"] {
        let out = fetch_with(&sandbox, &server, &[(variable, "1")]);
        assert_failed(&out, 1, &["forbids to ask the network", variable]);
    }
    assert_eq!(server.requests().len(), 0);
    assert_eq!(fetch(&sandbox, &server, &[]).code, 0);
    let asked = server.requests().len();
    let out = fetch_with(&sandbox, &server, &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert!(out.stdout.contains("here already"), "{}", out.stdout);
    assert_eq!(server.requests().len(), asked);
    // A server that is gone is an error, but what is here can be used.
    let gone = format!("http://127.0.0.1:{}", kobench_tests::http::closed_port());
    let out = fetch_with(&sandbox, &server, &[("HF_ENDPOINT", &gone)]);
    assert_failed(&out, 1, &["what is in the cache is complete"]);
}
