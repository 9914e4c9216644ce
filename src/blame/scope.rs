//! Whose failures count: the victims, the paths, the results and the time window.

use super::facts::is_microsoft;
use super::places::is_of_windows;
use crate::capture::op::{EventIndex, Op, OpKind, OpLog, PathTable, ProcessId, ProcessInfo};
use crate::nt::path::{strip_namespace, volume_device};
use crate::nt::{FileTime, NtStatus};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use sha2::{Digest, Sha256};

/// The processes that install, and the victims of the profile for servicing.
const INSTALLER: [&str; 2] = ["TiWorker.exe", "TrustedInstaller.exe"];

/// A named set of victims and paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    /// Windows servicing: TiWorker and TrustedInstaller below the in-flight folders.
    #[default]
    Servicing,
    /// Every process and path.
    Any,
}

impl Profile {
    /// The name used on the command line and in records.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Servicing => "servicing",
            Self::Any => "any",
        }
    }

    fn victims(self) -> Vec<String> {
        match self {
            Self::Servicing => INSTALLER.map(str::to_owned).to_vec(),
            Self::Any => Vec::new(),
        }
    }

    /// Path patterns for a machine with this system root (unknown: on any drive).
    fn paths(self, system_root: Option<&str>) -> Vec<String> {
        let root = system_root.filter(|root| !root.is_empty()).unwrap_or("*").trim_end_matches('\\');
        match self {
            Self::Servicing => ["InFlight", "PendingDeletes", "PendingRenames"]
                .map(|folder| format!("{root}\\WinSxS\\Temp\\{folder}"))
                .to_vec(),
            Self::Any => Vec::new(),
        }
    }
}

/// What the user asked for; empty lists keep the profile's.
#[derive(Clone, Debug, Default)]
pub struct ScopeOptions {
    /// Profile.
    pub profile: Profile,
    /// Victim process names, in place of the profile's.
    pub victims: Vec<String>,
    /// Path patterns, in place of the profile's.
    pub paths: Vec<String>,
    /// Only these results.
    pub results: Vec<NtStatus>,
    /// Only failures that begin at or after this.
    pub from: Option<FileTime>,
    /// Only failures that begin at or before this.
    pub to: Option<FileTime>,
}

impl ScopeOptions {
    /// Sixteen hexadecimal digits that tell one scope from another.
    pub fn digest(&self) -> String {
        let Self { profile, victims, paths, results, from, to } = self;
        let text = format!("{profile:?}\0{victims:?}\0{paths:?}\0{results:?}\0{from:?}\0{to:?}");
        Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A path pattern that is not valid.
#[derive(Debug, thiserror::Error)]
#[error("{pattern}: {reason}")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The checked form of [`ScopeOptions`] for one machine.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Profile.
    pub profile: Profile,
    /// Victim process names; empty: every process.
    pub victims: Vec<String>,
    /// Path patterns; empty: every path.
    pub paths: Vec<String>,
    /// Results; empty: every lock-class result.
    pub results: Vec<NtStatus>,
    /// Begin of the window.
    pub from: Option<FileTime>,
    /// End of the window.
    pub to: Option<FileTime>,
    globs: GlobSet,
    /// Where Windows lies; empty where it is not known.
    system_root: String,
    /// The victims are the profile's own, not named by the user.
    by_profile: bool,
    /// The only failures and waits that a filter lets pass, ascending.
    kept: Option<Vec<EventIndex>>,
    /// Failures that count whatever the rest says, ascending.
    named: Vec<EventIndex>,
    /// Their processes.
    named_processes: Vec<ProcessId>,
}

impl Scope {
    /// Checks the options against a machine's system root.
    ///
    /// # Errors
    /// A path pattern that cannot be understood.
    pub fn new(options: &ScopeOptions, system_root: Option<&str>) -> Result<Self, PatternError> {
        let or = |given: &[String], default: Vec<String>| if given.is_empty() { default } else { given.to_vec() };
        let victims = or(&options.victims, options.profile.victims());
        let paths = or(&options.paths, options.profile.paths(system_root));
        let mut globs = GlobSetBuilder::new();
        for pattern in &paths {
            let fail = |error: globset::Error| PatternError { pattern: pattern.clone(), reason: error.to_string() };
            let slashed = glob_form(pattern);
            let base = slashed.trim_end_matches('/').trim_end_matches("/**").trim_end_matches("/*");
            for form in [base.to_owned(), format!("{base}/*"), format!("{base}:*")] {
                let mut glob = GlobBuilder::new(&form);
                glob.literal_separator(false).backslash_escape(false);
                globs.add(glob.build().map_err(fail)?);
            }
        }
        let globs =
            globs.build().map_err(|error| PatternError { pattern: paths.join(" "), reason: error.to_string() })?;
        Ok(Self {
            profile: options.profile,
            victims,
            paths,
            results: options.results.clone(),
            from: options.from,
            to: options.to,
            globs,
            system_root: system_root.unwrap_or_default().to_owned(),
            by_profile: options.victims.is_empty(),
            kept: None,
            named: Vec::new(),
            named_processes: Vec::new(),
        })
    }

