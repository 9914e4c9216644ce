//! The sentences of a case record: verdict, quality of the capture, caveats.

crate::texts! {
    CONFLICT_HOLDER: "victim wants {classes}, holder does not share {classes}", "受害方请求 {classes}，占用方未共享 {classes}";
    CONFLICT_HOLDER_MAXIMUM: "victim asks for MAXIMUM_ALLOWED, which takes in {classes} only if granted; holder does not share {classes}", "受害方请求 MAXIMUM_ALLOWED，仅在获准时才包含 {classes}；占用方未共享 {classes}";
    CONFLICT_VICTIM: "holder has {classes}, victim does not share {classes}", "占用方持有 {classes}，受害方未共享 {classes}";
    CONFLICT_VICTIM_MAXIMUM: "holder asked for MAXIMUM_ALLOWED, which takes in {classes} only if granted; victim does not share {classes}", "占用方请求了 MAXIMUM_ALLOWED，仅在获准时才包含 {classes}；受害方未共享 {classes}";

    NO_FAILURES: "This capture shows no operation of {victims} on {paths} that was refused because of a lock.", "此捕获中未见 {victims} 在 {paths} 上的操作因文件占用而被拒绝。";
    NO_FAILURES_ABSENT: "None of these processes is in it: they did not run meanwhile, or were filtered out.", "捕获中没有这些进程：当时未运行，或已被筛除。";
    NO_FAILURES_OUTSIDE: "The capture holds {n} refused {n:operation|operations} outside this scope.", "捕获中另有 {n} 次超出此范围的被拒操作。";
    NO_FAILURES_NAMELESS: "But names of processes are lost, so these processes may be in it unrecognised; look at every process with --profile any.", "但部分进程的名称已丢失，这些进程可能在其中而无法识别；请使用 --profile any 检查所有进程。";
    NO_FAILURES_BLIND: "But it could not show one: it holds no file-system event at all.", "但它本来就无法显示：其中没有任何文件系统事件。";
    NO_FAILURES_NO_OPENS: "But it can hardly show one: most are refused in CreateFile, and it holds no such event.", "但它几乎无法显示：此类拒绝大多发生在 CreateFile 中，而其中没有这种事件。";
    NONE_LIKELY: "As far as this capture shows there is nothing to do. If the failure comes back, capture it again with call stacks, begun before the installer, to see whether anything acts in the installer's name.", "就此捕获所见，无需任何操作。如果故障再次出现，请在启动安装程序之前开始捕获并保留调用堆栈，以查明是否有程序以安装程序的名义操作。";
    GRADE_OF_SOME: "{grade} for {n} of {all}", "{all} 次中有 {n} 次{grade}";
    CULPRIT: "{who} held files that {victim} needed and explains {explained} of {failures} refused {failures:operation|operations} on {paths} ({confidence}).", "{who} 占用了 {victim} 需要的文件，可解释 {failures} 次被拒操作中的 {explained} 次，涉及 {paths}（{confidence}）。";
    ONE_PATH: "one path", "1 个路径";
    PATHS: "{n} paths", "{n} 个路径";
    SEVERAL: "{n} parties held files that {victim} needed and together explain {explained} of {failures} refused {failures:operation|operations}; first of all {who} ({confidence}).", "共有 {n} 方占用了 {victim} 需要的文件，合计可解释 {failures} 次被拒操作中的 {explained} 次；首要的是 {who}（{confidence}）。";
    ALSO_ITSELF: "In {n} of {failures} refused {failures:operation|operations} {self} was among the holders as well.", "{failures} 次被拒操作中有 {n} 次，{self} 也在占用者之列。";
    SELF_INFLICTED: "Only {self} held the files: no other program is behind the {failures} refused {failures:operation|operations} ({confidence}).", "文件仅由 {self} 占用：{failures} 次被拒操作与其他程序无关（{confidence}）。";
    SELF_LIKELY: "As far as this capture shows, only {self} held the files in the {failures} refused {failures:operation|operations} ({confidence}); that another acted in its name is not excluded.", "就此捕获所见，{failures} 次被拒操作中的文件仅由 {self} 占用（{confidence}）；但不排除有其他程序以其名义操作。";
    UNORDERED: "The rows of this export do not stand in the order of their times, so who held the files in the {failures} refused {failures:operation|operations} cannot be told from it.", "此导出文件的各行未按时间先后排列，因此无法据此判断 {failures} 次被拒操作中是谁占用了文件。";
    SORT_ROWS: "Sort the file by time, earliest first, or export it from Process Monitor again, and analyse that.", "请将该文件按时间从早到晚排序，或从 Process Monitor 重新导出后再行分析。";
    SELF_UNSHOWN: "What stood in the way of the {failures} refused {failures:operation|operations} is listed under {self} itself. Whether {self} opened it, or a filter driver such as an anti-virus one in its name, this capture does not show ({confidence}).", "妨碍 {failures} 次被拒操作的打开操作列在 {self} 自身名下；究竟是 {self} 所为，还是防病毒软件等筛选器驱动以其名义所为，此捕获无法显示（{confidence}）。";
    WHO_UNSHOWN: "{who}, or a driver or remote client in its name", "{who}（或以其名义操作的驱动或远程客户端）";
    NOT_VISIBLE: "Somebody held files that {victim} needed, but this capture does not show who: {unexplained} of {failures} refused {failures:operation|operations} {unexplained:has|have} no visible holder.", "{victim} 需要的文件被占用，但此捕获无法显示占用者：{failures} 次被拒操作中有 {unexplained} 次没有可见的占用者。";
    NOT_VISIBLE_BORN: "The file was created within the capture, so a handle from before cannot be the reason.", "该文件是在捕获期间创建的，因此不可能是捕获之前打开的句柄所致。";
    NOT_VISIBLE_SUSPECT: "Circumstances point to {who}, no more than that.", "现有迹象仅指向 {who}，尚不足以定论。";
    KERNEL_HELD: "{n} of {failures} refused {failures:operation|operations} {n:was|were} on files that Windows itself keeps open while it runs (loaded registry hives, paging files): no program is behind that.", "{failures} 次被拒操作中有 {n} 次针对 Windows 运行期间自身始终打开的文件（已加载的注册表配置单元、页面文件）：与任何程序无关。";
    FOLDER_NOT_EMPTY: "{n} of {failures} refused {failures:operation|operations} {n:was|were} on folders that were not empty. The capture does not show what was left in there: most often plain files that nobody tried to delete, and then nobody held anything.", "{failures} 次被拒操作中有 {n} 次针对非空目录。此捕获未显示其中剩余的内容：多数情况下只是没有程序尝试删除的普通文件，此时并不存在占用者。";
    NO_HOLDER: "Nobody held the files: the {failures} refused {failures:operation|operations} {failures:has|have} another reason: {reasons}.", "没有任何程序占用文件：{failures} 次被拒操作另有原因：{reasons}。";
    REST_UNSEEN: "{n} further {n:refusal has|refusals have} no visible holder.", "另有 {n} 次被拒操作没有可见的占用者。";
    REST_SELF: "{n} further {n:refusal|refusals} the installer caused itself.", "另有 {n} 次被拒操作由安装程序自身造成。";
    REST_OWN: "{n} further {n:refusal was caused|refusals were each caused} by the refused process itself.", "另有 {n} 次被拒操作由被拒进程自身造成。";
    WHO_PROCESS: "{name} (PID {pid})", "{name}（PID {pid}）";
    WHO_PROCESS_VENDOR: "{name} (PID {pid}, {vendor})", "{name}（PID {pid}，{vendor}）";
    WHO_SMB: "a remote client through the file server ({name}, PID {pid})", "经由文件服务器（{name}，PID {pid}）访问的远程客户端";
    WHO_DRIVER: "the kernel filter {name}", "内核筛选器驱动 {name}";
    WHO_DRIVER_VENDOR: "the kernel filter {name} ({vendor})", "内核筛选器驱动 {name}（{vendor}）";
    NAME_ONLY: "{vendor}, by name only", "{vendor}，仅按名称推断";
    PROVEN: "proven", "已证实";
    LIKELY: "likely", "很可能";
    POSSIBLE: "possible", "可能";
    ANY_PROCESS: "any process", "任意进程";
    ANY_PATH: "any path", "任意路径";

    SHOW_OTHERS: "To look at every process and path, run: pmlblame --profile any {file}", "若要检查所有进程和路径，请运行：pmlblame --profile any {file}";

    Q_NO_CLOSE: "The capture holds {creates} successful opens and {closes} closes: when a handle was closed cannot be told, so nothing here can be proven. It was saved through a filter that hides CloseFile.", "捕获中有 {creates} 次成功的打开和 {closes} 次关闭：无法判断句柄何时关闭，因此不能得出已证实的结论。保存时使用的筛选条件隐藏了 CloseFile。";
    Q_FEW_CLOSE: "The capture holds {creates} successful opens and only {closes} closes: closes are missing, so a handle without one need not have stayed open and proves nothing.", "捕获中有 {creates} 次成功的打开，却只有 {closes} 次关闭：缺少部分关闭事件，没有关闭记录的句柄未必一直打开，不能作为证明。";
    Q_NO_OPEN: "The capture holds no CreateFile event: who opened what, and with which share mode, cannot be told.", "捕获中没有 CreateFile 事件：无法判断谁以何种共享模式打开了哪些文件。";
    Q_NO_FILE_SYSTEM: "The capture holds no file-system event at all.", "捕获中没有任何文件系统事件。";
    Q_ONE_PROCESS: "Only {n} {n:process has|processes have} file-system events here: a filter was applied before saving, and a holder outside it is invisible.", "此处仅有 {n} 个进程产生文件系统事件：保存前应用过筛选条件，筛选之外的占用者不可见。";
    Q_NAMELESS: "{n} of {active} {active:process|processes} with file-system events {n:has|have} no name here: whose files were held or needed there cannot be told by name.", "有文件系统事件的 {active} 个进程中有 {n} 个没有名称：无法按名称判断它们占用或需要了谁的文件。";
    Q_ONLY_WINDOWS: "Every file-system event here is of a program that belongs to Windows: other programs were filtered out before saving, or did nothing meanwhile.", "此处的文件系统事件全部来自 Windows 自带程序：其他程序在保存前被筛除，或期间没有活动。";
    Q_GAPS: "{missing} of {span} events that the driver counted {missing:is|are} not in the capture ({percent} %): filtered out before saving, or lost.", "驱动程序计数的 {span} 个事件中有 {missing} 个不在捕获中（{percent} %）：在保存前被筛除或已丢失。";
    Q_NO_IMAGES: "The capture holds no Load Image event: a program or DLL mapped during the capture cannot be told.", "捕获中没有 Load Image 事件：无法判断捕获期间映射的程序或 DLL。";
    Q_NO_STACKS: "The events carry no call stacks: a filter driver acting in the name of a process cannot be told from the process.", "事件不含调用堆栈：无法区分以进程名义操作的筛选器驱动与进程本身。";
    Q_MISSING_SEGMENT: "{missing} {missing:event is|events are} missing between two files of the capture.", "捕获的两个分段文件之间缺少 {missing} 个事件。";
    Q_OVERLAP: "Two files of the capture overlap by {events} {events:event|events}.", "捕获的两个分段文件重叠了 {events} 个事件。";
    Q_LEFT_OUT: "{name} lies beside the capture but was not read: {reason}", "{name} 与捕获文件位于同一目录，但未读取：{reason}";
    Q_RECOVERED: "The capture was damaged or not closed; {events} {events:event was|events were} rescued, {lost} {lost:byte holds|bytes hold} none, {nameless} {nameless:process stays|processes stay} without a name.", "捕获文件已损坏或未正常关闭；已恢复 {events} 个事件，{lost} 字节中没有可读事件，{nameless} 个进程名称未知。";
    Q_TRUNCATED: "The capture breaks off: whatever followed is missing here.", "捕获文件中途中断：其后的内容在此缺失。";
    Q_DAMAGED: "Records that could not be read: {n}; what they held is missing here. The first: {first}.", "无法读取的记录：{n} 条，其内容在此缺失。第一条：{first}。";
    Q_ROWS: "{n} {n:row|rows} of the export could not be read; the first is on line {line}: {why}.", "导出文件中有 {n} 行无法读取；第一处位于第 {line} 行：{why}。";
    ROW_QUOTES: "a quote that nothing closes, or text behind a closing quote", "引号未闭合，或结束引号之后还有文字";
    ROW_FIELDS: "fewer or more fields than the header", "字段数与标题行不一致";
    ROW_TOO_LONG: "a line longer than any record", "该行过长，不可能是一条记录";
    ROW_PID: "the PID is no number", "PID 不是数字";
    ROW_TIME: "the time cannot be understood", "无法理解其时间";
    ROW_NO_OPERATION: "the row has no operation", "该行没有操作";
    ROW_TAG: "a damaged tag, or one out of place", "标签损坏或位置不对";
    Q_NO_THREADS: "The export has no TID column: what one process did on several threads cannot be told apart.", "导出文件没有 TID 列：无法区分同一进程中不同线程的操作。";
    Q_NO_PIDS: "The export has no PID column: processes of the same name count as one, so nothing here can be proven.", "导出文件没有 PID 列：同名进程被视为同一进程，因此不能得出已证实的结论。";
    Q_NO_NAMES: "The export has no Process Name column: processes are known by PID only, and none can be told to be the victim asked for.", "导出文件没有 Process Name 列：只知道进程的 PID，无法判断哪个进程是所要分析的进程。";
    Q_NO_TIMES: "The export has no column with a time that can be read: the order of its rows is all there is, the times shown only count rows, and nothing here can be proven.", "导出文件没有可读取的时间列：只能依据各行的先后顺序，所示时间仅为行的计数，因此不能得出已证实的结论。";
    Q_UNREAD_TIMES: "A column of times cannot be read (the first: {first}) and was left aside. Spreadsheet programs save such a column without the hour or in a form of their own: export it from Process Monitor again, and do not open it in between.", "有一列时间无法读取（第一个：{first}），已忽略该列。电子表格程序保存时会丢失小时或改用自己的格式：请从 Process Monitor 重新导出，中途不要用电子表格打开。";
    Q_COARSE: "The export tells times in steps of {step} only: rows of one time are taken in the order in which they stand, durations are not used, and what is shown below {step} only numbers them.", "导出文件的时间只精确到 {step}：时间相同的行以其先后为准，不使用操作耗时，小于 {step} 的部分仅为行的编号。";
    Q_UNORDERED: "The rows do not stand in the order of their times (a spreadsheet sorted them, or several exports were put together): what came before what is not known, so nothing is concluded from this file. Sort it by time, or export it from Process Monitor again.", "各行未按时间先后排列（可能经电子表格重新排序，或由多个导出文件拼接而成）：无法确定先后，因此不从该文件得出任何结论。请按时间排序，或从 Process Monitor 重新导出。";
    Q_NO_DATE: "The export tells no date: its times are a time of day only, and the record has them on 1601-01-01 (--export-date gives the day).", "导出文件未注明日期：其时间仅为一天中的时刻，记录中以 1601-01-01 表示（可用 --export-date 指定日期）。";
    Q_SHORT_NAMES: "{n} {n:row names|rows name} a file by an 8.3 short name, and no export tells which long name that is: a holder that used one is not found under the other.", "有 {n} 行以 8.3 短文件名表示文件，而导出文件不含其对应的长文件名：以其中一种名称打开文件的占用者，无法按另一种名称找到。";
    Q_CLOCK_FROM_LOG: "The export does not tell its zone or its day; both were taken from the servicing log. If it was exported on a computer in another zone, give --export-tz.", "导出文件未注明时区或日期，已采用 CBS 日志的时区和日期。如果是在其他时区的计算机上导出的，请用 --export-tz 指定。";
    Q_LOCAL_TIMES: "The export does not tell its time zone: its times are shown as they stand (--export-tz gives the zone).", "导出文件未注明时区：时间按原样显示（可用 --export-tz 指定时区）。";
    Q_ENCODING: "{n} {n:row holds|rows hold} bytes that are no text in {encoding}: give the code page with --encoding.", "有 {n} 行的字节不是 {encoding} 编码的文本：请用 --encoding 指定代码页。";
    Q_NO_DETAIL: "The export has no Detail column: access and share modes are unknown.", "导出文件没有 Detail 列：访问和共享模式未知。";
    Q_NO_DURATION: "The export does not tell how long an operation took (Duration, with times to less than a second): when it ended is unknown.", "导出文件未注明操作耗时（需要 Duration 列以及精确到秒以下的时间）：操作的结束时间未知。";
    Q_STARTED_LATE: "The first refusal came {seconds} s after the capture began: the holder may have opened the file before that.", "首次拒绝发生在捕获开始后 {seconds} 秒：占用者可能在此之前就已打开文件。";
    Q_NO_THIRD_PARTY: "No third-party process has a file-system event in this capture.", "此捕获中没有第三方进程的文件系统事件。";

    A_NO_CLOSES: "The capture hardly holds any CloseFile event: handles seem to stay open for ever, so conflicts found here mean nothing.", "捕获中几乎没有 CloseFile 事件：句柄看似从未关闭，因此此处发现的冲突没有意义。";

    C_AUTHOR: "No call stack shows who made the open that the capture lists under {who}: a filter driver, or the file server for a remote client, may have acted in that name.", "对于捕获中以 {who} 名义列出的打开操作，没有调用堆栈能表明实际发起者：可能是筛选器驱动，或代表远程客户端的文件服务器，以该名义进行操作。";
    C_BELOW: "Process Monitor, at altitude 385200, does not see what filter drivers below it open for themselves. Loaded here: {filters}.", "Process Monitor 位于高度 385200，看不到其下方筛选器驱动自行打开的文件。此机器上已加载：{filters}。";
    C_LOADED_NOT_PROOF: "A loaded filter driver is a candidate, not a culprit: its presence proves nothing about a file.", "已加载的筛选器驱动只是候选对象，并非责任方：其存在不能证明与某个文件有关。";
    C_NAME_ONLY: "{who} was named by its file name only; any program can be called that.", "{who} 仅按文件名识别；任何程序都可以使用该名称。";
    C_SEVERAL_NEEDED: "A pending delete ends only when every holder has closed the file; each holder named here is sufficient, none is the only one.", "只有所有占用者都关闭文件后，挂起的删除才会完成；此处列出的每个占用者都足以造成阻塞，但都不是唯一原因。";
}
