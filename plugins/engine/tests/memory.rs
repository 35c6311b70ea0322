//! What loading and checking cost in memory. One test, for the peak is the whole process's.
#![cfg(target_os = "linux")]

mod common;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use common::{forget_peak, memory};
use kobench_engine::Context;
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_plugin_sdk::Head;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const CONFIG: &str = r#"{"vocab_size": 80000, "hidden_size": 512, "num_hidden_layers": 1,
    "intermediate_size": 8192, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 64}"#;

/// Names and shapes of the model that [`CONFIG`] describes.
fn tensors() -> Vec<(String, Vec<usize>)> {
    let layer = |name: &str| format!("model.layers.0.{name}.weight");
    let mut all = vec![
        ("model.embed_tokens.weight".to_owned(), vec![80_000, 512]),
        (layer("self_attn.q_proj"), vec![128, 512]),
        (layer("self_attn.k_proj"), vec![64, 512]),
        (layer("self_attn.v_proj"), vec![64, 512]),
        (layer("self_attn.o_proj"), vec![512, 128]),
        (layer("mlp.gate_proj"), vec![8192, 512]),
        (layer("mlp.up_proj"), vec![8192, 512]),
        (layer("mlp.down_proj"), vec![512, 8192]),
        ("model.norm.weight".to_owned(), vec![512]),
        ("score.weight".to_owned(), vec![2, 512]),
    ];
    for norm in ["input", "post_attention", "pre_feedforward", "post_feedforward"] {
        all.push((layer(&format!("{norm}_layernorm")), vec![512]));
    }
    all
}

/// A safetensors file whose elements are a hole, and so zeros.
fn write(folder: &Path, dtype: &str, width: usize) {
    let (mut header, mut end) = (serde_json::Map::new(), 0);
    for (name, shape) in tensors() {
        let start = end;
        end += width * shape.iter().product::<usize>();
        let entry =
            serde_json::json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] });
        header.insert(name, entry);
    }
    let text = serde_json::to_vec(&header).unwrap();
    let mut file = File::create(folder.join("model.safetensors")).unwrap();
    file.write_all(&(text.len() as u64).to_le_bytes()).unwrap();
    file.write_all(&text).unwrap();
    file.set_len((8 + text.len() + end) as u64).unwrap();
}

/// pytorch_model.bin with the same tensors, each in a storage of its own, as torch writes it.
fn write_pickle(folder: &Path) {
    let number = |n: usize| [b"J", &i32::try_from(n).unwrap().to_le_bytes()[..]].concat();
    let text = |t: &str| [b"X", &(t.len() as u32).to_le_bytes()[..], t.as_bytes()].concat();
    let tuple = |n: &[usize]| {
        [b"(", &n.iter().flat_map(|&n| number(n)).collect::<Vec<_>>()[..], b"t"].concat()
    };
    let mut zip = ZipWriter::new(File::create(folder.join("pytorch_model.bin")).unwrap());
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut state = b"\x80\x02}".to_vec();
    for (key, (name, shape)) in tensors().iter().enumerate() {
        let elements: usize = shape.iter().product();
        let strides: &[usize] = if shape.len() == 2 { &[shape[1], 1] } else { &[1] };
        state.extend(text(name));
        state.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        state.extend([text("storage"), b"ctorch\nFloatStorage\n".to_vec()].concat());
        state.extend([text(&key.to_string()), text("cpu"), number(elements)].concat());
        state.extend([b"tQK\0".to_vec(), tuple(shape), tuple(strides)].concat());
        state.extend(b"\x89}tRs");
        zip.start_file(format!("model/data/{key}"), stored).unwrap();
        for _ in 0..elements.div_ceil(1 << 16) {
            zip.write_all(&[0; 4 << 16][..4 * elements.min(1 << 16)]).unwrap();
        }
    }
    state.push(b'.');
    zip.start_file("model/data.pkl", stored).unwrap();
    zip.write_all(&state).unwrap();
    zip.finish().unwrap();
}

#[test]
fn loading_holds_little_more_than_the_weights_and_checking_nothing() {
    let config =
        || ModelConfig::from_json(Architecture::Gemma2, CONFIG.as_bytes(), "config").unwrap();
    for (dtype, width) in [("F32", 4), ("BF16", 2), ("pickle", 4)] {
        let folder = tempfile::tempdir().unwrap();
        match dtype {
            "pickle" => write_pickle(folder.path()),
            _ => write(folder.path(), dtype, width),
        }
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let peak_of = |f: &mut dyn FnMut()| {
            let before = memory("VmRSS");
            forget_peak();
            f();
            memory("VmHWM").saturating_sub(before)
        };
        let mut checked = None;
        let peak = peak_of(&mut || {
            checked = Model::check(config(), Head::Sequence, &checkpoint, NewHead::Refuse).ok();
        });
        assert!(checked.is_some());
        println!("{dtype}: checking took {} MB", peak >> 20);
        assert!(peak < 64 << 20, "{peak}");
        let mut loaded = None;
        let peak = peak_of(&mut || {
            let ctx = Context::cpu(2).unwrap();
            let model = Model::load(config(), Head::Sequence, &checkpoint, NewHead::Refuse, ctx);
            loaded = Some(model.unwrap());
        });
        let weights = loaded.unwrap().params().bytes();
        println!("{dtype}: loading took {} MB for {} MB of weights", peak >> 20, weights >> 20);
        assert!(weights > 200_000_000 && peak as f64 <= 1.3 * weights as f64, "{peak} {weights}");
    }
}
