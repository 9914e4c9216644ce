//! The columns of an export: which field of a row holds what, read from the header.

use crate::capture::columns::Column;

/// Fields of an XML row: one for every column, and the process's number in the process list.
pub(crate) const FIELDS: usize = COLUMNS + 1;
/// How many columns there are.
const COLUMNS: usize = 28;
/// The field of an XML row with the process's number in the process list.
pub(crate) const PROCESS_INDEX: usize = COLUMNS;

/// The column of a title, or of an XML element's name (`Time_of_Day`, `Date___Time`), ignoring case and marks.
pub(crate) fn column_of(title: &str) -> Option<Column> {
    // Blanks, underscores and the ampersand are what the two spellings differ in.
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let wanted = plain(title);
    let wanted = if wanted == "dateandtime" || wanted == "dateamptime" { "datetime" } else { &wanted };
    Column::titles().find(|(title, _)| plain(title) == *wanted).map(|(_, column)| column)
}

/// The field of an XML row that an element's text belongs to.
pub(crate) fn field_of_element(name: &str) -> Option<usize> {
    if name == "ProcessIndex" { Some(PROCESS_INDEX) } else { column_of(name).map(|column| column as usize) }
}

/// Whether blanks at the ends of a field's values belong to them.
pub(crate) fn keeps_blanks(field: usize) -> bool {
    const TEXTS: [Column; 7] = [
        Column::Path,
        Column::Detail,
        Column::CommandLine,
        Column::ImagePath,
        Column::Company,
        Column::Description,
        Column::Version,
    ];
    TEXTS.iter().any(|column| *column as usize == field)
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
    slots: [Option<u16>; COLUMNS],
    /// The rows are those of an XML export, with the process's number as their last field.
    numbered: bool,
    /// Fields of a row.
    pub fields: usize,
    /// Titles that are no column of Procmon's.
    pub unknown: Vec<String>,
    /// Columns whose title occurs more than once; the first counts.
    pub repeated: Vec<Column>,
    /// Order of the columns of an XML export, where its events were looked at.
    order: Vec<usize>,
}

impl Columns {
    /// Maps the titles of a header. A title that occurs twice counts the first time.
    pub fn from_titles(titles: &[String]) -> Self {
        let mut columns = Self {
            slots: [None; COLUMNS],
            numbered: false,
            fields: titles.len(),
            unknown: Vec::new(),
            repeated: Vec::new(),
            order: Vec::new(),
        };
        for (title, at) in titles.iter().zip(0u16..) {
            match column_of(title) {
                Some(column) => {
                    let Some(slot) = columns.slots.get_mut(column as usize) else { continue };
                    if *slot.get_or_insert(at) != at && !columns.repeated.contains(&column) {
                        columns.repeated.push(column);
                    }
                }
                None => columns.unknown.push(title.clone()),
            }
        }
        columns
    }

    /// One field for every column, in the order of their declaration: the rows of an XML export.
    pub(crate) fn all() -> Self {
        let mut columns = Self { numbered: true, fields: FIELDS, ..Self::from_titles(&[]) };
        for (slot, at) in columns.slots.iter_mut().zip(0u16..) {
            *slot = Some(at);
        }
        columns
    }

    /// The same without the columns `keep` refuses.
    pub(crate) fn retain(&mut self, keep: impl Fn(Column) -> bool) {
        for (_, column) in Column::titles() {
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

    /// The columns present, in the order of Procmon's "all columns".
    pub fn present(&self) -> Vec<Column> {
        Column::titles().map(|(_, column)| column).filter(|column| self.has(*column)).collect()
    }

    /// The columns present, in the order of the file.
    pub fn in_order(&self) -> Vec<Column> {
        let mut columns = self.present();
        let place = |column: &Column| self.order.iter().position(|field| Some(*field) == self.slot(*column));
        columns.sort_by_key(|column| (place(column).unwrap_or(usize::MAX), self.slot(*column)));
        columns
    }

    /// Keeps the order in which the fields of an XML export stand.
    pub(crate) fn set_order(&mut self, order: &[usize]) {
        self.order = order.to_vec();
    }

    /// Number of the field that holds the process's number in the process list.
    #[inline]
    pub(crate) const fn process_index(&self) -> Option<usize> {
        if self.numbered { Some(PROCESS_INDEX) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_element_names() {
        assert_eq!(Column::titles().count(), COLUMNS);
        for (place, (title, column)) in Column::titles().enumerate() {
            assert_eq!(column as usize, place);
            assert_eq!(column_of(title), Some(column));
            assert_eq!(field_of_element(&title.replace(' ', "_")), Some(place));
        }
        assert_eq!(column_of("date_&_time"), Some(Column::DateAndTime));
        assert_eq!(column_of(" PID "), Some(Column::Pid));
        assert_eq!(column_of("Date"), None);
        assert_eq!(field_of_element("ProcessIndex"), Some(PROCESS_INDEX));
    }

    #[test]
    fn a_header_in_any_order() {
        let titles = ["Result", "Frobs", "PID", "Path", "PID"].map(str::to_owned);
        let columns = Columns::from_titles(&titles);
        assert_eq!(columns.slot(Column::Pid), Some(2));
        assert_eq!(columns.slot(Column::Result), Some(0));
        assert_eq!(columns.slot(Column::Detail), None);
        assert_eq!(columns.unknown, ["Frobs"]);
        assert_eq!(columns.repeated, [Column::Pid]);
        assert_eq!(columns.present(), [Column::Pid, Column::Path, Column::Result]);
        assert_eq!(columns.in_order(), [Column::Result, Column::Pid, Column::Path]);
        assert_eq!(columns.fields, 5);
    }
}
