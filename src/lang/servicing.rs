//! What a servicing log and a capture say together.

use super::{Lang, Text};

crate::texts! {
    // Conclusion
    THE_ATTEMPT: "the installation", "此次安装";
    FAILED: "{what} failed with {result}", "{what} 以 {result} 失败";
    FAILED_IN: "{what} failed in phase {phase} with {result}", "{what} 在 {phase} 阶段以 {result} 失败";
    FAILED_UNSTATED: "{what} met an error (how it ended is not in the log)", "{what} 出现错误（日志中没有最终结果）";
    MET_UNSTATED: "{what} met {result} (how it ended is not in the log)", "{what} 出现 {result}（日志中没有最终结果）";
    DAMAGED: "{file} of {component} in the component store is damaged", "组件存储中 {component} 的 {file} 已损坏";
    DAMAGED_FILE: "{file} in the component store is damaged", "组件存储中的 {file} 已损坏";
    MISSING: "payload is missing from the component store: {directory}", "组件存储缺少有效负载：{directory}";
    MISSING_UNNAMED: "payload or source is missing", "缺少有效负载或安装源";
    LOCK_IS_CAUSE: "The servicing log agrees: {failed}, and that is this very refusal (line {line} of the log, event {event}).", "CBS 日志与此一致：{failed}，而这正是该次被拒操作本身（日志第 {line} 行，事件 {event}）。";
    LOCK_PROBABLY_CAUSE: "The servicing log agrees: {failed}, because {status} was met on {name} (line {line}); as far as {by} tell, that is event {event}.", "CBS 日志与此一致：{failed}，原因是在 {name} 上遇到 {status}（第 {line} 行）；从{by}来看，即事件 {event}。";
    NOT_ONLY_CAUSE: "The lock is not all: {cause}; that needs repair whoever holds what.", "占用并非全部问题：{cause}；无论谁占用文件，都需要修复。";
    LOCK_IN_CLEANUP: "But the servicing log names another cause: {failed}, because {cause}. The refusal of {name} came {distance} after that error, in the clean-up: the lock is a consequence or a bystander, and nothing shows that it made the installation fail.", "但 CBS 日志给出的原因并非占用：{failed}，原因是{cause}。{name} 被拒绝比该错误晚 {distance}，处于清理阶段：该占用是后果或旁观因素，没有迹象表明它导致了安装失败。";
    LOCK_IN_CLEANUP_UNTIMED: "But the servicing log names another cause: {failed}, because {cause}. The refusal of {name} belongs to the clean-up after that error: the lock is a consequence or a bystander, and nothing shows that it made the installation fail.", "但 CBS 日志给出的原因并非占用：{failed}，原因是{cause}。{name} 被拒绝属于该错误之后的清理阶段：该占用是后果或旁观因素，没有迹象表明它导致了安装失败。";
    LOCK_NOT_CAUSE: "But the servicing log names another cause: {failed}, because {cause}. The refusal of {name} stands in the log too, with another code than the result; it is not shown to be the cause.", "但 CBS 日志给出的原因并非占用：{failed}，原因是{cause}。日志中也有 {name} 被拒绝的记录，但其代码与最终结果不同，不能证明它是原因。";
    LOCK_NOT_SEEN_IN_CLEANUP: "But the servicing log names another cause: {failed}, because {cause}. The refusal of {name} that the log names (line {line}), in the clean-up after that error, is not in this capture: {reason}", "但 CBS 日志给出的原因并非占用：{failed}，原因是{cause}。日志记录的 {name} 被拒绝（第 {line} 行）发生在该错误之后的清理阶段，不在此捕获中：{reason}";
    LOCK_NOT_SEEN: "But the servicing log names another cause: {failed}, because {cause}. The refusal of {name} that the log names (line {line}) has another code than the result and is not in this capture: {reason}", "但 CBS 日志给出的原因并非占用：{failed}，原因是{cause}。日志记录的 {name} 被拒绝（第 {line} 行）的代码与最终结果不同，且不在此捕获中：{reason}";
    REFUSALS_BEFORE: "The refusals of this capture came {distance} before that error; nothing shows that they made the installation fail.", "此捕获中的被拒操作比该错误早 {distance}；没有迹象表明它们导致了安装失败。";
    REFUSALS_AFTER: "The refusals of this capture came {distance} after that error; nothing shows that they made the installation fail.", "此捕获中的被拒操作比该错误晚 {distance}；没有迹象表明它们导致了安装失败。";
    LOCK_NOT_MATCHED: "By the servicing log {failed}, because {status} was met on {name} (line {line}). This capture does not show that refusal: {reason}", "CBS 日志显示 {failed}，原因是在 {name} 上遇到 {status}（第 {line} 行）。此捕获中没有该次被拒操作：{reason}";
    LOCK_NOT_IN_LOG: "But the servicing log explains the failure without a lock: {failed}, because {cause}. It names none of the refusals of this capture.", "但 CBS 日志无需占用即可解释失败：{failed}，原因是{cause}。日志没有提到此捕获中的任何被拒操作。";
    NO_LOCK: "The servicing log names the cause: {failed}, because {cause}. It names no locked object.", "CBS 日志给出了原因：{failed}，原因是{cause}。日志没有提到被占用的对象。";
    OUTCOME_UNKNOWN: "The servicing log names the refused {name} (line {line}), but not how the installation ended.", "CBS 日志记录了 {name} 被拒绝（第 {line} 行），但没有记录此次安装的最终结果。";
    ATTEMPT_SUCCEEDED: "By the servicing log the installation in the time of this capture ({what}) succeeded.", "CBS 日志显示，此捕获期间的安装（{what}）已成功。";
    NO_FAILED_ATTEMPT: "The servicing log shows no failed installation.", "CBS 日志中没有失败的安装。";
    OTHER_ATTEMPT: "The servicing log is not of this capture: {identity} What it says of its failure does not speak of what this capture shows.", "CBS 日志与此捕获无关：{identity}日志中的失败不能用来说明此捕获所示的情况。";
    // Identity of an attempt
    I_SAME_PROCESS: "Log and capture are of the same attempt: the in-flight ids name process {pid16}, thread {tid16}, at {made}; that is {process} (PID {pid}), started {started}.", "日志与捕获属于同一次安装：InFlight 标识指向进程 {pid16}、线程 {tid16}，时间 {made}；即 {process}（PID {pid}），启动于 {started}。";
    I_SAME_PATH: "Log and capture are of the same attempt: a refused operation of the log is in the capture.", "日志与捕获属于同一次安装：日志中的被拒操作出现在捕获中。";
    I_SAME_FILE: "Log and capture are of the same attempt: an in-flight file that the log names occurs in the capture.", "日志与捕获属于同一次安装：日志所列的 InFlight 文件出现在捕获中。";
    I_OVERLAPS: "The attempt of the log ({from} to {to}) lies in the time of the capture; nothing else ties them.", "日志中的安装（{from} 至 {to}）与捕获时间重叠；除此之外没有其他关联。";
    I_OTHER_MACHINE: "The log is of another machine or system: it was written by servicing stack {stack}, the capture is of Windows {os}.", "日志来自另一台机器或另一系统：日志由服务堆栈 {stack} 写入，而捕获来自 Windows {os}。";
    I_OTHER_ARCH: "The log is of another machine or system: it was written by a servicing stack for {stack}, the capture is of a {bits}-bit Windows.", "日志来自另一台机器或另一系统：日志由 {stack} 架构的服务堆栈写入，而捕获来自 {bits} 位 Windows。";
    I_OTHER_ATTEMPT: "The capture is of another attempt or another machine: the in-flight ids name process {pid16} at {made}, and no servicing process with that id was running then.", "捕获属于另一次安装或另一台机器：InFlight 标识指向 {made} 时的进程 {pid16}，而捕获中当时没有使用该 PID 的 Windows 模块安装进程（TiWorker.exe 等）。";
    I_BEFORE: "The log is of another run: its attempt ended at {to}, {distance} before the capture began.", "日志属于另一次运行：其中的安装结束于 {to}，比捕获开始早 {distance}。";
    I_AFTER: "The log is of another run: its attempt began at {from}, {distance} after the capture ended.", "日志属于另一次运行：其中的安装开始于 {from}，比捕获结束晚 {distance}。";
    I_ERRORS_BEFORE: "The log is of another run, on another day: its last error is of {to}, {distance} before the capture began.", "日志属于另一天的另一次运行：其最后的错误发生于 {to}，比捕获开始早 {distance}。";
    I_ERRORS_AFTER: "The log is of another run, on another day: its first error is of {from}, {distance} after the capture ended.", "日志属于另一天的另一次运行：其最先的错误发生于 {from}，比捕获结束晚 {distance}。";
    I_UNKNOWN: "Whether the log is of the attempt in this capture cannot be told: nothing ties its local time to UTC.", "无法判断日志是否属于此捕获中的安装：日志中没有可将本地时间换算为 UTC 的记录。";
    I_PART_BOTH: "The capture covers a part of the attempt: it begins {before} after the attempt did and ends {after} before the attempt does.", "捕获只覆盖了此次安装的一部分：比安装开始晚 {before}，比安装结束早 {after}。";
    I_PART_BEGIN: "The capture begins {before} after the attempt did.", "捕获比安装开始晚 {before}。";
    I_PART_END: "The capture ends {after} before the attempt does.", "捕获比安装结束早 {after}。";
    I_RESULT_OUTSIDE: "The error that set the result lies outside the capture.", "决定结果的错误不在捕获的时间范围内。";
    I_LEFTOVER: "The in-flight files met are leftovers of an earlier attempt (process {pid16}, {made}).", "所遇到的 InFlight 文件是之前某次安装的残留（进程 {pid16}，{made}）。";
    I_LEFTOVER_OF_CAPTURE: "The in-flight files that the log met are leftovers of an earlier attempt, the one in this capture (process {pid16}, {made}).", "日志所遇到的 InFlight 文件是之前某次安装的残留，即此捕获中的那一次（进程 {pid16}，{made}）。";
    // Why a record has no event
    U_OTHER_MACHINE: "log and capture are of different machines or systems.", "日志与捕获来自不同的机器或系统。";
    U_BEFORE_CAPTURE: "it is {distance} older than the capture, which was started too late.", "它比捕获早 {distance}，捕获启动得太晚。";
    U_AFTER_CAPTURE: "it is {distance} younger than the capture, which ended too soon.", "它比捕获晚 {distance}，捕获结束得太早。";
    U_ANOTHER_DAY_BEFORE: "it is {distance} older than the capture: of another run.", "它比捕获早 {distance}，属于另一次运行。";
    U_ANOTHER_DAY_AFTER: "it is {distance} younger than the capture: of another run.", "它比捕获晚 {distance}，属于另一次运行。";
    U_OTHER_RUN: "the process that made the file does not run in the capture: it is of another attempt or another machine.", "创建该文件的进程不在捕获中：捕获属于另一次安装或另一台机器。";
    U_NO_SERVICING_PROCESS: "the capture shows no servicing process: it is of another machine, or was filtered before saving.", "捕获中没有 Windows 模块安装进程（TiWorker.exe 等）：捕获来自另一台机器，或在保存前经过筛选。";
    U_PATH_NOT_SEEN: "the capture covers that time but does not show the path: filtered before saving, or of another machine.", "捕获覆盖了该时间，但没有该路径：在保存前被筛除，或捕获来自另一台机器。";
    U_NOT_REFUSED_THEN: "the capture shows the path, but no such refusal at that time.", "捕获中有该路径，但当时没有这样的被拒操作。";
    U_TIME_UNKNOWN: "the path does not occur in the capture, and the log does not tell its UTC offset.", "捕获中没有该路径，且日志无法确定 UTC 偏移。";
    // Caveat and recommendation
    C_LOCK_NOT_CAUSE: "Keeping the holder away from the file does not repair what the servicing log names as the cause; do the repair first.", "让占用者不再占用文件，并不能修复 CBS 日志所指出的原因；请先完成修复。";
    C_OTHER_ATTEMPT: "The servicing log and the capture are of different attempts; the log's repair steps are for its own failure.", "CBS 日志与捕获属于不同的安装；日志给出的修复步骤只针对其自身的失败。";
    R_RECAPTURE: "Capture the next attempt from before the installation starts until it has failed, and collect CBS.log and CbsPersist_* of the same attempt at once.", "下次安装时，请在安装开始之前启动捕获，直到安装失败之后再结束，并立即收集同一次安装的 CBS.log 和 CbsPersist_*。";
    // Distances in time
    SPAN_SECONDS: "{s} s", "{s} 秒";
    SPAN_MINUTES: "{m} min {s} s", "{m} 分 {s} 秒";
    SPAN_HOURS: "{h} h {m} min", "{h} 小时 {m} 分";
    SPAN_WHOLE_DAYS: "{d} days", "{d} 天";
    SPAN_DAYS: "{d} days {h} h", "{d} 天 {h} 小时";
    // Report
    H_SERVICING: "What the servicing log says", "CBS 日志所示";
    H_ORDER: "Order of causes, log and capture together", "错误顺序（日志与捕获合并）";
    H_MATCHES: "Log records found in the capture", "在捕获中找到的日志记录";
    H_UNMATCHED: "Log records without an event in the capture", "在捕获中没有对应事件的日志记录";
    ZONE: "The clock of the machine was at {zone}, read from {source} ({log}).", "该机器的时区为 {zone}，依据是{source}（{log}）。";
    ZONE_AT_PAIRS: "lines with a local and a UTC stamp", "同时带有本地时间与 UTC 时间的行";
    ZONE_SESSION_ID: "the time in session ids", "会话标识中的时间";
    ZONE_INFLIGHT_ID: "the time in in-flight ids", "InFlight 标识中的时间";
    C_TIME: "Time", "时间";
    C_LINE: "Line", "行";
    C_EVENT: "Event", "事件";
    C_STATUS: "Status", "状态";
    C_PROCESS: "Process", "进程";
    C_APART: "Apart", "时间差";
    C_BY: "Fits by", "吻合项";
    C_MEANING: "Meaning", "含义";
    C_HELD_BY: "Held by", "占用者";
    C_PATH: "Path", "路径";
    C_WHY: "Why", "原因";
    V_LOG: "log", "日志";
    V_CAPTURE: "capture", "捕获";
    V_LINE: "line {line}", "第 {line} 行";
    V_EVENT: "event {event}", "事件 {event}";
    V_BOTH: "line {line}, event {event}", "第 {line} 行，事件 {event}";
    V_BY_PATH: "path", "路径";
    V_BY_TIME: "time", "时间";
    V_BY_PID: "process", "进程";
    V_BY_THREAD: "thread", "线程";
    V_SECONDS: "{seconds} s", "{seconds} 秒";
    V_UNKNOWN: "unknown", "未知";
    V_NOBODY: "nobody visible", "未见占用者";
    V_OUT_OF_SCOPE: "outside the scope", "不在检查范围内";
    V_LEFTOVER: "leftover of an earlier attempt", "之前安装的残留";
    ROLE_FIRST_ERROR: "first error", "最先的错误";
    ROLE_FIRST_ERROR_SETS_RESULT: "first error, sets the result", "最先的错误，决定结果";
    ROLE_SETS_RESULT: "sets the result", "决定结果";
    ROLE_RETURNS_RESULT: "returns the result", "返回结果";
    ROLE_CAUSE: "locked: the cause", "被占用：原因";
    ROLE_OPERATION: "locked, during the work", "被占用：执行阶段";
    ROLE_CLEANUP: "locked, in the clean-up", "被占用：清理阶段";
    ROLE_HOLDER_OPENS: "the holder opens the file", "占用者打开文件";
    ROLE_MARKED_FOR_DELETION: "marked for deletion", "标记为删除";
    ROLE_FIRST_REFUSAL: "first refusal", "首次被拒";
    ROLE_LAST_REFUSAL: "last refusal", "末次被拒";
    ROLE_HOLDER_RELEASES: "the holder lets go", "占用者释放文件";
    MORE: "… {n} more; the case record (--json) lists all", "……另有 {n} 条；完整列表见案例记录（--json）";
    ANSWER_NEXT: "Next: {next}.", "建议：{next}。";
}

