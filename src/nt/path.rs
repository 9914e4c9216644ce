//! Windows paths as values. Captured paths are text of another machine: never `std::path`.

use std::borrow::Cow;

/// What ties the several spellings of one path together, as far as a capture tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// `%SystemRoot%`, `C:\Windows`.
    pub system_root: Option<String>,
    /// Device prefix and the DOS prefix it stands for: (`\Device\HarddiskVolume3`, `C:`), (`\\?\Volume{…}`, `C:`).
    /// Only pairs that the capture itself shows.
    pub volumes: Vec<(String, String)>,
    /// Likewise pairs that are not one volume, though a path is on both.
    pub apart: Vec<(String, String)>,
}

/// One character as NTFS compares names: the simple upper-case form, one character for one.
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    // The volume's table works on UTF-16 units: nothing beyond the BMP folds, and no letter becomes two.
    if u32::from(c) > 0xFFFF {
        return c;
    }
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        // Dotless i and long s keep their identity: folding them into ASCII would join two different names.
        (Some(one), None) if !one.is_ascii() => one,
        _ => c,
    }
}

/// The text with every character folded; borrowed when it already is.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| fold_char(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(fold_char).collect())
}

/// Whether two texts are the same name to NTFS.
pub fn same(a: &str, b: &str) -> bool {
    a.chars().map(fold_char).eq(b.chars().map(fold_char))
}

/// `text` without `prefix`, compared folded.
pub fn strip_prefix_folded<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let mut rest = text.chars();
    for want in prefix.chars() {
        if fold_char(rest.next()?) != fold_char(want) {
            return None;
        }
    }
    Some(rest.as_str())
}

/// The path in its shortest usual form: `\??\` and `\\?\` removed, `\SystemRoot` and device names replaced where
/// [`Roots`] ties them, the default stream suffix `::$DATA` and a trailing separator removed. A device that nothing
/// ties to a letter keeps its name.
pub fn normalize<'a>(path: &'a str, roots: &Roots) -> Cow<'a, str> {
    let mut text: Cow<'a, str> = Cow::Borrowed(path);
    for (device, dos) in &roots.volumes {
        if let Some(rest) = strip_prefix_folded(path, device)
            && (rest.is_empty() || rest.starts_with('\\'))
        {
            text = Cow::Owned(format!("{dos}{rest}"));
            break;
        }
    }
    if let Cow::Borrowed(path) = text {
        text = strip_namespace(path);
        for (device, dos) in &roots.volumes {
            let bare = strip_namespace(device);
            if let Some(rest) = strip_prefix_folded(&text, &bare)
                && (rest.is_empty() || rest.starts_with('\\'))
            {
                text = Cow::Owned(format!("{dos}{rest}"));
                break;
            }
        }
    }
    if let Some(root) = &roots.system_root
        && let Some(rest) = strip_prefix_folded(&text, r"\SystemRoot")
        && (rest.is_empty() || rest.starts_with('\\'))
    {
        text = Cow::Owned(format!("{}{rest}", root.trim_end_matches('\\')));
    }
    trim(text)
}

fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    let mut end = text.len();
    if let Some(head) = text.get(end.saturating_sub(7)..)
        && head.eq_ignore_ascii_case("::$DATA")
    {
        end -= 7;
    }
    let kept = text.get(..end).unwrap_or(&text);
    let bare = kept.trim_end_matches('\\');
    // `C:\` is a directory, `C:` the volume: only deeper paths lose the separator.
    let keep = if bare.contains('\\') { bare.len() } else { kept.len() };
    if keep == text.len() {
        return text;
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(..keep).unwrap_or(text)),
        Cow::Owned(mut text) => {
            text.truncate(keep);
            Cow::Owned(text)
        }
    }
}

/// Without the Win32 and NT namespace prefixes; `\\?\UNC\server` becomes `\\server`.
pub fn strip_namespace(path: &str) -> Cow<'_, str> {
    for prefix in [r"\??\", r"\\?\", r"\\.\", r"\DosDevices\", r"\GLOBAL??\"] {
        if let Some(rest) = strip_prefix_folded(path, prefix) {
            if let Some(share) = strip_prefix_folded(rest, r"UNC\") {
                return Cow::Owned(format!(r"\\{share}"));
            }
            if let Some(device) = strip_prefix_folded(rest, "GLOBALROOT") {
                return Cow::Borrowed(device);
            }
            return Cow::Borrowed(rest);
        }
    }
    Cow::Borrowed(path)
}

