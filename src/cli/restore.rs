//! `pmlblame restore`: names put back into redacted text.

use super::exit::Exit;
use super::fail::Fail;
use super::options::GlobalArgs;
use super::redact::bad_key;
use super::{output, term};
use crate::export::hide;
use crate::import::{Format, open_text};
use crate::lang::{Lang, recover as t};
use crate::redact::{KeyFile, Redaction, Restoration};
use clap::Args;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// Unknown names shown.
const SHOWN: usize = 5;

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// What `--redact` wrote: JSON, JSON lines, CSV, XML or the text of a report; also gzipped.
    #[arg(value_name = "REDACTED", help_heading = "Input")]
    pub input: PathBuf,
    /// The key file of that redaction.
    #[arg(long, visible_alias = "redact-key", value_name = "FILE", help_heading = "Input")]
    pub key: PathBuf,
    /// Where the text with its names goes, whole or not at all; `-` is stdout.
    #[arg(long, short, value_name = "FILE|-", default_value = "-", help_heading = "Output")]
    pub output: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, is a capture, or cannot be written.
pub fn run_restore(args: &RestoreArgs, global: &GlobalArgs) -> Result<Exit, Fail> {
    let lang = global.language();
    let read = |path: &Path| {
        let path = path.to_owned();
        move |source| Fail::Read { path, source }
    };
    for input in [&args.input, &args.key] {
        output::check_places(input, Some(&args.output), lang)?;
    }
    let key = std::fs::read_to_string(&args.key).map_err(read(&args.key))?;
    let restoration = KeyFile::parse(&key).and_then(|key| Restoration::new(&key));
    let restoration = restoration.map_err(|error| bad_key(&args.key, &error, lang))?;
    let (format, text) = open_text(&args.input).map_err(read(&args.input))?;
    if format == Some(Format::Pml) {
        return Err(Fail::Said(t::NO_RESTORE.fill(lang, &[("file", &args.input.display())])));
    }
    let mut back = Back { restoration, foreign: 0 };
    let mut text = BufReader::with_capacity(1 << 20, text);
    output::write(&args.output, |out| {
        back.run(&mut text, out).map_err(|error| match error {
            Ended::Read(error) => read(&args.input)(error),
            Ended::Write(error) => output::written(&args.output)(error),
        })
    })?;
    // Stdout may be where the text goes.
    if !global.quiet {
        back.lines(lang).iter().for_each(|line| term::warn(line));
    }
    Ok(Exit::Done)
}

/// Which side failed.
enum Ended {
    Read(io::Error),
    Write(io::Error),
}

/// Puts names back piece by piece, as the form of the text asks.
struct Back {
    restoration: Restoration,
    /// Pieces that are not UTF-8.
    foreign: u64,
}

