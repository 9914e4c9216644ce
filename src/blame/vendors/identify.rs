//! From the facts of an image to its vendor: company string, then folder, then name.

use super::catalogue::{Category, Entry, SourceConfidence, VendorCatalogue};
use super::hint::HintMatch;
use crate::blame::altitudes::{AltitudeList, AltitudeMatch, NameBasis, driver_key, guesses};
use crate::blame::facts::{ImageFacts, ModuleFacts, clean, fold, is_microsoft, leaf};
use crate::blame::places::is_of_windows;

/// Names that many products use: never attributed by name alone.
const GENERIC_PROCESSES: &[&str] = &[
    "agentservice.exe",
    "agentsvc.exe",
    "ds_monitor.exe",
    "ipc_proxy.exe",
    "monitor.exe",
    "notifier.exe",
    "protectmain.exe",
    "sched.exe",
    "sfc.exe",
    "xs_agent.exe",
];
/// Programs of Windows that run others' services or libraries: the name tells no product.
const HOSTS: &[&str] = &["svchost.exe"];
const GENERIC_DRIVERS: &[&str] = &["filelock"];

/// Vendors of the catalogue that make other things as well: their company alone tells no category.
const BROAD: &[&str] = &[
    "Alibaba Cloud",
    "Baidu",
    "BlackBerry Cylance",
    "Broadcom Symantec",
    "Cisco",
    "Elastic",
    "Google",
    "HCL BigFix",
    "Huawei",
    "Kingsoft",
    "Lenovo",
    "ManageEngine",
    "Qihoo 360",
    "Tencent",
];

/// The two brands that ship the same files, each with the folder that tells it. AsiaInfo took over Trend Micro's business
/// in China and kept the names; its files may still carry Trend Micro's company string.
const TWINS: [(&str, &str); 2] = [("AsiaInfo Security", r"\asiainfo security\"), ("Trend Micro", r"\trend micro\")];
/// What stands in place of the company where the brand was never filled in.
const BRAND_PLACEHOLDER: &str = "trend_company_name";

/// What a vendor was told by, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MatchBasis {
    /// The company string of the file.
    Company,
    /// The folder the file lies in.
    Path,
    /// The file's name and nothing else; to be said with the match.
    NameOnly,
}

impl MatchBasis {
    /// Stable code.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Path => "path",
            Self::NameOnly => "name_only",
        }
    }
}

/// One vendor an image may belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorChoice {
    /// English name.
    pub vendor_en: String,
    /// Chinese name; the English one where there is none.
    pub vendor_zh: String,
    /// The product, where the name or the folder tells it.
    pub product: Option<String>,
    /// The category, where the product or the whole vendor tells it.
    pub category: Option<Category>,
    /// How well the catalogue row's name is sourced; `None` when no row was needed.
    pub confidence: Option<SourceConfidence>,
}

/// The vendor of an image, with what told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorMatch {
    /// English name.
    pub vendor_en: String,
    /// Chinese name; the English one where there is none.
    pub vendor_zh: String,
    /// The product, where the name or the folder tells it.
    pub product: Option<String>,
    /// The category, where the product or the whole vendor tells it.
    pub category: Option<Category>,
    /// How well the catalogue row's name is sourced; `None` when no row was needed.
    pub confidence: Option<SourceConfidence>,
    /// The strongest witness that agrees.
    pub by: MatchBasis,
    /// Others it may belong to as well as far as the capture tells; print all names then.
    pub alternatives: Vec<VendorChoice>,
}

impl VendorMatch {
    /// The English names, alternatives included, joined by ` / `.
    pub fn names_en(&self) -> String {
        self.joined(&self.vendor_en, |choice| &choice.vendor_en)
    }

    /// The Chinese names, alternatives included, joined by ` / `.
    pub fn names_zh(&self) -> String {
        self.joined(&self.vendor_zh, |choice| &choice.vendor_zh)
    }

    fn joined<'a>(&'a self, first: &'a str, name: impl Fn(&'a VendorChoice) -> &'a String) -> String {
        let mut names = vec![first];
        names.extend(self.alternatives.iter().map(|choice| name(choice).as_str()));
        names.join(" / ")
    }
}

/// What is known about a driver from its company, folder and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverMatch {
    /// Its vendor, if any witness names one.
    pub vendor: Option<VendorMatch>,
    /// Its allocated altitudes, if its name is listed. The list names who registered a name, not who made this file.
    pub altitudes: Option<AltitudeMatch>,
}

struct Subject<'a> {
    company: &'a str,
    /// Folded path; empty when only the bare name is known.
    path: String,
    /// Catalogue rows that name this file.
    rows: Vec<usize>,
    generic: bool,
}

