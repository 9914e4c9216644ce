//! What went wrong, and what to do about it: one line each.

crate::texts! {
    ERROR: "error", "错误";
    READ: "{file}: cannot be read: {why}", "{file}：无法读取（{why}）";
    IS_FOLDER: "{file}: is a folder; name the captures in it, such as \"{file}/*.PML\"", "{file}：是文件夹；请指定其中的捕获文件，例如 \"{file}/*.PML\"";
    WRITE: "{file}: cannot be written: {why}. Nothing was left behind.", "{file}：无法写入（{why}）。未留下任何不完整的文件。";
    NO_MATCH: "{pattern}: no such file", "{pattern}：找不到文件";
    PATTERN: "{pattern}: not a valid path pattern: {why}", "{pattern}：路径模式无效：{why}";
    ZONE: "{name}: not a time zone; use local, UTC, an offset such as +08:00, or a name such as Asia/Shanghai", "{name}：不是有效的时区；请使用 local、UTC、+08:00 之类的偏移量，或 Asia/Shanghai 之类的名称";
    TIME: "{text}: not a time; use 2022-10-08T05:50:57Z, 2022-10-08 13:50:57 or 13:50:57", "{text}：不是有效的时间；请使用 2022-10-08T05:50:57Z、2022-10-08 13:50:57 或 13:50:57";
    VENDORS: "{file}: cannot be used as a vendor file: {why}", "{file}：不能用作厂商文件（{why}）";
    THREADS: "worker threads could not be started: {why}", "无法启动工作线程（{why}）";
    BAD_CAPTURE: "{file}: {region} at offset {at}: {what}.", "{file}：{region}，偏移 {at}：{what}。";
    INPUT_EMPTY: "{file}: header at offset 0x0: the file is empty. Copy the file again and compare its size with the original.", "{file}：文件头，偏移 0x0：文件为空。请重新复制文件，并与原文件核对大小。";
    NOT_RECOGNISED: "{file}: header at offset 0x0: neither a Process Monitor capture nor its CSV or XML export; it begins with {found}. Give the .PML file that Process Monitor saved.", "{file}：文件头，偏移 0x0：既不是 Process Monitor 捕获文件，也不是其 CSV 或 XML 导出；文件以 {found} 开头。请提供 Process Monitor 保存的 .PML 文件。";
    MISSING_COLUMN: "{file}: header at offset 0x0: the table has no column {column}, without which nothing can be told. Give the .PML file, or export again with all columns.", "{file}：文件头，偏移 0x0：表中没有 {column} 列，无法分析。请提供 .PML 文件，或重新导出全部列。";
    UNKNOWN_ENCODING: "{label}: not a known encoding; use a name such as gbk, windows-1251 or utf-16le", "{label}：未知的编码；请使用 gbk、windows-1251 或 utf-16le 之类的名称";
    MISMATCH: "{file}: not part of the same capture: its {what} differs", "{file}：不属于同一捕获：{what} 不同";
    BAD_ROW: "{file}: line {line} could not be read: {why}", "{file}：第 {line} 行无法读取：{why}";
    MORE_BAD_ROWS: "{file}: {n} more {n:row|rows} could not be read", "{file}：另有 {n} 行无法读取";
    REGION_HEADER: "header", "文件头";
    REGION_OFFSETS: "event-offset array", "事件偏移表";
    REGION_EVENT: "event {n}", "事件 {n}";
    REGION_PROCESSES: "process table", "进程表";
    REGION_STRINGS: "string table", "字符串表";
    REGION_ICONS: "icon table", "图标表";
    REGION_HOSTS: "host table", "主机表";
    NOTHING_WRITTEN: "{file}: not written, because a capture could not be analysed; leave it out or analyse the others by themselves", "{file}：未写入，因为有捕获文件无法分析；请去掉该文件，或单独分析其余文件";
    EMPTY_RANGE: "--from {from} lies after --to {to}: nothing can be in between", "--from {from} 晚于 --to {to}：其间不可能有任何事件";
    EMPTY: "the file is empty", "文件为空";
    NOT_PML: "not a Process Monitor capture; it begins with {found}, not with PML_", "不是 Process Monitor 捕获文件；文件以 {found} 开头，而不是 PML_";
    VERSION: "capture version {version} is not known; versions 7 and 9 are", "未知的捕获版本 {version}；支持版本 7 和 9";
    TRUNCATED: "cut off: {needed} {needed:byte is|bytes are} needed here and {available} {available:is|are} there", "文件被截断：此处需要 {needed} 字节，实际只有 {available} 字节";
    NOT_CLOSED: "Process Monitor did not close this capture", "Process Monitor 未正常关闭此捕获";
    OUT_OF_FILE: "{value} points outside the file of {size} {size:byte|bytes}", "{value} 超出文件范围（文件共 {size} 字节）";
    INVALID: "{field} cannot be {value}", "{field} 的值不可能是 {value}";
    NO_SUCH_INDEX: "index {index} is not in the table", "表中没有索引 {index}";
    DAMAGED_RECORDS: "{file}: {text} Copy the file again, or look at every record with: pmlblame recover \"{file}\" -o FIXED.PML", "{file}：{text} 请重新复制，或用以下命令检查每条记录：pmlblame recover \"{file}\" -o FIXED.PML";
    DO_COPY_AGAIN: "Copy the file again and compare its size with the original.", "请重新复制文件，并与原文件核对大小。";
    DO_CHECK_FILE: "Give the .PML file that Process Monitor saved.", "请提供 Process Monitor 保存的 .PML 文件。";
    DO_VERSION: "Open it in a current Process Monitor and save it again.", "请用最新版 Process Monitor 打开后重新保存。";
    DO_NOTHING_LEFT: "No event in it could be read. Copy the file again and compare its size with the original.", "其中没有可读取的事件。请重新复制文件，并与原文件核对大小。";
}
