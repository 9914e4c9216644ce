//! Names of component directories and of packages.

/// A component directory's name: `arch_name_token_version_culture_hash`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ComponentDir {
    /// `amd64`, `x86`, `wow64`, `arm64`, `arm`, `msil`.
    pub arch: String,
    /// The component, cut to 19 + `..` + 19 characters when longer than 40.
    pub name: String,
    /// Public key token, 16 hex digits.
    pub token: String,
    /// Four decimal numbers.
    pub version: String,
    /// `none` or a locale.
    pub culture: String,
    /// 16 hex digits that depend on the identity; the same on every machine.
    pub hash: String,
}

impl ComponentDir {
    /// Parses from the right, since the name may hold `_`.
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, hash) = text.rsplit_once('_')?;
        let (rest, culture) = rest.rsplit_once('_')?;
        let (rest, version) = rest.rsplit_once('_')?;
        let (rest, token) = rest.rsplit_once('_')?;
        let (arch, name) = rest.split_once('_')?;
        let is_hex = |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let known =
            ["amd64", "x86", "wow64", "arm64", "arm", "msil"].iter().any(|known| arch.eq_ignore_ascii_case(known));
        (known && is_hex(hash) && is_hex(token) && is_version(version) && !culture.is_empty() && !name.is_empty()).then(
            || Self {
                arch: arch.to_owned(),
                name: name.to_owned(),
                token: token.to_owned(),
                version: version.to_owned(),
                culture: culture.to_owned(),
                hash: hash.to_owned(),
            },
        )
    }

    /// Whether the name was cut to fit; the full one cannot be told from it.
    pub fn name_shortened(&self) -> bool {
        self.name.contains("..")
    }

    /// Whether `full`, a component's full name in any case, has this (perhaps cut) name.
    pub fn has_name(&self, full: &str) -> bool {
        self.name.eq_ignore_ascii_case(&short_name(full))
    }
}

fn is_version(text: &str) -> bool {
    let mut numbers = 0;
    text.split('.').all(|part| {
        numbers += 1;
        !part.is_empty() && part.len() <= 10 && part.bytes().all(|byte| byte.is_ascii_digit())
    }) && numbers == 4
}

/// A component's name as a directory carries it: lower case, and 19 + `..` + 19 characters when longer than 40.
pub fn short_name(full: &str) -> String {
    let lower: Vec<char> = full.to_lowercase().chars().collect();
    if lower.len() <= 40 {
        return lower.into_iter().collect();
    }
    let head = lower.iter().take(19).collect::<String>();
    let tail = lower.iter().skip(lower.len().saturating_sub(19)).collect::<String>();
    format!("{head}..{tail}")
}

/// A package identity: `Name~token~arch~culture~version`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Package {
    /// The identity as printed.
    pub identity: String,
    /// First part.
    pub name: String,
    /// Last part.
    pub version: String,
    /// Third part.
    pub arch: String,
    /// The KB number in the name, if it has one.
    pub kb: Option<String>,
}

impl Package {
    /// Parses an identity with its four tildes.
    pub fn parse(identity: &str) -> Option<Self> {
        let parts: Vec<&str> = identity.split('~').collect();
        let [name, _token, arch, _culture, version] = parts.as_slice() else { return None };
        (!name.is_empty() && is_version(version)).then(|| Self {
            identity: identity.to_owned(),
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            arch: (*arch).to_owned(),
            kb: kb_numbers(name).next(),
        })
    }
}

/// Every `KB` followed by digits in a text, in upper case.
pub fn kb_numbers(text: &str) -> impl Iterator<Item = String> + '_ {
    text.match_indices(['K', 'k']).filter_map(|(at, _)| {
        let rest = text.get(at + 1..)?.strip_prefix(['B', 'b'])?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (6..=8).contains(&digits).then(|| rest.get(..digits).map(|number| format!("KB{number}"))).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_parsed_from_the_right() {
        let dir = ComponentDir::parse(
            "amd64_microsoft-windows-u..access-userdataapis_31bf3856ad364e35_10.0.17763.1697_none_5752cb98931362d4",
        )
        .unwrap();
        assert_eq!(dir.name, "microsoft-windows-u..access-userdataapis");
        assert!(dir.name_shortened());
        assert_eq!((dir.version.as_str(), dir.hash.as_str()), ("10.0.17763.1697", "5752cb98931362d4"));
        let dir = ComponentDir::parse("wow64_a_b_c_31bf3856ad364e35_10.0.1.2_zh-cn_0123456789abcdef").unwrap();
        assert_eq!((dir.arch.as_str(), dir.name.as_str(), dir.culture.as_str()), ("wow64", "a_b_c", "zh-cn"));
        assert_eq!(ComponentDir::parse("amd64_x_31bf3856ad364e35_10.0.1_none_0123456789abcdef"), None);
        assert_eq!(ComponentDir::parse("Manifests"), None);
    }

    #[test]
    fn long_names_are_cut_in_the_middle() {
        assert_eq!(short_name("Microsoft-Windows-Security-NGC-Container"), "microsoft-windows-security-ngc-container");
        let cut = short_name("Microsoft-Windows-UserDataAccess-UserDataApis");
        assert_eq!((cut.as_str(), cut.len()), ("microsoft-windows-u..access-userdataapis", 40));
    }

    #[test]
    fn packages_and_their_kb() {
        let package = Package::parse("Package_8300_for_KB5013941~31bf3856ad364e35~amd64~~10.0.1.6").unwrap();
        assert_eq!(package.kb.as_deref(), Some("KB5013941"));
        assert_eq!((package.version.as_str(), package.arch.as_str()), ("10.0.1.6", "amd64"));
        assert_eq!(Package::parse("Package_for_RollupFix~31bf3856ad364e35~amd64~~17763.2928.1.6").unwrap().kb, None);
        assert_eq!(Package::parse("no identity"), None);
    }
}
