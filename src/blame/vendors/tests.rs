use std::collections::HashSet;

use super::hint::Hint;
use super::pattern::words;
use super::*;
use crate::blame::altitudes::{NameBasis, driver_key};
use crate::blame::embedded::source;
use crate::blame::facts::{ImageFacts, ModuleFacts};

fn process(name: &str, image_path: &str, company: &str) -> Option<VendorMatch> {
    VendorCatalogue::embedded().identify_process(&ImageFacts { name, image_path, company, ..Default::default() })
}

fn driver(path: &str, company: &str) -> Option<DriverMatch> {
    VendorCatalogue::embedded().identify_driver(&ModuleFacts { path, company, ..Default::default() })
}

fn told(found: Option<VendorMatch>) -> (String, String, &'static str) {
    let found = found.expect("a vendor");
    (found.names_en(), found.names_zh(), found.by.as_code())
}

fn expect(found: Option<VendorMatch>, en: &str, zh: &str, by: &str) {
    let (found_en, found_zh, found_by) = told(found);
    assert_eq!((found_en.as_str(), found_zh.as_str(), found_by), (en, zh, by));
}

const ASIAINFO: &str = r"C:\Program Files (x86)\Asiainfo Security\OfficeScan Client\ntrtscan.exe";
const TREND: &str = r"C:\Program Files (x86)\Trend Micro\OfficeScan Client\ntrtscan.exe";
const NEITHER: &str = r"D:\AV\ntrtscan.exe";

/// The lines of the embedded catalogue, from its source.
fn embedded_lines() -> Vec<String> {
    let columns = [
        "vendor_en",
        "vendor_zh",
        "product",
        "kind",
        "process_name",
        "image_path_hint",
        "company_string_pattern",
        "driver_name",
        "confidence",
    ];
    let rows = source::rows("security-products.csv", columns);
    let mut hints: Vec<Hint> = Vec::new();
    let mut lines = Vec::new();
    let (mut vendor, mut companies) = ("", HashSet::new());
    for [en, zh, product, kind, process, hint, company, driver, confidence] in &rows {
        if vendor != en {
            vendor = en;
            lines.push(format!("vendor\t{en}\t{zh}"));
        }
        if !company.is_empty() && companies.insert((en, company)) {
            let words = words(company).unwrap_or_default().into_iter();
            lines.push(std::iter::once(format!("company\t{company}")).chain(words).collect::<Vec<_>>().join("\t"));
        }
        let hint = Hint::parse(hint).map(|hint| {
            let known = hints.iter().position(|known| known.folder == hint.folder);
            known.unwrap_or_else(|| {
                hints.push(hint);
                hints.len() - 1
            })
        });
        let hint = hint.map(|hint| hint.to_string()).unwrap_or_default();
        let (process, driver) = (process.to_lowercase(), driver_key(driver));
        lines.push(format!("{kind}\t{confidence}\t{process}\t{driver}\t{hint}\t{product}"));
    }
    let word = |hint: &Hint| hint.word.clone().unwrap_or_default();
    let hints = hints.iter().map(|hint| format!("hint\t{}\t{}", hint.folder, word(hint)));
    hints.chain(lines).collect()
}

#[test]
fn the_embedded_catalogue_is_that_of_its_source() {
    source::check_table("security-products.tsv", &embedded_lines());
    source::check_shared("security-products.csv");
}

#[test]
fn the_embedded_catalogue_is_whole() {
    let catalogue = VendorCatalogue::embedded();
    assert_eq!(catalogue.len(), 915);
    assert_eq!(catalogue.vendors.len(), 77);
    assert!(catalogue.vendors.iter().all(|vendor| !vendor.companies.is_empty()), "every vendor has a company pattern");
    assert_eq!(catalogue.entries.iter().filter(|entry| entry.process.is_none() && entry.driver.is_none()).count(), 3);
}

