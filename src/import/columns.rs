//! The columns of an export: which field of a row holds what, read from the header.

/// A column of Procmon's event list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Column {
    /// Local time of the start, with seven fractional digits.
    TimeOfDay,
    /// Image name.
    ProcessName,
    /// Process id.
    Pid,
    /// Operation.
    Operation,
    /// Path.
    Path,
    /// Result.
    Result,
    /// Detail.
    Detail,
    /// Local date and time without fraction.
    DateAndTime,
    /// Time since the first event.
    RelativeTime,
    /// Seconds.
    Duration,
    /// Local time of the end.
    CompletionTime,
    /// Event class.
    EventClass,
    /// Always `n/a`.
    Sequence,
    /// Image path.
    ImagePath,
    /// Company of the image.
    Company,
    /// Description of the image.
    Description,
    /// Version of the image.
    Version,
    /// Account.
    User,
    /// Logon id.
    AuthenticationId,
    /// Terminal session.
    Session,
    /// Command line.
    CommandLine,
    /// Thread id.
    Tid,
    /// Virtualized.
    Virtualized,
    /// Integrity level.
    Integrity,
    /// Category.
    Category,
    /// Parent's process id.
    ParentPid,
    /// `32-bit` or `64-bit`.
    Architecture,
    /// Start time of the process.
    ProcessStart,
    /// XML only: the process's number in the process list.
    ProcessIndex,
}

impl Column {
    /// Every column with the title Procmon prints. The titles are English in every locale.
    pub const TITLES: [(Self, &'static str); 29] = [
        (Self::TimeOfDay, "Time of Day"),
        (Self::ProcessName, "Process Name"),
        (Self::Pid, "PID"),
        (Self::Operation, "Operation"),
        (Self::Path, "Path"),
        (Self::Result, "Result"),
        (Self::Detail, "Detail"),
        (Self::DateAndTime, "Date & Time"),
        (Self::RelativeTime, "Relative Time"),
        (Self::Duration, "Duration"),
        (Self::CompletionTime, "Completion Time"),
        (Self::EventClass, "Event Class"),
        (Self::Sequence, "Sequence"),
        (Self::ImagePath, "Image Path"),
        (Self::Company, "Company"),
        (Self::Description, "Description"),
        (Self::Version, "Version"),
        (Self::User, "User"),
        (Self::AuthenticationId, "Authentication ID"),
        (Self::Session, "Session"),
        (Self::CommandLine, "Command Line"),
        (Self::Tid, "TID"),
        (Self::Virtualized, "Virtualized"),
        (Self::Integrity, "Integrity"),
        (Self::Category, "Category"),
        (Self::ParentPid, "Parent PID"),
        (Self::Architecture, "Architecture"),
        (Self::ProcessStart, "Process Start"),
        (Self::ProcessIndex, "ProcessIndex"),
    ];

    /// How many columns there are.
    pub const COUNT: usize = Self::TITLES.len();

    /// Its title.
    pub fn title(self) -> &'static str {
        Self::TITLES.iter().find(|(column, _)| *column == self).map_or("", |(_, title)| title)
    }

    /// The column with this title, or with this XML element name (`Time_of_Day`, `Date___Time`), ignoring case.
    pub fn parse(text: &str) -> Option<Self> {
        // Spaces, underscores and the ampersand are what the two spellings differ in.
        let plain = |text: &str| -> String {
            text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
        };
        let wanted = plain(text);
        let wanted = if wanted == "dateandtime" || wanted == "dateamptime" { "datetime" } else { &wanted };
        Self::TITLES.iter().find(|(_, title)| plain(title) == *wanted).map(|(column, _)| *column)
    }
}

/// A value within the bytes of its block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// First byte.
    pub(crate) start: u32,
    /// Behind its last byte.
    pub(crate) end: u32,
    /// It holds doubled quotes.
    pub(crate) escaped: bool,
}

/// Which field of a row holds which column.
#[derive(Clone, Debug)]
pub struct Columns {
    /// By column: number of its field.
    slots: [Option<u16>; Column::COUNT],
    /// Fields of a row.
    pub fields: usize,
    /// Titles that are no column of Procmon's.
    pub unknown: Vec<String>,
}

impl Columns {
    /// Maps the titles of a header. A title that occurs twice counts the first time.
    pub fn from_titles(titles: &[String]) -> Self {
        let mut columns = Self { slots: [None; Column::COUNT], fields: titles.len(), unknown: Vec::new() };
        for (title, at) in titles.iter().zip(0u16..) {
            match Column::parse(title) {
                Some(column) => {
                    if let Some(slot) = columns.slots.get_mut(column as usize) {
                        slot.get_or_insert(at);
                    }
                }
                None => columns.unknown.push(title.clone()),
            }
        }
        columns
    }

    /// One field for every column, in the order of [`Column::TITLES`]: the rows of an XML export.
    pub(crate) fn all() -> Self {
        let mut columns = Self { slots: [None; Column::COUNT], fields: Column::COUNT, unknown: Vec::new() };
        for (slot, at) in columns.slots.iter_mut().zip(0u16..) {
            *slot = Some(at);
        }
        columns
    }

    /// The same without the columns `keep` refuses.
    pub(crate) fn retain(&mut self, keep: impl Fn(Column) -> bool) {
        for (column, _) in Column::TITLES {
            if !keep(column)
                && let Some(slot) = self.slots.get_mut(column as usize)
            {
                *slot = None;
            }
        }
    }

    /// Number of the field that holds `column`.
    #[inline]
    pub fn slot(&self, column: Column) -> Option<usize> {
        self.slots.get(column as usize).copied().flatten().map(usize::from)
    }

    /// Whether the rows have `column`.
    pub fn has(&self, column: Column) -> bool {
        self.slot(column).is_some()
    }

    /// The columns present, in the order of [`Column::TITLES`].
    pub fn present(&self) -> Vec<Column> {
        Column::TITLES.iter().map(|(column, _)| *column).filter(|column| self.has(*column)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_element_names() {
        for (place, (column, title)) in Column::TITLES.iter().enumerate() {
            assert_eq!(*column as usize, place);
            assert_eq!(Column::parse(title), Some(*column));
            assert_eq!(Column::parse(&title.replace(' ', "_")), Some(*column));
        }
        assert_eq!(Column::parse("date_&_time"), Some(Column::DateAndTime));
        assert_eq!(Column::parse(" PID "), Some(Column::Pid));
        assert_eq!(Column::parse("Date"), None);
    }

    #[test]
    fn a_header_in_any_order() {
        let titles = ["Result", "Frobs", "PID", "Path", "PID"].map(str::to_owned);
        let columns = Columns::from_titles(&titles);
        assert_eq!(columns.slot(Column::Pid), Some(2));
        assert_eq!(columns.slot(Column::Result), Some(0));
        assert_eq!(columns.slot(Column::Detail), None);
        assert_eq!(columns.unknown, ["Frobs"]);
        assert_eq!(columns.present(), [Column::Pid, Column::Path, Column::Result]);
        assert_eq!(columns.fields, 5);
    }
}