/// The path of the file and the name of the stream, `None` for the unnamed one. A drive's colon is no stream, the
/// type suffix `:$DATA` is dropped, and a directory's index streams are the directory itself.
pub fn split_stream(path: &str) -> (&str, Option<&str>) {
    let leaf_at = path.rfind('\\').map_or(0, |at| at + 1);
    let leaf = path.get(leaf_at..).unwrap_or(path);
    let from = if leaf_at == 0 && leaf.as_bytes().get(1) == Some(&b':') { 2 } else { 0 };
    let Some(colon) = leaf.get(from..).and_then(|rest| rest.find(':')).map(|at| at + from) else { return (path, None) };
    let file = path.get(..leaf_at + colon).unwrap_or(path);
    let suffix = leaf.get(colon + 1..).unwrap_or("");
    let (name, kind) = suffix.split_once(':').unwrap_or((suffix, ""));
    if name.is_empty() || kind.eq_ignore_ascii_case("$INDEX_ALLOCATION") {
        return (file, None);
    }
    (file, Some(name))
}

/// The last component, with its stream.
pub fn leaf(path: &str) -> &str {
    path.trim_end_matches('\\').rsplit('\\').next().unwrap_or(path)
}

/// The directory of `path`; a drive's root is `C:\`. `None` for a root.
pub fn parent(path: &str) -> Option<&str> {
    let bare = path.trim_end_matches('\\');
    let at = bare.rfind('\\')?;
    let head = bare.get(..at)?;
    if head.ends_with(':') { bare.get(..=at) } else { (!head.is_empty() && head != "\\").then_some(head) }
}

/// Whether `path` lies below the directory `dir` (not `dir` itself), compared folded.
pub fn is_below(path: &str, dir: &str) -> bool {
    strip_prefix_folded(path, dir.trim_end_matches('\\'))
        .is_some_and(|rest| rest.strip_prefix('\\').is_some_and(|rest| !rest.is_empty()))
}

/// Matches `*` (any run) and `?` (one character), folded, over the whole text.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (mut p, mut t) = (pattern.chars(), text.chars());
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let was_t = t.clone();
        match (p.next(), t.next()) {
            (Some('*'), _) => {
                retry = Some((p.clone(), was_t.clone()));
                t = was_t;
            }
            (Some('?'), Some(_)) => {}
            (Some(a), Some(b)) if fold_char(a) == fold_char(b) => {}
            (None, None) => return true,
            _ => {
                let Some((star, mut from)) = retry.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                p = star.clone();
                t = from.clone();
                retry = Some((star, from));
            }
        }
    }
}

/// A volume's device name, or its name by GUID without a prefix, and the rest of the path: `\Device\HarddiskVolume3`
/// or `Volume{…}`, and `\Windows\x`. Snapshots are none.
pub fn volume_device(path: &str) -> Option<(&str, &str)> {
    if let Some(rest) = strip_prefix_folded(path, "Volume{") {
        let tail = rest.find('}').and_then(|end| rest.get(end + 1..)).filter(|tail| tail.starts_with('\\'))?;
        return Some(path.split_at(path.len() - tail.len()));
    }
    let rest = strip_prefix_folded(path, r"\Device\HarddiskVolume")?;
    let tail = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered = tail.len() < rest.len() && tail.starts_with('\\');
    numbered.then(|| path.split_at(path.len() - tail.len()))
}

/// A leaf name without the 32 hexadecimal digits and the mark that servicing puts in front of files in flight.
pub fn without_transaction_id(name: &str) -> &str {
    match name.get(..32).zip(name.get(33..)) {
        Some((id, rest))
            if id.bytes().all(|b| b.is_ascii_hexdigit())
                && matches!(name.as_bytes().get(32), Some(b'_' | b'.'))
                && !rest.is_empty() =>
        {
            rest
        }
        _ => name,
    }
}

