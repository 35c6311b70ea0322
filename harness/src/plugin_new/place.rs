//! Where a new plugin goes, and where the source tree is that it builds against.

use super::NewPluginError;
use super::name::Name;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the plugin goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder that is made; it is not there yet.
    pub(super) folder: PathBuf,
    /// The root of kobench's source tree; a plugin in C needs none.
    pub(super) kobench: Option<PathBuf>,
    /// Whether the folder is `plugins/NAME` of that tree, so that the crate is a member of its workspace.
    pub(super) is_member: bool,
}

/// Whether a folder is the root of kobench's source tree.
fn is_kobench(folder: &Path) -> bool {
    folder.join("plugins/sdk/Cargo.toml").is_file()
        && folder.join("plugins/abi/include/kobench_plugin.h").is_file()
        && folder.join("Cargo.toml").is_file()
}

impl Place {
    /// Finds both.
    ///
    /// # Errors
    /// A folder that is there already, or whose parent is not; a source tree that is none, or none that is found
    /// although the plugin needs one.
    pub(super) fn find(
        name: &Name,
        folder: Option<&Path>,
        kobench: Option<&Path>,
        needs_tree: bool,
    ) -> Result<Self, NewPluginError> {
        let folder = folder.map_or_else(|| PathBuf::from(name.as_str()), Path::to_path_buf);
        let io = |path: &Path| {
            let path = path.to_path_buf();
            move |source| NewPluginError::Io { path, source }
        };
        let folder = std::path::absolute(&folder).map_err(io(&folder))?;
        // Also a link that leads nowhere is there.
        if fs::symlink_metadata(&folder).is_ok() {
            return Err(NewPluginError::Exists { folder });
        }
        let (Some(parent), Some(last)) = (folder.parent(), folder.file_name()) else {
            return Err(NewPluginError::Exists { folder });
        };
        let parent = fs::canonicalize(parent).map_err(io(parent))?;
        let folder = parent.join(last);
        let tree = match kobench {
            Some(named) => {
                let root = fs::canonicalize(named).map_err(io(named))?;
                if !is_kobench(&root) {
                    return Err(NewPluginError::NotKobench { folder: root });
                }
                Some(root)
            }
            None => {
                let here = std::env::current_dir().map_err(io(Path::new(".")))?;
                let upward =
                    |from: &Path| from.ancestors().find(|a| is_kobench(a)).map(Path::to_path_buf);
                upward(&parent).or_else(|| upward(&here))
            }
        };
        if needs_tree && tree.is_none() {
            return Err(NewPluginError::NoKobench { folder });
        }
        let is_member = tree.as_ref().is_some_and(|root| parent == root.join("plugins"));
        Ok(Self { folder, kobench: tree, is_member })
    }
}

/// The workspace's Cargo.toml with one more member; `None` where its list of members does not look as expected.
pub(super) fn with_member(manifest: &str, member: &str) -> Option<String> {
    let start = manifest.find("\nmembers = [\n")? + "\nmembers = [\n".len();
    let length = manifest[start..].find("\n]")? + 1;
    let (before, members, after) =
        (&manifest[..start], &manifest[start..start + length], &manifest[start + length..]);
    let line = |name: &str| format!("  \"{name}\",\n");
    if members.contains(&line(member)) {
        return Some(manifest.to_owned());
    }
    // After the last plugin.
    let last = members.rfind("  \"plugins/")?;
    let end = last + members[last..].find('\n')? + 1;
    Some(format!("{before}{}{}{}{after}", &members[..end], line(member), &members[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_goes_behind_the_last_plugin() {
        let manifest = "[workspace]\nmembers = [\n  \"harness\",\n  \"plugins/kcbert\",\n  \"tests\",\n]\n\n[x]\n";
        let more = with_member(manifest, "plugins/new").unwrap();
        assert!(
            more.contains("  \"plugins/kcbert\",\n  \"plugins/new\",\n  \"tests\",\n]"),
            "{more}"
        );
        assert_eq!(with_member(&more, "plugins/new").unwrap(), more, "only once");
        assert_eq!(with_member("[workspace]\nmembers = [\"a\"]\n", "plugins/new"), None);
    }

    #[test]
    fn the_manifest_of_this_tree_can_be_added_to() {
        let manifest = include_str!("../../../Cargo.toml");
        let more = with_member(manifest, "plugins/new").unwrap();
        assert_eq!(more.lines().count(), manifest.lines().count() + 1);
    }
}
