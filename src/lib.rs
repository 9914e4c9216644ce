//! Reads Sysinternals Process Monitor captures and proves who held a file when somebody else's open, delete or rename
//! was refused.
//!
//! It was made for one question of Windows support: which program kept the update from replacing a file? The answer
//! must stand up, so a party is named only when the capture shows that it held the file at that moment in a way that
//! Windows' own rules forbid, and everybody else who touched the file is cleared by name.
//!
//! # The smallest program
//!
//! ```
//! use pmlblame::assemble::{CaseOptions, analyse};
//! use pmlblame::blame::{scope::ScopeOptions, vendors::VendorCatalogue};
//! use pmlblame::capture::{Capture, OpenOptions};
//! use pmlblame::lang::Lang;
//!
//! let capture = Capture::open("samples/no-share-delete.PML".as_ref(), &OpenOptions::default())?;
//! let case = analyse(
//!     &capture,
//!     &CaseOptions {
//!         scope: ScopeOptions::default(),
//!         lang: Lang::En,
//!         catalogue: VendorCatalogue::embedded(),
//!         generated: None,
//!         files: Vec::new(),
//!         notes: Vec::new(),
//!         filter: None,
//!     },
//! )?;
//! let failure = &case.record.failures[0];
//! assert_eq!((failure.result.as_str(), failure.cause.as_code()), ("SHARING VIOLATION", "share_conflict"));
//! let holder = &failure.holders[0];
//! assert_eq!((holder.process.as_str(), holder.pid, holder.rule.as_str()), ("HipsDaemon.exe", 2188, "SA-3"));
//! assert_eq!(holder.not_shared_by_holder, ["DELETE"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Events without any analysis:
//!
//! ```
//! use pmlblame::pml::{Container, EventClass, Pml};
//!
//! let bytes = std::fs::read("samples/no-failure.PML")?;
//! let container = Container::parse(&bytes)?;
//! let pml = Pml::new(&bytes, &container);
//! let mut by_process = std::collections::BTreeMap::new();
//! for n in 0..pml.event_count() {
//!     let event = pml.event(n)?;
//!     if event.class() == EventClass::FILE_SYSTEM {
//!         let name = pml.process(event.process_index()).map(|process| pml.string(process.name));
//!         *by_process.entry(name.unwrap_or_default()).or_insert(0) += 1;
//!     }
//! }
//! assert!(by_process.contains_key("TiWorker.exe"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The road through the types
//!
//! | module | what it has | imports |
//! |---|---|---|
//! | [`nt`] | statuses, access masks, sharing rules, paths, times: facts of Windows | |
//! | [`pml`] | [`pml::Container`] and [`pml::Pml`]: header, tables, events as views over the bytes; writer and rescue | `nt` |
//! | [`capture`] | [`capture::Capture`]: the files of a capture as one; [`capture::op::Op`], the operation every source yields; [`capture::source::Source`] | `pml` |
//! | [`import`] | CSV and XML exports as a `Source` | `capture` |
//! | [`export`] | events as Process Monitor prints them; captures written out of captures | `capture` |
//! | [`locks`] | [`locks::analyse`]: from operations to holds, from refusals to [`locks::Finding`]s; [`locks::audit`] | `capture` |
//! | [`blame`] | scope, vendors, parties, filter drivers, advice | `locks` |
//! | [`servicing`] | servicing logs and their tie to captures | `blame` |
//! | [`case`] | [`case::CaseRecord`]: what was found, as plain data | `nt` |
//! | [`lang`] | every sentence, in English and Chinese | `case` |
//! | [`report`] | tables, JSON, schema | `case`, `lang` |
//! | [`assemble`] | [`assemble::analyse`], [`assemble::story`], [`assemble::audit`]: from a `Source` to records | all but `report`, `cli` |
//! | [`scenario`] | captures from readable text | `pml` |
//! | [`redact`] | pseudonyms for names | `nt` |
//! | [`cli`] | the program | all |
//!
//! Numbers that mean a place or an index have types of their own; what is not known is an `Option`, an
//! [`locks::Edge`] or a code, and never a default. Layers below [`report`] hold codes, not sentences.
//!
//! # What it cannot do
//!
//! It does not capture. It reads versions 9 and 7 of the format. It sees what Process Monitor saw: not what filter
//! drivers below it opened for themselves, not what came before the capture, not the end of a mapping. What follows
//! from that for a verdict is in [`docs::how_blame_works`].

#[macro_use]
pub mod nt;
pub mod assemble;
pub mod blame;
pub mod capture;
pub mod case;
pub mod cli;
pub mod export;
pub mod import;
pub mod lang;
pub mod locks;
pub mod pml;
pub mod redact;
pub mod report;
pub mod scenario;
pub mod servicing;

/// The longer documents.
pub mod docs {
    #[doc = include_str!("../docs/how-blame-works.md")]
    pub mod how_blame_works {}
    #[doc = include_str!("../docs/case-record.md")]
    pub mod case_record {}
    #[doc = include_str!("../docs/pml-format.md")]
    pub mod pml_format {}
    #[doc = include_str!("../docs/robustness.md")]
    pub mod robustness {}
}

/// The examples of the README, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

/// The same in Chinese.
#[cfg(doctest)]
#[doc = include_str!("../README.zh-CN.md")]
mod readme_zh_cn {}
