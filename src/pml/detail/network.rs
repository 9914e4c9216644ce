//! Network events.

use crate::pml::bytes::{Wide, u16_at, u32_at};

/// A network event's detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network<'a> {
    flags: u16,
    /// Bytes moved.
    pub length: u32,
    /// The local side, also of a receive.
    pub source: Endpoint<'a>,
    /// The other side.
    pub destination: Endpoint<'a>,
    /// NUL-separated names and values in turn, ended by an empty string; what follows is not initialised.
    pub pairs: Wide<'a>,
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// As stored: IPv4 in the first four bytes.
    pub address: &'a [u8; 16],
    /// IPv4, else IPv6.
    pub is_ipv4: bool,
    /// Port.
    pub port: u16,
}

impl<'a> Network<'a> {
    /// Reads the detail.
    pub fn parse(detail: &'a [u8]) -> Option<Self> {
        let flags = u16_at(detail, 0)?;
        let endpoint = |ipv4_bit: u16, address: usize, port: usize| {
            Some(Endpoint {
                address: detail.get(address..)?.first_chunk()?,
                is_ipv4: flags & ipv4_bit != 0,
                port: u16_at(detail, port)?,
            })
        };
        Some(Self {
            flags,
            length: u32_at(detail, 4)?,
            source: endpoint(1, 8, 40)?,
            destination: endpoint(2, 24, 42)?,
            pairs: Wide(detail.get(44..)?),
        })
    }

    /// TCP, else UDP.
    pub const fn is_tcp(self) -> bool {
        self.flags & 4 != 0
    }

    /// Names and values.
    pub fn pairs(self) -> impl Iterator<Item = (Wide<'a>, Wide<'a>)> {
        let mut strings = super::process::strings(self.pairs);
        std::iter::from_fn(move || Some((strings.next()?, strings.next()?)))
    }
}
