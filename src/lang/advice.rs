//! The wording of recommendations, with the recipe for a capture below the filters.
//!
//! Every measure that weakens protection or can harm a machine carries its warning in the same text.

use super::{Lang, Text};

crate::texts! {
    EXCLUDE_PATH_FROM_REALTIME_SCAN:
        "In the console of {product}, exclude {path} and its subfolders from real-time scanning, then install again. Warning: files there go unscanned, so exclude this folder only, and remove the exclusion when the installation is done.",
        "在 {product} 的管理控制台中，将 {path} 及其子文件夹加入实时扫描的排除项，然后重新安装。警告：排除期间该文件夹中的文件不受扫描，请只排除此文件夹，安装完成后立即删除该排除项。";
    STOP_REALTIME_SCAN_AND_RETRY:
        "As a test, pause the real-time scanning of {product} and install again; if it then works, the product is involved. Warning: the machine is unprotected meanwhile. Ask whoever is responsible for security first, open nothing else, and switch scanning on again at once. A paused scanner may leave its filter driver loaded.",
        "作为验证，暂停 {product} 的实时扫描后重新安装；若安装成功，说明与该产品有关。警告：暂停期间本机不受保护，请先征得安全负责人同意，期间不要打开其他文件，完成后立即恢复实时扫描。注意：暂停扫描后，其筛选器驱动程序可能仍处于加载状态。";
    UPDATE_PRODUCT:
        "Update {product} to the vendor's current version, engine and drivers included, restart, and install again.",
        "将 {product} 更新到厂商的最新版本（包括引擎和驱动程序），重新启动后再次安装。";
    REMOVE_DRIVER:
        "If updating does not help, uninstall {product} with the vendor's uninstaller, restart, install the update, and install the product again. Warning: never delete the driver file {process} or its service key by hand, Windows may then not start. Uninstalling leaves the machine unprotected; have a backup and the BitLocker recovery key at hand.",
        "如果更新无效，请使用厂商的卸载程序卸载 {product}，重新启动，安装更新，然后重新安装该产品。警告：切勿手动删除驱动文件 {process} 或其服务注册表项，否则 Windows 可能无法启动。卸载后本机不受保护；请事先备份，并准备好 BitLocker 恢复密钥。";
    PAUSE_PRODUCT:
        "Pause {product} ({process}) until the installation is done, then let it continue. Warning: nothing is backed up or synchronised meanwhile.",
        "在安装完成之前暂停 {product}（{process}），之后再恢复。警告：暂停期间不会进行备份或同步。";
    STOP_SERVICE:
        "Stop the service behind {process}{of} for the installation and start it again afterwards. Warning: check first what depends on it (sc enumdepend), and on a server do it in a maintenance window.",
        "安装期间停止 {process}{of}对应的服务，完成后重新启动该服务。警告：请先确认哪些服务依赖于它（sc enumdepend），服务器上请在维护时段操作。";
    IDENTIFY_PROGRAM:
        "Find out whose program {process} is: only its name is like that of a known product. Look at the folder and the digital signature of its file (Properties > Digital Signatures, or Get-AuthenticodeSignature) before a product is suspected.",
        "请先查明 {process} 属于哪个程序：仅其名称与某个已知产品相同。在怀疑任何产品之前，请检查该文件所在的文件夹及其数字签名（“属性”>“数字签名”，或 Get-AuthenticodeSignature）。";
    CLOSE_APPLICATION:
        "Close {process}{of} and install again. Save open work first; ending a process loses what is unsaved.",
        "关闭 {process}{of}后重新安装。请先保存未完成的工作；强行结束进程会丢失未保存的内容。";
    CLOSE_REMOTE_SESSION:
        "A remote computer has the file open through a share. Find it with Get-SmbOpenFile, ask its user to close the file, or close it with Close-SmbOpenFile. Warning: closing it from here may lose what the remote user has not saved.",
        "有远程计算机通过共享打开了该文件。请用 Get-SmbOpenFile 查找，并请对方用户关闭该文件，或用 Close-SmbOpenFile 关闭。警告：从本机强行关闭可能使远程用户丢失未保存的数据。";
    RESTART_AND_RETRY:
        "The holder {process} is part of Windows: save your work, restart, and install again before anything else is started.",
        "占用者 {process} 是 Windows 组件：请保存工作，重新启动，在运行其他程序之前先重新安装。";
    REBOOT_TO_CLEAR_PENDING_DELETE:
        "A delete was still pending when the capture ended. Restart Windows the normal way, so that every handle is closed and the delete completes, then install again. Warning: do not switch the power off while an update is being configured.",
        "捕获结束时仍有处于删除挂起状态的文件。请正常重新启动 Windows，使所有句柄关闭、删除完成，然后重新安装。警告：正在配置更新时切勿切断电源。";
    CHECK_READ_ONLY:
        "Look whether {file} is read-only (attrib, or its properties). If it is, no other capture will show a holder: the attribute is the reason. Warning: leave the attributes of files in Windows' own folders alone, unless its support tells you to change them. If it is not, somebody has the file mapped: tasklist /m {name} lists the processes that run it as a DLL.",
        "请查看 {file} 是否为只读（attrib 命令或文件属性）。若为只读，再次捕获也不会发现占用者：只读属性就是原因。警告：除非技术支持人员要求，请勿更改 Windows 自身文件夹中文件的属性。若不是只读，则该文件已被映射：tasklist /m {name} 可列出将其作为 DLL 加载的进程。";
    RECAPTURE_LOWER_ALTITUDE:
        "Capture again with Process Monitor below the filter drivers (altitude {altitude}); at its usual altitude 385200 it cannot see what filters below it open for themselves. Suspected: {filters}. Keep one capture from above and one from below. Steps:",
        "请将 Process Monitor 移到筛选器驱动程序之下（高度 {altitude}）重新捕获；在默认高度 385200 上，它看不到其下方筛选器自行打开的文件。可疑驱动：{filters}。请在高、低两个高度各保留一份捕获。步骤：";
    RECAPTURE_WITHOUT_FILTERS:
        "Capture again without losing events: reset the filter (Filter > Reset Filter, or start Procmon64.exe /NoFilter), switch Filter > Drop Filtered Events off, keep all event classes on, write to a backing file (File > Backing Files) on a disk with room, and save all events, not only those displayed.",
        "请重新捕获，避免丢失事件：重置筛选器（Filter > Reset Filter，或以 Procmon64.exe /NoFilter 启动），关闭 Filter > Drop Filtered Events，保留所有事件类别，将数据写入空间充足的磁盘上的后备文件（File > Backing Files），保存时选择所有事件，而不是仅保存当前显示的事件。";
    RECAPTURE_START_EARLIER:
        "Capture again and start before the installer: best right after a restart, before anything opens the files, and end only after the failure.",
        "请重新捕获，并在启动安装程序之前开始：最好在重新启动之后、任何程序打开这些文件之前开始，直到故障出现之后再结束。";
    SEND_ORIGINAL_CAPTURE:
        "Analyse the capture itself (.PML), not an export: stacks and loaded drivers are in the capture only.",
        "请分析原始捕获文件（.PML），而不是导出文件：调用堆栈和已加载的驱动程序只保存在原始捕获中。";
    ASK_VENDOR:
        "Send this record to the vendor of {product} and ask for a build that does not keep files of the Windows installer open.",
        "请将本记录发送给 {product} 的厂商，要求提供不会占用 Windows 安装程序文件的版本。";
    NONE:
        "Nothing to do.",
        "无需任何操作。";
    STEP_WARNING:
        "Use a test machine or a maintenance window, and an administrator's prompt. Warning: the steps change the registry and the loading order of Process Monitor's driver; the last step undoes them.",
        "请在测试机上或维护时段内，以管理员身份操作。警告：以下步骤会修改注册表以及 Process Monitor 驱动程序的加载高度；最后一步用于还原。";
    STEP_CREATE_KEY:
        "Start Process Monitor once and close it, so that its service key exists.",
        "启动一次 Process Monitor 然后关闭，使其服务注册表项存在。";
    STEP_ALTITUDE:
        "Set the altitude (value Altitude, REG_SZ):",
        "设置高度（值 Altitude，类型 REG_SZ）：";
    STEP_PROTECT:
        "Protect the value, because older versions write 385200 back when they start: deny Everyone Set Value and Delete on this key (PowerShell):",
        "保护该值，因为较旧版本启动时会写回 385200：在此注册表项上拒绝 Everyone 的“设置数值”和“删除”权限（PowerShell）：";
    STEP_RELOAD:
        "Reload the driver; if unloading is refused, restart Windows instead:",
        "重新加载驱动程序；如果卸载被拒绝，请重新启动 Windows：";
    STEP_START:
        "Start the capture before the installer, with no filter; Filter > Drop Filtered Events must be off:",
        "在启动安装程序之前开始捕获，不使用任何筛选器；Filter > Drop Filtered Events 必须关闭：";
    STEP_VERIFY:
        "Verify before going on: the instance \"Process Monitor {number} Instance\" must show {altitude}, below {filters}:",
        "继续之前请确认：实例 \"Process Monitor {number} Instance\" 应显示 {altitude}，且低于 {filters}：";
    STEP_STOP:
        "Run the installer until it fails, then end the capture:",
        "运行安装程序直到出现故障，然后结束捕获：";
    STEP_UNDO:
        "Undo: take the protection away (PowerShell), set the altitude back, and restart Windows:",
        "还原：取消保护（PowerShell），恢复高度，然后重新启动 Windows：";
    THE_PRODUCT: "the security product", "该安全产品";
    THE_PROCESS: "the process", "该进程";
    THE_FILE: "the file", "该文件";
    THE_FOLDER: "the installer's working folder (C:\\Windows\\WinSxS\\Temp\\InFlight)", "安装程序的工作文件夹（C:\\Windows\\WinSxS\\Temp\\InFlight）";
    NO_FILTER_KNOWN: "no filter known by name", "未发现已知名称的筛选器";
}

