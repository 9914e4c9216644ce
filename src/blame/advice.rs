//! What to do next, as codes derived from the kind of evidence; the wording is in `lang::advice`.

use super::party::Party;
use super::vendors::Category;

/// A recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AdviceCode {
    /// Exclude the installer's working folder from real-time scanning while it runs.
    ExcludePathFromRealtimeScan,
    /// Stop real-time scanning for one attempt.
    StopRealtimeScanAndRetry,
    /// Update the product that held the file.
    UpdateProduct,
    /// Uninstall the product whose driver did it, with its own uninstaller.
    RemoveDriver,
    /// Pause synchronising or backing up for the installation.
    PauseProduct,
    /// Stop a service for the installation.
    StopService,
    /// Find out whose program it is: only its name is like that of a known product.
    IdentifyProgram,
    /// Close an application.
    CloseApplication,
    /// Close the remote client's open file.
    CloseRemoteSession,
    /// Restart and try again, for a holder that is part of Windows.
    RestartAndRetry,
    /// Restart, so that a delete still pending completes.
    RebootToClearPendingDelete,
    /// Look whether the file is read-only before anybody is suspected.
    CheckReadOnly,
    /// Capture again with Process Monitor below the filters.
    RecaptureLowerAltitude,
    /// Capture again without a filter that drops events.
    RecaptureWithoutFilters,
    /// Capture again, started before the installer.
    RecaptureStartEarlier,
    /// Send the capture itself instead of an export of it.
    SendOriginalCapture,
    /// Hand the record to the vendor.
    AskVendor,
    /// Nothing to do.
    None,
}

impl AdviceCode {
    /// Every code.
    pub const ALL: &[Self] = &[
        Self::ExcludePathFromRealtimeScan,
        Self::StopRealtimeScanAndRetry,
        Self::UpdateProduct,
        Self::RemoveDriver,
        Self::PauseProduct,
        Self::StopService,
        Self::IdentifyProgram,
        Self::CloseApplication,
        Self::CloseRemoteSession,
        Self::RestartAndRetry,
        Self::RebootToClearPendingDelete,
        Self::CheckReadOnly,
        Self::RecaptureLowerAltitude,
        Self::RecaptureWithoutFilters,
        Self::RecaptureStartEarlier,
        Self::SendOriginalCapture,
        Self::AskVendor,
        Self::None,
    ];

    /// Stable code, as in the record.
    pub const fn as_code(self) -> &'static str {
        match self {
            Self::ExcludePathFromRealtimeScan => "exclude_path_from_realtime_scan",
            Self::StopRealtimeScanAndRetry => "stop_realtime_scan_and_retry",
            Self::UpdateProduct => "update_product",
            Self::RemoveDriver => "remove_driver",
            Self::PauseProduct => "pause_product",
            Self::StopService => "stop_service",
            Self::IdentifyProgram => "identify_program",
            Self::CloseApplication => "close_application",
            Self::CloseRemoteSession => "close_remote_session",
            Self::RestartAndRetry => "restart_and_retry",
            Self::RebootToClearPendingDelete => "reboot_to_clear_pending_delete",
            Self::CheckReadOnly => "check_read_only",
            Self::RecaptureLowerAltitude => "recapture_lower_altitude",
            Self::RecaptureWithoutFilters => "recapture_without_filters",
            Self::RecaptureStartEarlier => "recapture_start_earlier",
            Self::SendOriginalCapture => "send_original_capture",
            Self::AskVendor => "ask_vendor",
            Self::None => "none",
        }
    }
}

/// One implicated party, as far as advice depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HolderFacts {
    /// Whose it is.
    pub party: Party,
    /// A kernel filter, not a process.
    pub driver: bool,
    /// What its product is for, where known.
    pub category: Option<Category>,
    /// Whether its vendor is known, by more than a name.
    pub vendor_known: bool,
    /// Only its file name is that of a known product; neither category nor vendor are taken from it.
    pub name_only: bool,
    /// Proven or likely; false for a mere suspect.
    pub firm: bool,
    /// Whether it runs as a service (session 0), as far as known.
    pub service: bool,
    /// System serving a remote client's open.
    pub smb_client: bool,
}

/// What weakens the capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// Events were filtered or dropped, or whole kinds of them are missing (closes, opens, other processes).
    pub events_missing: bool,
    /// Something decisive happened before the capture began.
    pub started_late: bool,
    /// The input is an export without stacks and modules.
    pub export_only: bool,
}

