//! Files that turn out to be one: by their id, or by a link that may have been another's (AT-2).

use super::FileRec;
use super::Names;
use rustc_hash::FxHashMap;

/// A forest of files.
type Parent = fn(&mut FileRec) -> &mut u32;

fn joined(file: &mut FileRec) -> &mut u32 {
    &mut file.joined
}

fn tied(file: &mut FileRec) -> &mut u32 {
    &mut file.tied
}

impl Names {
    /// Two files are one, surely or by a link that may have been another file's.
    pub(super) fn join(&mut self, a: u32, b: u32, surely: bool) {
        let parents: &[Parent] = if surely { &[joined, tied] } else { &[joined] };
        for parent in parents {
            let (a, b) = (self.root(a, *parent), self.root(b, *parent)); // the root is the smallest number of its set
            if let Some(file) = self.files.get_mut(a.max(b) as usize) {
                *parent(file) = a.min(b);
            }
        }
    }

    fn root(&mut self, mut file: u32, parent: Parent) -> u32 {
        let above = |names: &mut Self, file: u32| names.files.get_mut(file as usize).map_or(file, |rec| *parent(rec));
        loop {
            let next = above(self, file);
            if next == file {
                return file;
            }
            let next = above(self, next);
            if let Some(rec) = self.files.get_mut(file as usize) {
                *parent(rec) = next; // halves the way for the next search
            }
            file = next;
        }
    }

    /// Has every file know the root of its set.
    pub(super) fn settle_forests(&mut self) {
        for file in 0..self.files.len() {
            for parent in [joined, tied] {
                let root = self.root(file as u32, parent);
                if let Some(rec) = self.files.get_mut(file) {
                    *parent(rec) = root;
                }
            }
        }
    }

    /// Finds the files that answered two ids. One of eight bytes and one of sixteen are not compared.
    pub(super) fn settle_ids(&mut self) {
        let mut known: FxHashMap<(u32, bool), u128> = FxHashMap::default();
        let wide = |id: u128| id > u128::from(u64::MAX);
        let torn = self.ids.iter().filter_map(|((_, id), file)| {
            let file = self.canonical(*file);
            (*known.entry((file, wide(*id))).or_insert(*id) != *id).then_some(file)
        });
        self.torn = torn.collect();
    }

    /// Whether the capture shows two file ids for what its names make one file (AT-2).
    pub(crate) fn is_torn(&self, file: u32) -> bool {
        self.torn.contains(&file)
    }
}
