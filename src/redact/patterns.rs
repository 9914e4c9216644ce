//! What can be told from the text around it, in folded UTF-16.

use super::found::{Found, LONGEST};
use super::roots::Roots;
use super::units::{AT, BACKSLASH, COLON, DOT, SLASH, is_digit, is_hex, is_word, starts_with};
use super::{address, url};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

/// Everything found in `text`, folded; addresses last. `roots`: folders of profiles beside those that are known.
pub(super) fn find(text: &[u16], roots: &Roots) -> Vec<(Found, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(unit) = text.get(at) {
        match *unit {
            BACKSLASH | SLASH => {
                profile(text, at, roots, &mut found);
                found.extend(server(text, at).or_else(|| redirected(text, at)).map(|range| (Found::Server, range)));
            }
            COLON => url::find(text, at, &mut found),
            AT => found.extend(url::mail(text, at).map(|range| (Found::Mail, range))),
            0x73 => found.extend(sid(text, at).map(|range| (Found::Sid, range))),
            0x75 | 0x63 | 0x6C => found.extend(variable(text, at)),
            _ => {}
        }
        at += 1;
    }
    found.extend(addresses(text).into_iter().map(|range| (Found::Address, range)));
    found
}

/// The IP addresses of `text`, folded.
pub(super) fn addresses(text: &[u16]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, unit) in text.iter().enumerate().filter(|(_, unit)| is_hex(**unit)) {
        let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
        if is_digit(*unit)
            // `~` comes before the version of a package, `Version=` before that of an assembly.
            && !before.is_some_and(|unit| is_word(unit) || [DOT, 0x2D, 0x5F, 0x7E].contains(&unit))
            && !follows_version(text, at)
            && let Some((range, _)) = ipv4(text, at)
        {
            found.push(range);
        }
        if !before.is_some_and(|unit| is_hex(unit) || unit == COLON) {
            found.extend(ipv6(text, at));
        }
    }
    found
}

/// Whether the word `version` and at most a sign or two stand before `at`.
fn follows_version(text: &[u16], at: usize) -> bool {
    const WORD: &str = "version";
    let marks = |unit: &&u16| b" =:\"'".iter().any(|mark| u16::from(*mark) == **unit);
    let head = text.get(..at).unwrap_or_default();
    let gap = head.iter().rev().take(4).take_while(marks).count();
    head.len().checked_sub(gap + WORD.len()).is_some_and(|start| starts_with(text, start, WORD))
}

/// Whether a unit ends a path component, a command-line word or any text.
fn ends_name(unit: u16) -> bool {
    unit < 0x20 || unit == 0xFFFD || b"\"<>|:*?/\\,;=".iter().any(|mark| u16::from(*mark) == unit)
}

/// `\users\NAME`, `\documents and settings\NAME`, a name below one of `roots`, and the `/home/NAME` of a machine where captures are read.
fn profile(text: &[u16], at: usize, roots: &Roots, found: &mut Vec<(Found, Range<usize>)>) {
    let folders: &[&str] = match text.get(at) {
        Some(&SLASH) => &["users", "documents and settings", "docume~1", "home"],
        _ => &["users", "documents and settings", "docume~1"],
    };
    let start = match folders.iter().find(|name| starts_with(text, at + 1, name)) {
        Some(folder) => {
            let behind = at + 1 + folder.len();
            let rest = text.get(behind..).unwrap_or_default().iter();
            match rest.take_while(|unit| [BACKSLASH, SLASH].contains(unit)).count() {
                0 => return,
                // Those of every Windows: groups such as `HomeUsers` are looked for here, too.
                _ if ends_with(text, at, "\\domains\\builtin") => return,
                // The accounts of a machine: by number, and by name below `Names`.
                separators if ends_with(text, at, "\\domains\\account") => {
                    let Some(start) = self::behind(text, behind + separators, "names\\") else { return };
                    start
                }
                separators => behind + separators,
            }
        }
        None if roots.end(text.get(..=at).unwrap_or_default(), true) => at + 1,
        None => return,
    };
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.iter().take(LONGEST).take_while(|unit| !ends_name(**unit)).count();
    let closed = rest.get(length).is_some_and(|unit| [BACKSLASH, SLASH].contains(unit));
    let name = rest.get(..length).unwrap_or_default();
    // In a command line a name without a folder behind it ends at the blank; as a path of its own it does not.
    let first_word = name.iter().position(|unit| *unit == 0x20).unwrap_or(length);
    if !closed && first_word > 0 && first_word < length {
        found.push((Found::OpenProfile, start..start + first_word));
    }
    if length > 0 && (closed || length <= 24) {
        found.push((if closed { Found::Profile } else { Found::OpenProfile }, start..start + length));
    }
}

/// Whether `head` stands before `at`.
fn ends_with(text: &[u16], at: usize, head: &str) -> bool {
    at.checked_sub(head.len()).is_some_and(|start| starts_with(text, start, head))
}

