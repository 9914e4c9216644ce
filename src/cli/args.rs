//! The command line as a whole: the program and its commands. Each command has its arguments beside it.

use super::blame::BlameArgs;
use super::options::GlobalArgs;
use crate::lang::help as t;
use clap::{Parser, Subcommand};

/// Proves from a Process Monitor capture who held a file when an open, delete or rename was refused.
#[derive(Debug, Parser)]
#[command(
    name = "pmlblame",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    after_help = t::EXIT_CODES.en,
    after_long_help = t::LONG_HELP.en
)]
pub struct Cli {
    /// What to do; without a command, `blame`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Arguments of `blame`.
    #[command(flatten)]
    pub blame: BlameArgs,
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print who held the files (the default command).
    Blame(BlameArgs),
    /// Tell the story of one failure: everything done to the file, who held it, the rule, who is cleared.
    Why(super::why::WhyArgs),
    /// Check the locking model against every file of a capture.
    Audit(super::why::AuditArgs),
    /// Print or export every event as Process Monitor shows it.
    Events(super::events::EventsArgs),
    /// Rescue what a damaged capture still holds, and write it as a sound one.
    Recover(super::recover::RecoverArgs),
    /// Write a smaller capture of chosen events.
    Extract(super::extract::ExtractArgs),
    /// Tell what servicing logs (CBS.log, CbsPersist_*) say, without a capture.
    Cbs(super::cbs::CbsArgs),
    /// Put the names back into what `--redact` wrote, by its key file.
    Restore(super::restore::RestoreArgs),
    /// Print the JSON Schema of the case record.
    Schema,
    /// Build a capture from a readable scenario.
    Make(super::make::MakeArgs),
}
