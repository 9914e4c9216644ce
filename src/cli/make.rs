//! `pmlblame make`: builds a capture from a scenario file.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use crate::lang::Lang;
use crate::lang::scenario as texts;
use crate::scenario::{self, BuildError, ScenarioErrorKind};

/// Arguments of `make`.
#[derive(Debug, clap::Args)]
pub struct MakeArgs {
    /// The scenario, a text file (see docs/scenario-format.md)
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// The capture to write
    #[arg(short, long, value_name = "FILE.PML")]
    pub output: PathBuf,
}

/// Builds the capture, whole or not at all, and gives the sentence to print; the error is a sentence too.
pub fn make(args: &MakeArgs, lang: Lang) -> Result<String, String> {
    let explain = |error: BuildError| match error {
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
        BuildError::Write(error) => write_failed(&args.output, &error, lang),
    };
    let parsed = scenario::parse_file(&args.scenario).map_err(explain)?;
    let unwritable = |error: io::Error| write_failed(&args.output, &error, lang);
    let file = temporary_beside(&args.output).map_err(unwritable)?;
    let file = scenario::write(&parsed, file).map_err(|error| write_failed(&args.output, &error, lang))?;
    file.persist(&args.output).map_err(|error| unwritable(error.error))?;
    Ok(texts::BUILT.fill(lang, &[("file", &args.output.display()), ("events", &parsed.event_count())]))
}

fn write_failed(output: &Path, error: &dyn std::fmt::Display, lang: Lang) -> String {
    texts::CANNOT_WRITE.fill(lang, &[("file", &output.display()), ("error", &error)])
}

/// A temporary file in the folder of `output`, so that the final rename stays on one volume.
fn temporary_beside(output: &Path) -> io::Result<NamedTempFile> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = Builder::new();
    builder.prefix(".pmlblame-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Temporary files are private by default; a capture gets what the umask gives any new file.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
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
