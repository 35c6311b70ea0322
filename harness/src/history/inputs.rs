//! What decides numbers: what parts two series, and what differs between two points of one.

use crate::record::{Backend, CellInputs};
use crate::report::number::grouped;

/// What a number is of, beside its cell's key: numbers that differ in it are never in one series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lane {
    data: String,
    part: Option<(u64, u64)>,
    labels: Option<String>,
    limit: Option<u64>,
    max_seq_len: u32,
    /// What else parts them: the settings of a measurement of speed.
    settings: String,
    /// What the numbers were computed with, where that parts them.
    setup: Option<Setup>,
}

/// What the numbers were computed with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Setup {
    device: String,
    precision: String,
    threads: u32,
    options: Vec<(String, String)>,
}

impl Setup {
    /// Of a cell, or with the device's name of a measurement of speed.
    pub(super) fn new(inputs: &CellInputs, device_name: Option<&str>) -> Self {
        let name = device_name.map(|name| format!(" ({name})")).unwrap_or_default();
        Self {
            device: format!("{}{name}", inputs.device),
            precision: inputs.precision.clone(),
            threads: inputs.threads,
            options: inputs.options.clone().into_iter().collect(),
        }
    }
}

impl Lane {
    pub(super) fn new(inputs: &CellInputs, settings: String, setup: Option<Setup>) -> Self {
        Self {
            data: inputs.data.sha256.clone(),
            part: inputs.data.part.map(|part| (part.from, part.to)),
            labels: inputs.data.labels_sha256.clone(),
            limit: inputs.limit,
            max_seq_len: inputs.max_seq_len,
            settings,
            setup,
        }
    }

    /// Whether what the numbers were computed with parts it from others.
    pub(super) fn has_setup(&self) -> bool {
        self.setup.is_some()
    }

    /// The same lane, of numbers that were computed with this alone.
    pub(super) fn with_setup(self, setup: Setup) -> Self {
        Self { setup: Some(setup), ..self }
    }

    /// What tells this lane from the other lanes of the same key, in a few words; none where there is nothing to tell.
    pub(super) fn variant(&self, all: &[&Self]) -> Option<String> {
        let differs = |differ: fn(&Self, &Self) -> bool| all.iter().any(|o| differ(self, o));
        let mut words = Vec::new();
        if differs(|a, b| (&a.data, &a.labels) != (&b.data, &b.labels)) {
            words.push(format!("data {}", self.data.get(..8).unwrap_or(&self.data)));
        }
        if differs(|a, b| a.part != b.part) {
            let part =
                self.part.map(|(from, to)| format!("rows {} to {}", grouped(from), grouped(to)));
            words.push(part.unwrap_or_else(|| "all rows".into()));
        }
        if differs(|a, b| a.limit != b.limit) {
            let limit = self.limit.map(|limit| format!("the first {} rows", grouped(limit)));
            words.push(limit.unwrap_or_else(|| "no limit".into()));
        }
        if differs(|a, b| a.max_seq_len != b.max_seq_len) {
            words.push(format!("{} tokens", self.max_seq_len));
        }
        if let Some(setup) = &self.setup {
            let others = || all.iter().filter_map(|other| other.setup.as_ref());
            if others().any(|o| o.device != setup.device) {
                words.push(setup.device.clone());
            }
            if others().any(|o| o.precision != setup.precision) {
                words.push(setup.precision.clone());
            }
            if others().any(|o| o.threads != setup.threads) {
                words.push(format!("{} threads", setup.threads));
            }
            if others().any(|o| o.options != setup.options) {
                let options: Vec<String> =
                    setup.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
                words.push(format!("options {}", options.join(" ")));
            }
        }
        if differs(|a, b| a.settings != b.settings) {
            words.push(format!("settings {}", self.settings));
        }
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// What of what decides the numbers is other in the second than in the first. The data is none of it: numbers of
/// other data are another series.
pub(super) fn changed(
    (before, backend_before): (&CellInputs, &Backend),
    (after, backend_after): (&CellInputs, &Backend),
) -> Vec<String> {
    let differs = [
        ("plugin", before.plugin != after.plugin),
        ("weights", before.weights.sha256 != after.weights.sha256),
        ("precision", before.precision != after.precision),
        ("device", before.device != after.device),
        ("device_name", backend_before.device_name != backend_after.device_name),
        ("isa", backend_before.isa != backend_after.isa),
        ("threads", before.threads != after.threads),
        ("options", before.options != after.options),
        ("fine_tune", before.fine_tune != after.fine_tune),
        ("harness_version", before.harness_version != after.harness_version),
    ];
    differs.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::inputs;

    #[test]
    fn what_differs_is_named() {
        let (before, backend) = (inputs(), Backend::default());
        let mut after = before.clone();
        assert!(changed((&before, &backend), (&after, &backend)).is_empty());
        after.plugin.sha256 = "f".repeat(64);
        after.weights.sha256 = "e".repeat(64);
        // The same weights elsewhere are the same.
        after.weights.checkpoint = Some("elsewhere".into());
        after.threads = 8;
        let isa = Backend { isa: Some("avx512f".into()), ..Backend::default() };
        assert_eq!(
            changed((&before, &backend), (&after, &isa)),
            ["plugin", "weights", "isa", "threads"]
        );
    }

    #[test]
    fn a_variant_says_only_what_differs() {
        let whole = Lane::new(&inputs(), String::new(), None);
        assert_eq!(whole.variant(&[&whole]), None);
        let mut limited = inputs();
        limited.limit = Some(1000);
        limited.max_seq_len = 64;
        let limited = Lane::new(&limited, String::new(), None);
        let all = [&whole, &limited];
        assert_eq!(limited.variant(&all).as_deref(), Some("the first 1,000 rows, 64 tokens"));
        assert_eq!(whole.variant(&all).as_deref(), Some("no limit, 128 tokens"));
        let mut bf16 = inputs();
        bf16.precision = "bf16".into();
        let setups =
            [inputs(), bf16].map(|i| Lane::new(&i, String::new(), Some(Setup::new(&i, None))));
        let all: Vec<&Lane> = setups.iter().collect();
        assert_eq!(setups[1].variant(&all).as_deref(), Some("bf16"));
    }
}
