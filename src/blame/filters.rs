//! Which loaded drivers may have acted out of Process Monitor's sight.
//!
//! The monitor records what passes its altitude; what a filter below it sends straight down never appears. A loaded filter is
//! a candidate and no more: presence proves nothing about a file.

use std::cmp::Ordering;

use super::altitudes::{Altitude, AltitudeRow, NameBasis};
use super::facts::{ModuleFacts, clean, is_microsoft};
use super::party::is_windows_driver;
use super::vendors::{MatchBasis, VendorCatalogue, VendorMatch};

/// Why a driver is listed, most suspect first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FilterRank {
    /// Third-party, in the anti-virus range 320000 to 329998.
    AntiVirus,
    /// Third-party, anywhere else below the monitor.
    BelowMonitor,
    /// No listed altitude, but a security vendor's driver: legacy filters and companions of a listed one.
    SecurityVendor,
}

impl FilterRank {
    /// Every rank.
    pub const ALL: &[Self] = &[Self::AntiVirus, Self::BelowMonitor, Self::SecurityVendor];

    /// Stable code.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::AntiVirus => "anti_virus",
            Self::BelowMonitor => "below_monitor",
            Self::SecurityVendor => "security_vendor",
        }
    }
}

/// A loaded driver that may have acted unseen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateFilter {
    /// File name, such as `tmpreflt.sys`.
    pub name: String,
    /// Path as the capture prints it.
    pub path: String,
    /// Company string without padding; empty when the capture has none.
    pub company: String,
    /// Version as the capture prints it.
    pub version: String,
    /// Why it is listed.
    pub rank: FilterRank,
    /// Its listed altitudes below the monitor, highest first; empty for [`FilterRank::SecurityVendor`].
    pub altitudes: Vec<AltitudeRow>,
    /// How the name was found in the altitude list; a guess has to be called one.
    pub altitude_basis: Option<NameBasis>,
    /// The vendor, where it is known.
    pub vendor: Option<VendorMatch>,
}

/// The loaded filters, Microsoft's own apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterSurvey {
    /// Third-party candidates: by rank, then highest altitude, then name.
    pub candidates: Vec<CandidateFilter>,
    /// Windows' own filters below the monitor, Defender's included, in the same order.
    pub microsoft: Vec<CandidateFilter>,
    /// The number in Process Monitor's own driver's name (`PROCMON24.SYS`: 24), which its service and instance carry too.
    pub monitor: Option<u32>,
}

impl FilterSurvey {
    /// An altitude to move Process Monitor to, below every candidate, which nobody has been allocated.
    ///
    /// Where a candidate's altitude is unknown or guessed, it is below every third-party group: 45100 or the next free one.
    pub fn recapture_altitude(&self) -> Option<Altitude> {
        let certain = |filter: &CandidateFilter| filter.altitude_basis.is_some_and(|basis| basis != NameBasis::Guessed);
        if !self.candidates.is_empty() && self.candidates.iter().all(certain) {
            let lowest = self.candidates.iter().flat_map(|filter| &filter.altitudes).map(|row| &row.altitude).min()?;
            return lowest.free_below();
        }
        Altitude::parse(LOWEST_RECAPTURE).ok()?.free_below()
    }
}

/// One above the altitude recommended when nothing better is known: in the bottom group, under the anti-virus, replication,
/// backup and encryption groups.
const LOWEST_RECAPTURE: &str = "45101";

/// Picks the filters out of the modules of the System process.
///
/// Repeated modules count once. Process Monitor's own driver and filters entirely above it are left out.
pub fn candidate_filters<'a>(
    catalogue: &VendorCatalogue,
    system_modules: impl IntoIterator<Item = ModuleFacts<'a>>,
) -> FilterSurvey {
    let mut survey = FilterSurvey::default();
    for facts in system_modules {
        let name = facts.name();
        if let Some(number) = procmon_number(name) {
            survey.monitor = Some(number);
            continue;
        }
        let Some((filter, microsoft)) = candidate(catalogue, &facts) else { continue };
        let list = if microsoft { &mut survey.microsoft } else { &mut survey.candidates };
        if !list.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            list.push(filter);
        }
    }
    survey.candidates.sort_by(suspicion);
    survey.microsoft.sort_by(suspicion);
    survey
}

