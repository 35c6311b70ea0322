//! The tasks that there are: those in the binary, and those that the user points at.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::embedded::embedded_yaml;
use super::parse::parse;
use super::{Origin, Split, Suite, Task, TaskError, check};
use crate::suggest::closest;

/// All tasks and suites by name.
#[derive(Debug, Clone)]
pub struct Registry {
    tasks: BTreeMap<String, Task>,
    suites: BTreeMap<String, Suite>,
}

impl Registry {
    /// The built-in tasks, and every `*.yaml` directly in `folders`, which must exist.
    ///
    /// # Errors
    /// [`TaskError`]: an unreadable folder, an invalid file, or a name that is taken.
    pub fn load(folders: &[PathBuf]) -> Result<Self, TaskError> {
        let mut registry = Self { tasks: BTreeMap::new(), suites: BTreeMap::new() };
        for (path, text) in embedded_yaml("") {
            registry.add(Self::parse_task(&text, &format!("built-in {path}"))?)?;
        }
        for (path, text) in embedded_yaml("suites/") {
            let suite: Suite = parse(&text, &format!("built-in {path}"))?;
            registry.suites.insert(suite.name.clone(), suite);
        }
        for folder in folders {
            let io = |source| TaskError::Io { path: folder.clone(), source };
            let mut files = Vec::new();
            for entry in fs::read_dir(folder).map_err(io)? {
                let path = entry.map_err(io)?.path();
                if is_yaml(&path) && path.is_file() {
                    files.push(path);
                }
            }
            files.sort();
            for file in files {
                registry.add(Self::read_task(&file)?)?;
            }
        }
        Ok(registry)
    }

    /// Reads and checks one task file.
    ///
    /// # Errors
    /// [`TaskError::Io`], [`TaskError::Yaml`] or [`TaskError::Meaning`].
    pub fn read_task(path: &Path) -> Result<Task, TaskError> {
        let text = fs::read_to_string(path)
            .map_err(|source| TaskError::Io { path: path.to_owned(), source })?;
        let mut task = Self::parse_task(&text, &path.display().to_string())?;
        task.origin = Origin::File(path.to_owned());
        Ok(task)
    }

    /// Reads and checks the text of a task file; `file` is its name in errors.
    ///
    /// # Errors
    /// [`TaskError::Yaml`] or [`TaskError::Meaning`].
    pub fn parse_task(text: &str, file: &str) -> Result<Task, TaskError> {
        let task: Task = parse(text, file)?;
        check::check(&task, text, file)?;
        Ok(task)
    }

    /// The task of this name, or in the file of this path (`./my.yaml`).
    ///
    /// # Errors
    /// [`TaskError::Unknown`] with the closest name; [`TaskError::Shadowed`] when a file gives
    /// another meaning to a name that is taken; the errors of reading a file.
    pub fn get(&self, name: &str) -> Result<Task, TaskError> {
        if let Some(task) = self.tasks.get(name) {
            return Ok(task.clone());
        }
        let path = Path::new(name);
        if is_yaml(path) || name.contains('/') {
            let task = Self::read_task(path)?;
            self.check_free(&task)?;
            return Ok(task);
        }
        Err(unknown("task", name, self.tasks.keys()))
    }

    /// All tasks, ordered by name.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.tasks.values()
    }

    /// The suite of this name.
    ///
    /// # Errors
    /// [`TaskError::Unknown`] with the closest name.
    pub fn suite(&self, name: &str) -> Result<&Suite, TaskError> {
        self.suites.get(name).ok_or_else(|| unknown("suite", name, self.suites.keys()))
    }

    /// All suites, ordered by name.
    pub fn suites(&self) -> impl Iterator<Item = &Suite> {
        self.suites.values()
    }

    fn add(&mut self, task: Task) -> Result<(), TaskError> {
        self.check_free(&task)?;
        self.tasks.insert(task.name.clone(), task);
        Ok(())
    }

    /// A task may come twice, as the source of a built-in one does; two tasks of one name may not,
    /// for their scores would be joined.
    fn check_free(&self, task: &Task) -> Result<(), TaskError> {
        match self.tasks.get(&task.name) {
            Some(known)
                if Task { origin: Origin::BuiltIn, ..known.clone() }
                    != Task { origin: Origin::BuiltIn, ..task.clone() } =>
            {
                Err(TaskError::Shadowed {
                    name: task.name.clone(),
                    first: origin(known),
                    second: origin(task),
                })
            }
            _ => Ok(()),
        }
    }
}

