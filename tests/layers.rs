//! The house: who may import whom, how long a file may be, and what only one place may do. One crate cannot forbid a
//! back-edge by itself, so this test reads every source file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// No source file is longer, in lines.
const MAX_LINES: usize = 600;

/// Longer files, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Each layer with the layers it may import. Captures flow `nt ← pml ← capture ← {export, import, locks} ← blame ←
/// servicing ← assemble ← cli`, results flow `nt ← case ← lang ← report ← cli`; only `assemble` and `cli` know both.
const LAYERS: &[(&str, &[&str])] = &[
    ("nt", &[]),
    ("pml", &["nt"]),
    ("redact", &["nt"]),
    ("scenario", &["nt", "pml"]),
    ("capture", &["nt", "pml"]),
    ("export", &["nt", "pml", "redact", "capture"]),
    ("import", &["nt", "pml", "capture"]),
    ("locks", &["nt", "pml", "capture"]),
    ("blame", &["nt", "pml", "capture", "locks"]),
    ("servicing", &["nt", "capture", "locks", "blame"]),
    ("case", &["nt"]),
    ("lang", &["nt", "case"]),
    ("report", &["nt", "case", "lang"]),
    (
        "assemble",
        &["nt", "pml", "capture", "export", "import", "locks", "blame", "servicing", "case", "lang", "redact"],
    ),
    (
        "cli",
        &[
            "nt",
            "pml",
            "redact",
            "scenario",
            "capture",
            "export",
            "import",
            "locks",
            "blame",
            "servicing",
            "case",
            "lang",
            "report",
            "assemble",
        ],
    ),
];

/// One source file: its path from the root of the crate, the module it is, and its code without comments and tests.
struct Source {
    path: String,
    module: Vec<String>,
    code: String,
    lines: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let relative = path.strip_prefix(root).unwrap();
        let mut module: Vec<String> =
            relative.with_extension("").iter().skip(1).map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.last().is_some_and(|last| last == "mod" || last == "lib") {
            module.pop();
        }
        let path = relative.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("/");
        Source { path, module, code: code(&text), lines: text.lines().count() }
    };
    files.into_iter().map(read).collect()
}

/// The text without line comments and without what follows the first `#[cfg(test)]` module.
fn code(text: &str) -> String {
    let is_module = |line: &str| line.split_whitespace().any(|word| word == "mod");
    let next = text.lines().skip(1).chain([""]);
    let tests = text.lines().zip(next).position(|(line, next)| line == "#[cfg(test)]" && is_module(next));
    let kept = text.lines().take(tests.unwrap_or(usize::MAX));
    kept.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The layers of this crate that the code names, by `crate::layer` or by climbing with `super::`.
fn imports(source: &Source) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in source.code.match_indices("crate::") {
        // `$crate::` is written into other modules by a macro; the path is checked where the macro is used.
        if !source.code[..at].ends_with('$') {
            names_at(&source.code[at + "crate::".len()..], &mut found);
        }
    }
    for (at, _) in source.code.match_indices("super::") {
        if source.code[..at].ends_with("super::") {
            continue;
        }
        let climbs = source.code[at..].split("super::").take_while(|between| between.is_empty()).count() - 1;
        let rest = &source.code[at + (climbs + 1) * "super::".len()..];
        // From `a::b::c`, one `super` names `a::b`; as many as the depth name the crate.
        if climbs + 1 >= source.module.len() {
            names_at(rest, &mut found);
        }
    }
    found
}

/// The first component of a path, or of each path in braces.
fn names_at(rest: &str, found: &mut BTreeSet<String>) {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(inner) = rest.strip_prefix('{') else {
        found.insert(word(rest));
        return;
    };
    let mut depth = 0;
    let mut start = true;
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && depth == 0 && !c.is_whitespace() => {
                found.insert(word(&inner[at..]));
                start = false;
            }
            _ => {}
        }
    }
}

