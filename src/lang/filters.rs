//! Sentences about filters: what they leave out, and that nothing they leave out is lost as evidence.

crate::texts! {
    NOTHING_PASSES: "None of the {n} refused {n:operation|operations} of {victims} on {paths} passes the filter; nothing is said here about {n:it|any of them}.", "{victims} 在 {paths} 上的 {n} 次被拒操作均未通过筛选；此处对它们不作任何判断。";
    LEFT_OUT: "Besides, {n} refused {n:operation does|operations do} not pass the filter and {n:is|are} left out.", "另有 {n} 次被拒操作未通过筛选，未计入。";
    SCOPE_FILTER: "filter: {rules}", "筛选条件：{rules}";
    SCOPE_RULES: "filter of {n} {n:rule|rules}", "筛选条件共 {n} 条规则";
    NO_STORY: "{file}: none of the {n} refused {n:operation|operations} passes the filter; see all with: pmlblame --profile any \"{file}\"", "{file}：{n} 次被拒操作均未通过筛选；查看全部：pmlblame --profile any \"{file}\"";
    NOTHING_REFUSED: "{file}: no operation was refused because of a lock", "{file}：没有因文件占用而被拒绝的操作";
    MORE_STORIES: "{file}: {n} more {n:failure passes|failures pass} the filter; the first {told} {told:is|are} told. Narrow the filter, or name one with --event", "{file}：另有 {n} 次失败通过筛选；仅说明前 {told} 次。请缩小筛选范围，或用 --event 指定其中一次";
    AUDIT_FILES: "Only files with an event that passes the filter were checked: {files} of {all}.", "仅检查了含有通过筛选的事件的文件：{all} 个中的 {files} 个。";
}
