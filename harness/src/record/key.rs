//! The name by which two runs are joined and compared.

use serde::{Deserialize, Serialize};

/// What a cell is about, whatever machine, plugin build or precision it ran with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CellKey {
    /// Model name as the plugin gives it, for instance `kcbert-demo`.
    pub model: String,
    /// Task name, for instance `nsmc`.
    pub task: String,
    /// Version of the task file: scores of two versions are not comparable.
    pub task_version: u32,
    /// Split of the task, for instance `test`.
    pub split: String,
    /// Fine-tuning recipe, when the cell trained the model.
    #[serde(default)]
    pub recipe: Option<String>,
    /// Seed, when the cell has one.
    #[serde(default)]
    pub seed: Option<u64>,
}

impl CellKey {
    /// A short name for progress lines and errors: `kcbert-base on nsmc/test (recipe a, seed 42)`.
    pub fn label(&self) -> String {
        self.label_with(self.recipe.as_deref())
    }

    /// As [`CellKey::label`], without what was edited of the recipe: for lines that say the same again and again.
    pub fn short_label(&self) -> String {
        let name = |recipe: &str| recipe.split('[').next().unwrap_or_default().to_owned();
        self.label_with(self.recipe.as_deref().map(name).as_deref())
    }

    fn label_with(&self, recipe: Option<&str>) -> String {
        let mut label = format!("{} on {}/{}", self.model, self.task, self.split);
        let recipe = recipe.map(|recipe| format!("recipe {recipe}"));
        let seed = self.seed.map(|seed| format!("seed {seed}"));
        let details: Vec<String> = recipe.into_iter().chain(seed).collect();
        if !details.is_empty() {
            label.push_str(&format!(" ({})", details.join(", ")));
        }
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_says_only_what_is_set() {
        let mut key = CellKey {
            model: "kcbert-demo".into(),
            task: "nsmc".into(),
            task_version: 1,
            split: "sample".into(),
            recipe: None,
            seed: None,
        };
        assert_eq!(key.label(), "kcbert-demo on nsmc/sample");
        key.seed = Some(42);
        assert_eq!(key.label(), "kcbert-demo on nsmc/sample (seed 42)");
        key.recipe = Some("a".into());
        assert_eq!(key.label(), "kcbert-demo on nsmc/sample (recipe a, seed 42)");
        key.recipe = Some("a[epochs=3,batch_size=8]".into());
        assert_eq!(key.short_label(), "kcbert-demo on nsmc/sample (recipe a, seed 42)");
    }
}
