//! What joins codes below the reports with their wording, and the documentation with the program.

mod places;

use places::corpus;
use std::collections::BTreeMap;

use pmlblame::blame::advice::AdviceCode;
use pmlblame::blame::altitudes::NameBasis;
use pmlblame::blame::facts::ImageFacts;
use pmlblame::blame::filters::FilterRank;
use pmlblame::blame::party::{PartyContext, PartyReason, classify};
use pmlblame::blame::vendors::{Category, MatchBasis, VendorCatalogue};
use pmlblame::lang::{advice, vendors};

#[test]
fn every_code_has_its_wording() {
    for code in AdviceCode::ALL {
        assert!(advice::text(code.as_code()).is_some(), "{}", code.as_code());
    }
    let families: [(&str, Vec<&str>); 4] = [
        ("party", PartyReason::ALL.iter().map(|reason| reason.as_code()).collect()),
        ("filter", FilterRank::ALL.iter().map(|rank| rank.as_code()).collect()),
        ("basis", [MatchBasis::Company, MatchBasis::Path, MatchBasis::NameOnly].map(MatchBasis::as_code).to_vec()),
        (
            "altitude",
            [NameBasis::Exact, NameBasis::Wildcard, NameBasis::Guessed, NameBasis::UserFile]
                .map(NameBasis::as_code)
                .to_vec(),
        ),
    ];
    let mut worded = 0;
    for (family, codes) in families {
        for code in codes {
            assert!(vendors::text(family, code).is_some(), "{family} {code}");
            worded += 1;
        }
    }
    assert_eq!(worded, vendors::ALL.len(), "a message without a code");
}

#[test]
fn the_vendor_file_of_the_documentation_works() {
    let page = include_str!("../docs/vendors.md");
    let toml = page.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let catalogue = VendorCatalogue::with_overrides(toml).unwrap();
    let facts = ImageFacts { name: "exsvc.exe", company: "Example Security Ltd.", ..ImageFacts::default() };
    let found = catalogue.identify_process(&facts).unwrap();
    assert_eq!((found.vendor_zh.as_str(), found.product.as_deref()), ("示例安全", Some("Endpoint")));
    for category in Category::ALL {
        assert!(page.contains(category.as_code()), "{} is not documented", category.as_code());
    }
}

#[test]
fn processes_of_real_captures_fall_to_the_right_party() {
    let Some(corpus) = corpus() else {
        println!("skipped: the corpus of real captures was not found");
        return;
    };
    let mut judged: BTreeMap<String, (&'static str, &'static str)> = BTreeMap::new();
    let mut files = 0;
    for file in [
        "LogFileUTC64Filesystem.CSV",
        "LogFileUTC64Process.CSV",
        "LogfileTests32bitUTC.CSV",
        "LogfileTests64bitUTC.CSV",
    ] {
        let Ok(mut reader) = csv::Reader::from_path(corpus.join(file)) else { continue };
        files += 1;
        let headers = reader.headers().unwrap().clone();
        let column = |name: &str| headers.iter().position(|header| header.ends_with(name)).unwrap();
        let [name, pid, path, company] = ["Process Name", "PID", "Image Path", "Company"].map(column);
        let mut row = csv::StringRecord::new();
        while reader.read_record(&mut row).unwrap() {
            let key = format!("{}|{}", &row[path], &row[company]);
            judged.entry(key).or_insert_with(|| {
                let facts = ImageFacts {
                    name: &row[name],
                    image_path: &row[path],
                    company: &row[company],
                    ..ImageFacts::default()
                };
                let context =
                    PartyContext { pid: row[pid].parse().unwrap(), is_victim: false, system_root: "C:\\Windows" };
                let found = classify(VendorCatalogue::embedded(), &facts, &context);
                (found.party.as_code(), found.reason.as_code())
            });
        }
    }
    if files < 4 {
        println!("skipped: {files} of 4 exports were found");
        return;
    }
    let mut others: Vec<(&str, &str)> = Vec::new();
    for (key, (party, reason)) in &judged {
        if *party != "windows" {
            others.push((key.rsplit_once('\\').map_or("", |(_, leaf)| leaf), reason));
        }
    }
    assert_eq!(
        others,
        [
            ("chrome.exe|Google LLC", "other_company"),
            ("ipython.exe|", "unknown_publisher"),
            ("python.exe|Python Software Foundation", "other_company"),
            ("vmtoolsd.exe|VMware, Inc.", "other_company"),
            ("vminstall.exe|VirtualKD-Redux", "other_company"),
            ("python.exe|Python Software Foundation", "other_company"),
        ]
    );
}
