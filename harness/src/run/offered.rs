//! What a plugin offers, against what a run asks of it: heads, devices, precisions, options.

use super::kinds::head;
use super::plan_error::PlanError;
use crate::gpu::Devices;
use crate::plugin::{Description, Entry, Variant};
use crate::task::Task;
use std::collections::BTreeMap;

/// The kinds of device, as plugins and records name them.
pub(super) const CPU: &str = "cpu";
/// Any GPU of NVIDIA's.
pub(super) const CUDA: &str = "cuda";

fn not_offered(
    d: &Description,
    variant: &Variant,
    what: &str,
    asked: &str,
    offered: Vec<String>,
) -> PlanError {
    PlanError::NotOffered {
        model: variant.name.clone(),
        plugin: d.name.clone(),
        what: what.into(),
        asked: asked.into(),
        offered,
    }
}

/// Whether a model has the head that a task needs. A plugin that names no heads is asked when the model is
/// opened.
pub(super) fn check_head(task: &Task, variant: &Variant) -> Result<(), PlanError> {
    let head = head(task.kind).name();
    if variant.heads.is_empty() || variant.heads.iter().any(|known| known == head) {
        return Ok(());
    }
    Err(PlanError::Head {
        model: variant.name.clone(),
        task: task.name.clone(),
        kind: task.kind.name(),
        head,
        heads: variant.heads.clone(),
    })
}

/// The kind of device that is meant. `auto` is a GPU for a plugin that was built for one, else the CPU.
pub(super) fn device(
    asked: &Devices,
    d: &Description,
    variant: &Variant,
) -> Result<&'static str, PlanError> {
    let has = |kind: &str| d.devices.iter().any(|x| x == kind);
    let kind = match asked {
        Devices::Auto if has(CUDA) => CUDA,
        Devices::Auto => return Ok(CPU),
        Devices::Cpu => CPU,
        Devices::Cuda(_) => CUDA,
    };
    if has(kind) {
        return Ok(kind);
    }
    let asked = asked.names().join(",");
    Err(not_offered(d, variant, "device", &asked, d.devices.clone()))
}

/// The precision that is meant. `auto` is what the plugin names first.
pub(super) fn precision_of(
    asked: &str,
    d: &Description,
    variant: &Variant,
) -> Result<String, PlanError> {
    match asked {
        "auto" => Ok(d.precisions.first().cloned().unwrap_or_else(|| "f32".into())),
        p if d.precisions.iter().any(|x| x == p) => Ok(p.into()),
        p => Err(not_offered(d, variant, "precision", p, d.precisions.clone())),
    }
}

/// Options that the plugin does not know would be refused in the middle of a run.
pub(super) fn check_options(
    options: &BTreeMap<String, String>,
    entry: &Entry,
    variant: &Variant,
) -> Result<(), PlanError> {
    let d = &entry.description;
    for (name, value) in options {
        let Some(known) = d.options.iter().find(|o| o.name == *name) else {
            let all = d.options.iter().map(|o| o.name.clone()).collect();
            return Err(not_offered(d, variant, "option", name, all));
        };
        if !known.values.is_empty() && !known.values.contains(value) {
            return Err(not_offered(
                d,
                variant,
                &format!("value of {name}"),
                value,
                known.values.clone(),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint as _;
    use crate::task::Registry;

    fn offers(devices: &[&str], precisions: &[&str]) -> Description {
        let mut d = Description::new("p", "1");
        d.devices = devices.iter().map(ToString::to_string).collect();
        d.precisions = precisions.iter().map(ToString::to_string).collect();
        d
    }

    #[test]
    fn a_task_whose_head_a_model_lacks_is_refused_with_the_heads_that_it_has() {
        let mut task = Registry::load(&[]).unwrap().get("nsmc").unwrap();
        let mut model = Variant::new("m", "none");
        check_head(&task, &model).unwrap();
        task.kind = crate::task::Kind::ExtractiveQa;
        let error = check_head(&task, &model).unwrap_err().to_string();
        assert_eq!(
            error,
            "nsmc (extractive_qa) needs a model with a span head, and m has these heads: sequence"
        );
        model.heads.clear();
        check_head(&task, &model).unwrap();
    }

    #[test]
    fn auto_takes_what_the_plugin_was_built_for() {
        let v = Variant::new("m", "none");
        let gpus = Devices::Cuda(vec![1, 2]);
        assert_eq!(device(&Devices::Auto, &offers(&["cpu"], &[]), &v).unwrap(), "cpu");
        assert_eq!(device(&Devices::Auto, &offers(&["cpu", "cuda"], &[]), &v).unwrap(), "cuda");
        assert_eq!(device(&gpus, &offers(&["cpu", "cuda"], &[]), &v).unwrap(), "cuda");
        let refused = device(&gpus, &offers(&["cpu"], &[]), &v).unwrap_err();
        assert!(refused.to_string().contains("the device `cuda:1,cuda:2`"), "{refused}");
        assert!(device(&Devices::Cpu, &offers(&["cuda"], &[]), &v).is_err());
        assert_eq!(precision_of("auto", &offers(&[], &["bf16", "f32"]), &v).unwrap(), "bf16");
        let refused = precision_of("bf16", &offers(&[], &["f32"]), &v).unwrap_err();
        assert!(refused.hint().unwrap().contains("--precision f32"));
    }
}
