//! What happened in order of time, one step on a line of columns and what it happened to on the next, unbroken: a path cut
//! by a table's cells cannot be copied.

use unicode_width::UnicodeWidthStr;

/// One step.
#[derive(Clone, Debug, Default)]
pub(super) struct Step {
    /// What stands in columns, each as wide as its widest; trailing ones may be empty.
    pub(super) columns: Vec<String>,
    /// What stands below, as long as it is.
    pub(super) place: String,
}

/// The lines of `steps`.
pub(super) fn lines(steps: &[Step]) -> Vec<String> {
    let count = steps.iter().map(|step| step.columns.len()).max().unwrap_or_default();
    let wide = |at: usize| {
        steps.iter().filter_map(|step| step.columns.get(at)).map(|text| text.width()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..count).map(wide).collect();
    let indent = " ".repeat(4 + widths.first().copied().unwrap_or_default());
    let mut lines = Vec::new();
    for step in steps {
        let mut line = String::new();
        for (text, width) in step.columns.iter().zip(&widths) {
            line.push_str("  ");
            line.push_str(text);
            line.push_str(&" ".repeat(width.saturating_sub(text.width())));
        }
        lines.push(line.trim_end().to_owned());
        if !step.place.is_empty() {
            lines.push(format!("{indent}{}", step.place));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Step, lines};

    #[test]
    fn columns_line_up_whatever_the_script() {
        let step = |columns: &[&str], place: &str| Step {
            columns: columns.iter().map(|text| (*text).to_owned()).collect(),
            place: place.to_owned(),
        };
        let steps = [step(&["13:50", "捕获", "x"], r"C:\a b\c"), step(&["9:01:02", "log", ""], ""), step(&["1"], "y")];
        assert_eq!(
            lines(&steps),
            ["  13:50    捕获  x", r"           C:\a b\c", "  9:01:02  log", "  1", "           y"]
        );
    }
}
