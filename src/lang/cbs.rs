//! Sentences about servicing logs.

use super::{Lang, Text, cbs_codes::code_text};
use crate::case::cbs::{Attempt, ErrorRef, LockRef};

crate::texts! {
    // Diagnosis
    DAMAGE: "{file} of {component} could not be built from its deltas: the copy in the store is not what it should be. That file must be repaired, whoever holds what.",
        "组件 {component} 的文件 {file} 无法由增量生成：组件存储中的现有副本与应有内容不符。无论谁占用文件，都必须先修复该文件。";
    DAMAGE_HASH: "The content of {file} in the store is not what its component says. That file must be repaired, whoever holds what.",
        "组件存储中 {file} 的内容与组件记录不符。无论谁占用文件，都必须先修复该文件。";
    DAMAGE_ALSO: "Besides, the content of {file} in the store is not what it should be; it needs repair.",
        "此外，组件存储中 {file} 的内容与应有内容不符，需要修复。";
    MISSING_DIR: "The payload directory {directory} does not exist in the store; the update needs {file} from it.",
        "组件存储中不存在有效负载目录 {directory}，而更新需要其中的 {file}。";
    MISSING_UNNAMED: "Payload or source is missing; the log does not name which.", "缺少有效负载或安装源，日志未指明是哪一个。";
    MISSING_ALSO: "Besides, payload is missing from the store: {directory}.", "此外，组件存储缺少有效负载：{directory}。";
    NO_LOCK: "A lock is not involved: nothing in a capture would name a holder.", "与文件占用无关：捕获中不会有占用者。";
    LOCK_CAUSE: "{status} on {path} is the failure itself: the result {result} is this status (line {line}). Who held the file the log does not say; a capture does.",
        "失败本身就是 {path} 上的 {status}：最终结果 {result} 即此状态（第 {line} 行）。日志不记录占用者，需由捕获确定。";
    LOCK_ALONE: "{status} was met on {path} (line {line}). The log does not show how the attempt ended, so it does not show that this lock was the cause.",
        "在 {path} 上遇到 {status}（第 {line} 行）。日志没有记录此次安装的最终结果，因此不能证明该占用就是原因。";
    LOCK_CLEANUP_IN: "{status} on {path} (line {line}) was met inside {function}, {distance} after the error that set the result: clean-up. The log alone does not show that this lock caused the failure; it proves only that some handle was still open.",
        "{path} 上的 {status}（第 {line} 行）出现在 {function} 之内，比决定结果的错误晚 {distance}，属于清理阶段。仅凭日志不能说明该占用导致了失败，只能证明当时仍有句柄未关闭。";
    LOCK_CLEANUP: "{status} on {path} (line {line}) was met after the error that set the result: it did not decide the outcome.",
        "{path} 上的 {status}（第 {line} 行）出现在决定结果的错误之后，并非决定性因素。";
    LOCK_EVIDENCE: "{status} was also met on {path} (line {line}), but the result is another one.",
        "在 {path} 上还遇到 {status}（第 {line} 行），但最终结果并非此状态。";
    LOCKS_MORE: "The log has {n} more {n:record|records} of objects in use.", "日志中另有 {n} 条占用记录。";
    LEFTOVER: "The in-flight folder of {path} is older than this attempt: a leftover of an earlier one.",
        "{path} 所在的 InFlight 目录早于此次安装，是之前某次安装的残留。";
    OTHER: "The attempt ended with {result}. No damaged file, missing payload or lock in the log accounts for it.",
        "此次安装以 {result} 结束。日志中没有能解释它的损坏文件、缺失的有效负载或占用记录。";
    OTHER_UNKNOWN: "The log does not tell how the attempt ended; it names no damaged file, missing payload or lock.",
        "日志没有记录此次安装的最终结果，也没有提到损坏的文件、缺失的有效负载或占用。";
    FIRST_AND_SET: "The first error was {first} (line {first_line}, {first_time}); the result {result} was first raised at line {set_line} ({set_time}){by}.",
        "最先出现的错误是 {first}（第 {first_line} 行，{first_time}）；最终结果 {result} 最早出现在第 {set_line} 行（{set_time}）{by}。";
    FIRST_IS_SET: "The first error, at line {first_line} ({first_time}), is the result {result}{by}.",
        "最先出现的错误（第 {first_line} 行，{first_time}）就是最终结果 {result}{by}。";
    RETURNED_BY: " and returned by {function} (line {line})", "，并由 {function} 返回（第 {line} 行）";
    NOT_STATED: "The log does not state the outcome; {result} is the code of its last error.", "日志没有记录最终结果；{result} 取自最后一个错误。";
    LINES_OF: "Line numbers are those of {file}.", "以上行号均指 {file}。";
    LINES_OF_SEVERAL: "The attempt is spread over {files}; the order of causes says which line stands where.",
        "此次安装的记录分布在 {files} 中；各行所在的日志见“错误顺序”。";
    // Table heads and headings
    H_LOGS: "Logs", "日志";
    H_ATTEMPTS: "Attempts", "安装尝试";
    H_ORDER: "Order of causes", "错误顺序";
    H_LOCKED: "Objects in use", "被占用的对象";
    H_DAMAGED: "Damaged files", "损坏的文件";
    H_MISSING: "Missing payload", "缺失的有效负载";
    H_WINSXS: "What the failing machine lacks", "故障机器缺少的内容";
    H_NEXT: "Next steps", "下一步建议";
    H_NOTES: "About the logs", "日志说明";
    H_SKIPPED: "Not read", "未读取";
    C_LOG: "Log", "日志";
    C_FROM: "From (local)", "起（本地时间）";
    C_TO: "To (local)", "止（本地时间）";
    C_OFFSET: "UTC", "UTC 偏移";
    C_RECORDS: "Records", "记录数";
    UNPARSED: "{log}: lines that are part of no record, not read: {n}", "{log}：不属于任何记录、未读取的行：{n}";
    C_UNPARSED: "Unparsed lines", "未识别行";
    C_ENCODING: "Encoding", "编码";
    C_SESSION: "Session", "会话";
    C_CLIENT: "Client", "客户端";
    C_PACKAGE: "Package / KB", "程序包 / KB";
    C_RESULT: "Result", "结果";
    C_PHASE: "Phase", "阶段";
    C_STARTED: "Started (local)", "开始（本地时间）";
    C_FIRST_ERROR: "First error", "最先的错误";
    C_LINE: "Line", "行";
    C_TIME: "Time (local)", "时间（本地）";
    C_STATUS: "Status", "状态";
    C_PATH: "Path", "路径";
    C_STAGE: "Stage", "阶段";
    C_MADE: "Made by (PID, local time)", "创建者（PID，本地时间）";
    C_COMPONENT: "Component", "组件";
    C_FILE: "File", "文件";
    C_EXPECTED: "Expected", "应为";
    C_ACTUAL: "Actual", "实为";
    C_WHAT: "What", "情况";
    C_ARCH: "Arch", "架构";
    C_VERSION: "Version", "版本";
    C_DIRECTORY: "Directory below WinSxS", "WinSxS 下的目录";
    C_FILES: "Files", "文件";
    C_TIMES: "Times", "次数";
    C_RANK: "Wanted", "需求";
    // Cells
    V_SUCCESS: "succeeded", "成功";
    V_UNKNOWN: "not in the log", "日志未记录";
    V_OUTSIDE: "outside any session", "不属于任何会话";
    V_FIRST: "first error", "最先的错误";
    V_SETS: "sets the result", "决定结果";
    V_FIRST_SETS: "first error, sets the result", "最先的错误，决定结果";
    V_RETURNED: "returns the result", "返回结果";
    V_CLEANUP: "clean-up", "清理阶段";
    V_CAUSE: "cause", "原因";
    V_OPERATION: "during the work", "执行阶段";
    V_HYDRATION: "cannot be built from its deltas: {code}", "无法由增量生成：{code}";
    V_HASH: "content does not match", "内容不匹配";
    V_MISSING: "payload directory missing", "有效负载目录缺失";
    V_ASKED: "asked for by the log", "日志所需";
    V_SAME: "same component", "同一组件";
    V_REST: "other", "其他";
    V_WHOLE: "whole directory, {n} files", "整个目录，{n} 个文件";
    V_IN_UTC: "{time} UTC", "{time} UTC";
    V_UNKNOWN_ZONE: "unknown", "未知";
    // Sentences of the report
    NO_LOG: "No CBS log was found in the given paths.", "给定路径中没有找到 CBS 日志。";
    SKIPPED_ONE: " {path}: {reason}.", "{path}：{reason}。";
    PHASE_IS: " [phase: {phase}]", "（阶段：{phase}）";
    NOTHING_FAILED: "No failed installation is recorded; logs read: {n}.", "没有失败的安装记录；已读取 {n} 个日志。";
    MEANING: "{code} {symbol}: {meaning}.", "{code} {symbol}：{meaning}。";
    WINSXS_BOTH: "{good} has {good_dirs} component {good_dirs:directory|directories}, {bad} has {bad_dirs}; {lacking} {lacking:item lacks|items lack}.",
        "{good} 有 {good_dirs} 个组件目录，{bad} 有 {bad_dirs} 个；缺少 {lacking} 项。";
    WINSXS_FOLDERS_ONLY: "The listing of the failing machine names no files (tree without /f?): only directories were compared.", "故障机器的列表中没有文件（tree 未加 /f？），只比较了目录。";
    WINSXS_NOT_ON_GOOD: "Not on the good machine either: {directory}", "正常机器上也没有：{directory}";
    WINSXS_PRESENT: "The log misses {directory}, yet the listing of the failing machine shows it: the listing is of another moment or machine.",
        "日志称缺少 {directory}，但故障机器的列表中有它：列表可能来自其他时间或其他机器。";
    ROWS_MORE: "… {n} more rows; --json has all.", "……另有 {n} 行，完整内容见 --json。";
    COPY_OF: "{log} has the same bytes as {other}; it is not counted again.", "{log} 与 {other} 内容完全相同，不重复计入。";
    SHARED: "{log} shares {records} records with {other} ({first} to {last}); they are counted once.",
        "{log} 与 {other} 有 {records} 条相同记录（{first} 至 {last}），只计一次。";
    // Notes about a log
    N_STARTS_MID_RECORD: "starts in the middle of a record ({n} {n:line|lines})", "从一条记录的中间开始（{n} 行）";
    N_TRUNCATED_LAST_LINE: "ends in the middle of a line", "最后一行不完整";
    N_NUL_BYTES: "{n} NUL {n:byte|bytes}, as a power cut leaves them", "含 {n} 个 NUL 字节，可能是断电造成";
    N_MIXED_ENCODINGS: "{n} {n:line is|lines are} GBK, the rest UTF-8", "{n} 行为 GBK 编码，其余为 UTF-8";
    N_UTF16_LINES: "{n} {n:line is|lines are} UTF-16 among others: logs were joined without converting them", "{n} 行为 UTF-16 编码，夹在其他编码的行中：日志曾被未经转换地拼接";
    N_LONG_LINES_CUT: "{n} {n:line was|lines were} too long to keep whole", "{n} 行过长，未完整保留";
    N_CLOCK_SET_BACK: "the clock goes back {n} {n:time|times}, first at line {line}", "时钟回拨 {n} 次，首次在第 {line} 行";
    N_SESSION_TIME_CONTRADICTS: "the time in a session's id contradicts the stamp of its line (line {line}); the stamp counts", "会话标识中的时间与所在行的时间戳矛盾（第 {line} 行），以时间戳为准";
    N_UTC_OFFSET_CHANGED: "the UTC offset changes, first at line {line}", "UTC 偏移有变化，首次在第 {line} 行";
    N_NO_UTC_OFFSET: "nothing ties local time to UTC; the zone is unknown", "没有可用于确定 UTC 偏移的记录，时区未知";
    N_SEQUENCE_GAPS: "{n} CSI {n:record is|records are} missing, first before line {line}", "缺少 {n} 条 CSI 记录，首处在第 {line} 行之前";
    N_FINDINGS_LEFT_OUT: "{n} {n:finding|findings} beyond the limit {n:is|are} only counted", "超出上限的 {n} 条结果只计数";
    N_LOCKS_WITHOUT_PATH: "{n} {n:record|records} of objects in use {n:names|name} no path, first at line {line}", "{n} 条占用记录没有路径，首条在第 {line} 行";
    N_LENGTH_MISMATCH: "{n} {n:text does|texts do} not have {n:its|their} declared length, first at line {line}: the log was altered on its way", "{n} 处文本与声明长度不符，首处在第 {line} 行：日志在传递中被改动";
    N_READ_ERROR: "reading stopped at an error after line {line}", "在第 {line} 行之后读取出错而中止";
    // Skipped inputs
    S_NOT_A_LOG: "not a CBS log and not an archive", "不是 CBS 日志，也不是压缩包";
    S_UNREADABLE: "cannot be read", "无法读取";
    S_ARCHIVE_DAMAGED: "the archive is damaged", "压缩包已损坏";
    S_ARCHIVE_CUT_OFF: "the archive breaks off or has lost its directory; what could be found in it was read", "压缩包不完整或缺少中央目录；已读取其中可找到的内容";
    S_ENCRYPTED: "is encrypted", "已加密";
    S_TOO_DEEP: "archives are nested too deep", "压缩包嵌套过深";
    S_TOO_MANY: "too many files", "文件过多";
    S_TOO_LARGE: "unpacks to more than the limit", "解压后超出上限";
    S_ARCHIVE_KIND: "an archive of a kind that is not read; unpack it and give the folder", "不支持此类压缩包，请解压后指定文件夹";
    S_ARCHIVE_HEADLESS: "is named like an archive, but its beginning is missing or is not that of one", "名称是压缩包，但开头缺失或不是压缩包格式";
    S_PART_OF_SET: "is one cabinet of a set; unpack the set (expand) and give the folder", "是分卷 CAB 中的一卷，请先用 expand 展开整组分卷，再指定文件夹";
    S_UNSUPPORTED: "compressed in a way that is not supported", "压缩方式不受支持";
    // Recommendations
    R_REPAIR_STORE_FILE: "Repair {file} of {component}: run DISM /Online /Cleanup-Image /RestoreHealth with a source of the same build, or copy the file from a machine of the same build, then retry. Warning: the store belongs to TrustedInstaller; before copying by hand keep what is there, afterwards put owner and permissions back: a wrong version makes it worse.",
        "修复组件 {component} 的 {file}：使用相同内部版本的安装源运行 DISM /Online /Cleanup-Image /RestoreHealth，或从相同内部版本的机器复制该文件，然后重试。警告：组件存储归 TrustedInstaller 所有；手动复制前请先备份原有内容，复制后恢复所有者和权限，版本不符会使情况恶化。";
    R_REPAIR_FILE: "Repair {file} in the component store: run DISM /Online /Cleanup-Image /RestoreHealth with a source of the same build, or copy the file from a machine of the same build, then retry. Warning: the store belongs to TrustedInstaller; before copying by hand keep what is there, afterwards put owner and permissions back: a wrong version makes it worse.",
        "修复组件存储中的 {file}：使用相同内部版本的安装源运行 DISM /Online /Cleanup-Image /RestoreHealth，或从相同内部版本的机器复制该文件，然后重试。警告：组件存储归 TrustedInstaller 所有；手动复制前请先备份原有内容，复制后恢复所有者和权限，版本不符会使情况恶化。";
    R_RESTORE_PAYLOAD: "Restore {n} {n:directory|directories} below WinSxS: run DISM /Online /Cleanup-Image /RestoreHealth with a source of the same build, or copy them from a machine of the same build, then retry; pmlblame cbs --list prints their names. Warning: the store belongs to TrustedInstaller; before copying by hand keep what is there, afterwards put owner and permissions back: a wrong version makes it worse.",
        "恢复 WinSxS 下的 {n} 个目录：使用相同内部版本的安装源运行 DISM /Online /Cleanup-Image /RestoreHealth，或从相同内部版本的机器复制这些目录，然后重试；用 pmlblame cbs --list 可列出名称。警告：组件存储归 TrustedInstaller 所有；手动复制前请先备份原有内容，复制后恢复所有者和权限，版本不符会使情况恶化。";
    R_RESTORE_ONE: "Restore the directory {directory} below WinSxS: run DISM /Online /Cleanup-Image /RestoreHealth with a source of the same build, or copy it from a machine of the same build, then retry. Warning: the store belongs to TrustedInstaller; before copying by hand keep what is there, afterwards put owner and permissions back: a wrong version makes it worse.",
        "恢复 WinSxS 下的目录 {directory}：使用相同内部版本的安装源运行 DISM /Online /Cleanup-Image /RestoreHealth，或从相同内部版本的机器复制该目录，然后重试。警告：组件存储归 TrustedInstaller 所有；手动复制前请先备份原有内容，复制后恢复所有者和权限，版本不符会使情况恶化。";
    R_CAPTURE: "Capture the next attempt with Process Monitor: start it before the installation, all events, no drop filter, save as PML with all events, and collect CBS.log and CbsPersist_* at once.",
        "用 Process Monitor 捕获下一次安装：在安装前启动，记录所有事件，不要丢弃筛选掉的事件，保存为包含所有事件的 PML，并立即收集 CBS.log 与 CbsPersist_*。";
    R_COLLECT_REST: "The log does not tell how the installation ended: collect CBS.log once more after its end, with the CbsPersist_* files of that day.", "日志没有记录此次安装如何结束：请在安装结束后重新收集 CBS.log 以及当天的 CbsPersist_* 文件。";
    R_COLLECT_ROTATED: "The log begins inside the attempt: collect the rotated logs as well ({names}).",
        "日志从此次安装的中途开始：请一并收集已轮换的日志（{names}）。";
    R_FOLLOW_CODE: "{code}: {next}.", "{code}：{next}。";
    // Errors
    E_NO_PATH: "cannot open {path}: {error}", "无法打开 {path}：{error}";
    E_NOT_A_LISTING: "{path} is not a listing of WinSxS (tree /f or dir /s /b)", "{path} 不是 WinSxS 的目录列表（tree /f 或 dir /s /b）";
    E_INTERRUPTED: "interrupted", "已中断";
}

