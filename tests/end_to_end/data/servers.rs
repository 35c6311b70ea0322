//! Downloads from servers and over networks that fail in every way.

use super::{Named, arguments, assert_file, names, rows, target, task};
use kobench_tests::http::{Reply, Request, Server, closed_port};
use kobench_tests::{Output, Sandbox};
use std::time::{Duration, Instant};

const TAG: &str = "\"first\"";

/// A sandbox whose task is served by `answer`.
fn served(
    content: &[u8],
    answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
) -> (Sandbox, Server) {
    let (sandbox, server) = (Sandbox::new(), Server::start(answer));
    let url = server.url("/test.tsv");
    task(&sandbox, &Named { content: Some(content), url: Some(&url), ..Named::default() });
    (sandbox, server)
}

fn fetch(sandbox: &Sandbox, more: &[&str]) -> Output {
    sandbox.run(&arguments("fetch", &[&["films"], more].concat()))
}

/// The download works, and nothing but the file is left.
fn assert_fetched(sandbox: &Sandbox, out: &Output, content: &[u8]) {
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert!(out.stdout.starts_with("films/test: fetched, "), "{}", out.stdout);
    assert!(out.stdout.contains("SHA-256 as named"), "{}", out.stdout);
    assert_file(&target(sandbox), content);
    assert_eq!(names(sandbox), ["test.tsv"]);
}

/// The download fails, says why and what to do, and puts nothing in place.
fn assert_failed(sandbox: &Sandbox, out: &Output, expected: &[&str]) {
    assert_eq!(out.code, 1, "{}{}", out.stdout, out.stderr);
    assert!(out.stdout.starts_with("films/test: failed"), "{}", out.stdout);
    for text in expected.iter().chain(&["\n  hint: "]) {
        assert!(out.stdout.contains(text), "no `{text}` in: {}{}", out.stdout, out.stderr);
    }
    assert!(!target(sandbox).exists());
}

#[test]
fn a_server_that_behaves() {
    let content = rows(5000);
    let body = content.clone();
    let (sandbox, server) = served(&content, move |request, _| Reply::file(request, &body, TAG));
    let out = fetch(&sandbox, &[]);
    assert_fetched(&sandbox, &out, &content);
    let licence = out.stderr.find("licence CC0-1.0").expect("the licence is shown");
    assert!(licence < out.stderr.find("downloading").expect("the download is shown"));
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("accept-encoding"), Some("identity"));
    assert_eq!(requests[0].from(), None);
    // A second time nothing is asked for.
    let again = fetch(&sandbox, &[]);
    assert_eq!((again.code, server.requests().len()), (0, 1));
    assert!(again.stdout.starts_with("films/test: here already, "), "{}", again.stdout);
    assert_eq!(again.stderr, "");
    let forced = fetch(&sandbox, &["--force"]);
    assert_fetched(&sandbox, &forced, &content);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_cut_connection_is_taken_up_where_it_ended() {
    let content = rows(5000);
    let body = content.clone();
    let (sandbox, server) = served(&content, move |request, number| {
        let reply = Reply::file(request, &body, TAG);
        if number < 2 { reply.cut_after(50_000) } else { reply }
    });
    let out = fetch(&sandbox, &[]);
    assert_fetched(&sandbox, &out, &content);
    let ranges: Vec<_> = server.requests().iter().map(Request::from).collect();
    assert_eq!(ranges, [None, Some(50_000), Some(100_000)]);
    assert_eq!(server.requests()[1].header("if-range"), Some(TAG));
    let expected = format!("the connection ended after 50000 of {} bytes", content.len());
    assert!(out.stderr.contains(&expected), "{}", out.stderr);
}

