//! Details of QueryVolumeInformation.

use super::super::sink::Sink;
use super::super::text;
use super::{masks, returned};
use crate::pml::FileDetail;
use crate::pml::detail::volume::{Attribute, Device, Size, Volume};
use crate::pml::event::Beyond;

pub(super) fn query<S: Sink>(file: FileDetail<'_>, extra: Option<Beyond<'_>>, sink: &mut S) -> Option<()> {
    let Some(extra) = extra else { return Some(()) };
    let block = extra.block();
    match file.sub_operation() {
        1 => {
            let volume = Volume::parse(extra)?;
            sink.date("VolumeCreationTime", "volume_creation_time", volume.created);
            sink.write("VolumeSerialNumber", "volume_serial_number", |out| {
                text::hex_upper(out, (volume.serial >> 16).into(), 4);
                out.push(b'-');
                text::hex_upper(out, (volume.serial & 0xFFFF).into(), 4);
            });
            sink.boolean("SupportsObjects", "supports_objects", volume.supports_objects);
            sink.wide("VolumeLabel", "volume_label", if S::TYPED { volume.label } else { volume.shown_label });
        }
        3 => {
            let size = Size::parse(block, false)?;
            sink.grouped("TotalAllocationUnits", "total_allocation_units", size.total);
            sink.grouped("AvailableAllocationUnits", "available_allocation_units", size.caller_available);
            units(size, sink);
        }
        4 => {
            let device = Device::parse(block)?;
            let (kind, characteristics) = (device.kind, device.characteristics);
            if S::TYPED {
                sink.hex("", "device_type", kind.into());
                sink.hex("", "characteristics", characteristics.into());
                return Some(());
            }
            // As readers of these files word them; no export that was seen has such a row.
            let name = (kind as usize).checked_sub(1).and_then(|at| masks::DEVICE_TYPES.get(at));
            match name {
                Some(name) => sink.word("DeviceType", "", name),
                None => sink.hex("DeviceType", "", kind.into()),
            }
            sink.write("Characteristics", "", |out| {
                masks::joined_with_rest(out, characteristics, &masks::CHARACTERISTICS);
            });
        }
        5 => {
            let attribute = Attribute::parse(block)?;
            let bits = attribute.attributes;
            sink.mask(
                "FileSystemAttributes",
                "file_system_attributes",
                bits,
                masks::VOLUME_ATTRIBUTES.into_iter(),
                |out| masks::joined_with_rest(out, bits, &masks::VOLUME_ATTRIBUTES),
            );
            let longest = attribute.maximum_name.into();
            sink.grouped("MaximumComponentNameLength", "maximum_component_name_length", longest);
            sink.wide("FileSystemName", "file_system_name", attribute.name);
        }
        7 => {
            let size = Size::parse(block, true)?;
            sink.grouped("TotalAllocationUnits", "total_allocation_units", size.total);
            sink.grouped("CallerAvailableAllocationUnits", "caller_available_allocation_units", size.caller_available);
            if let Some(available) = size.available {
                sink.grouped("ActualAvailableAllocationUnits", "actual_available_allocation_units", available);
            }
            units(size, sink);
        }
        8 => {
            let id = block.get(..16)?;
            sink.write("ObjectId", "object_id", |out| text::hex_bytes(out, id, ""));
        }
        _ => returned(block, sink),
    }
    Some(())
}

fn units<S: Sink>(size: Size, sink: &mut S) {
    sink.grouped("SectorsPerAllocationUnit", "sectors_per_allocation_unit", size.sectors_per_unit.into());
    sink.grouped("BytesPerSector", "bytes_per_sector", size.bytes_per_sector.into());
}
