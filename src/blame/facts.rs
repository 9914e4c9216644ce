//! The facts about an image that a capture gives, and the few ways they are read.

use crate::capture::op::{DriverInfo, ProcessInfo};

/// What a capture says about the image of a process. Unknown fields are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts<'a> {
    /// The process name, such as `ntrtscan.exe`.
    pub name: &'a str,
    /// The full path as the capture prints it; device and `\??\` prefixes are understood.
    pub image_path: &'a str,
    /// CompanyName of the file's version resource; may be padded with blanks.
    pub company: &'a str,
    /// FileDescription of the version resource.
    pub description: &'a str,
    /// The version text.
    pub version: &'a str,
}

impl<'a> ImageFacts<'a> {
    /// What is known of a process.
    pub fn of(process: &'a ProcessInfo) -> Self {
        Self {
            name: &process.name,
            image_path: &process.image_path,
            company: &process.company,
            description: &process.description,
            version: &process.version,
        }
    }
}

/// What a capture says about a loaded module, usually a driver of the System process. Unknown fields are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModuleFacts<'a> {
    /// Full path, or the bare file name where nothing more is known.
    pub path: &'a str,
    /// CompanyName of the version resource; may be padded with blanks.
    pub company: &'a str,
    /// FileDescription of the version resource.
    pub description: &'a str,
    /// The version text.
    pub version: &'a str,
}

impl<'a> ModuleFacts<'a> {
    /// What is known of a kernel module.
    pub fn of(driver: &'a DriverInfo) -> Self {
        Self {
            path: &driver.path,
            company: &driver.company,
            description: &driver.description,
            version: &driver.version,
        }
    }

    /// The file name: the last component of the path.
    pub fn name(&self) -> &'a str {
        leaf(clean(self.path))
    }
}

/// Version-resource strings come padded with blanks or NULs; without them, an empty string means unknown.
pub(crate) fn clean(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0')
}

/// The last component of a Windows path.
pub(crate) fn leaf(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().unwrap_or(path)
}

/// A path folded for comparison: lower case, backslashes, no `\??\` or `\\?\`, `\SystemRoot\` as `?:\windows\`, a device
/// name as the unknown drive `?:`. The drive of a device path is not known here, so `?` stands for any.
pub(crate) fn fold(path: &str) -> String {
    let path = clean(path).replace('/', "\\").to_lowercase();
    let path = [r"\??\", r"\\?\", r"\\.\"].iter().find_map(|prefix| path.strip_prefix(prefix)).unwrap_or(&path);
    if let Some(rest) = path.strip_prefix(r"\systemroot\").or_else(|| path.strip_prefix(r"systemroot\")) {
        return format!(r"?:\windows\{rest}");
    }
    if let Some(rest) = path.strip_prefix(r"\device\harddiskvolume").or_else(|| path.strip_prefix(r"harddiskvolume")) {
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        return format!("?:{rest}");
    }
    path.to_owned()
}

/// Whether a CompanyName is Microsoft's, in the languages its files carry.
///
/// The string is no signature: anybody can write it. Callers ask for the place of the file too.
pub fn is_microsoft(company: &str) -> bool {
    let folded = clean(company).to_lowercase();
    let name = folded.trim_start_matches("(c)").trim_start_matches(['©', '®', ' ']);
    let latin = name.strip_prefix("microsoft").is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()));
    latin
        || ["корпорация майкрософт", "майкрософт", "マイクロソフト", "마이크로소프트", "微软", "微軟"]
            .iter()
            .any(|localised| name.starts_with(localised))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microsoft_is_known_in_its_languages_and_not_by_resemblance() {
        for yes in [
            "Microsoft Corporation",
            "Microsoft Corporation   ",
            "Microsoft",
            "Microsoft(r) Corporation",
            "© Microsoft Corporation",
            "Корпорация Майкрософт",
            "Корпорация Майкрософт (Microsoft Corporation)",
            "微软公司",
        ] {
            assert!(is_microsoft(yes), "{yes}");
        }
        for no in ["", "   ", "Microsoftware Ltd", "Micro Soft", "Trend Micro Inc.", "Not Microsoft"] {
            assert!(!is_microsoft(no), "{no}");
        }
    }

    #[test]
    fn paths_fold_to_one_spelling() {
        assert_eq!(fold(r"\??\C:\Windows\System32\csrss.exe"), r"c:\windows\system32\csrss.exe");
        assert_eq!(fold(r"\SystemRoot\System32\smss.exe"), r"?:\windows\system32\smss.exe");
        assert_eq!(fold(r"\Device\HarddiskVolume12\Windows\x.exe"), r"?:\windows\x.exe");
        assert_eq!(fold("D:/Apps/A.EXE \0"), r"d:\apps\a.exe");
        assert_eq!(leaf(r"C:\a\b.sys"), "b.sys");
        assert_eq!(
            ModuleFacts { path: r"\SystemRoot\system32\drivers\WdFilter.sys", ..Default::default() }.name(),
            "WdFilter.sys"
        );
    }
}
