//! A thread that looks at a GPU while a cell runs.

use super::nvml::Gpu;
use super::summary::Summary;
use crate::record::Telemetry;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a cell waits for NVML, which may take its time where the driver was asleep. Its first moments go unseen after
/// that.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often. Clocks and power change within tens of milliseconds; the GPU's own counters are about as fast.
const EVERY: Duration = Duration::from_millis(100);

/// Looks at a GPU until it is told to end.
#[derive(Debug)]
pub struct Recorder {
    end: Sender<()>,
    thread: JoinHandle<Telemetry>,
}

impl Recorder {
    /// Begins to look at the GPU of this UUID; returns when it has looked for the first time. None on a CPU.
    pub fn start(device: &str, uuid: Option<&str>) -> Option<Self> {
        if !device.starts_with("cuda") {
            return None;
        }
        let (end, ended) = channel();
        let (begun, begins) = channel();
        let uuid = uuid.map(str::to_owned);
        let thread = std::thread::spawn(move || {
            let Some(uuid) = uuid else {
                return note("the plugin does not say which GPU it computes on".into());
            };
            let gpu = match Gpu::open(&uuid) {
                Ok(gpu) => gpu,
                Err(why) => return Telemetry { device_uuid: Some(uuid), ..note(why) },
            };
            let (started, mut summary) = (Instant::now(), Summary::default());
            let mut next = started;
            loop {
                summary.add(gpu.look(started.elapsed().as_secs_f64()));
                // Only the first is waited for.
                let _ = begun.send(());
                next += EVERY;
                let wait = next.saturating_duration_since(Instant::now());
                if ended.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            summary.add(gpu.look(started.elapsed().as_secs_f64()));
            Telemetry {
                device_uuid: Some(uuid),
                driver_version: gpu.driver_version,
                ..summary.finish()
            }
        });
        // An error means that there is nothing to look at.
        let _ = begins.recv_timeout(PATIENCE);
        Some(Self { end, thread })
    }

    /// Ends the looks; [`Recorder::finish`] says what was seen until now.
    pub fn stop(&self) {
        // A thread that has nothing to look at has ended already.
        let _ = self.end.send(());
    }

    /// What was seen.
    pub fn finish(self) -> Telemetry {
        self.stop();
        self.thread.join().unwrap_or_else(|_| note("the thread that looks at the GPU ended".into()))
    }
}

fn note(why: String) -> Telemetry {
    Telemetry { notes: vec![why], ..Telemetry::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cpu_is_not_looked_at_and_a_gpu_that_is_not_there_is_explained() {
        assert!(Recorder::start("cpu", None).is_none());
        let told = Recorder::start("cuda:0", None).unwrap().finish();
        assert_eq!(told.notes, ["the plugin does not say which GPU it computes on"]);
        let told = Recorder::start("cuda:0", Some("GPU-none")).unwrap().finish();
        assert_eq!((told.notes.len(), told.samples), (1, 0));
        assert_eq!(told.device_uuid.as_deref(), Some("GPU-none"));
    }
}
