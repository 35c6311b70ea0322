//! Checkpoints that are missing or broken, and requests that cannot be met.

use super::bench::Bench;
use super::catalog::Check;
use super::outcome::{Outcome, Stop, bad, ensure, skipped};
use super::training::saved;
use crate::plugin::{CallError, ModelRequest};
use kobench_plugin_abi as abi;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "errors.missing-checkpoint",
        what: "a checkpoint folder that is not there is not found, and the message names it",
        hint: "return KOBENCH_E_NOT_FOUND with the path in the message (rule \"Checkpoints\")",
        run: missing,
    },
    Check {
        id: "errors.empty-checkpoint",
        what: "a checkpoint folder without files is not found, and the message names a path in it",
        hint: "return KOBENCH_E_NOT_FOUND with the path of the file that is missing",
        run: empty,
    },
    Check {
        id: "errors.config-not-json",
        what: "a config.json that is no JSON is bad data, and the message names it",
        hint: "return KOBENCH_E_BAD_DATA with the path of config.json in the message",
        run: config,
    },
    Check {
        id: "errors.truncated-weights",
        what: "weights that are cut off are bad data, and the message names the file",
        hint: "compare the file's size with what its header says before reading on, and return KOBENCH_E_BAD_DATA",
        run: truncated,
    },
    Check {
        id: "errors.unknown-device",
        what: "an unknown device or precision is refused",
        hint: "return KOBENCH_E_UNSUPPORTED or KOBENCH_E_INVALID_ARGUMENT for a \"device\" or \"precision\" that you lack",
        run: device,
    },
];

/// What the two open calls say about a checkpoint.
struct Opened {
    tokenizer: Result<(), CallError>,
    model: Result<(), CallError>,
}

fn open(bench: &Bench, checkpoint: &Path) -> Result<Opened, Stop> {
    let mut tokenizer = bench.tokenizer_request()?;
    let mut model = ModelRequest { new_head: true, num_labels: Some(2), ..bench.head()? };
    tokenizer.checkpoint = Some(checkpoint.to_path_buf());
    model.checkpoint = Some(checkpoint.to_path_buf());
    Ok(Opened {
        tokenizer: bench.library.open_tokenizer(&tokenizer).map(drop),
        model: bench.library.open_model(&model).map(drop),
    })
}

/// Stops where an open call does not fail with a status and a message that names the path.
fn failed(
    result: &Result<(), CallError>,
    call: &str,
    status: i32,
    path: &Path,
) -> Result<(), Stop> {
    let wanted = crate::plugin::status_name(status);
    let expected = format!("the status \"{wanted}\", and a message that names {}", path.display());
    match result {
        Err(e) if e.status == abi::E_UNSUPPORTED => {
            skipped(format!("the model takes no checkpoint: {}", e.message))
        }
        Err(e) if e.status == status && e.message.contains(&*path.to_string_lossy()) => Ok(()),
        Err(e) => Err(bad(e.to_string(), expected)),
        Ok(()) => Err(bad(format!("{call} opened it"), expected)),
    }
}

fn missing(bench: &mut Bench) -> Outcome {
    let path = bench.scratch.join("no-such-folder");
    let opened = open(bench, &path)?;
    failed(&opened.tokenizer, "tokenizer_open", abi::E_NOT_FOUND, &path)?;
    failed(&opened.model, "model_open", abi::E_NOT_FOUND, &path)?;
    Ok("both open calls".into())
}

fn empty(bench: &mut Bench) -> Outcome {
    let path = bench.scratch.join("empty");
    fs::create_dir_all(&path)?;
    let opened = open(bench, &path)?;
    failed(&opened.model, "model_open", abi::E_NOT_FOUND, &path)?;
    // A tokeniser may have no files.
    if opened.tokenizer.is_err() {
        failed(&opened.tokenizer, "tokenizer_open", abi::E_NOT_FOUND, &path)?;
    }
    Ok("model_open, and tokenizer_open where it needs a file".into())
}

