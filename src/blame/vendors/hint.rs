//! Folder hints of the catalogue as patterns over folded paths.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex::Regex;

/// Where third-party software is installed; a hint's folder right below one of these is telling without the file's name.
const INSTALL_ROOTS: &str = r"^[a-z?]:\\(?:program files(?: \(x86\)| \(arm\))?(?:\\common files)?|programdata|users\\[^\\]+\\appdata\\(?:local|roaming))";

/// How a path agrees with a hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum HintMatch {
    /// The folder occurs; telling only together with the file's name.
    WithName,
    /// The folder tells the product by itself.
    Folder,
}

/// One `image_path_hint`: `%Variable%\folder\…\` or `\folder\…\`; `*` is any text within one component, `{GUID}` a GUID in
/// braces. Its patterns are compiled for the first path that may agree.
#[derive(Clone, Debug)]
pub(super) struct Hint {
    /// Lower case, with backslashes.
    pub(super) folder: Cow<'static, str>,
    /// The longest component without a variable part, between backslashes: it stands in every path that agrees.
    pub(super) word: Option<Cow<'static, str>>,
    patterns: OnceLock<Option<Patterns>>,
}

#[derive(Clone, Debug)]
struct Patterns {
    anywhere: Regex,
    /// `None` where the folder is shared with others (System32, a temporary folder).
    alone: Option<Regex>,
}

impl Hint {
    /// Reads a hint. `None` for an empty one, or one too short to tell anything (`\BM\`).
    pub(super) fn parse(hint: &str) -> Option<Self> {
        let folder = hint.trim().replace('/', "\\").to_lowercase();
        let parts = || parts(&folder).1;
        if parts().map(|part| part.chars().count()).sum::<usize>() < 3 {
            // The temporary folder itself says nothing.
            return None;
        }
        let word = parts().filter(|part| !part.contains(['*', '{'])).max_by_key(|part| part.len());
        let word = word.map(|part| format!("\\{part}\\").into());
        Some(Self { word, folder: folder.into(), patterns: OnceLock::new() })
    }

    /// A hint of the embedded catalogue with its required word.
    pub(super) fn embedded([folder, word]: [&'static str; 2]) -> Self {
        let word = (!word.is_empty()).then_some(word.into());
        Self { folder: folder.into(), word, patterns: OnceLock::new() }
    }

    /// How a folded path agrees, if it does.
    pub(super) fn matches(&self, folded_path: &str) -> Option<HintMatch> {
        if self.word.as_ref().is_some_and(|word| !folded_path.contains(&**word)) {
            return None;
        }
        let patterns = self.patterns.get_or_init(|| compile(&self.folder).ok()).as_ref()?;
        if patterns.alone.as_ref().is_some_and(|alone| alone.is_match(folded_path)) {
            Some(HintMatch::Folder)
        } else {
            patterns.anywhere.is_match(folded_path).then_some(HintMatch::WithName)
        }
    }
}

/// The variable and the components behind it.
fn parts(folder: &str) -> (Option<&str>, impl Iterator<Item = &str>) {
    let (variable, tail) = match folder.strip_prefix('%').and_then(|rest| rest.split_once('%')) {
        Some((variable, tail)) => (Some(variable), tail),
        None => (None, folder),
    };
    (variable, tail.split('\\').filter(|part| !part.is_empty()))
}

fn compile(folder: &str) -> Result<Patterns, regex::Error> {
    let (variable, parts) = parts(folder);
    let parts: Vec<&str> = parts.collect();
    let mut pattern = String::from(r"\\");
    for part in &parts {
        let part = regex::escape(part).replace(r"\*", r"[^\\]*").replace(r"\{guid\}", r"\{?[0-9a-f-]+\}?");
        pattern.push_str(&part);
        pattern.push_str(r"\\");
    }
    let (anywhere, alone) = match variable {
        Some("systemroot" | "windir") => {
            let below = Regex::new(&format!(r"^[a-z?]:\\(?:windows|winnt){pattern}"))?;
            let shared = matches!(parts.first(), Some(&"system32" | &"syswow64" | &"winsxs"));
            (below.clone(), (!shared).then_some(below))
        }
        Some("temp" | "tmp") => (Regex::new(&format!(r"\\te?mp{pattern}"))?, None),
        _ if parts.len() > 1 => {
            let folder = Regex::new(&pattern)?;
            (folder.clone(), Some(folder))
        }
        _ => (Regex::new(&pattern)?, Some(Regex::new(&format!("{INSTALL_ROOTS}{pattern}"))?)),
    };
    Ok(Patterns { anywhere, alone })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blame::facts::fold;

    fn agree(hint: &str, path: &str) -> Option<HintMatch> {
        Hint::parse(hint).unwrap().matches(&fold(path))
    }

    #[test]
    fn folders_moved_to_another_drive_still_agree() {
        let hint = r"%ProgramFiles%\Huorong\Sysdiag\bin\";
        assert_eq!(agree(hint, r"D:\Safe\Huorong\Sysdiag\bin\HipsDaemon.exe"), Some(HintMatch::Folder));
        assert_eq!(agree(hint, r"C:\Program Files\Huorong\Other\x.exe"), None);
    }

    #[test]
    fn a_single_folder_name_tells_alone_only_where_software_is_installed() {
        let hint = r"%ProgramFiles%\Everything\";
        assert_eq!(agree(hint, r"C:\Program Files\Everything\x.exe"), Some(HintMatch::Folder));
        assert_eq!(
            agree(hint, r"\Device\HarddiskVolume3\Program Files (x86)\Everything\x.exe"),
            Some(HintMatch::Folder)
        );
        assert_eq!(agree(hint, r"D:\everything\x.exe"), Some(HintMatch::WithName));
    }

    #[test]
    fn system_folders_need_the_system_root_and_the_name() {
        let hint = r"%SystemRoot%\System32\";
        assert_eq!(agree(hint, r"C:\Windows\System32\svchost.exe"), Some(HintMatch::WithName));
        assert_eq!(agree(hint, r"C:\Users\a\System32\svchost.exe"), None);
        assert_eq!(agree(r"%SystemRoot%\CCM\", r"\SystemRoot\CCM\CcmExec.exe"), Some(HintMatch::Folder));
    }

    #[test]
    fn stars_and_guids_stay_inside_one_component() {
        let hint = r"%ProgramFiles%\SentinelOne\Sentinel Agent *\";
        assert!(agree(hint, r"C:\Program Files\SentinelOne\Sentinel Agent 23.4.2\SentinelAgent.exe").is_some());
        assert!(agree(hint, r"C:\Program Files\SentinelOne\x\Sentinel Agent\y.exe").is_none());
        let temporary = r"%TEMP%\{GUID}\";
        assert_eq!(
            agree(temporary, r"C:\Windows\Temp\8E4F7A10-1111-2222-3333-444455556666\DismHost.exe"),
            Some(HintMatch::WithName)
        );
    }

    #[test]
    fn a_two_letter_folder_says_nothing() {
        assert!(Hint::parse(r"\BM\").is_none());
        assert!(Hint::parse("").is_none());
    }
}
