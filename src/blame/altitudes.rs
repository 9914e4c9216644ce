//! Minifilter altitudes: the number itself, and the embedded list of those Microsoft has allocated.
//!
//! An altitude is a decimal string of any length (`385250.5`); two of them compare as numbers, and each prints as it was
//! written. Floats would merge altitudes that differ, so digits are compared as digits.

use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

use super::embedded::columns;

/// Where Process Monitor's own filter sits unless somebody moved it.
pub const PROCMON_ALTITUDE: &str = "385200";

/// A minifilter altitude: non-negative decimal, arbitrary precision.
#[derive(Clone, Debug)]
pub struct Altitude {
    text: Box<str>,
}

/// Why a text is no altitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AltitudeError {
    /// Nothing there.
    #[error("an altitude needs at least one digit")]
    Empty,
    /// Something that is neither a digit nor the one decimal point between digits.
    #[error("character {found:?} at {at} does not belong in an altitude such as 328500 or 385250.5")]
    Unexpected {
        /// Byte offset in the text.
        at: usize,
        /// The character there.
        found: char,
    },
}

impl Altitude {
    /// Reads `digits` or `digits.digits`; blanks around it are dropped.
    ///
    /// # Errors
    /// [`AltitudeError`] when nothing is left or another character occurs (no sign, no exponent).
    ///
    /// ```
    /// use pmlblame::blame::altitudes::Altitude;
    /// let asbm = Altitude::parse("380405.5").unwrap();
    /// assert!(asbm > Altitude::parse("380405").unwrap());
    /// assert_eq!(asbm.to_string(), "380405.5");
    /// ```
    pub fn parse(text: &str) -> Result<Self, AltitudeError> {
        let text = text.trim();
        let mut point = false;
        let mut previous = None;
        for (at, found) in text.char_indices() {
            let fits = match found {
                '0'..='9' => true,
                '.' => !std::mem::replace(&mut point, true) && previous.is_some(),
                _ => false,
            };
            if !fits {
                return Err(AltitudeError::Unexpected { at, found });
            }
            previous = Some((at, found));
        }
        match previous {
            None => Err(AltitudeError::Empty),
            Some((at, '.')) => Err(AltitudeError::Unexpected { at, found: '.' }),
            Some(_) => Ok(Self { text: text.into() }),
        }
    }

    /// The altitude as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Digits before the point without leading zeros, and behind it without trailing ones.
    fn digits(&self) -> (&str, &str) {
        let (whole, fraction) = self.text.split_once('.').unwrap_or((&self.text, ""));
        (whole.trim_start_matches('0'), fraction.trim_end_matches('0'))
    }

    /// The load-order group whose range holds this altitude; `None` between the ranges.
    pub fn group(&self) -> Option<&'static str> {
        GROUPS.iter().find(|(low, high, _)| self.within(*low, *high)).map(|(_, _, name)| *name)
    }

    /// Whether it lies in the anti-virus range, 320000 to 329998.
    pub fn is_anti_virus(&self) -> bool {
        self.within(320_000, 329_998)
    }

    /// Whether it lies in the activity-monitor range, 360000 to 389999, where Process Monitor itself sits.
    pub fn is_activity_monitor(&self) -> bool {
        self.within(360_000, 389_999)
    }

    /// Whether a filter here is below Process Monitor at its usual place: what it sends straight down is not recorded.
    pub fn is_below_procmon(&self) -> bool {
        self.compare_digits(PROCMON_ALTITUDE, "") == Ordering::Less
    }

    /// Inclusive, ends as whole numbers: 329998.5 is above 329998.
    fn within(&self, low: u32, high: u32) -> bool {
        self.compare_digits(&low.to_string(), "") != Ordering::Less
            && self.compare_digits(&high.to_string(), "") != Ordering::Greater
    }

    fn compare_digits(&self, other_whole: &str, other_fraction: &str) -> Ordering {
        let (whole, fraction) = self.digits();
        let longer = whole.len().cmp(&other_whole.len());
        // A fraction is compared from the point on, so the shorter of two equal beginnings is the smaller: plain text order.
        longer.then_with(|| whole.cmp(other_whole)).then_with(|| fraction.cmp(other_fraction))
    }

    /// The next whole altitude below this one that nobody in the embedded list has; `None` at zero.
    pub fn free_below(&self) -> Option<Self> {
        let (whole, fraction) = self.digits();
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut below = if fraction.is_empty() { whole.checked_sub(1)? } else { whole };
        let list = AltitudeList::embedded();
        loop {
            let altitude = Self { text: below.to_string().into() };
            if !list.is_taken(&altitude) {
                return Some(altitude);
            }
            below = below.checked_sub(1)?;
        }
    }
}

