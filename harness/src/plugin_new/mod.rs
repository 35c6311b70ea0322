//! New plugins: a crate, or a file in C, that builds, passes `kobench plugin check`, and is to be edited.
//!
//! Everything is written into a temporary folder beside the target, which is then renamed: a plugin is there
//! whole, or not at all.

mod arch;
mod error;
mod files;
mod name;
mod place;
mod write;

use crate::plugin::SearchPath;
use std::path::{Path, PathBuf};

pub use arch::{Arch, Language};
pub use error::NewPluginError;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The plugin's name.
    pub name: String,
    /// What kind of model.
    pub arch: Arch,
    /// In which language.
    pub language: Language,
    /// Where; without it in a folder of the plugin's name.
    pub folder: Option<PathBuf>,
    /// The root of kobench's source tree; without it, it is looked for.
    pub kobench: Option<PathBuf>,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The folder.
    pub folder: PathBuf,
    /// Its files, relative to it.
    pub files: Vec<PathBuf>,
    /// The command that builds it, to be run in the folder.
    pub build: &'static str,
    /// The library that this makes.
    pub library: PathBuf,
    /// What became of the workspace that the plugin is in, if it is in one.
    pub workspace: Workspace,
}

/// The workspace of a new plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Workspace {
    /// It is one of its own, or none.
    Own,
    /// It was added to the members in this file.
    Added(PathBuf),
    /// This line has to be added to the members in this file.
    ToAdd(PathBuf, String),
}

/// Makes a plugin.
///
/// # Errors
/// See [`NewPluginError`]; nothing is left behind.
pub fn create(wanted: &Wanted) -> Result<Created, NewPluginError> {
    let name = name::Name::new(&wanted.name)?;
    let is_c = wanted.language == Language::C;
    if is_c && wanted.arch != Arch::Custom {
        return Err(NewPluginError::EngineInC { arch: wanted.arch.name() });
    }
    let place =
        place::Place::find(&name, wanted.folder.as_deref(), wanted.kobench.as_deref(), !is_c)?;
    not_taken(&name, place.kobench.as_deref())?;
    let files = if is_c { files::c(&name) } else { files::rust(&name, wanted.arch, &place) };
    write::write(&place.folder, &files)?;
    let workspace = match &place.kobench {
        Some(root) if place.is_member && !is_c => add_member(root, &name),
        _ => Workspace::Own,
    };
    let library = if is_c { place.folder.join(name.library()) } else { built(&name, &place) };
    Ok(Created {
        folder: place.folder,
        files: files.into_iter().map(|file| file.path).collect(),
        build: if is_c { "make" } else { "cargo build --release" },
        library,
        workspace,
    })
}

/// The library that `cargo build --release` makes.
fn built(name: &name::Name, place: &place::Place) -> PathBuf {
    let root = place.kobench.as_ref().filter(|_| place.is_member).unwrap_or(&place.folder);
    root.join("target/release").join(name.library())
}

/// A name that a plugin has that can be found, or a folder of the source tree.
fn not_taken(name: &name::Name, kobench: Option<&Path>) -> Result<(), NewPluginError> {
    let taken = |path: PathBuf| Err(NewPluginError::Taken { name: name.as_str().to_owned(), path });
    let library = name.library();
    let same = |path: &PathBuf| path.file_name().is_some_and(|f| f == library.as_str());
    if let Some(path) = SearchPath::new(&[]).libraries().into_iter().find(same) {
        return taken(path);
    }
    let folder = kobench.map(|root| root.join("plugins").join(name.as_str()));
    match folder.filter(|folder| folder.exists()) {
        Some(folder) => taken(folder),
        None => Ok(()),
    }
}

/// Adds the plugin to the members of the workspace. Where that cannot be done, the user has to.
fn add_member(root: &Path, name: &name::Name) -> Workspace {
    let manifest = root.join("Cargo.toml");
    let member = format!("plugins/{}", name.as_str());
    let by_hand = Workspace::ToAdd(manifest.clone(), format!("\"{member}\","));
    let Ok(text) = std::fs::read_to_string(&manifest) else { return by_hand };
    let Some(more) = place::with_member(&text, &member) else { return by_hand };
    match write::replace(&manifest, &more) {
        Ok(()) => Workspace::Added(manifest),
        Err(_) => by_hand,
    }
}
