//! What the end-to-end tests stand on: the real binary, the real plugins, C plugins built on the spot,
//! and a clean environment for each test.

mod bin;
mod cc;
pub mod http;
mod sandbox;
pub mod scale;

pub use bin::{binary, target_folder, workspace};
pub use cc::{
    bad_plugin, broken_plugin, c_plugin, checks_plugin, device_plugin, fake_nvml, faulty_plugins,
    noop_plugin, rules_plugin, selftest_plugin, slowed_plugin, trainer_plugin,
};
pub use sandbox::{Output, Sandbox, cells, demo_checkpoint, finish, full_data, records};
