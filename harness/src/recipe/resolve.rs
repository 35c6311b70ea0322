//! A recipe, and what it says for one model and one task.

use serde_json::{Map, Value};

use super::check::check;
use super::document::{Document, Exception};
use super::merge::merge;
use super::{Override, RecipeError, Settings, set};
use crate::plugin::Variant;
use crate::suggest::closest;
use crate::task::{Kind, Task, TaskError, line_of, parse};

/// One layer of settings: only the keys that a file has.
type Layer = Map<String, Value>;

/// A recipe as its file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    document: Document<Layer>,
    file: String,
}

/// What a recipe says for one model and one task.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// The recipe's name.
    pub recipe: String,
    /// The recipe's version.
    pub version: u32,
    /// Where its numbers were taken from.
    pub source: String,
    /// What was assumed, chosen or changed.
    pub notes: Vec<String>,
    /// What was overridden, as `key=value`.
    pub overrides: Vec<String>,
    /// What is trained with. Lengths are filled in: those of the recipe, else of the task, and never more than
    /// the model takes.
    pub settings: Settings,
}

impl Resolved {
    /// The recipe's name with what was overridden, for instance `generation-b[epochs=3,seed=1]`: two results
    /// with one label were trained with the same settings.
    pub fn label(&self) -> String {
        if self.overrides.is_empty() {
            return self.recipe.clone();
        }
        format!("{}[{}]", self.recipe, self.overrides.join(","))
    }
}

