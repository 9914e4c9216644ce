//! Sentences of `pmlblame events`.

crate::texts! {
    /// A column that does not exist.
    NO_COLUMN: "'{name}' is no column of Process Monitor. Columns: {columns}",
        "Process Monitor 没有名为“{name}”的列。可用的列：{columns}";
    /// A filter rule that cannot be understood.
    NO_RULE: "cannot understand the filter '{rule}': it should read like \"Path contains InFlight\". Relations: {relations}",
        "无法理解筛选条件“{rule}”：应类似 \"Path contains InFlight\"。可用的关系：{relations}";
    /// A rule that compares a column of numbers with something else.
    NO_NUMBER_IN_RULE: "the filter '{rule}' can match nothing: {column} holds numbers, as in \"{column} is 1234\" or \"{column} less than 1234\"",
        "筛选条件“{rule}”不可能匹配：{column} 列是数值，应类似 \"{column} is 1234\" 或 \"{column} less than 1234\"";
    /// A column that was named, or stands in the header, more than once.
    TWICE: "{file}: columns that occur more than once; the first of each is read: {names}",
        "{file}：以下列出现不止一次，只读取第一个：{names}";
    /// Columns asked for more than once.
    ASKED_TWICE: "columns named more than once are shown once: {names}",
        "以下列被指定多次，只显示一次：{names}";
    /// A locale that is not known.
    NO_LOCALE: "the locale '{name}' is not known. Known: {known}",
        "未知的区域设置“{name}”。可用：{known}";
    /// A number or range of events that cannot be understood.
    NO_NUMBER: "'{text}' is no event number: use 1234 or a range such as 1234-1250",
        "“{text}”不是事件编号：请使用 1234 或 1234-1250 这样的范围";
    /// A number beyond the capture.
    NO_EVENT: "there is no event {event}: the capture has {count} {count:event|events}, numbered from 0",
        "没有编号为 {event} 的事件：该捕获共有 {count} 个事件，编号从 0 开始";
    /// A configuration file that cannot be read.
    BAD_CONFIG: "{file}: not a Procmon configuration: {what} at offset {at}",
        "{file}：不是 Procmon 配置文件（偏移 {at}：{what}）";
    /// Rules of a configuration file that were left out.
    UNKNOWN_COLUMNS: "{file}: rules and columns with the numbers {numbers} are not known and were left out",
        "{file}：编号为 {numbers} 的列未知，已忽略相关的规则和列";
    /// Events whose detail is damaged.
    BROKEN: "{count} {count:event has|events have} a detail that does not hold together, the first is event {event}; {count:its detail is|their details are} given as hex",
        "{count} 个事件的详细信息已损坏（第一个是事件 {event}），这些详细信息以十六进制给出";
    /// Events whose record is outside the file.
    UNREADABLE: "{count} {count:event has|events have} a record that lies outside the file; of {count:it|these} only the number is given",
        "{count} 个事件的记录位于文件之外，仅给出其编号";
    /// A segment that was not used.
    LEFT_OUT: "left out: {why}",
        "未使用：{why}";
    /// Heading of one event.
    EVENT: "Event {event}   (sequence number {sequence}, offset {offset} in {file})",
        "事件 {event}   （序列号 {sequence}，位于 {file} 的偏移 {offset}）";
    /// Heading of one row of an export.
    ROW: "Event {event}   (row of {file})",
        "事件 {event}   （{file} 中的一行）";
    /// Wording options for an export.
    AS_WRITTEN: "{file}: the rows of an export are shown as Process Monitor wrote them; --tz, --locale, --as and --advanced change nothing in them",
        "{file}：导出文件中的行按 Process Monitor 的原文显示，--tz、--locale、--as 和 --advanced 对其不起作用";
    /// Columns an export does not have.
    LACKS_COLUMNS: "{file}: the export has no column {names}; it stays empty",
        "{file}：导出文件中没有列 {names}，该列留空";
    /// Columns of the filter that an export does not have.
    LACKS_RULED: "{file}: the export has no column {names}; to the filter it is empty for every row",
        "{file}：导出文件中没有列 {names}；对筛选条件而言，每一行的该列均为空";
    /// Titles that are no columns.
    UNKNOWN_TITLES: "{file}: not columns of Process Monitor, left out: {names}",
        "{file}：以下不是 Process Monitor 的列，已忽略：{names}";
    /// Stacks asked of a CSV.
    NO_STACKS_IN_CSV: "{file}: a CSV export carries no stacks",
        "{file}：CSV 导出文件不含调用堆栈";
    /// Reading an export ended early.
    ENDED_EARLY: "{file}: reading ended before the end of the file: {why}",
        "{file}：读取在文件结尾之前中止（{why}）";
    /// Events asked for by number that the filter hides.
    FILTERED_OUT: "{count} of the events asked for by number {count:does|do} not pass the filter, the first is event {event}",
        "按编号指定的事件中有 {count} 个未通过筛选，第一个是事件 {event}";
    /// Event numbers with several captures.
    ONE_FOR_EVENT: "--event and --around need one capture: every capture numbers its events from 0",
        "--event 和 --around 只能用于单个捕获文件：每个捕获的事件都从 0 开始编号";
    /// XML of several captures.
    ONE_FOR_XML: "XML needs one capture: a document has one process list, and processes of different captures have the same numbers. Use csv or jsonl, or one call for each",
        "XML 只能用于单个捕获文件：一个文档只有一份进程列表，而不同捕获中的进程编号会重复。请使用 csv 或 jsonl，或逐个文件导出";
    /// Heading of the decoded fields.
    FIELDS: "Decoded detail",
        "解码后的详细信息";
    /// Heading of the bytes of a broken detail.
    BROKEN_DETAIL: "Broken detail, as bytes",
        "损坏的详细信息（原始字节）";
    /// Heading of the stack.
    STACK: "Stack, innermost first",
        "调用堆栈（最内层在前）";
    /// No stack was recorded.
    NO_STACK: "No stack was recorded",
        "未记录调用堆栈";
    /// A frame outside all modules.
    NO_MODULE: "(no module)",
        "（无模块）";
    /// Marks kernel frames.
    KERNEL: "kernel",
        "内核";
    /// Marks user frames.
    USER: "user",
        "用户";
    /// Message of the progress bar.
    PROGRESS: "events",
        "个事件";
}
