//! Folders that hold user profiles on this machine, beside `\Users`, and where text goes on with a name in one.

use super::units::BACKSLASH;

/// More are not believed.
const MOST: usize = 64;
/// Folders known without being told.
const KNOWN: &[&str] = &[r"\users", r"\documents and settings"];
/// First folders of paths that hold programs, and profiles of services at best.
const NOT_PROFILES: &[&str] = &["windows", "winnt", "program files", "program files (x86)", "programdata", "recovery"];

/// Folders of profiles, folded, without drive and final backslash: `\profiles`, `\server\profiles$`.
#[derive(Clone, Debug, Default)]
pub(super) struct Roots(Vec<Root>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Root {
    shown: String,
    /// The long spelling, and the one of 8.3 names where it differs.
    spellings: Vec<Vec<u16>>,
    /// Behind a server's name no drive is expected.
    is_unc: bool,
    /// Whatever lies in it is a profile; not so in the root of a drive.
    holds_only_profiles: bool,
}

impl Roots {
    pub(super) fn shown(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|root| root.shown.as_str())
    }

    /// Takes a root as [`shown`](Self::shown) gives it.
    pub(super) fn add(&mut self, shown: &str) {
        let is_unc = shown.starts_with(r"\\");
        let folder = if is_unc { shown.strip_prefix('\\').unwrap_or(shown) } else { shown };
        let first = folder.split('\\').nth(1).unwrap_or_default();
        if KNOWN.contains(&folder) || !is_unc && holds_programs(first) || self.0.len() >= MOST {
            return;
        }
        let mut spellings = vec![folder.to_owned(), short_names(folder)];
        spellings.dedup();
        let root = Root {
            shown: shown.to_owned(),
            spellings: spellings.iter().map(|folder| folder.encode_utf16().collect()).collect(),
            is_unc,
            holds_only_profiles: !folder.is_empty(),
        };
        if !self.0.contains(&root) {
            self.0.push(root);
        }
    }

    /// Whether what follows the backslashes at the end of `head` (folded) is the name of a profile folder.
    pub(super) fn end(&self, head: &[u16], only_profiles: bool) -> bool {
        if self.0.is_empty() || head.last() != Some(&BACKSLASH) {
            return false;
        }
        let wanted = |root: &&Root| root.holds_only_profiles || !only_profiles;
        self.0.iter().filter(wanted).any(|root| root.ends(head))
    }
}

impl Root {
    fn ends(&self, head: &[u16]) -> bool {
        self.spellings.iter().any(|units| self.ends_spelled(units, head))
    }

    fn ends_spelled(&self, units: &[u16], head: &[u16]) -> bool {
        let mut rest = trimmed(head);
        for unit in units.iter().rev() {
            let Some((last, before)) = rest.split_last() else { return false };
            if last != unit {
                return false;
            }
            // Backslashes may be doubled.
            rest = if *unit == BACKSLASH { trimmed(before) } else { before };
        }
        let word = |unit: u16| char::from_u32(unit.into()).is_some_and(char::is_alphanumeric);
        let volume = || {
            let name: Vec<u16> = r"\device\harddiskvolume".encode_utf16().collect();
            let digits = rest.iter().rev().take_while(|unit| (0x30..=0x39).contains(*unit)).count();
            digits > 0 && rest.get(..rest.len() - digits).is_some_and(|head| head.ends_with(&name))
        };
        self.is_unc
            || rest.last() == Some(&0x3A)
            || volume()
            || !units.is_empty() && !rest.last().is_some_and(|unit| word(*unit) || *unit == BACKSLASH)
    }
}

/// A folded path with the 8.3 names that its longer components have, if they were the first of their kind:
/// `\userprofiles` is `\userpr~1`.
fn short_names(folder: &str) -> String {
    let short = |component: &str| {
        let letters = component.chars().count();
        if letters <= 8 && !component.contains(' ') || component.contains('.') || !component.is_ascii() {
            return component.to_owned();
        }
        let head: String = component.chars().filter(|c| *c != ' ').take(6).collect();
        format!("{head}~1")
    };
    folder.split('\\').map(short).collect::<Vec<_>>().join("\\")
}

/// Without backslashes at the end.
fn trimmed(units: &[u16]) -> &[u16] {
    let count = units.iter().rev().take_while(|unit| **unit == BACKSLASH).count();
    units.get(..units.len() - count).unwrap_or_default()
}

/// Whether the first folder of a path (folded) holds programs.
pub(super) fn holds_programs(first: &str) -> bool {
    NOT_PROFILES.contains(&first)
}
