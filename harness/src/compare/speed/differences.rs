//! What else is different between two measurements.

use super::Effect;
use crate::compare::Difference;
use crate::compare::policy::DIFFERENCES;
use crate::record::BenchRecord;
use serde_json::Value;

/// Everything that is not the same and may decide, under the names that policies know. What a policy makes of them is
/// its own affair; here they have the effect that they have where a policy says nothing.
pub(super) fn differences(base: &BenchRecord, new: &BenchRecord) -> Vec<Difference> {
    let (a, b) = (&base.inputs, &new.inputs);
    let plugin = |plugin: &crate::record::PluginInfo| {
        format!("{} {} ({})", plugin.name, plugin.version, short(&plugin.sha256))
    };
    let limit = |limit: Option<u64>| limit.map_or("all rows".into(), |rows| format!("{rows} rows"));
    let options = |record: &BenchRecord| {
        let all: Vec<String> =
            record.inputs.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if all.is_empty() { "none".to_owned() } else { all.join(", ") }
    };
    let host =
        |record: &BenchRecord| record.backend.device_name.clone().unwrap_or("unknown".into());
    let mut all = vec![
        ("data", short(&a.data.sha256), short(&b.data.sha256)),
        ("limit", limit(a.limit), limit(b.limit)),
        ("max_seq_len", a.max_seq_len.to_string(), b.max_seq_len.to_string()),
        ("plugin", plugin(&a.plugin), plugin(&b.plugin)),
        ("weights", short(&a.weights.sha256), short(&b.weights.sha256)),
        ("precision", a.precision.clone(), b.precision.clone()),
        ("device", a.device.clone(), b.device.clone()),
        ("threads", a.threads.to_string(), b.threads.to_string()),
        ("options", options(base), options(new)),
        ("host", host(base), host(new)),
        ("harness_version", a.harness_version.clone(), b.harness_version.clone()),
    ];
    let (of_base, of_new) = settings(&base.settings, &new.settings);
    all.push(("settings", of_base, of_new));
    let different = all.into_iter().filter(|(_, base, new)| base != new);
    different
        .map(|(what, base, new)| Difference { what: what.into(), base, new, effect: effect(what) })
        .collect()
}

fn effect(what: &str) -> Effect {
    DIFFERENCES.iter().find(|(name, _)| *name == what).map_or(Effect::Warn, |(_, effect)| *effect)
}

/// The settings that are not the same, on either side.
fn settings(base: &Value, new: &Value) -> (String, String) {
    let empty = serde_json::Map::new();
    let (base, new) = (base.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
    let mut names: Vec<&String> = base.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| base.get(*name) != new.get(*name));
    let of = |settings: &serde_json::Map<String, Value>| {
        let one =
            |name: &&String| format!("{name} {}", settings.get(*name).unwrap_or(&Value::Null));
        names.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    (of(base), of(new))
}

/// Enough of a hash to tell two apart.
fn short(sha256: &str) -> String {
    sha256.get(..12).unwrap_or(sha256).to_owned()
}
