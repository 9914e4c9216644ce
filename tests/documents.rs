//! What the documents say is what the program does: the table of the README, commands, links, rules, offsets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pmlblame::pml::layout;
use regex::Regex;

const READMES: [(&str, &str); 2] = [("README.md", "en"), ("README.zh-CN.md", "zh-CN")];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}")).replace("\r\n", "\n")
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_pmlblame")).current_dir(root()).args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// The text of the fenced blocks with this label, in order.
fn blocks<'t>(text: &'t str, label: &str) -> Vec<&'t str> {
    let open = format!("\n```{label}\n");
    text.split(&open).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// The two commands that stand alone in a block: the main job on a sample, and the tests.
fn commands_of(readme: &str) -> [String; 2] {
    let alone: Vec<&str> = blocks(readme, "sh").into_iter().filter(|block| block.starts_with("cargo ")).collect();
    let [main, test] = alone[..] else { panic!("two commands are expected: {alone:?}") };
    [main.to_owned(), test.to_owned()]
}

#[test]
fn the_first_screen_shows_what_its_command_prints() {
    for (path, lang) in READMES {
        let readme = read(path);
        let [main, test] = commands_of(&readme);
        assert!(test.starts_with("cargo test"), "{path}: {test}");
        let words: Vec<&str> = main.split(' ').collect();
        assert_eq!(words[..4], ["cargo", "run", "--release", "--"], "{path}");
        let mut screen = blocks(&readme, "text")[0].lines();
        // The screen shows the installed program with the same arguments; … stands for what is left out.
        assert_eq!(screen.next(), Some(format!("$ pmlblame {}", words[4..].join(" ")).as_str()), "{path}");
        let language = ["--lang", lang];
        let more = if words.contains(&"--lang") { &[][..] } else { &language };
        let printed = run(&[&words[4..], more].concat());
        let shown: Vec<&str> = screen.collect();
        let shown = shown.strip_prefix(&["…"]).and_then(|shown| shown.strip_suffix(&["…"])).unwrap().join("\n");
        assert!(shown.contains('┌') && shown.contains('┘'), "{path}");
        assert!(printed.contains(&format!("\n{shown}\n")), "{path} shows\n{shown}\nbut the program prints\n{printed}");
        let line_of = |text: &str| readme.lines().position(|line| line == text).map_or(usize::MAX, |line| line + 1);
        assert!(line_of(shown.lines().last().unwrap()) <= 25, "{path}: the table is not on the first screen");
        assert!(line_of(&test) <= 40, "{path}: the commands come too late");
    }
}

#[test]
fn the_check_of_everything_runs_the_tests_as_the_readme_says() {
    let script = read(".ci/run");
    assert!(script.contains("grep -m 1 '^cargo test' README.md"));
    for step in ["cargo fmt --all --check", "cargo clippy --all-targets -- -D warnings", "cargo doc --no-deps"] {
        assert!(script.contains(step), "{step}");
    }
}

/// The names of the program's commands and of each one's long options.
fn commands() -> BTreeMap<String, BTreeSet<String>> {
    let option = Regex::new(r"--[a-z][a-z-]+").unwrap();
    let options =
        |arguments: &[&str]| option.find_iter(&run(arguments)).map(|found| found.as_str().to_owned()).collect();
    let help = run(&["-h"]);
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let mut commands: BTreeMap<String, BTreeSet<String>> = names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .map(|name| (name.clone(), options(&[&name, "--help"])))
        .collect();
    commands.insert(String::new(), options(&["--help"]));
    assert!(commands.len() >= 10, "{commands:?}");
    commands
}

#[test]
fn the_readmes_name_every_command_and_only_options_there_are() {
    let commands = commands();
    let option = Regex::new(r"(?:^| )(--[a-z][a-z-]+)").unwrap();
    let row = Regex::new(r"(?m)^\| `(pmlblame [^`]+)` \|(.*)$").unwrap();
    for (path, _) in READMES {
        let readme = read(path);
        for name in commands.keys().filter(|name| !name.is_empty() && *name != "blame") {
            assert!(readme.contains(&format!("`pmlblame {name}")), "{path} does not mention {name}");
        }
        let mut rows = 0;
        for found in row.captures_iter(&readme) {
            let name = found[1].split(' ').nth(1).filter(|word| commands.contains_key(*word)).unwrap_or_default();
            // Options in the command itself and those the description names in code.
            let described = found[2].replace('`', " ");
            for option in option.captures_iter(&format!("{} {described}", &found[1])) {
                assert!(commands[name].contains(&option[1]), "{path}: `{}`: no option {}", &found[1], &option[1]);
            }
            rows += 1;
        }
        assert!(rows >= 11, "{path}: only {rows} commands were checked");
    }
}