/// A distance in time as people say it: `6.5 s`, `12 min 5 s`, `9 days 23 h`; whole seconds without a fraction.
pub fn span(seconds: f64, lang: Lang) -> String {
    if seconds < 10.0 && seconds.fract() != 0.0 {
        return SPAN_SECONDS.fill(lang, &[("s", &format!("{seconds:.1}"))]);
    }
    // Distances of log times are far below 2^53 s; a float converts to the nearest integer, at most the largest.
    let whole = seconds.round() as u64;
    let (d, h, m, s) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match whole {
        0..120 => SPAN_SECONDS.fill(lang, &[("s", &whole)]),
        120..7200 => SPAN_MINUTES.fill(lang, &[("m", &(whole / 60)), ("s", &s)]),
        7200..172_800 => SPAN_HOURS.fill(lang, &[("h", &(whole / 3600)), ("m", &m)]),
        _ if h == 0 => SPAN_WHOLE_DAYS.fill(lang, &[("d", &d)]),
        _ => SPAN_DAYS.fill(lang, &[("d", &d), ("h", &h)]),
    }
}

/// The text whose name is `prefix` and a stable code.
pub fn by_code(prefix: &str, code: &str) -> Option<Text> {
    let wanted = format!("{prefix}{}", code.to_ascii_uppercase());
    ALL.iter().find(|(name, _)| *name == wanted).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::{Lang, span};

    #[test]
    fn distances_are_said_in_their_own_size() {
        let both = |seconds| [Lang::En, Lang::ZhCn].map(|lang| span(seconds, lang));
        assert_eq!(both(6.514), ["6.5 s", "6.5 秒"]);
        assert_eq!(both(7.0), ["7 s", "7 秒"]);
        assert_eq!(both(119.4), ["119 s", "119 秒"]);
        assert_eq!(both(125.0), ["2 min 5 s", "2 分 5 秒"]);
        assert_eq!(both(7260.0), ["2 h 1 min", "2 小时 1 分"]);
        assert_eq!(both(90_000.0), ["25 h 0 min", "25 小时 0 分"]);
        assert_eq!(both(864_001.0), ["10 days", "10 天"]);
        assert_eq!(both(862_125.0), ["9 days 23 h", "9 天 23 小时"]);
    }
}
