//! File operations other than information queries.

use crate::pml::write::details::{Body, CreateFile, DirectoryEntry, Lock, MappingSection, Transfer, sid_bytes};

use super::args::{Args, bits, number};
use super::error::ScenarioError;
use super::event::Moment;
use super::machine::Parser;
use super::names;

/// Operations that carry a path and nothing else.
const PLAIN: &[(&str, u16)] = &[
    ("CloseFile", 38),
    ("IRP_MJ_CLOSE", 22),
    ("FlushBuffersFile", 29),
    ("FASTIO_RELEASE_FOR_CC_FLUSH", 14),
    ("FASTIO_ACQUIRE_FOR_CC_FLUSH", 15),
    ("FASTIO_RELEASE_FOR_MOD_WRITE", 16),
    ("FASTIO_RELEASE_FOR_SECTION_SYNCHRONIZATION", 18),
];

impl Parser<'_> {
    /// The body of a file operation, `None` when `name` is not one of these.
    pub(super) fn file_operation(
        &self,
        name: &str,
        args: &mut Args,
        moment: &Moment,
    ) -> Result<Option<Body>, ScenarioError> {
        let details = moment.details;
        if let Some((_, operation)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Ok(Some(details.plain(*operation, &args.need("path")?.text)));
        }
        let body = match name {
            "CreateFile" => create_file(args, moment)?,
            "ReadFile" | "WriteFile" => transfer(name == "WriteFile", args, moment)?,
            "CreateFileMapping" => self.mapping(args, moment)?,
            "LockFile" | "UnlockFileSingle" | "UnlockFileAll" | "UnlockFileByKey" => {
                let path = args.need("path")?.text;
                let minor = match name {
                    "LockFile" => 1,
                    "UnlockFileSingle" => 2,
                    "UnlockFileAll" => 3,
                    _ => 4,
                };
                let lock = Lock {
                    minor,
                    key: args.number32("key", 0)?,
                    offset: args.signed("offset", 0)?,
                    length: args.signed("length", 0)?,
                    fail_immediately: args.flag("fail-immediately", false)?,
                    exclusive: args.flag("exclusive", false)?,
                };
                details.lock(&path, &lock)
            }
            "QueryDirectory" => query_directory(args, moment)?,
            "NotifyChangeDirectory" => {
                let path = args.need("path")?.text;
                let filter = args.bits32("filter", names::NOTIFY, 3)?;
                details.notify_directory(&path, args.number32("length", 4096)?, filter)
            }
            "FileSystemControl" | "DeviceIoControl" => {
                let operation = if name == "FileSystemControl" { 33 } else { 34 };
                let path = args.need("path")?.text;
                let word = args.take_needed("code")?;
                let code = bits(&word, names::CONTROLS)?;
                let code = u32::try_from(code).map_err(|_| word.bad("a control code"))?;
                details.control(operation, &path, code, args.number32("out", 0)?, args.number32("in", 0)?)
            }
            "QuerySecurityFile" | "SetSecurityFile" => {
                let operation = if name == "QuerySecurityFile" { 40 } else { 41 };
                let path = args.need("path")?.text;
                let information = args.bits32("information", names::SECURITY, 7)?;
                details.two_numbers(operation, &path, information, args.number32("length", 0)?)
            }
            "QueryEAFile" | "SetEAFile" => {
                let operation = if name == "QueryEAFile" { 27 } else { 28 };
                let path = args.need("path")?.text;
                details.two_numbers(operation, &path, args.number32("length", 4096)?, 0)
            }
            "FASTIO_ACQUIRE_FOR_MOD_WRITE" => {
                let path = args.need("path")?.text;
                details.acquire_for_mod_write(&path, args.signed("end", 0)?)
            }
            _ => return Ok(None),
        };
        Ok(Some(body))
    }

    fn mapping(&self, args: &mut Args, moment: &Moment) -> Result<Body, ScenarioError> {
        let path = args.need("path")?.text;
        let sync_type = match args.take("sync") {
            None => 1,
            Some(word) => match word.text.as_str() {
                "CREATE_SECTION" => 1,
                "OTHER" => 0,
                _ => return Err(word.bad("CREATE_SECTION or OTHER")),
            },
        };
        let allocation_word = args.take("allocation");
        let allocation = allocation_word.as_ref().map_or(Ok(0), |word| bits(word, names::SECTIONS))? as u32;
        if let Some(word) = allocation_word.filter(|_| !self.header.is_64_bit) {
            return Err(word.bad("no allocation in a 32-bit capture: it is not recorded there"));
        }
        let section = MappingSection {
            sync_type,
            protection: args.bits32("protect", names::PROTECTIONS, 2)?,
            output: args.number("output", 0)?,
            allocation,
        };
        Ok(moment.details.create_mapping(&path, &section))
    }
}

