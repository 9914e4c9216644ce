//! The catalogue of vendors and products: the embedded one and a user's additions to it.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;

use super::hint::{Hint, HintMatch};
use super::pattern::Pattern;
use crate::blame::altitudes::AltitudeRow;
use crate::blame::embedded::columns;

/// What a product is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Category {
    /// Anti-virus.
    Av,
    /// Endpoint detection and response.
    Edr,
    /// Data-loss prevention.
    Dlp,
    /// Transparent file encryption.
    Encryption,
    /// Backup.
    Backup,
    /// Search indexer.
    Indexer,
    /// Cloud synchronisation.
    Sync,
    /// Device management, patching, inventory.
    Management,
    /// Part of Windows.
    Windows,
    /// Anything else; only from a user's file.
    Other,
}

impl Category {
    /// Every category.
    pub const ALL: &[Self] = &[
        Self::Av,
        Self::Edr,
        Self::Dlp,
        Self::Encryption,
        Self::Backup,
        Self::Indexer,
        Self::Sync,
        Self::Management,
        Self::Windows,
        Self::Other,
    ];

    /// Stable code, as in the record.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::Av => "av",
            Self::Edr => "edr",
            Self::Dlp => "dlp",
            Self::Encryption => "encryption",
            Self::Backup => "backup",
            Self::Indexer => "indexer",
            Self::Sync => "sync",
            Self::Management => "management",
            Self::Windows => "windows",
            Self::Other => "other",
        }
    }

    /// The category of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|category| category.as_code() == code)
    }

    /// Whether products of this kind intercept other programs' files to protect them.
    pub const fn is_security(self) -> bool {
        matches!(self, Self::Av | Self::Edr | Self::Dlp | Self::Encryption)
    }
}

/// How well a catalogue row's *name* is sourced. No row is evidence of what a product did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceConfidence {
    /// The name stands in the public source named in the data.
    Verified,
    /// Unofficial lists, inheritance from another brand, practitioners' knowledge.
    Reported,
    /// From the user's own vendor file.
    User,
}

/// Text of the embedded catalogue, or of a user's file.
pub(super) type Name = Cow<'static, str>;

#[derive(Clone, Debug)]
pub(super) struct Vendor {
    pub(super) en: Name,
    pub(super) zh: Name,
    pub(super) companies: Vec<Pattern>,
    pub(super) user: bool,
}

impl Vendor {
    /// Whether the company string, given with its fold, is one of this vendor's.
    pub(super) fn claims(&self, company: &str, folded: &str) -> bool {
        self.companies.iter().any(|pattern| pattern.matches(company, folded))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) vendor: usize,
    pub(super) product: Name,
    pub(super) category: Category,
    pub(super) confidence: SourceConfidence,
    /// Lower-case file name of a process.
    pub(super) process: Option<Name>,
    /// Lower-case driver name without `.sys`.
    pub(super) driver: Option<Name>,
    pub(super) hint: Option<Arc<Hint>>,
}

impl Entry {
    pub(super) fn hint_match(&self, folded_path: &str) -> Option<HintMatch> {
        self.hint.as_ref().and_then(|hint| hint.matches(folded_path))
    }
}

/// Vendors, products, process and driver names.
#[derive(Clone, Debug, Default)]
pub struct VendorCatalogue {
    pub(super) vendors: Vec<Vendor>,
    pub(super) entries: Vec<Entry>,
    pub(super) by_process: FxHashMap<Name, Vec<usize>>,
    pub(super) by_driver: FxHashMap<Name, Vec<usize>>,
    /// Altitudes a user's file gives, by driver key.
    pub(super) altitudes: FxHashMap<String, Vec<AltitudeRow>>,
}

/// Owners whose company string stands in the files of several brands of the catalogue: pattern, then the brands.
/// Gen Digital is NortonLifeLock and Avast merged (2022); its drivers carry that one company.
const SHARED_OWNERS: &[(&str, &[&str])] = &[("gen digital", &["Avast", "AVG", "Avira"])];

