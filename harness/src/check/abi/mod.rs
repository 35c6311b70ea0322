//! The border between host and plugin: what `kobench_plugin.h` promises beyond the meaning of a call.
#![expect(
    unsafe_code,
    reason = "calls the plugin with arguments that its safe owners would not give"
)]

mod arguments;
mod batch;
mod entry;
mod json;
mod selftest;
mod sizes;
mod threads;

use super::catalog::Check;

/// All checks of the border.
pub(super) fn checks() -> Vec<&'static Check> {
    [
        entry::CHECKS,
        arguments::CHECKS,
        json::CHECKS,
        sizes::CHECKS,
        batch::CHECKS,
        threads::CHECKS,
        selftest::CHECKS,
    ]
    .into_iter()
    .flatten()
    .collect()
}
