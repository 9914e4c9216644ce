//! The story of one failure, and the self-check: labels, and each locking rule in a sentence.

use super::Text;

crate::texts! {
    TITLE: "Why event {event} failed", "事件 {event} 失败的原因";
    FAILED: "{time}  {process} (PID {pid}) {operation} → {result}", "{time}  {process}（PID {pid}）{operation} → {result}";
    ASKED: "asked for: {what}", "请求：{what}";
    ACCESS: "access {names}", "访问 {names}";
    EFFECTIVE: "checked as {names}", "按 {names} 检查";
    SHARE: "shares {names}", "共享 {names}";
    NOTHING: "nothing", "无";
    TO: "to {path}", "目标 {path}";
    RANGE: "{length} bytes from {offset}", "自 {offset} 起 {length} 字节";
    DELETE_SET: "marks for deletion", "标记为删除";
    DELETE_CLEARED: "takes the mark for deletion back", "取消删除标记";
    BYTES: "{n} bytes", "{n} 字节";
    EXCLUSIVE: "exclusive {at}", "独占 {at}";
    SHARED: "shared {at}", "共享 {at}";
    RULE: "Rule", "规则";
    HOLDS: "Who held the file (▓ held, ░ perhaps still held, ✗ the failure)", "谁占用了文件（▓ 表示占用，░ 表示可能仍占用，✗ 表示失败时刻）";
    HOLDS_ASCII: "Who held the file (# held, ? perhaps still held, X the failure)", "谁占用了文件（# 表示占用，? 表示可能仍占用，X 表示失败时刻）";
    NOBODY_HELD: "Nobody is seen to hold the file around the failure.", "未见任何进程在失败前后占用该文件。";
    EVENTS: "What happened to the file", "该文件上发生的操作";
    CLEARED: "Who is cleared, and why", "已排除嫌疑的进程及原因";
    IMPLICATED: "in the way", "造成阻塞";
    TRUNCATED: "Only what lies nearest to the failure is told.", "仅列出与该失败最接近的内容。";
    NOT_VISIBLE: "No holder is visible in this capture. Possible reasons, most likely first:", "此捕获中看不到占用者。可能的原因（按可能性排序）：";
    NO_SUCH_EVENT: "{file}: there is no event {event}; the capture has {events} events, numbered from 0", "{file}：没有事件 {event}；该捕获共有 {events} 个事件，编号从 0 开始";
    NOT_A_LOCK: "{file}: event {event} was not refused because of a lock; see it with: pmlblame events \"{file}\" --event {event}", "{file}：事件 {event} 并非因文件占用而被拒绝；可用以下命令查看：pmlblame events \"{file}\" --event {event}";
    HEAD_DETAIL: "Detail", "详细信息";
    HEAD_PATH: "Path", "路径";

    AUDIT_OPENS: "{n} successful opens checked against the locking rules", "按占用规则检查了 {n} 次成功的打开";
    AUDIT_CONFLICTS: "{n} of them contradict the model", "其中 {n} 次与模型矛盾";
    AUDIT_FAILURES: "{explained} refused operations explained, {unexplained} without a visible cause", "{explained} 次被拒操作已得到解释，{unexplained} 次没有可见原因";
    AUDIT_CLOSES: "{closes} closes without an open, {opens} opens without a close", "{closes} 次关闭没有对应的打开，{opens} 次打开没有对应的关闭";
    AUDIT_HEAD_EXPLAINED: "Explained", "已解释";
    AUDIT_HEAD_UNEXPLAINED: "Unexplained", "未解释";
    AUDIT_HEAD_HOLDER: "Holder's open", "占用者的打开事件";
    AUDIT_MORE: "… and {n} more (--json lists all)", "……另有 {n} 项（--json 可列出全部）";

    SA_3: "Two opens of one stream stand together only if each shares what the other has: read, write and delete are checked in both directions.", "同一数据流的两次打开只有在双方各自共享对方所持访问时才能并存：读、写、删除均双向检查。";
    SA_5: "Overwriting adds write access to the check, superseding adds delete access, although neither was asked for by name.", "覆盖（overwrite）会在检查中附加写访问，取代（supersede）会附加删除访问，即使请求中并未写明。";
    SA_6: "Delete access to the file conflicts with an open of any of its streams that does not share delete.", "对文件的删除访问会与任一数据流上未共享删除的打开相冲突。";
    SA_8: "While somebody has the file mapped for writing, an open that does not share write is refused even without any handle left.", "只要文件被以可写方式映射，未共享写入的打开就会被拒绝，即使已没有句柄。";
    SA_10: "Folders follow the same check; listing counts as reading.", "目录遵循同样的检查；列出目录视为读取。";
    SA_11: "The open asked for the maximum allowed access, or its access is not shown: it may conflict, which the capture cannot prove by itself.", "该次打开请求的是“允许的最大访问”或其访问未显示：可能冲突，但仅凭捕获无法证实。";
    DP_3: "A file marked for deletion stays, and every new open of its name fails, until the last handle on that name is closed, whatever that handle's access or share mode.", "文件被标记删除后，在该名称的最后一个句柄关闭之前一直存在，且对该名称的任何新打开都会失败，与该句柄的访问或共享模式无关。";
    DP_4: "A handle opened with delete-on-close marks the file when it is closed.", "以“关闭时删除”方式打开的句柄在关闭时将文件标记为删除。";
    DP_6: "With POSIX semantics the name stays pending only until the handle that marked it is closed; that handle alone stands in the way.", "采用 POSIX 语义时，名称仅在标记它的句柄关闭之前处于挂起状态；造成阻塞的只有该句柄。";
    DP_7: "Nothing can be opened or created below a folder that is waiting to be deleted; the handles on the folder keep it.", "目录处于删除挂起状态时，其下不能打开或创建任何内容；是目录上的句柄使其保留。";
    DP_8: "A pending delete belongs to one name of the file: handles opened by another hard link neither see nor prolong it.", "挂起的删除只针对文件的某一个名称：通过其他硬链接打开的句柄既不受影响，也不会延长它。";
    DP_9: "A handle on one of its streams keeps the whole file pending.", "任一数据流上的句柄都会使整个文件保持挂起状态。";
    DP_10: "The read-only attribute forbids deletion; nobody holds the file.", "只读属性禁止删除；没有进程占用该文件。";
    MM_1: "A file that is mapped, as a running program or DLL or as data, cannot be marked for deletion.", "被映射的文件（正在运行的程序、DLL 或数据映射）不能标记为删除。";
    MM_2: "A file that runs as a program or DLL cannot be opened for writing.", "作为程序或 DLL 运行的文件不能以写入方式打开。";
    MM_4: "A mapped file cannot be cut short.", "已映射的文件不能被截断。";
    RN_1: "A file that anybody has open cannot be replaced by a classic rename or link.", "只要有进程打开着目标文件，普通的重命名或链接就不能替换它。";
    RN_2: "A POSIX rename replaces an open file only if every open shares delete.", "POSIX 重命名只有在所有打开都共享删除时才能替换已打开的文件。";
    RN_3: "A folder with anything open below it cannot be renamed.", "其下有任何打开项的目录不能重命名。";
    RN_4: "A name that waits to be deleted cannot be replaced or renamed.", "处于删除挂起状态的名称不能被替换或重命名。";
    RN_5: "A file that runs as a program or DLL cannot be replaced.", "作为程序或 DLL 运行的文件不能被替换。";
    RN_6: "A file with an open stream cannot be renamed.", "有打开的数据流的文件不能重命名。";
    RN_7: "A rename opens the destination folder sharing read and write: a handle there with delete access, or one that does not share write, stands in its way.", "重命名会以共享读写的方式打开目标目录：该目录上持有删除访问或未共享写入的句柄会造成阻塞。";
    OP_2: "An open that meets an oplock waits until its owner gives way.", "遇到机会锁（oplock）的打开会一直等待，直到持有者让出。";
    OP_3: "An open that requires an oplock is refused while another oplock stands in its way.", "要求机会锁的打开在存在冲突的机会锁时会被拒绝。";
    OP_4: "An open that requires an oplock is refused while others have the file open in a way that makes the oplock impossible.", "当其他打开使机会锁无法授予时，要求机会锁的打开会被拒绝。";
    LK_1: "A lock cannot be had on bytes that somebody else has locked.", "他人已锁定的字节范围不能再次锁定。";
    LK_2: "Bytes that somebody else has locked cannot be read or written.", "他人已锁定的字节不能读取或写入。";
    DR_1: "A folder is not empty while a deleted file in it is kept by somebody's handle.", "目录中已删除的文件仍被句柄保留时，目录视为非空。";
    DR_2: "A folder is not empty because a file in it could not be deleted; who holds that file holds the folder.", "目录非空是因为其中有文件无法删除；占用该文件者即阻塞该目录。";
    VI_3: "A filter driver acts in the name of the process whose thread it runs in; the call stack names the author.", "筛选器驱动以所在线程的进程名义操作；调用堆栈显示真正的发起者。";
    VI_10: "A process keeps its current directory open without sharing delete.", "进程会一直打开其当前目录，且不共享删除。";
    AT_6: "A close without an open shows a handle from before the capture, or one handed over by another process.", "没有对应打开的关闭表明句柄在捕获之前已存在，或由其他进程传递而来。";
}

/// A rule in a sentence; `None` for a number without one.
pub fn rule(id: &str) -> Option<Text> {
    let name = id.replace('-', "_");
    let is_rule = name.len() <= 5 && name.ends_with(|c: char| c.is_ascii_digit());
    ALL.iter().find(|(known, _)| is_rule && *known == name).map(|(_, text)| *text)
}