/// `0x800f0986 (PSFX_E_…)`
pub fn code_with_symbol(code: &str, symbol: Option<&str>) -> String {
    symbol.map_or_else(|| code.to_owned(), |symbol| format!("{code} ({symbol})"))
}

/// What a code printed as `0x…` means.
pub fn meaning(code: &str, lang: Lang) -> Option<&'static str> {
    Some(code_text(parse(code)?)?.meaning.get(lang))
}

/// What to do about a code printed as `0x…`.
pub fn next_step(code: &str, lang: Lang) -> Option<&'static str> {
    Some(code_text(parse(code)?)?.next.get(lang))
}

fn parse(code: &str) -> Option<u32> {
    u32::from_str_radix(code.strip_prefix("0x")?, 16).ok()
}

/// The facts about an attempt that its sentences name beyond the attempt itself.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// First damaged file and its component.
    pub damaged: Option<(String, Option<String>)>,
    /// Whether a hydration failure names it (else only a hash does).
    pub hydration: bool,
    /// First missing directory and file.
    pub missing: Option<(Option<String>, Option<String>)>,
    /// Whether the attempt's log is one of several, so that a line alone does not say where.
    pub among_others: bool,
}

/// Why an attempt failed, in a few sentences: the diagnosis, the order of causes, and what is no cause.
pub fn diagnosis_text(attempt: &Attempt, primary: &str, also: &[String], named: &Named, lang: Lang) -> String {
    let mut out: Vec<String> = Vec::new();
    let result = attempt.result.as_ref().map(|result| code_with_symbol(&result.hresult, result.symbol.as_deref()));
    let result = result.unwrap_or_else(|| V_UNKNOWN.get(lang).to_owned());
    let lock_primary = primary.starts_with("inflight_") || primary.starts_with("locked_");
    match primary {
        "corrupt_base_payload" => out.push(damage(named, lang)),
        "missing_payload" => {
            out.push(missing(named, lang));
            if attempt.locks.is_empty() {
                out.push(NO_LOCK.get(lang).to_owned());
            }
        }
        _ if lock_primary => {
            if let Some(lock) = attempt.locks.iter().find(|lock| lock.sets_result).or(attempt.locks.first()) {
                let text = if lock.sets_result { LOCK_CAUSE } else { LOCK_ALONE };
                out.push(fill_lock(text, lock, &result, lang));
            }
        }
        _ if attempt.result.is_none() => out.push(OTHER_UNKNOWN.get(lang).to_owned()),
        _ => out.push(OTHER.fill(lang, &[("result", &result)])),
    }
    out.extend(order(attempt, &result, lang));
    if !attempt.result_stated && attempt.result.is_some() {
        out.push(NOT_STATED.fill(lang, &[("result", &result)]));
    }
    let others: Vec<&LockRef> = attempt.locks.iter().filter(|lock| !lock.sets_result).collect();
    let shown = if lock_primary && attempt.locks.iter().all(|lock| !lock.sets_result) { 1 } else { 0 };
    let mut told: Vec<&LockRef> = others.iter().take(shown).copied().collect();
    for lock in others.iter().skip(shown) {
        // One object met again and again is told once.
        let again = told.iter().any(|known| (&known.path, &known.ntstatus) == (&lock.path, &lock.ntstatus));
        if again || told.len() >= shown + 3 {
            continue;
        }
        told.push(lock);
        let text = match (lock.stage.as_str(), &lock.enclosing_function, lock.seconds_after_result) {
            ("cleanup", Some(function), Some(_)) if function.contains("DeleteRecursively") => LOCK_CLEANUP_IN,
            ("cleanup", ..) => LOCK_CLEANUP,
            _ => LOCK_EVIDENCE,
        };
        out.push(fill_lock(text, lock, &result, lang));
    }
    let more = others.len().saturating_sub(told.len());
    if more > 0 {
        out.push(LOCKS_MORE.fill(lang, &[("n", &more)]));
    }
    if let Some(lock) = attempt.locks.iter().find(|lock| lock.leftover == Some(true)) {
        out.push(LEFTOVER.fill(lang, &[("path", &lock.path)]));
    }
    if also.iter().any(|code| code == "corrupt_base_payload")
        && let Some((file, _)) = &named.damaged
    {
        out.push(DAMAGE_ALSO.fill(lang, &[("file", file)]));
    }
    if also.iter().any(|code| code == "missing_payload")
        && let Some((directory, file)) = &named.missing
        && let Some(name) = directory.as_ref().or(file.as_ref())
    {
        out.push(MISSING_ALSO.fill(lang, &[("directory", name)]));
    }
    let tells_lines = attempt.first_error.is_some() || !attempt.locks.is_empty();
    match attempt.files.as_slice() {
        [file] if named.among_others && tells_lines => out.push(LINES_OF.fill(lang, &[("file", file)])),
        [_, _, ..] if tells_lines => {
            out.push(LINES_OF_SEVERAL.fill(lang, &[("files", &attempt.files.join(lang.comma()))]));
        }
        _ => {}
    }
    let blank = if lang == Lang::ZhCn { "" } else { " " };
    out.join(blank)
}

