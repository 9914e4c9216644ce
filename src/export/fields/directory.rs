//! Details of QueryDirectory and NotifyChangeDirectory.

use super::super::row::Row;
use super::super::scene::Scene;
use super::super::sink::Sink;
use super::super::{json, text};
use super::masks;
use crate::pml::FileDetail;
use crate::pml::bytes::Wide;
use crate::pml::detail::directory::{QueryDirectory, class_name};
use crate::pml::ops::Generation;

/// Bytes of Detail that are more than 4,095 UTF-16 units in every case: nothing behind them can be printed.
const ENOUGH: usize = 4 * 4_096;

pub(super) fn query<S: Sink>(
    _: &Row<'_>,
    file: FileDetail<'_>,
    extra: Option<&[u8]>,
    scene: &Scene<'_>,
    sink: &mut S,
) -> Option<()> {
    let query = QueryDirectory::parse(file)?;
    let mut names = query.entries(extra.unwrap_or_default()).map(|entry| entry.name);
    if S::TYPED {
        class(query.class, sink);
        if !query.pattern.is_empty() {
            sink.text("", "pattern", query.pattern);
        }
        sink.decimal("", "buffer_length", query.length.into());
        typed_names(names, sink);
    } else {
        // Under Advanced Output the sub-operation is the first field.
        let taken = u64::from(scene.style.advanced);
        match scene.style.generation {
            Generation::V3_4 => numbered(query, &mut names, None, taken, sink),
            // The third place is taken by the class; the name that belonged there is lost.
            Generation::V3_5 => numbered(query, &mut names, Some(2), taken, sink),
            Generation::V3_6 | Generation::V4 => {
                class(query.class, sink);
                let mut slot = 1 + taken;
                if !query.pattern.is_empty() {
                    sink.text("Filter", "", query.pattern);
                    slot += 1;
                }
                let start = sink.out().len();
                for name in names {
                    place(slot, name, sink);
                    slot += 1;
                    if sink.out().len() - start > ENOUGH {
                        break;
                    }
                }
            }
        }
    }
    Some(())
}

/// Slots numbered from `slot`: the filter takes the first when there is one, the class takes `class_slot`.
fn numbered<'a, S: Sink>(
    query: QueryDirectory<'_>,
    names: &mut dyn Iterator<Item = Wide<'a>>,
    class_slot: Option<u64>,
    mut slot: u64,
    sink: &mut S,
) {
    let start = sink.out().len();
    if !query.pattern.is_empty() {
        sink.text("Filter", "", query.pattern);
        slot += 1;
    }
    loop {
        let name = names.next();
        if class_slot == Some(slot) {
            class(query.class, sink);
        } else {
            match name {
                Some(name) => place(slot, name, sink),
                None => break,
            }
        }
        if name.is_none() || sink.out().len() - start > ENOUGH {
            break;
        }
        slot += 1;
    }
}

fn class<S: Sink>(class: u32, sink: &mut S) {
    sink.write("FileInformationClass", "information_class", |out| match class_name(class) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => {
            out.extend_from_slice(b"<Unknown: ");
            text::decimal(out, class.into());
            out.push(b'>');
        }
    });
}

/// `3: name`.
pub(super) fn place<S: Sink>(slot: u64, name: Wide<'_>, sink: &mut S) {
    let mut buffer = itoa::Buffer::new();
    sink.wide(buffer.format(slot), "", name);
}

fn typed_names<'a, S: Sink>(names: impl Iterator<Item = Wide<'a>>, sink: &mut S) {
    sink.key("", "names");
    let out = sink.out();
    out.push(b'[');
    for name in names {
        json::separate(out);
        json::string(out, |out| text::wide(out, name.0));
    }
    out.push(b']');
}

pub(super) fn notify<S: Sink>(file: FileDetail<'_>, sink: &mut S) {
    let filter = file.argument_u32(2);
    sink.mask("Filter", "filter", filter, masks::NOTIFY.into_iter(), |out| masks::notify(out, filter));
}
