//! The story of one failure, and the self-check: labels, and each locking rule in a sentence.

use super::Text;
use crate::case::Mechanism;

crate::texts! {
    TITLE: "Why event {event} failed", "事件 {event} 失败的原因";
    FAILED: "{time}  {who} {operation} → {result}", "{time}  {who}{operation} → {result}";
    ASKED: "asked for: {what}", "请求：{what}";
    ACCESS: "access {names}", "访问 {names}";
    EFFECTIVE: "checked as {names}", "按 {names} 检查";
    SHARE: "shares {names}", "共享 {names}";
    NOTHING: "nothing", "无";
    TO: "to {path}", "目标 {path}";
    RANGE: "{length} {length:byte|bytes} from {offset}", "自 {offset} 起 {length} 字节";
    DELETE_SET: "marks for deletion", "标记为删除";
    DELETE_CLEARED: "takes the mark for deletion back", "取消删除标记";
    BYTES: "{n} {n:byte|bytes}", "{n} 字节";
    MAPPED: "mapped", "映射中";
    EXCLUSIVE: "exclusive {at}", "独占 {at}";
    SHARED: "shared {at}", "共享 {at}";
    RULE: "Rule", "规则";
    HOLDS: "Who held the file (▓ held, ░ perhaps; what stands under ✗ stood at this event)", "谁占用了文件（▓ 表示占用，░ 表示可能占用；✗ 下方为该事件发生时的状态）";
    HOLDS_ASCII: "Who held the file (# held, ? perhaps; what stands under X stood at this event)", "谁占用了文件（# 表示占用，? 表示可能占用；X 下方为该事件发生时的状态）";
    NOBODY_HELD: "Nobody is seen to hold the file around this event.", "未见任何进程在该事件前后占用该文件。";
    EVENTS: "What happened to the file", "该文件上发生的操作";
    CLEARED: "Who is cleared, and why", "已排除嫌疑的进程及原因";
    IMPLICATED: "in the way", "造成阻塞";
    SUSPECTED: "suspected, no more", "仅有嫌疑";
    TOOK: "took {time}", "耗时 {time}";
    TRUNCATED: "Only what lies nearest to the event is told, and what is named above.", "仅列出与该事件最接近以及上文提到的内容。";
    NOT_VISIBLE: "No holder is visible in this capture. Possible reasons, most likely first:", "此捕获中看不到占用者。可能的原因（按可能性排序）：";
    NO_SUCH_EVENT: "{file}: there is no event {event}; the capture has {events} {events:event|events}, numbered from 0", "{file}：没有事件 {event}；该捕获共有 {events} 个事件，编号从 0 开始";
    NO_FILE: "{file}: event {event} is no operation on a file, so there is no story to tell; refused because of a lock here: {refused}. To see the event: pmlblame events \"{file}\" --event {event}", "{file}：事件 {event} 不是文件操作，没有经过可讲；此处因文件占用而被拒绝的事件：{refused}。查看该事件：pmlblame events \"{file}\" --event {event}";
    NO_FILE_NONE: "{file}: event {event} is no operation on a file, so there is no story to tell, and nothing in this capture was refused because of a lock. To see the event: pmlblame events \"{file}\" --event {event}", "{file}：事件 {event} 不是文件操作，没有经过可讲；此捕获中也没有因文件占用而被拒绝的操作。查看该事件：pmlblame events \"{file}\" --event {event}";
    TITLE_OTHER: "Event {event} and what went on with its file", "事件 {event} 及其文件上发生的操作";
    TITLE_EXIT: "Event {event} and what it ended", "事件 {event} 及其结束的占用";
    NOT_REFUSED: "not refused because of a lock", "并非因文件占用而被拒绝";
    WAITED: "not refused, but it waited {time}", "未被拒绝，但等待了 {time}";
    TOOK_LONG: "not refused, but it took {time}, far longer than such an operation needs", "未被拒绝，但耗时 {time}，远长于此类操作所需时间";
    REFUSED_HERE: "Refused on this file, perhaps because of a lock: {n:event|events} {events}; for the story of one: pmlblame why … --event N", "该文件上可能因占用而被拒绝的事件：{events}；查看其经过：pmlblame why … --event N";
    NONE_REFUSED: "Nothing was refused on this file because of a lock.", "该文件上没有因占用而被拒绝的操作。";
    TRIES: "one of {n} {n:attempt|attempts}, the first in event {first}, the last refused in event {last}", "共 {n} 次尝试之一：首次为事件 {first}，最后一次被拒为事件 {last}";
    TRIES_ENDED: "no longer refused in event {event}", "事件 {event} 起不再被拒绝";
    EVIDENCE: "What else it rests on", "其他依据";
    RULE_AND_EVENT: "{rule} by event {event}", "{rule} 依据事件 {event}";
    OF_ALL: "this refusal as a whole: {rules}", "此次被拒的整体结论：{rules}";
    CLOSING: "{from} – {to}, its close done {done}", "{from} – {to}，{done} 关闭完成";
    ONE_CLOSE: "{from} – {to} or {done}: which of the closes ended it is not recorded", "{from} – {to} 或 {done}：捕获不记录是哪次关闭结束了它";
    REFUTED: "{from} – by {over} at the latest (AT-11: event {event} succeeded)", "{from} – 最迟 {over}（AT-11：事件 {event} 已成功）";
    OVER_BY: "{from} – by {over} at the latest", "{from} – 最迟 {over}";
    ENDED: "What this event ended", "该事件结束的占用";
    ENDED_LINE: "{how} on {path}, in the way of {n:event|events} {events} ({grade})", "{path} 上的{how}，曾使事件 {events} 被拒（{grade}）";
    ENDED_NOTHING: "what it ended had been in the way of nothing that was refused here", "它所结束的占用没有造成此处的任何拒绝";
    HELD_HANDLE: "a handle", "句柄";
    HELD_MAPPING: "a mapping", "映射";
    HELD_LOCK: "a byte-range lock", "字节范围锁";
    HELD_OPLOCK: "an oplock", "机会锁（oplock）";
    HELD_TO_THE_END: "What the process had open until its end", "该进程直到结束时仍打开的文件";
    NOTHING_OPEN: "The process is not seen to have had a file open.", "未见该进程结束时打开着文件。";
    HEAD_DETAIL: "Detail", "详细信息";
    HEAD_PATH: "Path", "路径";

    AUDIT_OPENS: "{n} successful {n:open|opens} checked against the locking rules", "按占用规则检查了 {n} 次成功的打开";
    AUDIT_CONFLICTS: "{n} of them {n:contradicts|contradict} the model", "其中 {n} 次与模型矛盾";
    AUDIT_FAILURES: "{explained} refused {explained:operation|operations} explained, {unexplained} without a visible cause", "{explained} 次被拒操作已得到解释，{unexplained} 次没有可见原因";
    AUDIT_CLOSES: "{closes} {closes:close|closes} without an open, {opens} {opens:open|opens} without a close", "{closes} 次关闭没有对应的打开，{opens} 次打开没有对应的关闭";
    AUDIT_HEAD_EXPLAINED: "Explained", "已解释";
    AUDIT_HEAD_UNEXPLAINED: "Unexplained", "未解释";
    AUDIT_HEAD_HOLDER: "Holder's open", "占用者的打开事件";
    AUDIT_MORE: "… and {n} more (--json lists all)", "……另有 {n} 项（--json 可列出全部）";

    SA_3: "Two opens of one stream stand together only if each shares what the other has: read, write and delete are checked in both directions.", "同一数据流的两次打开只有在双方各自共享对方所持访问时才能并存：读、写、删除均双向检查。";
    SA_5: "Overwriting adds write access to the check, superseding adds delete access, although neither was asked for by name.", "覆盖（overwrite）会在检查中附加写访问，取代（supersede）会附加删除访问，即使请求中并未写明。";
    SA_6: "Delete access to the file conflicts with an open of any of its streams that does not share delete.", "对文件的删除访问会与任一数据流上未共享删除的打开相冲突。";
    SA_7: "A handle that was inherited or duplicated keeps what was opened until its last copy is closed, in whichever process that is.", "被继承或复制的句柄会一直保持打开，直到其最后一个副本被关闭，无论是在哪个进程中关闭。";
    SA_8: "While somebody has the file mapped for writing, an open that does not share write is refused even without any handle left.", "只要文件被以可写方式映射，未共享写入的打开就会被拒绝，即使已没有句柄。";
    SA_10: "Folders follow the same check; listing counts as reading.", "目录遵循同样的检查；列出目录视为读取。";
    SA_11: "The open asked for the maximum allowed access, or its access is not shown: it may conflict, which the capture cannot prove by itself.", "该次打开请求的是“允许的最大访问”或其访问未显示：可能冲突，但仅凭捕获无法证实。";
    DP_1: "Only a handle with the DELETE right can mark a file for deletion or rename it; through any other both are refused, whoever has the file open.", "只有具有 DELETE 权限的句柄才能将文件标记为删除或重命名；通过其他句柄均会被拒绝，与谁打开着该文件无关。";
    DP_3: "A file marked for deletion stays, and every new open of its name fails, until the last handle on that name is closed, whatever that handle's access or share mode.", "文件被标记删除后，在该名称的最后一个句柄关闭之前一直存在，且对该名称的任何新打开都会失败，与该句柄的访问或共享模式无关。";
    DP_4: "A handle opened with delete-on-close marks the file when it is closed.", "以“关闭时删除”方式打开的句柄在关闭时将文件标记为删除。";
    DP_5: "A mark for deletion can be taken back by any handle with the DELETE right; only a mark set after that counts.", "删除标记可由任何具有 DELETE 权限的句柄撤销；只有此后再设置的标记才有效。";
    DP_6: "With POSIX semantics the name stays pending only until the handle that marked it is closed; that handle alone stands in the way.", "采用 POSIX 语义时，名称仅在标记它的句柄关闭之前处于挂起状态；造成阻塞的只有该句柄。";
    DP_7: "Nothing can be opened or created below a folder that is waiting to be deleted; the handles on the folder keep it.", "目录处于删除挂起状态时，其下不能打开或创建任何内容；是目录上的句柄使其保留。";
    DP_8: "A pending delete belongs to one name of the file: handles opened by another hard link neither see nor prolong it.", "挂起的删除只针对文件的某一个名称：通过其他硬链接打开的句柄既不受影响，也不会延长它。";
    DP_9: "A handle on one of its streams keeps the whole file pending.", "任一数据流上的句柄都会使整个文件保持挂起状态。";
    DP_10: "The read-only attribute forbids that a file is deleted or replaced, whoever has it open.", "只读属性禁止删除或替换该文件，与谁打开着它无关。";
    MM_1: "A file that is mapped, as a running program or DLL or as data, cannot be marked for deletion.", "被映射的文件（正在运行的程序、DLL 或数据映射）不能标记为删除。";
    MM_2: "A file that runs as a program or DLL cannot be opened for writing or for deletion at the close; to append or to delete it can, and a mapping of mere data prevents none of these.", "作为程序或 DLL 运行的文件不能以写入或“关闭时删除”方式打开；以追加或删除方式可以打开，而单纯的数据映射不妨碍上述任何一种。";
    MM_3: "Of a file with several names one may be deleted while it runs as a program or DLL, unless the deletion asks for the check of images.", "具有多个名称的文件在作为程序或 DLL 运行时可以删除其中一个名称，除非删除请求要求检查映像节。";
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
    SA_1: "Only reading (executing too), writing (appending too) and deleting count in the check; attributes, security and SYNCHRONIZE do not.", "检查只涉及读（含执行）、写（含追加）和删除；属性、安全信息和 SYNCHRONIZE 不参与。";
    SA_2: "An open that neither reads, writes nor deletes takes no part in the sharing check.", "既不读、不写也不删除的打开不参与共享检查。";
    SA_4: "The check is kept for the file, not for a path: an open by another hard link counts.", "检查针对文件而非路径：通过其他硬链接的打开同样计入。";
    SA_9: "A caller without the right to write shares reading whether it asks for it or not; a conflict about reading alone is no proof.", "没有写权限的调用者无论是否请求都会共享读取；仅涉及读取的冲突不足以证实。";
    SA_12: "The system and drivers may have the check skipped: what was granted against an open that surely stood proves nothing by itself.", "系统和驱动程序可以跳过该检查：在确定存在冲突打开的情况下仍被允许的打开，其本身不足以证实。";
    DP_2: "From the moment a name is marked for deletion, every open of it fails, whatever it asks for and whoever asks.", "名称一旦被标记删除，对它的任何打开都会失败，与请求内容和请求者无关。";
    MM_5: "The end of a mapping leaves no event; only the end of the process or a later success bounds it.", "映射结束不产生事件；只有进程结束或之后的成功操作能限定其终点。";
    OP_1: "An oplock request shows as FileSystemControl; its owner is asked to give way when somebody else comes.", "机会锁请求显示为 FileSystemControl；有其他打开到来时会要求持有者让出。";
    VI_1: "Process Monitor sits at altitude 385200 and does not see what filters below it open for themselves.", "Process Monitor 位于高度 385200，看不到其下方筛选器自行打开的文件。";
    VI_4: "What was opened or mapped before the capture shows only by its use, its close, or the end of its process.", "捕获之前的打开或映射只能由其使用、关闭或进程结束看出。";
    VI_5: "The file server opens files for remote clients under System.", "文件服务器以 System 名义为远程客户端打开文件。";
    VI_7: "Where events are missing, not seeing a holder proves nothing.", "事件有缺失时，未见占用者不能说明任何问题。";
    VI_8: "A handle that is inherited or duplicated, and the end of a mapping, leave no event.", "句柄被继承或复制、映射结束，都不会留下事件。";
    VI_9: "One file may go by names that look different (8.3 names, devices, shares, junctions); where nothing ties two of them, they may be the same file's, no more.", "同一文件可能有看似不同的名称（8.3 名称、设备、共享、联接点）；若捕获中没有依据把两者对应起来，则仅为可能是同一文件。";
    VI_12: "Loaded registry hives and paging files are held by the kernel for as long as Windows runs.", "已加载的注册表配置单元和页面文件在 Windows 运行期间始终由内核占用。";
    AT_1: "A handle follows the file when it is renamed: who opened the old name holds the new one.", "文件重命名后句柄随之而动：打开旧名称者即占用新名称。";
    AT_2: "Spellings of one path (case, 8.3, device and namespace prefixes) are one file; the same name in another folder is another.", "同一路径的不同写法（大小写、8.3、设备和命名空间前缀）是同一文件；其他目录中的同名文件是另一文件。";
    AT_3: "Which of a process's handles a close ended is not recorded; where each possibility leaves one in the way, the process is certain and the handle is not.", "捕获不记录关闭的是进程的哪个句柄；若每种可能都留下造成阻塞的句柄，则进程确定而句柄不确定。";
    AT_4: "Only what was open while the operation was being refused can have refused it; a refused open holds nothing.", "只有在操作被拒绝期间打开着的句柄才可能造成拒绝；被拒绝的打开不占用任何东西。";
    AT_5: "No older handle can be on a file created within the capture, nor on a later file of the same name.", "在捕获期间创建的文件上不可能有更早的句柄，之后的同名文件亦然。";
    AT_7: "The end of a process ends all it held.", "进程结束即释放其占用的一切。";
    AT_8: "The refused process is among the holders itself.", "被拒绝的进程自身也是占用者。";
    AT_9: "Only who fits the rule behind a result is named; where nobody visible does, the holder is unseen, and nobody harmless is named instead.", "只列出符合结果所依据规则的一方；若没有可见的一方符合，则占用者不可见，不会以无关者代之。";
    AT_10: "What stood in the way held through all attempts; the first success after its release, with nobody else letting go in between, confirms it.", "造成阻塞者在所有尝试期间都在占用；其释放后的首次成功（其间无其他释放）即予以证实。";
    AT_11: "A success that a hold would have forbidden shows that it had ended by then.", "某次本应被该占用阻止的操作成功，表明占用在此之前已结束。";
    AT_12: "The capture looks filtered: that nobody else is visible proves nothing.", "捕获看似经过筛选：看不到其他进程不能说明任何问题。";
    AT_13: "Where a process closed one of several handles, the one its thread opened last is shown as closed: the usual order, and no proof.", "当进程关闭多个句柄之一时，按同一线程最近打开的句柄显示为已关闭：这是通常的顺序，并非证据。";
    AT_6: "A close without an open shows a handle from before the capture, or one handed over by another process.", "没有对应打开的关闭表明句柄在捕获之前已存在，或由其他进程传递而来。";
}

/// A rule in a sentence; `None` for a number without one.
pub fn rule(id: &str) -> Option<Text> {
    let name = id.replace('-', "_");
    let is_rule = name.len() <= 5 && name.ends_with(|c: char| c.is_ascii_digit());
    ALL.iter().find(|(known, _)| is_rule && *known == name).map(|(_, text)| *text)
}

/// By what a hold that ended held its file, as a noun.
pub const fn held_by(mechanism: Mechanism) -> Text {
    match mechanism {
        Mechanism::ImageMapping | Mechanism::DataMapping => HELD_MAPPING,
        Mechanism::ByteRangeLock => HELD_LOCK,
        Mechanism::Oplock => HELD_OPLOCK,
        _ => HELD_HANDLE,
    }
}