/// Whether a name is the number of a servicing transaction, which exists once in the world.
pub fn is_transaction_id(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Roots {
        Roots {
            system_root: Some(r"C:\Windows".into()),
            volumes: vec![
                (r"\Device\HarddiskVolume3".into(), "C:".into()),
                (r"\\?\Volume{12345678-0000-0000-0000-100000000000}".into(), "D:".into()),
            ],
            ..Roots::default()
        }
    }

    #[test]
    fn folds_without_allocating() {
        assert!(matches!(fold(r"C:\ÄÖ 文件"), Cow::Borrowed(_)));
        assert_eq!(fold("straße ǆ ı ſ 𐐨"), "STRAßE Ǆ ı ſ 𐐨");
        assert!(same("Ünïcode", "ÜNÏCODE"));
        assert!(!same("ı", "i"));
    }

    #[test]
    fn normalizes() {
        for (path, want) in [
            (r"\??\C:\a\b", r"C:\a\b"),
            (r"\\?\C:\a\b\", r"C:\a\b"),
            (r"\\?\UNC\srv\share\f", r"\\srv\share\f"),
            (r"\Device\HarddiskVolume3\a", r"C:\a"),
            (r"\Device\HarddiskVolume30\a", r"\Device\HarddiskVolume30\a"),
            (r"\\?\GLOBALROOT\Device\HarddiskVolume3\a", r"C:\a"),
            (r"\systemroot\System32\x", r"C:\Windows\System32\x"),
            (r"\??\Volume{12345678-0000-0000-0000-100000000000}\x", r"D:\x"),
            (r"C:\a::$DATA", r"C:\a"),
            (r"C:\", r"C:\"),
            ("C:", "C:"),
        ] {
            assert_eq!(normalize(path, &roots()), want, "{path}");
        }
    }

    #[test]
    fn streams() {
        assert_eq!(split_stream(r"C:\d\f:s:$DATA"), (r"C:\d\f", Some("s")));
        assert_eq!(split_stream(r"C:\d\f::$DATA"), (r"C:\d\f", None));
        assert_eq!(split_stream(r"C:\d:$I30:$INDEX_ALLOCATION"), (r"C:\d", None));
        assert_eq!(split_stream(r"C:"), ("C:", None));
        assert_eq!(split_stream(r"C:\f"), (r"C:\f", None));
        assert_eq!(split_stream("file:s"), ("file", Some("s")));
    }

    #[test]
    fn volumes() {
        let guid = "Volume{12345678-0000-0000-0000-100000000000}";
        assert_eq!(volume_device(&format!(r"{guid}\a\b")), Some((guid, r"\a\b")));
        assert_eq!(volume_device(r"\Device\HarddiskVolume3\a"), Some((r"\Device\HarddiskVolume3", r"\a")));
        for none in [guid, r"Volume{1\a", r"\Device\HarddiskVolume3", r"\Device\HarddiskVolumeShadowCopy1\a", r"C:\a"] {
            assert_eq!(volume_device(none), None, "{none}");
        }
    }

    #[test]
    fn parts() {
        assert_eq!(parent(r"C:\a\b"), Some(r"C:\a"));
        assert_eq!(parent(r"C:\a"), Some(r"C:\"));
        assert_eq!(parent(r"C:\"), None);
        assert_eq!(leaf(r"C:\a\b:s"), "b:s");
        assert!(is_below(r"C:\WINDOWS\x", r"c:\windows"));
        assert!(!is_below(r"C:\Windows2\x", r"C:\Windows"));
        assert!(!is_below(r"C:\Windows\", r"C:\Windows"));
        assert!(is_below(r"C:\x", r"C:\"));
    }

    #[test]
    fn wildcards() {
        assert!(wildcard(r"*\inflight\*", r"C:\Windows\WinSxS\Temp\InFlight\a\b"));
        assert!(wildcard("a?c*", "ABC"));
        assert!(!wildcard("a?c", "abcd"));
        assert!(wildcard("*", ""));
        assert!(!wildcard("?", ""));
    }
}
