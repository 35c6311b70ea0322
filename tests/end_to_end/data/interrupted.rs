//! Downloads that are killed, that meet each other, or that have no place.

use super::{Named, arguments, assert_file, names, rows, target, task};
use kobench_tests::http::{Reply, Server};
use kobench_tests::{Sandbox, finish};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TAG: &str = "\"1\"";

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited for too long: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Serves a file slowly to the first request, and at once to later ones.
fn slow_at_first(content: &[u8]) -> Server {
    let content = content.to_owned();
    Server::start(move |request, number| {
        let reply = Reply::file(request, &content, TAG);
        if number == 0 { reply.dripping(10_000, Duration::from_millis(100)) } else { reply }
    })
}

fn partial_len(sandbox: &Sandbox) -> u64 {
    sandbox.join("data/films/.test.tsv.partial").metadata().map_or(0, |meta| meta.len())
}

#[test]
fn a_killed_download_is_taken_up() {
    let content = rows(5000);
    let (server, sandbox) = (slow_at_first(&content), Sandbox::new());
    let url = server.url("/x");
    task(&sandbox, &Named { content: Some(&content), url: Some(&url), ..Named::default() });
    let fetch = arguments("fetch", &["films"]);
    let mut killed =
        sandbox.command(&fetch).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("some of the file", || partial_len(&sandbox) >= 30_000);
    // SIGKILL.
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!target(&sandbox).exists());
    let kept = partial_len(&sandbox);
    let out = sandbox.run(&fetch);
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert_file(&target(&sandbox), &content);
    assert_eq!(names(&sandbox), ["test.tsv"]);
    let second = &server.requests()[1];
    assert_eq!(second.from(), usize::try_from(kept).ok());
    assert_eq!(second.header("if-range"), Some(TAG));
}

#[test]
fn what_is_left_of_a_download_can_be_damaged() {
    let content = rows(5000);
    let server = {
        let content = content.clone();
        Server::start(move |request, _| Reply::file(request, &content, TAG))
    };
    let note = |sha256: &str| {
        let url = server.url("/x");
        format!(
            r#"{{"url":"{url}","sha256":"{sha256}","validator":"\"1\"","etag":"\"1\"","total":null}}"#
        )
    };
    let right = kobench::digest::sha256_hex(&content);
    let whole = String::from_utf8(content.clone()).unwrap();
    let longer = whole.clone() + "more";
    for (partial, note, requests) in [
        // Bytes that are wrong: found out at the end, and begun anew.
        ("x".repeat(50_000), note(&right), 2),
        // More than the file has.
        (longer, note(&right), 2),
        // All of it: the server says that nothing comes after it.
        (whole, note(&right), 1),
        // A note that is cut, and one of another file.
        ("x".repeat(50_000), "{\"url\":".to_owned(), 1),
        ("x".repeat(50_000), note(&"0".repeat(64)), 1),
    ] {
        let sandbox = Sandbox::new();
        let url = server.url("/x");
        task(&sandbox, &Named { content: Some(&content), url: Some(&url), ..Named::default() });
        sandbox.write("data/films/.test.tsv.partial", partial);
        sandbox.write("data/films/.test.tsv.partial.json", &note);
        let before = server.requests().len();
        let out = sandbox.run(&arguments("fetch", &["films"]));
        assert_eq!(out.code, 0, "{note}: {}{}", out.stdout, out.stderr);
        assert_file(&target(&sandbox), &content);
        assert_eq!(names(&sandbox), ["test.tsv"]);
        assert_eq!(server.requests().len() - before, requests, "{note}");
    }
}

#[test]
fn two_downloads_at_once_are_one() {
    let content = rows(5000);
    let (server, sandbox) = (slow_at_first(&content), Sandbox::new());
    let url = server.url("/x");
    task(&sandbox, &Named { content: Some(&content), url: Some(&url), ..Named::default() });
    let fetch = arguments("fetch", &["films"]);
    let first =
        sandbox.command(&fetch).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("some of the file", || partial_len(&sandbox) > 0);
    let second = sandbox.run(&fetch);
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&first.stdout).starts_with("films/test: fetched"));
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert!(second.stderr.contains("another process is downloading it"), "{}", second.stderr);
    assert!(second.stdout.starts_with("films/test: here already"), "{}", second.stdout);
    assert_eq!(server.requests().len(), 1);
    assert_file(&target(&sandbox), &content);
    assert_eq!(names(&sandbox), ["test.tsv"]);
}

#[test]
fn one_that_waited_for_a_download_that_was_killed_goes_on_with_it() {
    let content = rows(5000);
    let (server, sandbox) = (slow_at_first(&content), Sandbox::new());
    let url = server.url("/x");
    task(&sandbox, &Named { content: Some(&content), url: Some(&url), ..Named::default() });
    let fetch = arguments("fetch", &["films"]);
    let mut first =
        sandbox.command(&fetch).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("some of the file", || partial_len(&sandbox) >= 20_000);
    let second =
        sandbox.command(&fetch).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    first.kill().unwrap();
    first.wait().unwrap();
    let second = second.wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(0), "{}", String::from_utf8_lossy(&second.stderr));
    assert_file(&target(&sandbox), &content);
    assert!(server.requests()[1].from().is_some_and(|from| from >= 20_000));
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let content = rows(100);
    let server = {
        let content = content.clone();
        Server::start(move |request, _| Reply::file(request, &content, TAG))
    };
    let sandbox = Sandbox::new();
    let url = server.url("/x");
    task(&sandbox, &Named { content: Some(&content), url: Some(&url), ..Named::default() });
    // A file where the folder should be.
    sandbox.write("data", "in the way");
    let out = sandbox.run(&arguments("fetch", &["films"]));
    assert_eq!(out.code, 1);
    assert!(
        out.stdout.contains("data/films") && out.stdout.contains("--data-dir"),
        "{}",
        out.stdout
    );
    std::fs::remove_file(sandbox.join("data")).unwrap();

    std::fs::create_dir(sandbox.join("data")).unwrap();
    let set = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(sandbox.join("data"), permissions).unwrap();
    };
    set(0o555);
    if std::fs::write(sandbox.join("data/probe"), "").is_ok() {
        eprintln!("a read-only folder: skipped, this user may write everywhere");
    } else {
        let out = sandbox.run(&arguments("fetch", &["films"]));
        assert_eq!(out.code, 1);
        assert!(
            out.stdout.contains("denied") && out.stdout.contains("--data-dir"),
            "{}",
            out.stdout
        );
    }
    set(0o755);
    assert_eq!(server.requests().len(), 0, "nothing is asked for that has no place");
}

#[test]
fn a_disk_that_is_full_is_named_and_the_download_goes_on_later() {
    let content = rows(5000);
    let server = {
        let content = content.clone();
        Server::start(move |request, _| Reply::file(request, &content, TAG))
    };
    let sandbox = Sandbox::new();
    let url = server.url("/x");
    task(&sandbox, &Named { content: Some(&content), url: Some(&url), ..Named::default() });
    // A limit on the size of files stands for the full disk: the same calls fail, without a mount.
    let ready = sandbox.command(&arguments("fetch", &["films"]));
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
    assert_eq!(out.code, 1, "{}", out.stderr);
    assert!(
        out.stdout.contains("free some space") && out.stdout.contains(".partial"),
        "{}",
        out.stdout
    );
    assert!(!target(&sandbox).exists());
    let out = sandbox.run(&arguments("fetch", &["films"]));
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert_file(&target(&sandbox), &content);
    assert!(server.requests()[1].from().is_some_and(|from| from >= 50_000));
}