fn damage(named: &Named, lang: Lang) -> String {
    match &named.damaged {
        Some((file, Some(component))) if named.hydration => {
            DAMAGE.fill(lang, &[("file", file), ("component", component)])
        }
        Some((file, _)) => DAMAGE_HASH.fill(lang, &[("file", file)]),
        None => String::new(),
    }
}

fn missing(named: &Named, lang: Lang) -> String {
    match &named.missing {
        Some((Some(directory), file)) => {
            let file = file.as_deref().unwrap_or("*");
            MISSING_DIR.fill(lang, &[("directory", directory), ("file", &file)])
        }
        _ => MISSING_UNNAMED.get(lang).to_owned(),
    }
}

/// Which error came first and which one set the result.
fn order(attempt: &Attempt, result: &str, lang: Lang) -> Option<String> {
    let first = attempt.first_error.as_ref()?;
    let set = attempt.set_result.as_ref()?;
    let by = attempt.returned_by.as_ref().and_then(|event| Some((event.function.as_deref()?, event)));
    let by = by.map(|(function, event)| {
        let function = function.rsplit("::").next().unwrap_or(function);
        RETURNED_BY.fill(lang, &[("function", &function), ("line", &event.line)])
    });
    let by = by.unwrap_or_default();
    Some(if first == set {
        FIRST_IS_SET
            .fill(lang, &[("first_line", &first.line), ("first_time", &first.local), ("result", &result), ("by", &by)])
    } else {
        FIRST_AND_SET.fill(
            lang,
            &[
                ("first", &error_name(first, lang)),
                ("first_line", &first.line),
                ("first_time", &first.local),
                ("result", &result),
                ("set_line", &set.line),
                ("set_time", &set.local),
                ("by", &by),
            ],
        )
    })
}

