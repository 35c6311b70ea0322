//! The `kobench` command.
fn main() {}
