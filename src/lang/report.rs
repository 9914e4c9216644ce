//! The blame report: table heads, labels and short reasons.

use crate::case::{Cause, ExplanationCode, Mechanism, RuledOutReason, Severity};
use crate::lang::Text;

crate::texts! {
    CAPTURE: "Capture", "捕获文件";
    LOCAL_TIME: "local time of the computer", "该计算机的本地时间";
    EVENTS_OF: "{total} events ({file_system} file system) from {first} to {last} ({zone})", "{total} 个事件（文件系统 {file_system} 个），{first} 至 {last}（{zone}）";
    MACHINE: "{computer}, Windows {os}, {bits}-bit", "{computer}，Windows {os}，{bits} 位";
    SCOPE: "Looked for: failures of {victims} on {paths}", "检查范围：{victims} 在 {paths} 上的失败";
    SCOPE_RESULTS: "with result {results}", "结果为 {results}";
    SCOPE_WINDOW: "between {from} and {to}", "时间在 {from} 至 {to} 之间";
    ANY_PROCESS: "any process", "任意进程";
    ANY_PATH: "any path", "任意路径";
    OPEN_WINDOW: "…", "…";
    VERDICT: "Verdict", "结论";
    SUSPECTS_TABLE: "Who may have held the files: suspects only", "可能占用文件者（仅有嫌疑）";
    BLAME_TABLE: "Who held the files", "谁占用了文件";
    HEAD_RANK: "#", "#";
    HEAD_HOLDER: "Process or driver", "进程或驱动";
    HEAD_PID: "PID", "PID";
    HEAD_VENDOR: "Vendor", "厂商";
    HEAD_CONFIDENCE: "Confidence", "可信度";
    HEAD_FAILURES: "Failures", "失败数";
    HEAD_FILES: "Files", "文件数";
    HEAD_FIRST: "First", "首次";
    HEAD_LAST: "Last", "末次";
    HEAD_BLOCKED: "Blocked", "阻塞时长";
    HEAD_PARTY: "Process or driver, vendor", "进程或驱动、厂商";
    HEAD_WHEN: "First, last, time", "首次、末次、时长";
    GRADE_OF_SOME: "{grade} ({n} of {all})", "{grade}（{all} 次中的 {n} 次）";
    STACKED_COUNTS: "{failures}\nfiles: {files}", "{failures}\n文件：{files}";
    STACKED_BLOCKED: "blocked {time}", "阻塞 {time}";
    HEAD_REASON: "Why Windows refused", "Windows 拒绝的原因";
    PROVEN: "proven", "已证实";
    LIKELY: "likely", "很可能";
    POSSIBLE: "possible", "可能";
    NONE: "none", "无";
    THIRD_PARTY: "third party", "第三方";
    WINDOWS: "Windows", "Windows";
    VICTIM: "the installer itself", "安装程序自身";
    VICTIM_OTHER: "the refused process itself", "被拒进程自身";
    SMB: "for a remote client (SMB)", "代远程客户端（SMB）";
    BY_FILE: "Failures by file", "按文件列出的失败";
    HEAD_EVENT: "Event", "事件";
    HEAD_TIME: "Time", "时间";
    HEAD_OPERATION: "Operation", "操作";
    HEAD_RESULT: "Result", "结果";
    BEFORE_CAPTURE: "before the capture", "捕获开始之前";
    AFTER_CAPTURE: "end of the capture", "捕获结束之时";
    UNSEEN: "not shown", "捕获中未显示";
    MORE_FAILURES: "… and {n} more {n:failure|failures} of this file until {last} (event {event})", "……另有该文件的 {n} 次失败，直到 {last}（事件 {event}）";
    MORE_FILES: "… and {n} more {n:file|files}; the case record (--json) lists all", "……另有 {n} 个文件；完整列表见案例记录（--json）";
    NOBODY: "nobody is behind it: {cause}", "与任何程序无关：{cause}";
    NOT_VISIBLE: "not visible in this capture", "此捕获中不可见";
    SELF: "{who} (the installer itself)", "{who}（安装程序自身）";
    FOR_GOOD: "never went through in this capture: refused {n} {n:time|times}, the last time in event {event}", "在此捕获中始终未能成功：共被拒绝 {n} 次，最后一次是事件 {event}";
    FOR_GOOD_ONCE: "event {event} was not tried again in this capture", "事件 {event} 在此捕获中未再尝试";
    SELF_OTHER: "{who} (the refused process itself)", "{who}（被拒进程自身）";
    SUSPECTED: "not visible; suspected: {who}", "不可见；嫌疑对象：{who}";
    AND_SUSPECTED: "{who}; suspected: {others}", "{who}；嫌疑对象：{others}";
    HELD: "held by", "占用者";
    MAY_BE_HELD: "may have been held by", "可能的占用者";
    HELD_BY: "{held} {who} from {from} to {to}: {reason} ({confidence}, {rule})", "{held} {who}，{from} 至 {to}：{reason}（{confidence}，{rule}）";
    HELD_FROM: "{held} {who} from {from}, until when is not shown: {reason} ({confidence}, {rule})", "{held} {who}，自 {from} 起，至何时为止捕获中未显示：{reason}（{confidence}，{rule}）";
    HELD_UNTIL: "{held} {who} until {to}, since when is not shown: {reason} ({confidence}, {rule})", "{held} {who}，至 {to} 为止，自何时起捕获中未显示：{reason}（{confidence}，{rule}）";
    HELD_UNSHOWN: "suspected: {who}: {reason} ({confidence}, {rule}); what it held and when is not shown", "嫌疑对象 {who}：{reason}（{confidence}，{rule}）；占用的内容和时间未显示";
    HELD_CLOSING: "{held} {who} from {from} to {to}, when its close began, and perhaps until that was done at {done}: {reason} ({confidence}, {rule})", "{held} {who}，{from} 至 {to}（此时开始关闭），可能直到 {done} 关闭完成：{reason}（{confidence}，{rule}）";
    NOT_RETRIED: "not retried", "未重试";
    IN_EVENT: "event {event}", "事件 {event}";
    HANDLE_AMBIGUOUS: "the process is certain, which of its handles is not", "进程确定，具体句柄不确定";
    DELETED_BY: "marked for deletion by {who}, event {event}", "由 {who}标记为删除，事件 {event}";
    RELEASED_BY: "released by {who}, event {event}", "由 {who} 释放，事件 {event}";
    RELEASED_PERHAPS: "probably released by {who}, event {event}", "很可能由 {who} 释放，事件 {event}";
    LIVE_CHILD: "{path} was in the folder too, and nobody had marked it for deletion (event {event}): the folder was not empty in any case", "该目录中还有 {path}，且无人将其标记为删除（事件 {event}）：无论如何该目录都不为空";
    CONFIRMED_BY: "after that it was no longer refused, event {event}", "此后不再被拒绝，事件 {event}";
    WENT_THROUGH: "was no longer refused in event {event}", "事件 {event} 起不再被拒绝";
    OF_EVENTS: "{n:event|events} {events}: {fact}", "事件 {events}：{fact}";
    DRIVER_FACTS: "{driver}: {facts}", "{driver}：{facts}";
    DRIVER_VERSION: "version {version}", "版本 {version}";
    DRIVER_ALTITUDE: "altitude {altitude}", "高度 {altitude}";
    PROCESS_STARTED: "{process} (PID {pid}, started {time})", "{process}（PID {pid}，启动于 {time}）";
    CLEARED: "Cleared", "已排除嫌疑";
    CLEARED_BUT: "a handle older than the capture would not show", "早于捕获的句柄在捕获中不会显示";
    CLEARED_LINE: "{who}: {reason} ({rule})", "{who}：{reason}（{rule}）";
    CLEARED_OF_ONE: "{who}, of {n:event|events} {events}: {reason} ({rule})", "{who} 与事件 {events} 无关：{reason}（{rule}）";
    WAITS: "Operations that took long", "耗时过长的操作";
    WAIT_LINE: "event {event}: {process} waited {time} in {operation} on {path}, kept waiting by {who}", "事件 {event}：{process} 在 {path} 上执行 {operation} 等待了 {time}，原因在于 {who}";
    SLOW_LINE: "event {event}: {operation} of {process} on {path} took {time}, far longer than such an operation needs; in its stack: {who} (possible, VI-3)", "事件 {event}：{process} 在 {path} 上执行 {operation} 耗时 {time}，远长于此类操作所需时间；其调用栈中有 {who}（可能，VI-3）";
    SLOW_ALONE_LINE: "event {event}: {operation} of {process} on {path} took {time}, far longer than such an operation needs; who had a part in it is not shown", "事件 {event}：{process} 在 {path} 上执行 {operation} 耗时 {time}，远长于此类操作所需时间；何者所致，捕获中未显示";
    QUALITY: "What this capture cannot show", "此捕获无法显示的内容";
    CAVEATS: "Keep in mind", "注意事项";
    NEXT: "Next steps", "下一步建议";
    DETAILS_HINT: "The story of one failure: pmlblame why {file} --event {event}", "查看单次失败的经过：pmlblame why {file} --event {event}";
    CONSISTENCY: "Self-check on these files: {opens} {opens:open|opens} checked, {conflicts} {conflicts:contradicts|contradict} the model", "对这些文件的自检：检查了 {opens} 次打开，与模型矛盾 {conflicts} 次";

    SEVERITY_INFO: "note", "提示";
    SEVERITY_WARNING: "warning", "警告";
    SEVERITY_ERROR: "error", "错误";

    REASON_DELETE_PENDING: "holds the delete-pending file open", "持有已标记删除（删除挂起）的文件句柄";
    REASON_NO_SHARE: "does not share {classes}", "未共享 {classes}";
    REASON_VICTIM_NO_SHARE: "has {classes}, which the other side does not share", "持有 {classes} 访问，而对方未共享";
    REASON_VICTIM_NO_SHARE_MAXIMUM: "asked for MAXIMUM_ALLOWED, perhaps granted {classes}, which the other side does not share", "请求了 MAXIMUM_ALLOWED，可能获得 {classes} 访问，而对方未共享";
    REASON_SHARE: "share modes conflict", "共享模式冲突";
    REASON_UNKNOWN_SHARE: "has it open; how it shares it is not shown", "打开着该文件，其共享方式未显示";
    REASON_IMAGE: "runs the file as a program or DLL", "已将文件作为程序或 DLL 映像加载";
    REASON_SECTION: "has the file mapped into memory", "已将文件映射到内存";
    REASON_RANGE: "locked the byte range", "锁定了字节范围";
    REASON_CHILD_PENDING: "holds a child that is being deleted", "持有目录内正在删除的子项";
    REASON_CHILD_IN_USE: "holds a child that could not be deleted", "持有目录内无法删除的子项";
    REASON_PARENT_PENDING: "holds the folder that is being deleted", "持有正在删除的上级目录";
    REASON_POSIX: "still has open the handle that marked it for deletion", "标记删除的句柄仍未关闭";
    REASON_TARGET: "holds the file that was to be replaced", "持有将被替换的目标文件";
    REASON_DESCENDANT: "holds something below the folder", "持有该目录下的内容";
    REASON_DESTINATION: "holds the destination folder", "持有目标目录";
    REASON_CWD: "has it as its current directory", "以该目录为当前目录";
    REASON_OPLOCK: "did not give up its oplock in time", "未及时放弃机会锁（oplock）";
    REASON_OPLOCK_STANDS: "has an oplock that the open could not break", "持有该打开无法中断的机会锁（oplock）";
    REASON_NO_OPLOCK: "has it open in a way that makes the oplock impossible", "其打开方式使机会锁（oplock）无法授予";
    REASON_STREAM: "has one of its streams open", "打开着其中一个数据流";
    REASON_FILTER: "stands in the call stack as a filter driver", "作为筛选器驱动出现在调用堆栈中";

    CAUSE_SHARE: "share modes conflict", "共享模式冲突";
    CAUSE_DELETE_PENDING: "the file is waiting to be deleted", "文件处于删除挂起状态";
    CAUSE_IMAGE: "the file is loaded as a program or DLL", "文件已作为程序或 DLL 加载";
    CAUSE_MAPPED: "the file is mapped into memory", "文件已映射到内存";
    CAUSE_RANGE: "a byte range is locked", "字节范围已被锁定";
    CAUSE_NOT_EMPTY: "the folder is not empty", "目录非空";
    CAUSE_OPLOCK: "an oplock", "机会锁（oplock）";
    CAUSE_RENAME: "open files forbid the rename", "打开的文件阻止重命名";
    CAUSE_OTHER: "not a lock", "并非占用所致";
    NOBODY_LIVE_CHILD: "files are left in the folder that nobody tried to delete (DR-1)", "目录中仍有文件，且没有程序尝试删除它们（DR-1）";
    NOBODY_READ_ONLY: "the file is read-only (DP-10)", "文件具有只读属性（DP-10）";
    NOBODY_DELETED: "the file had already been deleted under this handle (DP-6)", "该句柄所指的文件此前已被删除（DP-6）";

    WHY_ALTITUDE: "a filter driver below Process Monitor's altitude may hold it", "位于 Process Monitor 高度（altitude）之下的筛选器驱动可能占用该文件";
    WHY_BEFORE: "it may have been opened before the capture began", "可能在捕获开始之前就已打开";
    WHY_MAPPING: "it may be mapped without an open handle", "可能已被映射而没有打开的句柄";
    WHY_READ_ONLY: "it may be read-only, and then nobody's hold is the reason (DP-10)", "该文件可能为只读，若是则并非占用所致（DP-10）";
    WHY_KERNEL: "the kernel itself holds it", "由内核自身占用";
    WHY_SMB: "a remote client may hold it over SMB", "远程客户端可能通过 SMB 占用";
    WHY_INHERITED: "a handle may have been inherited or duplicated", "句柄可能是继承或复制而来";
    WHY_FILTERED: "a process that the capture's filter left out may hold it", "占用进程可能被捕获筛选条件排除";
    WHY_MISSING: "events are missing from the capture", "捕获缺少部分事件";

    OUT_COMPATIBLE: "its share mode does not conflict", "其共享模式不冲突";
    OUT_CLOSED: "had closed it before", "此前已关闭";
    OUT_LATER: "opened it later", "之后才打开";
    OUT_OTHER_FILE: "held another file", "占用的是另一个文件";
    OUT_SAME_NAME: "held another file of the same name", "占用的是另一个同名文件";
    OUT_ATTRIBUTES: "opened it for attributes only", "仅为读取属性而打开";
    OUT_FAILED: "its own open failed", "其自身的打开操作失败";
    OUT_EXITED: "had ended before", "此前已结束";
    OUT_OTHER_LINK: "held another hard link", "占用的是另一个硬链接";
    OUT_STILL: "the failure went on after it had let go", "其释放之后失败仍在继续";
    OUT_SHOWN: "a success that its handle or mapping would have forbidden shows that it was gone by then", "有一次其句柄或映射本应阻止的操作成功，表明其当时已不存在";
    OUT_NOT_MARKER: "had it open, but a POSIX delete is kept only by the handle that marked it", "虽打开着该文件，但 POSIX 删除只由标记它的句柄维持";
    OUT_OUTLASTED: "still had it open when the deleted name had gone, so it was not what kept the name", "已删除的名称消失时其句柄仍打开，因此名称并非由其保留";
    OUT_HANDLE: "had it open, but a handle does not lead to this result", "虽打开着它，但句柄不会导致此结果";
    OUT_NO_LOCK: "had it open, but no byte-range lock of its stood against this request", "虽打开着它，但没有与此请求冲突的字节范围锁";
    OUT_NO_OPLOCK: "had it open, but no oplock on it", "虽打开着它，但未持有其机会锁（oplock）";
    OUT_MAPPING: "may have had it mapped still, but that mapping does not refuse this request", "可能仍映射着该文件，但该映射不会拒绝此请求";
    OUT_WITHOUT: "may have had it open too, but nothing shows that it stood in the way, and the refusal is explained without it", "可能也打开着它，但没有证据表明其造成阻碍，且无需它即可解释此次被拒";
    OUT_NOT_COMPLETED: "its own open did not complete within the capture", "其自身的打开操作在捕获期间未完成";
}