/// What stands behind one backslash in names of the kernel and is no server, even where backslashes are doubled.
const ROOTS: [&str; 12] = [
    "systemroot",
    "device",
    "registry",
    "dosdevices",
    "global",
    "sessions",
    "driver",
    "windows",
    "winsxs",
    "users",
    "programdata",
    "system32",
];

/// `\\SERVER\share`, `\\?\UNC\SERVER\share`, `\\SERVER@SSL\share`; also with every backslash doubled.
fn server(text: &[u16], at: usize) -> Option<Range<usize>> {
    let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
    let run = backslashes(text, at);
    if ![2, 4].contains(&run) || before.is_some_and(|unit| unit == BACKSLASH || is_word(unit)) {
        return None;
    }
    let long = behind(text, at + run, "?\\unc\\");
    let (name, end) = server_name(text, long.unwrap_or(at + run))?;
    let is_root = ROOTS.iter().any(|root| root.len() == name.len() && starts_with(text, name.start, root));
    // `C:\\Windows\\x` is a path of doubled backslashes, and no server follows its drive.
    let doubled = run == 2 && long.is_none() && backslashes(text, end) > 1;
    let is_server = text.get(end) == Some(&BACKSLASH) && !is_root && !(doubled && before == Some(COLON));
    is_server.then_some(name)
}

/// What stands before the server in the kernel's names of network files.
const REDIRECTORS: [&str; 4] =
    ["\\device\\mup\\", "\\device\\lanmanredirector\\", "\\device\\webdavredirector\\", "\\??\\unc\\"];

/// `\Device\Mup\SERVER\share`, with or without `\;LanmanRedirector\;Z:0000\` between; also with doubled backslashes.
fn redirected(text: &[u16], at: usize) -> Option<Range<usize>> {
    let mut start = REDIRECTORS.iter().find_map(|head| behind(text, at, head))?;
    while text.get(start) == Some(&0x3B) {
        start += 1 + text.get(start..)?.iter().take(LONGEST).position(|unit| *unit == BACKSLASH)?;
        start += usize::from(text.get(start) == Some(&BACKSLASH));
    }
    server_name(text, start).map(|(name, _)| name)
}

/// Whether a server's name stands where server names stand, from `at` on.
pub(super) fn is_server(text: &[u16], at: usize) -> bool {
    /// Longest of what stands before it.
    const BEFORE: usize = 96;
    if url::is_host(text, at) {
        return true;
    }
    at.checked_sub(1).and_then(|at| text.get(at)) == Some(&BACKSLASH)
        && (at.saturating_sub(BEFORE)..at)
            .filter(|start| text.get(*start) == Some(&BACKSLASH))
            .any(|start| server(text, start).or_else(|| redirected(text, start)).is_some_and(|name| name.start == at))
}

/// A server's name from `start` on, and where what belongs to it ends: `@SSL` and a port may follow.
fn server_name(text: &[u16], start: usize) -> Option<(Range<usize>, usize)> {
    let rest = text.get(start..)?;
    let length = rest.iter().take(LONGEST).take_while(|unit| !ends_name(**unit)).count();
    let shown = rest.get(..length)?;
    let name = shown.split(|unit| *unit == AT).next()?;
    let plain = shown.iter().all(|unit| is_word(*unit) || [0x2D, 0x2E, 0x5F, AT].contains(unit));
    (name.len() > 1 && plain).then_some((start..start + name.len(), start + length))
}

/// Where `head` ends that stands at `at`, its backslashes single or doubled.
fn behind(text: &[u16], at: usize, head: &str) -> Option<usize> {
    let mut end = at;
    for unit in head.bytes().map(u16::from) {
        if text.get(end) != Some(&unit) {
            return None;
        }
        end += if unit == BACKSLASH { backslashes(text, end).min(2) } else { 1 };
    }
    Some(end)
}

/// How many backslashes stand from `at` on.
fn backslashes(text: &[u16], at: usize) -> usize {
    text.get(at..).unwrap_or_default().iter().take_while(|unit| **unit == BACKSLASH).count()
}

/// `s-1-5-21-…` and `s-1-12-1-…` with at least three numbers more.
pub(super) fn sid(text: &[u16], at: usize) -> Option<Range<usize>> {
    let head = ["s-1-5-21-", "s-1-12-1-"].iter().find(|head| starts_with(text, at, head))?;
    let mut end = at + head.len();
    let mut numbers = 0;
    loop {
        let digits = text.get(end..)?.iter().take(11).take_while(|unit| is_digit(**unit)).count();
        if !(1..=10).contains(&digits) {
            // A dash that no number follows is not part of it.
            end -= usize::from(numbers > 0);
            break;
        }
        numbers += 1;
        end += digits;
        if text.get(end) != Some(&0x2D) || numbers == 15 {
            break;
        }
        end += 1;
    }
    (numbers >= 3).then_some(at..end)
}

