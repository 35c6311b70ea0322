//! The files of tasks/ that are part of the binary, so that it works from anywhere.

use std::borrow::Cow;

use rust_embed::Embed;

#[derive(Embed)]
#[folder = "../tasks"]
struct Files;

/// The content of a file below tasks/, by its path there.
pub fn embedded_file(path: &str) -> Option<Cow<'static, [u8]>> {
    Files::get(path).map(|file| file.data)
}

/// The YAML files directly below `folder` (`""` for tasks/ itself), path and text, ordered by path.
pub(crate) fn embedded_yaml(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Files::iter()
        .filter(|path| {
            path.strip_prefix(folder)
                .is_some_and(|name| name.ends_with(".yaml") && !name.contains('/'))
        })
        .filter_map(|path| {
            let text = String::from_utf8(embedded_file(&path)?.into_owned()).ok()?;
            Some((path.into_owned(), text))
        })
        .collect();
    files.sort();
    files
}
