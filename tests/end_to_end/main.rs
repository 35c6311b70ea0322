//! End-to-end tests: the real binary with real plugins.

mod bad_input;
mod bad_plugins;
mod c_plugin;
mod concurrency;
mod conformance;
mod cuda;
mod data;
mod demo;
mod devices;
mod durability;
mod families;
mod finetune;
mod heads;
mod kinds;
mod leaderboard;
mod model;
mod oracle;
mod parity;
mod plugin_new;
mod scale;
mod score;
mod score_tasks;
mod selftest;
mod supports;
mod sweep;
mod task;
