//! Process, registry, network and profiling events, and raw ones.

use crate::pml::write::details::{
    Body, Endpoint, ImageLoad, NewProcess, ProcessTotals, key_basic_info, value_partial_info,
};

use super::ModuleDecl;
use super::args::{Args, SECOND, bits, endpoint, number, number32};
use super::error::ScenarioError;
use super::event::Moment;
use super::lex::Word;
use super::machine::Parser;
use super::names;

/// Registry operations that carry a path and nothing else.
const KEY_PATHS: &[(&str, u16)] = &[
    ("RegCloseKey", 2),
    ("RegDeleteKey", 9),
    ("RegDeleteValue", 10),
    ("RegFlushKey", 11),
    ("RegUnloadKey", 13),
    ("RegQueryKeySecurity", 17),
];

impl Parser<'_> {
    /// The body of any other operation, `None` when `name` is not one.
    pub(super) fn other_operation(
        &mut self,
        name: &str,
        args: &mut Args,
        moment: &Moment,
    ) -> Result<Option<Body>, ScenarioError> {
        if name.starts_with("Reg") {
            return registry(name, args, moment);
        }
        let network =
            name.strip_prefix("TCP").map(|rest| (true, rest)).or(name.strip_prefix("UDP").map(|rest| (false, rest)));
        if let Some((is_tcp, rest)) = network {
            return network_event(is_tcp, rest, args, moment);
        }
        let details = moment.details;
        let body = match name {
            "ProcessCreate" | "ProcessDefined" => {
                let word = args.need("process")?;
                let child = self.find_process(&word, &word.text)?;
                let defined = name == "ProcessDefined";
                if !defined {
                    self.adopt(child, moment);
                }
                let Some(new) = self.processes.get(child) else { return Ok(None) };
                details.process_create(
                    &NewProcess {
                        index: new.index,
                        pid: new.pid,
                        parent_index: new.parent_index,
                        parent_pid: new.parent_pid,
                        session: new.session,
                        is_64_bit: new.is_64_bit,
                        created: new.started.unwrap_or(moment.time),
                        luid: new.luid,
                        virtualized: new.virtualized,
                        user: new.user_sid.clone(),
                        integrity: new.integrity_sid.clone(),
                        image: new.image.clone(),
                        command_line: new.command_line.clone(),
                    },
                    defined,
                )
            }
            "ProcessStart" => {
                let directory = args.text("directory");
                let environment: Vec<String> = args.all("env").into_iter().map(|word| word.text).collect();
                let Some(process) = self.processes.get(moment.process) else { return Ok(None) };
                details.process_start(process.parent_pid, &process.command_line, &directory, &environment)
            }
            "ProcessExit" | "ProcessStatistics" => {
                let is_exit = name == "ProcessExit";
                if let Some(process) = self.processes.get_mut(moment.process).filter(|_| is_exit) {
                    process.ended.get_or_insert(moment.time);
                }
                let totals = ProcessTotals {
                    status: args.number32("status", 0)?,
                    kernel: args.ticks("kernel", SECOND / 64)?,
                    user: args.ticks("user", SECOND / 64)?,
                    working_set: args.number("working-set", 6_500_000)?,
                    peak_working_set: args.number("peak-working-set", 9_000_000)?,
                    private: args.number("private", 2_400_000)?,
                    peak_private: args.number("peak-private", 3_100_000)?,
                };
                details.process_totals(if is_exit { 2 } else { 8 }, &totals)
            }
            "ThreadCreate" => details.thread_create(number32(&args.take_needed("tid")?)?),
            "ThreadExit" => {
                let status = args.number32("status", 0)?;
                details.thread_exit(status, args.ticks("kernel", 0)?, args.ticks("user", 0)?)
            }
            "LoadImage" => {
                let word = args.need("module")?;
                let module = self.loaded_module(&word, args, moment)?;
                details.load_image(&ImageLoad { base: module.base, size: module.size, path: module.path })
            }
            "ThreadProfiling" => {
                let (user, kernel) = (args.number32("user", 0)?, args.number32("kernel", 0)?);
                details.thread_profile(user, kernel, args.number32("switches", 1)?)
            }
            "ProcessProfiling" => {
                let (user, kernel) = (args.ticks("user", 0)?, args.ticks("kernel", 0)?);
                let working_set = args.number("working-set", 6_500_000)?;
                details.process_profile(user, kernel, working_set, args.number("private", 2_400_000)?)
            }
            "Raw" => Body {
                class: number32(&args.take_needed("class")?)?,
                operation: args.number("operation", 0)? as u16,
                detail: args.hex("detail")?.unwrap_or_default(),
                extra: args.hex("extra")?,
            },
            _ => return Ok(None),
        };
        Ok(Some(body))
    }

    /// The acting process becomes the parent, and now the start, of a process that gives neither.
    fn adopt(&mut self, child: usize, moment: &Moment) {
        let parent = self.processes.get(moment.process).map(|process| (process.pid, process.index));
        if let (Some(process), Some((pid, index))) = (self.processes.get_mut(child), parent) {
            process.started.get_or_insert(moment.time);
            if process.parent_pid == 0 {
                (process.parent_pid, process.parent_index) = (pid, index);
            }
        }
    }

    /// The module of a Load Image line, from now on in the process's list unless `listed=no`.
    fn loaded_module(&mut self, word: &Word, args: &mut Args, moment: &Moment) -> Result<ModuleDecl, ScenarioError> {
        let file_name = word.text.rsplit('\\').next().unwrap_or_default().to_ascii_lowercase();
        let own = self.processes.get(moment.process).filter(|process| process.image.eq_ignore_ascii_case(&word.text));
        let own = own.and_then(|process| process.modules.first().cloned());
        let known = own.or_else(|| self.images.get(&file_name).cloned());
        let mut module =
            known.unwrap_or_else(|| ModuleDecl { size: 0x8_0000, timestamp: 0x5B7A_0000, ..Default::default() });
        if word.text.contains('\\') || module.path.is_empty() {
            module.path.clone_from(&word.text);
        }
        module.size = args.number32("size", module.size)?;
        module.base = match args.take("base") {
            Some(base) => number(&base)?,
            None if module.base != 0 => module.base,
            None => self.free_base(module.size, moment.process == 0),
        };
        for (key, field) in [
            ("company", &mut module.company),
            ("version", &mut module.version),
            ("description", &mut module.description),
        ] {
            if let Some(word) = args.take(key) {
                *field = word.text;
            }
        }
        module.loaded = Some(moment.time);
        if args.flag("listed", true)?
            && let Some(process) = self.processes.get_mut(moment.process)
        {
            match process.modules.iter_mut().find(|known| known.base == module.base && known.path == module.path) {
                Some(known) => known.loaded = module.loaded,
                None => process.modules.push(module.clone()),
            }
        }
        Ok(module)
    }
}

