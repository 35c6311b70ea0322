//! What the base of a comparison is, where it differs from what is judged: the value of `--against`.

use crate::gpu::Devices;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

/// What is different of the base; the rest is as for the new side.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Against {
    /// Plugin libraries of another build: a folder, or one library.
    pub plugins: Option<PathBuf>,
    /// Other weights: a directory, or `hf:ID`.
    pub checkpoint: Option<String>,
    /// Another precision.
    pub precision: Option<String>,
    /// Another number of threads.
    pub threads: Option<u32>,
    /// Another device.
    pub device: Option<Devices>,
    /// Options of the plugins' own, beside or instead of those of the new side.
    pub plugin_options: BTreeMap<String, String>,
}

impl FromStr for Against {
    type Err = String;

    /// `same`, a path, or `KEY=VALUE,..`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut against = Self::default();
        let text = text.trim();
        if text == "same" {
            return Ok(against);
        }
        if text.is_empty() {
            return Err("it is empty; `same` compares a build with itself".to_owned());
        }
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                Some((key, value)) => against.set(key.trim(), value.trim())?,
                None => against.set("plugins", part)?,
            }
        }
        Ok(against)
    }
}

impl Against {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err(format!("{key} has no value"));
        }
        let is_new = match key {
            "plugins" => self.plugins.replace(value.into()).is_none(),
            "checkpoint" => self.checkpoint.replace(value.into()).is_none(),
            "precision" if ["auto", "f32", "bf16"].contains(&value) => {
                self.precision.replace(value.into()).is_none()
            }
            "precision" => return Err(format!("precision={value}: it is auto, f32 or bf16")),
            "threads" => {
                let threads = value.parse().ok().filter(|threads| (1..=1024).contains(threads));
                let threads =
                    threads.ok_or_else(|| format!("threads={value}: not from 1 to 1024"))?;
                self.threads.replace(threads).is_none()
            }
            "device" => {
                let device = value.parse::<Devices>().map_err(|error| error.to_string())?;
                self.device.replace(device).is_none()
            }
            _ => match key.strip_prefix("option.").filter(|name| !name.is_empty()) {
                Some(name) => self.plugin_options.insert(name.into(), value.into()).is_none(),
                None => {
                    return Err(format!(
                        "`{key}` is not known; the base may differ in plugins, checkpoint, precision, threads, device, \
                         option.NAME"
                    ));
                }
            },
        };
        if is_new { Ok(()) } else { Err(format!("{key} is given twice")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_read() {
        let read = |text: &str| text.parse::<Against>();
        assert_eq!(read("same"), Ok(Against::default()));
        assert_eq!(read("../old/release").unwrap().plugins, Some("../old/release".into()));
        let many = read("plugins=a, precision=bf16,threads=1,device=cpu,option.clean=off").unwrap();
        assert_eq!((many.threads, many.device), (Some(1), Some(Devices::Cpu)));
        assert_eq!(many.plugin_options["clean"], "off");
        assert_eq!(read("checkpoint=hf:org/name").unwrap().checkpoint.unwrap(), "hf:org/name");
        for (bad, why) in [
            ("", "empty"),
            ("speed=2", "`speed` is not known"),
            ("threads=0", "from 1 to 1024"),
            ("precision=f16", "auto, f32 or bf16"),
            ("a,b", "plugins is given twice"),
            ("option.=x", "not known"),
            ("plugins=", "no value"),
            ("device=gpu", "not a device"),
        ] {
            let error = read(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
