//! The command line as a whole: the program and its commands. Each command has its arguments beside it.

use super::blame::BlameArgs;
use super::options::GlobalArgs;
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
    after_help = EXIT_CODES,
    after_long_help = LONG_HELP
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

const EXIT_CODES: &str = "\
Exit codes: 0 analysed, whatever the verdict; 1 a file could not be read or written; 2 wrong usage;
3 a culprit was found (only with --fail-on culprit); 130 interrupted.";

const LONG_HELP: &str = "\
Examples:
  pmlblame customer.PML                           who held TiWorker's and TrustedInstaller's files
  pmlblame customer.PML --json case.json          also write the case record
  pmlblame customer.PML --cbs C:\\Windows\\Logs\\CBS  tie the capture to the servicing log of the same failure
  pmlblame --profile any --path 'D:\\Data' x.PML   anybody's failures below one folder

Exit codes:
  0    analysed, whatever the verdict
  1    a file could not be read, analysed or written
  2    wrong usage
  3    a culprit was found (only with --fail-on culprit)
  130  interrupted";

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