#[test]
fn asiainfo_and_trend_micro_are_told_apart_by_folder_and_company() {
    let (asia, asia_zh, trend, trend_zh) = ("AsiaInfo Security", "亚信安全", "Trend Micro", "趋势科技");
    for (path, company, en, zh, by) in [
        (ASIAINFO, "Asiainfo Security", asia, asia_zh, "company"),
        (ASIAINFO, "亚信科技（成都）有限公司", asia, asia_zh, "company"),
        (ASIAINFO, "Trend Micro Inc.", asia, asia_zh, "path"),
        (ASIAINFO, "trend_company_name", asia, asia_zh, "company"),
        (ASIAINFO, "", asia, asia_zh, "path"),
        (NEITHER, "亚信安全   ", asia, asia_zh, "company"),
        (NEITHER, "trend_company_name", asia, asia_zh, "company"),
        (TREND, "Asiainfo Security", asia, asia_zh, "company"),
        (TREND, "Trend Micro Inc.   ", trend, trend_zh, "company"),
        (TREND, "", trend, trend_zh, "path"),
    ] {
        expect(process("ntrtscan.exe", path, company), en, zh, by);
    }
    expect(
        process("NTRtScan.exe", NEITHER, "Trend Micro Inc."),
        "Trend Micro / AsiaInfo Security",
        "趋势科技 / 亚信安全",
        "company",
    );
    expect(process("ntrtscan.exe", NEITHER, ""), "AsiaInfo Security / Trend Micro", "亚信安全 / 趋势科技", "name_only");
    expect(
        process("ntrtscan.exe", TREND, "trend_company_name"),
        "Trend Micro / AsiaInfo Security",
        "趋势科技 / 亚信安全",
        "path",
    );
}

#[test]
fn product_and_category_come_with_the_name() {
    let found = process("ntrtscan.exe", ASIAINFO, "亚信安全").unwrap();
    assert_eq!(found.product.as_deref(), Some("OfficeScan (防毒墙网络版) client"));
    assert_eq!(found.category, Some(Category::Av));
    assert_eq!(found.confidence, Some(SourceConfidence::Verified));
    let unnamed = process("brandnew.exe", r"D:\x\brandnew.exe", "Sangfor Technologies Inc.").unwrap();
    assert_eq!((unnamed.vendor_zh.as_str(), unnamed.product, unnamed.confidence), ("深信服", None, None));
    // NSFOCUS has one row, of a company string only.
    let nsfocus = process("any.exe", "", "绿盟科技").unwrap();
    assert_eq!((nsfocus.vendor_en.as_str(), nsfocus.category), ("NSFOCUS", Some(Category::Edr)));
    // Cisco makes much beside its one product of the catalogue.
    let webex = process("atmgr.exe", r"C:\Program Files\Cisco Webex\atmgr.exe", "Cisco Systems, Inc.").unwrap();
    assert_eq!((webex.vendor_en.as_str(), webex.product, webex.category), ("Cisco", None, None));
    // AsiaInfo has av and edr products: nothing tells which.
    assert_eq!(process("any.exe", "", "asiainfo").unwrap().category, None);
}

#[test]
fn a_process_merely_named_like_one_is_not_trusted() {
    assert_eq!(process("ntrtscan.exe", NEITHER, "Acme Tools"), None);
    assert_eq!(process("HipsDaemon.exe", r"C:\x\HipsDaemon.exe", "Acme Tools"), None);
    expect(process("HipsDaemon.exe", r"C:\x\HipsDaemon.exe", ""), "Huorong", "火绒", "name_only");
    expect(process("ntrtscan.exe", r"C:\x\ntrtscan.exe", "Microsoft Corporation"), "Microsoft", "微软", "company");
    // The registered owner of a brand may differ: name and folder together still tell.
    expect(process("HipsDaemon.exe", r"E:\Huorong\Sysdiag\bin\HipsDaemon.exe", "HeroBravo"), "Huorong", "火绒", "path");
    assert_eq!(process("other.exe", r"E:\Huorong\Sysdiag\bin\other.exe", "HeroBravo"), None);
    expect(process("other.exe", r"E:\Huorong\Sysdiag\bin\other.exe", ""), "Huorong", "火绒", "path");
    assert_eq!(process("notepad++.exe", r"C:\Program Files\Notepad++\notepad++.exe", ""), None);
}

#[test]
fn generic_names_never_count_alone() {
    for name in ["ds_monitor.exe", "Notifier.exe", "AgentService.exe", "sfc.exe", "sched.exe", "monitor.exe"] {
        assert_eq!(process(name, "", ""), None, "{name}");
        assert_eq!(process(name, &format!(r"C:\x\{name}"), ""), None, "{name}");
    }
    expect(process("sched.exe", "", "Avira Operations GmbH"), "Avira", "小红伞", "company");
    expect(
        process("AgentService.exe", r"D:\Soft\DBAppSecurity\AgentService.exe", ""),
        "DBAPPSecurity",
        "安恒信息",
        "path",
    );
    assert_eq!(driver(r"\SystemRoot\system32\drivers\Filelock.sys", "").and_then(|found| found.vendor), None);
}

