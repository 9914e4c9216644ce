//! Whose process it is: the installer's own, Windows', or somebody else's.
//!
//! The rule, in order:
//! 1. a victim of the profile is `victim`;
//! 2. System (PID 4), Idle (PID 0) and the kernel's minimal processes, which have no image file, are `windows`;
//! 3. Microsoft's company string *and* a place of Windows (below the system root, a Windows folder of Program Files, an
//!    upgrade's `$WINDOWS.~BT`) is `windows`; so is a known Microsoft product in its known folder (Defender, OneDrive);
//! 4. Microsoft's company string elsewhere is an application, `third_party`: the string alone is no proof;
//! 5. another company is `third_party` wherever the file lies;
//! 6. without a company string, folders that only the installer writes to are `windows`, a core process in System32 too;
//!    anything else is `third_party` with the reason saying that the publisher is unknown;
//! 7. without company *and* path (old captures, some exports) the names of core processes are `windows`, by name only.
//!
//! A remote client behind System is no party of its own: it stays `windows`, and the holder's `on_behalf_of` says it.

use super::facts::{ImageFacts, ModuleFacts, clean, fold, is_microsoft, leaf};
use super::places::{below_system_root, in_windows_folder};
use super::vendors::{MatchBasis, VendorCatalogue};

/// Whose process it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// Not Windows and not the victim.
    ThirdParty,
    /// Part of Windows.
    Windows,
    /// The process the profile protects.
    Victim,
}

impl Party {
    /// Stable code, as in the record.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::ThirdParty => "third_party",
            Self::Windows => "windows",
            Self::Victim => "victim",
        }
    }
}

/// What decided the party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartyReason {
    /// The profile names it.
    Profile,
    /// System, Idle, Registry and the like: no image file.
    Kernel,
    /// Microsoft's company string, in a folder of Windows.
    WindowsFolder,
    /// Microsoft's company string, a known product in its known folder.
    MicrosoftProduct,
    /// No company string, in a folder that only the installer writes to, or a core process in System32.
    ProtectedFolder,
    /// Neither company nor path: by the name of a core process only.
    NameOnly,
    /// Microsoft's company string outside Windows' folders.
    MicrosoftApplication,
    /// Another company's string.
    OtherCompany,
    /// Named like a core process of Windows, but neither company nor place fits.
    BorrowedName,
    /// No company string, and the place tells nothing.
    UnknownPublisher,
}

impl PartyReason {
    /// Every reason.
    pub const ALL: &[Self] = &[
        Self::Profile,
        Self::Kernel,
        Self::WindowsFolder,
        Self::MicrosoftProduct,
        Self::ProtectedFolder,
        Self::NameOnly,
        Self::MicrosoftApplication,
        Self::OtherCompany,
        Self::BorrowedName,
        Self::UnknownPublisher,
    ];

    /// Stable code.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Kernel => "kernel",
            Self::WindowsFolder => "windows_folder",
            Self::MicrosoftProduct => "microsoft_product",
            Self::ProtectedFolder => "protected_folder",
            Self::NameOnly => "name_only",
            Self::MicrosoftApplication => "microsoft_application",
            Self::OtherCompany => "other_company",
            Self::BorrowedName => "borrowed_name",
            Self::UnknownPublisher => "unknown_publisher",
        }
    }

    const fn party(self) -> Party {
        match self {
            Self::Profile => Party::Victim,
            Self::Kernel | Self::WindowsFolder | Self::MicrosoftProduct | Self::ProtectedFolder | Self::NameOnly => {
                Party::Windows
            }
            Self::MicrosoftApplication | Self::OtherCompany | Self::BorrowedName | Self::UnknownPublisher => {
                Party::ThirdParty
            }
        }
    }
}

/// The party of a process and what decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified {
    /// Whose process it is.
    pub party: Party,
    /// What decided it.
    pub reason: PartyReason,
}

/// What is known of the process besides its image.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartyContext<'a> {
    /// The PID.
    pub pid: u32,
    /// Whether the profile names this process as a victim.
    pub is_victim: bool,
    /// Where Windows lies, such as `C:\Windows`; empty when the capture does not say.
    pub system_root: &'a str,
}

/// Processes of the kernel without an image file; the capture gives their name as their path.
const MINIMAL: &[&str] = &["registry", "memory compression", "memcompression", "secure system", "vmmem"];

/// Core processes, all in System32 (or, explorer.exe, in the system root).
const CORE: &[&str] = &[
    "audiodg.exe",
    "conhost.exe",
    "csrss.exe",
    "ctfmon.exe",
    "dllhost.exe",
    "dwm.exe",
    "explorer.exe",
    "fontdrvhost.exe",
    "lsaiso.exe",
    "lsass.exe",
    "lsm.exe",
    "mousocoreworker.exe",
    "rundll32.exe",
    "runtimebroker.exe",
    "searchfilterhost.exe",
    "searchindexer.exe",
    "searchprotocolhost.exe",
    "services.exe",
    "sihost.exe",
    "smss.exe",
    "spoolsv.exe",
    "svchost.exe",
    "taskhost.exe",
    "taskhostw.exe",
    "usocoreworker.exe",
    "vssvc.exe",
    "wininit.exe",
    "winlogon.exe",
    "wmiprvse.exe",
];

