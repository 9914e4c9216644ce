//! The columns of Procmon's window, as filters and exports name them.

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Column {
    TimeOfDay,
    ProcessName,
    Pid,
    Operation,
    Path,
    Result,
    Detail,
    DateAndTime,
    RelativeTime,
    Duration,
    CompletionTime,
    EventClass,
    Sequence,
    ImagePath,
    Company,
    Description,
    Version,
    User,
    AuthenticationId,
    Session,
    CommandLine,
    Tid,
    Virtualized,
    Integrity,
    Category,
    ParentPid,
    Architecture,
    ProcessStart,
}

/// Column, title, number in configuration files; in the order of Procmon's "all columns".
const TABLE: [(Column, &str, u32); 28] = [
    (Column::TimeOfDay, "Time of Day", 40078),
    (Column::ProcessName, "Process Name", 40053),
    (Column::Pid, "PID", 40054),
    (Column::Operation, "Operation", 40055),
    (Column::Path, "Path", 40071),
    (Column::Result, "Result", 40056),
    (Column::Detail, "Detail", 40057),
    (Column::DateAndTime, "Date & Time", 40052),
    (Column::RelativeTime, "Relative Time", 40076),
    (Column::Duration, "Duration", 40077),
    (Column::CompletionTime, "Completion Time", 40164),
    (Column::EventClass, "Event Class", 40082),
    (Column::Sequence, "Sequence", 40058),
    (Column::ImagePath, "Image Path", 40068),
    (Column::Company, "Company", 40064),
    (Column::Description, "Description", 40065),
    (Column::Version, "Version", 40081),
    (Column::User, "User", 40067),
    (Column::AuthenticationId, "Authentication ID", 40083),
    (Column::Session, "Session", 40069),
    (Column::CommandLine, "Command Line", 40066),
    (Column::Tid, "TID", 40072),
    (Column::Virtualized, "Virtualized", 40084),
    (Column::Integrity, "Integrity", 40085),
    (Column::Category, "Category", 40086),
    (Column::ParentPid, "Parent PID", 40087),
    (Column::Architecture, "Architecture", 40088),
    (Column::ProcessStart, "Process Start", 40178),
];

impl Column {
    /// The seven columns Procmon shows at first.
    pub const DEFAULT: [Self; 7] =
        [Self::TimeOfDay, Self::ProcessName, Self::Pid, Self::Operation, Self::Path, Self::Result, Self::Detail];

    /// Every column that every release has, in the order of an export with all columns.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(column, ..)| *column).filter(|column| *column != Self::ProcessStart)
    }

    /// The title in the window and in exports.
    pub fn title(self) -> &'static str {
        TABLE.iter().find(|(column, ..)| *column == self).map_or("", |(_, title, _)| title)
    }

    /// The column of a title, ignoring case.
    pub fn from_title(title: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(title.trim())).map(|(column, ..)| *column)
    }

    /// The number Procmon's configuration files use.
    pub fn id(self) -> u32 {
        TABLE.iter().find(|(column, ..)| *column == self).map_or(0, |(.., id)| *id)
    }

    /// The column of such a number.
    pub fn from_id(id: u32) -> Option<Self> {
        TABLE.iter().find(|(.., known)| *known == id).map(|(column, ..)| *column)
    }

    /// Every title with its column.
    pub fn titles() -> impl Iterator<Item = (&'static str, Self)> {
        TABLE.iter().map(|(column, title, _)| (*title, *column))
    }

    /// Whether it is the same for all events of a process.
    pub const fn is_of_process(self) -> bool {
        matches!(
            self,
            Self::ProcessName
                | Self::Pid
                | Self::ImagePath
                | Self::Company
                | Self::Description
                | Self::Version
                | Self::User
                | Self::AuthenticationId
                | Self::Session
                | Self::CommandLine
                | Self::Virtualized
                | Self::Integrity
                | Self::ParentPid
                | Self::Architecture
                | Self::ProcessStart
        )
    }

    /// Whether a filter compares it as a number.
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Pid | Self::Tid | Self::Session | Self::ParentPid | Self::Architecture)
    }
}

/// Reads `default`, `all`, or titles separated by commas.
///
/// # Errors
/// The first title that is no column.
pub fn parse_columns(text: &str) -> Result<Vec<Column>, String> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("default") => Ok(Column::DEFAULT.to_vec()),
        text if text.eq_ignore_ascii_case("all") => Ok(Column::all().collect()),
        text => text
            .split(',')
            .map(|title| {
                let title = title.trim().trim_matches('"');
                Column::from_title(title).ok_or_else(|| title.to_owned())
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_title_and_number() {
        assert_eq!(Column::all().count(), 27);
        for (title, column) in Column::titles() {
            assert_eq!(Column::from_title(title), Some(column));
            assert_eq!(Column::from_id(column.id()), Some(column));
            assert_eq!(column.title(), title);
        }
        assert_eq!(Column::from_title("date & time"), Some(Column::DateAndTime));
        assert_eq!(parse_columns("PID, \"Path\",tid"), Ok(vec![Column::Pid, Column::Path, Column::Tid]));
        assert_eq!(parse_columns("default").unwrap().len(), 7);
        assert_eq!(parse_columns("ALL").unwrap().len(), 27);
        assert_eq!(parse_columns("PID,Nonsense"), Err("Nonsense".to_owned()));
    }
}
