//! The entry point: versions, and the two structs that it is given.

use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::fence::Fenced;
use crate::check::outcome::{Outcome, Stop, bad, ensure, named};
use kobench_plugin_abi::{self as abi, AbiStruct as _, Host, PluginVtable, Str, ranges_meet};
use std::mem::offset_of;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "abi.versions",
        what: "the entry point accepts each host whose range of versions meets the plugin's, and no other",
        hint: "compare as the rule \"Versions\" says, and fill in `abi_minor` and `abi_minor_oldest` before that",
        run: versions,
    },
    Check {
        id: "abi.entry-null",
        what: "the entry point answers NULL with an error",
        hint: "return KOBENCH_E_INVALID_ARGUMENT where `host` or `out` is NULL",
        run: null,
    },
    Check {
        id: "abi.size-host",
        what: "of `kobench_host` no field beyond its `struct_size` is looked at",
        hint: "look at `struct_size` before any other field of the host (KOBENCH_HAS of kobench_plugin_util.h)",
        run: host_sizes,
    },
    Check {
        id: "abi.size-plugin",
        what: "into `kobench_plugin` no more is written than the host has room for",
        hint: "copy at most `out->struct_size` bytes into `*out`, and set `struct_size` to what you wrote",
        run: plugin_sizes,
    },
];

fn host(minor: u32, oldest: u32) -> Host {
    let mut host = Host::zeroed();
    (host.abi_minor, host.abi_minor_oldest) = (minor, oldest);
    (host.name, host.version) = (Str::new("kobench"), Str::new(crate::VERSION));
    host
}

/// Calls the entry point; the host's memory stays, since a plugin may keep it.
fn enter(bench: &Bench, host: &Host, out: &mut PluginVtable) -> i32 {
    let host: &'static Host = Box::leak(Box::new(*host));
    // SAFETY: valid structs with truthful sizes.
    unsafe { (bench.entry)(host, out) }
}

fn versions(bench: &mut Bench) -> Outcome {
    let mut own = PluginVtable::zeroed();
    enter(bench, &host(abi::ABI_MINOR, abi::ABI_MINOR_OLDEST), &mut own);
    let plugin = (own.abi_minor, own.abi_minor_oldest);
    ensure(
        plugin.1 <= plugin.0,
        || format!("abi_minor {}, abi_minor_oldest {}", plugin.0, plugin.1),
        "the oldest minor that is accepted is not newer than the one that is spoken",
    )?;
    let far = 4_000_000;
    let mut hosts = vec![(plugin.0, 0), (plugin.1, 0), (far, 0), (far, far), (far, plugin.0)];
    hosts.extend(plugin.1.checked_sub(1).map(|older| (older, 0)));
    for (minor, oldest) in &hosts {
        let mut out = PluginVtable::zeroed();
        let status = enter(bench, &host(*minor, *oldest), &mut out);
        let meets = ranges_meet((*minor, *oldest), plugin);
        let expected = if meets { abi::OK } else { abi::E_VERSION };
        let about = format!(
            "a host of minor {minor} that accepts {oldest} and newer met a plugin of minor {} that accepts {} \
             and newer",
            plugin.0, plugin.1
        );
        ensure(
            status == expected,
            || format!("{about}: the entry point answered {}", named(status)),
            if meets { "the status OK" } else { "the status \"version\"" },
        )?;
        ensure(
            (out.abi_minor, out.abi_minor_oldest) == plugin,
            || {
                format!(
                    "{about}: it filled in the range {}, {}",
                    out.abi_minor, out.abi_minor_oldest
                )
            },
            "the plugin's own range, whatever the host's is",
        )?;
    }
    Ok(format!(
        "{} ranges; the plugin speaks 1.{} and accepts 1.{} and newer",
        hosts.len(),
        plugin.0,
        plugin.1
    ))
}

fn null(bench: &mut Bench) -> Outcome {
    let mut out = PluginVtable::zeroed();
    let known = host(abi::ABI_MINOR, abi::ABI_MINOR_OLDEST);
    // SAFETY: NULL is what the header lets be answered with an error; the other argument is valid.
    let answers = unsafe {
        [
            ("host", (bench.entry)(std::ptr::null(), &raw mut out)),
            ("out", (bench.entry)(&raw const known, std::ptr::null_mut())),
            ("host and out", (bench.entry)(std::ptr::null(), std::ptr::null_mut())),
        ]
    };
    for (what, status) in answers {
        ensure(
            status == abi::E_INVALID_ARGUMENT,
            || format!("the entry point answered {} where `{what}` is NULL", named(status)),
            "the status \"invalid argument\"",
        )?;
    }
    Ok("3 calls".into())
}

fn host_sizes(bench: &mut Bench) -> Outcome {
    let known = host(abi::ABI_MINOR, abi::ABI_MINOR_OLDEST);
    let full = size_of::<Host>();
    let mut n = 0;
    for size in (0..=full).step_by(8).chain([4, 12, full + 40]) {
        let fenced = Fenced::sized(&known, size)?;
        let mut out = PluginVtable::zeroed();
        // SAFETY: as many bytes as the struct says are there.
        let status = unsafe { (bench.entry)(fenced.as_ptr(), &raw mut out) };
        fenced.kept(size, "the entry point")?;
        // A plugin may keep the host.
        std::mem::forget(fenced);
        accepted("host", size, full, status)?;
        n += 1;
    }
    Ok(format!("{n} sizes"))
}

/// A struct that is whole or larger is taken, a smaller one may be refused.
fn accepted(what: &str, size: usize, full: usize, status: i32) -> Result<(), Stop> {
    if status == abi::OK || (size < full && status == abi::E_INVALID_ARGUMENT) {
        return Ok(());
    }
    Err(bad(
        format!("the entry point answered {} to a `{what}` of {size} bytes", named(status)),
        "the status OK, or, where the struct is smaller than in this header, \"invalid argument\"",
    ))
}

fn plugin_sizes(bench: &mut Bench) -> Outcome {
    let known = host(abi::ABI_MINOR, abi::ABI_MINOR_OLDEST);
    let known: &'static Host = Box::leak(Box::new(known));
    let (full, required) = (size_of::<PluginVtable>(), offset_of!(PluginVtable, model_stats));
    let mut n = 0;
    for size in (0..=full).step_by(8).chain([4, 12, full + 64]) {
        let fenced = Fenced::new(size.max(4))?;
        let mut room = [0_u8; 4];
        room.copy_from_slice(&u32::try_from(size).unwrap_or(0).to_ne_bytes());
        // SAFETY: the size is at the struct's beginning, and fits.
        let status = unsafe {
            fenced.as_ptr::<[u8; 4]>().write(room);
            (bench.entry)(known, fenced.as_ptr())
        };
        accepted("plugin", size, required, status)?;
        let stated = fenced.read::<PluginVtable>().struct_size as usize;
        ensure(
            status != abi::OK || (8..=size).contains(&stated),
            || format!("with room for {size} bytes, `struct_size` is {stated} afterwards"),
            "`struct_size` says how much was written, which is no more than there is room for",
        )?;
        let written = if status == abi::OK { stated } else { size };
        fenced.kept(written, &format!("with room for {size} bytes the entry point"))?;
        n += 1;
    }
    Ok(format!("{n} sizes"))
}
