//! Rust mirror of kobench_plugin.h, the C interface between kobench and its model plugins.