fn config(bench: &mut Bench) -> Outcome {
    let path = bench.scratch.join("no-json");
    fs::create_dir_all(&path)?;
    let file = path.join("config.json");
    for text in ["", "this is no JSON", "[1, 2]", "{\"hidden_size\": \"many\""] {
        fs::write(&file, text)?;
        failed(&open(bench, &path)?.model, "model_open", abi::E_BAD_DATA, &file)?;
    }
    Ok("4 files".into())
}

/// A whole checkpoint in a folder of our own: a copy of the one that was named, or one that the model saves.
fn whole(bench: &Bench) -> Result<PathBuf, Stop> {
    let to = bench.scratch.join("whole");
    fs::create_dir_all(&to)?;
    let Some(from) = &bench.checkpoint else {
        return match saved(bench, &to)? {
            true => Ok(to),
            false => skipped(
                "the model is bundled and cannot be saved; --checkpoint names other weights",
            ),
        };
    };
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(to)
}

fn truncated(bench: &mut Bench) -> Outcome {
    let path = whole(bench)?;
    let is_weights = |path: &PathBuf| {
        let extension = path.extension().unwrap_or_default();
        ["safetensors", "bin", "pt", "pth", "npz", "gguf"].iter().any(|e| extension == *e)
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(&path)? {
        files.push(entry?.path());
    }
    // Of two forms of the same weights the plugin reads the one that it prefers.
    files.retain(is_weights);
    files.sort();
    if files.is_empty() {
        return skipped("the checkpoint has no file of weights (*.safetensors, *.bin, *.pt ...)");
    }
    ensure(
        open(bench, &path)?.model.is_ok(),
        || "a copy of the checkpoint does not open".into(),
        "it opens as the original does",
    )?;
    let contents: Vec<Vec<u8>> = files.iter().map(fs::read).collect::<Result<_, _>>()?;
    for part in ["none", "half", "all but one byte"] {
        for (file, content) in files.iter().zip(&contents) {
            let kept = match part {
                "none" => 0,
                "half" => content.len() / 2,
                _ => content.len().saturating_sub(1),
            };
            fs::write(file, &content[..kept])?;
        }
        let result = open(bench, &path)?.model;
        let expected = "the status \"bad data\", and a message that names the file";
        let names = |e: &CallError| files.iter().any(|f| e.message.contains(&*f.to_string_lossy()));
        match &result {
            Err(e) if e.status == abi::E_BAD_DATA && names(e) => {}
            Err(e) => return Err(bad(format!("with {part} of the weights: {e}"), expected)),
            Ok(()) => {
                return Err(bad(format!("with {part} of the weights the model opened"), expected));
            }
        }
    }
    Ok(format!("{} files, each cut in 3 ways", files.len()))
}

fn device(bench: &mut Bench) -> Outcome {
    let good = bench.head()?;
    let refused = |what: &str, request: &ModelRequest| match bench.library.open_model(request) {
        Err(e) if [abi::E_UNSUPPORTED, abi::E_INVALID_ARGUMENT].contains(&e.status) => Ok(()),
        Err(e) => {
            Err(bad(format!("{what}: {e}"), "the status \"unsupported\" or \"invalid argument\""))
        }
        Ok(_) => Err(bad(
            format!("{what}: it opened"),
            "the status \"unsupported\" or \"invalid argument\"",
        )),
    };
    for device in ["tpu", "", "cuda", "cuda:x", "cpu:0"] {
        refused(
            &format!("device \"{device}\""),
            &ModelRequest { device: device.into(), ..good.clone() },
        )?;
    }
    for precision in ["f7", "", "F32"] {
        let request = ModelRequest { precision: precision.into(), ..good.clone() };
        refused(&format!("precision \"{precision}\""), &request)?;
    }
    Ok("5 devices, 3 precisions".into())
}