/// Whether a kernel module that stands in a stack may be the author of the operation: any driver of a third party, listed
/// anywhere or not, or Windows' own anti-virus filter. Windows' other drivers re-issue requests on behalf of the caller.
pub fn may_issue(catalogue: &VendorCatalogue, facts: &ModuleFacts<'_>, system_root: &str) -> bool {
    if procmon_number(facts.name()).is_some() {
        return false;
    }
    let found = catalogue.identify_driver(facts);
    if facts.company.contains(char::REPLACEMENT_CHARACTER) {
        // Whose it is cannot be read: only what else is known of it tells.
        return found.is_some();
    }
    let altitudes = found.and_then(|found| found.altitudes);
    let anti_virus = altitudes.is_some_and(|found| found.rows.iter().any(|row| row.altitude.is_anti_virus()));
    anti_virus || !is_windows_driver(catalogue, facts, system_root)
}

fn candidate(catalogue: &VendorCatalogue, facts: &ModuleFacts<'_>) -> Option<(CandidateFilter, bool)> {
    let found = catalogue.identify_driver(facts)?;
    let company = clean(facts.company);
    let (basis, mut rows) = found.altitudes.map_or((None, Vec::new()), |found| (Some(found.basis), found.rows));
    let listed = !rows.is_empty();
    let microsoft = if company.is_empty() {
        listed && rows.iter().all(|row| is_microsoft(&row.registered_to))
    } else {
        is_microsoft(company)
    };
    rows.retain(|row| row.altitude.is_below_procmon());
    let rank = if rows.iter().any(|row| row.altitude.is_anti_virus()) {
        FilterRank::AntiVirus
    } else if !rows.is_empty() {
        FilterRank::BelowMonitor
    } else if !listed && !microsoft && found.vendor.as_ref().is_some_and(|vendor| is_security_vendor(catalogue, vendor))
    {
        FilterRank::SecurityVendor
    } else {
        return None;
    };
    let filter = CandidateFilter {
        name: facts.name().to_owned(),
        path: clean(facts.path).to_owned(),
        company: company.to_owned(),
        version: clean(facts.version).to_owned(),
        rank,
        altitudes: rows,
        altitude_basis: basis.filter(|_| listed),
        vendor: found.vendor,
    };
    Some((filter, microsoft))
}

/// A name alone makes no vendor here, only the company string or the folder. A vendor with several kinds of product counts
/// when one of them is a security product.
fn is_security_vendor(catalogue: &VendorCatalogue, vendor: &VendorMatch) -> bool {
    let categories = std::iter::once((vendor.category, &vendor.vendor_en))
        .chain(vendor.alternatives.iter().map(|a| (a.category, &a.vendor_en)));
    vendor.by != MatchBasis::NameOnly
        && categories.into_iter().any(|(category, name)| match category {
            Some(category) => category.is_security(),
            None => catalogue.makes_security_products(name),
        })
}

/// The number in `PROCMON23.SYS`, `procmon24.sys` and the like.
fn procmon_number(name: &str) -> Option<u32> {
    name.to_ascii_lowercase().strip_prefix("procmon")?.strip_suffix(".sys")?.parse().ok()
}

fn suspicion(a: &CandidateFilter, b: &CandidateFilter) -> Ordering {
    let highest = |filter: &CandidateFilter| filter.altitudes.first().map(|row| row.altitude.clone());
    a.rank
        .cmp(&b.rank)
        .then_with(|| highest(b).cmp(&highest(a)))
        .then_with(|| a.name.to_lowercase().cmp(&b.name.to_lowercase()))
}

#[cfg(test)]
#[path = "filters_tests.rs"]
mod tests;
