//! The self-check of a capture for a terminal.

use super::escape::{ascii, terminal};
use super::style::{Style, grouped, new_table};
use crate::case::AuditRecord;
use crate::lang::{report as r, why as t};

/// Contradictions listed one by one, at most.
const MAX_CONFLICTS: usize = 20;

/// The whole report.
pub fn render(audit: &AuditRecord, style: &Style) -> String {
    let lang = style.lang;
    let names: Vec<String> = audit.capture.files.iter().map(|file| terminal(&file.name)).collect();
    let mut lines = vec![format!("{}{}{}", r::CAPTURE.get(lang), lang.colon(), names.join(lang.comma()))];
    lines.push(t::AUDIT_OPENS.fill(lang, &[("n", &grouped(audit.opens_checked))]));
    lines.push(t::AUDIT_CONFLICTS.fill(lang, &[("n", &audit.false_conflicts.len())]));
    lines.push(
        t::AUDIT_FAILURES
            .fill(lang, &[("explained", &audit.failures.explained), ("unexplained", &audit.failures.unexplained)]),
    );
    lines.push(
        t::AUDIT_CLOSES.fill(lang, &[("closes", &audit.closes_without_open), ("opens", &audit.opens_without_close)]),
    );
    lines.extend(audit.notes.iter().cloned());
    if !audit.failures.by_status.is_empty() {
        let mut table = new_table(style, &[r::HEAD_RESULT, t::AUDIT_HEAD_EXPLAINED, t::AUDIT_HEAD_UNEXPLAINED]);
        for (status, count) in &audit.failures.by_status {
            table.add_row(vec![status.clone(), count.explained.to_string(), count.unexplained.to_string()]);
        }
        lines.push(table.to_string());
    }
    if !audit.false_conflicts.is_empty() {
        let mut table = new_table(style, &[r::HEAD_EVENT, t::AUDIT_HEAD_HOLDER, t::RULE, t::HEAD_PATH]);
        for conflict in audit.false_conflicts.iter().take(MAX_CONFLICTS) {
            table.add_row(vec![
                conflict.event.to_string(),
                conflict.holder_event.map_or_else(String::new, |event| event.to_string()),
                conflict.rule.clone(),
                terminal(&conflict.path),
            ]);
        }
        lines.push(table.to_string());
        if audit.false_conflicts.len() > MAX_CONFLICTS {
            lines.push(t::AUDIT_MORE.fill(lang, &[("n", &(audit.false_conflicts.len() - MAX_CONFLICTS))]));
        }
    }
    let mut out = lines.join("\n");
    out.push('\n');
    if style.ascii { ascii(&out) } else { out }
}
