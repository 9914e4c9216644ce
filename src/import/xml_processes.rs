//! The process list of Procmon's XML export: processes with their modules, element by element.

use crate::capture::op::PathId;

/// A module of the process list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XmlModule {
    /// Load time, 100 ns since 1601 UTC.
    pub loaded: u64,
    /// Load address.
    pub base: u64,
    /// Path.
    pub path: String,
    /// FileVersion.
    pub version: String,
    /// CompanyName.
    pub company: String,
    /// FileDescription.
    pub description: String,
}

/// A process of the process list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XmlProcess {
    /// The driver's number, which events refer to.
    pub index: u32,
    /// Process id.
    pub pid: u32,
    /// Parent's process id.
    pub parent_pid: u32,
    /// Parent's number; often not in the list.
    pub parent_index: u32,
    /// Start, 100 ns since 1601 UTC; 0 unknown.
    pub created: u64,
    /// End; 0 while running.
    pub finished: u64,
    /// A 64-bit process, where the list tells.
    pub is_64_bit: Option<bool>,
    /// Image name.
    pub name: String,
    /// Image path.
    pub image_path: String,
    /// Command line.
    pub command_line: String,
    /// Account.
    pub owner: String,
    /// CompanyName.
    pub company: String,
    /// FileVersion.
    pub version: String,
    /// FileDescription.
    pub description: String,
    /// Its modules by path (a number of the stream's `module_paths`), with their load times.
    pub(crate) images: Vec<(PathId, u64)>,
    /// Its modules; kept only for the System process, whose modules are the kernel's.
    pub modules: Vec<XmlModule>,
}

/// A value of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessField {
    Index,
    Pid,
    ParentPid,
    ParentIndex,
    Created,
    Finished,
    Is64Bit,
    Name,
    ImagePath,
    CommandLine,
    Owner,
    Company,
    Version,
    Description,
}

/// A value of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModuleField {
    Loaded,
    Base,
    Path,
    Version,
    Company,
    Description,
}

impl XmlProcess {
    /// Takes the text of an element.
    pub(crate) fn store(&mut self, field: ProcessField, text: String) {
        let number = || text.trim().parse::<u32>().unwrap_or_default();
        let long = || text.trim().parse::<u64>().unwrap_or_default();
        match field {
            ProcessField::Index => self.index = number(),
            ProcessField::Pid => self.pid = number(),
            ProcessField::ParentPid => self.parent_pid = number(),
            ProcessField::ParentIndex => self.parent_index = number(),
            ProcessField::Created => self.created = long(),
            ProcessField::Finished => self.finished = long(),
            ProcessField::Is64Bit => self.is_64_bit = Some(number() != 0),
            ProcessField::Name => self.name = text,
            ProcessField::ImagePath => self.image_path = text,
            ProcessField::CommandLine => self.command_line = text,
            ProcessField::Owner => self.owner = text,
            ProcessField::Company => self.company = text,
            ProcessField::Version => self.version = text,
            ProcessField::Description => self.description = text,
        }
    }
}

impl XmlModule {
    /// Takes the text of an element.
    pub(crate) fn store(&mut self, field: ModuleField, text: String) {
        match field {
            ModuleField::Loaded => self.loaded = text.trim().parse().unwrap_or_default(),
            ModuleField::Base => self.base = address(&text),
            ModuleField::Path => self.path = text,
            ModuleField::Version => self.version = text,
            ModuleField::Company => self.company = text,
            ModuleField::Description => self.description = text,
        }
    }
}

/// An address in hex.
pub(crate) fn address(text: &str) -> u64 {
    u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).unwrap_or_default()
}

/// The value that an element of a process holds.
pub(crate) fn process_field(name: &str) -> Option<ProcessField> {
    Some(match name {
        "ProcessIndex" => ProcessField::Index,
        "ProcessId" => ProcessField::Pid,
        "ParentProcessId" => ProcessField::ParentPid,
        "ParentProcessIndex" => ProcessField::ParentIndex,
        "CreateTime" => ProcessField::Created,
        "FinishTime" => ProcessField::Finished,
        "Is64bit" => ProcessField::Is64Bit,
        "ProcessName" => ProcessField::Name,
        "ImagePath" => ProcessField::ImagePath,
        "CommandLine" => ProcessField::CommandLine,
        "Owner" => ProcessField::Owner,
        "CompanyName" => ProcessField::Company,
        "Version" => ProcessField::Version,
        "Description" => ProcessField::Description,
        _ => return None,
    })
}

/// The value that an element of a module holds.
pub(crate) fn module_field(name: &str) -> Option<ModuleField> {
    Some(match name {
        "Timestamp" => ModuleField::Loaded,
        "BaseAddress" => ModuleField::Base,
        "Path" => ModuleField::Path,
        "Version" => ModuleField::Version,
        "Company" => ModuleField::Company,
        "Description" => ModuleField::Description,
        _ => return None,
    })
}