#[test]
fn imports_only_point_downward() {
    let known: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut offenders = Vec::new();
    let mut edges = 0;
    for source in sources() {
        let Some(layer) = source.module.first().filter(|layer| *layer != "main") else { continue };
        let Some(allowed) = known.get(layer.as_str()) else {
            offenders.push(format!("{}: layer `{layer}` is not in the table of this test", source.path));
            continue;
        };
        for target in imports(&source) {
            // Macros and re-exports at the root belong to no layer.
            let is_layer = known.contains_key(target.as_str());
            edges += usize::from(is_layer);
            if is_layer && target != *layer && !allowed.contains(&target.as_str()) {
                offenders.push(format!("{}: `{layer}` must not import `{target}`", source.path));
            }
        }
    }
    assert!(edges > 100, "only {edges} imports between layers were found: the reader of this test is broken");
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn the_table_itself_has_no_cycle() {
    for (at, (layer, allowed)) in LAYERS.iter().enumerate() {
        for target in *allowed {
            let place = LAYERS.iter().position(|(name, _)| name == target);
            assert!(place.is_some_and(|place| place < at), "`{layer}` imports `{target}`, which stands below it");
        }
    }
}

/// The modules in a folder that the code of one of them names.
fn siblings(source: &Source, folder: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let root = format!("crate::{}::", folder.join("::"));
    for (at, _) in source.code.match_indices(&root) {
        names_at(&source.code[at + root.len()..], &mut found);
    }
    // From `cli::a::b`, two `super` name `cli`.
    let climb = "super::".repeat(source.module.len() - folder.len());
    for (at, _) in source.code.match_indices(&climb) {
        if !source.code[..at].ends_with("super::") {
            names_at(&source.code[at + climb.len()..], &mut found);
        }
    }
    found
}

/// Which modules in a folder need which others of it.
fn needs(folder: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let inside =
        |source: &&Source| source.module.len() > folder.len() && source.module.iter().zip(folder).all(|(a, b)| a == b);
    for source in sources().iter().filter(inside) {
        edges.entry(source.module[folder.len()].clone()).or_default().extend(siblings(source, folder));
    }
    let modules: BTreeSet<String> = edges.keys().cloned().collect();
    for (module, targets) in &mut edges {
        targets.retain(|target| target != module && modules.contains(target));
    }
    edges
}

#[test]
fn the_modules_in_a_folder_form_no_circle() {
    let folders: &[(&[&str], &str, &str)] = &[
        (&["cli"], "args", "blame"),
        (&["cli"], "blame", "options"),
        (&["locks"], "verdict", "rules"),
        (&["locks"], "rules", "engine"),
        (&["locks"], "engine", "file"),
        (&["locks", "file"], "replay", "track"),
        (&["locks", "rules"], "share", "older"),
        (&["locks", "verdict"], "history", "bursts"),
    ];
    for (folder, module, needed) in folders {
        let mut edges = needs(folder);
        assert!(edges[*module].contains(*needed), "{edges:?}");
        while let Some(leaf) = edges.iter().find(|(_, targets)| targets.is_empty()).map(|(module, _)| module.clone()) {
            edges.remove(&leaf);
            edges.values_mut().for_each(|targets| targets.retain(|target| *target != leaf));
        }
        assert!(edges.is_empty(), "each of these needs another of them: {edges:?}");
    }
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let source = |path: &str, code: &str| Source {
        path: path.to_owned(),
        module: path.split("::").map(str::to_owned).collect(),
        code: code.to_owned(),
        lines: 1,
    };
    let seen = |path: &str, code: &str| imports(&source(path, code)).into_iter().collect::<Vec<_>>();
    assert_eq!(seen("a::b", "use crate::pml::Event;"), ["pml"]);
    assert_eq!(seen("a::b", "use crate::{pml::{self, Event}, nt,\n case::x};"), ["case", "nt", "pml"]);
    assert_eq!(seen("a", "use super::locks::x;"), ["locks"]);
    assert_eq!(seen("a::b", "use super::super::locks::x; use super::c;"), ["locks"]);
    assert_eq!(seen("a::b::c", "use super::super::inner;"), [""; 0]);
    assert_eq!(seen("a", "fn f() { crate::cli::main() }"), ["cli"]);
    assert_eq!(seen("a", "macro_rules! m { () => { $crate::lang::Text } }"), [""; 0]);
}

#[test]
fn files_stay_short() {
    let mut offenders = Vec::new();
    let mut waived = BTreeSet::new();
    for source in sources().iter().filter(|source| source.lines > MAX_LINES) {
        match LONG_FILES.iter().find(|(path, _)| *path == source.path) {
            Some((path, reason)) => {
                println!("{path}: {} lines ({reason})", source.lines);
                waived.insert(*path);
            }
            None => offenders.push(format!("{}: {} lines", source.path, source.lines)),
        }
    }
    let stale: Vec<&str> = LONG_FILES.iter().map(|(path, _)| *path).filter(|path| !waived.contains(path)).collect();
    assert!(offenders.is_empty(), "over {MAX_LINES} lines: {}", offenders.join(", "));
    assert!(stale.is_empty(), "no longer too long, take them off the list: {}", stale.join(", "));
}

/// What only certain places may do: the word looked for, where it may stand, and why.
const RESERVED: &[(&str, &[&str], &str)] = &[
    ("unsafe ", &["src/capture/map.rs"], "one place maps files"),
    ("println!", &["src/cli/"], "only the command line prints"),
    ("print!(", &["src/cli/"], "only the command line prints"),
    ("std::env::", &["src/cli/"], "only the command line looks at the environment"),
    ("process::exit", &["src/cli/output.rs"], "only an interrupt ends the process at once"),
    ("Timestamp::now", &["src/cli/"], "the clock is an argument"),
    ("Instant::now", &["src/cli/"], "the clock is an argument"),
    ("use clap", &["src/cli/"], "users of the library need no argument parser"),
    ("comfy_table", &["src/report/"], "only reports draw tables"),
    ("static mut", &[], "no global state that changes"),
];

#[test]
fn reserved_things_stay_in_their_place() {
    let mut offenders = Vec::new();
    for source in sources() {
        for (word, places, why) in RESERVED {
            if source.code.contains(word) && !places.iter().any(|place| source.path.starts_with(place)) {
                offenders.push(format!("{}: `{}`: {why}", source.path, word.trim()));
            }
        }
        // Two descriptions of the format, one truth: a mistake in the layout must not cancel out.
        if source.path.starts_with("src/pml/write") && source.code.contains("layout::") {
            offenders.push(format!("{}: the writer must not use the reader's layout", source.path));
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}