#[test]
fn both_readmes_have_the_same_parts() {
    let parts = |path: &str| {
        let text = read(path);
        let marks = |line: &str| line.chars().take_while(|c| *c == '#').count();
        let heads: Vec<usize> = text.lines().map(marks).filter(|marks| *marks > 0).collect();
        let links = Regex::new(r"\]\(([^)#]+)").unwrap();
        let mut targets: Vec<String> = links.captures_iter(&text).map(|found| found[1].to_owned()).collect();
        targets.retain(|target| !target.starts_with("README"));
        (heads, targets, text.matches("```").count())
    };
    assert_eq!(parts("README.md"), parts("README.zh-CN.md"));
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("CHANGELOG.md")];
    for folder in ["", "docs", "samples", "samples/cbs"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages.dedup();
    assert!(pages.len() >= 12, "{pages:?}");
    pages
}

#[test]
fn every_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.starts_with("http") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let place = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            if !place.exists() {
                broken.push(format!("{}: {target}", page.display()));
            } else if !anchor.is_empty() && !anchors(&fs::read_to_string(&place).unwrap()).contains(anchor) {
                broken.push(format!("{}: {target}: no such heading", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The anchors of the headings, made as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let heads = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let keep = |c: char| c.is_alphanumeric() || c == ' ' || c == '-' || c == '_';
    heads.map(|head| head.to_lowercase().chars().filter(|c| keep(*c)).collect::<String>().replace(' ', "-")).collect()
}

/// Ids of rules in a text.
fn rules(text: &str) -> BTreeSet<String> {
    let rule = Regex::new(r"\b(?:SA|DP|MM|RN|OP|LK|DR|VI|AT)-\d+\b").unwrap();
    rule.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

#[test]
fn every_rule_that_is_cited_is_explained() {
    let explained = rules(&read("docs/how-blame-works.md"));
    let worded: BTreeSet<String> = pmlblame::lang::why::ALL
        .iter()
        .map(|(name, _)| name.replace('_', "-"))
        .filter(|name| rules(name).contains(name))
        .collect();
    assert!(worded.len() >= 30, "{worded:?}");
    let missing: Vec<_> = worded.difference(&explained).collect();
    assert!(missing.is_empty(), "docs/how-blame-works.md does not explain {missing:?}");
    // What the engine can put into a record has its sentence in `why`.
    let mut cited = BTreeSet::new();
    let quoted = Regex::new(r#""((?:SA|DP|MM|RN|OP|LK|DR|VI|AT)-\d+)""#).unwrap();
    for entry in fs::read_dir(root().join("src/locks")).unwrap() {
        let Ok(text) = fs::read_to_string(entry.unwrap().path()) else { continue };
        cited.extend(quoted.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    assert!(cited.len() >= 20, "{cited:?}");
    let mute: Vec<_> = cited.iter().filter(|id| pmlblame::lang::why::rule(id).is_none()).collect();
    assert!(mute.is_empty(), "no sentence for {mute:?}");
}

#[test]
fn every_code_is_documented() {
    use pmlblame::case::{
        Attribution, Cause, Confidence, ExplanationCode, HowDeleted, Mechanism, OnBehalfOf, PartyCode, RuledOutReason,
        VerdictCode,
    };
    let pages = read("docs/case-record.md") + &read("docs/how-blame-works.md");
    let mut codes: Vec<&str> = Vec::new();
    macro_rules! all {
        ($($code:ty),*) => { $( codes.extend(<$code>::ALL.iter().map(|code| code.as_code())); )* };
    }
    all!(Attribution, Cause, Confidence, ExplanationCode, HowDeleted, Mechanism, OnBehalfOf, PartyCode, RuledOutReason);
    all!(VerdictCode);
    // The codes of quality are given where they arise.
    let quality = read("src/assemble/quality.rs");
    let given: Vec<String> = Regex::new(r#"add\(\s*"([a-z_]+)""#)
        .unwrap()
        .captures_iter(&quality)
        .map(|found| found[1].to_owned())
        .collect();
    assert!(given.len() >= 15, "{given:?}");
    codes.extend(given.iter().map(String::as_str));
    let missing: Vec<&&str> = codes.iter().filter(|code| !pages.contains(&format!("`{code}`"))).collect();
    assert!(missing.is_empty(), "not documented: {missing:?}");
}

#[test]
fn every_key_of_the_record_is_documented() {
    let page = read("docs/case-record.md");
    let schema: serde_json::Value = serde_json::from_str(&run(&["schema"])).unwrap();
    let (mut keys, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut parts = vec![&schema];
    while let Some(part) = parts.pop() {
        if let Some(name) = part["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"))
            && seen.insert(name)
        {
            parts.push(&schema["$defs"][name]);
        }
        for (key, value) in part["properties"].as_object().into_iter().flatten() {
            keys.insert(key.clone());
            // What the servicing log says has a page of its own.
            if key != "cbs" {
                parts.push(value);
            }
        }
        parts.extend(part.get("items"));
        parts.extend(["anyOf", "oneOf"].iter().flat_map(|key| part[key].as_array().into_iter().flatten()));
    }
    assert!(keys.len() > 80, "{keys:?}");
    let missing: Vec<&String> = keys.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "not documented: {missing:?}");
}

/// The first column of the rows of the table below the heading that begins with `head`, and the description.
fn offsets<'t>(page: &'t str, head: &str, column: usize) -> BTreeMap<&'t str, usize> {
    let section =
        page.split("\n## ").find(|part| part.starts_with(head)).unwrap_or_else(|| panic!("no section {head}"));
    let section = section.split("\n### ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| 0x"));
    let parse = |line: &'t str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let number = usize::from_str_radix(cells[column].strip_prefix("0x")?, 16).ok()?;
        let text = cells[cells.len() - 2];
        Some((text.split([':', ',', ';', '(', '.']).next().unwrap().trim(), number))
    };
    rows.filter_map(parse).collect()
}

#[test]
fn the_page_on_the_format_has_the_offsets_of_the_reader() {
    let page = read("docs/pml-format.md");
    let event = offsets(&page, "4. Event record", 0);
    for (name, value) in [
        ("process number", layout::event::PROCESS),
        ("thread id", layout::event::THREAD),
        ("class", layout::event::CLASS),
        ("operation", layout::event::OPERATION),
        ("sequence number of the driver", layout::event::SEQUENCE),
        ("duration", layout::event::DURATION),
        ("time of the start", layout::event::TIME),
        ("result", layout::event::RESULT),
        ("stack frames `n`", layout::event::STACK_DEPTH),
        ("bytes of detail `d`", layout::event::DETAIL_SIZE),
        ("offset of the extra detail from the start of the record", layout::event::EXTRA_OFFSET),
        ("stack", layout::EVENT_HEAD),
    ] {
        assert_eq!(event.get(name), Some(&value), "{name}: {event:?}");
    }
    for (column, pick) in [(0, 0), (1, 1)] {
        let file = offsets(&page, "5. Detail of file-system events", column);
        let one = |both: (usize, usize)| if pick == 0 { both.0 } else { both.1 };
        for (name, value) in [
            ("information class", layout::file::SUB_OPERATION),
            ("IRP flags", layout::file::IO_FLAGS),
            ("callback flags", layout::file::CALLBACK_FLAGS),
            ("six arguments", layout::file::ARGUMENTS),
            ("path descriptor", one(layout::file::PATH_INFO)),
            ("path", one(layout::file::PATH)),
        ] {
            assert_eq!(file.get(name), Some(&value), "{name}: {file:?}");
        }
        let process = offsets(&page, "6. Process table", column);
        assert_eq!(process.get("module records"), Some(&one(layout::PROCESS_SIZE)));
    }
    assert!(page.contains(&format!("## 2. Header, {:#X} bytes", layout::HEADER_SIZE).replace("0X", "0x")));
    assert!(page.contains(&format!("One entry of {} bytes", layout::OFFSET_ENTRY)));
}

#[test]
fn nothing_mentions_where_it_was_made() {
    // A user's folder on the machine that built something has no place in a document or a source.
    let traces = Regex::new(r"(?:/(?:root/|home/[a-z])|[A-Z]:\\Users\\runneradmin)").unwrap();
    let mut folders = vec![root().join("src"), root().join("docs"), root().join("samples"), root().join(".ci")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                seen += 1;
                assert!(!traces.is_match(&text), "{}: {:?}", path.display(), traces.find(&text));
            }
        }
    }
    assert!(seen > 200, "{seen}");
}