/// What the analysis found, as far as advice depends on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// The implicated, most responsible first; suspects too.
    pub holders: &'a [HolderFacts],
    /// Some failure has no visible holder.
    pub unseen_holder: bool,
    /// A deletion was refused that the read-only attribute, which the capture does not show, would explain.
    pub maybe_read_only: bool,
    /// Third-party filters below the monitor are loaded.
    pub filters_loaded: bool,
    /// A delete was still pending at the end of the capture.
    pub delete_left_pending: bool,
    /// The victims are blamed, and without call stacks nobody can tell whether a filter acted in their name.
    pub author_unshown: bool,
    /// What weakens the capture.
    pub gaps: Gaps,
}

/// A recommendation and whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What to do.
    pub code: AdviceCode,
    /// Index into [`Evidence::holders`]; `None` when it is about the machine or the capture.
    pub holder: Option<usize>,
}

/// The recommendations, in the order to try them; never empty, and `none` only ever alone.
///
/// Measures against a product are advised only when it is implicated firmly, or, for a mere suspect, as a reversible test.
pub fn advise(evidence: &Evidence<'_>) -> Vec<Advice> {
    let mut list = Vec::new();
    for (index, holder) in evidence.holders.iter().enumerate() {
        if holder.name_only {
            push(&mut list, AdviceCode::IdentifyProgram, Some(index));
        }
        for code in about(holder) {
            push(&mut list, *code, Some(index));
        }
    }
    if evidence.delete_left_pending {
        push(&mut list, AdviceCode::RebootToClearPendingDelete, None);
    }
    if evidence.maybe_read_only {
        push(&mut list, AdviceCode::CheckReadOnly, None);
    }
    let suspects_only = !evidence.holders.is_empty() && evidence.holders.iter().all(|holder| !holder.firm);
    if evidence.unseen_holder || suspects_only {
        let gaps = evidence.gaps;
        let recaptures = [
            (gaps.export_only, AdviceCode::SendOriginalCapture),
            (gaps.events_missing, AdviceCode::RecaptureWithoutFilters),
            (gaps.started_late, AdviceCode::RecaptureStartEarlier),
            (evidence.filters_loaded || gaps == Gaps::default(), AdviceCode::RecaptureLowerAltitude),
            (evidence.filters_loaded, AdviceCode::StopRealtimeScanAndRetry),
        ];
        for (applies, code) in recaptures {
            if applies && !list.iter().any(|advice| advice.code == code) {
                push(&mut list, code, None);
            }
        }
    }
    if evidence.author_unshown && evidence.gaps.export_only {
        push(&mut list, AdviceCode::SendOriginalCapture, None);
    }
    if list.is_empty() {
        push(&mut list, AdviceCode::None, None);
    }
    list
}

fn push(list: &mut Vec<Advice>, code: AdviceCode, holder: Option<usize>) {
    let advice = Advice { code, holder };
    if !list.contains(&advice) {
        list.push(advice);
    }
}

