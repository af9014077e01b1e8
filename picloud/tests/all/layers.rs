//! Each module uses only what stands below it: reads the `use crate::…` lines of the sources.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Modules from the top down. A module may use those of lower rows, and those beside it in its own row.
const LAYERS: &[&[&str]] = &[
    &["embed", "testing"],
    &["recorder"],
    &["orchestrator", "manager"],
    &["snapshot", "rhai"],
    &["route_table", "problem", "store"],
    &["router", "executor"],
    &["invocation", "outcome"],
    &["script"],
    &["route", "domain"],
    &["host", "path", "coroutine", "shared_map"],
    &["app", "gate", "headers", "limits", "meter", "surroundings"],
];

/// Which crates may be named where: only the executor's folder knows the engine, only the coroutine's the stacks.
const CONFINED: &[(&str, &str)] = &[("rhai", "rhai"), ("corosensei", "coroutine"), ("libc", "coroutine")];

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|row| row.contains(&module))
        .unwrap_or_else(|| panic!("`{module}` has no layer yet"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file without its tests and comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// What `use PREFIX::{a, b::c, …};` names, first segments only.
fn used(code: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in code.split(prefix).skip(1) {
        let statement = part.split(';').next().unwrap();
        let Some(list) = statement.strip_prefix('{') else {
            names.push(first_segment(statement));
            continue;
        };
        let mut depth = 0;
        let pieces = list.split(|c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ',' && depth == 0
        });
        names.extend(pieces.map(|piece| first_segment(piece.trim())));
    }
    names.retain(|name| !name.is_empty());
    names
}

fn first_segment(path: &str) -> String {
    path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Which module each name at the crate's root comes from, read from the `pub use` lines of lib.rs.
fn root_names(lib: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for statement in lib.split("pub use ").skip(1).map(|part| part.split(';').next().unwrap()) {
        let Some((module, items)) = statement.split_once("::") else { continue };
        for item in items.trim_matches(['{', '}']).split(',') {
            names.insert(first_segment(item.trim()), module.to_owned());
        }
    }
    names
}

#[test]
fn modules_use_only_what_stands_below_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let root = root_names(&code(&src.join("lib.rs")));
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 30, "the sources were not found");
    let mut broken = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&src).unwrap();
        let module = first_segment(inside.to_str().unwrap());
        if module == "lib"
            || inside.components().any(|part| part.as_os_str() == "tests")
            || inside.ends_with("tests.rs")
        {
            continue;
        }
        let code = code(&file);
        for name in used(&code, "use crate::") {
            let target = root.get(&name).unwrap_or(&name);
            if *target != module && layer(target) < layer(&module) {
                broken.push(format!("{} uses {name}, which is of `{target}` above it", inside.display()));
            }
        }
        for (name, home) in CONFINED {
            let names_it = code.contains(&format!("use {name}::")) || code.contains(&format!(" {name}::"));
            if names_it && module != *home {
                broken
                    .push(format!("{} names the crate {name}, which is for `{home}` only", inside.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_reader_of_use_lines_reads_them() {
    let code = "use crate::{A, b::{C, D}, e};\nuse crate::f::G;\n";
    assert_eq!(used(code, "use crate::"), ["A", "b", "e", "f"]);
    let root = root_names("pub use a::{B, C};\npub use d::E;\n");
    assert_eq!(root.get("C").map(String::as_str), Some("a"));
    assert_eq!(root.get("E").map(String::as_str), Some("d"));
}