impl Back {
    fn run(&mut self, text: &mut dyn BufRead, out: &mut dyn Write) -> Result<(), Ended> {
        const MARK: &[u8] = b"\xEF\xBB\xBF";
        if text.fill_buf().map_err(Ended::Read)?.starts_with(MARK) {
            out.write_all(MARK).map_err(Ended::Write)?;
            text.consume(MARK.len());
        }
        let head = text.fill_buf().map_err(Ended::Read)?;
        match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') => self.json(text, out),
            Some(b'<') => self.xml(text, out),
            _ => self.lines_of(text, out),
        }
    }

    /// The strings of JSON, one value or one a line, without their escapes.
    fn json(&mut self, text: &mut dyn BufRead, out: &mut dyn Write) -> Result<(), Ended> {
        let (mut piece, mut last, mut is_code, mut in_list) = (Vec::new(), String::new(), false, false);
        while until(text, b'"', &mut piece)? {
            let opens = piece.pop_if(|byte| *byte == b'"').is_some();
            out.write_all(&piece).map_err(Ended::Write)?;
            if !opens {
                break;
            }
            // A code, or one of a list of them, follows the name of its field.
            let signs: Vec<u8> = piece.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            is_code = match signs.as_slice() {
                b":" | b":[" => Redaction::is_code(&last),
                b"," => is_code && in_list,
                _ => false,
            };
            in_list = signs == b":[" || in_list && signs == b",";
            let mut literal = vec![b'"'];
            loop {
                if !until(text, b'"', &mut piece)? {
                    break;
                }
                literal.extend_from_slice(&piece);
                let inside = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
                let escapes = inside.iter().rev().take_while(|byte| **byte == b'\\').count();
                if piece.last() == Some(&b'"') && escapes % 2 == 0 {
                    break;
                }
            }
            let shown = serde_json::from_slice::<String>(&literal).ok();
            last = shown.clone().unwrap_or_default();
            let restored = shown.and_then(|shown| {
                let restored = if is_code { self.restoration.code(&shown) } else { self.shown(&shown) };
                (restored != shown).then(|| serde_json::to_vec(&restored).ok()).flatten()
            });
            out.write_all(restored.as_deref().unwrap_or(&literal)).map_err(Ended::Write)?;
        }
        Ok(())
    }

    /// The text between the tags of XML.
    fn xml(&mut self, text: &mut dyn BufRead, out: &mut dyn Write) -> Result<(), Ended> {
        let mut piece = Vec::new();
        let mut is_version = false;
        while until(text, b'<', &mut piece)? {
            let tag = piece.pop_if(|byte| *byte == b'<').is_some();
            match std::str::from_utf8(&piece) {
                Ok(shown) => {
                    let plain = quick_xml::escape::unescape(shown).unwrap_or(shown.into());
                    let restored = if is_version { self.restoration.code(&plain) } else { self.shown(&plain) };
                    out.write_all(escaped_alike(shown, &restored).as_bytes()).map_err(Ended::Write)?;
                }
                Err(_) => {
                    self.foreign += 1;
                    out.write_all(&piece).map_err(Ended::Write)?;
                }
            }
            is_version = false;
            if tag {
                until(text, b'>', &mut piece)?;
                is_version = piece == b"Version>";
                out.write_all(b"<").and_then(|()| out.write_all(&piece)).map_err(Ended::Write)?;
            }
        }
        Ok(())
    }

    /// Lines, each in the pieces that fields and cells make of it.
    fn lines_of(&mut self, text: &mut dyn BufRead, out: &mut dyn Write) -> Result<(), Ended> {
        let mut line = Vec::new();
        while until(text, b'\n', &mut line)? {
            match std::str::from_utf8(&line) {
                Ok(shown) => {
                    for piece in shown.split_inclusive(['"', '\t', '│', '┆', '|', '\n', '\r']) {
                        let inside = piece.trim_end_matches(['"', '\t', '│', '┆', '|', '\n', '\r']);
                        let plain = inside.trim();
                        let lead = inside.len() - inside.trim_start().len();
                        let restored = self.shown(plain);
                        out.write_all(piece.get(..lead).unwrap_or_default().as_bytes()).map_err(Ended::Write)?;
                        out.write_all(restored.as_bytes()).map_err(Ended::Write)?;
                        let rest = piece.get(lead + plain.len()..).unwrap_or_default();
                        out.write_all(rest.as_bytes()).map_err(Ended::Write)?;
                    }
                }
                Err(_) => {
                    self.foreign += 1;
                    out.write_all(&line).map_err(Ended::Write)?;
                }
            }
        }
        Ok(())
    }

    /// A text with its names, in bytes shown as hex as well.
    fn shown(&mut self, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let text = self.restoration.text(text);
        let restoration = &mut self.restoration;
        hide::hex_replaced(&text, |bytes| restoration.bytes(bytes))
    }

    fn lines(&self, lang: Lang) -> Vec<String> {
        let done = self.restoration.done();
        let mut lines = vec![match done.places {
            0 => t::NOTHING_RESTORED.get(lang).to_owned(),
            places => t::RESTORED.fill(lang, &[("places", &places)]),
        }];
        if !done.unknown.is_empty() {
            let mut names: Vec<&str> = done.unknown.iter().map(String::as_str).take(SHOWN).collect();
            if done.unknown.len() > SHOWN {
                names.push("…");
            }
            let names = names.join(lang.comma());
            lines.push(t::NOT_IN_KEY.fill(lang, &[("n", &done.unknown.len()), ("names", &names)]));
        }
        if self.foreign > 0 {
            lines.push(t::NOT_TEXT.fill(lang, &[("n", &self.foreign)]));
        }
        lines
    }
}

/// `restored`, of as many UTF-16 units as what `raw` stands for, with the character references of `raw` where nothing
/// changed.
fn escaped_alike(raw: &str, restored: &str) -> String {
    let units: Vec<u16> = restored.encode_utf16().collect();
    let (mut out, mut changed, mut at, mut rest) = (String::new(), Vec::new(), 0, raw);
    let flush = |out: &mut String, changed: &mut Vec<u16>| {
        out.push_str(&quick_xml::escape::partial_escape(String::from_utf16_lossy(changed)));
        changed.clear();
    };
    while let Some(first) = rest.chars().next() {
        let reference = rest.find(';').filter(|_| first == '&').map(|end| rest.split_at(end + 1));
        let plain = reference.and_then(|(token, _)| quick_xml::escape::unescape(token).ok().filter(|s| *s != token));
        let (token, behind) = reference.filter(|_| plain.is_some()).unwrap_or_else(|| rest.split_at(first.len_utf8()));
        let here: Vec<u16> = plain.as_deref().unwrap_or(token).encode_utf16().collect();
        let new = units.get(at..at + here.len()).unwrap_or_default();
        if new == here {
            flush(&mut out, &mut changed);
            out.push_str(token);
        } else {
            changed.extend_from_slice(new);
        }
        (at, rest) = (at + here.len(), behind);
    }
    changed.extend_from_slice(units.get(at..).unwrap_or_default());
    flush(&mut out, &mut changed);
    out
}

/// Reads up to and with `end`; false at the end of the text.
fn until(text: &mut dyn BufRead, end: u8, into: &mut Vec<u8>) -> Result<bool, Ended> {
    into.clear();
    text.read_until(end, into).map(|count| count > 0).map_err(Ended::Read)
}
