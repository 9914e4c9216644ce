//! Filters in Procmon's terms: rules of column, relation and value that include or exclude.
//!
//! An event is hidden when an exclude rule matches it. Include rules of one column are alternatives; every column that
//! has include rules must be satisfied. Text is compared as displayed, ignoring case.

use super::columns::Column;
use crate::nt::NtStatus;

/// How a column's text is compared with a rule's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Relation {
    Is,
    IsNot,
    LessThan,
    MoreThan,
    BeginsWith,
    EndsWith,
    Contains,
    Excludes,
}

impl Relation {
    /// Every relation with its name in the dialog, in the order of their numbers in configuration files.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Is, "is"),
        (Self::IsNot, "is not"),
        (Self::LessThan, "less than"),
        (Self::MoreThan, "more than"),
        (Self::BeginsWith, "begins with"),
        (Self::EndsWith, "ends with"),
        (Self::Contains, "contains"),
        (Self::Excludes, "excludes"),
    ];

    /// The name in the dialog.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(relation, _)| *relation == self).map_or("", |(_, name)| name)
    }

    /// The relation of a number in a configuration file.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).map(|(relation, _)| *relation)
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Column compared.
    pub column: Column,
    /// How.
    pub relation: Relation,
    /// With what.
    pub value: String,
    /// Include, else exclude.
    pub include: bool,
}

/// A rule's text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It does not begin with a column's title.
    #[error("{0:?} does not begin with a column")]
    Column(String),
    /// No relation follows the column.
    #[error("{0:?} has no relation behind the column")]
    Relation(String),
    /// A column of numbers, or of distances in time, is compared with something else.
    #[error("{0:?} compares a number with what is none")]
    Number(String, Column),
}

impl Rule {
    /// Reads `Path contains InFlight` or `"Process Name" is not System`. One pair of quotes around the value is taken off,
    /// but not of a command line, which may have such quotes itself. `Result is NOT EMPTY` means the result of that name:
    /// nothing ends in EMPTY.
    ///
    /// # Errors
    /// When the column or the relation is not one of Procmon's, or a number is compared with what is none.
    pub fn parse(text: &str, include: bool) -> Result<Self, RuleError> {
        let trimmed = text.trim();
        let (column, rest) = Column::titles()
            .filter_map(|(title, column)| {
                let rest = strip_word(trimmed, title).or_else(|| {
                    let quoted = trimmed.strip_prefix('"')?;
                    let head = quoted.get(..title.len())?;
                    if head.eq_ignore_ascii_case(title) { quoted.get(title.len()..)?.strip_prefix('"') } else { None }
                })?;
                Some((title.len(), column, rest))
            })
            .max_by_key(|(length, ..)| *length)
            .map(|(_, column, rest)| (column, rest.trim_start()))
            .ok_or_else(|| RuleError::Column(text.to_owned()))?;
        let (relation, value) = Relation::ALL
            .iter()
            .filter_map(|(relation, name)| Some((name.len(), *relation, strip_word(rest, name)?)))
            .max_by_key(|(length, ..)| *length)
            .map(|(_, relation, value)| (relation, value))
            .ok_or_else(|| RuleError::Relation(text.to_owned()))?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        let (relation, value) = match whole_result(rest) {
            Some(result) if column == Column::Result && relation == Relation::IsNot => (Relation::Is, result),
            _ => (relation, value),
        };
        let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let value = unquoted.filter(|_| column != Column::CommandLine).unwrap_or(value);
        let rule = Self { column, relation, value: value.to_owned(), include };
        if rule.can_match() { Ok(rule) } else { Err(RuleError::Number(text.to_owned(), column)) }
    }

    /// Whether the value is of the kind the column holds, where the whole of it is compared.
    fn can_match(&self) -> bool {
        let matcher = Matcher::new(self);
        let known = match self.column {
            Column::Duration | Column::RelativeTime => matcher.seconds.is_some(),
            column if column.is_number() => matcher.number.is_some(),
            _ => true,
        };
        match self.relation {
            Relation::LessThan | Relation::MoreThan => known,
            Relation::Is | Relation::IsNot => known || self.value.is_empty(),
            _ => true,
        }
    }
}

/// As Procmon's dialog shows it: `Path contains InFlight then Include`.
impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let action = if self.include { "Include" } else { "Exclude" };
        write!(f, "{} {} {} then {action}", self.column.title(), self.relation.name(), self.value)
    }
}