#[test]
fn a_server_that_knows_no_ranges_begins_anew() {
    let content = rows(5000);
    let body = content.clone();
    let (sandbox, server) = served(&content, move |_, number| {
        let reply = Reply::new(200, body.clone()).header("etag", TAG);
        if number == 0 { reply.cut_after(50_000) } else { reply }
    });
    assert_fetched(&sandbox, &fetch(&sandbox, &[]), &content);
    assert_eq!(server.requests()[1].from(), Some(50_000));
}

#[test]
fn a_file_that_changes_between_two_tries_is_not_pieced_together() {
    let (content, old) = (rows(5000), rows(6000));
    let body = content.clone();
    // By the rules: If-Range does not match, so that the whole new file comes.
    let (sandbox, _server) = served(&content, move |request, number| match number {
        0 => Reply::file(request, &old, "\"old\"").cut_after(50_000),
        _ => Reply::file(request, &body, TAG),
    });
    assert_fetched(&sandbox, &fetch(&sandbox, &[]), &content);

    // Against the rules: the rest of another file, whose tag or size tells, or which only the hash tells.
    for tag in ["\"new\"", TAG] {
        let mut other = content.clone();
        other[..50_000].fill(b'x');
        let (body, len) = (content.clone(), content.len());
        let (sandbox, server) = served(&content, move |request, number| match request.from() {
            None if number == 0 => {
                Reply::new(200, other.clone()).header("etag", TAG).cut_after(50_000)
            }
            None => Reply::file(request, &body, TAG),
            Some(from) => Reply::new(206, &body[from..])
                .header("etag", tag)
                .header("content-range", &format!("bytes {from}-{}/{len}", len - 1)),
        });
        assert_fetched(&sandbox, &fetch(&sandbox, &[]), &content);
        assert_eq!(server.requests().len(), 3, "once more, from the beginning");
    }
}

#[test]
fn wrong_bytes_are_not_put_in_place() {
    let content = rows(5000);
    let other = rows(4999);
    let found = kobench::digest::sha256_hex(&other);
    let (sandbox, server) = served(&content, move |request, _| Reply::file(request, &other, TAG));
    let out = fetch(&sandbox, &[]);
    let expected = kobench::digest::sha256_hex(&content);
    assert_failed(&sandbox, &out, &[&found, &expected, "the source may have changed"]);
    assert_eq!(names(&sandbox), [""; 0], "nothing is kept");
    assert_eq!(server.requests().len(), 1, "the same would come again");
}

#[test]
fn a_web_page_in_place_of_the_file_is_called_one() {
    let (sandbox, _server) = served(&rows(10), |_, _| {
        Reply::new(200, "<html>log in</html>").header("content-type", "text/html; charset=utf-8")
    });
    assert_failed(&sandbox, &fetch(&sandbox, &[]), &["a web page came in place of the file"]);
}

#[test]
fn redirects_are_followed_to_an_end() {
    let content = rows(100);
    let body = content.clone();
    let (sandbox, server) = served(&content, move |request, _| match request.target.as_str() {
        "/test.tsv" => Reply::redirect("/two"),
        "/two" => Reply::redirect("three?x=1"),
        _ => Reply::file(request, &body, TAG),
    });
    assert_fetched(&sandbox, &fetch(&sandbox, &[]), &content);
    assert_eq!(server.requests()[2].target, "/three?x=1");

    let (sandbox, server) = served(&content, |_, _| Reply::redirect("/test.tsv"));
    assert_failed(&sandbox, &fetch(&sandbox, &[]), &["more than 10 redirects"]);
    assert_eq!(server.requests().len(), 11);
}

