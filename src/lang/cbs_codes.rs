//! What the codes of servicing mean, and what to do about them.

use super::Text;

/// Meaning and next step of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeText {
    /// What it says.
    pub meaning: Text,
    /// What to do.
    pub next: Text,
}

macro_rules! code_texts {
    ($( $name:ident : $en:expr, $zh:expr => $next_en:expr, $next_zh:expr ; )*) => {
        $( const $name: CodeText = CodeText {
            meaning: Text { en: $en, zh: $zh },
            next: Text { en: $next_en, zh: $next_zh },
        }; )*
        #[cfg(test)]
        const ALL: &[(&str, CodeText)] = &[ $( (stringify!($name), $name) ),* ];
    };
}

code_texts! {
    DELETE_PENDING: "the file is marked for deletion and some handle still keeps it alive", "文件已标记为删除，但仍有句柄未关闭，名称尚未释放" =>
        "capture with Process Monitor and find who closes the file last", "用 Process Monitor 捕获一次，查看最后关闭该文件的进程";
    SHARING: "somebody has the file open with sharing that does not allow this access", "文件正被其他进程打开，且其共享模式不允许此次访问" =>
        "capture with Process Monitor and compare the share modes", "用 Process Monitor 捕获一次，比对双方的共享模式";
    ACCESS_DENIED: "access was refused: by the permissions, by a filter driver, or because the target or something below it is open", "访问被拒绝：权限不足、被筛选器驱动拒绝，或目标（或其下级）正被打开" =>
        "look for a filter driver in the call stack of a capture, then compare the permissions with a healthy machine", "先在捕获的调用堆栈中查找筛选器驱动，再与正常机器比对权限";
    CANNOT_DELETE: "the file is read-only or mapped into a process", "文件为只读，或已被映射到某个进程" =>
        "look for mappings in a capture; if the file is read-only, nobody holds it", "在捕获中查找映射；若文件为只读，则并无进程占用";
    USER_MAPPED: "a mapped view of the file stands in the way", "文件存在映射视图，因此被拒绝截断或写入" =>
        "find the process that mapped the file in a capture", "在捕获中找出映射该文件的进程";
    LOCK_CONFLICT: "another process has locked a byte range of the file", "文件的部分区域被其他进程锁定" =>
        "find the lock in a capture; backup and sync programs do this", "在捕获中查找该锁定，常见于备份与同步软件";
    NOT_EMPTY: "the folder still has children", "文件夹非空" =>
        "find the child that is still there, often one waiting to be deleted", "找出仍存在的子项，通常是尚未真正删除的文件";
    FILE_DELETED: "the file was deleted while still open", "文件在打开期间已被删除" =>
        "find in a capture who deleted it", "在捕获中查看是谁删除了该文件";
    OPLOCK: "an opportunistic lock was not released", "机会锁（oplock）未被释放" =>
        "find the holder of the oplock in a capture", "在捕获中找出机会锁的持有者";
    COLLISION: "the target exists already", "目标已存在" =>
        "look for leftovers in WinSxS\\Temp\\PendingRenames", "检查 WinSxS\\Temp\\PendingRenames 中的残留文件";
    NOT_FOUND: "a file or folder does not exist", "找不到文件或文件夹" =>
        "restore the payload the log names from a machine of the same build", "从相同内部版本的机器恢复日志所列的有效负载";
    REPARSE: "the file is a reparse point and the filter that serves it is not there", "文件为重分析点，但对应的筛选器不存在" =>
        "identify the reparse tag; a storage, encryption or sync agent was removed", "确认重分析标记；通常是存储分层、加密或同步软件被卸载";
    DISK_FULL: "the disk is full", "磁盘空间不足" =>
        "free disk space and try again; never delete in WinSxS by hand", "清理磁盘空间后重试；切勿手动删除 WinSxS 中的内容";
    SOURCE_MISSING: "payload or source is missing", "缺少有效负载或安装源" =>
        "restore the directories listed here from a machine of the same build, or run DISM /RestoreHealth with a matching source", "从相同内部版本的机器恢复所列目录，或使用匹配的安装源运行 DISM /RestoreHealth";
    STORE_CORRUPT: "the component store is inconsistent", "组件存储不一致" =>
        "run DISM /Online /Cleanup-Image /RestoreHealth; reinstall the update whose package is named", "运行 DISM /Online /Cleanup-Image /RestoreHealth，并重新安装日志所指的更新";
    UNSERVICEABLE: "the store is damaged beyond repair", "组件存储已无法修复" =>
        "in-place upgrade with media of the same edition and language; back the machine up first", "使用版本和语言相同的介质进行就地升级，请先备份";
    DELTA_UNSUPPORTED: "no delta is allowed for this component", "该组件不支持增量" =>
        "use the full package of the update", "改用该更新的完整安装包";
    DELTAS_MISSING: "a delta that is needed is missing from the store", "组件存储中缺少所需的增量文件" =>
        "repair the store with DISM /RestoreHealth, then try again", "用 DISM /RestoreHealth 修复组件存储后重试";
    NO_BASE: "the component to apply the delta to was not found", "找不到与增量匹配的组件" =>
        "reinstall the language pack or the update that brought the component", "重新安装带来该组件的语言包或更新";
    BASE_MISSING: "the folder or file to apply the delta to is missing", "缺少应用增量所需的目录或文件" =>
        "restore the payload the log names", "恢复日志所列的有效负载";
    REVERSE_FAILED: "installed file plus reverse delta did not give the base file: the installed file was altered", "已安装文件应用反向增量后得不到基准文件：已安装的文件被改动过" =>
        "compare the hash of the named file and restore it from a machine of the same build", "核对所列文件的哈希，并从相同内部版本的机器恢复";
    FORWARD_FAILED: "base file plus forward delta did not give the new file: the base is damaged, or the delta is", "基准文件应用正向增量后得不到新文件：基准文件或增量已损坏" =>
        "compare the hash of the named file and restore it; run DISM /RestoreHealth, then try again", "核对所列文件的哈希并恢复；运行 DISM /RestoreHealth 后重试";
    NULL_FAILED: "a file that needs no base could not be unpacked", "无需基准文件的空增量解包失败" =>
        "download the update again", "重新下载更新";
    DELTA_COMBINATION: "the deltas do not fit together", "增量组合无效" =>
        "run DISM /Online /Cleanup-Image /StartComponentCleanup, then try again", "运行 DISM /Online /Cleanup-Image /StartComponentCleanup 后重试";
    INSTALLERS: "an advanced installer failed", "高级安装程序失败" =>
        "read the installer lines before it: boot partition, driver, service, temporary folder", "查看之前的安装程序记录：启动分区、驱动、服务或临时文件夹";
    HANG: "the servicing worker hung", "维护进程挂起" =>
        "take a boot log with Process Monitor; a filter may block I/O", "用 Process Monitor 捕获启动日志；可能有筛选器阻塞了 I/O";
    PRIMITIVES: "the operations queued for the restart failed", "重启时执行的排队操作失败" =>
        "take a boot log with Process Monitor", "用 Process Monitor 捕获启动日志";
    NEW_STACK: "the servicing stack is too old", "服务堆栈版本过旧" =>
        "install the servicing stack update first", "先安装服务堆栈更新（SSU）";
    NOT_APPLICABLE: "the package does not apply: wrong edition, or already newer", "更新不适用：版本不符或系统已更新" =>
        "compare the build of the machine with the update", "核对系统内部版本与更新";
    BUSY: "something else is pending, or a restart is outstanding", "有挂起的操作或需要重启" =>
        "restart and try again", "重启后重试";
    NO_EDITION: "the image has no active edition", "映像没有活动的版本" =>
        "check the image's edition with DISM /Get-CurrentEdition", "用 DISM /Get-CurrentEdition 检查映像版本";
    DOWNLOAD: "the source could not be downloaded", "无法下载安装源" =>
        "give a local source with DISM /Source", "用 DISM /Source 指定本地安装源";
    POLICY: "a group policy forbids the download", "组策略禁止下载" =>
        "give a local source, or change the policy for optional component installation", "指定本地安装源，或修改“指定可选组件安装和组件修复的设置”策略";
    INVALID_DATA: "data is not what it should be: catalog, manifest or the base of a delta", "数据无效：编录、清单或增量基准文件" =>
        "look at the file that the first error names", "查看首个错误所指的文件";
    WORKER_DIED: "the servicing worker died", "维护进程（TiWorker）意外终止" =>
        "look in a capture for who ended it; security products do", "在捕获中查看是谁结束了它，可能是安全软件";
    NO_REPORTING: "error reporting is switched off; this is noise", "错误报告已关闭，可忽略" =>
        "nothing to do", "无需处理";
    AGENT: "the update agent passes on somebody else's failure", "更新代理转述的失败" =>
        "look at the servicing log of the same moment", "查看同一时间的 CBS.log";
    DEVICE: "the device instance exists already", "设备实例已存在" =>
        "look at the installer lines around it", "查看其前后的安装程序记录";
}

