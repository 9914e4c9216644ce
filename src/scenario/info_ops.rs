//! Queries and changes of file and volume information.

use crate::pml::write::details::{
    AllInfo, BasicInfo, Body, StandardInfo, StatInfo, Target, Times, all_info, basic_info, id_info, name_info,
    network_open_info, standard_info, stat_info,
};

use super::args::{Args, SECOND, bits, number};
use super::error::ScenarioError;
use super::event::Moment;
use super::machine::Parser;
use super::names;

/// Queries that scenarios give the answer of in hex, or none: name and class.
const BARE_QUERIES: &[(&str, u8)] = &[
    ("QueryEaInformationFile", 0x07),
    ("QueryStreamInformationFile", 0x16),
    ("QueryLinks", 0x2E),
    ("QueryRemoteProtocolInformation", 0x37),
    ("QueryCaseSensitiveInformation", 0x47),
];

/// Renames and links: name and class.
const TARGETS: &[(&str, u8)] = &[
    ("SetRenameInformationFile", 0x0A),
    ("SetRenameInformationEx", 0x41),
    ("SetRenameInformationExBypassAccessCheck", 0x42),
    ("SetLinkInformationFile", 0x0B),
    ("SetLinkInformationEx", 0x48),
];

impl Parser<'_> {
    /// The body of an information operation, `None` when `name` is not one.
    pub(super) fn info_operation(
        &self,
        name: &str,
        args: &mut Args,
        moment: &Moment,
    ) -> Result<Option<Body>, ScenarioError> {
        if let Some((_, class)) = TARGETS.iter().find(|(target, _)| *target == name) {
            return set_target(*class, args, moment).map(Some);
        }
        if let Some((_, class)) = BARE_QUERIES.iter().find(|(query, _)| *query == name) {
            let path = args.need("path")?.text;
            return query(*class, &path, 8, Vec::new(), args, moment).map(Some);
        }
        if let Some(body) = file_query(name, args, moment)? {
            return Ok(Some(body));
        }
        if let Some(body) = volume_query(name, args, moment)? {
            return Ok(Some(body));
        }
        set_info(name, args, moment)
    }
}

/// A query of `class`; `answer=HEX` replaces the answer that the other arguments made.
fn query(
    class: u8,
    path: &str,
    length: u32,
    answer: Vec<u8>,
    args: &mut Args,
    moment: &Moment,
) -> Result<Body, ScenarioError> {
    let answer = args.hex("answer")?.unwrap_or(answer);
    let answers = moment.succeeded() || moment.result == crate::nt::NtStatus::BUFFER_OVERFLOW;
    let length = args.number32("length", length)?;
    Ok(moment.details.query_info(25, path, class, length, Some(answer).filter(|answer| answers && !answer.is_empty())))
}

/// `created= accessed= written= changed= attributes=`
fn basic(args: &mut Args, moment: &Moment) -> Result<BasicInfo, ScenarioError> {
    let before = moment.start.saturating_sub(86_400 * SECOND);
    let creation = args.moment("created", moment.start, before)?;
    let write = args.moment("written", moment.start, creation)?;
    Ok(BasicInfo {
        times: Times {
            creation,
            access: args.moment("accessed", moment.start, write)?,
            write,
            change: args.moment("changed", moment.start, write)?,
        },
        attributes: args.bits32("attributes", &names::attributes(), 0x20)?,
    })
}

/// `size= allocation= links= delete-pending= directory=`
fn standard(args: &mut Args) -> Result<StandardInfo, ScenarioError> {
    let end_of_file = args.number("size", 0)?;
    Ok(StandardInfo {
        allocation: args.number("allocation", end_of_file.next_multiple_of(4096))?,
        end_of_file,
        links: args.number32("links", 1)?,
        delete_pending: args.flag("delete-pending", false)?,
        directory: args.flag("directory", false)?,
    })
}

