//! Lines into words: quotes, variables, comments, `key=value`.

use indexmap::IndexMap;

use super::error::{Place, ScenarioError, ScenarioErrorKind};

/// Variables in force.
pub(super) type Variables = IndexMap<String, String>;

/// One word of a line, its variables filled in.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) place: Place,
    /// `key` of `key=value`.
    pub(super) key: Option<String>,
    /// The value, or the whole word.
    pub(super) text: String,
}

impl Word {
    pub(super) fn fault(&self, kind: ScenarioErrorKind) -> ScenarioError {
        self.place.fault(kind)
    }

    pub(super) fn bad(&self, expected: &'static str) -> ScenarioError {
        self.fault(ScenarioErrorKind::BadValue { expected, found: self.text.clone() })
    }
}

/// Reads one line character by character.
struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    place: Place,
    variables: &'a Variables,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        if next.is_some() {
            self.place.column += 1;
        }
        next
    }

    /// What stands after a `$`: the value of `${name}`, or the plain sign.
    fn variable(&mut self, out: &mut String) -> Result<(), ScenarioError> {
        if self.rest.peek() != Some(&'{') {
            out.push('$');
            return Ok(());
        }
        let mut start = self.place.clone();
        start.column = start.column.saturating_sub(1);
        self.next();
        let mut name = String::new();
        loop {
            match self.next() {
                Some('}') => break,
                Some(c) => name.push(c),
                None => return Err(start.fault(ScenarioErrorKind::Unclosed('{'))),
            }
        }
        match self.variables.get(&name) {
            Some(value) => out.push_str(value),
            None => return Err(start.fault(ScenarioErrorKind::UnknownVariable(name))),
        }
        Ok(())
    }

    fn quoted(&mut self, out: &mut String) -> Result<(), ScenarioError> {
        let mut start = self.place.clone();
        start.column = start.column.saturating_sub(1);
        loop {
            match self.next() {
                Some('"') if self.rest.peek() == Some(&'"') => {
                    self.next();
                    out.push('"');
                }
                Some('"') => return Ok(()),
                Some('$') => self.variable(out)?,
                Some(c) => out.push(c),
                None => return Err(start.fault(ScenarioErrorKind::Unclosed('"'))),
            }
        }
    }

    fn word(&mut self) -> Result<Option<Word>, ScenarioError> {
        while self.rest.peek().is_some_and(|c| c.is_whitespace()) {
            self.next();
        }
        match self.rest.peek() {
            None | Some('#') => return Ok(None),
            Some(_) => {}
        }
        let place = self.place.clone();
        let (mut key, mut text, mut bare) = (None, String::new(), true);
        while let Some(c) = self.rest.peek().copied() {
            if c.is_whitespace() {
                break;
            }
            self.next();
            match c {
                '"' => {
                    bare = false;
                    self.quoted(&mut text)?;
                }
                '$' => {
                    bare = false;
                    self.variable(&mut text)?;
                }
                '=' if bare && key.is_none() && is_key(&text) => key = Some(std::mem::take(&mut text)),
                c => text.push(c),
            }
        }
        Ok(Some(Word { place, key, text }))
    }
}

fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// The words of `line`. `place` is the line's beginning, column 1.
pub(super) fn words(line: &str, place: &Place, variables: &Variables) -> Result<Vec<Word>, ScenarioError> {
    let mut reader = Reader { rest: line.chars().peekable(), place: place.clone(), variables };
    let mut words = Vec::new();
    while let Some(word) = reader.word()? {
        words.push(word);
    }
    Ok(words)
}

/// `text` with its variables filled in and nothing else interpreted; `place` is where it begins.
pub(super) fn verbatim(text: &str, place: &Place, variables: &Variables) -> Result<String, ScenarioError> {
    let mut reader = Reader { rest: text.chars().peekable(), place: place.clone(), variables };
    let mut out = String::new();
    while let Some(c) = reader.next() {
        match c {
            '$' => reader.variable(&mut out)?,
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<(Option<String>, String)> {
        let variables = Variables::from_iter([("A".to_owned(), r"C:\x y".to_owned())]);
        let place = Place { file: None, line: 1, column: 1 };
        words(line, &place, &variables).unwrap().into_iter().map(|word| (word.key, word.text)).collect()
    }

    #[test]
    fn words_are_split_unquoted_and_filled() {
        let plain = |text: &str| (None, text.to_owned());
        assert_eq!(
            texts(r##"+1.0 Create "C:\a b" x="1 ""2""" ${A}\f C:\$Extend # note"##),
            [
                plain("+1.0"),
                plain("Create"),
                plain(r"C:\a b"),
                (Some("x".into()), "1 \"2\"".into()),
                plain(r"C:\x y\f"),
                plain(r"C:\$Extend"),
            ]
        );
        assert_eq!(texts(r"C:\a=b k=v=w"), [plain(r"C:\a=b"), (Some("k".into()), "v=w".into())]);
    }

    #[test]
    fn faults_say_where() {
        let place = Place { file: None, line: 7, column: 1 };
        let fault = words("ab ${B}", &place, &Variables::new()).unwrap_err();
        assert_eq!((fault.line, fault.column), (7, 4));
        assert_eq!(fault.kind, ScenarioErrorKind::UnknownVariable("B".into()));
        let fault = words("ab  \"cd", &place, &Variables::new()).unwrap_err();
        assert_eq!((fault.column, fault.kind), (5, ScenarioErrorKind::Unclosed('"')));
    }
}