/// Below the system root, written by the installer alone.
const PROTECTED: &[&str] = &[r"winsxs\", r"servicing\", r"systemapps\", r"immersivecontrolpanel\", r"systemresources\"];

/// Classifies a process by the rule of this module.
pub fn classify(catalogue: &VendorCatalogue, facts: &ImageFacts<'_>, context: &PartyContext<'_>) -> Classified {
    let reason = decide(catalogue, facts, context);
    Classified { party: reason.party(), reason }
}

fn decide(catalogue: &VendorCatalogue, facts: &ImageFacts<'_>, context: &PartyContext<'_>) -> PartyReason {
    if context.is_victim {
        return PartyReason::Profile;
    }
    let path = fold(facts.image_path);
    let placed = path.contains('\\');
    let name = match clean(facts.name) {
        "" => leaf(&path).to_owned(),
        name => name.to_lowercase(),
    };
    let company = clean(facts.company);
    if !placed && company.is_empty() {
        let kernel = match name.as_str() {
            "system" => context.pid == 4,
            "idle" | "system idle process" => context.pid == 0,
            other => MINIMAL.contains(&other) && path == other,
        };
        if kernel {
            return PartyReason::Kernel;
        }
    }
    let below = below_system_root(facts.image_path, context.system_root);
    let core = CORE.contains(&name.as_str());
    if is_microsoft(company) {
        if core && placed && !below.as_deref().is_some_and(|below| is_core_place(below, &name)) {
            return PartyReason::BorrowedName;
        }
        if below.is_some() || (placed && in_windows_folder(&path)) {
            return PartyReason::WindowsFolder;
        }
        if !placed && core {
            return PartyReason::NameOnly;
        }
        // The catalogue's folder has to agree; Microsoft's string together with a mere name would be two claims, no place.
        let by_place = ImageFacts { company: "", ..*facts };
        return match catalogue.identify_process(&by_place) {
            Some(found) if found.by == MatchBasis::Path && found.vendor_en == "Microsoft" => {
                PartyReason::MicrosoftProduct
            }
            _ => PartyReason::MicrosoftApplication,
        };
    }
    if !company.is_empty() {
        return if core { PartyReason::BorrowedName } else { PartyReason::OtherCompany };
    }
    match below.as_deref() {
        Some(below) if PROTECTED.iter().any(|folder| below.starts_with(folder)) => PartyReason::ProtectedFolder,
        Some(below) if core && is_core_place(below, &name) => PartyReason::ProtectedFolder,
        _ if !placed && core => PartyReason::NameOnly,
        _ if core => PartyReason::BorrowedName,
        _ => PartyReason::UnknownPublisher,
    }
}

/// Whether a kernel module is part of Windows: by the rule for processes, and without a company string by a name that is
/// registered to Microsoft alone, or, as part of the kernel, in System32 itself.
pub fn is_windows_driver(catalogue: &VendorCatalogue, facts: &ModuleFacts<'_>, system_root: &str) -> bool {
    let path = fold(facts.path);
    let below = below_system_root(facts.path, system_root);
    let bare = !path.contains('\\');
    let of_windows = below.is_some() || bare || path.starts_with(r"system32\") || in_windows_folder(&path);
    let by_place = || {
        let found = catalogue.identify_driver(&ModuleFacts { company: "", ..*facts });
        let vendor = found.and_then(|found| found.vendor);
        vendor.is_some_and(|vendor| vendor.by == MatchBasis::Path && vendor.vendor_en == "Microsoft")
    };
    if !clean(facts.company).is_empty() {
        return is_microsoft(facts.company) && (of_windows || by_place());
    }
    let registered = || {
        let found = catalogue.identify_driver(facts).and_then(|found| found.altitudes);
        found.is_some_and(|found| found.rows.iter().all(|row| is_microsoft(&row.registered_to)))
    };
    // Of the kernel's own parts there, only those for windows and fonts bear the extension of a driver.
    let in_system = below
        .as_deref()
        .and_then(|below| below.strip_prefix(r"system32\"))
        .is_some_and(|name| !name.contains('\\') && (!name.ends_with(".sys") || name.starts_with("win32k")));
    in_system || of_windows && registered() || by_place()
}

/// System32 itself or a folder of it, the root for the shell, the folder of the update stack for its workers.
fn is_core_place(below: &str, name: &str) -> bool {
    let folder = below.strip_suffix(name).unwrap_or(below);
    [r"system32\", r"syswow64\", r"system32\wbem\", r"syswow64\wbem\"].contains(&folder)
        || (name == "explorer.exe" && folder.is_empty())
        || (name.ends_with("usocoreworker.exe") && folder.starts_with(r"uus\"))
}

#[cfg(test)]
#[path = "party_tests.rs"]
mod tests;