/// What stood in the way, in words.
pub const fn cause(cause: Cause) -> Text {
    match cause {
        Cause::ShareConflict => CAUSE_SHARE,
        Cause::DeletePending => CAUSE_DELETE_PENDING,
        Cause::ImageSection => CAUSE_IMAGE,
        Cause::UserMapped => CAUSE_MAPPED,
        Cause::ByteRangeLock => CAUSE_RANGE,
        Cause::DirectoryNotEmpty => CAUSE_NOT_EMPTY,
        Cause::OplockBreak => CAUSE_OPLOCK,
        Cause::RenameBlocked => CAUSE_RENAME,
        Cause::Other => CAUSE_OTHER,
    }
}

/// Why an operation was refused that nobody stood in the way of; `status` as in a record.
pub fn nobody(reason: Cause, status: &str) -> Text {
    match (reason, status) {
        (Cause::DirectoryNotEmpty, _) => NOBODY_LIVE_CHILD,
        (Cause::Other, "0xC0000121") => NOBODY_READ_ONLY,
        (Cause::Other, "0xC0000123") => NOBODY_DELETED,
        _ => cause(reason),
    }
}

/// A few words for why a hold is in the way.
pub const fn mechanism(mechanism: Mechanism, cause: Cause) -> Text {
    match mechanism {
        Mechanism::OpenHandle if matches!(cause, Cause::DeletePending) => REASON_DELETE_PENDING,
        Mechanism::OpenHandle if matches!(cause, Cause::OplockBreak) => REASON_NO_OPLOCK,
        Mechanism::OpenHandle if matches!(cause, Cause::RenameBlocked) => REASON_STREAM,
        Mechanism::OpenHandle => REASON_SHARE,
        Mechanism::ImageMapping => REASON_IMAGE,
        Mechanism::DataMapping => REASON_SECTION,
        Mechanism::ByteRangeLock => REASON_RANGE,
        Mechanism::ChildDeletePending => REASON_CHILD_PENDING,
        Mechanism::FilterInStack => REASON_FILTER,
        Mechanism::ChildInUse => REASON_CHILD_IN_USE,
        Mechanism::ParentDeletePending => REASON_PARENT_PENDING,
        Mechanism::PosixMarker => REASON_POSIX,
        Mechanism::ReplacedTarget => REASON_TARGET,
        Mechanism::OpenDescendant => REASON_DESCENDANT,
        Mechanism::DestinationDirectory => REASON_DESTINATION,
        Mechanism::CurrentDirectory => REASON_CWD,
        Mechanism::Oplock => REASON_OPLOCK,
    }
}