/// The code of an error, or the start of its record.
pub fn error_name(event: &ErrorRef, lang: Lang) -> String {
    match (&event.symbol, &event.code) {
        (Some(symbol), _) => symbol.clone(),
        (None, Some(code)) => code.clone(),
        (None, None) if event.kind == "missing_payload" => V_MISSING.get(lang).to_owned(),
        (None, None) if event.kind == "hash_mismatch" => V_HASH.get(lang).to_owned(),
        (None, None) => event.record.chars().take(80).collect(),
    }
}

fn fill_lock(text: Text, lock: &LockRef, result: &str, lang: Lang) -> String {
    let status = lock.symbol.as_deref().unwrap_or(&lock.ntstatus);
    let distance = super::servicing::span(lock.seconds_after_result.unwrap_or_default(), lang);
    let function = lock.enclosing_function.as_deref().unwrap_or("?");
    text.fill(
        lang,
        &[
            ("status", &status),
            ("path", &lock.path),
            ("line", &lock.line),
            ("result", &result),
            ("function", &function),
            ("distance", &distance),
        ],
    )
}

/// The sentence of a note code.
pub fn note_text(code: &str) -> Option<Text> {
    find("N_", code)
}

/// The sentence of a reason for skipping an input.
pub fn skip_text(code: &str) -> Option<Text> {
    find("S_", code)
}

fn find(prefix: &str, code: &str) -> Option<Text> {
    let wanted = format!("{prefix}{}", code.to_ascii_uppercase());
    ALL.iter().find(|(name, _)| *name == wanted).map(|(_, text)| *text)
}