/// The result of `is NOT EMPTY`, where that is one and what follows NOT is none by itself.
fn whole_result(rest: &str) -> Option<&str> {
    let result = strip_word(rest, "is")?.trim();
    let negated = strip_word(result, "not")?.trim();
    (NtStatus::from_text(result).is_some() && NtStatus::from_text(negated).is_none()).then_some(result)
}

/// What follows `word`, when `text` begins with it, ignoring case, and a blank or the end follows.
fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let head = text.get(..word.len())?;
    let rest = text.get(word.len()..)?;
    if head.eq_ignore_ascii_case(word) && (rest.is_empty() || rest.starts_with([' ', '\t'])) {
        Some(rest)
    } else {
        None
    }
}

/// A set of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The rules, in no particular order.
    pub rules: Vec<Rule>,
}

/// What a filter may ask of an event.
pub trait FilterView {
    /// Appends the column's text as displayed.
    fn text(&mut self, column: Column, out: &mut Vec<u8>);
    /// The number of a numeric column.
    fn number(&mut self, column: Column) -> Option<u64>;
}

impl Filter {
    /// Whether it has no rule.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Makes it ready to be asked often.
    pub fn compile(&self) -> CompiledFilter {
        let mut columns: Vec<ColumnRules> = Vec::new();
        for rule in &self.rules {
            let at = columns.iter().position(|rules| rules.column == rule.column).unwrap_or_else(|| {
                columns.push(ColumnRules { column: rule.column, include: Vec::new(), exclude: Vec::new() });
                columns.len() - 1
            });
            if let Some(rules) = columns.get_mut(at) {
                let list = if rule.include { &mut rules.include } else { &mut rules.exclude };
                list.push(Matcher::new(rule));
            }
        }
        columns.sort_by_key(|rules| cost(rules.column));
        CompiledFilter { columns }
    }
}

/// Columns that are quick to know come first.
const fn cost(column: Column) -> u8 {
    match column {
        _ if column.is_of_process() => 0,
        Column::EventClass | Column::Result | Column::Tid => 1,
        Column::Operation => 2,
        Column::Path => 3,
        Column::Category => 4,
        Column::Detail => 9,
        _ => 5,
    }
}

/// A filter ready to be asked, column by column, cheapest first.
#[derive(Clone, Debug)]
pub struct CompiledFilter {
    /// The rules of each column.
    pub columns: Vec<ColumnRules>,
}

impl CompiledFilter {
    /// Whether the event passes. `scratch` is a buffer to reuse.
    pub fn passes(&self, view: &mut impl FilterView, scratch: &mut Vec<u8>) -> bool {
        self.columns.iter().all(|rules| rules.pass(view, scratch))
    }
}

/// All rules of one column.
#[derive(Clone, Debug)]
pub struct ColumnRules {
    /// The column.
    pub column: Column,
    include: Vec<Matcher>,
    exclude: Vec<Matcher>,
}

impl ColumnRules {
    /// Whether the event passes this column's rules.
    pub fn pass(&self, view: &mut impl FilterView, scratch: &mut Vec<u8>) -> bool {
        if self.column.is_number()
            && let Some(number) = view.number(self.column)
        {
            scratch.clear();
            view.text(self.column, scratch);
            return self.decide(|matcher| matcher.matches_number(number, scratch));
        }
        scratch.clear();
        view.text(self.column, scratch);
        self.pass_text(scratch)
    }

    /// Whether an event with this text in the column passes its rules.
    pub fn pass_text(&self, text: &[u8]) -> bool {
        self.decide(|matcher| matcher.matches(text))
    }

    fn decide(&self, mut matches: impl FnMut(&Matcher) -> bool) -> bool {
        !self.exclude.iter().any(&mut matches) && (self.include.is_empty() || self.include.iter().any(matches))
    }
}

/// A rule's relation and value, prepared.
#[derive(Clone, Debug)]
struct Matcher {
    relation: Relation,
    /// Lower case.
    value: String,
    number: Option<u64>,
    seconds: Option<f64>,
    /// Of an ASCII value: where its rarest byte stands, in both cases.
    rare: Option<(usize, u8, u8)>,
}

impl Matcher {
    fn new(rule: &Rule) -> Self {
        let value = rule.value.to_lowercase();
        let digits = value.trim_end_matches("-bit");
        let timed =
            matches!(rule.column, Column::Duration | Column::RelativeTime | Column::TimeOfDay | Column::CompletionTime);
        let rare = if value.is_ascii() {
            value
                .bytes()
                .enumerate()
                .max_by_key(|(_, byte)| rarity(*byte))
                .map(|(at, byte)| (at, byte, byte.to_ascii_uppercase()))
        } else {
            None
        };
        Self {
            relation: rule.relation,
            number: digits.trim().parse().ok(),
            seconds: if timed { seconds(&value) } else { None },
            rare,
            value,
        }
    }

