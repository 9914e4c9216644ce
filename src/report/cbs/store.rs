//! What the logs and listings say of the component store: damaged files, missing payload, what a good machine has.

use std::collections::HashSet;

use comfy_table::Cell;

use super::super::escape::terminal;
use super::{MAX_ROWS, Page, number};
use crate::case::cbs::HashMismatch;
use crate::lang::cbs as t;

impl Page<'_> {
    pub(super) fn damaged(&mut self) {
        let lang = self.lang();
        let mut rows = Vec::new();
        let mut seen = HashSet::new();
        for file in self.record.files.iter().filter(|file| file.copy_of.is_none()) {
            for found in &file.hydration_failures {
                let code = found.symbol.as_deref().or(found.code.as_deref()).unwrap_or_default();
                let name = found.file.as_deref().unwrap_or_default();
                let component = match &found.version {
                    Some(version) => format!("{} {version}", found.component),
                    None => found.component.clone(),
                };
                if seen.insert((component.clone(), name.to_owned(), code.to_owned())) {
                    let what = t::V_HYDRATION.fill(lang, &[("code", &code)]);
                    rows.push([terminal(&component), terminal(name), what, String::new(), String::new()]);
                }
            }
            for found in &file.hash_mismatches {
                let text = |value: &Option<String>| value.as_deref().map(terminal).unwrap_or_default();
                let (expected, actual) = (text(&found.expected), text(&found.actual));
                // A record that one log has torn may be whole in another.
                let mut others = self.record.files.iter().flat_map(|file| &file.hash_mismatches);
                let is_same = |other: &HashMismatch| {
                    other.file == found.file && (found.expected.is_none() || other.expected == found.expected)
                };
                if found.actual.is_none() && others.any(|other| other.actual.is_some() && is_same(other)) {
                    continue;
                }
                if seen.insert((found.file.clone(), expected.clone(), actual.clone())) {
                    let component = text(&found.component);
                    let what = t::V_HASH.get(lang).to_owned();
                    rows.push([component, terminal(&found.file), what, expected, actual]);
                }
            }
        }
        if rows.is_empty() {
            return;
        }
        self.heading(t::H_DAMAGED);
        let rows = rows.into_iter().map(|row| row.into_iter().map(Cell::new).collect()).collect();
        self.table(rows, &[t::C_COMPONENT, t::C_FILE, t::C_WHAT, t::C_EXPECTED, t::C_ACTUAL]);
    }

    pub(super) fn missing(&mut self) {
        if self.record.missing.is_empty() {
            return;
        }
        self.heading(t::H_MISSING);
        let row = |item: &crate::case::cbs::MissingItem| {
            let part = |get: fn(&crate::case::cbs::Component) -> &str| {
                Cell::new(item.component.as_ref().map(|component| terminal(get(component))).unwrap_or_default())
            };
            let files: Vec<String> = item.files.iter().map(|file| terminal(file)).collect();
            vec![
                part(|component| &component.arch),
                part(|component| &component.name),
                part(|component| &component.version),
                Cell::new(files.join("\n")),
                Cell::new(terminal(&item.directory)),
                number(item.times),
            ]
        };
        let rows = self.record.missing.iter().map(row).collect();
        self.table(rows, &[t::C_ARCH, t::C_COMPONENT, t::C_VERSION, t::C_FILE, t::C_DIRECTORY, t::C_TIMES]);
    }

    pub(super) fn winsxs(&mut self) {
        let Some(found) = &self.record.winsxs else { return };
        let lang = self.lang();
        self.heading(t::H_WINSXS);
        let lacking = found.lacking.len() as u64 + found.left_out;
        let line = t::WINSXS_BOTH.fill(
            lang,
            &[
                ("good", &terminal(&found.good.name)),
                ("good_dirs", &found.good.directories),
                ("bad", &terminal(&found.bad.name)),
                ("bad_dirs", &found.bad.directories),
                ("lacking", &lacking),
            ],
        );
        self.line(&line);
        if found.bad.files == 0 && found.good.files > 0 {
            self.line(t::WINSXS_FOLDERS_ONLY.get(lang));
        }
        let row = |item: &crate::case::cbs::Lacking| {
            let rank = match item.rank.as_str() {
                "asked_by_log" => t::V_ASKED,
                "same_component" => t::V_SAME,
                _ => t::V_REST,
            };
            let what = item.files.map(|n| t::V_WHOLE.fill(lang, &[("n", &n)])).unwrap_or_default();
            vec![Cell::new(rank.get(lang)), Cell::new(terminal(&item.path)), Cell::new(what)]
        };
        let rows: Vec<Vec<Cell>> = found.lacking.iter().map(row).collect();
        let (absent, present) = (&found.not_on_good, &found.present_on_bad);
        let mut lines = Vec::new();
        for directory in absent.iter().take(MAX_ROWS) {
            lines.push(t::WINSXS_NOT_ON_GOOD.fill(lang, &[("directory", &terminal(directory))]));
        }
        for directory in present.iter().take(MAX_ROWS) {
            lines.push(t::WINSXS_PRESENT.fill(lang, &[("directory", &terminal(directory))]));
        }
        if !rows.is_empty() {
            self.table(rows, &[t::C_RANK, t::C_DIRECTORY, t::C_FILES]);
        }
        for line in lines {
            self.line(&line);
        }
    }
}
