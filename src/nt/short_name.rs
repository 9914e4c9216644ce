//! 8.3 names as Windows makes them: `LONGNA~1.EXT`, or two characters and four hexadecimal digits in front of the `~` once
//! several names begin alike.

use super::path::fold_char;

/// Characters in front of the `~`, at most.
const MAX_BASE: usize = 6;
/// Characters of the extension, at most.
const MAX_EXTENSION: usize = 3;

/// Whether a name has the form of one that Windows made.
pub fn is_short(name: &str) -> bool {
    parts(name).is_some()
}

/// What stands before the `~` and the extension of a name that Windows may have made.
fn parts(name: &str) -> Option<(&str, &str)> {
    let (base, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let (base, number) = base.rsplit_once('~')?;
    let short = base.len() + 1 + number.len() <= 8 && extension.len() <= 3 && !base.is_empty();
    let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (short && numbered && !base.contains(['.', ' ', '~'])).then_some((base, extension))
}

/// Base and extension of a long name, as its 8.3 name is made of them.
fn long_parts(name: &str) -> (&str, &str) {
    name.trim_start_matches('.').rsplit_once('.').unwrap_or((name, ""))
}

/// What Windows takes of a part of a long name: no blanks and dots, `_` for what an 8.3 name may not have.
fn kept(part: &str) -> impl Iterator<Item = char> + '_ {
    let plain = part.chars().filter(|c| !matches!(c, '.' | ' '));
    plain.map(|c| if "+,;=[]".contains(c) { '_' } else { fold_char(c) })
}

/// Whether a name is fit to be an 8.3 name itself, and so has no other.
fn needs_none(name: &str) -> bool {
    let (base, extension) = long_parts(name);
    let as_it_is = |part: &str| part.is_ascii() && kept(part).eq(part.chars().map(fold_char));
    base.len() <= 8 && extension.len() <= 3 && as_it_is(base) && as_it_is(extension) && !name.starts_with('.')
}

/// Whether `short` may be the 8.3 name of `long`. Of what is not ASCII Windows leaves out what the system's code page lacks, so
/// that nothing is told by it.
pub fn may_be_short_for(short: &str, long: &str) -> bool {
    let Some((base, extension)) = parts(short).filter(|_| !needs_none(long)) else { return false };
    let (long_base, long_extension) = long_parts(long);
    let base: String = base.chars().map(fold_char).collect();
    let begin: String = kept(long_base).take(MAX_BASE).collect();
    let hashed = base.len() == MAX_BASE
        && base.get(2..).is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit()))
        && base.get(..2) == begin.get(..2);
    let same_extension =
        !long_extension.is_ascii() || extension.chars().map(fold_char).eq(kept(long_extension).take(MAX_EXTENSION));
    same_extension && (!long_base.is_ascii() || hashed || begin.starts_with(&base))
}

/// Whether a name has an 8.3 name besides, or is one.
pub fn has_short(name: &str) -> bool {
    is_short(name) || !needs_none(name)
}

/// How the two parts of a name begin, which its 8.3 name has in common with it; `None` where that may have nothing of it.
pub fn in_common(name: &str) -> Option<[u8; 5]> {
    fn put(part: impl Iterator<Item = char>, to: &mut [u8]) {
        to.iter_mut().zip(part).for_each(|(to, c)| *to = u8::try_from(c).unwrap_or_default());
    }
    if !name.is_ascii() {
        return None;
    }
    let (base, extension) = parts(name).unwrap_or_else(|| long_parts(name));
    let mut common = [0; 5];
    let (begin, end) = common.split_at_mut(2);
    put(kept(base), begin);
    put(kept(extension), end);
    Some(common)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_told_by_their_form() {
        for name in ["PROGRA~1", "e78f07~1", "MICRO~12.dll", "AB1F3C~4.TXT", "a~1"] {
            assert!(is_short(name), "{name}");
        }
        for name in ["Program Files", "~1", "MICROS~12", "a~b", "LONGERNAME~1", "x~1.html", "a.b~1.txt", "note~"] {
            assert!(!is_short(name), "{name}");
        }
    }

    #[test]
    fn a_short_name_fits_what_begins_alike() {
        for (short, long, may) in [
            ("PROGRA~1", "Program Files", true),
            ("PROGRA~2", "Program Files (x86)", true),
            ("progra~1", "Programs.old", false),
            ("E78F07~1", "e78f07ebd9aad801420000001c101014", true),
            ("E88F07~1", "e78f07ebd9aad801420000001c101014", false),
            ("PR4C1D~1", "Program Files", true),
            ("QX4C1D~1", "Program Files", false),
            ("CLIPBO~1.DLL", "clipboardserver.dll", true),
            ("CLIPBO~1.DLL", "clipboardserver.exe", false),
            ("INDEX~1.HTM", "index.html", true),
            ("DOCUME~1", "文档", true),
            ("DOCUME~1.TXT", "文档.txt", true),
            ("DOCUME~1.TXT", "文档.dll", false),
            ("0DDC15~1.DLL", "0ddc1500e80dc013_clipboardserver.dll", true),
            ("0D3FA2~1.DLL", "0ddc1500e80dc013_clipboardserver.dll", true),
            ("1DDC15~1.DLL", "0ddc1500e80dc013_clipboardserver.dll", false),
            ("MYFILE~1.TXT", "my file (1).txt", true),
            ("A_B~1", "a+b", true),
            ("SHORT~1.DLL", "short.dll", false),
        ] {
            assert_eq!(may_be_short_for(short, long), may, "{short} {long}");
        }
    }

    #[test]
    fn a_name_and_its_short_one_begin_alike() {
        for (short, long) in [
            ("CLIPBO~1.DLL", "clipboardserver.dll"),
            ("CL4C1D~1.DLL", "clipboardserver.dll"),
            ("PROGRA~2", "Program Files (x86)"),
            ("A_B~1.HTM", "a+b.html"),
            ("MYFILE~1.TXT", "my file (1).txt"),
            ("GITIGN~1", ".gitignore"),
            ("AB~1.C", "a.b.c"),
        ] {
            assert!(may_be_short_for(short, long), "{short} {long}");
            assert_eq!(in_common(short), in_common(long), "{short} {long}");
            assert!(has_short(short) && has_short(long), "{short} {long}");
        }
        assert_eq!(in_common("Clipboard.dll"), Some(*b"CLDLL"));
        assert_eq!(in_common("文档"), None);
        assert!(!has_short("short.dll"));
    }
}
