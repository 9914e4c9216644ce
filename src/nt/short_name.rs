//! 8.3 names as Windows makes them: `LONGNA~1.EXT`, or two characters and four hexadecimal digits in front of the `~` once
//! several names begin alike.

use super::path::fold_char;

/// Characters in front of the `~`, at most.
const MAX_BASE: usize = 6;

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

/// Whether `short` may be the 8.3 name of `long`.
pub fn may_be_short_for(short: &str, long: &str) -> bool {
    let Some((base, extension)) = parts(short) else { return false };
    let (long_base, long_extension) = long.trim_start_matches('.').rsplit_once('.').unwrap_or((long, ""));
    let kept = |text: &str, count: usize| -> String {
        let plain = text.chars().filter(|c| !matches!(c, '.' | ' '));
        plain.map(|c| if "+,;=[]".contains(c) { '_' } else { fold_char(c) }).take(count).collect()
    };
    // What is not in the system's code page Windows leaves out or writes otherwise.
    let written = |text: &str| text.is_ascii();
    if !written(long) {
        return true;
    }
    let base: String = base.chars().map(fold_char).collect();
    let begin = kept(long_base, MAX_BASE);
    let hashed = base.len() == MAX_BASE
        && base.get(2..).is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit()))
        && base.get(..2) == begin.get(..2);
    let same_extension = extension.chars().map(fold_char).collect::<String>() == kept(long_extension, 3);
    same_extension && (begin.starts_with(&base) || hashed)
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
        ] {
            assert_eq!(may_be_short_for(short, long), may, "{short} {long}");
        }
    }
}
