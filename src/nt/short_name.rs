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

/// The first 8.3 names that Windows gives files whose long names begin like this one; none where it needs no other.
pub fn first_for(long: &str) -> Vec<String> {
    let (base, extension) = long_parts(long);
    let ascii = |part, count| kept(part).filter(char::is_ascii).take(count).collect::<String>();
    let (base, extension) = (ascii(base, MAX_BASE), ascii(extension, MAX_EXTENSION));
    if base.is_empty() || needs_none(long) {
        return Vec::new();
    }
    let dot = if extension.is_empty() { "" } else { "." };
    (1..=4).map(|number| format!("{base}~{number}{dot}{extension}")).collect()
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
    fn the_first_ones_of_a_long_name() {
        assert_eq!(first_for("clipboardserver.dll")[..2], ["CLIPBO~1.DLL", "CLIPBO~2.DLL"]);
        assert_eq!(first_for("Program Files"), ["PROGRA~1", "PROGRA~2", "PROGRA~3", "PROGRA~4"]);
        assert_eq!(first_for("a+b.html")[0], "A_B~1.HTM");
        for (none, name) in [("fits", "short.dll"), ("nothing is left", "文档")] {
            assert_eq!(first_for(name), [""; 0], "{none}");
        }
        for long in ["clipboardserver.dll", "Program Files", "a+b.html", "my file (1).txt"] {
            assert!(first_for(long).iter().all(|short| may_be_short_for(short, long)), "{long}");
        }
    }
}
