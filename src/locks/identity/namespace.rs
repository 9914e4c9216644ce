//! What each operation does to names: opens, ends, renames, links and marks, in completion order (AT-1, AT-5).

use super::{NONE, Names, Place, Target, UNNAMED, opens, succeeded};
use crate::capture::op::{Op, OpKind, OpLog, PathId};
use crate::nt::{DispositionFlags, NtStatus, OpenResult};

impl Names {
    pub(super) fn step(&mut self, log: &OpLog, at: u32, tick: u32, op: &Op) -> Place {
        match op.kind {
            OpKind::ProcessCreate { .. } | OpKind::ProcessStart { .. } | OpKind::ProcessExit => {
                return Place { link: NONE, stream: UNNAMED };
            }
            _ => {}
        }
        let slot = self.resolve(op.path);
        let stream = self.parsed(op.path).stream;
        if slot == NONE {
            return Place { link: NONE, stream };
        }
        let place = |link| Place { link, stream };
        match op.kind {
            OpKind::Create(create) => {
                if opens(op) {
                    let created = create.result == Some(OpenResult::CREATED) && stream == UNNAMED;
                    let link = self.open(log, slot, tick, op, created);
                    self.bearers.opened(op.process, link, stream);
                    if stream == UNNAMED && create.options.contains(crate::nt::CreateOptions::DELETE_ON_CLOSE) {
                        self.note_mark(link);
                    }
                    place(link)
                } else {
                    let link = self.refused_by_name(slot, stream, tick, op);
                    let wants_delete = create
                        .access
                        .is_some_and(|access| access.map_generic().intersects(crate::nt::AccessMask::DELETE));
                    if wants_delete {
                        self.note_refusal(slot, tick, at, op);
                    }
                    place(link)
                }
            }
            OpKind::QueryOpen { .. } => place(if succeeded(op) {
                self.open(log, slot, tick, op, false)
            } else {
                self.refused_by_name(slot, stream, tick, op)
            }),
            OpKind::Cleanup => {
                let link = self.with_handle(slot, stream, tick, at, op);
                self.closed(slot, stream, op.process, link);
                place(link)
            }
            OpKind::SetDisposition { delete, .. } => {
                let link = self.with_handle(slot, stream, tick, at, op);
                self.dispose(link, slot, stream, tick, at, op, delete);
                place(link)
            }
            OpKind::SetDispositionEx { flags, .. } => {
                let link = self.with_handle(slot, stream, tick, at, op);
                let delete = flags.contains(DispositionFlags::DELETE);
                // DP-5: what is to happen at the close leaves the name to be opened until then.
                let later = flags.contains(DispositionFlags::ON_CLOSE);
                self.dispose(link, slot, stream, tick, at, op, delete && !(later && succeeded(op)));
                if delete && later && stream == UNNAMED && succeeded(op) {
                    self.note_mark(link);
                }
                place(link)
            }
            OpKind::Rename { target, .. } => {
                let link = self.with_handle(slot, stream, tick, at, op);
                self.move_name(log, at, tick, op, link, target, true);
                place(link)
            }
            OpKind::Link { target, .. } => {
                let link = self.with_handle(slot, stream, tick, at, op);
                self.move_name(log, at, tick, op, link, target, false);
                place(link)
            }
            OpKind::QueryFileId { id } => {
                let id = id.get();
                let link = self.with_handle(slot, stream, tick, at, op);
                if succeeded(op) && id != 0 && id != u128::MAX && self.other_readings(at).is_empty() {
                    let volume = self.components(op.path).first().copied().unwrap_or(NONE);
                    let file = self.file_of(link);
                    let known = *self.ids.entry((volume, id)).or_insert(file);
                    self.join(known, file, true);
                }
                place(link)
            }
            OpKind::ShortName { long, short } => {
                self.alias(short, long);
                place(self.current(slot))
            }
            OpKind::ListedReadOnly => place(self.current(slot)),
            OpKind::LoadImage => {
                let link = self.bound(slot, tick);
                self.read_as(at, link, self.able(slot, stream, op.process));
                place(link)
            }
            _ => place(self.with_handle(slot, stream, tick, at, op)),
        }
    }

    /// A successful open by name.
    pub(super) fn open(&mut self, log: &OpLog, slot: u32, tick: u32, op: &Op, created: bool) -> u32 {
        let link = self.current(slot);
        let rec = self.links.get(link as usize).copied();
        let link = match rec {
            Some(rec) if created && !rec.seen => {
                if let Some(file) = self.files.get_mut(rec.file as usize) {
                    file.born = Some(op.start);
                }
                link
            }
            // AT-5: the name was free, so whatever bore it before is another file.
            Some(rec) if created => {
                self.odd += u32::from(!rec.ever_marked);
                if let Some(earlier) = rec.made_as.filter(|_| !rec.ever_marked) {
                    self.note_twin(log, op.path, earlier);
                }
                self.end(link, tick, false);
                self.new_file(slot, tick, Some(op.start))
            }
            // DP-2: no open succeeds on a marked link, so the name has been taken by another file meanwhile.
            Some(rec) if rec.marked.is_some_and(|marked| op.start >= marked) => {
                self.odd += 1;
                self.end(link, tick, false);
                self.new_file(slot, tick, None)
            }
            Some(_) => link,
            None if created => self.new_file(slot, tick, Some(op.start)),
            None => {
                let last = self.slots.get(slot as usize).map_or(NONE, |slot| slot.last);
                self.odd += u32::from(last != NONE);
                self.revived(slot, tick)
            }
        };
        if let Some(rec) = self.links.get_mut(link as usize) {
            rec.seen = true;
            rec.made_as = if created { Some(op.path) } else { rec.made_as };
        }
        link
    }

