//! Failure records, marked `(F)`: where a failure began, and the calls through which it travelled.

use std::borrow::Cow;

use crate::servicing::codes::{Printed, parse_printed};

/// A failure record, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// `path(LINE): Error STATUS originated in function F expression: E`.
    Origin {
        /// The status.
        code: Option<u32>,
        /// The function, with its namespaces.
        function: String,
    },
    /// `STATUS #N# from F(args)`: the deepest call has the highest number.
    Trail {
        /// The status.
        code: Option<u32>,
        /// The call's number.
        call: u64,
        /// The function, with its namespaces.
        function: String,
    },
    /// Free text.
    Other,
}

/// The text with line breaks as blanks, for matching words.
pub fn flat(text: &str) -> Cow<'_, str> {
    if text.contains('\n') { Cow::Owned(text.replace('\n', " ")) } else { Cow::Borrowed(text) }
}

/// Parses the text of a failure record; `None` when it does not start with `(F)`.
pub fn parse(text: &str) -> Option<Failure> {
    let text = flat(text.strip_prefix("(F)")?);
    let text = text.trim_start();
    if let Some((Printed { code, .. }, rest)) = parse_printed(text)
        && let Some(found) = call(rest.trim_start())
    {
        let (call, function) = found;
        return Some(Failure::Trail { code, call, function });
    }
    if let Some((place, rest)) = text.split_once("): Error ")
        && place.len() < 1024
        && let Some((Printed { code, .. }, rest)) = parse_printed(rest.trim_start())
        && let Some(rest) = rest.trim_start().strip_prefix("originated in function ")
    {
        let function = rest.split(" expression:").next().unwrap_or(rest).trim();
        return Some(Failure::Origin { code, function: clip(function) });
    }
    Some(Failure::Other)
}

/// `#N# from F(…`
fn call(text: &str) -> Option<(u64, String)> {
    let (number, rest) = text.strip_prefix('#')?.split_once('#')?;
    let number = number.parse().ok()?;
    let rest = rest.trim_start().strip_prefix("from ")?.trim_start();
    let mut quoted = false;
    let end = rest
        .char_indices()
        .find(|(_, c)| {
            match c {
                '`' => quoted = true,
                '\'' => quoted = false,
                _ => {}
            }
            !quoted && matches!(c, '(' | '[' | ' ')
        })
        .map_or(rest.len(), |(at, _)| at);
    Some((number, clip(rest.get(..end)?)))
}

/// Names are printed; a hostile one is not kept whole.
fn clip(text: &str) -> String {
    text.chars().take(400).collect()
}

/// The last part of a name: `SysCreateFile`.
pub fn last_part(function: &str) -> &str {
    function.rsplit("::").next().unwrap_or(function)
}

/// The last two parts: `CDirectory::DeleteRecursively`.
pub fn last_two_parts(function: &str) -> &str {
    let mut ends = function.rmatch_indices("::");
    ends.next();
    ends.next().and_then(|(at, _)| function.get(at + 2..)).unwrap_or(function)
}

/// Whether a call of that name tidies up rather than does the work.
pub fn is_cleanup(function: &str) -> bool {
    last_part(function).contains("DeleteRecursively")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trail_and_origin() {
        assert_eq!(
            parse(
                "(F) STATUS_DELETE_PENDING #4486221# from Windows::Rtl::SystemImplementation::CDirectory::DeleteRecursively(...)"
            ),
            Some(Failure::Trail {
                code: Some(0xC000_0056),
                call: 4_486_221,
                function: "Windows::Rtl::SystemImplementation::CDirectory::DeleteRecursively".into()
            })
        );
        assert_eq!(
            parse(
                "(F) STATUS_OBJECT_PATH_NOT_FOUND #5974576# from CCSDirectTransaction::OperateEnding at index 0 of 1 operations, disposition 0"
            ),
            Some(Failure::Trail {
                code: Some(0xC000_003A),
                call: 5_974_576,
                function: "CCSDirectTransaction::OperateEnding".into()
            })
        );
        assert_eq!(
            parse(
                "(F) onecore\\base\\wcp\\deltahydrator.cpp(60): Error 800f0985 [Warning,Facility=15 (0x000f),Code=2437 (0x0985)] originated in function DeltaHydrator::`anonymous-namespace'::GetPsfxSpecificError expression: (((SCODE)))"
            ),
            Some(Failure::Origin {
                code: Some(0x800F_0985),
                function: "DeltaHydrator::`anonymous-namespace'::GetPsfxSpecificError".into()
            })
        );
        assert_eq!(parse("(F) Hydration failed with original error X"), Some(Failure::Other));
        assert_eq!(parse("Hashes for"), None);
    }

    #[test]
    fn a_line_break_is_a_blank() {
        let Some(Failure::Trail { call, .. }) = parse("(F) STATUS_DELETE_PENDING\n#12# from\nA::B(x)") else {
            panic!("no trail")
        };
        assert_eq!(call, 12);
    }

    #[test]
    fn parts_of_names() {
        assert_eq!(last_part("A::B::C"), "C");
        assert_eq!(last_two_parts("A::B::C"), "B::C");
        assert_eq!(last_two_parts("B::C"), "B::C");
        assert!(is_cleanup("X::CDirectory::DeleteRecursively") && !is_cleanup("X::SysCreateFile"));
    }
}