impl PartialEq for Altitude {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Altitude {}

impl PartialOrd for Altitude {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Altitude {
    fn cmp(&self, other: &Self) -> Ordering {
        let (whole, fraction) = other.digits();
        self.compare_digits(whole, fraction)
    }
}

impl fmt::Display for Altitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Ranges of the load-order groups, inclusive. Source: Microsoft, "Load order groups and altitudes for minifilter drivers".
const GROUPS: &[(u32, u32, &str)] = &[
    (420_000, 429_999, "Filter"),
    (400_000, 409_999, "FSFilter Top"),
    (360_000, 389_999, "FSFilter Activity Monitor"),
    (340_000, 349_999, "FSFilter Undelete"),
    (320_000, 329_998, "FSFilter Anti-Virus"),
    (300_000, 309_998, "FSFilter Replication"),
    (280_000, 289_998, "FSFilter Continuous Backup"),
    (260_000, 269_998, "FSFilter Content Screener"),
    (240_000, 249_999, "FSFilter Quota Management"),
    (220_000, 229_999, "FSFilter System Recovery"),
    (200_000, 209_999, "FSFilter Cluster File System"),
    (180_000, 189_999, "FSFilter HSM"),
    (170_000, 175_000, "FSFilter Imaging"),
    (160_000, 169_999, "FSFilter Compression"),
    (140_000, 149_999, "FSFilter Encryption"),
    (130_000, 139_999, "FSFilter Virtualization"),
    (120_000, 129_999, "FSFilter Physical Quota Management"),
    (100_000, 109_999, "FSFilter Open File"),
    (80_000, 89_999, "FSFilter Security Enhancer"),
    (60_000, 69_999, "FSFilter Copy Protection"),
    (40_000, 49_999, "FSFilter Bottom"),
    (20_000, 29_999, "FSFilter System"),
];

/// One allocated altitude. A driver may have several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AltitudeRow {
    /// The listed file name, or a pattern with `?`.
    pub driver: String,
    /// The altitude.
    pub altitude: Altitude,
    /// Whom it is registered to; empty for two rows. Not necessarily who made a file of that name.
    pub registered_to: String,
    /// The load-order group as listed.
    pub group: String,
    /// What the list says beside it, such as `Bottom` or the edition it was last seen in.
    pub remark: String,
}

/// How a driver's name was found in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameBasis {
    /// The name is listed.
    Exact,
    /// A listed pattern with `?` covers it.
    Wildcard,
    /// Listed is the name without `64`, `x64` or `_ev`: a guess, to be called one.
    Guessed,
    /// The user's vendor file gives the altitude.
    UserFile,
}

impl NameBasis {
    /// Stable code.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Wildcard => "wildcard",
            Self::Guessed => "guessed",
            Self::UserFile => "user_file",
        }
    }
}

/// The rows for one driver, highest altitude first; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AltitudeMatch {
    /// How the name was found.
    pub basis: NameBasis,
    /// The rows.
    pub rows: Vec<AltitudeRow>,
}

