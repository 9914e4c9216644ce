//! Help and usage errors in the language asked for. clap speaks English only; in Chinese every text of the command tree is
//! replaced before it parses, and what it complains of is said in our own words.

use super::args::Cli;
use super::options::LangArg;
use super::term;
use crate::lang::{Lang, help as t};
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, CommandFactory, ValueEnum};
use std::ffi::OsString;
use std::io::Write;
use unicode_width::UnicodeWidthChar;

/// Columns of help text, at most.
const WIDEST: usize = 100;
/// What stands before the text of an option, and before that of a command.
const INDENT: usize = 10;

/// The language that arguments ask for; else that of the locale. Looked for before they are parsed, because what parsing
/// says is in it.
pub fn language(arguments: impl Iterator<Item = OsString>) -> Lang {
    let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next().filter(|argument| argument != "--") {
        let value = match argument.strip_prefix("--lang") {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        if let Some(lang) = value.and_then(|value| LangArg::from_str(&value, false).ok()) {
            return lang.into();
        }
    }
    term::locale_language()
}

/// The whole command line with its texts in `lang`.
pub fn command(lang: Lang) -> Command {
    let command = Cli::command();
    match lang {
        Lang::En => command,
        _ => said_in(command, lang, term::width().map_or(WIDEST, usize::from).min(WIDEST)),
    }
}

fn said_in(command: Command, lang: Lang, width: usize) -> Command {
    let text = |styled: Option<&StyledStr>| styled.map(|styled| t::say(&styled.to_string(), lang).to_owned());
    let (about, after) = (text(command.get_about()), text(command.get_after_help()));
    let after_long = text(command.get_after_long_help());
    let is_root = command.get_version().is_some();
    let mut command = command
        .help_template(format!("{{about-with-newline}}\n{}{{usage}}\n\n{{all-args}}{{after-help}}", t::USAGE.get(lang)))
        .subcommand_help_heading(t::COMMANDS.get(lang))
        .subcommand_value_name(t::COMMAND.get(lang))
        .next_line_help(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .mut_args(|arg| said_arg(arg, lang, width))
        .mut_subcommands(|command| said_in(command, lang, width))
        .arg(flag("help", 'h', ArgAction::Help, t::HELP.get(lang), lang));
    if is_root {
        command = command.arg(flag("version", 'V', ArgAction::Version, t::VERSION.get(lang), lang));
    }
    if let Some(about) = about {
        command = command.about(wrapped(&about, width.saturating_sub(INDENT)));
    }
    if let Some(after) = after {
        command = command.after_help(after);
    }
    if let Some(after) = after_long {
        command = command.after_long_help(after);
    }
    command
}

fn flag(name: &'static str, short: char, action: ArgAction, text: &'static str, lang: Lang) -> Arg {
    Arg::new(name).short(short).long(name).action(action).help(text).help_heading(t::OPTIONS.get(lang))
}

/// One option with its heading, the names of its values, and what clap would add in English.
fn said_arg(arg: Arg, lang: Lang, width: usize) -> Arg {
    let heading = arg.get_help_heading().map_or(t::OPTIONS.get(lang), |heading| t::say(heading, lang)).to_owned();
    let mut short = arg.get_help().map(|help| t::say(&help.to_string(), lang).to_owned()).unwrap_or_default();
    let takes_values = arg.get_action().takes_values();
    let names: Vec<String> = arg
        .get_value_names()
        .filter(|_| takes_values)
        .unwrap_or_default()
        .iter()
        .map(|name| t::say(name, lang).to_owned())
        .collect();
    let mut long = short.clone();
    let values: Vec<_> =
        arg.get_possible_values().into_iter().filter(|value| takes_values && !value.is_hide_set()).collect();
    if !values.is_empty() {
        let all: Vec<&str> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
        short.push_str(&t::POSSIBLE.fill(lang, &[("values", &all.join(lang.comma()))]));
        for value in &values {
            let help = value.get_help().map(|help| t::say(&help.to_string(), lang).to_owned()).unwrap_or_default();
            long.push_str(&format!("\n- {}{}{help}", value.get_name(), lang.colon()));
        }
    }
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if takes_values && !defaults.is_empty() {
        let told = t::DEFAULT.fill(lang, &[("value", &defaults.join(lang.comma()))]);
        short.push_str(&told);
        long.push_str(&told);
    }
    let columns = width.saturating_sub(INDENT);
    let mut arg = arg.help(wrapped(&short, columns)).help_heading(heading);
    if takes_values {
        arg = arg.hide_possible_values(true).hide_default_value(true);
    }
    if long != short {
        arg = arg.long_help(wrapped(&long, columns));
    }
    if names.is_empty() { arg } else { arg.value_names(names) }
}

/// Breaks text after so many columns: at blanks, and between Chinese characters, but not before what closes.
fn wrapped(text: &str, columns: usize) -> String {
    let mut out = String::new();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
        }
        let mut used = 0;
        for piece in pieces(line) {
            let width: usize = piece.chars().filter_map(UnicodeWidthChar::width).sum();
            let fits = used + piece.trim_end().chars().filter_map(UnicodeWidthChar::width).sum::<usize>() <= columns;
            if used > 0 && !fits {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('\n');
                used = 0;
            }
            out.push_str(piece);
            used += width;
        }
    }
    out
}

