//! Hosts and users in `scheme://user@HOST:port/…`, and mail addresses, in folded UTF-16.

use super::found::{Found, LONGEST};
use super::units::{AT, COLON, DOT, SLASH, is_digit, is_word, starts_with};
use std::ops::Range;

/// Schemes behind which a host of the network stands. Others name files, packages and pages of a program
/// (`res://ieframe.dll`).
const SCHEMES: &[&str] = &[
    "amqp",
    "cifs",
    "dav",
    "davs",
    "file",
    "ftp",
    "ftps",
    "git",
    "gc",
    "http",
    "https",
    "imap",
    "imaps",
    "ipp",
    "ipps",
    "ldap",
    "ldaps",
    "mms",
    "mqtt",
    "mysql",
    "nfs",
    "nntp",
    "oracle",
    "pop",
    "pop3",
    "postgresql",
    "rdp",
    "redis",
    "rsync",
    "rtmp",
    "rtsp",
    "sftp",
    "sip",
    "sips",
    "smb",
    "smtp",
    "socks",
    "socks4",
    "socks5",
    "sqlserver",
    "ssh",
    "srv",
    "svn",
    "tcp",
    "telnet",
    "tftp",
    "udp",
    "vnc",
    "ws",
    "wss",
];
/// Domains of Windows itself, of namespaces and of public certificate authorities: they say nothing about anybody.
const PUBLIC: &[&str] = &[
    "comodoca.com",
    "digicert.com",
    "entrust.net",
    "globalsign.com",
    "globalsign.net",
    "microsoft.com",
    "msftconnecttest.com",
    "msftncsi.com",
    "openxmlformats.org",
    "purl.org",
    "sectigo.com",
    "symcb.com",
    "symcd.com",
    "thawte.com",
    "usertrust.com",
    "verisign.com",
    "w3.org",
    "windows.com",
    "windowsupdate.com",
    "xmlsoap.org",
];
/// Last labels of domains that exist in one network only.
const INTERNAL: &[&str] = &[
    "ad",
    "corp",
    "domain",
    "example",
    "home",
    "internal",
    "intra",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "office",
    "private",
    "test",
];
/// Last labels of mail domains beside those of two letters.
const MAIL: &[&str] = &[
    "app", "arpa", "biz", "cloud", "com", "dev", "edu", "email", "gov", "info", "int", "mil", "name", "net", "online",
    "org", "pro", "site", "tech", "top", "vip", "xyz",
];
/// Endings of files that look like countries: `icon@2x.js`.
const ENDINGS: &[&str] = &["cs", "db", "gz", "js", "md", "py", "rs", "sh", "so", "ts", "xz"];

/// Whether a dotted name (folded) ends in a domain of one network only.
pub(super) fn is_internal(host: &str) -> bool {
    host.rsplit_once('.').is_some_and(|(_, last)| INTERNAL.contains(&last))
}

/// Whether a host (folded) belongs to those that every Windows knows.
fn is_public(host: &str) -> bool {
    let of = |domain: &&str| host.strip_suffix(*domain).is_some_and(|head| head.is_empty() || head.ends_with('.'));
    PUBLIC.iter().any(of)
}

/// What follows the colon at `at`, if it is that of `scheme://`.
pub(super) fn find(text: &[u16], at: usize, found: &mut Vec<(Found, Range<usize>)>) {
    let Some(place) = authority(text, at) else { return };
    if let Some(user) = place.user {
        let colon = text.get(user.clone()).and_then(|user| user.iter().position(|unit| *unit == COLON));
        let parts = match colon {
            Some(colon) => vec![user.start..user.start + colon, user.start + colon + 1..user.end],
            None => vec![user],
        };
        found.extend(parts.into_iter().filter(|part| !part.is_empty()).map(|part| (Found::UrlUser, part)));
    }
    let host = String::from_utf16_lossy(text.get(place.host.clone()).unwrap_or_default());
    if !is_public(&host) {
        found.push((Found::UrlHost, place.host));
    }
}