/// What fills the places of a recommendation; empty means unknown and is worded so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdviceValues<'a> {
    /// Product or vendor.
    pub product: &'a str,
    /// Process or driver file name.
    pub process: &'a str,
    /// The folder to exclude.
    pub path: &'a str,
    /// The file that may be read-only.
    pub file: &'a str,
    /// The altitude to move Process Monitor to.
    pub altitude: &'a str,
    /// The suspected filters, with altitudes, as one text.
    pub filters: &'a str,
    /// The number in the names of Process Monitor's driver, service and instance; 24 in current versions.
    pub monitor: Option<u32>,
}

/// The message of a recommendation code; `None` for a code this version does not know.
pub fn text(code: &str) -> Option<Text> {
    let name = code.to_ascii_uppercase();
    // Only recommendations: the steps and fill-ins of this file are no codes.
    let helper = name.starts_with("STEP_") || name.starts_with("THE_") || name == "NO_FILTER_KNOWN";
    ALL.iter().find(|(known, _)| !helper && *known == name).map(|(_, text)| *text)
}

/// A recommendation in words; for `recapture_lower_altitude` the whole recipe, one step or command a line.
pub fn render(code: &str, values: &AdviceValues<'_>, lang: Lang) -> Option<String> {
    let mut out = fill(text(code)?, values, lang);
    if code == "recapture_lower_altitude" {
        for (number, step) in recapture_steps(values, lang).iter().enumerate() {
            out.push_str(&format!("\n{}. {}", number + 1, step.what));
            for command in &step.commands {
                out.push_str(&format!("\n   {command}"));
            }
        }
    }
    Some(out)
}