    /// A name reported missing once and there again without a create was hidden, not gone.
    pub(super) fn revived(&mut self, slot: u32, tick: u32) -> u32 {
        let last = self.slots.get(slot as usize).map_or(NONE, |slot| slot.last);
        match self.links.get(last as usize) {
            Some(rec) if rec.slot == slot && rec.gone_by_lookup && !rec.ever_marked => {
                self.settle(last, slot, tick);
                last
            }
            _ => self.new_file(slot, tick, None),
        }
    }

    pub(super) fn refused_by_name(&mut self, slot: u32, stream: u32, tick: u32, op: &Op) -> u32 {
        let link = self.current(slot);
        match op.status {
            NtStatus::OBJECT_NAME_NOT_FOUND => {
                if link != NONE && stream == UNNAMED && self.links.get(link as usize).is_some_and(|rec| rec.seen) {
                    self.odd += u32::from(!self.ever_marked(link));
                    self.end(link, tick, true);
                }
                if link == NONE { self.slots.get(slot as usize).map_or(NONE, |slot| slot.last) } else { link }
            }
            NtStatus::OBJECT_PATH_NOT_FOUND => {
                if link == NONE {
                    self.slots.get(slot as usize).map_or(NONE, |slot| slot.last)
                } else {
                    link
                }
            }
            status => {
                let link = self.bound(slot, tick);
                let dir = self.slots.get(slot as usize).map_or(0, |slot| slot.dir);
                let below_marked = self
                    .files
                    .get(dir as usize)
                    .and_then(|dir| self.links.get(dir.link as usize))
                    .is_some_and(|rec| rec.ever_marked);
                let shows = match status {
                    NtStatus::DELETE_PENDING => !below_marked,
                    NtStatus::SHARING_VIOLATION
                    | NtStatus::CANNOT_DELETE
                    | NtStatus::USER_MAPPED_FILE
                    | NtStatus::OBJECT_NAME_COLLISION => true,
                    _ => false,
                };
                if shows && let Some(rec) = self.links.get_mut(link as usize) {
                    rec.seen = true;
                }
                link
            }
        }
    }

    pub(super) fn note_mark(&mut self, link: u32) {
        if let Some(rec) = self.links.get_mut(link as usize) {
            rec.ever_marked = true;
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn dispose(&mut self, link: u32, slot: u32, stream: u32, tick: u32, at: u32, op: &Op, delete: bool) {
        if !succeeded(op) {
            if delete {
                self.note_refusal(slot, tick, at, op);
            }
            return;
        }
        if stream != UNNAMED {
            return; // deleting a named stream leaves the link alone
        }
        if let Some(rec) = self.links.get_mut(link as usize) {
            rec.marked = delete.then(|| op.finished());
            rec.ever_marked |= delete;
            rec.posix |= matches!(op.kind, OpKind::SetDispositionEx { flags, .. }
                if delete && flags.contains(DispositionFlags::POSIX_SEMANTICS));
            rec.seen = true;
        }
    }

    pub(super) fn note_refusal(&mut self, slot: u32, tick: u32, at: u32, op: &Op) {
        if matches!(
            op.status,
            NtStatus::SHARING_VIOLATION
                | NtStatus::DELETE_PENDING
                | NtStatus::CANNOT_DELETE
                | NtStatus::USER_MAPPED_FILE
                | NtStatus::DIRECTORY_NOT_EMPTY
        ) && let Some(slot) = self.slots.get(slot as usize)
        {
            self.refused.push((slot.dir, tick, at));
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn move_name(
        &mut self,
        log: &OpLog,
        at: u32,
        tick: u32,
        op: &Op,
        link: u32,
        target: Option<PathId>,
        rename: bool,
    ) {
        let Some(target) = target else { return };
        let text = log.paths.get(target);
        if text.starts_with(':') {
            return; // a stream gets a new name: the link stays
        }
        let to = if text.contains('\\') {
            self.resolve(target)
        } else {
            // A bare name stays in the directory of the source.
            let Some(&leaf) = self.components(target).last() else { return };
            let from = self.links.get(link as usize).map_or(NONE, |rec| rec.slot);
            let Some(dir) = self.slots.get(from as usize).map(|slot| slot.dir) else { return };
            self.slot(dir, leaf)
        };
        let Some(slot) = self.slots.get(to as usize).copied() else { return };
        self.targets.insert(at, Target { link: if slot.link == link { NONE } else { slot.link }, dir: slot.dir });
        if !succeeded(op) || link == NONE {
            return;
        }
        if slot.link == link {
            return; // a change of letter case only
        }
        if slot.link != NONE {
            self.end(slot.link, tick, false);
        }
        if rename {
            self.leave(link, tick);
            self.settle(link, to, tick);
            let file = self.file_of(link);
            if self.files.get(file as usize).is_some_and(|file| file.has_children) {
                self.epoch = self.epoch.wrapping_add(1);
                self.folder_moves.push((file, tick, at));
            }
        } else {
            let made = self.linked_to(link, to, tick, at);
            self.linked.insert(at, made);
        }
        let now = self.current(to);
        if let Some(rec) = self.links.get_mut(now as usize) {
            rec.made_as = Some(target);
        }
        for link in [link, now] {
            if let Some(rec) = self.links.get_mut(link as usize) {
                rec.seen = true;
            }
        }
    }
}