#[test]
fn statuses_that_pass_are_tried_again_and_others_are_not() {
    let content = rows(100);
    for status in [500, 503, 408] {
        let body = content.clone();
        let (sandbox, server) = served(&content, move |request, number| {
            if number == 0 { Reply::new(status, "") } else { Reply::file(request, &body, TAG) }
        });
        let out = fetch(&sandbox, &[]);
        assert_fetched(&sandbox, &out, &content);
        assert!(out.stderr.contains(&format!("the server answers {status} (")), "{}", out.stderr);
        assert_eq!(server.requests().len(), 2);
    }
    for (status, hint) in [(404, "may have moved"), (403, "wants a login"), (410, "may have moved")]
    {
        let (sandbox, server) = served(&content, move |_, _| Reply::new(status, "no"));
        let url = server.url("/test.tsv");
        assert_failed(&sandbox, &fetch(&sandbox, &[]), &[&status.to_string(), hint, &url]);
        assert_eq!(server.requests().len(), 1);
        assert_eq!(names(&sandbox), [""; 0]);
    }
    let (sandbox, server) = served(&content, |_, _| Reply::new(502, ""));
    let out = fetch(&sandbox, &["--retries", "2"]);
    assert_failed(&sandbox, &out, &["502 (Bad Gateway) (3 tries in a row failed)"]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_asks_for_a_wait_gets_it() {
    let content = rows(100);
    let body = content.clone();
    let (sandbox, _server) = served(&content, move |request, number| match number {
        0 => Reply::new(429, "").header("retry-after", "2"),
        _ => Reply::file(request, &body, TAG),
    });
    let begun = Instant::now();
    let out = fetch(&sandbox, &[]);
    assert_fetched(&sandbox, &out, &content);
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(out.stderr.contains("429 (Too Many Requests); trying again in 2.0 s (1 of 5)"));
}

#[test]
fn a_server_that_falls_silent_is_left_and_asked_again() {
    let content = rows(5000);
    let body = content.clone();
    let (sandbox, server) = served(&content, move |request, number| {
        let reply = Reply::file(request, &body, TAG);
        if number == 0 { reply.dripping(20_000, Duration::from_secs(30)) } else { reply }
    });
    let begun = Instant::now();
    let out = fetch(&sandbox, &["--timeout", "0.5"]);
    assert_fetched(&sandbox, &out, &content);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(out.stderr.contains("nothing came for 0.5 s"), "{}", out.stderr);
    assert_eq!(server.requests()[1].from(), Some(20_000));
    // A slow server is not a silent one.
    let body = content.clone();
    let (sandbox, server) = served(&content, move |request, _| {
        Reply::file(request, &body, TAG).dripping(20_000, Duration::from_millis(200))
    });
    assert_fetched(&sandbox, &fetch(&sandbox, &["--timeout", "1"]), &content);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn bodies_of_every_framing() {
    let content = rows(5000);
    let forms: [fn(Reply) -> Reply; 2] = [Reply::chunked, Reply::until_close];
    for form in forms {
        let body = content.clone();
        let (sandbox, _server) = served(&content, move |_, _| form(Reply::new(200, body.clone())));
        assert_fetched(&sandbox, &fetch(&sandbox, &[]), &content);
    }
    // A chunked body that is cut is known to be.
    let body = content.clone();
    let (sandbox, server) = served(&content, move |request, number| {
        let reply = Reply::file(request, &body, TAG);
        if number == 0 { reply.chunked().cut_after(50_000) } else { reply }
    });
    assert_fetched(&sandbox, &fetch(&sandbox, &[]), &content);
    assert_eq!(server.requests()[1].from(), Some(50_000));
    // An empty one is not the file.
    let (sandbox, _server) = served(&content, |_, _| Reply::new(200, ""));
    assert_failed(&sandbox, &fetch(&sandbox, &[]), &["the SHA-256 of its 0 B is"]);
}

#[test]
fn a_content_length_that_is_wrong() {
    let content = rows(5000);
    // Too small: the beginning of the file comes, which is another file.
    let body = content.clone();
    let (sandbox, _server) =
        served(&content, move |_, _| Reply::new(200, body.clone()).claiming(70_000));
    assert_failed(&sandbox, &fetch(&sandbox, &[]), &["SHA-256"]);
    // Too large: as a cut connection; the server then says that there is no more, and that is right.
    let body = content.clone();
    let (sandbox, server) = served(&content, move |request, _| match request.from() {
        None => Reply::new(200, body.clone()).claiming(body.len() + 10).header("etag", TAG),
        Some(_) => Reply::file(request, &body, TAG),
    });
    assert_fetched(&sandbox, &fetch(&sandbox, &[]), &content);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_file_that_cannot_be_the_right_one_is_refused_before_it_comes() {
    let (sandbox, _server) = served(&rows(10), |_, _| Reply::new(200, "x").claiming(5_000_000_000));
    assert_failed(&sandbox, &fetch(&sandbox, &[]), &["4.7 GiB, more than the 4.0 GiB"]);
    assert_eq!(names(&sandbox), [""; 0]);
}

#[test]
fn a_compressed_body_that_nobody_asked_for() {
    let (sandbox, _server) =
        served(&rows(10), |_, _| Reply::new(200, "x").header("content-encoding", "gzip"));
    assert_failed(&sandbox, &fetch(&sandbox, &[]), &["the encoding `gzip`"]);
}

#[test]
fn nobody_there() {
    let sandbox = Sandbox::new();
    let url = format!("http://127.0.0.1:{}/x", closed_port());
    task(&sandbox, &Named { content: Some(b"x"), url: Some(&url), ..Named::default() });
    let out = fetch(&sandbox, &["--retries", "1"]);
    assert_failed(&sandbox, &out, &["refused", "2 tries in a row failed", "check the network"]);
    let url = "http://no-such-host.invalid/x";
    task(&sandbox, &Named { content: Some(b"x"), url: Some(url), ..Named::default() });
    let out = fetch(&sandbox, &["--retries", "0"]);
    assert_failed(&sandbox, &out, &["no-such-host.invalid cannot be resolved"]);
    task(&sandbox, &Named { content: Some(b"x"), url: Some("ftp://h/x"), ..Named::default() });
    let out = fetch(&sandbox, &[]);
    assert_eq!(out.code, 2, "the task file is refused");
    assert!(out.stderr.contains("`ftp://h/x` does not begin with https://"), "{}", out.stderr);
}

#[test]
fn what_a_cut_download_got_is_kept_for_the_next_command() {
    let content = rows(5000);
    let body = content.clone();
    let (sandbox, server) = served(&content, move |request, number| {
        let reply = Reply::file(request, &body, TAG);
        if number == 0 { reply.cut_after(50_000) } else { reply }
    });
    let out = fetch(&sandbox, &["--retries", "0"]);
    assert_failed(&sandbox, &out, &["48.8 KiB are kept", "(1 try in a row failed)"]);
    assert_eq!(names(&sandbox), [".test.tsv.partial", ".test.tsv.partial.json"]);
    let out = fetch(&sandbox, &[]);
    assert_fetched(&sandbox, &out, &content);
    assert!(out.stderr.contains("goes on after 48.8 KiB"), "{}", out.stderr);
    assert_eq!(server.requests()[1].from(), Some(50_000));
}

#[test]
fn without_a_hash_only_the_server_can_tell_that_two_pieces_fit() {
    let content = rows(5000);
    let body = content.clone();
    let server = Server::start(move |request, number| {
        let reply = Reply::file(request, &body, TAG);
        if number < 2 { reply.cut_after(50_000) } else { reply }
    });
    let sandbox = Sandbox::new();
    task(&sandbox, &Named { url: Some(&server.url("/x")), ..Named::default() });
    let out = fetch(&sandbox, &["--retries", "0"]);
    assert_eq!(out.code, 1);
    assert_eq!(names(&sandbox), [""; 0], "nothing could check it");
    let out = fetch(&sandbox, &[]);
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert!(out.stdout.contains("the task names no SHA-256"), "{}", out.stdout);
    assert_file(&target(&sandbox), &content);
    let ranges: Vec<_> = server.requests().iter().map(Request::from).collect();
    assert_eq!(ranges, [None, None, Some(50_000)]);
}