fn variable(text: &[u16], at: usize) -> Option<(Found, Range<usize>)> {
    if at > 0 && text.get(at - 1).is_some_and(|unit| is_word(*unit) || *unit == 0x5F) {
        return None;
    }
    let (name, found) = [
        ("username=", Found::UserVariable),
        ("userdomain=", Found::DomainVariable),
        ("userdnsdomain=", Found::DomainVariable),
        ("userdomain_roamingprofile=", Found::DomainVariable),
        ("computername=", Found::ComputerVariable),
        ("logonserver=", Found::ComputerVariable),
        ("clientname=", Found::ComputerVariable),
    ]
    .into_iter()
    .find(|(name, _)| starts_with(text, at, name))?;
    let start = at + name.len();
    let rest = text.get(start..)?;
    let slashes = rest.iter().take_while(|unit| **unit == BACKSLASH).count();
    let length = rest.iter().skip(slashes).take(LONGEST).take_while(|unit| !ends_name(**unit)).count();
    let end = start + slashes + length;
    (length > 0 && end < text.len()).then_some((found, start + slashes..end))
}

/// A dotted address from `at` on that is not a version number as part of a path.
pub(super) fn ipv4(text: &[u16], at: usize) -> Option<(Range<usize>, Ipv4Addr)> {
    let mut end = at;
    let mut octets = [0u8; 4];
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            if text.get(end) != Some(&DOT) {
                return None;
            }
            end += 1;
        }
        let digits = text.get(end..)?.iter().take(4).take_while(|unit| is_digit(**unit));
        let (length, value) =
            digits.fold((0, 0u32), |(length, value), digit| (length + 1, value * 10 + u32::from(digit - 0x30)));
        if length == 0 || length > 1 && text.get(end) == Some(&0x30) {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
        end += length;
    }
    let next = text.get(end).copied();
    if next.is_some_and(|unit| is_word(unit) || unit == 0x5F)
        || next == Some(DOT) && text.get(end + 1).is_some_and(|unit| is_digit(*unit))
    {
        return None;
    }
    // `C:\Program Files\Tool\1.2.3.4\tool.exe`: one backslash before, one behind.
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    let before_that = at.checked_sub(2).and_then(|at| text.get(at));
    let address = Ipv4Addr::from(octets);
    // Only an address of a private network is one there, too: `…\Terminal Server Client\Servers\192.168.1.5`.
    if before == Some(&BACKSLASH)
        && before_that != Some(&BACKSLASH)
        && (next == Some(0x2D) || !address::is_private(address))
    {
        return None;
    }
    (!address::is_nobodys(IpAddr::V4(address))).then_some((at..end, address))
}

/// An IPv6 address from `at` on: all eight groups, or at least three groups that are not zero. A port may follow, as
/// number or name, behind one more colon.
fn ipv6(text: &[u16], at: usize) -> Option<Range<usize>> {
    let length = text.get(at..)?.iter().take(46).take_while(|unit| is_hex(**unit) || **unit == COLON).count();
    let token = text.get(at..at + length)?;
    if token.iter().filter(|unit| **unit == COLON).count() < 2 {
        return None;
    }
    let token = String::from_utf16(token).ok()?;
    let without_port = || token.rsplit_once(':').map(|(address, _)| address);
    let parsed = |token: &str| {
        let address: std::net::Ipv6Addr = token.parse().ok()?;
        let groups = address.segments().iter().filter(|segment| **segment != 0).count();
        let certain = groups >= 3 || !token.contains("::");
        (certain && !address::is_nobodys(IpAddr::V6(address))).then(|| at..at + token.len())
    };
    if text.get(at + length).is_some_and(|unit| is_word(*unit)) {
        return without_port().and_then(parsed);
    }
    parsed(token.trim_end_matches(':')).or_else(|| without_port().and_then(parsed))
}

/// Whether a number that was learned as an address is a version where it stands: of a package, a component, an assembly
/// or a longer number.
pub(super) fn is_version(text: &[u16], range: &Range<usize>) -> bool {
    let unit = |at: Option<usize>| at.and_then(|at| text.get(at)).copied();
    let (before, after) = (unit(range.start.checked_sub(1)), unit(Some(range.end)));
    let digit_before = unit(range.start.checked_sub(2)).is_some_and(is_digit);
    let digit_after = unit(Some(range.end + 1)).is_some_and(is_digit);
    before == Some(0x7E)
        || before == Some(0x5F) && after == Some(0x5F)
        || before == Some(DOT) && digit_before
        || after == Some(DOT) && digit_after
        || follows_version(text, range.start)
}

/// How many characters at the start of a file's version are its number: digits and what parts them.
pub(super) fn version_number(version: impl Iterator<Item = char>) -> usize {
    version.take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ' | '\0')).count()
}