/// Why a holder may be invisible.
pub const fn explanation(code: ExplanationCode) -> Text {
    match code {
        ExplanationCode::FilterBelowProcmonAltitude => WHY_ALTITUDE,
        ExplanationCode::OpenBeforeCapture => WHY_BEFORE,
        ExplanationCode::Mapping => WHY_MAPPING,
        ExplanationCode::ReadOnlyAttribute => WHY_READ_ONLY,
        ExplanationCode::KernelHeld => WHY_KERNEL,
        ExplanationCode::SmbClient => WHY_SMB,
        ExplanationCode::InheritedOrDuplicatedHandle => WHY_INHERITED,
        ExplanationCode::OutsideFilter => WHY_FILTERED,
        ExplanationCode::EventsMissing => WHY_MISSING,
    }
}

/// Why a party is cleared.
pub const fn ruled_out(reason: RuledOutReason) -> Text {
    match reason {
        RuledOutReason::CompatibleSharing => OUT_COMPATIBLE,
        RuledOutReason::ClosedBefore => OUT_CLOSED,
        RuledOutReason::OpenedAfter => OUT_LATER,
        RuledOutReason::OtherFile => OUT_OTHER_FILE,
        RuledOutReason::SameNameOtherFile => OUT_SAME_NAME,
        RuledOutReason::AttributesOnly => OUT_ATTRIBUTES,
        RuledOutReason::OwnOpenFailed => OUT_FAILED,
        RuledOutReason::ExitedBefore => OUT_EXITED,
        RuledOutReason::OtherLink => OUT_OTHER_LINK,
        RuledOutReason::StillFailingAfterRelease => OUT_STILL,
        RuledOutReason::ShownClosedByLaterSuccess => OUT_SHOWN,
        RuledOutReason::NotTheMarker => OUT_NOT_MARKER,
        RuledOutReason::OutlastedTheName => OUT_OUTLASTED,
        RuledOutReason::OpenNotCompleted => OUT_NOT_COMPLETED,
        RuledOutReason::HandleDoesNotBlock => OUT_HANDLE,
        RuledOutReason::NoConflictingLock => OUT_NO_LOCK,
        RuledOutReason::NoOplock => OUT_NO_OPLOCK,
        RuledOutReason::MappingDoesNotBlock => OUT_MAPPING,
        RuledOutReason::ExplainedWithoutIt => OUT_WITHOUT,
    }
}

/// How much a weakness matters.
pub const fn severity(severity: Severity) -> Text {
    match severity {
        Severity::Info => SEVERITY_INFO,
        Severity::Warning => SEVERITY_WARNING,
        Severity::Error => SEVERITY_ERROR,
    }
}
