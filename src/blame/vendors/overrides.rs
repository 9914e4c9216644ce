//! The user's vendor file: TOML that adds vendors and products or replaces embedded ones. Format: `docs/vendors.md`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::catalogue::{Category, Entry, Name, SourceConfidence, VendorCatalogue};
use super::hint::Hint;
use super::pattern::Pattern;
use crate::blame::altitudes::{Altitude, AltitudeError, AltitudeRow, driver_key};

/// What is wrong in a vendor file, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct VendorFileError {
    /// 1-based line.
    pub line: usize,
    /// 1-based column, in characters.
    pub column: usize,
    /// What is wrong.
    pub kind: VendorFileErrorKind,
}

/// The ways a vendor file can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VendorFileErrorKind {
    /// Not TOML, an unknown key, a missing one, or a value of the wrong type.
    #[error("{reason}")]
    Toml {
        /// The TOML reader's words, one line.
        reason: String,
    },
    /// A name, pattern or folder without any letter.
    #[error("`{key}` is empty")]
    Empty {
        /// The key.
        key: &'static str,
    },
    /// `company` is not a regular expression, or too large a one.
    #[error("`company` is not a usable regular expression: {reason}")]
    Company {
        /// The regex compiler's last line.
        reason: String,
    },
    /// An unknown category code.
    #[error(
        "unknown category `{found}`; one of av, edr, dlp, encryption, backup, indexer, sync, management, windows, other"
    )]
    Category {
        /// The value in the file.
        found: String,
    },
    /// A process or driver given with a folder.
    #[error("`{found}` must be a file name without a folder; folders go into `paths`")]
    NotAName {
        /// The value in the file.
        found: String,
    },
    /// A folder without a backslash, or too short to tell anything.
    #[error("`{found}` is no telling folder; write '\\Vendor\\Product\\'")]
    Path {
        /// The value in the file.
        found: String,
    },
    /// An altitude that is no decimal number.
    #[error("altitude of `{driver}`: {source}")]
    Altitude {
        /// The driver.
        driver: String,
        /// What is wrong with it.
        source: AltitudeError,
    },
    /// A vendor that nothing can ever match.
    #[error("vendor `{vendor}` has neither a company pattern nor a product with processes, drivers or paths")]
    Unmatchable {
        /// The vendor.
        vendor: String,
    },
    /// The vendor to replace is not in the catalogue.
    #[error("there is no embedded vendor `{vendor}` to replace")]
    NothingToReplace {
        /// The vendor.
        vendor: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    vendor: Vec<RawVendor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVendor {
    name: Spanned<String>,
    name_zh: Option<String>,
    company: Option<Spanned<String>>,
    #[serde(default)]
    replace: bool,
    #[serde(default)]
    product: Vec<RawProduct>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProduct {
    name: Spanned<String>,
    category: Spanned<String>,
    #[serde(default)]
    processes: Vec<Spanned<String>>,
    #[serde(default)]
    drivers: Vec<Spanned<String>>,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    altitudes: BTreeMap<String, Spanned<String>>,
}

impl VendorCatalogue {
    /// The embedded catalogue with a user's file on top: its entries outrank embedded ones of the same name, and its company
    /// patterns are asked first.
    ///
    /// # Errors
    /// [`VendorFileError`] with the line of the first thing that is wrong; nothing is half taken over.
    pub fn with_overrides(toml_text: &str) -> Result<Self, VendorFileError> {
        let text = toml_text.strip_prefix('\u{feff}').unwrap_or(toml_text);
        let file: File = toml::from_str(text).map_err(|error| {
            let reason = error.message().lines().collect::<Vec<_>>().join("; ");
            at(text, error.span().unwrap_or(0..0), VendorFileErrorKind::Toml { reason })
        })?;
        let mut catalogue = Self::embedded().clone();
        for vendor in &file.vendor {
            add_vendor(&mut catalogue, vendor).map_err(|(span, kind)| at(text, span, kind))?;
        }
        Ok(catalogue)
    }
}

type Located = (Range<usize>, VendorFileErrorKind);

fn add_vendor(catalogue: &mut VendorCatalogue, raw: &RawVendor) -> Result<(), Located> {
    let name = filled(&raw.name, "name")?;
    if raw.replace && !catalogue.forget(name) {
        return Err((raw.name.span(), VendorFileErrorKind::NothingToReplace { vendor: name.to_owned() }));
    }
    let matchable = raw.product.iter().any(|p| !(p.processes.is_empty() && p.drivers.is_empty() && p.paths.is_empty()));
    if raw.company.is_none() && !matchable {
        return Err((raw.name.span(), VendorFileErrorKind::Unmatchable { vendor: name.to_owned() }));
    }
    let zh = raw.name_zh.as_deref().map(str::trim).filter(|zh| !zh.is_empty()).unwrap_or(name);
    let vendor = catalogue.vendor(name.to_owned().into(), zh.to_owned().into(), true);
    if let Some(company) = &raw.company {
        let pattern = Pattern::checked_company(filled(company, "company")?).map_err(|error| {
            let reason = error.to_string().lines().last().unwrap_or_default().trim().to_owned();
            (company.span(), VendorFileErrorKind::Company { reason })
        })?;
        catalogue.add_company(vendor, pattern);
    }
    raw.product.iter().try_for_each(|product| add_product(catalogue, vendor, name, product))
}

fn add_product(catalogue: &mut VendorCatalogue, vendor: usize, owner: &str, raw: &RawProduct) -> Result<(), Located> {
    let product = filled(&raw.name, "name")?;
    let found = raw.category.get_ref();
    let category = Category::from_code(found)
        .ok_or_else(|| (raw.category.span(), VendorFileErrorKind::Category { found: found.clone() }))?;
    let mut hints = Vec::new();
    for path in &raw.paths {
        let found = filled(path, "paths")?;
        let hint = Hint::parse(found).filter(|_| found.contains('\\'));
        hints.push(
            hint.map(Arc::new).ok_or_else(|| (path.span(), VendorFileErrorKind::Path { found: found.to_owned() }))?,
        );
    }
    let entry = |process: Option<String>, driver: Option<String>, hint: Option<Arc<Hint>>| Entry {
        vendor,
        product: product.to_owned().into(),
        category,
        confidence: SourceConfidence::User,
        process: process.map(Name::Owned),
        driver: driver.map(Name::Owned),
        hint,
    };
    let first_hint = || hints.first().cloned();
    for process in &raw.processes {
        catalogue.add(entry(Some(file_name(process, "processes")?.to_lowercase()), None, first_hint()));
    }
    for driver in &raw.drivers {
        catalogue.add(entry(None, Some(driver_key(file_name(driver, "drivers")?)), first_hint()));
    }
    for hint in &hints {
        catalogue.add(entry(None, None, Some(hint.clone())));
    }
    for (driver, altitude) in &raw.altitudes {
        let parsed = Altitude::parse(altitude.get_ref())
            .map_err(|source| (altitude.span(), VendorFileErrorKind::Altitude { driver: driver.clone(), source }))?;
        let group = parsed.group().unwrap_or_default().to_owned();
        let rows = catalogue.altitudes.entry(driver_key(driver)).or_default();
        rows.push(AltitudeRow {
            driver: driver.clone(),
            altitude: parsed,
            registered_to: owner.to_owned(),
            group,
            remark: String::new(),
        });
        rows.sort_by(|a, b| b.altitude.cmp(&a.altitude));
    }
    Ok(())
}

fn filled<'a>(text: &'a Spanned<String>, key: &'static str) -> Result<&'a str, Located> {
    match text.get_ref().trim() {
        "" => Err((text.span(), VendorFileErrorKind::Empty { key })),
        trimmed => Ok(trimmed),
    }
}

fn file_name<'a>(text: &'a Spanned<String>, key: &'static str) -> Result<&'a str, Located> {
    let name = filled(text, key)?;
    if name.contains(['\\', '/']) {
        return Err((text.span(), VendorFileErrorKind::NotAName { found: name.to_owned() }));
    }
    Ok(name)
}

fn at(text: &str, span: Range<usize>, kind: VendorFileErrorKind) -> VendorFileError {
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    VendorFileError { line: before.matches('\n').count() + 1, column, kind }
}