fn file_query(name: &str, args: &mut Args, moment: &Moment) -> Result<Option<Body>, ScenarioError> {
    let class = match name {
        "QueryBasicInformationFile" => 0x04,
        "QueryStandardInformationFile" => 0x05,
        "QueryFileInternalInformationFile" => 0x06,
        "QueryNameInformationFile" => 0x09,
        "QueryAllInformationFile" => 0x12,
        "QueryNetworkOpenInformationFile" => 0x22,
        "QueryAttributeTagFile" => 0x23,
        "QueryNormalizedNameInformationFile" => 0x30,
        "QueryIdInformation" => 0x3B,
        "QueryStatInformation" => 0x44,
        "QueryOpen" => {
            let path = args.need("path")?.text;
            let (basic, standard) = (basic(args, moment)?, standard(args)?);
            let answer = network_open_info(&basic, standard.allocation, standard.end_of_file);
            return Ok(Some(moment.details.query_open(&path, Some(answer).filter(|_| moment.succeeded()))));
        }
        "QueryInformation" => {
            let class = args.take_needed("class")?;
            let class = u8::try_from(number(&class)?).map_err(|_| class.bad("an information class"))?;
            let path = args.need("path")?.text;
            return query(class, &path, 0, Vec::new(), args, moment).map(Some);
        }
        _ => return Ok(None),
    };
    let path = args.need("path")?.text;
    // A volume-relative name is what the file system answers with.
    let relative = path.get(2..).filter(|_| path.as_bytes().get(1) == Some(&b':')).unwrap_or(&path).to_owned();
    let answer = match class {
        0x04 => basic_info(&basic(args, moment)?),
        0x05 => standard_info(&standard(args)?),
        0x06 => args.number("id", 0)?.to_le_bytes().to_vec(),
        0x09 | 0x30 => name_info(&args.take("name").map_or(relative, |word| word.text)),
        0x12 => all_info(&AllInfo {
            basic: basic(args, moment)?,
            standard: standard(args)?,
            index_number: args.number("id", 0)?,
            ea_size: 0,
            access: args.bits32("access", &names::access(), 0x12_0089)?,
            position: 0,
            mode: args.bits32("mode", &names::options(), 0x20)?,
            alignment: 0,
            name: relative,
        }),
        0x22 => {
            let (basic, standard) = (basic(args, moment)?, standard(args)?);
            network_open_info(&basic, standard.allocation, standard.end_of_file)
        }
        0x23 => {
            let attributes = args.bits32("attributes", &names::attributes(), 0x20)?;
            [attributes.to_le_bytes(), args.number32("tag", 0)?.to_le_bytes()].concat()
        }
        0x3B => id_info(args.number("volume", 0)?, u128::from(args.number("id", 0)?)),
        _ => {
            let (basic, standard) = (basic(args, moment)?, standard(args)?);
            stat_info(&StatInfo {
                file_id: args.number("id", 0)?,
                basic,
                allocation: standard.allocation,
                end_of_file: standard.end_of_file,
                reparse_tag: args.number32("tag", 0)?,
                links: standard.links,
                effective_access: args.bits32("access", &names::access(), 0x12_0089)?,
            })
        }
    };
    query(class, &path, answer.len() as u32, answer, args, moment).map(Some)
}

