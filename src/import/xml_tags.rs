//! What keeps a damaged XML export readable: which elements are open, and a stream whose tags always end.

use memchr::{memchr, memchr_iter, memchr2, memrchr};
use std::io::{self, Read};

/// Longest value that is believed.
pub(super) const LONGEST: usize = 16 << 20;
/// Longest text in front of the root element that is believed.
const LONGEST_PROLOG: usize = 1 << 20;

/// The elements that are open, by name.
#[derive(Debug, Default)]
pub(super) struct OpenTags {
    names: String,
    /// Where the name of each ends.
    ends: Vec<usize>,
}

/// What a closing tag closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closes {
    /// The element opened last.
    Last,
    /// One around it: the closing tags of those within are missing.
    Outer,
    /// None that is open.
    Nothing,
}

impl OpenTags {
    pub(super) const fn depth(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn open(&mut self, name: &str) {
        self.names.push_str(name);
        self.ends.push(self.names.len());
    }

    /// Forgets all but the outer `depth` elements.
    pub(super) fn truncate(&mut self, depth: usize) {
        self.ends.truncate(depth);
        self.names.truncate(self.ends.last().copied().unwrap_or_default());
    }

    pub(super) fn close(&mut self, name: &str) -> Closes {
        let found = (0..self.depth()).rev().find(|at| self.name(*at) == name);
        let Some(at) = found else { return Closes::Nothing };
        let closes = if at + 1 == self.depth() { Closes::Last } else { Closes::Outer };
        self.truncate(at);
        closes
    }

    /// Forgets the element opened last.
    pub(super) fn drop_last(&mut self) {
        self.truncate(self.depth().saturating_sub(1));
    }

    fn name(&self, at: usize) -> &str {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(at).and_then(|end| self.names.get(start..*end)).unwrap_or_default()
    }
}

/// Where in the document the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In front of the first element.
    Prolog,
    Text,
    /// Behind `<`.
    Begin,
    Tag,
}

/// The stream of a document, in which damage stays where it is. Procmon's elements have neither attributes nor comments, so
/// that what would make the reader run on for the rest of the file (a quote within a tag, `<!`, a tag without its end) is
/// damage, and is turned into a tag of an unknown name. Ends the stream when no tag begins for longer than any value can
/// be, so that memory stays bounded.
pub(super) struct Guard {
    input: Box<dyn Read + Send>,
    place: Place,
    gap: usize,
    prolog: usize,
    /// The last byte in front of the first element was `<`.
    begun: bool,
}

impl Guard {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self { input, place: Place::Prolog, gap: 0, prolog: 0, begun: false }
    }

    fn mend(&mut self, data: &mut [u8]) {
        let mut at = 0;
        if self.place == Place::Prolog {
            let is_name = |at: usize| data.get(at).is_some_and(u8::is_ascii_alphabetic);
            let root = if self.begun && is_name(0) {
                Some(0)
            } else {
                memchr_iter(b'<', data).map(|at| at + 1).find(|at| is_name(*at))
            };
            self.prolog += root.unwrap_or(data.len());
            self.begun = data.last() == Some(&b'<');
            let Some(root) = root else { return };
            (self.place, at) = (Place::Tag, root);
        }
        while let Some(rest) = data.get(at..).filter(|rest| !rest.is_empty()) {
            match self.place {
                Place::Prolog | Place::Text => {
                    let Some(found) = memchr(b'<', rest) else { return };
                    self.place = Place::Begin;
                    at += found + 1;
                }
                Place::Begin => {
                    if let Some(first @ (b'!' | b'?')) = data.get_mut(at) {
                        *first = b'_';
                    }
                    self.place = Place::Tag;
                }
                Place::Tag => {
                    let quote = memchr2(b'"', b'\'', rest).unwrap_or(rest.len());
                    let end = memchr2(b'<', b'>', rest).unwrap_or(rest.len());
                    at += quote.min(end);
                    match data.get(at) {
                        Some(b'"' | b'\'') => data.get_mut(at).into_iter().for_each(|byte| *byte = b'_'),
                        Some(b'>') => {
                            self.place = Place::Text;
                            at += 1;
                        }
                        Some(_) => {
                            // The tag has lost its end: it ends in front of the next one.
                            if let Some(before) = at.checked_sub(1).and_then(|before| data.get_mut(before))
                                && before.is_ascii()
                            {
                                *before = b'>';
                                // Not to be taken for the whole tag that it would be without the line break.
                                if let Some(blank @ b'\r') = at.checked_sub(2).and_then(|at| data.get_mut(at)) {
                                    *blank = b'_';
                                }
                            }
                            self.place = Place::Begin;
                            at += 1;
                        }
                        None => return,
                    }
                }
            }
        }
    }
}

impl Read for Guard {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(out)?;
        let data = out.get_mut(..got).unwrap_or_default();
        self.gap = match memrchr(b'<', data) {
            Some(at) => got - at,
            None => self.gap + got,
        };
        self.mend(data);
        if self.gap > LONGEST || self.place == Place::Prolog && self.prolog > LONGEST_PROLOG {
            return Err(io::Error::other("a value longer than any can be"));
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_tags_close_what_they_name() {
        let mut tags = OpenTags::default();
        for name in ["procmon", "eventlist", "event", "Path"] {
            tags.open(name);
        }
        assert_eq!(tags.close("Result"), Closes::Nothing);
        assert_eq!((tags.close("Path"), tags.depth()), (Closes::Last, 3));
        tags.open("Pa_h");
        assert_eq!((tags.close("event"), tags.depth()), (Closes::Outer, 2));
        tags.drop_last();
        assert_eq!((tags.close("procmon"), tags.depth()), (Closes::Last, 0));
        tags.drop_last();
    }

    #[test]
    fn damage_stays_where_it_is() {
        let mend = |text: &str, size: usize| {
            let mut guard = Guard::new(Box::new(io::Cursor::new(text.as_bytes().to_vec())));
            let mut out = String::new();
            let mut buffer = vec![0; size];
            loop {
                match guard.read(&mut buffer).unwrap() {
                    0 => return out,
                    got => out += std::str::from_utf8(&buffer[..got]).unwrap(),
                }
            }
        };
        for (text, mended) in [
            ("<?xml version=\"1.0\"?>\r\n<a><b>x</b></a>", "<?xml version=\"1.0\"?>\r\n<a><b>x</b></a>"),
            ("<a><!b>x</b></a>", "<a><_b>x</b></a>"),
            ("<a><?b>x</b></a>", "<a><_b>x</b></a>"),
            ("<a><b\">x \"</b></a>", "<a><b_>x \"</b></a>"),
            ("<a><b\n<c>x</c></a>", "<a><b><c>x</c></a>"),
            ("<a><b>x</b\r\n<c>x</c></a>", "<a><b>x</b_><c>x</c></a>"),
            ("<a>x > y</a>", "<a>x > y</a>"),
        ] {
            assert_eq!(mend(text, 1000), mended);
        }
        assert_eq!(mend("<?xml?> <a><!b><b\"c></a>", 9), "<?xml?> <a><_b><b_c></a>");
    }
}
