//! Many looks at a GPU, put together.

use crate::record::{EnergySource, MeanMax, Range, Telemetry, Throttling};

/// What one look told.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sample {
    /// Seconds since the first look.
    pub(super) at: f64,
    pub(super) sm_clock_mhz: Option<u32>,
    pub(super) memory_clock_mhz: Option<u32>,
    pub(super) temperature_celsius: Option<u32>,
    pub(super) power_milliwatts: Option<u32>,
    /// Since the driver was loaded.
    pub(super) energy_millijoules: Option<u64>,
    pub(super) utilisation_percent: Option<u32>,
    pub(super) memory_used_bytes: Option<u64>,
    /// Why the clocks are held down.
    pub(super) throttling: Vec<&'static str>,
    /// What was not told, and why.
    pub(super) missing: Vec<(&'static str, String)>,
}

/// Keeps what the looks come to, not the looks: a training may take days.
#[derive(Debug, Default)]
pub(super) struct Summary {
    samples: u64,
    last: Option<Sample>,
    sm_clock: Moments,
    memory_clock: Moments,
    power: Moments,
    utilisation: Moments,
    temperature: Option<u32>,
    memory: Option<u64>,
    /// Of the counter, at the first look that told it.
    energy_at_start: Option<u64>,
    /// Power over time by the trapezoidal rule, in joules.
    integrated: f64,
    throttling: Vec<(&'static str, u64)>,
    missing: Vec<(&'static str, String)>,
}

#[derive(Debug, Default)]
struct Moments {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Moments {
    fn add(&mut self, value: Option<f64>) {
        let Some(value) = value else { return };
        if self.count == 0 {
            (self.min, self.max) = (value, value);
        }
        (self.min, self.max) = (self.min.min(value), self.max.max(value));
        self.sum += value;
        self.count += 1;
    }

    fn range(&self) -> Option<Range> {
        let MeanMax { mean, max } = self.mean_max()?;
        Some(Range { min: self.min, mean, max })
    }

    fn mean_max(&self) -> Option<MeanMax> {
        (self.count > 0).then(|| MeanMax { mean: self.sum / self.count as f64, max: self.max })
    }
}

impl Summary {
    /// Takes a look into account; looks come in the order of time.
    pub(super) fn add(&mut self, sample: Sample) {
        self.samples += 1;
        self.sm_clock.add(sample.sm_clock_mhz.map(f64::from));
        self.memory_clock.add(sample.memory_clock_mhz.map(f64::from));
        self.power.add(sample.power_milliwatts.map(|power| f64::from(power) / 1e3));
        self.utilisation.add(sample.utilisation_percent.map(|share| f64::from(share) / 100.0));
        self.temperature = self.temperature.max(sample.temperature_celsius);
        self.memory = self.memory.max(sample.memory_used_bytes);
        self.energy_at_start = self.energy_at_start.or(sample.energy_millijoules);
        if let Some(last) = &self.last
            && let (Some(before), Some(now)) = (last.power_milliwatts, sample.power_milliwatts)
        {
            let mean = f64::from(before) / 2e3 + f64::from(now) / 2e3;
            self.integrated += mean * (sample.at - last.at);
        }
        for &reason in &sample.throttling {
            match self.throttling.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => self.throttling.push((reason, 1)),
            }
        }
        for (what, why) in &sample.missing {
            if !self.missing.iter().any(|(known, _)| known == what) {
                self.missing.push((what, why.clone()));
            }
        }
        self.last = Some(sample);
    }

    /// What all looks come to.
    pub(super) fn finish(self) -> Telemetry {
        let last = self.last.unwrap_or_default();
        // A counter that has run backwards was set anew: the driver was loaded again.
        let counted = self.energy_at_start.zip(last.energy_millijoules);
        let counted = counted.and_then(|(start, end)| end.checked_sub(start));
        let (energy_joules, energy_source) = match counted {
            Some(millijoules) => (Some(millijoules as f64 / 1e3), Some(EnergySource::Counter)),
            None if self.power.count > 1 => (Some(self.integrated), Some(EnergySource::Power)),
            None => (None, None),
        };
        let samples = self.samples.max(1) as f64;
        let throttling = self.throttling.iter().map(|&(reason, count)| Throttling {
            reason: reason.into(),
            share: count as f64 / samples,
        });
        Telemetry {
            device_uuid: None,
            driver_version: None,
            samples: self.samples,
            seconds: last.at,
            sm_clock_mhz: self.sm_clock.range(),
            memory_clock_mhz: self.memory_clock.range(),
            temperature_max_celsius: self.temperature,
            power_watts: self.power.mean_max(),
            energy_joules,
            energy_source,
            utilisation: self.utilisation.mean_max(),
            memory_peak_bytes: self.memory,
            throttling: throttling.collect(),
            notes: self.missing.iter().map(|(what, why)| format!("no {what}: {why}")).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: f64, clock: u32, watts: u32, energy: Option<u64>) -> Sample {
        Sample {
            at,
            sm_clock_mhz: Some(clock),
            power_milliwatts: Some(1000 * watts),
            energy_millijoules: energy,
            temperature_celsius: Some(40 + clock / 100),
            utilisation_percent: Some(80),
            memory_used_bytes: Some(u64::from(clock)),
            ..Sample::default()
        }
    }

    #[test]
    fn means_extremes_and_the_counter() {
        let mut summary = Summary::default();
        summary.add(sample(0.0, 1000, 100, Some(5_000)));
        summary
            .add(Sample { throttling: vec!["power cap"], ..sample(1.0, 2000, 300, Some(205_000)) });
        summary.add(sample(2.0, 1800, 200, Some(455_500)));
        let told = summary.finish();
        assert_eq!(told.sm_clock_mhz, Some(Range { min: 1000.0, mean: 1600.0, max: 2000.0 }));
        assert_eq!(told.power_watts, Some(MeanMax { mean: 200.0, max: 300.0 }));
        assert_eq!(
            (told.energy_joules, told.energy_source),
            (Some(450.5), Some(EnergySource::Counter))
        );
        assert_eq!((told.temperature_max_celsius, told.memory_peak_bytes), (Some(60), Some(2000)));
        assert_eq!((told.samples, told.seconds), (3, 2.0));
        assert_eq!(told.memory_clock_mhz, None);
        assert_eq!(told.throttled().unwrap(), "power cap (33% of the time)");
    }

    #[test]
    fn without_a_counter_power_is_integrated() {
        let mut summary = Summary::default();
        summary.add(sample(0.0, 1000, 100, None));
        summary.add(sample(2.0, 1000, 300, None));
        let told = summary.finish();
        // A trapezoid: 2 s at a mean of 200 W.
        assert_eq!(
            (told.energy_joules, told.energy_source),
            (Some(400.0), Some(EnergySource::Power))
        );
        let mut reset = Summary::default();
        reset.add(sample(0.0, 1000, 100, Some(9)));
        reset.add(sample(1.0, 1000, 100, Some(2)));
        assert_eq!(reset.finish().energy_source, Some(EnergySource::Power));
    }

    #[test]
    fn what_is_missing_is_said_once() {
        let mut summary = Summary::default();
        for at in 0..5 {
            let missing = vec![("power", "not supported".to_owned())];
            summary.add(Sample { at: f64::from(at), missing, ..Sample::default() });
        }
        let told = summary.finish();
        assert_eq!(told.notes, ["no power: not supported"]);
        assert_eq!((told.energy_joules, told.power_watts, told.throttled()), (None, None, None));
        assert_eq!(Summary::default().finish(), Telemetry::default());
    }
}
