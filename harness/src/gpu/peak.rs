//! What GPUs could do at their best: dense rates from the vendor's data sheets.

/// A device: words of its name that must be there, words that must not, and its peaks in 10^12 operations a second for
/// `bf16` (tensor cores, sums in f32, no sparsity) and `f32` (the ordinary units: no TF32). None: it has no such units.
struct Known {
    words: &'static [&'static str],
    not: &'static [&'static str],
    bf16: Option<f64>,
    f32: f64,
}

const fn known(
    words: &'static [&'static str],
    not: &'static [&'static str],
    bf16: Option<f64>,
    f32: f64,
) -> Known {
    Known { words, not, bf16, f32 }
}

/// Where a data sheet gives a tensor core's rate with sparsity alone, it is halved here.
const KNOWN: [Known; 17] = [
    // "NVIDIA H200 Tensor Core GPU", data sheet, 2024: SXM, NVL.
    known(&["H200"], &["NVL"], Some(989.5), 67.0),
    known(&["H200", "NVL"], &[], Some(835.5), 60.0),
    // "NVIDIA H100 Tensor Core GPU", data sheet, 2024: SXM (HBM3), NVL; 2023: PCIe.
    known(&["H100", "HBM3"], &["NVL", "PCIE"], Some(989.5), 67.0),
    known(&["H100", "NVL"], &[], Some(835.5), 60.0),
    known(&["H100", "PCIE"], &[], Some(756.5), 51.0),
    // "NVIDIA A100 Tensor Core GPU", data sheet, 2021: all forms alike.
    known(&["A100"], &[], Some(312.0), 19.5),
    // "NVIDIA L40S", data sheet, 2023.
    known(&["L40S"], &[], Some(362.05), 91.6),
    // "NVIDIA L4 Tensor Core GPU", data sheet, 2023.
    known(&["L4"], &[], Some(121.0), 30.3),
    // "NVIDIA Ada GPU architecture", white paper, 2023, appendix A: the desktop's card.
    known(&["RTX", "4090"], &["D", "LAPTOP"], Some(165.2), 82.6),
    // "NVIDIA A10 Tensor Core GPU", data sheet, 2021.
    known(&["A10"], &[], Some(125.0), 31.2),
    // "NVIDIA T4 Tensor Core GPU", data sheet, 2019.
    known(&["T4"], &[], None, 8.1),
    // "NVIDIA V100 Tensor Core GPU", data sheet, 2020.
    known(&["V100", "SXM2"], &[], None, 15.7),
    known(&["V100", "SXM3"], &[], None, 15.7),
    known(&["V100", "PCIE"], &[], None, 14.0),
    known(&["V100S", "PCIE"], &[], None, 16.4),
    // "NVIDIA Tesla P100", data sheet, 2016.
    known(&["P100", "SXM2"], &[], None, 10.6),
    known(&["P100", "PCIE"], &[], None, 9.3),
];

/// Dense operations a second of a device, by the name that its driver gives it, in `bf16` or `f32`. None where the device is
/// not known, is a part of one (MIG), or does not compute in that precision.
pub fn peak_flops(name: &str, precision: &str) -> Option<f64> {
    let upper = name.to_uppercase();
    let words: Vec<&str> = upper.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    if words.contains(&"MIG") {
        return None;
    }
    let is = |known: &&Known| {
        known.words.iter().all(|word| words.contains(word))
            && !known.not.iter().any(|word| words.contains(word))
    };
    let known = KNOWN.iter().find(is)?;
    let tera = match precision {
        "bf16" => known.bf16?,
        "f32" => known.f32,
        _ => return None,
    };
    Some(tera * 1e12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_known_by_the_names_that_their_driver_gives_them() {
        for (name, bf16, f32) in [
            ("NVIDIA H200", Some(989.5), 67.0),
            ("NVIDIA H200 NVL", Some(835.5), 60.0),
            ("NVIDIA H100 80GB HBM3", Some(989.5), 67.0),
            ("NVIDIA H100 PCIe", Some(756.5), 51.0),
            ("NVIDIA H100 NVL", Some(835.5), 60.0),
            ("NVIDIA A100-SXM4-80GB", Some(312.0), 19.5),
            ("NVIDIA A100 80GB PCIe", Some(312.0), 19.5),
            ("NVIDIA L40S", Some(362.05), 91.6),
            ("NVIDIA L4", Some(121.0), 30.3),
            ("NVIDIA GeForce RTX 4090", Some(165.2), 82.6),
            ("NVIDIA A10", Some(125.0), 31.2),
            ("Tesla T4", None, 8.1),
            ("Tesla V100-SXM2-16GB", None, 15.7),
            ("Tesla V100S-PCIE-32GB", None, 16.4),
            ("Tesla P100-PCIE-16GB", None, 9.3),
        ] {
            assert_eq!(peak_flops(name, "bf16"), bf16.map(|tera: f64| tera * 1e12), "{name}");
            assert_eq!(peak_flops(name, "f32"), Some(f32 * 1e12), "{name}");
        }
    }

    #[test]
    fn what_is_not_known_has_no_peak() {
        for name in [
            "",
            "NVIDIA GH200 480GB",
            "NVIDIA A10G",
            "NVIDIA GeForce RTX 4090 Laptop GPU",
            "NVIDIA GeForce RTX 4090 D",
            "NVIDIA H200 MIG 1g.18gb",
            "Intel(R) Xeon(R) Gold 6248",
        ] {
            assert_eq!(peak_flops(name, "f32"), None, "{name}");
        }
        assert_eq!(peak_flops("NVIDIA H200", "fp8"), None);
    }
}
