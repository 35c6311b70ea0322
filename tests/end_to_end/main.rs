//! End-to-end tests: the real binary with real plugins.

mod bad_input;
mod bad_plugins;
mod c_plugin;
mod concurrency;
mod data;
mod demo;
mod durability;
mod oracle;
mod leaderboard;
mod parity;
mod score;