impl VendorCatalogue {
    /// The vendor and product of a process; `None` when nothing trustworthy tells it.
    ///
    /// A company string that belongs to a known vendor decides. An unknown company string contradicts a mere name, so then
    /// name and folder must both agree. Without a company string the folder decides, else the name alone.
    pub fn identify_process(&self, facts: &ImageFacts<'_>) -> Option<VendorMatch> {
        let name = match clean(facts.name) {
            "" => leaf(clean(facts.image_path)),
            name => name,
        }
        .to_lowercase();
        let generic = GENERIC_PROCESSES.contains(&name.as_str());
        let rows = self.by_process.get(name.as_str()).cloned().unwrap_or_default();
        self.identify(&Subject { company: clean(facts.company), path: folder_path(facts.image_path), rows, generic })
    }

    /// The vendor and the allocated altitudes of a driver; `None` when neither is known.
    ///
    /// Rows of the altitude list that the company string contradicts (Microsoft's against others') are namesakes and left out.
    pub fn identify_driver(&self, facts: &ModuleFacts<'_>) -> Option<DriverMatch> {
        let key = driver_key(facts.name());
        let rows = std::iter::once(&key)
            .chain(&guesses(&key))
            .find_map(|name| self.by_driver.get(name.as_str()))
            .cloned()
            .unwrap_or_default();
        let company = clean(facts.company);
        let generic = GENERIC_DRIVERS.contains(&key.as_str());
        let vendor = self.identify(&Subject { company, path: folder_path(facts.path), rows, generic });
        let altitudes = match self.altitudes.get(&key) {
            Some(rows) => Some(AltitudeMatch { basis: NameBasis::UserFile, rows: rows.clone() }),
            None => AltitudeList::embedded().find(&key).and_then(|found| agreeing(found, company)),
        };
        (vendor.is_some() || altitudes.is_some()).then_some(DriverMatch { vendor, altitudes })
    }

    fn identify(&self, subject: &Subject<'_>) -> Option<VendorMatch> {
        let claimed = self.claimed(subject.company);
        if !claimed.is_empty() {
            return self.by_company(subject, &claimed);
        }
        let named: Vec<usize> = self.vendors_of(subject.rows.iter().copied());
        let company_unknown = !subject.company.is_empty();
        if let Some(twin) = self.twin_by_folder(&subject.path)
            && (!company_unknown || named.contains(&twin))
        {
            return self.found(&[twin], MatchBasis::Path, subject);
        }
        let placed =
            self.vendors_of(subject.rows.iter().copied().filter(|row| self.entry_hint(*row, &subject.path).is_some()));
        if !placed.is_empty() {
            return self.found(&placed, MatchBasis::Path, subject);
        }
        // Against an unknown company string a folder alone is not enough, unless the user's own file says so.
        let telling = |row: &usize| {
            let user = self.entries.get(*row).and_then(|entry| self.vendors.get(entry.vendor)).is_some_and(|v| v.user);
            (user || !company_unknown) && self.entry_hint(*row, &subject.path) == Some(HintMatch::Folder)
        };
        let inside = self.vendors_of((0..self.entries.len()).filter(telling));
        if !inside.is_empty() {
            return self.found(&inside, MatchBasis::Path, subject);
        }
        let by_name: Vec<usize> = named
            .into_iter()
            .filter(|index| {
                self.vendors.get(*index).is_some_and(|vendor| {
                    // Windows' own files have fixed places: elsewhere the name is borrowed.
                    let misplaced = vendor.en == "Microsoft" && !subject.path.is_empty();
                    vendor.user || !(company_unknown || subject.generic || misplaced)
                })
            })
            .collect();
        self.found(&by_name, MatchBasis::NameOnly, subject)
    }

    fn by_company(&self, subject: &Subject<'_>, claimed: &[usize]) -> Option<VendorMatch> {
        let [asiainfo, trend] = TWINS.map(|(name, _)| self.embedded_vendor(name));
        let folder = self.twin_by_folder(&subject.path);
        if let (&[claimed], Some(asiainfo), Some(trend)) = (claimed, asiainfo, trend) {
            if claimed == trend {
                return match folder {
                    Some(folder) if folder == asiainfo => self.found(&[asiainfo], MatchBasis::Path, subject),
                    Some(_) => self.found(&[trend], MatchBasis::Company, subject),
                    None => self.found(&[trend, asiainfo], MatchBasis::Company, subject),
                };
            }
            // The placeholder is no brand: a Trend Micro folder then speaks against it, and both stay possible.
            let placeholder = subject.company.to_lowercase().contains(BRAND_PLACEHOLDER);
            if claimed == asiainfo && placeholder && folder == Some(trend) {
                return self.found(&[trend, asiainfo], MatchBasis::Path, subject);
            }
        }
        if claimed.len() > 1 {
            // One owner, several brands: the folder or the name tells which.
            let mine = |row: &usize| self.entries.get(*row).is_some_and(|entry| claimed.contains(&entry.vendor));
            let inside = |row: &usize| self.entry_hint(*row, &subject.path) == Some(HintMatch::Folder);
            let placed = self.vendors_of((0..self.entries.len()).filter(mine).filter(inside));
            let named = self.vendors_of(subject.rows.iter().copied().filter(mine));
            for narrowed in [placed, named] {
                if !narrowed.is_empty() {
                    return self.found(&narrowed, MatchBasis::Company, subject);
                }
            }
        }
        self.found(claimed, MatchBasis::Company, subject)
    }

