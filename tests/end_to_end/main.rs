//! End-to-end tests: the real binary with real plugins.

mod bad_input;
mod bad_plugins;
mod c_plugin;
mod concurrency;
mod demo;
mod durability;
mod heads;
mod oracle;
mod parity;