impl AltitudeMatch {
    /// Whom the altitudes are registered to: every distinct company, in row order.
    pub fn registered_to(&self) -> Vec<&str> {
        let mut companies: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !row.registered_to.is_empty() && !companies.contains(&row.registered_to.as_str()) {
                companies.push(&row.registered_to);
            }
        }
        companies
    }

    /// The altitudes as they are printed, highest first, joined by `, `.
    pub fn altitudes(&self) -> String {
        self.rows.iter().map(|row| row.altitude.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The embedded list of allocated altitudes: its lines as they are compiled in, which are taken apart when they are asked for.
#[derive(Debug)]
pub struct AltitudeList {
    /// In order of their keys; those of one key from the highest altitude down.
    lines: Vec<&'static str>,
    /// The lines whose key is a pattern.
    patterns: Vec<&'static str>,
}

/// Written from `data/minifilter-altitudes.csv` by a test. Columns: key, driver, altitude, company, group, remark.
static EMBEDDED: LazyLock<AltitudeList> =
    LazyLock::new(|| AltitudeList::read(include_str!("data/minifilter-altitudes.tsv")));

impl AltitudeList {
    /// The list compiled in.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    fn read(text: &'static str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let patterns = lines.iter().copied().filter(|line| key_of(line).contains('?')).collect();
        Self { lines, patterns }
    }

    /// Every row, in order of the drivers' names.
    pub fn rows(&self) -> impl Iterator<Item = AltitudeRow> {
        self.lines.iter().filter_map(|line| row_of(line))
    }

    /// Whether some driver has this altitude.
    pub fn is_taken(&self, altitude: &Altitude) -> bool {
        let (whole, _) = altitude.digits();
        // Taking a line apart costs more than looking for the digits in it.
        let lines = self.lines.iter().filter(|line| line.contains(whole));
        lines.filter_map(|line| row_of(line)).any(|row| row.altitude == *altitude)
    }

    /// The rows for a driver's file name, ignoring case and `.sys`: as listed, by a listed pattern, or by a guess.
    pub fn find(&self, name: &str) -> Option<AltitudeMatch> {
        let key = driver_key(name);
        if key.is_empty() {
            return None;
        }
        let found = |basis, lines: &[&str]| {
            let rows: Vec<_> = lines.iter().filter_map(|line| row_of(line)).collect();
            (!rows.is_empty()).then_some(AltitudeMatch { basis, rows })
        };
        if let Some(exact) = found(NameBasis::Exact, self.lines_of(&key)) {
            return Some(exact);
        }
        if let Some(line) = self.patterns.iter().find(|line| fits(key_of(line), &key)) {
            return found(NameBasis::Wildcard, self.lines_of(key_of(line)));
        }
        guesses(&key).iter().find_map(|guess| found(NameBasis::Guessed, self.lines_of(guess)))
    }

    fn lines_of(&self, key: &str) -> &[&'static str] {
        let from = self.lines.partition_point(|line| key_of(line) < key);
        let rest = self.lines.get(from..).unwrap_or_default();
        rest.get(..rest.partition_point(|line| key_of(line) == key)).unwrap_or_default()
    }
}

fn key_of(line: &str) -> &str {
    line.split_once('\t').map_or(line, |(key, _)| key)
}

fn row_of(line: &str) -> Option<AltitudeRow> {
    let [_, driver, altitude, company, group, remark] = columns(line);
    Some(AltitudeRow {
        driver: driver.to_owned(),
        altitude: Altitude::parse(altitude).ok()?,
        registered_to: company.to_owned(),
        group: group.to_owned(),
        remark: remark.to_owned(),
    })
}

/// A driver's name as it is looked up: lower case, without `.sys`, which the list leaves out for a few.
pub(crate) fn driver_key(name: &str) -> String {
    let name = name.trim().to_lowercase();
    name.strip_suffix(".sys").unwrap_or(&name).to_owned()
}

/// Shorter names a 64-bit or re-issued build may be listed under, longest first: `_ev`, then `64`, then the `x` of `x64`.
pub(crate) fn guesses(key: &str) -> Vec<String> {
    let bare = key.strip_suffix("_ev").unwrap_or(key);
    let mut found = Vec::new();
    if bare != key {
        found.push(bare);
    }
    if let Some(without) = bare.strip_suffix("64") {
        found.push(without);
        found.extend(without.strip_suffix('x'));
    }
    let tidy = found.into_iter().map(|name| name.trim_end_matches('_'));
    // One or two letters are no name to guess by.
    tidy.filter(|name| name.chars().count() > 2).map(str::to_owned).collect()
}

/// `?` in the pattern is exactly one character.
fn fits(pattern: &str, name: &str) -> bool {
    pattern.chars().count() == name.chars().count()
        && pattern.chars().zip(name.chars()).all(|(pattern, name)| pattern == '?' || pattern == name)
}

#[cfg(test)]
#[path = "altitudes_tests.rs"]
mod tests;
