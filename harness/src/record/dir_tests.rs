//! The promises of a run directory: whole or absent, one writer, nothing left behind.

use std::os::unix::fs::PermissionsExt;

use super::super::testing::{done, failed, predictions};
use super::*;
use crate::hint::Hint;

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = entries(path)
        .expect("read")
        .iter()
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_cell_comes_back_and_is_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunDir::open_or_create(&folder.path().join("a/b")).expect("opened");
    let record = done();
    assert!(!run.has_done(&record.id));
    let written = run.write_cell(record.clone(), Some(&predictions())).expect("written");
    assert_eq!(run.cells().expect("read"), std::slice::from_ref(&written));
    assert_eq!(run.done(&record.id), Some(written.clone()));
    verify_predictions(run.path(), &written).expect("the hash matches");
    assert_eq!(names(&run.path().join(CELLS)), [record.id]);
}

#[test]
fn a_failed_cell_is_not_done_and_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    let record = run.write_cell(failed(), None).expect("written");
    assert!(!run.has_done(&record.id));
    run.write_cell(done(), Some(&predictions())).expect("replaced");
    assert!(run.has_done(&record.id));
    assert_eq!(names(&folder.path().join(CELLS)), [record.id]);
}

#[test]
fn changed_predictions_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    let record = run.write_cell(done(), Some(&predictions())).expect("written");
    let path = run.cell_path(&record.id).join(PREDICTIONS_FILE);
    let text = fs::read_to_string(&path).expect("read");
    fs::write(&path, text.replace("\"pred\":\"0\"", "\"pred\":\"1\"")).expect("written");
    assert!(matches!(verify_predictions(run.path(), &record), Err(RecordError::Mismatch { .. })));
    fs::write(&path, &text[..10]).expect("written");
    assert!(!run.has_done(&record.id), "cut short");
}

#[test]
fn leftovers_of_a_killed_process_go_and_replaced_cells_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    let record = run.write_cell(done(), Some(&predictions())).expect("written");
    drop(run);
    let cells = folder.path().join(CELLS);
    fs::create_dir(cells.join(".tmp-0123-1")).expect("made");
    fs::write(cells.join(".tmp-0123-1/cell.json"), "{").expect("written");
    fs::write(folder.path().join(".tmp-run.json-1"), "{").expect("written");
    // Killed between the two renames of a replacement.
    fs::rename(cells.join(&record.id), cells.join(format!(".old-{}", record.id))).expect("renamed");
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    assert_eq!(names(&cells), std::slice::from_ref(&record.id));
    assert!(run.has_done(&record.id));
    assert_eq!(names(folder.path()), [".lock", "cells"]);
}

#[test]
fn a_second_writer_is_told_who_is_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = RunDir::open_or_create(folder.path()).expect("opened");
    let error = RunDir::open_or_create(folder.path()).expect_err("locked");
    assert!(error.to_string().contains(&format!("(process {})", std::process::id())), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--out")));
    drop(first);
    RunDir::open_or_create(folder.path()).expect("free again");
}

#[test]
fn an_error_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    let mut rows = predictions();
    rows[1].logits = Some(vec![f32::NAN]);
    let old = run.write_cell(failed(), None).expect("written");
    assert!(matches!(
        run.write_cell(done(), Some(&rows)),
        Err(RecordError::NotFinite { row: 1, .. })
    ));
    assert_eq!(run.cells().expect("read"), [old], "the older cell is as it was");
    let id = "../../elsewhere".to_owned();
    assert!(matches!(
        run.write_cell(CellRecord { id, ..done() }, None),
        Err(RecordError::BadId { .. })
    ));
}

#[test]
fn a_read_only_folder_is_one_clear_error() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).expect("changed");
    let opened = RunDir::open_or_create(&folder.path().join("run"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("changed");
    match opened {
        Err(error) => {
            assert!(error.to_string().starts_with("cannot create "), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("--out")), "{error}");
        }
        Ok(_) => eprintln!("skipped: this user may write into read-only folders"),
    }
}

#[test]
fn a_full_disk_is_one_clear_error() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("skipped: there is no /dev/full");
        return;
    }
    let error = write_json(full, &done()).expect_err("no space");
    assert!(error.to_string().starts_with("cannot write /dev/full: No space left"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("free some space")));
}

#[test]
fn records_of_other_versions_and_other_files_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(read_cells(folder.path()), Err(RecordError::NotARun { .. })));
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    let cell = run.cell_path("00");
    fs::create_dir(&cell).expect("made");
    fs::write(cell.join(CELL_FILE), "{\"schema_version\": 2}").expect("written");
    let error = read_cells(folder.path()).expect_err("newer");
    assert!(
        error.to_string().contains("schema version 2; this kobench reads version 1"),
        "{error}"
    );
    fs::write(cell.join(CELL_FILE), "{").expect("written");
    assert!(matches!(read_cells(folder.path()), Err(RecordError::Invalid { .. })));
    assert!(!run.has_done("00"));
}

#[test]
fn run_json_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = RunDir::open_or_create(folder.path()).expect("opened");
    let record = RunRecord::new(vec!["kobench".into()], vec![]);
    run.write_run(&record).expect("written");
    run.write_run(&record).expect("written again");
    assert_eq!(read_run(folder.path()).expect("read"), record);
    assert_eq!(names(folder.path()), [".lock", "cells", "run.json"]);
}
