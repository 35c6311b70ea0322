//! Which of the weights that a plugin carries a cell is run with.

use super::kinds::outputs;
use super::plan_error::PlanError;
use crate::plugin::Variant;
use crate::task::{Registry, Task};

/// Weights that were chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bundled {
    /// The task that they were made for, by which the plugin is asked for them; none where it has only one kind.
    pub name: Option<String>,
    /// What a reader of the numbers should know of the choice.
    pub warning: Option<String>,
}

/// Chooses among a model's bundled weights: those for the task; else the first for a task of the same kind with as
/// many labels, of which the record warns; else, where the model is trained next, the first of all.
///
/// # Errors
/// [`PlanError::Weights`] when none fits.
pub(super) fn choose(
    variant: &Variant,
    task: &Task,
    registry: &Registry,
    trained: bool,
) -> Result<Bundled, PlanError> {
    let several = |name: &str| (variant.tasks.len() > 1).then(|| name.to_owned());
    let Some(first) = variant.tasks.first() else {
        return Ok(Bundled { name: None, warning: None });
    };
    if variant.tasks.contains(&task.name) {
        return Ok(Bundled { name: several(&task.name), warning: None });
    }
    let labels = |task: &Task| outputs(task.kind, task.labels.len());
    let fits = |name: &&String| {
        let other = registry.get(name);
        other.is_ok_and(|other| other.kind == task.kind && labels(&other) == labels(task))
    };
    let Some(found) = variant.tasks.iter().find(fits).or_else(|| trained.then_some(first)) else {
        return Err(PlanError::Weights {
            model: variant.name.clone(),
            task: task.name.clone(),
            known: variant.tasks.clone(),
        });
    };
    let (model, task) = (&variant.name, &task.name);
    let begins = if trained { "its training begins with" } else { "these answers are by" };
    let warning = format!("{model} has no weights for {task}: {begins} those for {found}");
    Ok(Bundled { name: several(found), warning: Some(warning) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(tasks: &[&str]) -> Variant {
        let tasks = tasks.iter().map(ToString::to_string).collect();
        Variant { bundled: true, tasks, ..Variant::new("m", "none") }
    }

    #[test]
    fn weights_are_those_for_the_task_or_for_one_like_it() {
        let registry = Registry::load(&[]).unwrap();
        let task = |name: &str| registry.get(name).unwrap();
        let all = variant(&["hate_speech", "nsmc", "korsts"]);
        let of = |name: &str, trained| choose(&all, &task(name), &registry, trained);
        let named = |name: &str| Bundled { name: Some(name.into()), warning: None };
        assert_eq!(of("nsmc", false).unwrap(), named("nsmc"));
        assert_eq!(of("korsts", true).unwrap(), named("korsts"));
        let like = of("question_pair", false).unwrap();
        assert_eq!(like.name.as_deref(), Some("nsmc"), "two labels");
        assert_eq!(
            like.warning.unwrap(),
            "m has no weights for question_pair: these answers are by those for nsmc"
        );
        let error = of("klue_ner", false).unwrap_err().to_string();
        assert_eq!(
            error,
            "m has weights for hate_speech, nsmc, korsts; none of them fits klue_ner"
        );
        let begun = of("klue_ner", true).unwrap();
        assert_eq!(begun.name.as_deref(), Some("hate_speech"));
        assert!(begun.warning.unwrap().contains("training begins with those for hate_speech"));
    }

    #[test]
    fn a_model_with_one_set_of_weights_is_not_asked_for_it_by_name() {
        let registry = Registry::load(&[]).unwrap();
        let nsmc = registry.get("nsmc").unwrap();
        let none = Bundled { name: None, warning: None };
        assert_eq!(choose(&variant(&[]), &nsmc, &registry, false).unwrap(), none);
        assert_eq!(choose(&variant(&["nsmc"]), &nsmc, &registry, false).unwrap(), none);
        let pairs = registry.get("question_pair").unwrap();
        let warned = choose(&variant(&["nsmc"]), &pairs, &registry, false).unwrap();
        assert!(warned.name.is_none() && warned.warning.is_some());
    }
}
