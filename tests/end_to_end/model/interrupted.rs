//! Fetches that are cut, killed, that meet each other, or that have no place.

use super::hub::{COMMIT, Repo};
use super::{assert_failed, assert_snapshot, blobs, command, fetch, folder};
use kobench_tests::http::{Reply, Request, Server};
use kobench_tests::{Sandbox, finish};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const WEIGHTS: &str = "model.safetensors";

/// A server that answers right, but for the weights, which `spoil` is given with their number, from 0.
fn spoiling(
    repo: &Repo,
    spoil: impl Fn(&Request, Reply, usize) -> Reply + Send + Sync + 'static,
) -> Server {
    let (repo, count) = (repo.clone(), AtomicUsize::new(0));
    Server::start(move |request, _| {
        let reply = repo.reply(request);
        match repo.asked(request) {
            Some(WEIGHTS) => spoil(request, reply, count.fetch_add(1, Ordering::Relaxed)),
            _ => reply,
        }
    })
}

/// The requests for the weights.
fn asked(repo: &Repo, server: &Server) -> Vec<Request> {
    server.requests().into_iter().filter(|request| repo.asked(request) == Some(WEIGHTS)).collect()
}

fn incomplete(sandbox: &Sandbox, repo: &Repo) -> u64 {
    let path = folder(sandbox).join(format!("blobs/{}.incomplete", repo.hash(WEIGHTS)));
    path.metadata().map_or(0, |meta| meta.len())
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited for too long: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Serves the weights slowly to the first request, and at once to later ones.
fn slow_at_first(repo: &Repo) -> Server {
    spoiling(repo, |_, reply, number| match number {
        0 => reply.dripping(10_000, Duration::from_millis(100)),
        _ => reply,
    })
}

fn assert_whole(sandbox: &Sandbox, repo: &Repo) {
    assert_snapshot(sandbox, repo, &Repo::NEEDED);
    assert_eq!(blobs(sandbox).len(), 4, "{:?}", blobs(sandbox));
    assert_eq!(std::fs::read_to_string(folder(sandbox).join("refs/main")).unwrap(), COMMIT);
}

#[test]
fn a_connection_that_is_cut_is_taken_up() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = spoiling(&repo, |_, reply, number| match number {
        0 => reply.cut_after(100_000),
        _ => reply,
    });
    let out = fetch(&sandbox, &server, &[]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert!(
        out.stderr.contains("the connection ended after 100000 of 300000 bytes"),
        "{}",
        out.stderr
    );
    assert_whole(&sandbox, &repo);
    let requests = asked(&repo, &server);
    assert_eq!((requests.len(), requests[1].from()), (2, Some(100_000)));
}

#[test]
fn a_killed_fetch_is_taken_up() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = slow_at_first(&repo);
    let mut killed = command(&sandbox, &server, &["fetch", "hf:made/up"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_until("some of the file", || incomplete(&sandbox, &repo) >= 30_000);
    // SIGKILL.
    killed.kill().unwrap();
    killed.wait().unwrap();
    let kept = incomplete(&sandbox, &repo);
    assert!(!folder(&sandbox).join("refs").exists(), "a revision is remembered once it is whole");
    let list = sandbox.json(&["model", "verify", "--format", "json"]);
    assert!(list["models"][0]["files"].as_array().unwrap().iter().any(|f| f["verdict"] == "cut"));
    let out = sandbox.run(&[
        "run",
        "-m",
        "kcbert-base",
        "-t",
        "nsmc",
        "--checkpoint",
        &format!("hf:made/up@{COMMIT}"),
    ]);
    assert_failed(
        &out,
        2,
        &["is incomplete", "model.safetensors", "kobench model fetch hf:made/up@"],
    );
    let out = fetch(&sandbox, &server, &["--dry-run"]);
    assert!(out.stdout.contains("KiB are here"), "{}", out.stdout);
    let out = fetch(&sandbox, &server, &[]);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert_whole(&sandbox, &repo);
    assert_eq!(asked(&repo, &server)[1].from(), usize::try_from(kept).ok());
}

#[test]
fn what_another_client_left_is_taken_up_and_checked() {
    let repo = Repo::model();
    let server = repo.serve();
    let begin = repo.content(WEIGHTS)[..70_000].to_vec();
    for (left, requests, from) in [
        (begin.clone(), 1, Some(70_000)),
        // All of it, and more than all of it.
        (repo.content(WEIGHTS).to_vec(), 1, Some(300_000)),
        ([repo.content(WEIGHTS), b"more"].concat(), 2, Some(300_004)),
        // Of another file.
        (vec![7; 1000], 2, Some(1000)),
    ] {
        let sandbox = Sandbox::new();
        let name = format!("hf/hub/models--made--up/blobs/{}.incomplete", repo.hash(WEIGHTS));
        sandbox.write(&name, &left);
        let before = asked(&repo, &server).len();
        let out = fetch(&sandbox, &server, &[]);
        assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
        assert_whole(&sandbox, &repo);
        let requests_now = &asked(&repo, &server)[before..];
        assert_eq!((requests_now.len(), requests_now[0].from()), (requests, from));
    }
    // A server that knows no ranges sends everything, and that is used.
    let plain = {
        let repo = repo.clone();
        spoiling(&repo.clone(), move |_, _, _| Reply::new(200, repo.content(WEIGHTS)))
    };
    let sandbox = Sandbox::new();
    sandbox
        .write(&format!("hf/hub/models--made--up/blobs/{}.incomplete", repo.hash(WEIGHTS)), &begin);
    assert_eq!(fetch(&sandbox, &plain, &[]).code, 0);
    assert_whole(&sandbox, &repo);
}

#[test]
fn what_has_another_hash_is_not_put_in_place() {
    let repo = Repo::model();
    for name in [WEIGHTS, "config.json"] {
        let sandbox = Sandbox::new();
        let mut wrong = repo.content(name).to_vec();
        wrong[1] ^= 1;
        let spoilt = repo.clone();
        let server = Server::start(move |request, _| match spoilt.asked(request) {
            Some(asked) if asked == name => Reply::new(200, wrong.clone()),
            _ => spoilt.reply(request),
        });
        let algorithm = if name == WEIGHTS { "the SHA-256 of" } else { "the git blob SHA-1 of" };
        assert_failed(&fetch(&sandbox, &server, &[]), 1, &[algorithm, &repo.hash(name)]);
        assert!(!folder(&sandbox).join("refs").exists());
        assert!(!folder(&sandbox).join("snapshots").join(COMMIT).join(name).exists());
        assert!(!blobs(&sandbox).iter().any(|blob| blob.starts_with(&repo.hash(name))));
        let out = fetch(&sandbox, &repo.serve(), &[]);
        assert_eq!(out.code, 0, "{}", out.stdout);
        assert_whole(&sandbox, &repo);
    }
}

#[test]
fn two_fetches_at_once_are_one() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = slow_at_first(&repo);
    let first = command(&sandbox, &server, &["fetch", "hf:made/up"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("some of the file", || incomplete(&sandbox, &repo) > 0);
    let second = fetch(&sandbox, &server, &[]);
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(0));
    assert_eq!(second.code, 0, "{}{}", second.stdout, second.stderr);
    assert!(second.stderr.contains("another process is downloading it"), "{}", second.stderr);
    assert!(second.stdout.starts_with("hf:made/up: here already"), "{}", second.stdout);
    assert_eq!(asked(&repo, &server).len(), 1);
    assert_whole(&sandbox, &repo);
}

#[test]
fn a_cache_that_cannot_be_written_to_is_named_and_can_be_read() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = repo.serve();
    // A file where the folder should be.
    sandbox.write("hf", "in the way");
    assert_failed(&fetch(&sandbox, &server, &[]), 1, &["HF_HUB_CACHE", "hf/hub/models--made--up"]);
    std::fs::remove_file(sandbox.join("hf")).unwrap();

    assert_eq!(fetch(&sandbox, &server, &[]).code, 0);
    let set = |mode| {
        let status = Command::new("chmod").args(["-R", mode]).arg(sandbox.join("hf")).status();
        assert!(status.unwrap().success());
    };
    set("a-w");
    let read_only = std::fs::write(sandbox.join("hf/probe"), "").is_err();
    if read_only {
        let out = fetch(&sandbox, &server, &[]);
        assert_eq!(out.code, 0, "all is there, nothing is to be written: {}", out.stdout);
        let out = super::run(&sandbox, &server, &["fetch", "hf:made/up@refs/pr/1"]);
        assert_failed(&out, 1, &["denied", "HF_HUB_CACHE"]);
    } else {
        eprintln!("a read-only cache: skipped, this user may write everywhere");
    }
    set("u+w");
    let mode = std::fs::metadata(sandbox.join("hf")).unwrap().permissions().mode();
    assert_ne!(mode & 0o200, 0);
}

#[test]
fn a_disk_that_is_full_is_named_and_the_fetch_goes_on_later() {
    let (repo, sandbox) = (Repo::model(), Sandbox::new());
    let server = repo.serve();
    // A limit on the size of files stands for the full disk: the same calls fail, without a mount.
    let ready = command(&sandbox, &server, &["fetch", "hf:made/up"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""])
        .arg(ready.get_program())
        .args(ready.get_args())
        .current_dir(sandbox.path());
    for (name, value) in ready.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let out = finish(&mut shell);
    assert_failed(&out, 1, &["free some space", ".incomplete", "HF_HUB_CACHE"]);
    let out = fetch(&sandbox, &server, &[]);
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert_whole(&sandbox, &repo);
    assert!(asked(&repo, &server)[1].from().is_some_and(|from| from >= 50_000));
}
