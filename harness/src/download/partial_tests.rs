use super::*;
use crate::digest::sha256_hex;
use crate::download::Silent;

fn download(folder: &Path, sha256: Option<&str>) -> Download {
    Download {
        url: "http://me:pw@h/a?token=1".into(),
        target: folder.join("sub/a.txt"),
        expected: sha256.map(|sha256| ContentHash::Sha256(sha256.to_owned())),
        max_bytes: 1 << 20,
        token: None,
        growing: Growing::Beside,
    }
}

fn tagged(etag: &str, length: u64) -> Fields {
    Fields { status: 200, etag: Some(etag.into()), length: Some(length), ..Fields::default() }
}

#[test]
fn what_an_earlier_process_left_is_taken_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let wanted = download(folder.path(), Some(&sha256_hex(b"abcdef")));
    let mut partial = Partial::open(&wanted, &mut Silent).expect("opened");
    partial.begin(&tagged("\"1\"", 6)).expect("begun");
    partial.append(b"abc").expect("appended");
    // As a killed process leaves it.
    drop(partial);
    let note = fs::read_to_string(folder.path().join("sub/.a.txt.partial.json")).expect("a note");
    assert!(!note.contains("pw") && !note.contains("token"), "{note}");
    let mut partial = Partial::open(&wanted, &mut Silent).expect("opened");
    assert_eq!(partial.resume(), (3, Some("\"1\"")));
    assert_eq!(partial.total(), Some(6));
    assert!(partial.is_pieced());
    assert!(!partial.fits(&tagged("\"2\"", 3)) && partial.fits(&tagged("\"1\"", 3)));
    partial.append(b"def").expect("appended");
    assert_eq!(partial.hash(), sha256_hex(b"abcdef"));
    partial.land(&wanted.target).expect("landed");
    let names: Vec<_> = fs::read_dir(folder.path().join("sub"))
        .expect("read")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["a.txt"], "nothing else stays");
}

#[test]
fn what_cannot_be_checked_is_not_taken_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let begun = |sha256: Option<&str>| {
        let wanted = download(folder.path(), sha256);
        let mut partial = Partial::open(&wanted, &mut Silent).expect("opened");
        partial.begin(&tagged("\"1\"", 6)).expect("begun");
        partial.append(b"abc").expect("appended");
        partial
    };
    let reopened = |sha256: Option<&str>| {
        let wanted = download(folder.path(), sha256);
        let partial = Partial::open(&wanted, &mut Silent).expect("opened");
        let (from, validator) = partial.resume();
        (from, validator.map(str::to_owned))
    };
    drop(begun(None));
    assert_eq!(reopened(None), (0, None), "no hash");
    drop(begun(Some("1")));
    assert_eq!(reopened(Some("2")), (0, None), "another hash");
    drop(begun(Some("1")));
    fs::write(folder.path().join("sub/.a.txt.partial.json"), "{").expect("written");
    assert_eq!(reopened(Some("1")), (0, None), "a damaged note");
    drop(begun(Some("1")));
    let mut elsewhere = download(folder.path(), Some("1"));
    elsewhere.url = "http://mirror/a".into();
    let partial = Partial::open(&elsewhere, &mut Silent).expect("opened");
    assert_eq!(partial.resume(), (3, None), "the bytes of another server, but not its tag");
    drop(partial);
    assert_eq!(begun(Some("1")).keep(), 3);
    assert_eq!(begun(None).keep(), 0);
    assert_eq!(fs::read_dir(folder.path().join("sub")).expect("read").count(), 0);
}

#[test]
fn without_hash_or_validator_pieces_are_not_joined() {
    let folder = tempfile::tempdir().expect("a folder");
    let wanted = download(folder.path(), None);
    let mut partial = Partial::open(&wanted, &mut Silent).expect("opened");
    partial.begin(&Fields { status: 200, ..Fields::default() }).expect("begun");
    partial.append(b"abc").expect("appended");
    assert_eq!(partial.resume(), (0, None));
    partial.begin(&tagged("\"1\"", 6)).expect("begun");
    partial.append(b"abc").expect("appended");
    assert_eq!(partial.resume(), (3, Some("\"1\"")));
}

/// A blob of a Hugging Face cache, whose content git names.
fn blob(folder: &Path) -> Download {
    let sha1 = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f".to_owned();
    Download {
        target: folder.join("blobs").join(&sha1),
        expected: Some(ContentHash::GitBlob { sha1, bytes: 3 }),
        growing: Growing::HubBlob { lock: folder.join(".locks/x.lock") },
        ..download(folder, None)
    }
}

#[test]
fn a_blob_takes_up_what_another_client_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let wanted = blob(folder.path());
    fs::create_dir_all(folder.path().join("blobs")).expect("made");
    let incomplete = wanted.target.with_extension("incomplete");
    fs::write(&incomplete, "ab").expect("written");
    let mut partial = Partial::open(&wanted, &mut Silent).expect("opened");
    assert_eq!(partial.resume(), (2, None));
    assert_eq!(partial.total(), None);
    partial.go_on(&Fields { status: 206, length: Some(1), ..Fields::default() });
    assert_eq!(partial.total(), Some(3));
    partial.append(b"c").expect("appended");
    assert_eq!(partial.hash(), wanted.expected.as_ref().expect("named").hex());
    partial.land(&wanted.target).expect("landed");
    let blobs = fs::read_dir(folder.path().join("blobs")).expect("read").count();
    assert_eq!(blobs, 1, "no note, nothing incomplete");
    assert!(folder.path().join(".locks/x.lock").is_file());
}
