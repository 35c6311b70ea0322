//! The value of `--device`.

use std::str::FromStr;

/// More GPUs than one machine has.
const MAX: u32 = 256;

/// Where a run may compute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Devices {
    /// The first GPU where a plugin can use one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// These GPUs, by their ordinals; at least one, and each once.
    Cuda(Vec<u32>),
}

/// A text that names no devices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--device {text}: {what}")]
pub struct DevicesError {
    /// As it was given.
    pub text: String,
    /// What is wrong with it.
    pub what: String,
}

impl FromStr for Devices {
    type Err = DevicesError;

    /// `auto`, `cpu`, `cuda` (the first GPU), or GPUs separated by commas: `cuda:1`, `cuda:0-3`.
    fn from_str(text: &str) -> Result<Self, DevicesError> {
        let wrong = |what: &str| DevicesError { text: text.into(), what: what.into() };
        match text {
            "auto" => return Ok(Self::Auto),
            "cpu" => return Ok(Self::Cpu),
            _ => {}
        }
        let mut all = Vec::new();
        for part in text.split(',').map(str::trim) {
            let range = match part.strip_prefix("cuda") {
                Some("") => "0",
                Some(rest) => rest.strip_prefix(':').ok_or_else(|| wrong("not a device"))?,
                // `cuda:0,1` reads well too.
                None if !all.is_empty() => part,
                None => return Err(wrong("not a device")),
            };
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let number = |digits: &str| {
                let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                let number = digits.parse::<u32>().ok().filter(|&n| all_digits && n < MAX);
                number.ok_or_else(|| wrong("not a device"))
            };
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(wrong("the last GPU of a range comes before its first"));
            }
            for gpu in first..=last {
                if all.contains(&gpu) {
                    return Err(wrong(&format!("cuda:{gpu} is named twice")));
                }
                all.push(gpu);
            }
        }
        Ok(Self::Cuda(all))
    }
}

impl Devices {
    /// The devices as a plugin is told them, in the order in which they were named; `auto` is the first GPU.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Auto => vec!["cuda:0".into()],
            Self::Cpu => vec!["cpu".into()],
            Self::Cuda(all) => all.iter().map(|gpu| format!("cuda:{gpu}")).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_are_read() {
        let read = |text: &str| text.parse::<Devices>();
        assert_eq!(read("auto"), Ok(Devices::Auto));
        assert_eq!(read("cpu"), Ok(Devices::Cpu));
        assert_eq!(read("cuda"), Ok(Devices::Cuda(vec![0])));
        assert_eq!(read("cuda:3"), Ok(Devices::Cuda(vec![3])));
        assert_eq!(read("cuda:0,cuda:2"), Ok(Devices::Cuda(vec![0, 2])));
        assert_eq!(read("cuda:2,0,5-6"), Ok(Devices::Cuda(vec![2, 0, 5, 6])));
        assert_eq!(read("cuda:0-3").unwrap().names(), ["cuda:0", "cuda:1", "cuda:2", "cuda:3"]);
    }

    #[test]
    fn what_is_no_device_is_refused() {
        for text in [
            "",
            "gpu",
            "cuda:",
            "cuda:x",
            "cuda:-1",
            "cuda:1-",
            "cuda0",
            "cpu,cuda:0",
            "cuda:0,",
            "0",
            "auto,cpu",
            "cuda:+1",
            "cuda:1-900",
        ] {
            let error = text.parse::<Devices>().unwrap_err();
            assert_eq!(error.to_string(), format!("--device {text}: not a device"));
        }
        let twice = "cuda:0-2,cuda:1".parse::<Devices>().unwrap_err();
        assert!(twice.what.contains("cuda:1 is named twice"), "{twice}");
        assert!("cuda:3-1".parse::<Devices>().unwrap_err().what.contains("before its first"));
    }
}
