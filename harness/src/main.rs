//! The `kobench` command: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kobench::cli::main()
}