#[test]
fn windows_names_outside_their_folder_are_nobodys() {
    assert_eq!(process("svchost.exe", r"C:\Temp\svchost.exe", ""), None);
    let host = process("svchost.exe", r"C:\Windows\System32\svchost.exe", "Microsoft Corporation").unwrap();
    assert_eq!((host.product, host.category), (None, Some(Category::Windows)), "it hosts any service");
    // Elsewhere the name is borrowed: Microsoft's by its string, and no product of it.
    let borrowed = process("MsMpEng.exe", r"C:\ProgramData\Temp\MsMpEng.exe", "Microsoft Corporation").unwrap();
    assert_eq!((borrowed.vendor_en.as_str(), borrowed.product, borrowed.category), ("Microsoft", None, None));
    let named = process("TiWorker.exe", r"C:\Windows\Temp\TiWorker.exe", "Microsoft Corporation").unwrap();
    assert_eq!((named.vendor_en.as_str(), named.product, named.category), ("Microsoft", None, None));
    let shell = process("explorer.exe", r"C:\Windows\explorer.exe", "Microsoft Corporation").unwrap();
    assert!(shell.product.is_some());
    let defender = r"C:\ProgramData\Microsoft\Windows Defender\platform\4.18.2006.10-0\MsMpEng.exe";
    let found = process("MsMpEng.exe", defender, "Microsoft Corporation").unwrap();
    assert_eq!((found.product.as_deref(), found.category), (Some("Defender Antivirus"), Some(Category::Av)));
    expect(process("MsMpEng.exe", defender, ""), "Microsoft", "微软", "path");
    expect(
        process("Explorer.EXE", r"C:\Windows\Explorer.EXE", "Корпорация Майкрософт"),
        "Microsoft",
        "微软",
        "company",
    );
}

#[test]
fn one_owner_of_several_brands_is_narrowed_by_folder_or_name() {
    let gen_digital = "Gen Digital Inc.";
    expect(process("AvastSvc.exe", r"C:\x\AvastSvc.exe", gen_digital), "Avast", "Avast", "company");
    expect(process("y.exe", r"C:\Program Files\Avast Software\Avast\y.exe", gen_digital), "Avast", "Avast", "company");
    let undecided = process("y.exe", r"C:\x\y.exe", gen_digital).unwrap();
    assert_eq!(undecided.names_en(), "Broadcom Symantec / Avast / AVG / Avira");
    let aswmonflt = driver(r"C:\Windows\System32\drivers\aswMonFlt.sys", gen_digital).unwrap();
    assert_eq!(aswmonflt.vendor.unwrap().vendor_en, "Avast");
    assert_eq!(aswmonflt.altitudes.unwrap().altitudes(), "320700");
}

#[test]
fn drivers_have_vendor_and_altitude() {
    let tmpreflt =
        driver(r"C:\Program Files (x86)\Asiainfo Security\OfficeScan Client\tmpreflt.sys", "Trend Micro Inc.").unwrap();
    expect(tmpreflt.vendor, "AsiaInfo Security", "亚信安全", "path");
    let altitudes = tmpreflt.altitudes.unwrap();
    assert_eq!(
        (altitudes.basis, altitudes.altitudes().as_str(), altitudes.registered_to()),
        (NameBasis::Exact, "328500", vec!["Trend"])
    );

    let companion = driver(r"C:\Windows\System32\drivers\TmXPFlt.sys", "Trend Micro Inc.").unwrap();
    assert_eq!(companion.altitudes, None);
    expect(companion.vendor, "Trend Micro / AsiaInfo Security", "趋势科技 / 亚信安全", "company");

    let asbm = driver("asbm.sys", "").unwrap();
    expect(asbm.vendor, "AsiaInfo Security", "亚信安全", "name_only");
    assert_eq!(asbm.altitudes.unwrap().rows[0].group, "FSFilter Activity Monitor");

    let named = driver(r"C:\Windows\System32\drivers\sysdiag.sys", "Acme").unwrap();
    assert_eq!(named.vendor, None);
    assert_eq!(named.altitudes.unwrap().registered_to(), ["HeroBravo Technology", "Huorong Security"]);

    let guessed = driver(r"C:\Windows\System32\drivers\TFsFltX64_ev.sys", "Tencent").unwrap();
    assert_eq!(guessed.altitudes.unwrap().basis, NameBasis::Guessed);
    assert_eq!(driver(r"C:\Windows\System32\drivers\e1i63x64.sys", "Intel Corporation"), None);
    assert_eq!(driver("", ""), None);
}

const USER_FILE: &str = r#"
[[vendor]]
name = "Example Security"
name_zh = "示例安全"
company = '^example ?sec|示例安全'

