//! Folders in which letter case tells names apart. Names ignore case unless the capture shows a folder where two names that
//! differ by case alone are two files (AT-2, VI-9).

use super::Names;
use crate::capture::op::{OpKind, OpLog, PathId};
use crate::nt::path::{fold, leaf, normalize, parent, split_stream};
use crate::nt::{CreateOptions, OpenResult};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;

/// Folded paths of such folders.
pub(super) type Folders = FxHashSet<Box<str>>;

/// The folders that queries and listings show, and those where two spellings of a name have answered two file ids.
pub(super) fn shown(log: &OpLog) -> Folders {
    let mut folders = Folders::default();
    let mut ids: FxHashMap<Box<str>, Vec<(Box<str>, u128)>> = FxHashMap::default();
    for op in log.ops.iter().filter(|op| super::succeeded(op)) {
        match op.kind {
            OpKind::CaseSensitive => {
                let path = normalize(log.paths.get(op.path), &log.roots);
                folders.insert(fold(&path).trim_end_matches('\\').into());
            }
            // What only ReFS gives for 128 bits is another number than its short form.
            OpKind::QueryFileId { id } if id.get() != 0 && id.get() >> 64 == 0 => {
                let id = id.get();
                let path = normalize(log.paths.get(op.path), &log.roots);
                let (file, _) = split_stream(&path);
                ids.entry(fold(file).into()).or_default().push((leaf(file).into(), id));
            }
            _ => {}
        }
    }
    ids.retain(|_, told| {
        told.sort_unstable();
        told.dedup();
        let one_id_each = told.windows(2).all(|pair| !matches!(pair, [a, b] if a.0 == b.0));
        one_id_each && told.windows(2).any(|pair| matches!(pair, [a, b] if a.1 != b.1))
    });
    if !ids.is_empty() {
        let replaced = replaced(log);
        let twins = ids.keys().filter(|name| !replaced.contains(*name));
        folders.extend(twins.filter_map(|name| parent(name)).map(Into::into));
    }
    folders
}

/// Folded names that were made, moved, linked or marked for deletion: another id may then be another file's.
fn replaced(log: &OpLog) -> FxHashSet<Box<str>> {
    let mut paths: FxHashSet<PathId> = FxHashSet::default();
    for op in log.ops.iter().filter(|op| super::succeeded(op)) {
        match op.kind {
            OpKind::Create(create)
                if create.result == Some(OpenResult::CREATED)
                    || create.options.contains(CreateOptions::DELETE_ON_CLOSE) => {}
            OpKind::SetDisposition { .. } | OpKind::SetDispositionEx { .. } => {}
            OpKind::Rename { target, .. } | OpKind::Link { target, .. } => paths.extend(target),
            _ => continue,
        }
        paths.insert(op.path);
    }
    let name = |path: PathId| fold(split_stream(&normalize(log.paths.get(path), &log.roots)).0).into();
    paths.into_iter().map(name).collect()
}

impl Names {
    /// A path with every name folded, but for those that lie in a folder where case counts.
    pub(super) fn fold_names<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.sensitive.is_empty() {
            return fold(text);
        }
        let folded = fold(text);
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (exact, name) in text.split('\\').zip(folded.split('\\')) {
            let above = folded.get(..at).unwrap_or("");
            let above = above.strip_suffix('\\').unwrap_or(above);
            let counts = at > 0 && self.sensitive.contains(above);
            // The names of streams ignore case everywhere.
            let file = exact.find(':').filter(|_| counts).unwrap_or(if counts { exact.len() } else { 0 });
            let (file, rest) = exact.split_at_checked(file).unwrap_or(("", exact));
            out.push_str(file);
            out.push_str(&fold(rest));
            out.push('\\');
            at += name.len() + 1;
        }
        out.pop();
        Cow::Owned(out)
    }

    /// Notes the folder of a name that was made although one that differs by case alone had been made there and had not gone.
    pub(super) fn note_twin(&mut self, log: &OpLog, made: PathId, earlier: PathId) {
        let path = normalize(log.paths.get(made), &log.roots);
        let (one, other) = (leaf(&path), leaf(log.paths.get(earlier)));
        if one != other
            && fold(one) == fold(other)
            && let Some(folder) = parent(&path)
        {
            self.twins.insert(fold(folder).trim_end_matches('\\').into());
        }
    }
}
