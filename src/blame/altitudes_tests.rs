use super::*;
use crate::blame::embedded::source;

fn altitude(text: &str) -> Altitude {
    Altitude::parse(text).unwrap()
}

#[test]
fn the_embedded_list_is_that_of_its_source() {
    let columns = ["driver", "altitude", "company", "load_order_group", "remark"];
    let mut rows = source::rows("minifilter-altitudes.csv", columns);
    rows.sort_by_cached_key(|[driver, height, ..]| {
        (driver_key(driver), std::cmp::Reverse(altitude(height)), driver.clone())
    });
    let lines: Vec<String> = rows.iter().map(|row| format!("{}\t{}", driver_key(&row[0]), row.join("\t"))).collect();
    source::check_table("minifilter-altitudes.tsv", &lines);
    source::check_shared("minifilter-altitudes.csv");
}

#[test]
fn the_embedded_list_is_whole_and_in_order() {
    let list = AltitudeList::embedded();
    assert_eq!((list.lines.len(), list.rows().count(), list.patterns.len()), (2158, 2158, 3));
    let order = |row: &AltitudeRow| (driver_key(&row.driver), std::cmp::Reverse(row.altitude.clone()));
    assert!(list.rows().is_sorted_by_key(|row| order(&row)));
    assert!(list.lines.iter().zip(list.rows()).all(|(line, row)| key_of(line) == driver_key(&row.driver)));
    let highest = list.rows().max_by(|a, b| a.altitude.cmp(&b.altitude)).unwrap();
    assert_eq!((highest.driver.as_str(), highest.altitude.as_str()), ("ntoskrnl.exe", "425500"));
}

#[test]
fn altitudes_compare_as_numbers_and_print_as_written() {
    for (low, high) in [
        ("385200", "385200.1"),
        ("385250.45", "385250.5"),
        ("9999", "10000"),
        ("0.5", "1"),
        ("123456789012345678901234567890", "123456789012345678901234567890.000000000000000000001"),
    ] {
        assert!(altitude(low) < altitude(high), "{low} < {high}");
        assert!(altitude(high) > altitude(low));
    }
    assert_eq!(altitude("0385200.50"), altitude("385200.5"));
    assert_eq!(altitude("0385200.50").to_string(), "0385200.50");
    assert_eq!(altitude("0"), altitude("0.0"));
}

#[test]
fn what_is_no_decimal_is_refused_with_its_place() {
    assert_eq!(Altitude::parse("  "), Err(AltitudeError::Empty));
    for (text, at, found) in
        [("12a", 2, 'a'), ("-5", 0, '-'), ("1.2.3", 3, '.'), (".5", 0, '.'), ("5.", 1, '.'), ("1e5", 1, 'e')]
    {
        assert_eq!(Altitude::parse(text), Err(AltitudeError::Unexpected { at, found }), "{text}");
    }
}

#[test]
fn ranges_end_where_the_groups_end() {
    assert!(!altitude("319999.9").is_anti_virus());
    assert!(altitude("320000").is_anti_virus());
    assert!(altitude("329998").is_anti_virus());
    assert!(!altitude("329998.5").is_anti_virus());
    assert_eq!(altitude("380405.5").group(), Some("FSFilter Activity Monitor"));
    assert!(altitude("380405.5").is_activity_monitor());
    assert_eq!(altitude("330000").group(), None);
    assert!(altitude("385199.999").is_below_procmon());
    assert!(!altitude("385200").is_below_procmon());
    assert!(!altitude("385200.5").is_below_procmon());
}

#[test]
fn listed_groups_lie_in_their_ranges() {
    let mut outside: Vec<String> = Vec::new();
    for row in AltitudeList::embedded().rows() {
        let listed = row.group.to_lowercase();
        let fits = row.altitude.group().is_some_and(|group| listed.starts_with(&group.to_lowercase()));
        if !fits {
            outside.push(format!("{} {} {}", row.driver, row.altitude, row.group));
        }
    }
    outside.sort();
    // Two groups that the published table of ranges does not name.
    assert_eq!(
        outside,
        ["DPEACDrv.sys 393000.5 FSFilter Security Monitor", "upfilt.sys 273500.5 FSFilter Security Content Screener"]
    );
}

#[test]
fn a_driver_has_all_its_rows() {
    let list = AltitudeList::embedded();
    let found = list.find("SYSDIAG.SYS").unwrap();
    assert_eq!(found.basis, NameBasis::Exact);
    assert_eq!(found.altitudes(), "368330, 324600");
    assert_eq!(found.registered_to(), ["HeroBravo Technology", "Huorong Security"]);
    let asbm = list.find("asbm").unwrap();
    assert_eq!(
        (asbm.altitudes().as_str(), asbm.registered_to()),
        ("380405.5", vec!["AsiaInfo Technologies (Chengdu), Inc."])
    );
    assert_eq!(list.find("fileinfo.sys").unwrap().altitudes(), "360500.5, 45000, 40500");
    assert_eq!(list.find("TmXPFlt.sys"), None);
    assert_eq!(list.find(""), None);
}

#[test]
fn wildcards_take_one_character_each() {
    let list = AltitudeList::embedded();
    let found = list.find("pfmfs_A1c.sys").unwrap();
    assert_eq!(found.basis, NameBasis::Wildcard);
    assert_eq!(found.altitudes(), "172100, 132600, 47300");
    assert_eq!(list.find("pfmfs_A1.sys"), None);
    assert_eq!(list.find("pfmfs_A1cd.sys"), None);
}

#[test]
fn sixty_four_bit_builds_are_guessed() {
    let list = AltitudeList::embedded();
    for (name, listed) in
        [("360Box64.sys", "360Box.sys"), ("TFsFltX64.sys", "TFsFlt.sys"), ("TFsFltX64_ev.sys", "TFsFlt.sys")]
    {
        let found = list.find(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(found.basis, NameBasis::Guessed, "{name}");
        assert!(found.rows.iter().all(|row| row.driver.eq_ignore_ascii_case(listed)), "{name}: {found:?}");
    }
    assert_eq!(list.find("SRTSP64.SYS").unwrap().basis, NameBasis::Exact);
    assert_eq!(list.find("64.sys"), None);
    assert_eq!(list.find("x64_ev.sys"), None);
}

#[test]
fn the_next_free_altitude_is_below_and_nobodys() {
    assert!(AltitudeList::embedded().is_taken(&altitude("328500")));
    assert_eq!(altitude("328500").free_below().unwrap().as_str(), "328499");
    // 329000 is SRTSP's, and a fraction above it steps to the next whole one that is free.
    assert_eq!(altitude("329000.5").free_below().unwrap().as_str(), "328999");
    assert_eq!(altitude("0").free_below(), None);
}