/// Whether the host of such an address stands at `at`.
pub(super) fn is_host(text: &[u16], at: usize) -> bool {
    /// A user's name may stand between scheme and host.
    const BEFORE: usize = 72;
    let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
    matches!(before, Some(SLASH | AT))
        && (at.saturating_sub(BEFORE)..at)
            .filter(|colon| text.get(*colon) == Some(&COLON))
            .any(|colon| authority(text, colon).is_some_and(|place| place.host.start == at))
}

struct Authority {
    user: Option<Range<usize>>,
    host: Range<usize>,
}

/// What stands behind `scheme:` and two slashes, or more behind `file:`.
fn authority(text: &[u16], colon: usize) -> Option<Authority> {
    let head = text.get(..colon)?;
    let letters = head.iter().rev().take(12).take_while(|unit| is_word(**unit)).count();
    let scheme = String::from_utf16(head.get(colon - letters..)?).ok()?;
    if !SCHEMES.contains(&scheme.as_str()) {
        return None;
    }
    let slashes = text.get(colon + 1..)?.iter().take(6).take_while(|unit| **unit == SLASH).count();
    // `file:///C:/x` has no host; `file:////HOST/share` has.
    if slashes != 2 && !(scheme == "file" && (slashes == 4 || slashes == 5)) {
        return None;
    }
    let start = colon + 1 + slashes;
    let ends = |unit: u16| unit <= 0x20 || b"/\\?#\"'<>|,;()[]{}".iter().any(|mark| u16::from(*mark) == unit);
    let rest = text.get(start..)?;
    let length = rest.iter().take(LONGEST).take_while(|unit| !ends(**unit)).count();
    let shown = rest.get(..length)?;
    let at = shown.iter().rposition(|unit| *unit == AT);
    let first = at.map_or(0, |at| at + 1);
    let host = shown.get(first..)?;
    let host = host.split(|unit| *unit == COLON).next()?;
    let name = |unit: &u16| is_word(*unit) || [0x2D, DOT, 0x5F].contains(unit);
    let host = start + first..start + first + host.len();
    (host.len() > 1 && text.get(host.clone())?.iter().all(name))
        .then(|| Authority { user: at.map(|at| start..start + at), host })
}

/// `name@domain.tld` around the sign at `at`, but for those of [`PUBLIC`] domains.
pub(super) fn mail(text: &[u16], at: usize) -> Option<Range<usize>> {
    // Bytes read as UTF-16 at the wrong alignment look like letters of the East.
    let part = |unit: &u16| *unit < 0x0530 && is_word(*unit) || [0x2D, DOT, 0x5F, 0x2B].contains(unit);
    let before = text.get(..at)?.iter().rev().take(64).take_while(|unit| part(unit)).count();
    let behind = text.get(at + 1..)?.iter().take(LONGEST).take_while(|unit| part(unit) && **unit != 0x2B).count();
    let domain = String::from_utf16(text.get(at + 1..at + 1 + behind)?).ok()?;
    let domain = domain.trim_end_matches(['.', '-', '_']);
    let (head, last) = domain.rsplit_once('.')?;
    let country = last.len() == 2 && last.bytes().all(|byte| byte.is_ascii_lowercase()) && !ENDINGS.contains(&last);
    let known = country || MAIL.contains(&last) || INTERNAL.contains(&last);
    let start = at - before;
    // `\\server@SSL\…` and `http://user@host` are told elsewhere.
    let scheme = start > 2 && starts_with(text, start - 3, "://");
    let letters = text.get(start..at)?.iter().any(|unit| is_word(*unit) && !is_digit(*unit));
    let long = before > 1 && (letters || before > 4);
    (long && !head.is_empty() && known && !scheme && !is_public(domain))
        .then(|| start..at + 1 + domain.encode_utf16().count())
}
