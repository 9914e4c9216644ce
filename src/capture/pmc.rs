//! Procmon configuration files (.PMC): columns, filter and options exported from a customer's machine.
//!
//! A file is a plain sequence of records: size, header size (16), size of header and name, data size, UTF-16 name with
//! its NUL, data.

use super::columns::Column;
use super::filter::{Filter, Relation, Rule};
use crate::pml::bytes::{Wide, u8_at, u32_at};

/// What a configuration file says, as far as it concerns which events are shown and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcmonConfig {
    /// Columns in display order; empty when the file has none.
    pub columns: Vec<Column>,
    /// Filter rules.
    pub filter: Filter,
    /// Highlight rules.
    pub highlight: Filter,
    /// "Enable Advanced Output".
    pub advanced: bool,
    /// "Drop Filtered Events": what the filter hides was never saved.
    pub drop_filtered: bool,
    /// Names of all options of the file, in order.
    pub options: Vec<String>,
    /// Column numbers in rules and column map that are not known; their rules are left out.
    pub unknown_columns: Vec<u32>,
}

/// A file that is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a Procmon configuration: {what} at offset {at:#x}")]
pub struct ConfigError {
    /// Offset in the file.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// Size of a record's fixed part.
const RECORD_HEAD: usize = 16;

impl ProcmonConfig {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// The first record that does not hold together.
    pub fn parse(data: &[u8]) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let mut at = 0usize;
        while at < data.len() {
            let fail = |what| ConfigError { at, what };
            let rest = data.get(at..).unwrap_or_default();
            let field = |n: usize| u32_at(rest, n * 4).map(|value| value as usize);
            let (Some(size), Some(RECORD_HEAD), Some(data_at), Some(data_size)) =
                (field(0), field(1), field(2), field(3))
            else {
                return Err(fail("no record"));
            };
            if data_at < RECORD_HEAD || data_at.checked_add(data_size) != Some(size) {
                return Err(fail("a record whose sizes disagree"));
            }
            let record = rest.get(..size).ok_or_else(|| fail("a record cut off"))?;
            let name = Wide(record.get(RECORD_HEAD..data_at).unwrap_or_default()).decode();
            let value = record.get(data_at..).unwrap_or_default();
            let number = || u32_at(value, 0).unwrap_or_default();
            match name.as_str() {
                "ColumnMap" => config.columns(value),
                "FilterRules" => config.filter = config.rules(value).ok_or_else(|| fail("broken filter rules"))?,
                "HighlightRules" => {
                    config.highlight = config.rules(value).ok_or_else(|| fail("broken highlight rules"))?
                }
                "AdvancedMode" => config.advanced = number() != 0,
                "DestructiveFilter" => config.drop_filtered = number() != 0,
                _ => {}
            }
            config.options.push(name);
            at += size;
        }
        if config.options.is_empty() {
            return Err(ConfigError { at: 0, what: "an empty file" });
        }
        Ok(config)
    }

    fn columns(&mut self, value: &[u8]) {
        for id in value.as_chunks::<4>().0.iter().map(|id| u32::from_le_bytes(*id)).take_while(|id| *id != 0) {
            match Column::from_id(id) {
                Some(column) => self.columns.push(column),
                None => self.unknown(id),
            }
        }
    }

    fn unknown(&mut self, id: u32) {
        if !self.unknown_columns.contains(&id) {
            self.unknown_columns.push(id);
        }
    }

    fn rules(&mut self, value: &[u8]) -> Option<Filter> {
        let mut rules = Vec::new();
        if value.is_empty() {
            return Some(Filter { rules });
        }
        let count = u32_at(value, 1)?;
        let mut at = 5usize;
        for _ in 0..count {
            let rule = value.get(at..)?;
            let length = u32_at(rule, 9)? as usize;
            let text = Wide(rule.get(13..13usize.checked_add(length)?)?).decode();
            // Behind the text stand the value as a number and four reserved bytes.
            rule.get(13 + length..13 + length + 8)?;
            at += 13 + length + 8;
            let id = u32_at(rule, 0)?;
            match (Column::from_id(id), Relation::from_number(u32_at(rule, 4)?)) {
                (Some(column), Some(relation)) => {
                    rules.push(Rule { column, relation, value: text, include: u8_at(rule, 8)? != 0 });
                }
                (None, _) => self.unknown(id),
                (_, None) => return None,
            }
        }
        Some(Filter { rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
    }

    fn record(name: &str, data: &[u8]) -> Vec<u8> {
        let name = wide(name);
        let mut out = Vec::new();
        for value in [16 + name.len() + data.len(), 16, 16 + name.len(), data.len()] {
            out.extend_from_slice(&(value as u32).to_le_bytes());
        }
        [out, name, data.to_vec()].concat()
    }

    fn rule(column: u32, relation: u32, include: u8, value: &str, number: u32) -> Vec<u8> {
        let value = wide(value);
        let mut out = [column.to_le_bytes(), relation.to_le_bytes()].concat();
        out.push(include);
        out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        out.extend_from_slice(&value);
        out.extend_from_slice(&number.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out
    }

    fn sample() -> Vec<u8> {
        let mut rules = vec![1, 3, 0, 0, 0];
        rules.extend(rule(40071, 6, 1, "InFlight", 0));
        rules.extend(rule(40054, 0, 0, "4", 4));
        rules.extend(rule(49999, 0, 0, "x", 0));
        let mut map: Vec<u8> = [40054u32, 40071, 40055].iter().flat_map(|id| id.to_le_bytes()).collect();
        map.resize(256, 0);
        [
            record("ColumnMap", &map),
            record("AdvancedMode", &[1, 0, 0, 0]),
            record("FilterRules", &rules),
            record("HighlightRules", &[1, 0, 0, 0, 0]),
            record("Theme", &[]),
        ]
        .concat()
    }

    #[test]
    fn columns_rules_and_options_are_read() {
        let config = ProcmonConfig::parse(&sample()).unwrap();
        assert_eq!(config.columns, [Column::Pid, Column::Path, Column::Operation]);
        let rules: Vec<String> = config.filter.rules.iter().map(Rule::to_string).collect();
        assert_eq!(rules, ["Path contains InFlight then Include", "PID is 4 then Exclude"]);
        assert!(config.highlight.is_empty());
        assert!(config.advanced);
        assert_eq!(config.options, ["ColumnMap", "AdvancedMode", "FilterRules", "HighlightRules", "Theme"]);
        assert_eq!(config.unknown_columns, [49_999]);
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let sample = sample();
        assert!(ProcmonConfig::parse(b"").is_err());
        assert!(ProcmonConfig::parse(b"PML_\x09\0\0\0\x01\0\0\0").is_err());
        for end in 1..sample.len() {
            let _ = ProcmonConfig::parse(&sample[..end]);
        }
        for at in 0..sample.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut broken = sample.clone();
                broken[at] = value;
                let _ = ProcmonConfig::parse(&broken);
            }
        }
        let mut lying = sample;
        lying[0] = 0xFF;
        assert_eq!(ProcmonConfig::parse(&lying), Err(ConfigError { at: 0, what: "a record whose sizes disagree" }));
    }
}
