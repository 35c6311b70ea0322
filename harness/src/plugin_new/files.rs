//! The files of a new plugin, made of templates.

use super::arch::{Arch, OfEngine};
use super::name::Name;
use super::place::Place;
use std::fs;
use std::path::{Path, PathBuf};

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// Relative to the plugin's folder.
    pub(super) path: PathBuf,
    pub(super) content: String,
}

fn file(path: impl Into<PathBuf>, content: impl Into<String>) -> File {
    File { path: path.into(), content: content.into() }
}

/// Puts values in the place of `{{key}}`.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (key, value)| {
        text.replace(&format!("{{{{{key}}}}}"), value)
    })
}

/// The plugin in C: the tested example of this repository under another name.
pub(super) fn c(name: &Name) -> Vec<File> {
    let library = name.library();
    let title = title(name);
    let values = [("name", name.as_str()), ("title", &title), ("library", &library)];
    let example = include_str!("../../../tests/plugins/lexicon.c");
    let from = example.find("#include").unwrap_or(0);
    let heading = format!(
        "/*\n * {title}: a kobench plugin in C, which counts words of praise and of blame. What to edit is in README.md.\n \
         *\n * Its tokens are characters; its logits are (blame, praise), with praise ahead where both are silent.\n */\n"
    );
    let source = example[from..].replace(
        "#define LEXICON_NAME \"lexicon\"",
        &format!("#define LEXICON_NAME \"{}\"", name.as_str()),
    );
    let constant = format!("{}_NAME", name.in_library().to_uppercase());
    let util = include_str!("../../../plugins/abi/include/kobench_plugin_util.h");
    vec![
        file("plugin.c", heading + &source.replace("LEXICON_NAME", &constant)),
        file("kobench_plugin.h", kobench_plugin_abi::HEADER),
        file("kobench_plugin_util.h", util),
        file("Makefile", fill(include_str!("templates/c/Makefile"), &values)),
        file("README.md", fill(include_str!("templates/c/README.md"), &values)),
    ]
}

/// The plugin in Rust.
pub(super) fn rust(name: &Name, arch: Arch, place: &Place) -> Vec<File> {
    let root = place.kobench.clone().unwrap_or_default();
    let engine = arch.of_engine();
    let library = name.library();
    let built = match place.is_member {
        true => format!("../../target/release/{library}"),
        false => format!("target/release/{library}"),
    };
    let (title, as_type, root_text) = (title(name), name.as_type(), root.display().to_string());
    let mut values = vec![
        ("name", name.as_str()),
        ("title", &title),
        ("type", &as_type),
        ("library", &library),
        ("built", &built),
        ("arch", arch.name()),
        ("kobench", if place.is_member { "../.." } else { &root_text }),
    ];
    if let Some(OfEngine { constant, name, model_types, tokenizer, tokenizer_files, .. }) = engine {
        values.extend([
            ("constant", *constant),
            ("architecture", *name),
            ("model_types", *model_types),
            ("tokenizer", *tokenizer),
            ("tokenizer_files", *tokenizer_files),
        ]);
    }
    let mut files = vec![file("Cargo.toml", manifest(name, engine.is_some(), place))];
    let of = |path: &str, template: &str| file(path, fill(template, &values));
    if let Some(engine) = engine {
        files.extend([
            of("src/lib.rs", include_str!("templates/engine/lib.rs")),
            file(format!("configs/{}-base.json", name.as_str()), engine.config),
            of("parity.py", include_str!("templates/engine/parity.py")),
            of("README.md", include_str!("templates/engine/README.md")),
        ]);
    } else {
        files.extend([
            of("src/lib.rs", include_str!("templates/custom/lib.rs")),
            of("src/words.rs", include_str!("templates/custom/words.rs")),
            of("src/tokenizer.rs", include_str!("templates/custom/tokenizer.rs")),
            of("src/model.rs", include_str!("templates/custom/model.rs")),
            of("weights.tsv", include_str!("templates/custom/weights.tsv")),
            of("README.md", include_str!("templates/custom/README.md")),
        ]);
    }
    if !place.is_member {
        files.push(file(".gitignore", "/target\n"));
        // The versions that kobench is built and tested with.
        if let Ok(lock) = fs::read_to_string(root.join("Cargo.lock")) {
            files.push(file("Cargo.lock", lock));
        }
    }
    files
}

