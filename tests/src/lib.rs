//! End-to-end tests of kobench on real binaries and real plugins.
