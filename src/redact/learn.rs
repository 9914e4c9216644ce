//! Finds names: given as such, or told by the text around them.

use super::found::Found;
use super::name::{Kind, Name, Scope};
use super::redactor::Redactor;
use super::units::{fold, fold_unit, views};
use super::{address, fields, patterns, url, words};
use std::net::IpAddr;

/// Attempts at a pseudonym nobody has yet.
const ATTEMPTS: u32 = 1_000;

impl Redactor {
    /// Learns one name.
    pub fn learn(&mut self, kind: Kind, name: &str) {
        let name = name.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let folded = fold(name);
        if folded.is_empty() || !folded.chars().any(char::is_alphanumeric) {
            return;
        }
        let scope = words::scope(kind, &folded);
        if let Some(known) = self.names.get_mut(&folded) {
            // A short host's name that is also the computer's is replaced as the computer's.
            if scope > known.scope {
                (known.kind, known.scope) = (kind, scope);
            }
            return;
        }
        let mut chosen = Vec::new();
        for attempt in 0..ATTEMPTS {
            chosen = self.candidate(kind, &folded, attempt);
            let text = String::from_utf16_lossy(&chosen);
            // Neither the name itself nor another's, nor a word of every path: mapping back must be possible.
            if text != folded
                && !words::is_plain(&text)
                && !self.taken.contains_key(&text)
                && !self.names.contains_key(&text)
            {
                break;
            }
        }
        self.taken.insert(String::from_utf16_lossy(&chosen), ());
        self.names.insert(folded, Name { kind, original: name.to_owned(), pseudonym: chosen, scope });
    }

    /// A pseudonym for `folded`. That of a dotted host or domain is made of those of its labels, so that a host is the
    /// same with and without its domain.
    fn candidate(&self, kind: Kind, folded: &str, attempt: u32) -> Vec<u16> {
        if !matches!(kind, Kind::Computer | Kind::Domain | Kind::Host) {
            return self.secret.name(folded, attempt);
        }
        let mut chosen = Vec::new();
        for (place, label) in folded.split('.').enumerate() {
            if place > 0 {
                chosen.push(u16::from(b'.'));
            }
            match self.names.get(label) {
                Some(known) => chosen.extend_from_slice(&known.pseudonym),
                None => chosen.extend(self.secret.name(label, attempt)),
            }
        }
        chosen
    }

    /// Learns the computer's name.
    pub fn learn_computer(&mut self, name: &str) {
        self.learn(Kind::Computer, name);
    }

    /// Takes from the account of the system what its authority is called in its language (`NT-AUTORITÄT\SYSTEM`):
    /// accounts of it are left alone. Before any account is learned.
    pub fn leave_authority(&mut self, system: &str) {
        if let Some((domain, _)) = system.split_once('\\') {
            self.authorities.push(fold(domain));
        }
    }

    fn is_authority(&self, folded: &str) -> bool {
        words::is_authority(folded) || self.authorities.iter().any(|known| known == folded)
    }

    /// Learns an account as Windows shows it, `DOMAIN\user`, `user@domain` or `user`. Accounts of the system itself
    /// (`NT AUTHORITY\…`, `Window Manager\DWM-1`) are left alone.
    pub fn learn_account(&mut self, account: &str) {
        let account = account.trim();
        if account.is_empty() || account.starts_with("S-1-") {
            return;
        }
        let (domain, user) = match account.split_once('\\') {
            Some((domain, user)) => (Some(domain), user),
            None => match account.split_once('@') {
                Some((user, domain)) => (Some(domain), user),
                None => (None, account),
            },
        };
        if let Some(domain) = domain {
            if self.is_authority(&fold(domain)) || is_desktop_account(user) {
                return;
            }
            self.learn(Kind::Domain, domain);
        }
        self.learn(Kind::User, user);
        // The computer's own account.
        if let Some(machine) = user.strip_suffix('$') {
            self.learn(Kind::Computer, machine);
        }
    }

    /// Learns a host name; of a dotted one also the first part.
    pub fn learn_host(&mut self, name: &str) {
        let name = name.trim().trim_end_matches('.');
        let folded = fold(name);
        if words::is_own_host(&folded) || name.len() < 2 {
            return;
        }
        if let Ok(address) = name.parse::<IpAddr>() {
            self.learn_address(address);
            return;
        }
        if let Some((first, domain)) = name.split_once('.') {
            let folded = fold(first);
            let says_something = !words::is_service(&folded) && !words::is_own_host(&folded);
            let is_number = first.bytes().all(|byte| byte.is_ascii_digit());
            if first.len() >= 2 && says_something && !is_number {
                self.learn(Kind::Host, first);
            }
            // `local` and `com` alone are nobody's.
            if domain.contains('.') {
                self.learn(Kind::Domain, domain);
            }
        }
        self.learn(Kind::Host, name);
    }

    /// Learns the host of an address in a text. Of a public one the parts alone are words (`download`), or names of
    /// products (`nvidia`), unless a number tells the machine.
    fn learn_url_host(&mut self, name: &str) {
        let name = name.trim_end_matches('.');
        let folded = fold(name);
        let Some((first, domain)) = name.split_once('.') else { return self.learn_host(name) };
        if url::is_internal(&folded) || name.parse::<IpAddr>().is_ok() {
            return self.learn_host(name);
        }
        let tells = |c: char| c.is_ascii_digit();
        if first.contains(tells) && first.contains(char::is_alphabetic) && domain.contains('.') {
            self.learn(Kind::Host, first);
        }
        self.learn(Kind::Host, name);
    }

