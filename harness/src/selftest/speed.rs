//! Measurements: each in a child of its own, so that memory is that of one model, and a failure costs one row.

use super::child::{self, End};
use super::runner::{listed, refused};
use super::{Options, SelftestError};
use crate::plugin::{Entry, SelftestRequest, SpeedLine, SpeedRequest};
use crate::suggest::closest;
use crate::text::shorten;

/// What is measured; the device and the precisions are those of the self-test's options.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeedOptions {
    /// Models; none: all.
    pub shapes: Vec<String>,
    /// `nsmc`, or a number of tokens.
    pub lengths: Vec<String>,
    /// `evaluate`, `train`.
    pub modes: Vec<String>,
    /// Rows of a training step.
    pub batch: Option<u64>,
    /// Tokens of a batch in evaluation.
    pub batch_tokens: Option<u64>,
    /// Rows of a repetition.
    pub rows: Option<u64>,
    /// How often to measure.
    pub repetitions: u64,
    /// Threads on the CPU.
    pub threads: u64,
}

impl SpeedOptions {
    pub(super) fn request(&self) -> SpeedRequest {
        SpeedRequest {
            shapes: self.shapes.clone(),
            lengths: self.lengths.clone(),
            modes: self.modes.clone(),
            batch: self.batch,
            batch_tokens: self.batch_tokens,
            rows: self.rows,
            repetitions: self.repetitions,
            threads: self.threads,
        }
    }
}

/// The models that a plugin can measure.
///
/// # Errors
/// A plugin that has none, or does not say.
pub fn shapes(
    plugin: &Entry,
    options: &Options,
    speed: &SpeedOptions,
) -> Result<Vec<String>, SelftestError> {
    let of_all = SpeedRequest { shapes: Vec::new(), ..speed.request() };
    let request = SelftestRequest { list: true, speed: Some(of_all), ..options.request() };
    let mut names: Vec<String> = Vec::new();
    for id in listed(plugin, &request, options.limit)? {
        if !names.contains(&id.name) {
            names.push(id.name);
        }
    }
    Ok(names)
}

/// Measures everything that is asked for, one after the other. `show` is given each row as soon as it is there, or
/// what was not measured, and why.
///
/// # Errors
/// Those of [`shapes`], and a name that is no model's.
pub fn measure(
    plugin: &Entry,
    options: &Options,
    speed: &SpeedOptions,
    show: &mut dyn FnMut(Result<SpeedLine, String>),
) -> Result<(), SelftestError> {
    let known = shapes(plugin, options, speed)?;
    if let Some(name) = speed.shapes.iter().find(|name| !known.contains(name)) {
        let hint = match closest(name, known.iter().map(String::as_str)) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        return Err(SelftestError::new(format!("no model is called `{name}`"), Some(hint)));
    }
    let chosen = if speed.shapes.is_empty() { &known } else { &speed.shapes };
    for shape in chosen {
        for mode in &speed.modes {
            for lengths in &speed.lengths {
                for precision in &options.precisions {
                    let one = SpeedRequest {
                        shapes: vec![shape.clone()],
                        modes: vec![mode.clone()],
                        lengths: vec![lengths.clone()],
                        ..speed.request()
                    };
                    let request = SelftestRequest {
                        precisions: vec![precision.clone()],
                        speed: Some(one),
                        ..options.request()
                    };
                    let measured = one_row(plugin, options, &request);
                    show(
                        measured.map_err(|why| {
                            format!("{shape}, {mode}, {lengths}, {precision}: {why}")
                        }),
                    );
                }
            }
        }
    }
    Ok(())
}

fn one_row(
    plugin: &Entry,
    options: &Options,
    request: &SelftestRequest,
) -> Result<SpeedLine, String> {
    let mut row = None;
    let mut on_line = |line: &str| {
        let read: SpeedLine = serde_json::from_str(line).map_err(|e| {
            format!("the plugin wrote a line that is no measurement: {} ({e})", shorten(line, 80))
        })?;
        row = Some(read);
        Ok(())
    };
    match child::run(&plugin.path, request, options.limit, &mut on_line) {
        End::Done => row.ok_or_else(|| "the plugin measured nothing".into()),
        end @ End::Failed { .. } => Err(refused(plugin, "could not measure it", end).to_string()),
        end @ End::Broken { .. } => Err(end.reason()),
    }
}
