//! Details of process, thread, image and profiling events.

use super::super::row::Row;
use super::super::sink::Sink;
use super::super::{json, text};
use super::raw;
use crate::pml::bytes::{Wide, u32_at};
use crate::pml::detail::process::{
    Create, LoadImage, ProcessProfile, Start, Statistics, ThreadExit, ThreadProfile, strings,
};
use crate::pml::ops::code;

/// `hidden`: without environments.
pub(super) fn send<S: Sink>(row: &Row<'_>, detail: &[u8], hidden: bool, sink: &mut S) -> Option<()> {
    match row.operation {
        code::PROCESS_DEFINED | code::PROCESS_CREATE => create(Create::parse(detail)?, sink),
        code::PROCESS_EXIT | code::PROCESS_STATISTICS => statistics(Statistics::parse(detail)?, sink),
        code::THREAD_CREATE => sink.decimal("Thread ID", "thread_id", u32_at(detail, 0)?.into()),
        code::THREAD_EXIT => {
            let exit = ThreadExit::parse(detail)?;
            sink.decimal("Thread ID", "thread_id", row.event.thread_id().into());
            if S::TYPED {
                sink.decimal("", "exit_status", exit.exit_status.into());
            }
            sink.seconds("User Time", "user_seconds", exit.user.0, false);
            sink.seconds("Kernel Time", "kernel_seconds", exit.kernel.0, false);
        }
        code::LOAD_IMAGE => {
            let load = LoadImage::parse(detail, row.event.pointer())?;
            sink.hex("Image Base", "image_base", load.base);
            sink.hex("Image Size", "image_size", load.size.into());
        }
        code::PROCESS_START => start(Start::parse(detail)?, hidden, sink),
        _ => raw(detail, sink),
    }
    Some(())
}

fn create<S: Sink>(create: Create<'_>, sink: &mut S) {
    sink.decimal("PID", "pid", create.pid.into());
    sink.text("Command line", "command_line", create.command_line);
    if !S::TYPED {
        return;
    }
    sink.decimal("", "parent_pid", create.parent_pid.into());
    sink.decimal("", "session", create.session.into());
    sink.boolean("", "is_64_bit", create.is_64_bit);
    sink.date("", "created", create.created);
    sink.hex("", "authentication_id", create.authentication_id);
    if let Some(user) = create.user {
        sink.word("", "user_sid", &user.to_string());
    }
    if let Some(integrity) = create.integrity {
        sink.word("", "integrity_sid", &integrity.to_string());
    }
}

fn statistics<S: Sink>(statistics: Statistics, sink: &mut S) {
    sink.signed("Exit Status", "exit_status", statistics.exit_status.into());
    sink.seconds("User Time", "user_seconds", statistics.user.0, true);
    sink.seconds("Kernel Time", "kernel_seconds", statistics.kernel.0, true);
    sink.grouped("Private Bytes", "private_bytes", statistics.private);
    sink.grouped("Peak Private Bytes", "peak_private_bytes", statistics.peak_private);
    sink.grouped("Working Set", "working_set", statistics.working_set);
    sink.grouped("Peak Working Set", "peak_working_set", statistics.peak_working_set);
}

fn start<S: Sink>(start: Start<'_>, hidden: bool, sink: &mut S) {
    sink.decimal("Parent PID", "parent_pid", start.parent_pid.into());
    let Some(parameters) = start.parameters else { return };
    sink.text("Command line", "command_line", parameters.command_line);
    sink.text("Current directory", "current_directory", parameters.current_directory);
    let block = if hidden { Wide(&[]) } else { parameters.environment };
    if !S::TYPED {
        sink.write("Environment", "", |out| environment(out, block));
        return;
    }
    sink.key("", "environment");
    let out = sink.out();
    out.push(b'[');
    for variable in strings(block) {
        json::separate(out);
        json::string(out, |out| text::wide(out, variable.0));
    }
    out.push(b']');
}

/// Each string on a line of its own, behind a tab. An empty string is printed when another follows it.
fn environment(out: &mut Vec<u8>, block: Wide<'_>) {
    let mut end = block.0.len() / 2 * 2;
    while end >= 2 && block.0.get(end - 2..end) == Some(&[0, 0]) {
        end -= 2;
    }
    let mut rest = block.0.get(..end).unwrap_or_default();
    while !rest.is_empty() {
        let units = rest.chunks_exact(2).position(|unit| unit == [0, 0]).unwrap_or(rest.len() / 2);
        let (text, after) = rest.split_at_checked(units * 2).unwrap_or((rest, &[]));
        out.extend_from_slice(b"\r\n\t");
        text::wide(out, text);
        rest = after.get(2..).unwrap_or_default();
    }
}

pub(super) fn send_profiling<S: Sink>(row: &Row<'_>, detail: &[u8], sink: &mut S) -> Option<()> {
    match row.operation {
        code::THREAD_PROFILING => {
            let profile = ThreadProfile::parse(detail)?;
            sink.seconds("User Time", "user_seconds", profile.user.0, false);
            sink.seconds("Kernel Time", "kernel_seconds", profile.kernel.0, false);
            sink.decimal("Context Switches", "context_switches", profile.context_switches.into());
        }
        code::PROCESS_PROFILING => {
            let profile = ProcessProfile::parse(detail)?;
            sink.seconds("User Time", "user_seconds", profile.user.0, true);
            sink.seconds("Kernel Time", "kernel_seconds", profile.kernel.0, true);
            sink.grouped("Private Bytes", "private_bytes", profile.private);
            sink.grouped("Working Set", "working_set", profile.working_set);
        }
        _ => raw(detail, sink),
    }
    Some(())
}