fn volume_query(name: &str, args: &mut Args, moment: &Moment) -> Result<Option<Body>, ScenarioError> {
    let text = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let class = match name {
        "QueryInformationVolume" => 1,
        "QuerySizeInformationVolume" => 3,
        "QueryAttributeInformationVolume" => 5,
        "QueryFullSizeInformationVolume" => 7,
        "QueryVolumeInformation" => {
            let class = args.take_needed("class")?;
            u8::try_from(number(&class)?).map_err(|_| class.bad("an information class"))?
        }
        _ => return Ok(None),
    };
    let path = args.need("path")?.text;
    let mut answer = Vec::new();
    match class {
        1 => {
            let label = text(&args.text("label"));
            answer.extend_from_slice(&args.moment("created", moment.start, moment.start)?.to_le_bytes());
            answer.extend_from_slice(&args.number32("serial", 0x5A3C_11D2)?.to_le_bytes());
            answer.extend_from_slice(&(label.len() as u32).to_le_bytes());
            answer.extend_from_slice(&[1, 0]);
            answer.extend_from_slice(&label);
        }
        3 | 7 => {
            answer.extend_from_slice(&args.number("total", 31_000_000)?.to_le_bytes());
            let free = args.number("free", 12_000_000)?;
            for _ in 0..(if class == 7 { 2 } else { 1 }) {
                answer.extend_from_slice(&free.to_le_bytes());
            }
            answer.extend_from_slice(&[8, 0, 0, 0, 0, 2, 0, 0]);
        }
        5 => {
            let system = text(&args.take("name").map_or("NTFS".to_owned(), |word| word.text));
            answer.extend_from_slice(&args.number32("flags", 0x03E7_06FF)?.to_le_bytes());
            answer.extend_from_slice(&255_u32.to_le_bytes());
            answer.extend_from_slice(&(system.len() as u32).to_le_bytes());
            answer.extend_from_slice(&system);
        }
        _ => {}
    }
    let answer = args.hex("answer")?.unwrap_or(answer);
    let length = args.number32("length", answer.len() as u32)?;
    let answer = Some(answer).filter(|answer| moment.succeeded() && !answer.is_empty());
    Ok(Some(moment.details.query_info(30, &path, class, length, answer)))
}

fn set_info(name: &str, args: &mut Args, moment: &Moment) -> Result<Option<Body>, ScenarioError> {
    let class = match name {
        "SetBasicInformationFile" => 0x04,
        "SetDispositionInformationFile" => 0x0D,
        "SetPositionInformationFile" => 0x0E,
        "SetAllocationInformationFile" => 0x13,
        "SetEndOfFileInformationFile" => 0x14,
        "SetValidDataLengthInformationFile" => 0x27,
        "SetDispositionInformationEx" => 0x40,
        "SetInformation" => {
            let class = args.take_needed("class")?;
            u8::try_from(number(&class)?).map_err(|_| class.bad("an information class"))?
        }
        _ => return Ok(None),
    };
    let path = args.need("path")?.text;
    let buffer = match class {
        0x04 => {
            let none = moment.start;
            let mut buffer = Vec::new();
            for key in ["created", "accessed", "written", "changed"] {
                buffer.extend_from_slice(&args.moment(key, none, 0)?.to_le_bytes());
            }
            buffer.extend_from_slice(&args.bits32("attributes", &names::attributes(), 0)?.to_le_bytes());
            buffer.extend_from_slice(&[0; 4]);
            buffer
        }
        0x0D => vec![u8::from(args.flag("delete", true)?)],
        0x40 => {
            let word = args.take_needed("flags")?;
            (bits(&word, &names::disposition_flags())? as u32).to_le_bytes().to_vec()
        }
        0x0E | 0x13 | 0x14 | 0x27 => args.signed("size", 0)?.to_le_bytes().to_vec(),
        _ => Vec::new(),
    };
    let buffer = args.hex("buffer")?.unwrap_or(buffer);
    Ok(Some(moment.details.set_info(&path, class, &buffer, args.number("handle", 0)?)))
}

/// `to=` the new name in DOS form; `given=` as the caller wrote it when that differs.
fn set_target(class: u8, args: &mut Args, moment: &Moment) -> Result<Body, ScenarioError> {
    let path = args.need("path")?.text;
    let to = args.take_needed("to")?.text;
    let flags = if matches!(class, 0x0A | 0x0B) {
        u32::from(args.flag("replace", false)?)
    } else {
        args.bits32("flags", &names::rename_flags(), 0)?
    };
    let is_rename = matches!(class, 0x0A | 0x41 | 0x42);
    let target = Target {
        flags,
        root: args.number("root", 0)?,
        given: args.take("given").map_or_else(|| format!(r"\??\{to}"), |word| word.text),
        // The driver appends the resolved name to renames only.
        destination: is_rename.then_some(to),
        parent_object: args.number("parent-object", 0)?,
    };
    Ok(moment.details.set_target(&path, class, &target))
}