fn about(holder: &HolderFacts) -> &'static [AdviceCode] {
    use AdviceCode as A;
    if holder.smb_client {
        return &[A::CloseRemoteSession];
    }
    let security = holder.category.is_some_and(Category::is_security);
    match (holder.party, holder.firm) {
        (Party::Victim, _) => &[],
        (Party::Windows, true) if security => &[A::ExcludePathFromRealtimeScan],
        (Party::Windows, false) if security => &[A::StopRealtimeScanAndRetry],
        (Party::Windows, _) => match holder.category {
            Some(Category::Indexer | Category::Management) => &[A::StopService],
            Some(Category::Sync | Category::Backup) => &[A::PauseProduct],
            _ => &[A::RestartAndRetry],
        },
        (Party::ThirdParty, true) if holder.driver && security => {
            &[A::ExcludePathFromRealtimeScan, A::UpdateProduct, A::AskVendor, A::RemoveDriver]
        }
        (Party::ThirdParty, true) if holder.driver => &[A::UpdateProduct, A::AskVendor, A::RemoveDriver],
        (Party::ThirdParty, true) if security => {
            &[A::ExcludePathFromRealtimeScan, A::StopRealtimeScanAndRetry, A::UpdateProduct, A::AskVendor]
        }
        (Party::ThirdParty, false) if security => &[A::StopRealtimeScanAndRetry],
        // A mere suspect without a known purpose: another capture tells more than a measure.
        (Party::ThirdParty, false) => &[],
        (Party::ThirdParty, true) => match (holder.category, holder.service, holder.vendor_known) {
            (Some(Category::Sync | Category::Backup), _, _) => &[A::PauseProduct, A::AskVendor],
            (_, true, true) => &[A::StopService, A::AskVendor],
            (_, true, false) => &[A::StopService],
            (_, false, true) => &[A::CloseApplication, A::AskVendor],
            (_, false, false) => &[A::CloseApplication],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(party: Party, category: Option<Category>, firm: bool) -> HolderFacts {
        HolderFacts {
            party,
            driver: false,
            category,
            vendor_known: category.is_some(),
            name_only: false,
            firm,
            service: true,
            smb_client: false,
        }
    }

    fn codes(evidence: &Evidence<'_>) -> Vec<&'static str> {
        advise(evidence).iter().map(|advice| advice.code.as_code()).collect()
    }

    #[test]
    fn a_proven_scanner_is_excluded_and_its_vendor_asked() {
        let holders = [holder(Party::ThirdParty, Some(Category::Av), true)];
        let evidence = Evidence { holders: &holders, ..Evidence::default() };
        assert_eq!(
            codes(&evidence),
            ["exclude_path_from_realtime_scan", "stop_realtime_scan_and_retry", "update_product", "ask_vendor"]
        );
        assert!(advise(&evidence).iter().all(|advice| advice.holder == Some(0)));
    }

    #[test]
    fn a_suspect_is_tested_and_never_removed() {
        let holders = [HolderFacts { driver: true, ..holder(Party::ThirdParty, Some(Category::Av), false) }];
        let evidence = Evidence { holders: &holders, unseen_holder: true, filters_loaded: true, ..Evidence::default() };
        assert_eq!(codes(&evidence), ["stop_realtime_scan_and_retry", "recapture_lower_altitude"]);
    }

    #[test]
    fn an_unseen_holder_asks_for_the_capture_that_would_show_it() {
        let gaps = Gaps { events_missing: true, started_late: true, export_only: false };
        let evidence = Evidence { unseen_holder: true, gaps, ..Evidence::default() };
        assert_eq!(codes(&evidence), ["recapture_without_filters", "recapture_start_earlier"]);
        let complete = Evidence { unseen_holder: true, ..Evidence::default() };
        assert_eq!(codes(&complete), ["recapture_lower_altitude"]);
    }

    #[test]
    fn attributes_that_are_not_shown_are_looked_at_first() {
        let gaps = Gaps { started_late: true, ..Gaps::default() };
        let evidence = Evidence { unseen_holder: true, maybe_read_only: true, gaps, ..Evidence::default() };
        assert_eq!(codes(&evidence), ["check_read_only", "recapture_start_earlier"]);
    }

    #[test]
    fn drivers_windows_parts_and_remote_clients_have_their_own_measures() {
        let driver = [HolderFacts { driver: true, ..holder(Party::ThirdParty, Some(Category::Edr), true) }];
        assert_eq!(
            codes(&Evidence { holders: &driver, ..Evidence::default() }),
            ["exclude_path_from_realtime_scan", "update_product", "ask_vendor", "remove_driver"]
        );
        let indexer = [holder(Party::Windows, Some(Category::Indexer), true)];
        assert_eq!(codes(&Evidence { holders: &indexer, ..Evidence::default() }), ["stop_service"]);
        let remote = [HolderFacts { smb_client: true, ..holder(Party::Windows, None, true) }];
        assert_eq!(codes(&Evidence { holders: &remote, ..Evidence::default() }), ["close_remote_session"]);
    }

    #[test]
    fn a_borrowed_name_is_looked_into_and_no_vendor_asked() {
        let holders = [HolderFacts { name_only: true, service: false, ..holder(Party::ThirdParty, None, true) }];
        let evidence = Evidence { holders: &holders, ..Evidence::default() };
        assert_eq!(codes(&evidence), ["identify_program", "close_application"]);
    }

    #[test]
    fn an_export_that_blames_the_victim_is_not_the_last_word() {
        let holders = [holder(Party::Victim, None, true)];
        let gaps = Gaps { export_only: true, ..Gaps::default() };
        let evidence = Evidence { holders: &holders, author_unshown: true, gaps, ..Evidence::default() };
        assert_eq!(codes(&evidence), ["send_original_capture"]);
    }

    #[test]
    fn none_stands_alone() {
        assert_eq!(codes(&Evidence::default()), ["none"]);
        let holders = [holder(Party::Victim, None, true)];
        let own = Evidence { holders: &holders, delete_left_pending: true, ..Evidence::default() };
        assert_eq!(codes(&own), ["reboot_to_clear_pending_delete"]);
    }

    #[test]
    fn codes_are_distinct() {
        let mut all: Vec<_> = AdviceCode::ALL.iter().map(|code| code.as_code()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), AdviceCode::ALL.len());
    }
}
