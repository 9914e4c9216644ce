//! Messages about scenarios and the captures built from them.

use super::Lang;

crate::texts! {
    BUILT: "wrote {file} with {events} {events:event|events}", "已写入 {file}，共 {events} 个事件";
    CANNOT_READ: "cannot read {file}: {error}", "无法读取 {file}：{error}";
    CANNOT_WRITE: "cannot write {file}: {error}", "无法写入 {file}：{error}";
    FAULT_AT: "{file}:{line}:{column}: {fault}", "{file}:{line}:{column}：{fault}";
    UNKNOWN_DIRECTIVE: "no line begins with \"{word}\"; see docs/scenario-format.md", "没有以“{word}”开头的行；参见 docs/scenario-format.md";
    UNKNOWN_OPERATION: "unknown operation \"{word}\"; names are as Procmon shows them, without blanks", "未知的操作“{word}”；名称与 Procmon 显示的一致，不含空格";
    UNKNOWN_PROCESS: "no process \"{word}\" is declared above", "上文没有声明进程“{word}”";
    AMBIGUOUS_PROCESS: "several processes are called \"{word}\": write name/PID or a label", "有多个进程名为“{word}”：请写成 名称/PID 或使用标签";
    UNKNOWN_VARIABLE: "no \"let {word} = …\" above", "上文没有“let {word} = …”";
    UNKNOWN_MODULE: "neither the process nor System has a module \"{word}\"", "该进程和 System 都没有模块“{word}”";
    UNKNOWN_STACK: "no \"stack {word} = …\" above", "上文没有“stack {word} = …”";
    UNKNOWN_ARGUMENT: "\"{word}\" means nothing here", "“{word}”在此处没有含义";
    MISSING_ARGUMENT: "{word} is missing", "缺少 {word}";
    BAD_VALUE: "\"{word}\" is not what belongs here: {expected}", "“{word}”不符合要求，此处应为：{expected}";
    DUPLICATE: "\"{word}\" is declared twice", "“{word}”被重复声明";
    UNCLOSED: "the {word} is never closed", "{word} 没有闭合";
    INDENTED: "an indented line belongs below a process line", "缩进行应位于 process 行之下";
    TOO_LATE: "this must stand above the first process or event", "此行必须位于第一个进程或事件之前";
    NO_START: "a line \"start 2022-10-08T05:50:40Z\" must stand above this", "此行之前必须有“start 2022-10-08T05:50:40Z”这样的一行";
    INCLUDE: "cannot include {word}: {reason}", "无法包含 {word}：{reason}";
    NOT_UTF8: "the file is not UTF-8 from here on", "从此处起文件不是 UTF-8 编码";
}

/// What should stand where a bad value does, in Chinese.
const EXPECTED_ZH: &[(&str, &str)] = &[
    ("32 or 64", "32 或 64"),
    ("32, or 64 in a 64-bit capture", "32；在 64 位捕获中也可为 64"),
    ("0 or 1", "0 或 1"),
    ("=", "="),
    ("CREATE_SECTION or OTHER", "CREATE_SECTION 或 OTHER"),
    ("a 32-bit number", "32 位数字"),
    ("a SID such as S-1-5-18", "SID，例如 S-1-5-18"),
    ("a frame such as FLTMGR.SYS+0x4a1c", "栈帧，例如 FLTMGR.SYS+0x4a1c"),
    ("a list of known names", "已知名称的列表"),
    ("a moment such as +1.25 or 2022-10-08T05:50:40Z", "时刻，例如 +1.25 或 2022-10-08T05:50:40Z"),
    ("a number", "数字"),
    ("a number from 1 to 1000000", "1 到 1000000 之间的数字"),
    ("a port", "端口号"),
    ("a result as Procmon shows it", "Procmon 所显示的结果文本"),
    ("a text such as Service Pack 1", "文本，例如 Service Pack 1"),
    ("a time such as 0.0012, 1.2ms or 15us", "时间长度，例如 0.0012、1.2ms 或 15us"),
    ("a time such as 2022-10-08T05:50:40Z", "时间，例如 2022-10-08T05:50:40Z"),
    ("a version such as 10.0.17763", "版本号，例如 10.0.17763"),
    ("an IP address", "IP 地址"),
    ("an access mask", "访问掩码"),
    ("an address", "地址"),
    ("an address and port such as 10.0.0.5:443", "地址和端口，例如 10.0.0.5:443"),
    ("a control code", "控制码"),
    ("an information class", "信息类编号"),
    ("an offset in hex", "十六进制偏移"),
    ("an offset inside the module", "模块范围内的偏移"),
    ("as LABEL", "as 标签"),
    ("bytes in hex", "十六进制字节"),
    ("no allocation in a 32-bit capture: it is not recorded there", "32 位捕获不能写 allocation：其中没有该字段"),
    ("tcp or udp", "tcp 或 udp"),
    ("yes or no", "yes 或 no"),
];

/// What should stand where a bad value does, in `lang`.
pub fn expected(english: &'static str, lang: Lang) -> &'static str {
    match lang {
        Lang::En => english,
        Lang::ZhCn => EXPECTED_ZH.iter().find(|(en, _)| *en == english).map_or(english, |(_, zh)| zh),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expectation_in_the_source_has_its_chinese() {
        let sources = [
            include_str!("../scenario/args.rs"),
            include_str!("../scenario/event.rs"),
            include_str!("../scenario/file_ops.rs"),
            include_str!("../scenario/info_ops.rs"),
            include_str!("../scenario/machine.rs"),
            include_str!("../scenario/other_ops.rs"),
            include_str!("../scenario/stack.rs"),
        ];
        let pattern = regex::Regex::new(r#"(?:bad\(|expected: )"([^"]+)""#).unwrap();
        let mut found = 0;
        for source in sources {
            for capture in pattern.captures_iter(source) {
                found += 1;
                assert!(EXPECTED_ZH.iter().any(|(en, _)| *en == &capture[1]), "{}", &capture[1]);
            }
        }
        assert!(found >= 30, "{found}");
    }
}