/// One step of the recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to do and why.
    pub what: String,
    /// The commands, one a line, the same in every language.
    pub commands: Vec<String>,
}

/// The altitude recommended when the capture names no better one.
const DEFAULT_ALTITUDE: &str = "45100";

/// How to capture below the filters: registry value, its protection, reload, check, capture, undo.
pub fn recapture_steps(values: &AdviceValues<'_>, lang: Lang) -> Vec<Step> {
    let number = values.monitor.unwrap_or(24);
    let altitude = or(values.altitude, DEFAULT_ALTITUDE);
    let key = format!(r"SYSTEM\CurrentControlSet\Services\PROCMON{number}\Instances\Process Monitor {number} Instance");
    let set = |altitude: &str| format!(r#"reg add "HKLM\{key}" /v Altitude /t REG_SZ /d {altitude} /f"#);
    // Opened for the permissions alone: with Set Value denied, a key opened for writing would be refused.
    let open = format!(
        "$k = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('{key}', 'ReadWriteSubTree', 'ReadPermissions, ChangePermissions')"
    );
    let rule = "$r = New-Object System.Security.AccessControl.RegistryAccessRule((New-Object System.Security.Principal.SecurityIdentifier 'S-1-1-0'), 'SetValue, Delete', 'Deny')";
    let change = |method: &str| {
        vec![
            open.clone(),
            rule.to_owned(),
            format!("$a = $k.GetAccessControl(); [void]$a.{method}($r); $k.SetAccessControl($a); $k.Close()"),
        ]
    };
    let step = |text: Text, commands: Vec<String>| Step { what: fill(text, values, lang), commands };
    let mut undo = change("RemoveAccessRule");
    undo.push(set("385200"));
    vec![
        step(STEP_WARNING, vec![]),
        step(STEP_CREATE_KEY, vec!["Procmon64.exe /AcceptEula".to_owned()]),
        step(STEP_ALTITUDE, vec![set(altitude)]),
        step(STEP_PROTECT, change("AddAccessRule")),
        step(STEP_RELOAD, vec![format!("fltmc unload PROCMON{number}")]),
        step(
            STEP_START,
            vec![r"Procmon64.exe /AcceptEula /Quiet /Minimized /NoFilter /BackingFile C:\below.pml".to_owned()],
        ),
        step(STEP_VERIFY, vec!["fltmc instances".to_owned()]),
        step(STEP_STOP, vec!["Procmon64.exe /Terminate".to_owned()]),
        step(STEP_UNDO, undo),
    ]
}

fn or<'a>(value: &'a str, default: &'a str) -> &'a str {
    if value.trim().is_empty() { default } else { value }
}

fn fill(text: Text, values: &AdviceValues<'_>, lang: Lang) -> String {
    // Without a product of its own the program stands for itself, set off from Chinese by a blank.
    let alone = values.product.trim().is_empty() || values.product == values.process;
    let of = match lang {
        _ if !alone => lang.remark(values.product),
        Lang::ZhCn if values.process.ends_with(|last: char| last.is_ascii()) => " ".to_owned(),
        _ => String::new(),
    };
    text.fill(
        lang,
        &[
            ("product", &or(values.product, THE_PRODUCT.get(lang))),
            ("process", &or(values.process, THE_PROCESS.get(lang))),
            ("of", &of),
            ("path", &or(values.path, THE_FOLDER.get(lang))),
            ("file", &or(values.file, THE_FILE.get(lang))),
            ("name", &values.file.rsplit('\\').next().unwrap_or_default()),
            ("altitude", &or(values.altitude, DEFAULT_ALTITUDE)),
            ("filters", &or(values.filters, NO_FILTER_KNOWN.get(lang))),
            ("number", &values.monitor.unwrap_or(24)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_names_key_value_protection_reload_and_check() {
        let values = AdviceValues {
            altitude: "328499",
            filters: "tmpreflt.sys 328500",
            monitor: Some(23),
            ..Default::default()
        };
        let recipe = render("recapture_lower_altitude", &values, Lang::En).unwrap();
        let key = r"SYSTEM\CurrentControlSet\Services\PROCMON23\Instances\Process Monitor 23 Instance";
        for needed in [
            format!(r#"reg add "HKLM\{key}" /v Altitude /t REG_SZ /d 328499 /f"#),
            format!(r#"reg add "HKLM\{key}" /v Altitude /t REG_SZ /d 385200 /f"#),
            format!("OpenSubKey('{key}', "),
            "[void]$a.AddAccessRule($r)".to_owned(),
            "[void]$a.RemoveAccessRule($r)".to_owned(),
            "fltmc unload PROCMON23".to_owned(),
            "fltmc instances".to_owned(),
            "Drop Filtered Events must be off".to_owned(),
            "below tmpreflt.sys 328500".to_owned(),
        ] {
            assert!(recipe.contains(&needed), "{needed}\nnot in\n{recipe}");
        }
        assert!(!recipe.contains('{') && !recipe.contains('}'), "an unfilled place in\n{recipe}");
    }

    #[test]
    fn commands_are_the_same_in_both_languages() {
        let values = AdviceValues { altitude: "319999", ..Default::default() };
        let commands =
            |lang| recapture_steps(&values, lang).into_iter().flat_map(|step| step.commands).collect::<Vec<_>>();
        assert_eq!(commands(Lang::En), commands(Lang::ZhCn));
        assert_eq!(commands(Lang::En).len(), 13);
    }

    #[test]
    fn unknown_values_are_worded_and_helpers_are_no_codes() {
        let text = render("ask_vendor", &AdviceValues::default(), Lang::ZhCn).unwrap();
        assert_eq!(text, "请将本记录发送给该安全产品的厂商，要求提供不会占用 Windows 安装程序文件的版本。");
        assert_eq!(render("step_undo", &AdviceValues::default(), Lang::En), None);
        assert_eq!(render("no_such_code", &AdviceValues::default(), Lang::En), None);
    }

    #[test]
    fn a_program_without_a_product_is_named_once() {
        let close = |product, lang| {
            let values = AdviceValues { product, process: "new.exe", ..Default::default() };
            render("close_application", &values, lang).unwrap()
        };
        assert!(close("new.exe", Lang::En).starts_with("Close new.exe and install again."));
        assert!(close("Acme Notes", Lang::En).starts_with("Close new.exe (Acme Notes) and install again."));
        assert!(close("", Lang::ZhCn).starts_with("关闭 new.exe 后重新安装。"), "{}", close("", Lang::ZhCn));
        assert!(close("Acme", Lang::ZhCn).starts_with("关闭 new.exe（Acme）后重新安装。"));
    }

    #[test]
    fn measures_that_weaken_a_machine_warn() {
        for code in ["exclude_path_from_realtime_scan", "stop_realtime_scan_and_retry", "remove_driver", "stop_service"]
        {
            let text = text(code).unwrap();
            assert!(text.en.contains("Warning:") && text.zh.contains("警告："), "{code}");
        }
        assert!(STEP_WARNING.en.contains("Warning:"));
    }
}
