//! Messages about rescued captures and extracts.

crate::texts! {
    RESCUED: "{file}: {region} at offset {at}: {what}. {events} {events:event was|events were} rescued; what is lost may matter. \"pmlblame recover\" says more", "{file}：{region}，偏移 {at}：{what}。已抢救出 {events} 个事件；丢失的部分可能影响结论。详情请运行“pmlblame recover”";
    RECOVER_EXPORT: "{file}: an export needs no rescue: every command reads the rows that can be read, and names the lines that cannot. Only a capture (.PML) can be recovered", "{file}：导出文件无需恢复：各命令会读取所有可读的行，并指出无法读取的行。只有捕获文件（.PML）才能恢复";
    SOUND: "{file}: sound; nothing had to be rescued", "{file}：文件完好，无需恢复";
    CAUSE: "damage: {region} at offset {at}: {what}", "损坏：{region}，偏移 {at}：{what}";
    BY_ARRAY: "events: {events}, by the capture's own event-offset array", "事件：{events} 个，依据捕获文件自身的事件偏移数组";
    BY_WALK: "events: {events}, found by walking the records (the header says {header})", "事件：{events} 个，通过逐条遍历记录找到（文件头记载 {header} 个）";
    SKIPPED: "skipped: {bytes} {bytes:byte|bytes} in {places} {places:place|places} {bytes:holds|hold} no readable event, the first at offset {at}", "跳过：{places} 处共 {bytes} 字节不含可读事件，首处偏移 {at}";
    DOUBTFUL: "{count} {count:event stands|events stand} directly before such a place and may be damaged at {count:its|their} end", "{count} 个事件紧邻此类位置之前，其末尾可能也已损坏";
    CUT_EVENT: "the file ends inside an event, which is lost", "文件在一个事件中间结束，该事件已丢失";
    ZERO_TAIL: "the last {bytes} {bytes:byte is|bytes are} zero: reserved and never written", "末尾 {bytes} 字节为零：已预留但从未写入";
    LOST_EXTRAS: "{count} {count:event|events} lost the data their operation returned", "{count} 个事件丢失了操作返回的数据";
    POINTER_GUESSED: "the header's 64-bit flag is damaged; {bits} bits fit the records", "文件头的 64 位标志已损坏；按 {bits} 位解析与记录相符";
    STRINGS: "string table: {state}", "字符串表：{state}";
    PROCESS_TABLE: "process table: {state}", "进程表：{state}";
    HOSTS: "host names: {state}", "主机名：{state}";
    INTACT: "intact", "完好";
    PARTIAL: "{lost} {lost:entry|entries} lost", "丢失 {lost} 项";
    LOST: "lost", "已丢失";
    PROCESSES: "processes: {table} from the table, {rebuilt} rebuilt from events, {pid} with their PID only, {nameless} by number only", "进程：{table} 个来自进程表，{rebuilt} 个由事件重建，{pid} 个仅知 PID，{nameless} 个仅知编号";
    NAMED: "{named} of {events} {events:event|events} {named:belongs|belong} to a process with a known image", "{events} 个事件中有 {named} 个属于已知映像的进程";
    SYSTEM_ADDED: "a record for System was made up, because stacks show kernel code; its modules are not known", "由于调用栈含有内核代码，补建了 System 进程记录；其模块未知";
    UNREADABLE: "{count} {count:event could not be read and was|events could not be read and were} left out", "{count} 个事件无法读取，已略去";
    WROTE: "wrote {file}: {events} {events:event|events}, {processes} {processes:process|processes}, {modules} {modules:module|modules}, {strings} {strings:string|strings}", "已写入 {file}：{events} 个事件、{processes} 个进程、{modules} 个模块、{strings} 个字符串";
    REDACTED: "names replaced: {count}", "已替换名称：{count} 个";
    KEY: "the key that maps them back is in {file}; do not send it along", "可还原名称的密钥在 {file} 中；请勿随文件一起发送";
    BAD_KEY: "{file}: not a key file: {why}", "{file}：不是密钥文件（{why}）";
    NO_KEY: "names cannot be replaced: {why}", "无法替换名称（{why}）";
    NOTHING: "no event matches; nothing was written", "没有匹配的事件；未写入任何内容";
    NO_EXTRACT: "{file}: an export cannot become a capture: it holds what Process Monitor printed, not what the driver recorded (handles, buffers, modules, sequence numbers). For a smaller export of chosen rows: pmlblame events \"{file}\" --filter \"…\" --format csv -o SMALL.CSV, with --redact to replace names", "{file}：导出文件无法转换为捕获文件：其中只有 Process Monitor 打印的内容，而没有驱动程序记录的数据（句柄、缓冲区、模块、序列号）。如需只含部分行的较小导出文件：pmlblame events \"{file}\" --filter \"…\" --format csv -o SMALL.CSV，加 --redact 可替换名称";
    CHOOSE: "say which events: --case, --event, --filter, --exclude or --pmc", "请指定要提取的事件：--case、--event、--filter、--exclude 或 --pmc";
    SAME_FILE: "{file}: input and output are the same file", "{file}：输入与输出是同一个文件";
    KEY_ALONE: "--redact-key needs --redact", "--redact-key 需要与 --redact 一起使用";
    RESTORED: "names put back in {places} {places:place|places}", "已在 {places} 处还原名称";
    NOTHING_RESTORED: "nothing in it was replaced with this key: no name was put back, and the text is as it was. Is it the key file of this redaction?", "其中没有任何内容是用此密钥替换的：未还原任何名称，文本保持原样。请确认这是该次脱敏所用的密钥文件";
    NOT_IN_KEY: "{n} {n:name is|names are} not in this key and {n:stays as it is|stay as they are}: {names}", "{n} 个名称不在此密钥中，保持不变：{names}";
    NOT_TEXT: "{n} stretches are not UTF-8 and stay as they are", "{n} 处不是 UTF-8 文本，保持不变";
    NO_RESTORE: "{file}: a redacted capture cannot be turned back: environments and icons were removed from it, not renamed. Use the original capture; what was printed or exported from the redacted one can be restored", "{file}：脱敏后的捕获文件无法还原：其中的环境变量和图标是被删除而不是被替换的。请使用原始捕获文件；由脱敏捕获打印或导出的文本可以还原";
    CONTEXT_ALONE: "--context needs --case", "--context 需要与 --case 一起使用";
}