    fn matches_number(&self, number: u64, text: &[u8]) -> bool {
        match (self.relation, self.number) {
            (Relation::Is, Some(value)) => number == value,
            (Relation::IsNot, Some(value)) => number != value,
            (Relation::LessThan, Some(value)) => number < value,
            (Relation::MoreThan, Some(value)) => number > value,
            _ => self.matches(text),
        }
    }

    fn matches(&self, text: &[u8]) -> bool {
        let value = self.value.as_bytes();
        if self.value.is_ascii() {
            let head = |text: &[u8]| text.get(..value.len()).is_some_and(|head| head.eq_ignore_ascii_case(value));
            match self.relation {
                Relation::Is => return text.eq_ignore_ascii_case(value),
                Relation::IsNot => return !text.eq_ignore_ascii_case(value),
                Relation::BeginsWith => return head(text),
                Relation::EndsWith => {
                    let at = text.len().checked_sub(value.len());
                    return at.and_then(|at| text.get(at..)).is_some_and(head);
                }
                Relation::Contains => return self.contains(text),
                Relation::Excludes => return !self.contains(text),
                Relation::LessThan | Relation::MoreThan => {}
            }
        }
        let text = String::from_utf8_lossy(text).to_lowercase();
        let order = match (self.seconds, seconds(&text)) {
            (Some(value), Some(text)) => text.total_cmp(&value),
            _ => text.as_str().cmp(&self.value),
        };
        match self.relation {
            Relation::Is => text == self.value,
            Relation::IsNot => text != self.value,
            Relation::LessThan => order.is_lt(),
            Relation::MoreThan => order.is_gt(),
            Relation::BeginsWith => text.starts_with(&self.value),
            Relation::EndsWith => text.ends_with(&self.value),
            Relation::Contains => text.contains(&self.value),
            Relation::Excludes => !text.contains(&self.value),
        }
    }

    /// Whether `text` contains the ASCII value, ignoring case: found by the value's rarest byte.
    fn contains(&self, text: &[u8]) -> bool {
        let value = self.value.as_bytes();
        let Some((rare, lower, upper)) = self.rare else { return true };
        memchr::memchr2_iter(lower, upper, text).any(|found| {
            found
                .checked_sub(rare)
                .and_then(|start| text.get(start..)?.get(..value.len()))
                .is_some_and(|part| part.eq_ignore_ascii_case(value))
        })
    }
}

/// How seldom a byte occurs in Windows paths, roughly.
const fn rarity(byte: u8) -> u8 {
    match byte {
        b'\\' | b' ' | b'.' => 0,
        b'e' | b's' | b'i' | b't' | b'o' | b'n' | b'r' | b'a' | b'c' | b'm' | b'd' | b'w' | b'l' => 1,
        b'p' | b'u' | b'f' | b'h' | b'y' | b'g' | b'v' | b'0'..=b'9' | b'-' | b'_' => 2,
        b'b' | b'k' | b'x' => 3,
        _ => 4,
    }
}

