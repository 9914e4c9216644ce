use super::*;

fn judge(pid: u32, name: &str, path: &str, company: &str) -> (&'static str, &'static str) {
    let facts = ImageFacts { name, image_path: path, company, ..Default::default() };
    let context = PartyContext { pid, is_victim: false, system_root: r"C:\Windows" };
    let found = classify(VendorCatalogue::embedded(), &facts, &context);
    (found.party.as_code(), found.reason.as_code())
}

const MS: &str = "Microsoft Corporation";

#[test]
fn parts_of_windows() {
    for (name, path, company, reason) in [
        ("svchost.exe", r"C:\WINDOWS\System32\svchost.exe", MS, "windows_folder"),
        ("Explorer.EXE", r"C:\Windows\Explorer.EXE", "Корпорация Майкрософт", "windows_folder"),
        ("csrss.exe", r"\??\C:\Windows\system32\csrss.exe", MS, "windows_folder"),
        ("smss.exe", r"\SystemRoot\System32\smss.exe", MS, "windows_folder"),
        ("svchost.exe", r"\Device\HarddiskVolume3\Windows\System32\svchost.exe", MS, "windows_folder"),
        ("SetupHost.exe", r"C:\$WINDOWS.~BT\Sources\SetupHost.exe", MS, "windows_folder"),
        (
            "GameBarFTServer.exe",
            r"C:\Program Files\WindowsApps\Microsoft.XboxGamingOverlay_5.320\GameBarFTServer.exe",
            MS,
            "windows_folder",
        ),
        (
            "MsMpEng.exe",
            r"C:\ProgramData\Microsoft\Windows Defender\platform\4.18.2006.10-0\MsMpEng.exe",
            MS,
            "microsoft_product",
        ),
        ("OneDrive.exe", r"C:\Users\test\AppData\Local\Microsoft\OneDrive\OneDrive.exe", MS, "microsoft_product"),
        (
            "StartMenuExperienceHost.exe",
            r"C:\Windows\SystemApps\Microsoft.Windows.StartMenu\StartMenuExperienceHost.exe",
            "",
            "protected_folder",
        ),
        ("svchost.exe", r"C:\Windows\System32\svchost.exe", "  ", "protected_folder"),
        ("MoUsoCoreWorker.exe", r"C:\Windows\UUS\amd64\MoUsoCoreWorker.exe", MS, "windows_folder"),
        ("WmiPrvSE.exe", r"C:\Windows\SysWOW64\wbem\WmiPrvSE.exe", MS, "windows_folder"),
        ("DismHost.exe", r"C:\Windows\Temp\0A1B2C3D\DismHost.exe", MS, "windows_folder"),
        ("svchost.exe", "", "", "name_only"),
    ] {
        assert_eq!(judge(1000, name, path, company), ("windows", reason), "{path}");
    }
}

#[test]
fn the_kernel_has_no_image_file() {
    assert_eq!(judge(4, "System", "System", ""), ("windows", "kernel"));
    assert_eq!(judge(0, "Idle", "Idle", ""), ("windows", "kernel"));
    assert_eq!(judge(124, "Registry", "Registry", ""), ("windows", "kernel"));
    assert_eq!(judge(5000, "System", "System", ""), ("third_party", "unknown_publisher"));
    assert_eq!(judge(5000, "System", r"C:\Temp\System", ""), ("third_party", "unknown_publisher"));
    assert_eq!(judge(5000, "Registry", r"C:\Temp\Registry", ""), ("third_party", "unknown_publisher"));
}

#[test]
fn borrowed_names_and_company_strings_do_not_make_a_part_of_windows() {
    for (name, path, company, reason) in [
        ("svchost.exe", r"C:\Users\a\svchost.exe", "", "borrowed_name"),
        ("svchost.exe", r"C:\Windows\System32\evil\svchost.exe", "", "borrowed_name"),
        ("svchost.exe", r"C:\Windows\System32\svchost.exe", "Acme", "borrowed_name"),
        ("svchost.exe", r"C:\WindowsX\System32\svchost.exe", "", "borrowed_name"),
        ("svchost.exe", r"C:\Windows\System32\..\..\Temp\svchost.exe", "", "borrowed_name"),
        ("svchost.exe", r"D:\Windows\System32\svchost.exe", "", "borrowed_name"),
        ("svchost.exe", r"C:\Temp\svchost.exe", MS, "borrowed_name"),
        ("svchost.exe", r"C:\Windows\Temp\svchost.exe", MS, "borrowed_name"),
        ("svchost.exe", r"D:\Windows\System32\svchost.exe", MS, "borrowed_name"),
        ("x.exe", r"C:\Windows\Tasks\x.exe", MS, "microsoft_application"),
        ("MsMpEng.exe", r"C:\Temp\MsMpEng.exe", MS, "microsoft_application"),
        ("WINWORD.EXE", r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE", MS, "microsoft_application"),
        ("tool.exe", r"C:\Windows\System32\tool.exe", "", "unknown_publisher"),
        ("nvvsvc.exe", r"C:\Windows\System32\nvvsvc.exe", "NVIDIA Corporation", "other_company"),
        (
            "ntrtscan.exe",
            r"C:\Program Files (x86)\Asiainfo Security\OfficeScan Client\ntrtscan.exe",
            "亚信安全",
            "other_company",
        ),
        ("hasplms.exe", "", "", "unknown_publisher"),
    ] {
        assert_eq!(judge(1000, name, path, company), ("third_party", reason), "{path} {company}");
    }
}

#[test]
fn the_profile_comes_first() {
    let facts = ImageFacts {
        name: "TiWorker.exe",
        image_path: r"C:\Windows\WinSxS\x\TiWorker.exe",
        company: MS,
        ..Default::default()
    };
    let context = PartyContext { pid: 77, is_victim: true, system_root: r"C:\Windows\" };
    let found = classify(VendorCatalogue::embedded(), &facts, &context);
    assert_eq!(found, Classified { party: Party::Victim, reason: PartyReason::Profile });
}

#[test]
fn an_unknown_system_root_is_windows_on_any_drive() {
    let facts = ImageFacts { name: "a.exe", image_path: r"D:\Windows\a.exe", company: MS, ..Default::default() };
    let found = classify(VendorCatalogue::embedded(), &facts, &PartyContext::default());
    assert_eq!(found.reason, PartyReason::WindowsFolder);
}

#[test]
fn the_systemroot_name_stands_for_wherever_windows_lies() {
    let facts = ImageFacts { image_path: r"\SystemRoot\System32\smss.exe", company: MS, ..Default::default() };
    let context = PartyContext { pid: 300, is_victim: false, system_root: r"D:\Win10" };
    assert_eq!(classify(VendorCatalogue::embedded(), &facts, &context).reason, PartyReason::WindowsFolder);
}

#[test]
fn drivers_of_windows_by_place() {
    for (path, company, of_windows) in [
        (r"C:\Windows\System32\drivers\wof.sys", MS, true),
        (r"\SystemRoot\System32\win32kbase.sys", "", true),
        (r"C:\Windows\System32\ntoskrnl.exe", "", true),
        (r"C:\Windows\System32\evil.sys", "", false),
        (r"C:\Windows\Temp\evil.sys", MS, false),
        (r"C:\Temp\evil.sys", MS, false),
        (r"C:\Windows\System32\drivers\evil.sys", "", false),
    ] {
        let facts = ModuleFacts { path, company, ..Default::default() };
        assert_eq!(
            is_windows_driver(VendorCatalogue::embedded(), &facts, r"C:\Windows"),
            of_windows,
            "{path} {company}"
        );
    }
}