/// What may not be torn apart: words with the blank behind, single Chinese characters with what closes behind them.
fn pieces(line: &str) -> Vec<&str> {
    let is_wide = |c: char| c.width().unwrap_or_default() > 1;
    let closes = |c: char| "，。；：、）”］》？！".contains(c);
    let opens = |c: char| "（“［《".contains(c);
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in line.char_indices() {
        if let Some(before) = before
            && !closes(c)
            && !opens(before)
            && (before == ' ' && c != ' ' || is_wide(before) || is_wide(c))
            && c != ' '
        {
            pieces.push(line.get(start..at).unwrap_or_default());
            start = at;
        }
        before = Some(c);
    }
    pieces.push(line.get(start..).unwrap_or_default());
    pieces
}

/// What clap has to say, in `lang`: help and version as they are, a complaint in our words. The first line of a complaint
/// comes alone.
pub fn said(error: &clap::Error, lang: Lang) -> (String, String) {
    let own = |text: &str| {
        let text =
            text.replace(t::ANY_OPTIONS.en, t::ANY_OPTIONS.get(lang)).replace(t::ALIASES.en, t::ALIASES.get(lang));
        text.replace(t::USAGE.en, t::USAGE.get(lang))
    };
    if !error.use_stderr() {
        return (own(&error.to_string()), String::new());
    }
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => format!("{}\n", own(usage.to_string().trim_end())),
        _ => String::new(),
    };
    (complaint(error, lang), format!("{usage}{}", t::E_MORE.get(lang)))
}

/// Prints what clap has to say where it belongs.
pub fn print(error: &clap::Error, lang: Lang) {
    if lang == Lang::En {
        let _ = error.print();
        return;
    }
    let (first, more) = said(error, lang);
    if error.use_stderr() {
        term::complain(&first, lang);
        more.lines().for_each(term::line);
    } else {
        // A reader that went away has seen enough.
        let _ = std::io::stdout().write_all(first.as_bytes());
    }
}

fn complaint(error: &clap::Error, lang: Lang) -> String {
    let list = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(lang.comma()),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let (arg, value) = (list(ContextKind::InvalidArg), list(ContextKind::InvalidValue));
    let near = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue].map(list);
    let near = near.into_iter().find(|near| !near.is_empty());
    match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => t::E_NO_VALUE.fill(lang, &[("arg", &arg)]),
        ErrorKind::InvalidValue => {
            let values = list(ContextKind::ValidValue);
            let text = if values.is_empty() { t::E_VALUE } else { t::E_VALUE_OF };
            text.fill(lang, &[("arg", &arg), ("value", &value), ("values", &values)])
        }
        ErrorKind::ValueValidation => t::E_VALUE.fill(lang, &[("arg", &arg), ("value", &value)]),
        ErrorKind::UnknownArgument => match near {
            Some(near) => t::E_UNKNOWN_NEAR.fill(lang, &[("arg", &arg), ("near", &near)]),
            None => t::E_UNKNOWN.fill(lang, &[("arg", &arg)]),
        },
        ErrorKind::InvalidSubcommand => {
            let arg = list(ContextKind::InvalidSubcommand);
            match near {
                Some(near) => t::E_COMMAND_NEAR.fill(lang, &[("arg", &arg), ("near", &near)]),
                None => t::E_COMMAND.fill(lang, &[("arg", &arg)]),
            }
        }
        ErrorKind::MissingRequiredArgument => t::E_MISSING.fill(lang, &[("args", &arg)]),
        ErrorKind::ArgumentConflict => {
            let prior = list(ContextKind::PriorArg);
            if prior == arg {
                t::E_TWICE.fill(lang, &[("arg", &arg)])
            } else {
                t::E_CONFLICT.fill(lang, &[("arg", &arg), ("prior", &prior)])
            }
        }
        ErrorKind::TooManyValues => t::E_TOO_MANY.fill(lang, &[("arg", &arg), ("value", &value)]),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => t::E_TOO_FEW.fill(lang, &[("arg", &arg)]),
        ErrorKind::InvalidUtf8 => t::E_UTF8.get(lang).to_owned(),
        _ => t::E_OTHER.get(lang).to_owned(),
    }
}

#[cfg(test)]
mod tests;