impl Task {
    /// The split of this name, or the reported one; with its name.
    ///
    /// # Errors
    /// [`TaskError::UnknownSplit`] with the closest name.
    pub fn split(&self, name: Option<&str>) -> Result<(&str, &Split), TaskError> {
        let name = name.unwrap_or(&self.report);
        self.splits.get_key_value(name).map(|(name, split)| (name.as_str(), split)).ok_or_else(
            || {
                let known: Vec<&str> = self.splits.keys().map(String::as_str).collect();
                TaskError::UnknownSplit {
                    task: self.name.clone(),
                    split: name.to_owned(),
                    closest: closest(name, known.iter().copied()).map(str::to_owned),
                    known: known.join(", "),
                }
            },
        )
    }
}

fn origin(task: &Task) -> String {
    match &task.origin {
        Origin::BuiltIn => "a built-in task".to_owned(),
        Origin::File(path) => path.display().to_string(),
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn unknown<'a>(
    what: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a String>,
) -> TaskError {
    let known: Vec<&str> = known.map(String::as_str).collect();
    TaskError::Unknown {
        what,
        name: name.to_owned(),
        closest: closest(name, known.iter().copied()).map(str::to_owned),
        known: known.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hint::Hint;

    const NSMC: &str = include_str!("../../../tasks/nsmc.yaml");

    #[test]
    fn what_is_built_in_loads() {
        let registry = Registry::load(&[]).expect("loads");
        let nsmc = registry.get("nsmc").expect("is there");
        assert_eq!(
            (nsmc.splits["test"].rows, nsmc.labels[1].name.as_str()),
            (Some(50_000), "positive")
        );
        assert_eq!(nsmc.split(None).expect("reported").0, "test");
        for suite in registry.suites() {
            for task in &suite.tasks {
                registry
                    .get(&task.task)
                    .and_then(|found| found.split(task.split.as_deref()).map(drop))
                    .expect("valid");
            }
        }
        let demo = registry.suite("demo").expect("is there");
        let slips = demo.tasks.iter().flat_map(|task| &task.except);
        assert!(slips.clone().count() > 0 && slips.clone().all(|m| demo.models.contains(m)));
    }

    #[test]
    fn slips_are_answered_with_the_closest_name() {
        let registry = Registry::load(&[]).expect("loads");
        let error = registry.get("nmsc").expect_err("a slip");
        assert_eq!(
            error.to_string(),
            "there is no task `nmsc`; there are: dialect, dialect_aihub, hate_speech, klue_ner, klue_nli, klue_sts, kornli, korquad, korsts, naver_ner, nsmc, patent, paws, question_pair"
        );
        assert_eq!(error.hint().as_deref(), Some("did you mean `nsmc`?"));
        let task = registry.get("nsmc").expect("is there");
        assert_eq!(
            task.split(Some("tset")).expect_err("a slip").hint().as_deref(),
            Some("did you mean `test`?")
        );
        assert!(registry.suite("all").is_err());
    }

    #[test]
    fn a_task_of_the_user_may_not_hide_a_built_in_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mine.yaml");
        fs::write(&file, NSMC.replace("name: nsmc", "name: mine")).expect("written");
        let registry = Registry::load(&[folder.path().to_owned()]).expect("loads");
        assert_eq!(registry.get("mine").expect("is there").origin, Origin::File(file.clone()));
        fs::write(&file, NSMC).expect("written");
        Registry::load(&[folder.path().to_owned()]).expect("the same task again");
        fs::write(&file, NSMC.replace("max_seq_len: 128", "max_seq_len: 64")).expect("written");
        let error = Registry::load(&[folder.path().to_owned()]).expect_err("hides nsmc");
        assert!(matches!(error, TaskError::Shadowed { .. }), "{error}");
        let path = file.display().to_string();
        assert!(matches!(
            Registry::load(&[]).expect("loads").get(&path),
            Err(TaskError::Shadowed { .. })
        ));
        assert!(matches!(
            Registry::load(&[]).expect("loads").get("./none.yaml"),
            Err(TaskError::Io { .. })
        ));
    }
}
