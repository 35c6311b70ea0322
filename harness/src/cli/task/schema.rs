//! `kobench task schema`: the JSON Schema of task files.

use std::io::Write;

use crate::error::Error;

/// The schema of task files, as harness/schemas has it.
pub(super) const TASK_SCHEMA: &str = include_str!("../../../schemas/task.schema.json");

/// Prints the schema.
///
/// # Errors
/// [`Error::Output`].
pub(super) fn print(out: &mut dyn Write) -> Result<(), Error> {
    Ok(out.write_all(TASK_SCHEMA.as_bytes())?)
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
