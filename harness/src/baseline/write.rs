//! Making a baseline.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::place::{RECORD_FILE, REPLACED, check_name, is_baseline};
use super::{
    BASELINE_VERSION, BaselineError, BaselineRecord, BenchEntry, CellEntry, ContentFile, Folder,
    Origin, reduce, rows,
};
use crate::compare::Evidence;
use crate::digest::sha256_hex;
use crate::record::{BenchRecord, CellRecord, rfc3339};

/// What a baseline is called and says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// Its name.
    pub name: &'a str,
    /// Why it is made.
    pub note: Option<&'a str>,
    /// What is known of the run.
    pub run: &'a Origin,
}

/// What a baseline is made of.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Cells that are done, with what their rows came to.
    pub cells: Vec<(CellRecord, Evidence)>,
    /// Measurements of speed.
    pub benches: Vec<BenchRecord>,
}

/// Writes a baseline, whole or not at all, and gives back its directory. With `replace` it comes in the place of one of
/// its name.
///
/// # Errors
/// [`BaselineError::Exists`] without `replace`; [`BaselineError::BadName`], [`BaselineError::Io`],
/// [`BaselineError::Rows`], and [`BaselineError::Record`] while another process writes to the folder. Then nothing of it
/// remains, and an older one is as it was.
pub fn write(
    folder: &Folder,
    described: Described<'_>,
    content: &Content,
    replace: bool,
) -> Result<PathBuf, BaselineError> {
    let name = described.name;
    check_name(name)?;
    let place = folder.path().join(name);
    let _lock = folder.open()?;
    if is_baseline(&place) && !replace {
        return Err(BaselineError::Exists { name: name.to_owned() });
    }
    let temporary = folder.temporary(name);
    let aside = folder.path().join(format!("{REPLACED}{name}"));
    let written = fill(&temporary, described, content)
        .and_then(|()| put(&temporary, &place, &aside))
        .and_then(|()| sync_directory(folder.path()));
    if let Err(error) = written {
        // The first error is the one to report; what stays is removed the next time.
        let _ = fs::remove_dir_all(&temporary);
        return Err(error);
    }
    Ok(place)
}

fn fill(
    directory: &Path,
    described: Described<'_>,
    content: &Content,
) -> Result<(), BaselineError> {
    for folder in [directory, &directory.join("rows"), &directory.join("bench")] {
        fs::create_dir(folder).map_err(BaselineError::io("create", folder))?;
    }
    let mut record = BaselineRecord {
        schema_version: BASELINE_VERSION,
        name: described.name.to_owned(),
        note: described.note.map(str::to_owned),
        created_at: rfc3339(SystemTime::now()),
        kobench_version: crate::VERSION.to_owned(),
        run: described.run.clone(),
        cells: Vec::new(),
        benches: Vec::new(),
    };
    for (cell, evidence) in &content.cells {
        let file = format!("rows/{}.txt", cell.id);
        let text = rows::write(evidence, &directory.join(&file))?;
        record.cells.push(CellEntry {
            cell: reduce::cell(cell),
            rows: write_file(directory, file, text.as_bytes())?,
        });
    }
    for bench in &content.benches {
        let file = format!("bench/{}.json", bench.id);
        record.benches.push(BenchEntry {
            key: bench.inputs.key.clone(),
            scenario: bench.scenario.clone(),
            record: write_file(directory, file, &json(directory, &reduce::bench(bench))?)?,
        });
    }
    // Whatever order they came in, so that two baselines of the same run have the same text.
    record.cells.sort_by(|a, b| {
        let key = |entry: &CellEntry| (entry.cell.inputs.key.clone(), entry.cell.id.clone());
        key(a).cmp(&key(b))
    });
    record.benches.sort_by(|a, b| {
        (&a.key, &a.scenario, &a.record.file).cmp(&(&b.key, &b.scenario, &b.record.file))
    });
    write_file(directory, RECORD_FILE.to_owned(), &json(directory, &record)?)?;
    for folder in [&directory.join("rows"), &directory.join("bench"), directory] {
        sync_directory(folder)?;
    }
    Ok(())
}

/// Indented, a field a line, with a line end.
fn json<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, BaselineError> {
    let written = serde_json::to_vec_pretty(value).map_err(io::Error::from);
    let mut bytes = written.map_err(BaselineError::io("write", path))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn write_file(
    directory: &Path,
    file: String,
    content: &[u8],
) -> Result<ContentFile, BaselineError> {
    let path = directory.join(&file);
    let write = || -> io::Result<()> {
        let mut written = File::create_new(&path)?;
        written.write_all(content)?;
        written.sync_all()
    };
    write().map_err(BaselineError::io("write", &path))?;
    Ok(ContentFile { file, sha256: sha256_hex(content), bytes: content.len() as u64 })
}

/// Puts `from` at `to`. A directory cannot be renamed over one that is not empty, so an older one goes to `aside` first;
/// where a process dies in between, it is found there, and comes back the next time.
fn put(from: &Path, to: &Path, aside: &Path) -> Result<(), BaselineError> {
    let replacing = to.exists();
    if replacing {
        fs::rename(to, aside).map_err(BaselineError::io("replace", to))?;
    }
    if let Err(source) = fs::rename(from, to) {
        if replacing {
            let _ = fs::rename(aside, to);
        }
        return Err(BaselineError::Io { action: "write", path: to.to_owned(), source });
    }
    if replacing {
        // The new one is in place; what stays of the old one is removed the next time.
        let _ = fs::remove_dir_all(aside);
    }
    Ok(())
}

/// A rename is durable once the directory that holds the name is synced.
fn sync_directory(path: &Path) -> Result<(), BaselineError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(BaselineError::io("sync", path))
}