impl Recipe {
    /// Reads and checks the text of a recipe file; `file` is its name in errors.
    ///
    /// # Errors
    /// [`RecipeError::Yaml`] or [`RecipeError::Meaning`].
    pub fn parse(text: &str, file: &str) -> Result<Self, RecipeError> {
        // Once with the types of all settings, for errors that point into the file, and once with those keys
        // alone that the file has.
        let typed: Document<Settings> = parse(text, file)?;
        let document: Document<Layer> = parse(text, file)?;
        let meaning = |path: &[&str], message: String| {
            let line = line_of(text, path);
            Err(RecipeError::Meaning { file: file.to_owned(), line, message })
        };
        if typed.version == 0 {
            return meaning(&["version"], "versions count from 1".to_owned());
        }
        if document.tasks.is_empty() && !document.any_task {
            let message = "a recipe has `tasks`, or `any_task: true`".to_owned();
            return meaning(&["tasks"], message);
        }
        if let Err(wrong) = check(&typed.settings) {
            return meaning(&["settings", wrong.key], wrong.message);
        }
        for (task, settings) in &typed.tasks {
            if let Err(wrong) = check(settings) {
                return meaning(&["tasks", task, wrong.key], wrong.message);
            }
        }
        for exception in &typed.exceptions {
            if let Err(wrong) = check(&exception.settings) {
                return meaning(&["exceptions", wrong.key], wrong.message);
            }
            let unknown = exception
                .models
                .iter()
                .flatten()
                .find(|model| !document.models.is_empty() && !document.models.contains(model));
            if let Some(model) = unknown {
                let message = format!("the exception's model `{model}` is not among `models`");
                return meaning(&["exceptions"], message);
            }
            let unknown = exception
                .tasks
                .iter()
                .flatten()
                .find(|task| !document.any_task && !document.tasks.contains_key(*task));
            if let Some(task) = unknown {
                let message = format!("the exception's task `{task}` is not among `tasks`");
                return meaning(&["exceptions"], message);
            }
        }
        Ok(Self { document, file: file.to_owned() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.document.name
    }

    /// What its file says.
    pub fn document(&self) -> &Document<Layer> {
        &self.document
    }

    /// Its file, or `built-in recipes/NAME.yaml`.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What it says for this model and this task.
    ///
    /// # Errors
    /// [`RecipeError::NoTask`], and [`RecipeError::Setting`] where the layers do not go together.
    pub fn resolve(&self, model: &Variant, task: &Task) -> Result<Resolved, RecipeError> {
        self.resolve_with(model, task, &[])
    }

    /// As [`Recipe::resolve`], with settings that override the recipe's.
    ///
    /// # Errors
    /// As [`Recipe::resolve`], and [`RecipeError::Setting`] or [`RecipeError::UnknownSetting`] for an
    /// override that is none.
    pub fn resolve_with(
        &self,
        model: &Variant,
        task: &Task,
        overrides: &[Override],
    ) -> Result<Resolved, RecipeError> {
        let document = &self.document;
        let mut layers = document.settings.clone();
        match document.tasks.get(&task.name) {
            Some(settings) => merge(&mut layers, settings),
            None if document.any_task => {}
            None => return Err(self.no_task(&task.name)),
        }
        let mut notes = document.notes.clone();
        if !document.models.is_empty() && !document.models.contains(&model.name) {
            notes.push(document.other_models.clone().unwrap_or_else(|| {
                format!("{} has no recipe for {}: its own is assumed", document.name, model.name)
            }));
        }
        for exception in document.exceptions.iter().filter(|e| applies(e, model, task)) {
            merge(&mut layers, &exception.settings);
            notes.extend(exception.note.clone());
        }
        let settings: Settings = serde_json::from_value(Value::Object(layers))
            .map_err(|error| self.wrong("settings", error.to_string()))?;
        let mut settings = set::apply(&settings, overrides)?;
        fill_in(&mut settings, model, task, &mut notes);
        check(&settings).map_err(|wrong| self.wrong(wrong.key, wrong.message))?;
        Ok(Resolved {
            recipe: document.name.clone(),
            version: document.version,
            source: document.source.clone(),
            notes,
            overrides: overrides.iter().map(Override::to_string).collect(),
            settings,
        })
    }

    fn wrong(&self, key: &str, message: String) -> RecipeError {
        RecipeError::Setting {
            key: key.to_owned(),
            message: format!("{message} (recipe {})", self.document.name),
        }
    }

    fn no_task(&self, task: &str) -> RecipeError {
        let known: Vec<&str> = self.document.tasks.keys().map(String::as_str).collect();
        RecipeError::NoTask {
            recipe: self.document.name.clone(),
            task: task.to_owned(),
            closest: closest(task, known.iter().copied()).map(str::to_owned),
            known: known.join(", "),
        }
    }
}

fn applies<S>(exception: &Exception<S>, model: &Variant, task: &Task) -> bool {
    let names = |list: &Option<Vec<String>>, name: &str| {
        list.as_ref().is_none_or(|names| names.iter().any(|listed| listed == name))
    };
    names(&exception.models, &model.name)
        && names(&exception.architectures, &model.architecture)
        && names(&exception.tasks, &task.name)
        && exception.kinds.as_ref().is_none_or(|kinds| kinds.contains(&task.kind))
}

/// Fills in the lengths that the recipe leaves to the task, and keeps sequences within the model's limit.
fn fill_in(settings: &mut Settings, model: &Variant, task: &Task, notes: &mut Vec<String>) {
    let tokens = settings.max_seq_len.unwrap_or(task.max_seq_len);
    let limit = model.max_seq_len.unwrap_or(tokens);
    if settings.max_seq_len.is_some() && limit < tokens {
        notes.push(format!(
            "max_seq_len {tokens} is lowered to {limit}, the limit of {}",
            model.name
        ));
    }
    settings.max_seq_len = Some(tokens.min(limit));
    if task.kind == Kind::ExtractiveQa {
        let qa = task.qa.unwrap_or_default();
        settings.doc_stride.get_or_insert(qa.doc_stride);
        settings.max_question_len.get_or_insert(qa.max_question_len);
    }
}

impl From<TaskError> for RecipeError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Yaml { file, line, column, message, hint } => {
                Self::Yaml { file, line, column, message, hint }
            }
            other => Self::Task(Box::new(other)),
        }
    }
}
