//! The Rust mirror against the header: sizes, alignments, offsets and constants as `cc` sees them, and
//! no field of the header left out.

use kobench_plugin_abi::{CONSTANTS, HEADER, LAYOUTS};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

/// A C program that prints a line for each fact that the mirror states.
fn table_program() -> String {
    let mut c =
        String::from("#include <stdio.h>\n#include \"kobench_plugin.h\"\nint main(void) {\n");
    for s in LAYOUTS {
        let name = s.c_name;
        writeln!(c, "printf(\"{name} %zu %zu\\n\", sizeof({name}), _Alignof({name}));").unwrap();
        for f in s.fields {
            let field = f.name;
            writeln!(
                c,
                "printf(\"{name}.{field} %zu %zu\\n\", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));"
            )
            .unwrap();
        }
    }
    for (name, _) in CONSTANTS {
        writeln!(c, "printf(\"{name} %lld\\n\", (long long)({name}));").unwrap();
    }
    c.push_str("return 0; }\n");
    c
}

fn table_of_the_mirror() -> String {
    let mut t = String::new();
    for s in LAYOUTS {
        writeln!(t, "{} {} {}", s.c_name, s.size, s.align).unwrap();
        for f in s.fields {
            writeln!(t, "{}.{} {} {}", s.c_name, f.name, f.offset, f.size).unwrap();
        }
    }
    for (name, value) in CONSTANTS {
        writeln!(t, "{name} {value}").unwrap();
    }
    t
}

#[test]
fn the_c_compiler_agrees_on_every_size_offset_and_constant() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("table.c");
    let program = dir.path().join("table");
    std::fs::write(&source, table_program()).unwrap();
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/include");
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let built = Command::new(&cc)
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I", include, "-o"])
        .arg(&program)
        .arg(&source)
        .output()
        .unwrap_or_else(|e| panic!("this test needs a C compiler ({cc}): {e}"));
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let printed = Command::new(&program).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    for (c, rust) in printed.lines().zip(table_of_the_mirror().lines()) {
        assert_eq!(c, rust, "left: the C compiler, right: the Rust mirror");
    }
    assert_eq!(printed, table_of_the_mirror());
}

/// The header without its comments.
fn bare_header() -> String {
    let mut out = String::new();
    let mut rest = HEADER;
    while let Some((code, after)) = rest.split_once("/*") {
        out.push_str(code);
        rest = after.split_once("*/").expect("a comment ends").1;
    }
    out + rest
}

#[test]
fn the_mirror_leaves_out_no_struct_field_or_constant() {
    let header = bare_header();
    let mut found = BTreeSet::new();
    for part in header.split("typedef struct ").skip(1) {
        let Some((head, body)) = part.split_once('{') else { continue };
        if head.contains(';') {
            continue; // an opaque handle
        }
        let name = head.trim();
        if name == "kobench_str" {
            continue; // a frozen value; its fields have no growth rule
        }
        let body = body.split_once('}').unwrap().0;
        for declaration in body.split(';').map(str::trim).filter(|d| !d.is_empty()) {
            if let Some((_, pointer)) = declaration.split_once("(*") {
                found.insert(format!("{name}.{}", pointer.split_once(')').unwrap().0));
                continue;
            }
            for declarator in declaration.split(',') {
                let field = declarator.trim().rsplit([' ', '*']).next().unwrap();
                found.insert(format!("{name}.{field}"));
            }
        }
    }
    let mirrored: BTreeSet<String> = LAYOUTS
        .iter()
        .flat_map(|s| s.fields.iter().map(move |f| format!("{}.{}", s.c_name, f.name)))
        .collect();
    assert!(found.len() > 80, "the header's structs were not found: {found:?}");
    assert_eq!(found, mirrored);

    let defined: BTreeSet<&str> = header
        .lines()
        .filter_map(|l| l.strip_prefix("#define KOBENCH_"))
        .filter_map(|l| l.split_once(' '))
        .filter(|(name, _)| !matches!(*name, "EXPORT" | "ENTRY_V1"))
        .map(|(name, _)| name)
        .collect();
    let mirrored: BTreeSet<&str> =
        CONSTANTS.iter().map(|(name, _)| name.strip_prefix("KOBENCH_").unwrap()).collect();
    assert_eq!(defined, mirrored);
}
