//! The recipes that there are: those in the binary, and files that the user names.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Recipe, RecipeError};
use crate::suggest::closest;
use crate::task::embedded_yaml;

/// All built-in recipes by name.
#[derive(Debug, Clone)]
pub struct Library {
    recipes: BTreeMap<String, Recipe>,
}

impl Library {
    /// The recipe that is taken where none is named.
    pub const DEFAULT: &str = "default";

    /// The built-in recipes.
    ///
    /// # Errors
    /// [`RecipeError`]: a built-in file that is wrong.
    pub fn load() -> Result<Self, RecipeError> {
        let mut recipes = BTreeMap::new();
        for (path, text) in embedded_yaml("recipes/") {
            let recipe = Recipe::parse(&text, &format!("built-in {path}"))?;
            recipes.insert(recipe.name().to_owned(), recipe);
        }
        Ok(Self { recipes })
    }

    /// The recipe of this name, or in the file of this path (`./mine.yaml`).
    ///
    /// # Errors
    /// [`RecipeError::Unknown`] with the closest name; the errors of reading a file.
    pub fn get(&self, name: &str) -> Result<Recipe, RecipeError> {
        if let Some(recipe) = self.recipes.get(name) {
            return Ok(recipe.clone());
        }
        let path = Path::new(name);
        if name.contains('/') || path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            let text = fs::read_to_string(path)
                .map_err(|source| RecipeError::Io { path: path.to_owned(), source })?;
            return Recipe::parse(&text, name);
        }
        let known: Vec<&str> = self.recipes.keys().map(String::as_str).collect();
        Err(RecipeError::Unknown {
            name: name.to_owned(),
            closest: closest(name, known.iter().copied()).map(str::to_owned),
            known: known.join(", "),
        })
    }

    /// All of them, ordered by name.
    pub fn recipes(&self) -> impl Iterator<Item = &Recipe> {
        self.recipes.values()
    }
}