    /// Narrows it to these failures and waits, which ascend.
    pub fn keep(&mut self, events: Vec<EventIndex>) {
        self.kept = Some(events);
    }

    /// Counts failures in whatever the rest of the scope says; their processes are victims.
    pub fn count_in(&mut self, failures: &[(EventIndex, ProcessId)]) {
        self.named.extend(failures.iter().map(|(event, _)| *event));
        self.named.sort_unstable();
        self.named_processes.extend(failures.iter().map(|(_, process)| *process));
        self.named_processes.sort_unstable();
        self.named_processes.dedup();
    }

    /// Whether a process is a victim: by name, and for those of the profile also by what else is known of it, so that a
    /// program merely named like one is none.
    pub fn is_victim(&self, process: &ProcessInfo) -> bool {
        self.victims.is_empty()
            || self.victims.iter().any(|victim| victim.eq_ignore_ascii_case(&process.name))
                && !(self.by_profile && is_impostor(process, &self.system_root))
    }

    /// Whether a path is in scope, however it is spelled. A volume's device name may be that of any drive.
    pub fn is_path(&self, path: &str) -> bool {
        let matches = |path: &str| self.globs.is_match(glob_form(path));
        let drives = || self.paths.iter().filter_map(|pattern| pattern.get(..2).filter(|drive| drive.ends_with(':')));
        let bare = strip_namespace(path);
        self.paths.is_empty()
            || matches(path)
            || bare != path && matches(&bare)
            || volume_device(&bare).is_some_and(|(_, tail)| drives().any(|drive| matches(&format!("{drive}{tail}"))))
    }

    /// Whether a failure counts whatever the rest of the scope says.
    pub fn is_named(&self, event: EventIndex) -> bool {
        self.named.binary_search(&event).is_ok()
    }

    /// Whether a failed operation is one to explain.
    pub fn contains(&self, op: &Op, processes: &[ProcessInfo], paths: &PathTable) -> bool {
        let target = match op.kind {
            OpKind::Rename { target, .. } | OpKind::Link { target, .. } => target,
            _ => None,
        };
        if self.is_named(op.event) {
            return true;
        }
        processes.get(op.process.0 as usize).is_some_and(|process| self.is_victim(process))
            && (self.results.is_empty() || self.results.contains(&op.status))
            && self.from.is_none_or(|from| op.start >= from)
            && self.to.is_none_or(|to| op.start <= to)
            && self.kept.as_ref().is_none_or(|kept| kept.binary_search(&op.event).is_ok())
            && (self.is_path(paths.get(op.path)) || target.is_some_and(|target| self.is_path(paths.get(target))))
    }

