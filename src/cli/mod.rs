//! The command line: arguments in, files and terminal out. The only place that knows of either.

pub mod args;
pub mod blame;
pub mod cbs;
pub mod events;
pub mod exit;
pub mod extract;
pub mod fail;
pub mod filters;
pub mod help;
pub mod input;
pub mod make;
pub mod options;
pub mod output;
pub mod progress;
pub mod recover;
pub mod redact;
pub mod restore;
pub mod term;
pub mod why;

use args::{Cli, Command};
use clap::FromArgMatches;
use exit::Exit;
use fail::Fail;
use std::process::ExitCode;

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    let lang = help::language(std::env::args_os().skip(1));
    let mut command = help::command(lang);
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    let cli = parsed
        .and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command)));
    let cli = match cli {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout, usage errors to stderr; clap knows which is which.
            let usage = error.use_stderr();
            help::print(&error, lang);
            return if usage { Exit::Usage } else { Exit::Done }.into();
        }
    };
    let lang = cli.global.language();
    match run(&cli) {
        Ok(exit) => exit.into(),
        Err(fail) if fail.is_broken_pipe() => Exit::Done.into(),
        Err(fail) => {
            term::complain(&fail.message(lang), lang);
            fail.exit().into()
        }
    }
}

fn run(cli: &Cli) -> Result<Exit, Fail> {
    output::clean_up_on_interrupt();
    cli.global.build_threads()?;
    match &cli.command {
        None => blame::run(&cli.blame, &cli.global),
        Some(Command::Blame(args)) => blame::run(args, &cli.global),
        Some(Command::Why(args)) => why::run_why(args, &cli.global),
        Some(Command::Audit(args)) => why::run_audit(args, &cli.global),
        Some(Command::Events(args)) => events::run(args, &cli.global),
        Some(Command::Recover(args)) => recover::run_recover(args, &cli.global),
        Some(Command::Extract(args)) => extract::run_extract(args, &cli.global),
        Some(Command::Cbs(args)) => cbs::run(args, &cli.global),
        Some(Command::Restore(args)) => restore::run_restore(args, &cli.global),
        Some(Command::Schema) => blame::schema(),
        Some(Command::Make(args)) => make::run(args, cli.global.language()),
    }
}