[[vendor.product]]
name = "Endpoint"
category = "av"
processes = ["exsvc.exe", "ntrtscan.exe"]
drivers = ["exflt.sys"]
paths = ['\Example Security\Endpoint\']
altitudes = { "exflt.sys" = "328505.5" }
"#;

#[test]
fn a_user_file_adds_and_outranks() {
    let catalogue = VendorCatalogue::with_overrides(USER_FILE).unwrap();
    let identify = |name, image_path, company| {
        catalogue.identify_process(&ImageFacts { name, image_path, company, ..Default::default() })
    };
    expect(identify("x.exe", "", "示例安全"), "Example Security", "示例安全", "company");
    expect(
        identify("exsvc.exe", r"D:\Example Security\Endpoint\exsvc.exe", "Unknown Ltd"),
        "Example Security",
        "示例安全",
        "path",
    );
    expect(identify("exsvc.exe", r"D:\x\exsvc.exe", "Unknown Ltd"), "Example Security", "示例安全", "name_only");
    expect(identify("ntrtscan.exe", NEITHER, ""), "Example Security", "示例安全", "name_only");
    expect(identify("ntrtscan.exe", NEITHER, "亚信安全"), "AsiaInfo Security", "亚信安全", "company");
    let found = catalogue.identify_driver(&ModuleFacts { path: "EXFLT.SYS", ..Default::default() }).unwrap();
    let altitudes = found.altitudes.unwrap();
    assert_eq!((altitudes.basis, altitudes.altitudes().as_str()), (NameBasis::UserFile, "328505.5"));
    assert_eq!(altitudes.rows[0].group, "FSFilter Anti-Virus");
    assert_eq!(found.vendor.unwrap().confidence, Some(SourceConfidence::User));
    assert_eq!(VendorCatalogue::embedded().len(), 915, "the embedded catalogue is untouched");
}

#[test]
fn a_user_file_replaces_a_vendor() {
    let text = "[[vendor]]\nname = \"Huorong\"\nreplace = true\ncompany = 'herobravo'\n";
    let catalogue = VendorCatalogue::with_overrides(text).unwrap();
    let identify = |name, company| catalogue.identify_process(&ImageFacts { name, company, ..Default::default() });
    assert_eq!(identify("HipsDaemon.exe", ""), None);
    assert_eq!(identify("HipsDaemon.exe", "Huorong"), None);
    assert_eq!(identify("x.exe", "HeroBravo").unwrap().vendor_en, "Huorong");
}

#[test]
fn what_is_wrong_in_a_user_file_is_told_with_its_line() {
    let with = |find: &str, put: &str| USER_FILE.replace(find, put);
    type Check = fn(&VendorFileErrorKind) -> bool;
    let cases: &[(String, usize, Check)] = &[
        (
            with("name_zh =", "nam_zh ="),
            4,
            |kind| matches!(kind, VendorFileErrorKind::Toml { reason } if reason.contains("nam_zh")),
        ),
        (with("^example", "(example"), 5, |kind| matches!(kind, VendorFileErrorKind::Company { .. })),
        (
            with("\"av\"", "\"virus\""),
            9,
            |kind| matches!(kind, VendorFileErrorKind::Category { found } if found == "virus"),
        ),
        (with("exsvc.exe", "C:/x/exsvc.exe"), 10, |kind| matches!(kind, VendorFileErrorKind::NotAName { .. })),
        (with("exflt.sys\"]", "\"]"), 11, |kind| *kind == VendorFileErrorKind::Empty { key: "drivers" }),
        (with(r"\Example Security\Endpoint\", "Endpoint"), 12, |kind| matches!(kind, VendorFileErrorKind::Path { .. })),
        (
            with("328505.5", "328,505"),
            13,
            |kind| matches!(kind, VendorFileErrorKind::Altitude { driver, .. } if driver == "exflt.sys"),
        ),
        (
            with("category = \"av\"\n", ""),
            7,
            |kind| matches!(kind, VendorFileErrorKind::Toml { reason } if reason.contains("category")),
        ),
        ("[[vendor]]\nname = 'x'\n".to_owned(), 2, |kind| matches!(kind, VendorFileErrorKind::Unmatchable { .. })),
        ("\n[[vendor]]\nname = 'x'\nreplace = true\n".to_owned(), 3, |kind| {
            matches!(kind, VendorFileErrorKind::NothingToReplace { .. })
        }),
        ("a = \n".to_owned(), 1, |kind| matches!(kind, VendorFileErrorKind::Toml { .. })),
    ];
    for (text, line, fits) in cases {
        let error = VendorCatalogue::with_overrides(text).expect_err(text);
        assert!(fits(&error.kind), "{error:?}");
        assert_eq!(error.line, *line, "{error}");
        assert!(error.to_string().starts_with(&format!("line {line}: ")) && !error.to_string().contains('\n'));
    }
    assert_eq!(VendorCatalogue::with_overrides("").unwrap().len(), 915);
    assert!(VendorCatalogue::with_overrides("\u{feff}# nothing\n").is_ok());
}