    /// Whether a process of `log` is a victim.
    pub fn is_victim_id(&self, log: &OpLog, id: ProcessId) -> bool {
        self.named_processes.binary_search(&id).is_ok()
            || log.processes.get(id.0 as usize).is_some_and(|process| self.is_victim(process))
    }
}

/// How patterns and paths meet: globset knows forward slashes on every platform, and without case it needs no regular
/// expressions for plain folders, whose compilation takes longer than the rest of a small capture.
fn glob_form(text: &str) -> String {
    text.replace('\\', "/").to_lowercase()
}

/// Whether a process is one of Windows' installer, by name and what else is known of it; the system root is empty where it is
/// not known.
pub fn is_installer(process: &ProcessInfo, system_root: &str) -> bool {
    INSTALLER.iter().any(|name| name.eq_ignore_ascii_case(&process.name)) && !is_impostor(process, system_root)
}

/// Whether company or place, as far as known, speak against a program of Windows, be it of another installation.
fn is_impostor(process: &ProcessInfo, system_root: &str) -> bool {
    let foreign = !process.company.is_empty() && !is_microsoft(&process.company);
    let placed = process.image_path.contains(['\\', '/']);
    foreign || placed && ![system_root, ""].iter().any(|root| is_of_windows(&process.image_path, root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servicing_covers_the_in_flight_folders_only() {
        let scope = Scope::new(&ScopeOptions::default(), Some("C:\\WINDOWS")).unwrap();
        assert!(scope.is_path("c:\\windows\\winsxs\\temp\\inflight\\abc\\x.dll"));
        assert!(scope.is_path("C:\\Windows\\WinSxS\\Temp\\PendingDeletes\\x"));
        assert!(scope.is_path("C:\\Windows\\WinSxS\\Temp\\InFlight"));
        assert!(scope.is_path(r"\\?\C:\Windows\WinSxS\Temp\InFlight\x.dll"));
        assert!(scope.is_path(r"\Device\HarddiskVolume3\Windows\WinSxS\Temp\InFlight\x.dll"));
        assert!(!scope.is_path(r"\Device\HarddiskVolumeShadowCopy3\Windows\WinSxS\Temp\InFlight\x.dll"));
        assert!(!scope.is_path(r"\Device\HarddiskVolume3\Windows\WinSxS\x.dll"));
        assert!(!scope.is_path("C:\\Windows\\WinSxS\\Temp\\InFlight2\\x"));
        assert!(!scope.is_path("D:\\Windows\\WinSxS\\Temp\\InFlight\\x"));
        let victim = |name: &str| scope.is_victim(&ProcessInfo { name: name.to_owned(), ..ProcessInfo::default() });
        assert!(victim("tiworker.EXE") && victim("TrustedInstaller.exe"));
        assert!(!victim("svchost.exe"));
        let placed = |path: &str, company: &str| {
            scope.is_victim(&ProcessInfo {
                name: "TiWorker.exe".to_owned(),
                image_path: path.to_owned(),
                company: company.to_owned(),
                ..ProcessInfo::default()
            })
        };
        assert!(placed("D:\\Windows\\WinSxS\\amd64_x\\TiWorker.exe", "Microsoft Corporation"));
        assert!(placed("\\SystemRoot\\servicing\\TiWorker.exe", ""));
        assert!(!placed("C:\\Users\\Public\\TiWorker.exe", "Microsoft Corporation"));
        assert!(!placed("C:\\Windows\\TiWorker.exe", "EvilCorp"));
        assert!(placed(r"\Device\HarddiskVolume3\Windows\servicing\TiWorker.exe", "Microsoft Corporation"));
        for elsewhere in [
            r"C:\Windows\Temp\TiWorker.exe",
            r"C:\Users\a\windows\TiWorker.exe",
            r"C:\ProgramData\windows\winsxs\x\TiWorker.exe",
        ] {
            assert!(!placed(elsewhere, "Microsoft Corporation") && !placed(elsewhere, ""), "{elsewhere}");
        }
    }

    #[test]
    fn patterns_and_plain_folders() {
        let options = ScopeOptions {
            profile: Profile::Any,
            paths: vec!["D:\\logs\\".to_owned(), "*.dll".to_owned()],
            ..ScopeOptions::default()
        };
        let scope = Scope::new(&options, None).unwrap();
        assert!(scope.is_path("d:\\LOGS\\a\\b.txt"));
        assert!(scope.is_path("C:\\Windows\\x.DLL"));
        assert!(scope.is_path("C:\\Windows\\x.dll:stream"));
        assert!(!scope.is_path("C:\\Windows\\x.exe"));
        assert!(Scope::new(&ScopeOptions { paths: vec!["a[".to_owned()], ..options }, None).is_err());
    }
}
