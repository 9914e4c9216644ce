//! The wording of vendor, party and filter codes.

use super::Text;

crate::texts! {
    BASIS_COMPANY: "by company string", "依据公司名称";
    BASIS_PATH: "by folder", "依据所在文件夹";
    BASIS_NAME_ONLY: "by name only", "仅依据文件名";
    PARTY_PROFILE: "the installer's own process", "安装程序自身的进程";
    PARTY_KERNEL: "kernel process without an image file", "没有映像文件的内核进程";
    PARTY_WINDOWS_FOLDER: "Microsoft's company string in a folder of Windows", "公司名称为 Microsoft，位于 Windows 文件夹中";
    PARTY_MICROSOFT_PRODUCT: "known Microsoft product in its folder", "位于其固定文件夹中的已知 Microsoft 产品";
    PARTY_PROTECTED_FOLDER: "no company string; in a folder only the Windows installer writes to, or a core process in its place", "没有公司名称；位于仅 Windows 安装程序可写的文件夹中，或是处于固有位置的核心进程";
    PARTY_NAME_ONLY: "named like a core process of Windows; the capture has neither company nor folder", "与 Windows 核心进程同名；捕获中没有公司名称和路径";
    PARTY_MICROSOFT_APPLICATION: "Microsoft's company string, but not a part of Windows", "公司名称为 Microsoft，但不属于 Windows 组件";
    PARTY_OTHER_COMPANY: "another company's string", "公司名称属于其他厂商";
    PARTY_BORROWED_NAME: "named like a core process of Windows, but company or folder do not fit", "与 Windows 核心进程同名，但公司名称或路径不符";
    PARTY_UNKNOWN_PUBLISHER: "no company string, publisher unknown", "没有公司名称，发布者未知";
    FILTER_ANTI_VIRUS: "anti-virus filter (320000 to 329998)", "防病毒筛选器（320000 至 329998）";
    FILTER_BELOW_MONITOR: "filter below Process Monitor", "位于 Process Monitor 之下的筛选器";
    FILTER_SECURITY_VENDOR: "driver of a security vendor, altitude unknown", "安全厂商的驱动程序，高度未知";
    ALTITUDE_EXACT: "altitude {altitude}, registered to {company}", "高度 {altitude}，注册者为 {company}";
    ALTITUDE_WILDCARD: "altitude {altitude}, registered to {company} (listed as a pattern)", "高度 {altitude}，注册者为 {company}（以通配名列出）";
    ALTITUDE_GUESSED: "altitude {altitude}, registered to {company} (a guess: listed as {listed})", "高度 {altitude}，注册者为 {company}（推测：列表中为 {listed}）";
    ALTITUDE_USER_FILE: "altitude {altitude}, from the vendor file", "高度 {altitude}，来自厂商文件";
}

/// The message of a code within one family: `basis`, `party`, `filter` or `altitude`.
pub fn text(family: &str, code: &str) -> Option<Text> {
    let name = format!("{family}_{code}").to_ascii_uppercase();
    ALL.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
