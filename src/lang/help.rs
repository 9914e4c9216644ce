//! The help texts of the command line. Their English stands a second time in the doc comments that clap reads; a test
//! compares the two, and fails when an option has no Chinese.

use super::{Lang, Text};

crate::texts! {
    EXIT_CODES: "Exit codes: 0 analysed, whatever the verdict; 1 a file could not be read or written; 2 wrong usage;\n3 a culprit was found (only with --fail-on culprit); 130 interrupted.",
        "退出代码：0 已完成分析（无论结论如何）；1 文件无法读取或写入；2 用法错误；\n3 找到占用者（仅限 --fail-on culprit）；130 被中断。";
    LONG_HELP: "Examples:\n  pmlblame customer.PML                           who held TiWorker's and TrustedInstaller's files\n  pmlblame customer.PML --json case.json          also write the case record\n  pmlblame customer.PML --cbs C:\\Windows\\Logs\\CBS  tie the capture to the servicing log of the same failure\n  pmlblame --profile any --path 'D:\\Data' x.PML   anybody's failures below one folder\n\nExit codes:\n  0    analysed, whatever the verdict\n  1    a file could not be read, analysed or written\n  2    wrong usage\n  3    a culprit was found (only with --fail-on culprit)\n  130  interrupted",
        "示例：\n  pmlblame customer.PML                           是谁占用了 TiWorker 和 TrustedInstaller 的文件\n  pmlblame customer.PML --json case.json          同时写出案例记录\n  pmlblame customer.PML --cbs C:\\Windows\\Logs\\CBS  与同一次失败的 CBS 日志相互印证\n  pmlblame --profile any --path 'D:\\Data' x.PML   某个文件夹下所有进程的失败\n\n退出代码：\n  0    已完成分析，无论结论如何\n  1    文件无法读取、分析或写入\n  2    用法错误\n  3    找到占用者（仅限 --fail-on culprit）\n  130  被中断";
    // What clap itself says
    USAGE: "Usage: ", "用法： ";
    COMMANDS: "Commands", "命令";
    COMMAND: "COMMAND", "命令";
    OPTIONS: "Options", "选项";
    ANY_OPTIONS: "[OPTIONS]", "[选项]";
    ALIASES: "[aliases:", "[别名:";
    DEFAULT: " [default: {value}]", "［默认：{value}］";
    POSSIBLE: " [possible values: {values}]", "［可取值：{values}］";
    HELP: "Print help (see more with '--help')", "显示帮助（--help 显示详细帮助）";
    VERSION: "Print version", "显示版本";
    // Wrong usage
    E_VALUE: "invalid value '{value}' for {arg}", "{arg} 的值“{value}”无效";
    E_VALUE_OF: "invalid value '{value}' for {arg}; one of: {values}", "{arg} 的值“{value}”无效；可取值：{values}";
    E_NO_VALUE: "{arg} needs a value", "{arg} 需要一个值";
    E_UNKNOWN: "unexpected argument '{arg}'", "无法识别的参数“{arg}”";
    E_UNKNOWN_NEAR: "unexpected argument '{arg}'; did you mean '{near}'?", "无法识别的参数“{arg}”；是否要用“{near}”？";
    E_COMMAND: "unknown command '{arg}'", "没有“{arg}”这个命令";
    E_COMMAND_NEAR: "unknown command '{arg}'; did you mean '{near}'?", "没有“{arg}”这个命令；是否要用“{near}”？";
    E_MISSING: "missing: {args}", "缺少必需的参数：{args}";
    E_CONFLICT: "{arg} cannot be used with {prior}", "{arg} 不能与 {prior} 同时使用";
    E_TWICE: "{arg} cannot be given more than once", "{arg} 只能指定一次";
    E_TOO_MANY: "unexpected value '{value}' for {arg}", "{arg} 多出一个值“{value}”";
    E_TOO_FEW: "{arg} needs more values", "{arg} 的值不够";
    E_UTF8: "an argument is not valid UTF-8", "有一个参数不是有效的 UTF-8 文本";
    E_OTHER: "wrong usage", "用法错误";
    E_MORE: "For more information, try '--help'.", "详细说明请运行 --help。";
    // Headings and names of values
    H_INPUT: "Input", "输入";
    H_SCOPE: "Scope", "范围";
    H_SELECTION: "Selection", "选择";
    H_OUTPUT: "Output", "输出";
    H_WORDING: "Wording", "措辞";
    H_ADVANCED: "Advanced", "高级";
    V_CAPTURE: "CAPTURE", "捕获文件";
    V_PATH: "PATH", "路径";
    V_NAME: "NAME", "名称";
    V_OFFSET: "OFFSET", "偏移量";
    V_DATE: "DATE", "日期";
    V_PROFILE: "PROFILE", "预设";
    V_GLOB: "GLOB", "通配符";
    V_TIME: "TIME", "时间";
    V_RULE: "RULE", "规则";
    V_FILE_PMC: "FILE.pmc", "文件.pmc";
    V_FILE: "FILE|-", "文件|-";
    V_ZONE: "ZONE", "时区";
    V_COLUMNS: "COLUMNS", "列";
    V_FILE_TOML: "FILE.toml", "文件.toml";
    V_FILE_2: "FILE", "文件";
    V_VERDICT: "VERDICT", "结论";
    V_LANG: "LANG", "语言";
    V_N: "N", "数字";
    V_FORMAT: "FORMAT", "格式";
    V_LOCALE: "LOCALE", "区域设置";
    V_N_N_M: "N|N-M", "编号|起-止";
    V_BROKEN_PML: "BROKEN.PML", "损坏的文件.PML";
    V_FIXED_PML: "FIXED.PML", "修复的文件.PML";
    V_SMALL_PML: "SMALL.PML", "较小的文件.PML";
    V_SECONDS: "SECONDS", "秒数";
    V_REDACTED: "REDACTED", "已替换的文件";
    V_SCENARIO: "SCENARIO", "场景文件";
    V_FILE_PML: "FILE.PML", "文件.PML";
    V_3_4_3_5_3: "3.4|3.5|3.6|4", "3.4|3.5|3.6|4";
    // Commands, options and values
    T_PROVES_FROM_A_PROCESS_MONITOR: "Proves from a Process Monitor capture who held a file when an open, delete or rename was refused",
        "根据 Process Monitor 捕获，证明打开、删除或重命名被拒绝时是谁占用了文件";
    T_PRINT_WHO_HELD_THE_FILES: "Print who held the files (the default command)",
        "列出占用文件的进程或驱动程序（默认命令）";
    T_TELL_THE_STORY_OF_ONE: "Tell the story of one failure: everything done to the file, who held it, the rule, who is cleared",
        "讲述一次失败的经过：对该文件的全部操作、占用者、所依据的规则，以及已排除嫌疑者";
    T_CHECK_THE_LOCKING_MODEL_AGAINST: "Check the locking model against every file of a capture",
        "用捕获中的每个文件检验占用模型";
    T_PRINT_OR_EXPORT_EVERY_EVENT: "Print or export every event as Process Monitor shows it",
        "按 Process Monitor 的显示方式打印或导出全部事件";
    T_RESCUE_WHAT_A_DAMAGED_CAPTURE: "Rescue what a damaged capture still holds, and write it as a sound one",
        "抢救损坏的捕获文件中尚存的内容，并写成完好的捕获文件";
    T_WRITE_A_SMALLER_CAPTURE_OF: "Write a smaller capture of chosen events",
        "将选定的事件写成较小的捕获文件";
    T_TELL_WHAT_SERVICING_LOGS_CBS: "Tell what servicing logs (CBS.log, CbsPersist_*) say, without a capture",
        "分析 CBS 日志（CBS.log、CbsPersist_*），无需捕获文件";
    T_PUT_THE_NAMES_BACK_INTO: "Put the names back into what `--redact` wrote, by its key file",
        "用密钥文件还原 `--redact` 输出中被替换的名称";
    T_PRINT_THE_JSON_SCHEMA_OF: "Print the JSON Schema of the case record",
        "打印案例记录的 JSON Schema";
    T_BUILD_A_CAPTURE_FROM_A: "Build a capture from a readable scenario",
        "由可读的场景文件生成捕获文件";
    T_CAPTURES_PML_EXPORTS_CSV_XML: "Captures (.PML), exports (.CSV, .XML, also in gzip or zip) or patterns; of a split capture the first file",
        "捕获文件（.PML）、导出文件（.CSV、.XML，均可为 gzip 或 zip 压缩）或通配符；分段捕获只需指定第一个文件";
    T_SERVICING_LOG_CBS_LOG_CBSPERSIST: "Servicing log (CBS.log, CbsPersist_*), folder, zip, cab or gzip of the same machine; logs in them are found by content (repeatable)",
        "同一台机器的 CBS 日志（CBS.log、CbsPersist_*）、文件夹或 zip、cab、gzip 压缩包；其中的日志按内容识别（可重复指定）";
    T_DO_NOT_LOOK_FOR_NAME: "Do not look for `name-1.PML`, `name-2.PML`, … beside the capture",
        "不查找捕获文件旁的 `名称-1.PML`、`名称-2.PML` 等分段";
    T_READ_FILES_INSTEAD_OF_MAPPING: "Read files instead of mapping them: large ones into a temporary copy, so that memory does not grow",
        "读取文件而不做内存映射：大文件读入临时副本，内存占用不会增长";
    T_READ_THE_FILE_INSTEAD_OF: "Read the file instead of mapping it: a large one into a temporary copy, so that memory does not grow",
        "读取文件而不做内存映射：大文件读入临时副本，内存占用不会增长";
    T_CODE_PAGE_OF_A_CSV: "Code page of a CSV or XML export without byte-order mark, such as `gbk` or `windows-1251`",
        "没有字节顺序标记的 CSV 或 XML 导出所用的代码页，例如 `gbk` 或 `windows-1251`";
    T_ZONE_THE_TIMES_OF_AN: "Zone the times of an export were written in, such as `+08:00`; else they are shown as they stand",
        "导出文件中时间所属的时区，例如 `+08:00`；不指定则按原样显示";
    T_DAY_OF_THE_FIRST_ROW: "Day of the first row of an export without date column, such as `2022-10-08`",
        "没有日期列的导出文件首行所属的日期，例如 `2022-10-08`";
    T_SET_OF_VICTIMS_AND_PATHS: "Set of victims and paths",
        "受影响进程与路径的预设组合";
    T_TIWORKER_AND_TRUSTEDINSTALLER_BELOW_WINSXS: "TiWorker and TrustedInstaller below WinSxS\\Temp\\InFlight, PendingDeletes, PendingRenames",
        "TiWorker 与 TrustedInstaller，位于 WinSxS\\Temp 下的 InFlight、PendingDeletes、PendingRenames";
    T_EVERY_PROCESS_AND_PATH: "Every process and path",
        "所有进程和路径";
    T_VICTIM_PROCESS_NAME_IN_PLACE: "Victim process name, in place of the profile's (repeatable)",
        "受影响进程的名称，取代预设中的进程（可重复指定）";
    T_PATH_FOLDER_OR_PATTERN_SUCH: "Path, folder or pattern such as `*\\InFlight\\*`, in place of the profile's (repeatable)",
        "路径、文件夹或 `*\\InFlight\\*` 之类的通配符，取代预设中的路径（可重复指定）";
    T_ONLY_THIS_RESULT_SUCH_AS: "Only this result, such as `DELETE PENDING` or `0xC0000056` (repeatable)",
        "只看此结果，例如 `DELETE PENDING` 或 `0xC0000056`（可重复指定）";
    T_ONLY_FAILURES_FROM_THIS_TIME: "Only failures from this time on: RFC 3339, or date and time, or time of day, in the zone shown",
        "只看此时间起的失败：RFC 3339、日期加时间或当天时间，按所显示的时区";
    T_ONLY_FAILURES_UP_TO_THIS: "Only failures up to this time",
        "只看此时间之前（含）的失败";
    T_REPORT_ONLY_FAILURES_THAT_MATCH: "Report only failures that match this rule in Procmon's terms, such as \"Path ends with .dll\" (repeatable: rules of one column are alternatives, rules of several must all hold). All other events remain evidence",
        "只报告符合此规则的失败，规则写法与 Procmon 相同，例如 \"Path ends with .dll\"（可重复指定：同一列的规则满足其一即可，不同列的规则须全部满足）。其他事件仍用作证据";
    T_REPORT_NO_FAILURES_THAT_MATCH: "Report no failures that match this rule (repeatable)",
        "不报告符合此规则的失败（可重复指定）";
    T_TAKE_THE_FILTER_FROM_A: "Take the filter from a Procmon configuration; all events remain evidence",
        "采用 Procmon 配置文件中的筛选器；所有事件仍用作证据";
    T_WRITE_THE_CASE_RECORD_AS: "Write the case record as JSON to FILE, or to stdout with `-` (then nothing else goes there)",
        "将案例记录以 JSON 写入文件；`-` 表示标准输出（此时标准输出不再输出其他内容）";
    T_LEAVE_THE_TIME_OF_MAKING: "Leave the time of making out of the record, so that the same capture gives the same bytes",
        "记录中不写生成时间，使同一捕获得到完全相同的字节";
    T_ZONE_OF_THE_TIMES_SHOWN: "Zone of the times shown: `local`, `UTC`, `+08:00` or a name such as `Asia/Shanghai`; by default that of the servicing log, else local",
        "显示时间所用的时区：`local`、`UTC`、`+08:00` 或 `Asia/Shanghai` 之类的名称；默认采用 CBS 日志的时区，没有则用本地时区";
    T_WIDTH_OF_THE_TABLES_IN: "Width of the tables in columns; by default that of the terminal, 160 without one",
        "表格宽度（列数）；默认为终端宽度，没有终端时为 160";
    T_A_FILE_OF_YOUR_OWN: "A file of your own vendors and products, added to the built-in list",
        "自备的厂商与产品列表文件，附加到内置列表";
    T_REPLACE_THE_NAMES_OF_COMPUTER: "Replace the names of computer, users, hosts and profile folders, SIDs and IP addresses in every output",
        "在所有输出中替换计算机名、用户名、主机名、用户配置文件夹名、SID 和 IP 地址";
    T_REPLACE_THE_NAMES_OF_COMPUTER_2: "Replace the names of computer, users, hosts and profile folders, SIDs and IP addresses; environments are left out",
        "替换计算机名、用户名、主机名、用户配置文件夹名、SID 和 IP 地址；环境变量不输出";
    T_REPLACE_THE_NAMES_OF_COMPUTER_3: "Replace the names of computer, users, hosts and profile folders, SIDs and IP addresses",
        "替换计算机名、用户名、主机名、用户配置文件夹名、SID 和 IP 地址";
    T_THE_KEY_FILE_THAT_MAPS: "The key file that maps names back. Used when it exists, so that the same names get the same pseudonyms as before; written in any case. Keep it: it is what undoes the redaction",
        "用于还原名称的密钥文件。若已存在则沿用，使相同名称得到与之前相同的代号；无论如何都会写入。请妥善保管：还原全靠它";
    T_THE_KEY_FILE_THAT_MAPS_2: "The key file that maps names back. Used when it exists, so that the same names get the same pseudonyms as before; written in any case",
        "用于还原名称的密钥文件。若已存在则沿用，使相同名称得到与之前相同的代号；无论如何都会写入";
    T_WITH_REDACT_THE_KEY_FILE: "With --redact: the key file that maps names back. Used when it exists, so that the same names get the same pseudonyms as before; written in any case",
        "与 --redact 一起使用：用于还原名称的密钥文件。若已存在则沿用，使相同名称得到与之前相同的代号；无论如何都会写入";
    T_EXIT_WITH_3_WHEN_THE: "Exit with 3 when the verdict is this",
        "结论为此值时以退出代码 3 结束";
    T_ONE_OR_SEVERAL_CULPRITS_WERE: "One or several culprits were found",
        "找到一个或多个占用者";
    T_DO_NOT_COMPUTE_THE_SHA: "Do not compute the SHA-256 of the capture files for the record",
        "不为记录计算捕获文件的 SHA-256";
    T_LANGUAGE_OF_EVERYTHING_PRINTED_BY: "Language of everything printed; by default that of the system",
        "所有输出的语言；默认为系统语言";
    T_ENGLISH: "English",
        "英语";
    T_SIMPLIFIED_CHINESE: "Simplified Chinese",
        "简体中文";
    T_THREADS_TO_USE_BY_DEFAULT: "Threads to use; by default one for each core",
        "使用的线程数；默认每个内核一个";
    T_PRINT_NO_PROGRESS_AND_NO: "Print no progress and no hints, only results and errors",
        "不显示进度和提示，只输出结果和错误";
    T_THE_CAPTURE: "The capture",
        "捕获文件";
    T_NUMBER_OF_THE_FAILED_EVENT: "Number of the failed event, as `blame` prints it, or of another operation on a file; else a filter chooses",
        "失败事件的编号（即 `blame` 所显示的编号），或对某文件的其他操作的编号；不指定则由筛选规则选择";
    T_WRITE_THE_STORY_AS_JSON: "Write the story as JSON to FILE, or to stdout with `-`",
        "将经过以 JSON 写入文件；`-` 表示标准输出";
    T_CHECK_ONLY_FILES_WITH_AN: "Check only files with an event that matches this rule in Procmon's terms, such as \"Path contains InFlight\" (repeatable: rules of one column are alternatives, rules of several must all hold). All events of these files count",
        "只检验有事件符合此规则的文件，规则写法与 Procmon 相同，例如 \"Path contains InFlight\"（可重复指定：同一列的规则满足其一即可，不同列的规则须全部满足）。这些文件的所有事件都计算在内";
    T_CHECK_NO_FILES_ALL_OF: "Check no files all of whose events match this rule (repeatable)",
        "不检验全部事件都符合此规则的文件（可重复指定）";
    T_TAKE_THE_FILTER_FROM_A_2: "Take the filter from a Procmon configuration",
        "采用 Procmon 配置文件中的筛选器";
    T_WRITE_THE_NUMBERS_AS_JSON: "Write the numbers as JSON to FILE, or to stdout with `-`",
        "将各项计数以 JSON 写入文件；`-` 表示标准输出";
    T_FORM_OF_THE_OUTPUT: "Form of the output",
        "输出格式";
    T_READABLE_LINES: "Readable lines",
        "便于阅读的文本行";
    T_PROCMON_S_CSV: "Procmon's CSV",
        "Procmon 的 CSV 格式";
    T_PROCMON_S_XML: "Procmon's XML",
        "Procmon 的 XML 格式";
    T_ONE_JSON_OBJECT_A_LINE: "One JSON object a line",
        "每行一个 JSON 对象";
    T_WRITE_FILE_WHOLE_OR_NOT: "Write FILE, whole or not at all, instead of stdout",
        "写入文件而不是标准输出；要么完整写入，要么不写";
    T_DEFAULT_ALL_OR_TITLES_IN: "`default`, `all`, or titles in order, separated by commas: \"Time of Day,PID,Path\". An export written as CSV or XML keeps its own columns unless told otherwise",
        "`default`、`all`，或按顺序以逗号分隔的列标题：\"Time of Day,PID,Path\"。将导出文件写成 CSV 或 XML 时，默认保留其原有的列";
    T_WITH_STACKS_XML_AND_JSONL: "With stacks (xml and jsonl)",
        "包含调用栈（xml 和 jsonl）";
    T_TIME_ZONE_LOCAL_UTC_08: "Time zone: `local`, `UTC`, `+08:00` or a name such as `Asia/Shanghai`. As in Procmon one offset, that of the zone at the first event, is used for every time; by default the local one",
        "时区：`local`、`UTC`、`+08:00` 或 `Asia/Shanghai` 之类的名称。与 Procmon 一样，所有时间都使用首个事件时刻的偏移量；默认为本地时区";
    T_DATES_TIMES_AND_NUMBERS_AS: "Dates, times and numbers as this locale of Windows writes them: en-US (default), en-GB, zh-CN, zh-TW, es-ES, de-DE, fr-FR, it-IT, ja-JP, ko-KR, pl-PL, pt-BR, ru-RU",
        "按此 Windows 区域设置书写日期、时间和数字：en-US（默认）、en-GB、zh-CN、zh-TW、es-ES、de-DE、fr-FR、it-IT、ja-JP、ko-KR、pl-PL、pt-BR、ru-RU";
    T_WORDING_OF_THIS_GENERATION_OF: "Wording of this generation of Procmon; by default the newest known",
        "采用此代 Procmon 的措辞；默认为已知的最新一代";
    T_FILE_OPERATIONS_BY_THEIR_IRP: "File operations by their IRP and fast-I/O names, as with \"Enable Advanced Output\"",
        "文件操作以 IRP 和 Fast I/O 名称显示，相当于启用 \"Enable Advanced Output\"";
    T_SHOW_ONLY_EVENTS_MATCHING_THIS: "Show only events matching this rule, such as \"Path contains InFlight\" (repeatable: rules of one column are alternatives, rules of several must all hold)",
        "只显示符合此规则的事件，例如 \"Path contains InFlight\"（可重复指定：同一列的规则满足其一即可，不同列的规则须全部满足）";
    T_HIDE_EVENTS_MATCHING_THIS_RULE: "Hide events matching this rule (repeatable)",
        "隐藏符合此规则的事件（可重复指定）";
    T_TAKE_COLUMNS_FILTER_AND_MODE: "Take columns, filter and mode from a Procmon configuration",
        "采用 Procmon 配置文件中的列、筛选器和模式";
    T_SHOW_THIS_EVENT_OR_RANGE: "Show this event, or range of events, with everything known (repeatable); a filter applies to these too",
        "显示此事件或此范围内事件的全部已知内容（可重复指定）；筛选条件对这些事件同样有效";
    T_SHOW_THIS_EVENT_WITH_EVERYTHING: "Show this event with everything known, among its neighbours (repeatable)",
        "显示此事件的全部已知内容，以及其前后的事件（可重复指定）";
    T_THE_DAMAGED_CAPTURE: "The damaged capture",
        "损坏的捕获文件";
    T_THE_CAPTURE_TO_WRITE_WHOLE: "The capture to write, whole or not at all",
        "要写入的捕获文件；要么完整写入，要么不写";
    T_THE_CAPTURE_PML_OF_A: "The capture (.PML); of a split one the first file",
        "捕获文件（.PML）；分段捕获只需指定第一个文件";
    T_EVERYTHING_THE_VERDICT_RESTS_ON: "Everything the verdict rests on: each operation on the files concerned, and the life of processes. What --event, --filter, --exclude or --pmc choose comes in addition",
        "结论所依据的全部内容：对相关文件的每次操作，以及进程的启动与结束。--event、--filter、--exclude 或 --pmc 选出的事件另外附加";
    T_WITH_CASE_ALSO_EVERYTHING_WITHIN: "With --case: also everything within so many seconds of a failure",
        "与 --case 一起使用：另含失败前后此秒数内的全部事件";
    T_THIS_EVENT_OR_RANGE_OF: "This event, or range of events (repeatable)",
        "此事件或此范围内的事件（可重复指定）";
    T_EVENTS_MATCHING_THIS_RULE_SUCH: "Events matching this rule, such as \"Path contains InFlight\" (repeatable: rules of one column are alternatives, rules of several must all hold)",
        "符合此规则的事件，例如 \"Path contains InFlight\"（可重复指定：同一列的规则满足其一即可，不同列的规则须全部满足）";
    T_NO_EVENTS_MATCHING_THIS_RULE: "No events matching this rule (repeatable)",
        "排除符合此规则的事件（可重复指定）";
    T_CBS_LOGS_FOLDERS_ZIP_CAB: "CBS logs, folders, zip, cab or gzip archives, nested; logs in them are found by content",
        "CBS 日志、文件夹或 zip、cab、gzip 压缩包，可嵌套；其中的日志按内容识别";
    T_A_LISTING_OF_WINSXS_OF: "A listing of WinSxS of the machine that fails (`tree /f` or `dir /s /b`)",
        "故障机器的 WinSxS 目录列表（`tree /f` 或 `dir /s /b`）";
    T_A_LISTING_OF_WINSXS_OF_2: "A listing of WinSxS of a machine that works",
        "正常机器的 WinSxS 目录列表";
    T_WRITE_THE_REPORT_AS_JSON: "Write the report as JSON to FILE, or to stdout with `-` (then nothing else goes there)",
        "将报告以 JSON 写入文件；`-` 表示标准输出（此时标准输出不再输出其他内容）";
    T_PRINT_ONLY_THE_MISSING_PAYLOAD: "Print only the missing payload directories, one a line",
        "只打印缺失的有效负载目录，每行一个";
    T_WHAT_REDACT_WROTE_JSON_JSON: "What `--redact` wrote: JSON, JSON lines, CSV, XML or the text of a report; also gzipped",
        "`--redact` 的输出：JSON、JSON Lines、CSV、XML 或报告文本，可经 gzip 压缩";
    T_THE_KEY_FILE_OF_THAT: "The key file of that redaction",
        "该次替换所用的密钥文件";
    T_WHERE_THE_TEXT_WITH_ITS: "Where the text with its names goes, whole or not at all; `-` is stdout",
        "还原后的文本写入的位置，要么完整写入，要么不写；`-` 表示标准输出";
    T_THE_SCENARIO_A_TEXT_FILE: "The scenario, a text file (see docs/scenario-format.md)",
        "场景文件（文本文件，见 docs/scenario-format.md）";
    T_THE_CAPTURE_TO_WRITE: "The capture to write",
        "要写入的捕获文件";
}

/// The text that is `en` in English.
pub fn of(en: &str) -> Option<Text> {
    ALL.iter().map(|(_, text)| *text).find(|text| text.en == en)
}

/// `en` in `lang`; as it stands when it is not known.
pub fn say(en: &str, lang: Lang) -> &str {
    of(en).map_or(en, |text| text.get(lang))
}