/// Share modes: `RWD` letters, names, or `none`.
fn share(args: &mut Args) -> Result<u16, ScenarioError> {
    let word = args.take_needed("share")?;
    let letters = word.text.chars().try_fold(0, |bits, letter| match letter {
        'R' => Some(bits | 1),
        'W' => Some(bits | 2),
        'D' => Some(bits | 4),
        _ => None,
    });
    if let Some(bits) = letters {
        return Ok(bits);
    }
    Ok((bits(&word, &[(1, "READ"), (2, "WRITE"), (4, "DELETE")])? & 7) as u16)
}

fn create_file(args: &mut Args, moment: &Moment) -> Result<Body, ScenarioError> {
    let path = args.need("path")?.text;
    let access_word = args.take_needed("access")?;
    let access = u32::try_from(bits(&access_word, &names::access())?).map_err(|_| access_word.bad("an access mask"))?;
    let disposition = args.bits32("disposition", &names::dispositions(), 1)?;
    let tag = args.take("tag").map(|word| number(&word)).transpose()?;
    let opened = match args.take("opened") {
        Some(word) => Some(bits(&word, names::OPEN_RESULTS)?),
        // What the disposition does when the file is as expected: overwriting meets one, creating none.
        None => Some(match disposition {
            0 => 0,
            2 => 2,
            4 | 5 => 3,
            _ => 1,
        }),
    };
    let impersonated = match args.take("impersonating") {
        Some(word) => sid_bytes(&word.text).ok_or_else(|| word.bad("a SID such as S-1-5-18"))?,
        None => Vec::new(),
    };
    let create = CreateFile {
        access,
        disposition: disposition as u8,
        options: args.bits32("options", &names::options(), 0)?,
        attributes: args.bits32("attributes", &names::attributes(), 0)? as u16,
        share: share(args)?,
        ea_length: args.number32("ea-length", 0)?,
        allocation_size: args.signed("allocation-size", 0)?,
        impersonated,
        information: if moment.succeeded() { tag.or(opened) } else { None },
    };
    Ok(moment.details.create_file(&path, &create))
}

fn transfer(write: bool, args: &mut Args, moment: &Moment) -> Result<Body, ScenarioError> {
    let path = args.need("path")?.text;
    let length = args.number32("length", 4096)?;
    let priority = args.bits32("priority", names::PRIORITIES, 3)?;
    let flags = args.bits32("io", names::IO_FLAGS, 0)? | priority << 17;
    let moved = args.number32("returned", length)?;
    let transfer = Transfer {
        write,
        fast: args.flag("fast", false)?,
        length,
        key: args.number32("key", 0)?,
        offset: args.signed("offset", 0)?,
        flags,
        returned: Some(moved).filter(|moved| moment.succeeded() && *moved > 0),
    };
    Ok(moment.details.transfer(&path, &transfer))
}

/// `entry=NAME;SHORT;ID;ATTRIBUTES;SIZE`, the parts after the name optional.
fn query_directory(args: &mut Args, moment: &Moment) -> Result<Body, ScenarioError> {
    let path = args.need("path")?.text;
    let pattern = args.take("pattern").map(|word| word.text);
    let length = args.number32("length", 4096)?;
    let mut entries = Vec::new();
    for word in args.all("entry") {
        let mut parts = word.text.split(';');
        let mut part = || parts.next().unwrap_or_default().trim().to_owned();
        let mut entry = DirectoryEntry { name: part(), short_name: part(), time: moment.start, ..Default::default() };
        let number_of = |text: String, default: u64| {
            if text.is_empty() { Ok(default) } else { number(&super::lex::Word { text, ..word.clone() }) }
        };
        entry.id = number_of(part(), 0)?;
        let attributes = part();
        entry.attributes = match attributes.as_str() {
            "" => 0x20,
            text => bits(&super::lex::Word { text: text.to_owned(), ..word.clone() }, &names::attributes())? as u32,
        };
        entry.size = number_of(part(), 0)?;
        entries.push(entry);
    }
    let entries = moment.succeeded().then_some(entries.as_slice());
    Ok(moment.details.query_directory(&path, pattern.as_deref(), length, entries))
}
