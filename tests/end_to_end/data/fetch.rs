//! What `kobench data fetch` does beside the download itself.

use super::{Named, arguments, assert_file, names, rows, target, task};
use kobench_tests::Sandbox;
use kobench_tests::http::{Reply, Server};

fn serving(content: &[u8]) -> Server {
    let content = content.to_owned();
    Server::start(move |request, _| Reply::file(request, &content, "\"1\""))
}

#[test]
fn a_mirror_is_asked_in_place_of_the_address() {
    let content = rows(10);
    let (server, sandbox) = (serving(&content), Sandbox::new());
    let named =
        Named { content: Some(&content), url: Some("http://no.invalid/x"), ..Named::default() };
    task(&sandbox, &named);
    let mirror = server.url("/mirror/");
    let out = sandbox.run(&arguments("fetch", &["films", "--mirror", &mirror]));
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert_eq!(server.requests()[0].target, "/mirror/films/test.tsv");
    assert_file(&target(&sandbox), &content);

    std::fs::remove_file(target(&sandbox)).unwrap();
    let mut command = sandbox.command(&arguments("fetch", &["films"]));
    let out = kobench_tests::finish(command.env("KOBENCH_MIRROR", server.url("")));
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert_eq!(server.requests()[1].target, "/films/test.tsv");
}

#[test]
fn a_mirror_s_password_is_not_shown() {
    let sandbox = Sandbox::new();
    task(&sandbox, &Named { content: Some(b"x"), ..Named::default() });
    let mirror = "http://me:secret@127.0.0.1:1/?token=secret";
    let out = sandbox.run(&arguments("fetch", &["films", "--mirror", mirror, "--retries", "0"]));
    assert_eq!(out.code, 1);
    assert!(!format!("{}{}", out.stdout, out.stderr).contains("secret"), "{}", out.stdout);
}

#[test]
fn what_may_not_be_fetched_says_how_it_is_got() {
    let sandbox = Sandbox::new();
    let named = Named { obtain: Some("Ask the owners for it."), ..Named::default() };
    task(&sandbox, &named);
    let out = sandbox.run(&arguments("fetch", &["films"]));
    assert_eq!(out.code, 1);
    for text in
        ["films/test: missing", "Ask the owners for it.", "data/films/test.tsv", "data import"]
    {
        assert!(out.stdout.contains(text), "no `{text}` in {}", out.stdout);
    }
    let server = Server::start(|_, _| Reply::new(404, ""));
    let out = sandbox.run(&arguments("fetch", &["films", "--mirror", &server.url("")]));
    assert_eq!(out.code, 1);
    assert!(out.stdout.contains("the mirror does not have it"), "{}", out.stdout);
    assert!(out.stdout.contains("Ask the owners for it."), "{}", out.stdout);
}

#[test]
fn another_file_in_the_place_is_replaced_by_force_alone() {
    let content = rows(10);
    let (server, sandbox) = (serving(&content), Sandbox::new());
    let url = server.url("/x");
    task(&sandbox, &Named { content: Some(&content), url: Some(&url), ..Named::default() });
    sandbox.write("data/films/test.tsv", "mine");
    let out = sandbox.run(&arguments("fetch", &["films"]));
    assert_eq!(out.code, 1);
    assert!(out.stdout.contains("another file is here") && out.stdout.contains("--force"));
    assert_file(&target(&sandbox), b"mine");
    let out = sandbox.run(&arguments("fetch", &["films", "--force"]));
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert_file(&target(&sandbox), &content);

    // A file that is replaced stays until the new one is right.
    let server = serving(b"wrong");
    let url = server.url("/x");
    task(&sandbox, &Named { content: Some(&content), url: Some(&url), ..Named::default() });
    let out = sandbox.run(&arguments("fetch", &["films", "--force"]));
    assert_eq!(out.code, 1);
    assert_file(&target(&sandbox), &content);
    assert_eq!(names(&sandbox), ["test.tsv"]);
}

#[test]
fn data_goes_where_data_is_found() {
    let content = rows(10);
    let (server, sandbox) = (serving(&content), Sandbox::new());
    let url = server.url("/x");
    task(&sandbox, &Named { content: Some(&content), url: Some(&url), ..Named::default() });
    let arguments = ["data", "fetch", "films", "--task-dir", "tasks"];
    let out = sandbox.run(&arguments);
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert_file(&sandbox.join("cache/kobench/data/films/test.tsv"), &content);
    let mut command = sandbox.command(&arguments);
    let out = kobench_tests::finish(command.env("KOBENCH_DATA", sandbox.join("mine")));
    assert!(out.stdout.contains("here already"), "the cache is looked at too: {}", out.stdout);
    std::fs::remove_dir_all(sandbox.join("cache")).unwrap();
    let mut command = sandbox.command(&arguments);
    kobench_tests::finish(command.env("KOBENCH_DATA", sandbox.join("mine")));
    assert_file(&sandbox.join("mine/films/test.tsv"), &content);
}

#[test]
fn a_run_downloads_nothing_and_says_what_does() {
    let (server, sandbox) = (serving(b"x"), Sandbox::new());
    let url = server.url("/x");
    task(&sandbox, &Named { content: Some(b"x"), url: Some(&url), ..Named::default() });
    let out = sandbox.run(&["run", "-m", "kcbert-demo", "-t", "films", "--task-dir", "tasks"]);
    assert_eq!(out.code, 2, "{}", out.stderr);
    assert!(
        out.stderr.contains("`kobench data fetch films --split test` gets it"),
        "{}",
        out.stderr
    );
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn proxies_of_the_environment_are_used() {
    let (proxy, sandbox) = (serving(&rows(10)), Sandbox::new());
    let url = "http://no-such-host.invalid/x";
    task(&sandbox, &Named { content: Some(&rows(10)), url: Some(url), ..Named::default() });
    let fetch = arguments("fetch", &["films", "--retries", "0"]);
    let mut command = sandbox.command(&fetch);
    kobench_tests::finish(command.env("http_proxy", proxy.url("")));
    assert!(proxy.requests()[0].target.contains("no-such-host.invalid"), "{:?}", proxy.requests());
    let mut command = sandbox.command(&fetch);
    command.env("http_proxy", proxy.url("")).env("no_proxy", "invalid");
    kobench_tests::finish(&mut command);
    assert_eq!(proxy.requests().len(), 1, "not asked again");
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new();
    task(&sandbox, &Named::default());
    for (more, expected) in [
        (&[][..], "TASK"),
        (&["films", "--all"], "--all"),
        (&["flims"], "did you mean `films`?"),
        (&["films", "--split", "tset"], "did you mean `test`?"),
        (&["films", "--timeout", "0"], "--timeout 0"),
        (&["films", "--timeout", "never"], "never"),
    ] {
        let out = sandbox.run(&arguments("fetch", more));
        assert_eq!((out.code, out.stdout.as_str()), (2, ""), "{more:?}");
        assert!(out.stderr.contains(expected), "{more:?}: {}", out.stderr);
    }
}