/// Written from `data/security-products.csv` by a test. Lines, told by their first column: `hint` with folder and required
/// word; `vendor` with both names; `company` with a pattern of the vendor before and its required words; else the category
/// of a row of the vendor before, with confidence, process, driver, number of the hint and product.
static EMBEDDED: LazyLock<VendorCatalogue> =
    LazyLock::new(|| VendorCatalogue::read(include_str!("../data/security-products.tsv")));

impl VendorCatalogue {
    /// The catalogue compiled in, parsed at first use.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    fn read(text: &'static str) -> Self {
        let mut catalogue = Self::default();
        let mut hints: Vec<Arc<Hint>> = Vec::new();
        let mut vendor = 0;
        for line in text.lines() {
            let (kind, rest) = line.split_once('\t').unwrap_or_default();
            match kind {
                "hint" => hints.push(Arc::new(Hint::embedded(columns(rest)))),
                "vendor" => {
                    let [en, zh] = columns(rest);
                    vendor = catalogue.vendor(en.into(), zh.into(), false);
                }
                "company" => catalogue.add_company(vendor, Pattern::embedded(rest)),
                kind => {
                    let Some(category) = Category::from_code(kind) else { continue };
                    let [confidence, process, driver, hint, product] = columns(rest);
                    let some = |name: &'static str| (!name.is_empty()).then_some(Cow::Borrowed(name));
                    catalogue.add(Entry {
                        vendor,
                        product: product.into(),
                        category,
                        confidence: match confidence {
                            "verified" => SourceConfidence::Verified,
                            _ => SourceConfidence::Reported,
                        },
                        process: some(process),
                        driver: some(driver),
                        hint: hint.parse().ok().and_then(|hint: usize| hints.get(hint)).cloned(),
                    });
                }
            }
        }
        for (pattern, brands) in SHARED_OWNERS {
            for brand in *brands {
                let Some(vendor) = catalogue.vendors.iter().position(|vendor| vendor.en == *brand) else { continue };
                catalogue.add_company(vendor, Pattern::whole_company(pattern));
            }
        }
        catalogue
    }

    /// The number of catalogue rows, the user's included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no row at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The index of the vendor of that English name, added where it is new.
    pub(super) fn vendor(&mut self, en: Name, zh: Name, user: bool) -> usize {
        if let Some(index) = self.vendors.iter().position(|vendor| vendor.en == en && vendor.user == user) {
            return index;
        }
        self.vendors.push(Vendor { en, zh, companies: Vec::new(), user });
        self.vendors.len() - 1
    }

    pub(super) fn add_company(&mut self, vendor: usize, pattern: Pattern) {
        if let Some(vendor) = self.vendors.get_mut(vendor) {
            vendor.companies.push(pattern);
        }
    }

    pub(super) fn add(&mut self, entry: Entry) {
        let index = self.entries.len();
        if let Some(process) = &entry.process {
            self.by_process.entry(process.clone()).or_default().push(index);
        }
        if let Some(driver) = &entry.driver {
            self.by_driver.entry(driver.clone()).or_default().push(index);
        }
        self.entries.push(entry);
    }

    /// Takes out every row and company pattern of the embedded vendor of that name (either language).
    pub(super) fn forget(&mut self, name: &str) -> bool {
        let gone: Vec<usize> = (0..self.vendors.len())
            .filter(|index| {
                self.vendors.get(*index).is_some_and(|vendor| {
                    !vendor.user && (vendor.en.eq_ignore_ascii_case(name) || vendor.zh.eq_ignore_ascii_case(name))
                })
            })
            .collect();
        for index in &gone {
            if let Some(vendor) = self.vendors.get_mut(*index) {
                vendor.companies.clear();
            }
        }
        let kept = std::mem::take(&mut self.entries);
        self.by_process.clear();
        self.by_driver.clear();
        for entry in kept {
            if !gone.contains(&entry.vendor) {
                self.add(entry);
            }
        }
        !gone.is_empty()
    }
}

impl VendorCatalogue {
    /// Whether some product of that vendor (English name) intercepts files to protect them.
    pub fn makes_security_products(&self, vendor_en: &str) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| {
            entry.category.is_security() && self.vendors.get(entry.vendor).is_some_and(|vendor| vendor.en == vendor_en)
        })
    }
}