/// The texts of a code, whatever it is dressed as: `0xC0000056`, `0xD0000056`, `0x80070020`, `0x800F081F`.
pub fn code_text(code: u32) -> Option<CodeText> {
    let win32 = matches!(code >> 16, 0x8007 | 0xC007 | 0xD007).then_some(code & 0xFFFF);
    if let Some(win32) = win32 {
        return Some(match win32 {
            2 | 3 => NOT_FOUND,
            5 => ACCESS_DENIED,
            13 => INVALID_DATA,
            32 => SHARING,
            33 => LOCK_CONFLICT,
            112 => DISK_FULL,
            145 => NOT_EMPTY,
            183 => COLLISION,
            300 | 742 | 802 => OPLOCK,
            303 => DELETE_PENDING,
            1067 | 1726 => WORKER_DIED,
            1224 => USER_MAPPED,
            1341 => NO_REPORTING,
            1920 => REPARSE,
            3017 => BUSY,
            14003 | 14028 | 14081 | 14098 | 14107 => STORE_CORRUPT,
            _ => return None,
        });
    }
    let code = if code >> 28 == 0xD { code & !0x1000_0000 } else { code };
    Some(match code {
        0xC000_0022 => ACCESS_DENIED,
        0xC000_0034 | 0xC000_003A => NOT_FOUND,
        0xC000_0035 => COLLISION,
        0xC000_0043 => SHARING,
        0xC000_0054 | 0xC000_0055 => LOCK_CONFLICT,
        0xC000_0056 => DELETE_PENDING,
        0xC000_007F => DISK_FULL,
        0xC000_00E2 | 0xC000_0909 => OPLOCK,
        0xC000_0101 => NOT_EMPTY,
        0xC000_0121 => CANNOT_DELETE,
        0xC000_0123 => FILE_DELETED,
        0xC000_0243 => USER_MAPPED,
        0xC000_0279 => REPARSE,
        0xC015_0004 | 0xC015_001A | 0xC015_001B | 0x800F_0831 => STORE_CORRUPT,
        0x800F_0207 => DEVICE,
        0x800F_081E => NOT_APPLICABLE,
        0x800F_081F => SOURCE_MISSING,
        0x800F_0823 => NEW_STACK,
        0x800F_0830 | 0x800F_0832 => UNSERVICEABLE,
        0x800F_0902 => BUSY,
        0x800F_0905 => NO_EDITION,
        0x800F_0906 => DOWNLOAD,
        0x800F_0907 => POLICY,
        0x800F_0920 => HANG,
        0x800F_0921 => PRIMITIVES,
        0x800F_0922 => INSTALLERS,
        0x800F_0980 => DELTA_UNSUPPORTED,
        0x800F_0981 | 0x800F_0989 => DELTAS_MISSING,
        0x800F_0982 => NO_BASE,
        0x800F_0983 | 0x800F_0984 => BASE_MISSING,
        0x800F_0985 => REVERSE_FAILED,
        0x800F_0986 => FORWARD_FAILED,
        0x800F_0987 => NULL_FAILED,
        0x800F_0988 => DELTA_COMBINATION,
        0x8024_0017 => NOT_APPLICABLE,
        0x8024_2016 | 0x8024_200B => AGENT,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_are_there() {
        for (name, texts) in ALL {
            for text in [texts.meaning, texts.next] {
                assert!(!text.en.trim().is_empty() && !text.zh.trim().is_empty(), "{name}");
                assert!(!text.zh.is_ascii(), "{name}: {}", text.zh);
                assert!(text.en.is_ascii(), "{name}");
            }
        }
    }

    #[test]
    fn one_code_in_several_dresses() {
        assert_eq!(code_text(0xD000_0056), Some(DELETE_PENDING));
        assert_eq!(code_text(0x8007_0020), code_text(0xC000_0043));
        assert_eq!(code_text(0x800F_0986), Some(FORWARD_FAILED));
        assert_eq!(code_text(0x1234_5678), None);
    }
}