/// The bytes of a registry value.
fn value_data(kind: u64, word: &Word) -> Result<Vec<u8>, ScenarioError> {
    Ok(match kind {
        4 => number32(word)?.to_le_bytes().to_vec(),
        11 => number(word)?.to_le_bytes().to_vec(),
        _ => word.text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect(),
    })
}

fn registry(name: &str, args: &mut Args, moment: &Moment) -> Result<Option<Body>, ScenarioError> {
    let details = moment.details;
    let path = args.need("path")?.text;
    if let Some((_, operation)) = KEY_PATHS.iter().find(|(known, _)| *known == name) {
        return Ok(Some(details.registry_path(*operation, &path)));
    }
    let body = match name {
        "RegOpenKey" | "RegCreateKey" => {
            let access = args.bits32("access", names::KEY_ACCESS, 0x2_0019)?;
            let created = args.flag("created", false)?;
            let granted = moment.succeeded().then_some((access, if created { 1 } else { 2 }));
            details.registry_open(u16::from(name == "RegCreateKey"), &path, access, granted)
        }
        "RegQueryKey" => {
            let class = args.number32("class", 7)?;
            let answer = args.hex("answer")?;
            details.registry_query(3, &path, args.number32("length", 4)?, class, answer)
        }
        "RegQueryValue" | "RegSetValue" => {
            let kind = args.bits32("type", names::REGISTRY_TYPES, 1)?;
            let data = args.take("value").map_or(Ok(Vec::new()), |word| value_data(u64::from(kind), &word))?;
            if name == "RegSetValue" {
                return Ok(Some(details.registry_set_value(&path, kind, &data)));
            }
            let length = args.number32("length", data.len() as u32 + 12)?;
            let answer = moment.succeeded().then(|| value_partial_info(kind, &data));
            details.registry_query(5, &path, length, 2, answer)
        }
        "RegEnumKey" | "RegEnumValue" => {
            let operation = if name == "RegEnumKey" { 7 } else { 6 };
            let index = args.number32("index", 0)?;
            let length = args.number32("length", 288)?;
            let key = args.take("name").filter(|_| moment.succeeded());
            let answer = match key {
                Some(word) => Some(key_basic_info(moment.start, &word.text)),
                None => args.hex("answer")?,
            };
            details.registry_enum(operation, &path, length, index, 0, answer)
        }
        _ => return Ok(None),
    };
    Ok(Some(body))
}

fn network_event(is_tcp: bool, rest: &str, args: &mut Args, moment: &Moment) -> Result<Option<Body>, ScenarioError> {
    let word = Word { place: args.head.clone(), key: None, text: rest.to_owned() };
    let Ok(operation) = bits(&word, names::NETWORK) else { return Ok(None) };
    let mut end = |key: &'static str| {
        let word = args.take_needed(key)?;
        endpoint(&word).map(|(address, port)| Endpoint { address, port })
    };
    let (from, to) = (end("from")?, end("to")?);
    let notes: Vec<String> = args.all("note").into_iter().map(|word| word.text).collect();
    let length = args.number32("length", 0)?;
    Ok(Some(moment.details.network(operation as u16, is_tcp, from, to, length, &notes)))
}
