//! Words known beforehand: those a name may be without naming anybody, and how far a name that is one is replaced.

use super::name::{Kind, Scope};
use super::units::fold;

/// Words of Windows and product paths that are also account names: replaced only as whole words.
const COMMON: &[&str] = &[
    "admin",
    "administrator",
    "administrateur",
    "administrador",
    "agent",
    "backup",
    "client",
    "defaultuser",
    "desktop",
    "guest",
    "home",
    "host",
    "laptop",
    "local",
    "master",
    "office",
    "owner",
    "power",
    "remote",
    "root",
    "sales",
    "server",
    "service",
    "setup",
    "shared",
    "store",
    "super",
    "support",
    "test",
    "tester",
    "user",
    "users",
    "work",
];
/// Words without which no path would be readable: replaced only as the name of a profile folder
/// or of a server.
const PROTECTED: &[&str] = &[
    "application",
    "cloud",
    "common",
    "data",
    "database",
    "domain",
    "download",
    "downloads",
    "drivers",
    "exchange",
    "files",
    "gateway",
    "inflight",
    "internet",
    "intranet",
    "logs",
    "microsoft",
    "network",
    "portal",
    "print",
    "printer",
    "printers",
    "program",
    "programdata",
    "proxy",
    "router",
    "security",
    "sharepoint",
    "software",
    "storage",
    "system",
    "system32",
    "syswow64",
    "temp",
    "update",
    "updates",
    "users",
    "windows",
    "winsxs",
];
/// Profile folders that are nobody's.
const NOBODYS: &[&str] = &[
    "public",
    "default",
    "defaultaccount",
    "wdagutilityaccount",
    "default user",
    "all users",
    "defaultuser0",
    "defaultapppool",
    "common files",
    "desktop.ini",
    "homegroupuser$",
    "homeusers",
];
/// Authorities and domains that every Windows has.
const WELL_KNOWN_DOMAINS: &[&str] = &[
    "nt authority",
    "nt-autorität",
    "autorite nt",
    "nt service",
    "nt virtual machine",
    "builtin",
    "window manager",
    "font driver host",
    "iis apppool",
    "azuread",
    "microsoftaccount",
    "workgroup",
    "application package authority",
    "mandatory label",
];
/// Names of the machine itself.
const WELL_KNOWN_HOSTS: &[&str] = &["localhost", "localhost.localdomain", "wpad", "."];
/// What servers of the Internet are called, and what stands in paths and details.
const SERVICES: &[&str] = &[
    "api", "app", "apps", "auth", "blob", "cdn", "crl", "data", "dns", "docs", "edge", "ftp", "go", "help", "http",
    "imap", "img", "info", "ldap", "live", "login", "mail", "ntp", "ocsp", "pop3", "self", "smtp", "sso", "time",
    "v10", "vpn", "web", "wpad", "www",
];
/// What collected files are called on every machine.
const FILE_WORDS: &[&str] = &[
    "7z",
    "cab",
    "cbs",
    "cbspersist",
    "csv",
    "dism",
    "gz",
    "gzip",
    "log",
    "logs",
    "pml",
    "txt",
    "utf-16",
    "utf-16le",
    "utf-8",
    "utf16",
    "utf8",
    "win10",
    "win11",
    "windows",
    "winsxs",
    "x64",
    "x86",
    "xml",
    "zip",
];
/// Shorter names of hosts are replaced only as whole words.
const DISTINCT_HOST: usize = 6;

/// How far a folded name is replaced.
pub(super) fn scope(kind: Kind, folded: &str) -> Scope {
    // A Chinese name of two characters is as distinct as one of four letters.
    let weight: usize = folded.chars().map(|c| if c >= '\u{2E80}' { 2 } else { 1 }).sum();
    if weight < 4 || PROTECTED.contains(&folded) {
        Scope::Component
    } else if COMMON.contains(&folded)
        || folded.bytes().all(|byte| byte.is_ascii_digit())
        || kind == Kind::Host && weight < DISTINCT_HOST
        || matches!(kind, Kind::Address | Kind::Sid)
    {
        Scope::Word
    } else {
        Scope::Anywhere
    }
}

/// Whether a folded text is a word of paths or products.
pub(super) fn is_plain(folded: &str) -> bool {
    COMMON.contains(&folded) || PROTECTED.contains(&folded)
}

/// Whether a profile folder is nobody's.
pub(super) fn is_nobodys(profile: &str) -> bool {
    NOBODYS.contains(&fold(profile).as_str())
}

/// Whether a folded domain is an authority that every Windows has.
pub(super) fn is_authority(folded: &str) -> bool {
    WELL_KNOWN_DOMAINS.contains(&folded)
}

/// Whether a folded host is the machine itself.
pub(super) fn is_own_host(folded: &str) -> bool {
    WELL_KNOWN_HOSTS.contains(&folded)
}

/// Whether the folded first part of a host's name tells its service only.
pub(super) fn is_service(folded: &str) -> bool {
    SERVICES.contains(&folded)
}

/// Whether a folded part of a collected file's name stands in such names on every machine.
pub(super) fn is_of_files(folded: &str) -> bool {
    FILE_WORDS.contains(&folded)
}
