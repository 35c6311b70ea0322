//! What torch wrote is found; what is damaged is an error and no panic.

use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::parse;
use crate::checkpoint::torch::tensors;

fn golden() -> Vec<u8> {
    let name = "../../tests/goldens/bert/base-bin/pytorch_model.bin";
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Parses, and reads whatever has a size that a model could ask for.
fn survives(bytes: &[u8]) -> bool {
    let Ok(entries) = parse(bytes).and_then(|parts| tensors(&parts, 0)) else { return false };
    for entry in entries.iter().filter(|e| e.dtype == "F32" && e.view.elements() < 1 << 20) {
        let mut out = vec![0.0; entry.view.elements()];
        entry.view.convert(bytes, 0, &mut out, f32::from_le_bytes);
    }
    true
}

/// An archive of these records, stored.
fn archive(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in records {
        writer.start_file(*name, stored).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A state dict with the tensor w `[2]` in storage 0 of `elements` f32.
fn state(elements: u8) -> Vec<u8> {
    [
        b"\x80\x02}X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n"
            .as_slice(),
        b"FloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK",
        &[elements],
        b"tQK\x00K\x02\x85K\x01\x85\x89}tRs.",
    ]
    .concat()
}

#[test]
fn records_are_found_whatever_the_archive_is_called() {
    let values: Vec<u8> = [1.5_f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    for prefix in ["", "model/", "a/b/"] {
        let name = |record: &str| format!("{prefix}{record}");
        let (pickle, data) = (name("data.pkl"), name("data/0"));
        let bytes = archive(&[(&pickle, &state(2)), (&data, &values)]);
        let entries = parse(&bytes).and_then(|parts| tensors(&parts, 0)).unwrap();
        let mut out = [0.0; 2];
        entries[0].view.convert(&bytes, 0, &mut out, f32::from_le_bytes);
        assert_eq!((entries[0].name.as_str(), out), ("w", [1.5, -2.0]));
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let eight = [0; 8];
    for (records, part) in [
        (vec![("m/data.pkl", state(2))], "it has no data/0"),
        (vec![("m/data.pkl", state(3)), ("m/data/0", eight.to_vec())], "8 bytes instead of 12"),
        (vec![("m/data/0", eight.to_vec())], "it has no data.pkl"),
        (
            vec![("m/data.pkl", state(2)), ("m/byteorder", b"big".to_vec())],
            "written on a big-endian machine",
        ),
        (vec![("m/data.pkl", b"\x80\x02K".to_vec())], "data.pkl: 1 bytes are needed"),
    ] {
        let records: Vec<(&str, &[u8])> = records.iter().map(|(n, b)| (*n, b.as_slice())).collect();
        let message = parse(&archive(&records)).unwrap_err();
        assert!(message.contains(part), "{part:?} in {message}");
    }
}

#[test]
fn a_file_that_is_cut_off_is_an_error() {
    let whole = golden();
    assert!(survives(&whole));
    for len in (0..whole.len()).step_by(997).chain(whole.len() - 30..whole.len()) {
        assert!(!survives(&whole[..len]), "{len}");
    }
}

#[test]
fn a_byte_that_is_wrong_never_panics() {
    let mut bytes = golden();
    let len = bytes.len();
    let mut refused = 0;
    // The state dict at the beginning, and the archive's directory at the end.
    for at in (0..4700).step_by(3).chain(len - 4000..len) {
        let right = bytes[at];
        for wrong in [right ^ 1, right ^ 0x80] {
            bytes[at] = wrong;
            refused += usize::from(!survives(&bytes));
        }
        bytes[at] = right;
    }
    assert!(refused > 500, "{refused}");
}
