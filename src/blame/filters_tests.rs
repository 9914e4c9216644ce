use super::*;

fn module<'a>(path: &'a str, company: &'a str) -> ModuleFacts<'a> {
    ModuleFacts { path, company, description: "", version: "1.0 " }
}

fn survey(modules: &[ModuleFacts<'_>]) -> FilterSurvey {
    candidate_filters(VendorCatalogue::embedded(), modules.iter().copied())
}

fn names(filters: &[CandidateFilter]) -> Vec<(&str, FilterRank)> {
    filters.iter().map(|filter| (filter.name.as_str(), filter.rank)).collect()
}

#[test]
fn candidates_are_ranked_and_microsofts_stand_apart() {
    let found = survey(&[
        module(r"\SystemRoot\system32\ntoskrnl.exe", "Microsoft Corporation"),
        module(r"C:\Windows\System32\drivers\PROCMON24.SYS", "Sysinternals - www.sysinternals.com"),
        module(r"C:\Windows\System32\drivers\wcifs.sys", "Microsoft Corporation"),
        module(r"C:\Windows\System32\drivers\WdFilter.sys", "Microsoft Corporation   "),
        module(r"C:\Windows\System32\drivers\bindflt.sys", "Microsoft Corporation"),
        module(r"C:\Windows\System32\drivers\TmXPFlt.sys", "Trend Micro Inc."),
        module(r"C:\Windows\System32\drivers\tmpreflt.sys", "Trend Micro Inc."),
        module(r"C:\Windows\System32\drivers\asbm.sys", "AsiaInfo Security"),
        module(r"C:\Windows\System32\drivers\TMUMH.sys", "Trend Micro Inc."),
        module(r"C:\Windows\System32\drivers\e1i63x64.sys", "Intel Corporation"),
        module(r"C:\Windows\System32\drivers\sysdiag.sys", ""),
        module(r"C:\Windows\System32\drivers\SYSDIAG.SYS", ""),
    ]);
    use FilterRank::{AntiVirus, BelowMonitor, SecurityVendor};
    assert_eq!(
        names(&found.candidates),
        [
            ("sysdiag.sys", AntiVirus),
            ("tmpreflt.sys", AntiVirus),
            ("asbm.sys", BelowMonitor),
            ("TmXPFlt.sys", SecurityVendor),
        ]
    );
    assert_eq!(names(&found.microsoft), [("WdFilter.sys", AntiVirus), ("wcifs.sys", BelowMonitor)]);
    assert_eq!(found.monitor, Some(24));
    let tmpreflt = &found.candidates[1];
    assert_eq!(tmpreflt.altitudes[0].altitude.as_str(), "328500");
    assert_eq!(tmpreflt.vendor.as_ref().unwrap().names_en(), "Trend Micro / AsiaInfo Security");
    assert_eq!(tmpreflt.version, "1.0");
    // TmXPFlt's altitude is unknown, so the monitor has to go below every third-party group.
    assert_eq!(found.recapture_altitude().unwrap().as_str(), "45100");
}

#[test]
fn the_recapture_altitude_is_just_below_the_lowest_known_one() {
    let found = survey(&[
        module(r"C:\Windows\System32\drivers\tmpreflt.sys", "Trend Micro Inc."),
        module(r"C:\Windows\System32\drivers\kFileFlt.sys", "AsiaInfo"),
    ]);
    assert_eq!(found.recapture_altitude().unwrap().as_str(), "328499");
    assert_eq!(survey(&[]).recapture_altitude().unwrap().as_str(), "45100");
    let guessed = survey(&[module(r"C:\Windows\System32\drivers\TFsFltX64.sys", "Tencent")]);
    assert_eq!(guessed.candidates[0].altitude_basis, Some(NameBasis::Guessed));
    assert_eq!(guessed.recapture_altitude().unwrap().as_str(), "45100");
}

#[test]
fn a_namesake_of_a_listed_filter_is_not_taken_for_it() {
    // Listed third-party names that Microsoft's own driver bears, and the reverse.
    let found = survey(&[
        module(r"C:\Windows\System32\drivers\sysdiag.sys", "Microsoft Corporation"),
        module(r"C:\Windows\System32\drivers\WdFilter.sys", "Acme"),
    ]);
    assert_eq!(found, FilterSurvey::default());
}

#[test]
fn a_plain_windows_machine_has_no_third_party_candidate() {
    let drivers = ["ntfs", "fltmgr", "tcpip", "beep", "monitor", "volsnap", "storport", "disk", "mup", "ndis", "bam"];
    let paths: Vec<String> = drivers.iter().map(|name| format!(r"\SystemRoot\System32\drivers\{name}.sys")).collect();
    let modules: Vec<_> = paths.iter().map(|path| module(path, "Microsoft Corporation")).collect();
    assert_eq!(survey(&modules), FilterSurvey::default());
}

#[test]
fn only_whole_procmon_drivers_are_the_monitor() {
    assert_eq!(procmon_number("PROCMON23.SYS"), Some(23));
    assert_eq!(procmon_number("procmon.sys"), None);
    assert_eq!(procmon_number("procmonx24.sys"), None);
}
