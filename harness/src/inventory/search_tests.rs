use std::fs;

use super::*;
use crate::digest::sha256_hex;
use crate::inventory::walk;
use crate::task::{Registry, Task};

/// A task with a split of a known hash, `dev`, and one without, `test`.
fn task() -> Task {
    let mut task = Registry::load(&[]).expect("loads").get("nsmc").expect("is there");
    task.name = "naver_ner".into();
    let mut split = task.splits["test"].clone();
    task.splits.clear();
    split.file = Some("naver-ner/dev.tsv".into());
    split.sha256 = Some(sha256_hex(b"dev"));
    task.splits.insert("dev".into(), split.clone());
    split.file = Some("naver-ner/test.tsv".into());
    split.sha256 = None;
    task.splits.insert("test".into(), split);
    task
}

/// Searches a folder with these files for the splits `dev` and `test`.
fn searched(files: &[(&str, &str)]) -> (tempfile::TempDir, Searched, Searched, Vec<PathBuf>) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
    }
    let task = task();
    let items: Vec<Item<'_>> = Item::of(&task).collect();
    let walked = walk(folder.path()).expect("walked");
    let mut search = search(&items, &walked.files, |_, _| {});
    let test = search.splits.remove(1).1;
    let dev = search.splits.remove(0).1;
    (folder, dev, test, search.unknown)
}

fn found(folder: &tempfile::TempDir, name: &str, content: &str) -> Searched {
    Searched::Found { path: folder.path().join(name), sha256: sha256_hex(content.as_bytes()) }
}

#[test]
fn a_hash_finds_a_file_of_any_name() {
    let (folder, dev, test, unknown) =
        searched(&[("x/any.bin", "dev"), ("y/other", "..."), ("empty", "")]);
    assert_eq!(dev, found(&folder, "x/any.bin", "dev"));
    assert_eq!(test, Searched::Missing { namesake: None });
    // Once all hashes are found, files without a promising name are left alone.
    assert!(unknown.len() <= 1);
}

#[test]
fn without_a_hash_the_path_decides() {
    let (folder, _, test, _) = searched(&[
        ("a/naver-ner/test.tsv", "path"),
        ("Naver NER/test.tsv", "folder"),
        ("other/test.tsv", "elsewhere"),
    ]);
    assert_eq!(test, found(&folder, "a/naver-ner/test.tsv", "path"));
    let (folder, _, test, unknown) = searched(&[("Naver NER/test.tsv", "x"), ("test.tsv", "y")]);
    assert_eq!(test, found(&folder, "Naver NER/test.tsv", "x"));
    assert_eq!(unknown, [folder.path().join("test.tsv")]);
}

#[test]
fn files_that_differ_are_ambiguous_and_copies_are_not() {
    let two = |second| [("a/naver-ner/test.tsv", "x"), ("b/naver-ner/test.tsv", second)];
    let (folder, _, test, _) = searched(&two("y"));
    let both = ["a", "b"].map(|side| folder.path().join(side).join("naver-ner/test.tsv"));
    assert_eq!(test, Searched::Ambiguous(both.to_vec()));
    let (folder, _, test, unknown) = searched(&two("x"));
    assert_eq!(test, found(&folder, "a/naver-ner/test.tsv", "x"));
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_namesake_with_other_bytes_is_named() {
    let (folder, dev, _, _) = searched(&[("naver-ner/dev.tsv", "edited")]);
    let namesake = Some((folder.path().join("naver-ner/dev.tsv"), sha256_hex(b"edited")));
    assert_eq!(dev, Searched::Missing { namesake });
}