/// The crate's Cargo.toml: of a member of kobench's workspace, or of a workspace of its own.
fn manifest(name: &Name, engine: bool, place: &Place) -> String {
    let package = name.as_str();
    let library = name.in_library();
    let title = title(name);
    let depends = |crate_name: &str, folder: &Path| match place.is_member {
        true => format!("{crate_name}.workspace = true\n"),
        // A string of TOML with the escapes of JSON.
        false => format!(
            "{crate_name} = {{ path = {} }}\n",
            serde_json::Value::from(folder.display().to_string())
        ),
    };
    let root = place.kobench.clone().unwrap_or_default();
    let mut text = format!(
        "[package]\nname = \"kobench-plugin-{package}\"\ndescription = \"{title} as a kobench plugin\"\n"
    );
    text.push_str(match place.is_member {
        true => {
            "version.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
             license.workspace = true\nauthors.workspace = true\npublish.workspace = true\n"
        }
        false => {
            "version = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT OR Apache-2.0\"\npublish = false\n"
        }
    });
    text.push_str(&format!(
        "\n[lib]\nname = \"kobench_plugin_{library}\"\ncrate-type = [\"cdylib\"]\n\n[dependencies]\n"
    ));
    if engine {
        text.push_str(&depends("kobench-engine", &root.join("plugins/engine")));
    }
    text.push_str(&depends("kobench-plugin-sdk", &root.join("plugins/sdk")));
    match (engine, place.is_member) {
        (true, _) => {}
        (false, true) => text.push_str("serde_json.workspace = true\n"),
        (false, false) => text.push_str("serde_json = \"1\"\n"),
    }
    match place.is_member {
        true => text.push_str("\n[lints]\nworkspace = true\n"),
        // Not a part of a workspace that may lie above it.
        false => text.push_str("\n[workspace]\n"),
    }
    text
}

/// A title for people, to be edited: the name.
fn title(name: &Name) -> String {
    name.as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCHS: [Arch; 7] = [
        Arch::Bert,
        Arch::Electra,
        Arch::DistilBert,
        Arch::Deberta,
        Arch::Roberta,
        Arch::Gemma2,
        Arch::Custom,
    ];

    fn place(is_member: bool) -> Place {
        let kobench = Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
        Place { folder: "x".into(), kobench, is_member }
    }

    #[test]
    fn nothing_of_the_templates_is_left_unfilled() {
        let name = Name::new("my-model").unwrap();
        for arch in ARCHS {
            for file in rust(&name, arch, &place(arch == Arch::Bert)).into_iter().chain(c(&name)) {
                let text = &file.content;
                let left = text.find("{{").filter(|&at| text[at..].contains("}}"));
                let is_template = file.path != Path::new("Cargo.lock");
                assert!(left.is_none() || !is_template, "{}: {text}", file.path.display());
                // The architecture of the example may keep its name, the model may not.
                assert!(
                    !text.contains("LEXICON_NAME") && !text.contains("_NAME \"lexicon\""),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn each_architecture_has_its_constant_and_a_configuration_of_its_type() {
        let name = Name::new("new").unwrap();
        for arch in ARCHS {
            let Some(engine) = arch.of_engine() else { continue };
            let files = rust(&name, arch, &place(false));
            let text = |path: &str| {
                let found = files.iter().find(|f| f.path == Path::new(path));
                found.unwrap_or_else(|| panic!("{path} of {}", arch.name())).content.clone()
            };
            assert!(text("src/lib.rs").contains(&format!("= Architecture::{};", engine.constant)));
            let config: serde_json::Value =
                serde_json::from_str(&text("configs/new-base.json")).unwrap();
            let types: Vec<&str> = engine.model_types.split(", ").collect();
            assert!(types.contains(&config["model_type"].as_str().unwrap()), "{}", arch.name());
            assert!(text("Cargo.toml").ends_with("\n[workspace]\n"));
        }
    }

    #[test]
    fn a_member_takes_its_versions_from_the_workspace() {
        let name = Name::new("new").unwrap();
        let files = rust(&name, Arch::Custom, &place(true));
        let manifest = &files[0].content;
        assert!(manifest.contains("serde_json.workspace = true"), "{manifest}");
        assert!(!manifest.contains("path =") && !manifest.contains("[workspace]"), "{manifest}");
        assert!(!files.iter().any(|f| f.path == Path::new("Cargo.lock")));
    }
}
