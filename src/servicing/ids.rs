//! The ids in in-flight names and the ids of sessions: each hides a clock.
//!
//! A 32-digit id is 16 bytes printed in memory order, little-endian fields: FILETIME, a counter that grows within
//! the process, the low halves of the process id and of the thread id. That the last field is the thread is
//! inferred; the process is shown by published logs that print the same number beside it.

use crate::nt::FileTime;

/// A decoded 32-digit id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFlightId {
    /// The digits as printed, lower case.
    pub id: String,
    /// When the id was made.
    pub time: FileTime,
    /// Grows with every id the process makes.
    pub counter: u32,
    /// Low 16 bits of the id of the process that made it.
    pub pid16: u16,
    /// Low 16 bits of its thread's id (inferred).
    pub tid16: u16,
}

impl InFlightId {
    /// Decodes exactly 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return None;
        }
        let mut bytes = [0u8; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = pair else { return None };
            *byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
        }
        let [t0, t1, t2, t3, t4, t5, t6, t7, c0, c1, c2, c3, p0, p1, q0, q1] = bytes;
        Some(Self {
            id: text.to_ascii_lowercase(),
            time: FileTime(u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7])),
            counter: u32::from_le_bytes([c0, c1, c2, c3]),
            pid16: u16::from_le_bytes([p0, p1]),
            tid16: u16::from_le_bytes([q0, q1]),
        })
    }

    /// Whether the time is one a running Windows can have shown (2006 to 2100); other hex names are no ids.
    pub fn plausible(&self) -> bool {
        (127_806_336_000_000_000..157_469_184_000_000_000).contains(&self.time.0)
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The time in a session id: `high_low`, two decimal halves of a FILETIME.
pub fn session_time(id: &str) -> Option<FileTime> {
    let (high, low) = id.split_once('_')?;
    let (high, low): (u32, u32) = (high.parse().ok()?, low.parse().ok()?);
    Some(FileTime(u64::from(high) << 32 | u64::from(low)))
}

/// What a path below `WinSxS\Temp` says about its maker.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct InFlightPath {
    /// The in-flight folder: one per transaction.
    pub transaction: Option<InFlightId>,
    /// The id in the file's own name.
    pub file: Option<InFlightId>,
    /// The file's name without an id in front.
    pub name: Option<String>,
    /// The component directory the file belongs to, when the path names it.
    pub component: Option<String>,
    /// Whether the path lies below `WinSxS\Temp`.
    pub in_flight: bool,
}

impl InFlightPath {
    /// Takes a path apart; works for every path, ids are found below `InFlight`, `PendingRenames` and
    /// `PendingDeletes` only.
    pub fn parse(path: &str) -> Self {
        let parts: Vec<&str> = path.split(['\\', '/']).filter(|part| !part.is_empty()).collect();
        let find = |name: &str| parts.iter().position(|part| part.eq_ignore_ascii_case(name));
        let mut found = Self::default();
        let below = find("WinSxS").map(|at| parts.get(at + 1..).unwrap_or_default()).unwrap_or_default();
        let (first, second) = (below.first().copied().unwrap_or(""), below.get(1).copied().unwrap_or(""));
        found.in_flight = first.eq_ignore_ascii_case("Temp");
        let mut rest = below;
        if found.in_flight {
            rest = below.get(2..).unwrap_or_default();
            if second.eq_ignore_ascii_case("InFlight")
                && let Some(id) = rest.first().and_then(|part| InFlightId::parse(part))
            {
                found.transaction = Some(id);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        found.component = rest
            .iter()
            .take(rest.len().saturating_sub(1))
            .find(|part| super::component::ComponentDir::parse(part).is_some())
            .map(|part| (*part).to_owned());
        let Some(last) = rest.last() else { return found };
        let split = last.get(..32).and_then(InFlightId::parse).filter(InFlightId::plausible);
        let tail = last.get(32..).and_then(|tail| tail.strip_prefix('_').or_else(|| tail.strip_prefix('.')));
        match (split, tail) {
            (Some(id), Some(tail)) if found.in_flight => {
                found.file = Some(id);
                found.name = Some(tail.to_owned());
            }
            _ => found.name = Some((*last).to_owned()),
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_time_process_and_thread() {
        let id = InFlightId::parse("e78f07ebd9dad801284b0000e80dc013").unwrap();
        assert_eq!(id.time.to_rfc3339(), "2022-10-08T05:50:49.3329383Z");
        assert_eq!((id.counter, id.pid16, id.tid16), (19240, 3560, 5056));
        assert_eq!(InFlightId::parse("e78f07ebd9dad801284b0000e80dc01"), None);
        assert_eq!(InFlightId::parse("g78f07ebd9dad801284b0000e80dc013"), None);
    }

    #[test]
    fn a_session_id_is_a_time() {
        assert_eq!(session_time("30989017_3186994012").unwrap().to_rfc3339(), "2022-10-08T05:49:33.7182044Z");
        assert_eq!(session_time("30989017"), None);
    }

    #[test]
    fn in_flight_names_are_taken_apart() {
        let path = InFlightPath::parse(
            "\\SystemRoot\\WinSxS\\Temp\\InFlight\\e78f07ebd9dad801284b0000e80dc013\\0ddc15ebd9dad8017d4b0000e80dc013_clipboardserver.dll",
        );
        assert_eq!(path.name.as_deref(), Some("clipboardserver.dll"));
        assert_eq!(path.file.unwrap().counter, 19325);
        assert_eq!(path.transaction.unwrap().pid16, 3560);
        assert_eq!(path.component, None);

        let path = InFlightPath::parse(
            "C:\\Windows\\winsxs\\temp\\inflight\\0787fa072fdbd801a2910000402b9c1d\\amd64_a_31bf3856ad364e35_10.0.17763.2928_none_1f0d8a4c6be97351\\r\\NgcCtnr.dll",
        );
        assert_eq!(path.component.as_deref(), Some("amd64_a_31bf3856ad364e35_10.0.17763.2928_none_1f0d8a4c6be97351"));
        assert_eq!((path.name.as_deref(), path.file.is_none(), path.in_flight), (Some("NgcCtnr.dll"), true, true));

        let path = InFlightPath::parse(
            "\\SystemRoot\\WinSxS\\Temp\\PendingRenames\\15ebfd072fdbd801c4910000402b9c1d.$$_system32_21f9.cdf-ms",
        );
        assert_eq!((path.name.as_deref(), path.transaction), (Some("$$_system32_21f9.cdf-ms"), None));
        assert!(path.file.is_some());

        let path = InFlightPath::parse("\\SystemRoot\\System32\\x.dll");
        assert_eq!((path.name.as_deref(), path.in_flight), (None, false));
    }
}
