//! The tables behind the events: processes, strings, icons, hosts and ports.

use std::io::{Seek, Write};

use super::structs::process_record;
use super::{PmlWriter, WriteError};

impl<W: Write + Seek> PmlWriter<W> {
    /// Writes a count and one table-relative offset per record, the first record following directly.
    fn write_directory(
        &mut self,
        what: &'static str,
        ids: Option<&[u32]>,
        sizes: impl ExactSizeIterator<Item = usize>,
    ) -> Result<(), WriteError> {
        let count = sizes.len();
        self.write_u32(what, count)?;
        for id in ids.unwrap_or_default() {
            self.write(&id.to_le_bytes())?;
        }
        let mut at = 4 + count * 4 + ids.map_or(0, <[u32]>::len) * 4;
        for size in sizes {
            self.write_u32(what, at)?;
            at += size;
        }
        Ok(())
    }

    pub(super) fn write_processes(&mut self) -> Result<(), WriteError> {
        let processes = std::mem::take(&mut self.processes);
        let indices: Vec<u32> = processes.iter().map(|process| process.index).collect();
        let records = processes
            .iter()
            .map(|process| process_record(process, self.header.is_64_bit))
            .collect::<Result<Vec<_>, _>>()?;
        self.write_directory("process table", Some(&indices), records.iter().map(Vec::len))?;
        records.iter().try_for_each(|record| self.write(record))
    }

    pub(super) fn write_strings(&mut self) -> Result<(), WriteError> {
        let strings = std::mem::take(&mut self.strings);
        // Only the entry at index 0 goes without a NUL.
        let size = |index: usize, text: &[u16]| if index == 0 { 0 } else { text.len() * 2 + 2 };
        self.write_directory("string table", None, strings.iter().enumerate().map(|(i, text)| 4 + size(i, text)))?;
        for (index, text) in strings.iter().enumerate() {
            self.write_u32("string", size(index, text))?;
            if index > 0 {
                self.write_text(text)?;
            }
        }
        Ok(())
    }

    pub(super) fn write_icons(&mut self) -> Result<(), WriteError> {
        let icons = std::mem::take(&mut self.icons);
        self.write_directory("icon table", None, icons.iter().map(|(_, image)| 8 + image.len()))?;
        for (dimension, image) in icons {
            self.write(&dimension.to_le_bytes())?;
            self.write_u32("icon", image.len())?;
            self.write(&image)?;
        }
        Ok(())
    }

    pub(super) fn write_names(&mut self) -> Result<(), WriteError> {
        let mut hosts = std::mem::take(&mut self.hosts);
        hosts.sort_by_key(|host| host.address);
        self.write_u32("hosts table", hosts.len())?;
        for host in hosts {
            self.write(&host.address)?;
            self.write_name(&host.name)?;
        }
        let mut ports = std::mem::take(&mut self.ports);
        ports.sort_by_key(|port| (port.is_tcp, port.port));
        self.write_u32("ports table", ports.len())?;
        for port in ports {
            self.write(&port.port.to_le_bytes())?;
            self.write(&u16::from(port.is_tcp).to_le_bytes())?;
            self.write_name(&port.name)?;
        }
        Ok(())
    }

    fn write_name(&mut self, name: &[u16]) -> Result<(), WriteError> {
        if name.is_empty() {
            return self.write_u32("name", 0);
        }
        self.write_u32("name", name.len() * 2 + 2)?;
        self.write_text(name)
    }

    fn write_text(&mut self, text: &[u16]) -> Result<(), WriteError> {
        let bytes: Vec<u8> = text.iter().chain(&[0]).flat_map(|unit| unit.to_le_bytes()).collect();
        self.write(&bytes)
    }
}
