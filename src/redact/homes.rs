//! Learns where profiles lie from environments and the registry.

use super::name::Kind;
use super::redactor::Redactor;
use super::roots::holds_programs;
use super::units::fold;
use super::words;

/// Variables and registry values that hold the folder of one profile.
const HOMES: &[&str] = &["userprofile", "homepath", "homeshare", "profileimagepath", "centralprofile", "public"];
/// Registry values that hold the folder of all profiles.
const FOLDERS: &[&str] = &["profilesdirectory"];

/// The folder and the name of a profile's path, folder folded and without drive; a server's with both backslashes.
fn split(path: &str) -> Option<(String, &str)> {
    let path = path.trim_matches(|c: char| c.is_whitespace() || c == '\0' || c == '"').trim_end_matches('\\');
    let (folder, name) = path.rsplit_once('\\')?;
    let mut folder = fold(folder);
    for prefix in [r"\??\unc\", r"\\?\unc\"] {
        if let Some(rest) = folder.strip_prefix(prefix) {
            folder = format!(r"\\{rest}");
        }
    }
    for prefix in [r"\??\", r"\\?\", "%systemdrive%"] {
        folder = folder.strip_prefix(prefix).map(str::to_owned).unwrap_or(folder);
    }
    if let Some((drive, rest)) = folder.split_once(':') {
        if drive.len() != 1 {
            return None;
        }
        folder = rest.to_owned();
    }
    let is_unc = folder.starts_with(r"\\");
    // Of `\\server\share` not every share is a profile.
    if is_unc && folder.matches('\\').count() < 3 || !folder.is_empty() && !folder.starts_with('\\') {
        return None;
    }
    Some((folder, name))
}

impl Redactor {
    /// Learns where profiles lie from an environment, one `NAME=value` a line or ended by NUL. What a text then gives
    /// away depends on it: learn all of these first.
    pub fn learn_roots(&mut self, environment: &str) {
        for variable in environment.split(['\0', '\n']) {
            if let Some((name, value)) = variable.trim().split_once('=') {
                self.learn_root(name, value);
            }
        }
    }

    /// The same from one variable, or from a registry value given by its path. Returns whether it is one that tells.
    pub fn learn_root(&mut self, name: &str, value: &str) -> bool {
        let name = fold(name.rsplit('\\').next().unwrap_or(name));
        if FOLDERS.contains(&name.as_str()) {
            if let Some((folder, _)) = split(&format!(r"{}\x", value.trim_end_matches(['\\', '\0']))) {
                self.roots.add(&folder);
            }
            return true;
        }
        if !HOMES.contains(&name.as_str()) {
            return false;
        }
        if let Some((folder, profile)) = split(value) {
            let first = folder.split('\\').nth(1).unwrap_or_default();
            if !folder.is_empty() || name != "public" {
                self.roots.add(&folder);
            }
            // Those of services lie below Windows; a home on a share may be called anything.
            if !holds_programs(first) && !words::is_nobodys(profile) {
                self.learn(Kind::Profile, profile);
            }
        }
        true
    }

    /// Whether a variable or registry value of this name tells where profiles lie.
    pub fn tells_root(name: &str) -> bool {
        let name = fold(name.rsplit('\\').next().unwrap_or(name));
        HOMES.contains(&name.as_str()) || FOLDERS.contains(&name.as_str())
    }
}
