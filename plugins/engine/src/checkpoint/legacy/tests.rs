//! What torch wrote is read value for value; what it did not write is an error and no panic.

use std::path::{Path, PathBuf};

use super::parse;
use crate::checkpoint::map::Bytes;
use crate::checkpoint::source::Entry;
use crate::checkpoint::torch::{entries, tensors};

/// A file and its tensors.
struct Opened(Bytes, Vec<Entry>);

fn golden() -> PathBuf {
    let name = "../../tests/goldens/bert/legacy-bin/pytorch_model.bin";
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Opens these bytes as a file.
fn open(bytes: &[u8]) -> crate::Result<Opened> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pytorch_model.bin");
    std::fs::write(&path, bytes).unwrap();
    open_file(&path)
}

fn open_file(path: &Path) -> crate::Result<Opened> {
    let bytes = Bytes::map(path)?;
    let entries = entries(&bytes, 0)?;
    Ok(Opened(bytes, entries))
}

fn error(bytes: &[u8]) -> String {
    open(bytes).err().unwrap().to_string()
}

fn read(Opened(bytes, entries): &Opened, name: &str) -> crate::Result<(Vec<usize>, Vec<f32>)> {
    let entry = entries.iter().find(|e| e.name == name).unwrap();
    let mut values = vec![f32::NAN; entry.view.elements()];
    entry.convert(bytes.as_slice(), 0, &mut values)?;
    Ok((entry.view.shape().to_vec(), values))
}

/// Parses, and reads whatever has a size that a model could ask for.
fn survives(bytes: &[u8]) -> bool {
    let Ok(entries) = parse(bytes).and_then(|parts| tensors(&parts, 0)) else { return false };
    for entry in entries.iter().filter(|e| e.width().is_some() && e.view.elements() < 1 << 20) {
        let mut out = vec![0.0; entry.view.elements()];
        entry.convert(bytes, 0, &mut out).unwrap();
    }
    true
}

#[test]
fn views_of_every_dtype_are_read_as_torch_wrote_them() {
    let file = open_file(&golden()).unwrap();
    let grid = |count: usize, value: &dyn Fn(usize) -> f64| -> Vec<f32> {
        (0..count).map(|i| value(i) as f32).collect()
    };
    for (name, shape, values) in [
        // (counted / 8).reshape(4, 6).t()
        ("cls.half", vec![6, 4], grid(24, &|i| (i % 4 * 6 + i / 4) as f64 / 8.0)),
        // (counted * 2)[3:21].reshape(3, 3, 2).permute(1, 2, 0)
        (
            "cls.bfloat16",
            vec![3, 2, 3],
            grid(18, &|i| (3 + i % 3 * 6 + i / 6 * 2 + i / 3 % 2) as f64 * 2.0),
        ),
        ("cls.double", vec![4], grid(4, &|i| (1 + 7 * i) as f64 / 3.0)),
        ("cls.expanded", vec![2, 3], vec![5.0, 5.0, 5.0, 6.0, 6.0, 6.0]),
        ("cls.scalar", vec![], vec![23.0]),
        ("cls.empty", vec![0, 3], vec![]),
    ] {
        assert_eq!(read(&file, name).unwrap(), (shape, values), "{name}");
    }
    let constant = file.1.iter().find(|e| e.name == "bert.embeddings.position_ids").unwrap();
    assert_eq!((constant.dtype.as_str(), constant.width()), ("I64", None));
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_an_error() {
    let whole = std::fs::read(golden()).unwrap();
    assert!(survives(&whole));
    let pickles = header(&whole);
    for len in (0..pickles).chain((pickles..whole.len()).step_by(61)).chain([whole.len() - 1]) {
        assert!(!survives(&whole[..len]), "{len}");
    }
    for len in [1, pickles / 2, pickles, whole.len() - 1] {
        let message = error(&whole[..len]);
        assert!(message.contains("pytorch_model.bin") && message.contains("fetch it again"));
    }
}

#[test]
fn a_byte_that_is_wrong_never_panics() {
    let mut bytes = std::fs::read(golden()).unwrap();
    let mut refused = 0;
    for at in 0..header(&bytes) + 8 {
        let right = bytes[at];
        for wrong in [right ^ 1, right ^ 0x80, b'.'] {
            bytes[at] = wrong;
            refused += usize::from(!survives(&bytes));
        }
        bytes[at] = right;
    }
    assert!(refused > 1000, "{refused}");
}

/// Length of the pickles before the first storage.
fn header(whole: &[u8]) -> usize {
    let (_, starts) = parse(whole).unwrap();
    starts.values().min().unwrap() - 8
}

fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

fn tuple(items: &[i64]) -> Vec<u8> {
    let items: Vec<u8> =
        items.iter().flat_map(|i| [&[0x8a, 8][..], &i.to_le_bytes()].concat()).collect();
    [b"(", &items[..], b"t"].concat()
}

/// A call of _rebuild_tensor_v2 for storage "k".
fn tensor(class: &str, elements: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    let number = |n: i64| [&[0x8a, 8][..], &n.to_le_bytes()].concat();
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        format!("ctorch\n{class}\n").into_bytes(),
        text("k"),
        text("cpu"),
        number(elements),
        b"NtQ".to_vec(),
        number(offset),
        tuple(shape),
        tuple(strides),
        b"\x89}tR".to_vec(),
    ]
    .concat()
}

