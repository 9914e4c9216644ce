//! `pmlblame make`: builds a capture from a scenario file.

use super::exit::Exit;
use super::fail::Fail;
use super::output::{self, Unfinished};
use crate::lang::Lang;
use crate::lang::scenario as texts;
use crate::scenario::{self, BuildError, ScenarioErrorKind};
use std::path::{Path, PathBuf};

/// Arguments of `make`.
#[derive(Debug, clap::Args)]
pub struct MakeArgs {
    /// The scenario, a text file (see docs/scenario-format.md).
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// The capture to write.
    #[arg(short, long, value_name = "FILE.PML")]
    pub output: PathBuf,
}

/// Builds the capture, whole or not at all.
///
/// # Errors
/// A scenario that cannot be understood, with line and column, or a file that cannot be read or written.
pub fn run(args: &MakeArgs, lang: Lang) -> Result<Exit, Fail> {
    let parsed = scenario::parse_file(&args.scenario).map_err(|error| explain(args, error, lang))?;
    let mut files = Vec::new();
    for number in parsed.files() {
        let path = file_name(&args.output, number);
        let file = Unfinished::create(&path)?;
        let file = scenario::write_file(&parsed, number, file)
            .map_err(|error| Fail::Write { path, source: std::io::Error::other(error.to_string()) })?;
        files.push(file);
    }
    files.into_iter().try_for_each(Unfinished::finish)?;
    let built = texts::BUILT.fill(lang, &[("file", &args.output.display()), ("events", &parsed.event_count())]);
    output::stdout(|out| writeln!(out, "{built}").map_err(output::written("-".as_ref())))?;
    Ok(Exit::Done)
}

/// The name of a further file of a capture, as Procmon gives it: `name-1.PML` beside `name.PML`.
fn file_name(first: &Path, number: usize) -> PathBuf {
    if number == 0 {
        return first.to_owned();
    }
    let stem = first.file_stem().unwrap_or_default().to_string_lossy();
    let extension = first.extension().unwrap_or_default().to_string_lossy();
    first.with_file_name(format!("{stem}-{number}.{extension}"))
}

fn explain(args: &MakeArgs, error: BuildError, lang: Lang) -> Fail {
    Fail::Said(match error {
        BuildError::Scenario(fault) => {
            let file = match &fault.file {
                Some(name) => args.scenario.with_file_name(name),
                None => args.scenario.clone(),
            };
            texts::FAULT_AT.fill(
                lang,
                &[
                    ("file", &file.display()),
                    ("line", &fault.line),
                    ("column", &fault.column),
                    ("fault", &fault_text(&fault.kind, lang)),
                ],
            )
        }
        BuildError::Read(error) => {
            texts::CANNOT_READ.fill(lang, &[("file", &args.scenario.display()), ("error", &error)])
        }
        BuildError::Write(error) => {
            texts::CANNOT_WRITE.fill(lang, &[("file", &args.output.display()), ("error", &error)])
        }
    })
}

/// The sentence for a fault, without its place.
fn fault_text(kind: &ScenarioErrorKind, lang: Lang) -> String {
    let word = kind.subject();
    let text = match kind {
        ScenarioErrorKind::UnknownDirective(_) => texts::UNKNOWN_DIRECTIVE,
        ScenarioErrorKind::UnknownOperation(_) => texts::UNKNOWN_OPERATION,
        ScenarioErrorKind::UnknownProcess(_) => texts::UNKNOWN_PROCESS,
        ScenarioErrorKind::AmbiguousProcess(_) => texts::AMBIGUOUS_PROCESS,
        ScenarioErrorKind::UnknownVariable(_) => texts::UNKNOWN_VARIABLE,
        ScenarioErrorKind::UnknownModule(_) => texts::UNKNOWN_MODULE,
        ScenarioErrorKind::UnknownStack(_) => texts::UNKNOWN_STACK,
        ScenarioErrorKind::UnknownArgument(_) => texts::UNKNOWN_ARGUMENT,
        ScenarioErrorKind::MissingArgument(_) => texts::MISSING_ARGUMENT,
        ScenarioErrorKind::BadValue { .. } => texts::BAD_VALUE,
        ScenarioErrorKind::Duplicate(_) => texts::DUPLICATE,
        ScenarioErrorKind::Unclosed(_) => texts::UNCLOSED,
        ScenarioErrorKind::Indented => texts::INDENTED,
        ScenarioErrorKind::TooLate => texts::TOO_LATE,
        ScenarioErrorKind::NoStart => texts::NO_START,
        ScenarioErrorKind::Include { .. } => texts::INCLUDE,
        ScenarioErrorKind::NotUtf8 => texts::NOT_UTF8,
    };
    let (mut expected, mut reason) = ("", "");
    match kind {
        ScenarioErrorKind::BadValue { expected: known, .. } => expected = texts::expected(known, lang),
        ScenarioErrorKind::Include { reason: known, .. } => reason = known,
        _ => {}
    }
    text.fill(lang, &[("word", &word), ("expected", &expected), ("reason", &reason)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_read_well_in_both_languages() {
        let kind = ScenarioErrorKind::BadValue { expected: "a number", found: "x".into() };
        assert_eq!(fault_text(&kind, Lang::En), "\"x\" is not what belongs here: a number");
        assert_eq!(fault_text(&kind, Lang::ZhCn), "“x”不符合要求，此处应为：数字");
        let kind = ScenarioErrorKind::Include { name: "a".into(), reason: "gone".into() };
        assert_eq!(fault_text(&kind, Lang::En), "cannot include a: gone");
    }
}