/// Seconds of `1.5`, `00:01:02.5` or `7:19:37.01 pm`.
fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let (text, half) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(text), _) => (text.trim(), Some(0.0)),
        (_, Some(text)) => (text.trim(), Some(12.0)),
        _ => (text, None),
    };
    let mut total = 0.0;
    for (at, part) in text.split(':').enumerate() {
        let mut value: f64 = part.replace(',', ".").parse().ok()?;
        if at == 0
            && let Some(half) = half
        {
            value = value % 12.0 + half;
        }
        total = total * 60.0 + value;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static [(Column, &'static str)]);

    impl FilterView for Fixed {
        fn text(&mut self, column: Column, out: &mut Vec<u8>) {
            out.extend_from_slice(self.0.iter().find(|(c, _)| *c == column).map_or("", |(_, text)| text).as_bytes());
        }
        fn number(&mut self, column: Column) -> Option<u64> {
            let mut out = Vec::new();
            self.text(column, &mut out);
            String::from_utf8(out).unwrap().trim_end_matches("-bit").parse().ok()
        }
    }

    const EVENT: Fixed = Fixed(&[
        (Column::ProcessName, "TiWorker.exe"),
        (Column::Pid, "1234"),
        (Column::Path, r"C:\Windows\WinSxS\Temp\InFlight\日志.dll"),
        (Column::Result, "SHARING VIOLATION"),
        (Column::Architecture, "64-bit"),
        (Column::Duration, "10.0000112"),
        (Column::TimeOfDay, "12:19:37.0147934 PM"),
    ]);

    fn passes(rules: &[(&str, bool)]) -> bool {
        let rules = rules.iter().map(|(text, include)| Rule::parse(text, *include).unwrap()).collect();
        let Fixed(texts) = EVENT;
        Filter { rules }.compile().passes(&mut Fixed(texts), &mut Vec::new())
    }

    #[test]
    fn every_relation() {
        for (rule, expected) in [
            ("Process Name is tiworker.EXE", true),
            ("Process Name is TiWorker", false),
            ("Process Name is not System", true),
            ("Process Name is not TiWorker.exe", false),
            ("Path begins with c:\\windows\\", true),
            ("Path begins with d:", false),
            ("Path ends with .DLL", true),
            ("Path ends with .exe", false),
            ("Path contains INFLIGHT", true),
            ("Path contains InFlights", false),
            ("Path contains 日志", true),
            ("Path ends with 日志.DLL", true),
            ("Path excludes InFlight", false),
            ("Path excludes PendingDeletes", true),
            ("PID is 1234", true),
            ("PID less than 234", false),
            ("PID more than 234", true),
            ("PID is not 1234", false),
            ("PID begins with 12", true),
            ("PID contains abc", false),
            ("TID is", true),
            ("Architecture is 64", true),
            ("Architecture is 32-bit", false),
            ("Duration more than 9.5", true),
            ("Duration less than 9.5", false),
            ("Time of Day more than 11:00:00 AM", true),
            ("Result less than SUCCESS", true),
            ("Detail is", true),
            ("Path contains", true),
        ] {
            assert_eq!(passes(&[(rule, true)]), expected, "{rule}");
            assert_eq!(passes(&[(rule, false)]), !expected, "exclude: {rule}");
        }
    }

    #[test]
    fn rules_combine_as_in_procmon() {
        let one_column = [("Process Name is a.exe", true), ("Process Name is TiWorker.exe", true)];
        assert!(passes(&one_column), "includes of one column are alternatives");
        let two_columns = [("Process Name is TiWorker.exe", true), ("Result is SUCCESS", true)];
        assert!(!passes(&two_columns), "every column with includes must be satisfied");
        let excluded = [("Process Name is TiWorker.exe", true), ("Path contains inflight", false)];
        assert!(!passes(&excluded), "exclude wins");
        assert!(passes(&[("Path contains elsewhere", false)]));
        assert!(passes(&[]));
    }

    #[test]
    fn rules_are_read_from_text() {
        let rule = Rule::parse("Process Name is not System", true).unwrap();
        assert_eq!((rule.column, rule.relation, rule.value.as_str()), (Column::ProcessName, Relation::IsNot, "System"));
        assert_eq!(rule.to_string(), "Process Name is not System then Include");
        let rule = Rule::parse("\"Date & Time\" begins with \"7/31/2020 7\"", false).unwrap();
        assert_eq!((rule.column, rule.value.as_str()), (Column::DateAndTime, "7/31/2020 7"));
        for (text, relation, value) in [
            ("Result is NOT EMPTY", Relation::Is, "NOT EMPTY"),
            ("result is not empty", Relation::Is, "not empty"),
            ("Result is NOT GRANTED", Relation::Is, "NOT GRANTED"),
            ("Result is \"NOT EMPTY\"", Relation::Is, "NOT EMPTY"),
            ("Result is not NOT EMPTY", Relation::IsNot, "NOT EMPTY"),
            ("Result is not \"NOT EMPTY\"", Relation::IsNot, "NOT EMPTY"),
            ("Result is not SUCCESS", Relation::IsNot, "SUCCESS"),
            ("Result is not \"EMPTY\"", Relation::IsNot, "EMPTY"),
            ("Path is not empty", Relation::IsNot, "empty"),
        ] {
            let rule = Rule::parse(text, true).unwrap();
            assert_eq!((rule.relation, rule.value.as_str()), (relation, value), "{text}");
        }
        let rule = Rule::parse("process start is x", true).unwrap();
        assert_eq!(rule.column, Column::ProcessStart);
        assert_eq!(Rule::parse("Pathology is x", true), Err(RuleError::Column("Pathology is x".to_owned())));
        assert_eq!(Rule::parse("Path like x", true), Err(RuleError::Relation("Path like x".to_owned())));
    }
}