/// A file whose state dict's pickle has this body, with one storage of `elements` f32.
fn file(state: &[u8], elements: i64) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.}.".to_vec();
    bytes.extend([state, b"."].concat());
    bytes.extend([b"](", &text("k")[..], b"e."].concat());
    bytes.extend(elements.to_le_bytes());
    bytes.extend((0_u8..6).flat_map(|i| f32::from(i).to_le_bytes()));
    bytes
}

/// A state dict with one entry.
fn dict(name: &str, value: &[u8]) -> Vec<u8> {
    [b"ccollections\nOrderedDict\n)R(", &text(name)[..], value, b"u}b"].concat()
}

#[test]
fn a_view_must_lie_within_its_storage() {
    let view = |elements, offset, shape: &[i64], strides: &[i64]| {
        file(&dict("w", &tensor("FloatStorage", elements, offset, shape, strides)), 6)
    };
    let good = open(&view(6, 1, &[2, 2], &[1, 3])).unwrap();
    assert_eq!(read(&good, "w").unwrap(), (vec![2, 2], vec![1.0, 4.0, 2.0, 5.0]));
    let far = i64::MAX;
    for (bytes, part) in [
        (view(6, 2, &[2, 2], &[1, 3]), "tensor w: it reaches beyond its storage"),
        (view(6, 6, &[], &[]), "tensor w: it reaches beyond its storage"),
        (view(6, far, &[1], &[1]), "tensor w: it reaches beyond its storage"),
        (view(6, 0, &[far, far], &[0, 0]), "tensor w: it reaches beyond its storage"),
        (view(6, 0, &[3, 3], &[far, far]), "tensor w: it reaches beyond its storage"),
        (view(6, -1, &[1], &[1]), "tensor w: its sizes and strides are damaged"),
        (view(6, 0, &[1], &[-1]), "tensor w: its sizes and strides are damaged"),
        (view(6, 0, &[1], &[]), "tensor w: its sizes and strides are damaged"),
        (view(6, 0, &[1; 65], &[1; 65]), "tensor w: its sizes and strides are damaged"),
        (view(7, 0, &[1], &[1]), "storage k has 6 elements instead of 7"),
        (view(-6, 0, &[1], &[1]), "description is damaged or too old"),
    ] {
        let message = error(&bytes);
        assert!(message.contains(part), "{part:?} in {message}");
    }
    let empty = open(&view(6, far, &[0, far, far], &[1, 1, 1])).unwrap();
    assert_eq!(read(&empty, "w").unwrap(), (vec![0, far as usize, far as usize], vec![]));
    for elements in [1 << 40, far] {
        let state = dict("w", &tensor("FloatStorage", elements, 0, &[1], &[1]));
        assert!(error(&file(&state, elements)).contains("fetch it again"));
    }
}

#[test]
fn what_is_no_state_dict_says_what_to_do() {
    let good = tensor("FloatStorage", 6, 0, &[6], &[1]);
    for (state, part) in [
        (dict("state_dict", &dict("w", &good)), "not at the top level, but under \"state_dict\""),
        (dict("model", &dict("w", &good)), "not at the top level, but under \"model\""),
        (good.clone(), "it holds no dictionary of tensors"),
        (dict("w", &[&good[..], b"K\x01"].concat()), "a dict with a key that has no value"),
        (dict("args", &[b"(", &good[..], b"t"].concat()), "its dictionary holds no tensors"),
        (
            dict("w", &tensor("NewStorage", 6, 0, &[6], &[1])),
            "unknown storage class torch.NewStorage",
        ),
        (
            dict("w", &[b"ctorch._utils\n_rebuild_qtensor\n(", &good[..], b"tR"].concat()),
            "tensor w: it is stored through torch._utils._rebuild_qtensor",
        ),
    ] {
        let message = error(&file(&state, 6));
        assert!(message.contains(part), "{part:?} in {message}");
        assert!(message.contains("fetch it again"), "{message}");
    }
}

#[test]
fn hostile_pickles_cost_little() {
    let deep = [&b")"[..], &vec![0x85; 1 << 19], &b"."[..]].concat();
    let endless = vec![b'N'; (1 << 20) + 1];
    // Each step makes a pair of the object before: 2^60000 objects, were they copied.
    let doubled = [&b")"[..], &b"q\x00h\x00\x86".repeat(60_000), b"."].concat();
    let long_text = b"X\xff\xff\xff\xff....".to_vec();
    let below_mark = b")(bt.".to_vec();
    let no_mark = b")t.".to_vec();
    for state in [deep, endless, doubled, long_text, below_mark, no_mark] {
        assert!(error(&file(&state, 6)).contains("pytorch_model.bin"));
    }
    // A parameter made from a list of itself.
    let cycle = b"]q\x00(ctorch._utils\n_rebuild_parameter\nh\x00Rq\x01e";
    let state = [&cycle[..], &dict("w", b"h\x01")].concat();
    assert!(error(&file(&state, 0)).contains("refers to"), "{}", error(&file(&state, 0)));
    let state = [&tensor("FloatStorage", 6, 0, &[6], &[1])[..], &state].concat();
    assert!(error(&file(&state, 6)).contains("stored through torch._utils._rebuild_parameter"));
}