    /// Learns from the path of a collected file: collectors name archives and logs after the machine
    /// (`DESKTOP-A1B2_CBS.log`). A part in capitals, or with a digit or a hyphen, is taken for such a name.
    pub fn learn_collected(&mut self, path: &str) {
        for part in path.split(['/', '\\', '_', '.', ' ', '(', ')', '[', ']']) {
            let folded = fold(part);
            let looks_so = part.contains(|c: char| c.is_ascii_digit() || c == '-')
                || part.len() > 2 && part.bytes().all(|byte| byte.is_ascii_uppercase());
            let letters = folded.chars().filter(|c| c.is_alphabetic()).count();
            let says_else = words::is_of_files(&folded)
                || folded.strip_prefix("kb").is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
            if looks_so && letters >= 2 && !says_else {
                self.learn(Kind::Host, part);
            }
        }
    }

    /// Learns an address. Those that say nothing about anybody (loopback, unspecified, broadcast, multicast) are left.
    pub fn learn_address(&mut self, address: IpAddr) {
        let text = address.to_string();
        if address::is_nobodys(address) || self.names.contains_key(&text) {
            return;
        }
        let mut pseudonym = address;
        for attempt in 0..ATTEMPTS {
            pseudonym = address::disguise(&self.secret, address, attempt);
            let text = pseudonym.to_string();
            if pseudonym != address && !self.taken.contains_key(&text) && !self.names.contains_key(&text) {
                break;
            }
        }
        let shown = pseudonym.to_string();
        self.taken.insert(shown.clone(), ());
        let name = Name {
            kind: Kind::Address,
            original: text.clone(),
            pseudonym: shown.encode_utf16().collect(),
            scope: Scope::Word,
        };
        self.names.insert(text, name);
    }

    /// Learns what a text gives away: profile folders, servers of UNC paths, SIDs, addresses, and the variables of an
    /// environment that name the user, the machine and the domain.
    pub fn learn_text(&mut self, text: &str) {
        let folded: Vec<u16> = text.encode_utf16().map(fold_unit).collect();
        let units: Vec<u16> = text.encode_utf16().collect();
        self.learn_units(&units, &folded, true);
    }

    /// Learns from the version of a file, in which four numbers are no address.
    pub fn learn_version(&mut self, version: &str) {
        self.learn_text(version.get(patterns::version_number(version.chars())..).unwrap_or_default());
    }

    /// `whole`: the text ends where it ends, and is not followed by whatever lay in memory.
    fn learn_units(&mut self, units: &[u16], folded: &[u16], whole: bool) {
        for (found, range) in patterns::find(folded, &self.roots) {
            let text = String::from_utf16_lossy(units.get(range).unwrap_or_default());
            match found {
                Found::OpenProfile if !whole => {}
                Found::Profile | Found::OpenProfile if words::is_nobodys(&text) => {}
                Found::Profile | Found::OpenProfile => self.learn(Kind::Profile, &text),
                Found::Server => self.learn_host(&text),
                Found::UrlHost => self.learn_url_host(&text),
                Found::UrlUser | Found::Mail => self.learn(Kind::User, &text),
                Found::Sid => self.learn_sid(&text),
                Found::Address => {
                    if let Ok(address) = text.parse() {
                        self.learn_address(address);
                    }
                }
                Found::UserVariable => self.learn_account(&text),
                Found::ComputerVariable => self.learn_computer(text.trim_start_matches('\\')),
                Found::DomainVariable => {
                    if !self.is_authority(&fold(&text)) {
                        self.learn(Kind::Domain, &text);
                    }
                }
            }
        }
    }

    fn learn_sid(&mut self, text: &str) {
        if self.names.contains_key(&fold(text)) {
            return;
        }
        let units: Vec<u16> = text.encode_utf16().collect();
        let Some(pseudonym) = address::disguise_sid_text(&self.secret, &units) else { return };
        let name = Name { kind: Kind::Sid, original: text.to_owned(), pseudonym, scope: Scope::Word };
        self.names.insert(fold(text), name);
    }

    /// Learns what bytes give away, read as ASCII and as UTF-16 at either alignment.
    pub fn learn_bytes(&mut self, bytes: &[u8]) {
        for view in views(bytes) {
            let folded: Vec<u16> = view.iter().copied().map(fold_unit).collect();
            self.learn_units(&view, &folded, false);
        }
        for sid in address::find_sids(bytes) {
            if let Some(sid) = bytes.get(sid) {
                self.learn_sid(&crate::nt::Sid(sid).to_string());
            }
        }
    }

    /// Learns from every string of a JSON value.
    pub fn learn_json(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::String(text) => self.learn_text(text),
            serde_json::Value::Array(values) => values.iter().for_each(|value| self.learn_json(value)),
            serde_json::Value::Object(fields) => {
                for (key, value) in fields {
                    match (key.as_str(), value) {
                        ("computer", serde_json::Value::String(text)) => self.learn_computer(text),
                        ("user", serde_json::Value::String(text)) => self.learn_account(text),
                        // The version of a package looks like an address.
                        (key, serde_json::Value::String(_)) if fields::holds_code(key) => {}
                        _ => self.learn_json(value),
                    }
                }
            }
            _ => {}
        }
    }
}

/// `DWM-1`, `UMFD-0`: accounts of desktops, whatever the language of their authority.
fn is_desktop_account(user: &str) -> bool {
    ["DWM-", "UMFD-"].iter().any(|prefix| {
        user.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    })
}
