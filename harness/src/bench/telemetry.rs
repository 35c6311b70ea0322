//! What was seen of a GPU in several repetitions, as one.

use crate::record::{MeanMax, Range, Telemetry, Throttling};

/// All looks together: means and shares by the number of looks, sums of time and energy. What a repetition does not have is
/// not there; none without repetitions.
pub(super) fn merge(all: &[Telemetry]) -> Option<Telemetry> {
    let first = all.first()?;
    let mut notes: Vec<String> = Vec::new();
    for note in all.iter().flat_map(|one| &one.notes) {
        if !notes.contains(note) {
            notes.push(note.clone());
        }
    }
    let sum = |of: fn(&Telemetry) -> Option<f64>| all.iter().map(of).sum::<Option<f64>>();
    Some(Telemetry {
        device_uuid: first.device_uuid.clone(),
        driver_version: first.driver_version.clone(),
        samples: all.iter().map(|one| one.samples).sum(),
        seconds: all.iter().map(|one| one.seconds).sum(),
        sm_clock_mhz: ranges(all, |one| one.sm_clock_mhz),
        memory_clock_mhz: ranges(all, |one| one.memory_clock_mhz),
        temperature_max_celsius: all.iter().filter_map(|one| one.temperature_max_celsius).max(),
        power_watts: means(all, |one| one.power_watts),
        energy_joules: sum(|one| one.energy_joules),
        energy_source: first.energy_source,
        utilisation: means(all, |one| one.utilisation),
        memory_peak_bytes: all.iter().filter_map(|one| one.memory_peak_bytes).max(),
        throttling: throttling(all),
        notes,
    })
}

/// A mean over the looks of all repetitions that have the value.
fn weighted<T: Copy>(
    all: &[Telemetry],
    of: fn(&Telemetry) -> Option<T>,
    mean: fn(T) -> f64,
) -> Option<f64> {
    let known = || all.iter().filter_map(|one| Some((of(one)?, one.samples as f64)));
    let looks: f64 = known().map(|(_, looks)| looks).sum();
    (looks > 0.0).then(|| known().map(|(value, looks)| mean(value) * looks).sum::<f64>() / looks)
}

fn ranges(all: &[Telemetry], of: fn(&Telemetry) -> Option<Range>) -> Option<Range> {
    let mean = weighted(all, of, |range| range.mean)?;
    let known = || all.iter().filter_map(of);
    Some(Range {
        min: known().map(|range| range.min).fold(f64::INFINITY, f64::min),
        mean,
        max: known().map(|range| range.max).fold(f64::NEG_INFINITY, f64::max),
    })
}

fn means(all: &[Telemetry], of: fn(&Telemetry) -> Option<MeanMax>) -> Option<MeanMax> {
    let mean = weighted(all, of, |value| value.mean)?;
    let max = all.iter().filter_map(of).map(|value| value.max).fold(f64::NEG_INFINITY, f64::max);
    Some(MeanMax { mean, max })
}

fn throttling(all: &[Telemetry]) -> Vec<Throttling> {
    let looks: f64 = all.iter().map(|one| one.samples as f64).sum();
    let mut merged: Vec<Throttling> = Vec::new();
    for one in all {
        for Throttling { reason, share } in &one.throttling {
            let share = share * one.samples as f64 / looks.max(1.0);
            match merged.iter_mut().find(|known| known.reason == *reason) {
                Some(known) => known.share += share,
                None => merged.push(Throttling { reason: reason.clone(), share }),
            }
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(samples: u64, power: f64, joules: Option<f64>, throttled: Option<f64>) -> Telemetry {
        let reason = |share| Throttling { reason: "power cap".into(), share };
        Telemetry {
            samples,
            seconds: 1.0,
            power_watts: Some(MeanMax { mean: power, max: power + 10.0 }),
            sm_clock_mhz: Some(Range { min: power, mean: power, max: power }),
            energy_joules: joules,
            throttling: throttled.map(reason).into_iter().collect(),
            notes: vec!["a note".into()],
            ..Telemetry::default()
        }
    }

    #[test]
    fn means_are_over_looks_and_energies_add_up() {
        assert_eq!(merge(&[]), None);
        let all = [seen(10, 100.0, Some(5.0), Some(0.5)), seen(30, 200.0, Some(7.0), None)];
        let merged = merge(&all).expect("two");
        assert_eq!((merged.samples, merged.seconds, merged.energy_joules), (40, 2.0, Some(12.0)));
        assert_eq!(merged.power_watts, Some(MeanMax { mean: 175.0, max: 210.0 }));
        assert_eq!(merged.sm_clock_mhz, Some(Range { min: 100.0, mean: 175.0, max: 200.0 }));
        assert_eq!(merged.throttling, [Throttling { reason: "power cap".into(), share: 0.125 }]);
        assert_eq!(merged.notes, ["a note"]);
        let one_without = [seen(1, 1.0, Some(5.0), None), seen(1, 1.0, None, None)];
        assert_eq!(merge(&one_without).expect("two").energy_joules, None);
    }
}