    /// Vendors whose pattern the company string fits; a user's own entries displace the embedded ones.
    fn claimed(&self, company: &str) -> Vec<usize> {
        if company.is_empty() {
            return Vec::new();
        }
        let folded = super::pattern::fold(company);
        let mut claimed = Vec::new();
        for user in [true, false] {
            for (index, vendor) in self.vendors.iter().enumerate().filter(|(_, vendor)| vendor.user == user) {
                let localised =
                    !user && vendor.en == "Microsoft" && !vendor.companies.is_empty() && is_microsoft(company);
                if localised || vendor.claims(company, &folded) {
                    claimed.push(index);
                }
            }
            if !claimed.is_empty() {
                break;
            }
        }
        claimed
    }

    fn embedded_vendor(&self, name: &str) -> Option<usize> {
        self.vendors.iter().position(|vendor| vendor.en == name && !vendor.user && !vendor.companies.is_empty())
    }

    fn twin_by_folder(&self, folded_path: &str) -> Option<usize> {
        TWINS.iter().find(|(_, folder)| folded_path.contains(folder)).and_then(|(name, _)| self.embedded_vendor(name))
    }

    fn entry_hint(&self, row: usize, folded_path: &str) -> Option<HintMatch> {
        if folded_path.is_empty() { None } else { self.entries.get(row)?.hint_match(folded_path) }
    }

    /// The distinct vendors of some rows: a user's first, else in catalogue order.
    fn vendors_of(&self, rows: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut vendors: Vec<usize> = Vec::new();
        for entry in rows.filter_map(|row| self.entries.get(row)) {
            if !vendors.contains(&entry.vendor) {
                vendors.push(entry.vendor);
            }
        }
        let is_user = |index: &usize| self.vendors.get(*index).is_some_and(|vendor| vendor.user);
        if vendors.iter().any(is_user) {
            vendors.retain(is_user);
        }
        vendors
    }

    fn found(&self, vendors: &[usize], by: MatchBasis, subject: &Subject<'_>) -> Option<VendorMatch> {
        let mut choices = vendors.iter().filter_map(|vendor| self.choice(*vendor, subject));
        let first = choices.next()?;
        Some(VendorMatch {
            vendor_en: first.vendor_en,
            vendor_zh: first.vendor_zh,
            product: first.product,
            category: first.category,
            confidence: first.confidence,
            by,
            alternatives: choices.collect(),
        })
    }

    fn choice(&self, index: usize, subject: &Subject<'_>) -> Option<VendorChoice> {
        let vendor = self.vendors.get(index)?;
        let mine = |entry: &&Entry| entry.vendor == index;
        let named = || subject.rows.iter().filter_map(|row| self.entries.get(*row)).filter(mine);
        let hinted = |entry: &&Entry| !subject.path.is_empty() && entry.hint_match(&subject.path).is_some();
        // Windows' own files have fixed places: elsewhere the name is borrowed, and tells no product.
        let fixed = |entry: &&Entry| vendor.en == "Microsoft" && !vendor.user && entry.hint.is_some();
        let of_windows = !subject.path.contains(':') || is_of_windows(&subject.path, "");
        let in_place = |entry: &&Entry| of_windows || !fixed(entry);
        let mut row = named().find(hinted).or_else(|| named().find(in_place));
        let is_host =
            |entry: &Entry| !vendor.user && entry.process.as_deref().is_some_and(|name| HOSTS.contains(&name));
        let product = |row: &Entry| if is_host(row) { String::new() } else { row.product.to_string() };
        if row.is_none() && !subject.path.is_empty() {
            let telling = |entry: &&Entry| entry.hint_match(&subject.path) == Some(HintMatch::Folder);
            let mut inside = self.entries.iter().filter(mine).filter(telling);
            row = inside.next().filter(|first| inside.all(|other| other.product == first.product));
        }
        let whole = || {
            if !vendor.user && BROAD.contains(&&*vendor.en) {
                return None;
            }
            let mut entries = self.entries.iter().filter(mine);
            let first = entries.next()?.category;
            entries.all(|entry| entry.category == first).then_some(first)
        };
        Some(VendorChoice {
            vendor_en: vendor.en.to_string(),
            vendor_zh: vendor.zh.to_string(),
            product: row.map(product).filter(|product| !product.is_empty()),
            category: row.map(|row| row.category).or_else(whole),
            confidence: row.map(|row| row.confidence),
        })
    }
}

/// The folded path, or nothing when it is a bare name such as `System`.
fn folder_path(path: &str) -> String {
    let folded = fold(path);
    if folded.contains('\\') { folded } else { String::new() }
}

/// Without the rows that belong to a namesake: Microsoft's for another company's file, and the reverse.
fn agreeing(mut found: AltitudeMatch, company: &str) -> Option<AltitudeMatch> {
    if !company.is_empty() {
        let microsoft = is_microsoft(company);
        found.rows.retain(|row| row.registered_to.is_empty() || is_microsoft(&row.registered_to) == microsoft);
    }
    (!found.rows.is_empty()).then_some(found)
}
