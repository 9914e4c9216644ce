//! The catalogue of vendors and products: the embedded one and a user's additions to it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use super::hint::{Hint, HintMatch};
use super::pattern::Pattern;
use crate::blame::altitudes::{AltitudeRow, driver_key};
use crate::blame::embedded::Table;

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

#[derive(Clone, Debug)]
pub(super) struct Vendor {
    pub(super) en: String,
    pub(super) zh: String,
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
    pub(super) product: String,
    pub(super) category: Category,
    pub(super) confidence: SourceConfidence,
    /// Lower-case file name of a process.
    pub(super) process: Option<String>,
    /// Lower-case driver name without `.sys`.
    pub(super) driver: Option<String>,
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
    pub(super) by_process: HashMap<String, Vec<usize>>,
    pub(super) by_driver: HashMap<String, Vec<usize>>,
    /// Altitudes a user's file gives, by driver key.
    pub(super) altitudes: HashMap<String, Vec<AltitudeRow>>,
}

/// Owners whose company string stands in the files of several brands of the catalogue: pattern, then the brands.
/// Gen Digital is NortonLifeLock and Avast merged (2022); its drivers carry that one company.
const SHARED_OWNERS: &[(&str, &[&str])] = &[("gen digital", &["Avast", "AVG", "Avira"])];

static EMBEDDED: LazyLock<VendorCatalogue> =
    LazyLock::new(|| VendorCatalogue::read(include_str!("../data/security-products.csv")));

impl VendorCatalogue {
    /// The catalogue compiled in, parsed at first use.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    fn read(text: &str) -> Self {
        let mut catalogue = Self::default();
        let mut patterns: HashSet<(usize, String)> = HashSet::new();
        // Many rows share a folder, and compiling it is the costly part.
        let mut hints: HashMap<String, Option<Arc<Hint>>> = HashMap::new();
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
        Table::new(text, columns).for_each(|[en, zh, product, kind, process, hint, company, driver, confidence]| {
            let Some(category) = Category::from_code(kind) else { return };
            let vendor = catalogue.vendor(en, zh, false);
            if !company.is_empty() && patterns.insert((vendor, company.to_owned())) {
                catalogue.add_company(vendor, Pattern::company(company));
            }
            if !hints.contains_key(hint) {
                hints.insert(hint.to_owned(), Hint::parse(hint).map(Arc::new));
            }
            let some = |name: &str| (!name.is_empty()).then(|| name.to_owned());
            catalogue.add(Entry {
                vendor,
                product: product.to_owned(),
                category,
                confidence: match confidence {
                    "verified" => SourceConfidence::Verified,
                    _ => SourceConfidence::Reported,
                },
                process: some(&process.to_lowercase()),
                driver: some(&driver_key(driver)),
                hint: hints.get(hint).cloned().flatten(),
            });
        });
        for (pattern, brands) in SHARED_OWNERS {
            for brand in *brands {
                let Some(vendor) = catalogue.vendors.iter().position(|vendor| vendor.en == *brand) else { continue };
                catalogue.add_company(vendor, Pattern::company(pattern));
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
    pub(super) fn vendor(&mut self, en: &str, zh: &str, user: bool) -> usize {
        if let Some(index) = self.vendors.iter().position(|vendor| vendor.en == en && vendor.user == user) {
            return index;
        }
        self.vendors.push(Vendor { en: en.to_owned(), zh: zh.to_owned(), companies: Vec::new(), user });
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
