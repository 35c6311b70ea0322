//! Looks at a GPU through NVML, the library that comes with NVIDIA's driver.

use super::summary::Sample;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{Clock, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use std::ffi::OsStr;
use std::sync::OnceLock;

/// The name under which drivers install it, and the one that comes with a toolkit.
const LIBRARIES: [&str; 2] = ["libnvidia-ml.so.1", "libnvidia-ml.so"];

/// A GPU that NVML knows.
pub(super) struct Gpu {
    device: Device<'static>,
    pub(super) driver_version: Option<String>,
}

/// NVML, loaded once; or why it cannot be used.
fn nvml() -> Result<&'static Nvml, String> {
    static NVML: OnceLock<Result<Nvml, String>> = OnceLock::new();
    let load = || {
        let mut first = None;
        for name in LIBRARIES {
            match Nvml::builder().lib_path(OsStr::new(name)).init() {
                Ok(nvml) => return Ok(nvml),
                // That a second name is not there either says less than what was wrong with the first.
                Err(error) => first = first.or(Some(describe(&error))),
            }
        }
        Err(first.unwrap_or_default())
    };
    NVML.get_or_init(load).as_ref().map_err(Clone::clone)
}

/// An error with what is below it: for a library that does not load, the linker's words.
fn describe(error: &NvmlError) -> String {
    let mut text = error.to_string();
    let mut below = std::error::Error::source(error);
    while let Some(cause) = below {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        below = cause.source();
    }
    text
}

impl Gpu {
    /// The GPU of this UUID.
    ///
    /// # Errors
    /// Why there is nothing to be known of it: no library, no rights, no such GPU.
    pub(super) fn open(uuid: &str) -> Result<Self, String> {
        let nvml = nvml().map_err(|why| format!("NVML cannot be used: {why}"))?;
        let device = nvml
            .device_by_uuid(uuid)
            .map_err(|error| format!("NVML does not show {uuid}: {}", describe(&error)))?;
        Ok(Self { device, driver_version: nvml.sys_driver_version().ok() })
    }

    /// Looks at it.
    pub(super) fn look(&self, at: f64) -> Sample {
        let device = &self.device;
        let mut missing = Vec::new();
        let mut told = Told(&mut missing);
        let sm_clock_mhz = told.of("SM clock", device.clock_info(Clock::SM));
        let memory_clock_mhz = told.of("memory clock", device.clock_info(Clock::Memory));
        let temperature_celsius =
            told.of("temperature", device.temperature(TemperatureSensor::Gpu));
        let power_milliwatts = told.of("power", device.power_usage());
        let energy_millijoules = told.of("energy counter", device.total_energy_consumption());
        let utilisation = told.of("utilisation", device.utilization_rates());
        let memory = told.of("memory in use", device.memory_info());
        let reasons = told.of("throttle reasons", device.current_throttle_reasons());
        Sample {
            at,
            sm_clock_mhz,
            memory_clock_mhz,
            temperature_celsius,
            power_milliwatts,
            energy_millijoules,
            utilisation_percent: utilisation.map(|rates| rates.gpu),
            memory_used_bytes: memory.map(|memory| memory.used),
            throttling: reasons.map(names).unwrap_or_default(),
            missing,
        }
    }
}

/// Keeps what was not told.
struct Told<'a>(&'a mut Vec<(&'static str, String)>);

impl Told<'_> {
    fn of<T>(&mut self, what: &'static str, told: Result<T, NvmlError>) -> Option<T> {
        told.map_err(|error| self.0.push((what, describe(&error)))).ok()
    }
}

/// The reasons that hold clocks down. An idle GPU is not held down.
fn names(reasons: ThrottleReasons) -> Vec<&'static str> {
    [
        (ThrottleReasons::SW_POWER_CAP, "power cap"),
        (ThrottleReasons::HW_SLOWDOWN, "hardware slowdown"),
        (ThrottleReasons::HW_THERMAL_SLOWDOWN, "thermal slowdown by the hardware"),
        (ThrottleReasons::SW_THERMAL_SLOWDOWN, "thermal slowdown by the driver"),
        (ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, "power brake"),
        (ThrottleReasons::SYNC_BOOST, "sync boost with another GPU"),
        (ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, "clocks set by the administrator"),
        (ThrottleReasons::DISPLAY_CLOCK_SETTING, "clocks set for a display"),
    ]
    .into_iter()
    .filter_map(|(flag, name)| reasons.contains(flag).then_some(name))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_named_and_idling_is_none() {
        assert!(names(ThrottleReasons::GPU_IDLE | ThrottleReasons::NONE).is_empty());
        let both = ThrottleReasons::SW_POWER_CAP | ThrottleReasons::HW_SLOWDOWN;
        assert_eq!(names(both), ["power cap", "hardware slowdown"]);
        assert_eq!(names(ThrottleReasons::all()).len(), 8);
    }

    #[test]
    fn what_nobody_has_is_explained() {
        let why = Gpu::open("GPU-00000000-none").err().unwrap();
        assert!(why.starts_with("NVML "), "{why}");
    }
}
