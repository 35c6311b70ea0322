//! `kobench data import`: folders that hold data under any name, and much else.

use super::{Named, arguments, assert_file, names, rows, target, task};
use kobench_tests::Sandbox;
use std::os::unix::fs::{MetadataExt, symlink};

#[test]
fn a_file_of_any_name_is_found_by_its_hash() {
    let (sandbox, content) = (Sandbox::new(), rows(100));
    task(&sandbox, &Named { content: Some(&content), rows: Some(100), ..Named::default() });
    let source = sandbox.write("from/deep/er/whatever.bin", &content);
    sandbox.write("from/other.txt", "no data");
    symlink(sandbox.join("from"), sandbox.join("from/deep/circle")).unwrap();
    symlink("nowhere", sandbox.join("from/broken")).unwrap();
    let before = source.metadata().unwrap();
    let out = sandbox.run(&arguments("import", &["from", "films"]));
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert!(out.stdout.starts_with("films/test: imported, "), "{}", out.stdout);
    assert!(out.stdout.contains("from: from/deep/er/whatever.bin"), "{}", out.stdout);
    assert_file(&target(&sandbox), &content);
    assert_eq!(names(&sandbox), ["test.tsv"]);
    let after = source.metadata().unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
    assert_ne!(target(&sandbox).metadata().unwrap().ino(), after.ino(), "a file of its own");

    let out = sandbox.run(&arguments("import", &["from", "films"]));
    assert_eq!(out.code, 0);
    assert!(out.stdout.starts_with("films/test: here already"), "{}", out.stdout);
    let out = sandbox.run(&arguments("verify", &["films"]));
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert!(
        out.stdout.starts_with("films/test: right, 100 rows, SHA-256 as named"),
        "{}",
        out.stdout
    );
}

#[test]
fn without_a_hash_path_and_name_decide() {
    let (sandbox, content) = (Sandbox::new(), rows(20));
    task(&sandbox, &Named::default());
    sandbox.write("from/unrelated/test.tsv", "x");
    let out = sandbox.run(&arguments("import", &["from", "films"]));
    assert_eq!(out.code, 1, "the name alone is not enough: {}", out.stdout);
    assert!(out.stdout.contains("unknown: from/unrelated/test.tsv"), "{}", out.stdout);
    sandbox.write("from/corpora/Films/test.tsv", &content);
    let out = sandbox.run(&arguments("import", &["from", "films"]));
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert!(out.stdout.contains("20 rows") && out.stdout.contains("the task names no SHA-256"));
    assert_file(&target(&sandbox), &content);
}

#[test]
fn files_that_differ_are_left_to_the_user() {
    let sandbox = Sandbox::new();
    task(&sandbox, &Named::default());
    let first = sandbox.write("from/a/films/test.tsv", rows(20));
    sandbox.write("from/b/films/test.tsv", rows(30));
    let out = sandbox.run(&arguments("import", &["from", "films"]));
    assert_eq!(out.code, 1);
    for text in ["from/a/films/test.tsv", "from/b/films/test.tsv", "--task films --split test FILE"]
    {
        assert!(out.stdout.contains(text), "no `{text}` in {}", out.stdout);
    }
    assert!(!target(&sandbox).exists());
    let explicit = ["--task", "films", "--split", "test", first.to_str().unwrap()];
    let out = sandbox.run(&arguments("import", &explicit));
    assert_eq!(out.code, 0, "{}{}", out.stdout, out.stderr);
    assert_file(&target(&sandbox), &rows(20));
}

#[test]
fn other_bytes_are_not_imported() {
    let (sandbox, content) = (Sandbox::new(), rows(20));
    task(&sandbox, &Named { content: Some(&content), ..Named::default() });
    let other = sandbox.write("from/films/test.tsv", rows(21));
    let found = kobench::digest::sha256_hex(&rows(21));
    for more in
        [&["from", "films"][..], &["--task", "films", "--split", "test", other.to_str().unwrap()]]
    {
        let out = sandbox.run(&arguments("import", more));
        assert_eq!(out.code, 1, "{}", out.stdout);
        assert!(out.stdout.contains(&found), "{}", out.stdout);
        assert!(!target(&sandbox).exists());
        assert!(names(&sandbox).is_empty());
    }
    // What is in the place already is replaced by force alone.
    sandbox.write("data/films/test.tsv", "mine");
    sandbox.write("from/right", &content);
    let out = sandbox.run(&arguments("import", &["from", "films"]));
    assert_eq!(out.code, 1);
    assert_file(&target(&sandbox), b"mine");
    let out = sandbox.run(&arguments("import", &["from", "films", "--force"]));
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert_file(&target(&sandbox), &content);
    // What is here does not go missing because a folder does not have it.
    std::fs::remove_file(sandbox.join("from/right")).unwrap();
    let out = sandbox.run(&arguments("import", &["from", "films", "--force"]));
    assert_eq!(out.code, 0, "{}", out.stdout);
    assert!(out.stdout.starts_with("films/test: here already"), "{}", out.stdout);
}

#[test]
fn what_cannot_be_read_as_the_task_says_is_told() {
    let sandbox = Sandbox::new();
    task(&sandbox, &Named::default());
    let file = sandbox.write("test.tsv", "id\tdocument\tlabel\n1\tx\tgreat\n");
    let explicit = ["--task", "films", "--split", "test", file.to_str().unwrap()];
    let out = sandbox.run(&arguments("import", &explicit));
    assert_eq!(out.code, 1);
    assert!(out.stdout.contains("unknown label \"great\""), "{}", out.stdout);
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new();
    task(&sandbox, &Named::default());
    for (more, expected) in [
        (&["nowhere"][..], "cannot read nowhere"),
        (&["--task", "films", "--split", "test", "nowhere"], "nowhere is no file"),
        (&["--task", "films", "x"], "--split"),
        (&["--task", "nsmc", "--split", "sample", "x"], "part of kobench"),
        (&[], "DIR"),
    ] {
        let out = sandbox.run(&arguments("import", more));
        assert_eq!((out.code, out.stdout.as_str()), (2, ""), "{more:?}");
        assert!(out.stderr.contains(expected), "{more:?}: {}", out.stderr);
    }
}
