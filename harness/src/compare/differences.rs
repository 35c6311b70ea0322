//! What else is different between two cells.

use super::{Difference, Effect};
use crate::record::{CellInputs, CellRecord, DataInfo};

/// Everything of two cells that decides numbers and is not the same; `effect` says what that means.
pub(super) fn of_cells(
    base: &CellRecord,
    new: &CellRecord,
    effect: &dyn Fn(&str) -> Effect,
) -> Vec<Difference> {
    let mut found = of_inputs(&base.inputs, &new.inputs, effect);
    let policy = |cell: &CellRecord| cell.selection_policy.clone().unwrap_or_default();
    add(&mut found, "selection_policy", policy(base), policy(new), effect);
    let device = |cell: &CellRecord| cell.backend.device_name.clone().unwrap_or_default();
    if base.inputs.device == new.inputs.device {
        add(&mut found, "device", device(base), device(new), effect);
    }
    found
}

/// The same of what was run alone.
pub(super) fn of_inputs(
    base: &CellInputs,
    new: &CellInputs,
    effect: &dyn Fn(&str) -> Effect,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |what: &str, of: &dyn Fn(&CellInputs) -> String| {
        add(&mut found, what, of(base), of(new), effect);
    };
    compare("task_version", &|inputs| inputs.key.task_version.to_string());
    compare("data", &|inputs| data(&inputs.data));
    compare("limit", &|inputs| {
        inputs.limit.map_or("all rows".to_owned(), |limit| format!("the first {limit} rows"))
    });
    compare("max_seq_len", &|inputs| inputs.max_seq_len.to_string());
    compare("precision", &|inputs| inputs.precision.clone());
    compare("device", &|inputs| inputs.device.clone());
    compare("threads", &|inputs| inputs.threads.to_string());
    compare("plugin", &|inputs| {
        let plugin = &inputs.plugin;
        format!("{} {} ({})", plugin.name, plugin.version, short(&plugin.sha256))
    });
    compare("weights", &|inputs| short(&inputs.weights.sha256).to_owned());
    compare("options", &|inputs| {
        let options: Vec<String> =
            inputs.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if options.is_empty() { "none".to_owned() } else { options.join(" ") }
    });
    compare("recipe", &|inputs| {
        inputs.fine_tune.as_ref().map_or("none".to_owned(), |fine_tune| {
            // Too long to show, and a change of any of it is one.
            let text = serde_json::to_string(fine_tune).unwrap_or_default();
            let digest = crate::digest::sha256_hex(text.as_bytes());
            format!("version {} ({})", fine_tune.recipe_version, short(&digest))
        })
    });
    compare("harness_version", &|inputs| inputs.harness_version.clone());
    found
}

fn add(
    found: &mut Vec<Difference>,
    what: &str,
    base: String,
    new: String,
    effect: &dyn Fn(&str) -> Effect,
) {
    if base != new {
        found.push(Difference { what: what.to_owned(), base, new, effect: effect(what) });
    }
}

fn data(info: &DataInfo) -> String {
    let part =
        info.part.map_or(String::new(), |part| format!(", rows {} to {}", part.from, part.to));
    let labels = info.labels_sha256.as_deref();
    let labels = labels.map_or(String::new(), |labels| format!(", labels {}", short(labels)));
    format!("{} ({} rows{part}{labels})", short(&info.sha256), info.rows)
}

/// Enough of a hash to tell two apart.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::*;
    use crate::record::testing::done;

    /// A change of a cell, and what is then named as what.
    type Change = (fn(&mut CellRecord), &'static str, Effect);

    fn what(base: &CellRecord, new: &CellRecord) -> Vec<(String, Effect)> {
        let policy = Policy::load(None).expect("the default policy");
        let found = of_cells(base, new, &|what| policy.effect(what));
        found.into_iter().map(|difference| (difference.what, difference.effect)).collect()
    }

    #[test]
    fn each_input_is_named_and_judged() {
        let base = done();
        assert_eq!(what(&base, &base), []);
        let changes: [Change; 9] = [
            (|cell| cell.inputs.data.sha256 = "e".repeat(64), "data", Effect::Refuse),
            (|cell| cell.inputs.key.task_version = 2, "task_version", Effect::Refuse),
            (|cell| cell.inputs.limit = Some(10), "limit", Effect::Refuse),
            (|cell| cell.selection_policy = None, "selection_policy", Effect::Warn),
            (|cell| cell.inputs.precision = "bf16".into(), "precision", Effect::Warn),
            (|cell| cell.inputs.device = "cuda".into(), "device", Effect::Warn),
            (|cell| cell.backend.device_name = None, "device", Effect::Warn),
            (|cell| cell.inputs.weights.sha256 = "e".repeat(64), "weights", Effect::Expected),
            (|cell| cell.inputs.plugin.sha256 = "e".repeat(64), "plugin", Effect::Expected),
        ];
        for (change, name, effect) in changes {
            let mut new = base.clone();
            change(&mut new);
            assert_eq!(what(&base, &new), [(name.to_owned(), effect)]);
        }
        // Where the file was found decides nothing.
        let mut new = base.clone();
        new.inputs.data.file = "elsewhere".into();
        assert_eq!(what(&base, &new), []);
    }
}
