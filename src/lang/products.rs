//! Vendor and product as one name, as each language writes it.
//!
//! The catalogue gives a product one name for both languages, the Chinese one in brackets: `Tianqing (天擎)`. An English
//! sentence takes the one, a Chinese sentence the other; names that are not of that form and hold English words stand
//! in a table here.

use super::{Lang, is_chinese};

/// Chinese names of catalogue products that their brackets do not give.
const CHINESE: &[(&str, &str)] = &[
    ("OfficeScan (防毒墙网络版) client", "防毒墙网络版（OfficeScan）客户端"),
    ("Deep Security Agent (服务器深度安全防护系统)", "服务器深度安全防护系统（Deep Security）客户端"),
    ("EDR / ESM agent", "EDR / ESM 客户端"),
    ("OfficeScan / Apex One / Worry-Free agent", "OfficeScan / Apex One / Worry-Free 客户端"),
    ("360 kernel", "360 内核组件"),
    ("Qianxin kernel", "奇安信内核组件"),
    ("Cloud workload agent (云镜/主机安全)", "主机安全（云镜）"),
    ("iOA (零信任)", "iOA 零信任"),
    ("EDR / aES agent", "EDR / aES 客户端"),
    ("aTrust / EasyConnect / access client", "aTrust / EasyConnect 客户端"),
    ("UniAccess (LeagView) agent", "UniAccess（LeagView）客户端"),
    ("Tianxun (天珣) endpoint", "天珣"),
    ("EDR / endpoint defence", "EDR / 终端防护"),
    ("Cobra DocGuard (CDG)", "电子文档安全管理系统（CDG）"),
    ("Green Shield (绿盾) encryption / DLP", "绿盾"),
    ("Chinasec (安元) data security", "Chinasec（安元）"),
    ("Encryption", "加密软件"),
    ("Endpoint detection", "终端检测"),
    ("Defender Antivirus", "Defender 防病毒"),
    ("Configuration Manager client", "Configuration Manager 客户端"),
    ("Windows servicing", "Windows 更新组件"),
    ("Windows components that read system files", "Windows 系统组件"),
    ("Tanium Client", "Tanium 客户端"),
    ("BigFix client", "BigFix 客户端"),
    ("Backup agent", "备份代理"),
    ("DG Agent", "DG 客户端"),
];

/// English names of catalogue products that dropping the brackets does not give.
const ENGLISH: &[(&str, &str)] =
    &[("G01 网防", "G01"), ("Windows components that read system files", "Windows component")];

/// A vendor, by both names, and a product, as one name.
///
/// ```
/// use pmlblame::lang::{Lang, products::name};
/// assert_eq!(name("Qianxin", Some("奇安信"), Some("Tianqing (天擎)"), Lang::En), "Qianxin Tianqing");
/// assert_eq!(name("Qianxin", Some("奇安信"), Some("Tianqing (天擎)"), Lang::ZhCn), "奇安信天擎");
/// ```
pub fn name(vendor_en: &str, vendor_zh: Option<&str>, product: Option<&str>, lang: Lang) -> String {
    let vendor = match lang {
        Lang::En => vendor_en,
        Lang::ZhCn => vendor_zh.unwrap_or(vendor_en),
    };
    let Some(product) = product.map(|product| self::product(product, lang)).filter(|product| !product.is_empty())
    else {
        return vendor.to_owned();
    };
    // A product that begins with its vendor's name, in either language, stands alone.
    let begins = |name: &str| {
        let first = name.split(' ').next().unwrap_or(name).to_lowercase();
        !first.is_empty() && product.to_lowercase().starts_with(&first)
    };
    if begins(vendor) || begins(vendor_en) {
        return product;
    }
    // Qihoo 360 makes 360 Safeguard: what both names share is said once.
    let ends = vendor.char_indices().skip(1).map(|(at, _)| vendor.split_at(at));
    let mut shared = ends.filter(|(head, tail)| {
        head.ends_with(|c: char| c == ' ' || is_chinese(c)) && tail.chars().count() > 1 && product.starts_with(tail)
    });
    if let Some((head, _)) = shared.next() {
        return format!("{head}{product}");
    }
    let close_up = vendor.ends_with(is_chinese) && product.starts_with(is_chinese);
    format!("{vendor}{}{product}", if close_up { "" } else { " " })
}

/// A product as `lang` writes it.
pub fn product(product: &str, lang: Lang) -> String {
    let table = match lang {
        Lang::En => ENGLISH,
        Lang::ZhCn => CHINESE,
    };
    if let Some((_, known)) = table.iter().find(|(name, _)| *name == product) {
        return (*known).to_owned();
    }
    let brackets = product.split_once('(').and_then(|(before, rest)| {
        let (inside, behind) = rest.split_once(')')?;
        inside.contains(is_chinese).then_some((before.trim_end(), inside, behind))
    });
    match (lang, brackets) {
        (_, None) => product.to_owned(),
        (Lang::En, Some((before, _, behind))) if !before.is_empty() => format!("{before}{behind}"),
        (_, Some((_, inside, _))) => inside.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{name, product};
    use crate::lang::{Lang, is_chinese};

    /// Every product of the embedded catalogue.
    fn catalogue() -> Vec<String> {
        let rows = csv::Reader::from_reader(include_str!("../blame/data/security-products.csv").as_bytes());
        let mut products: Vec<String> = rows.into_records().map(|row| row.unwrap()[2].to_owned()).collect();
        products.sort_unstable();
        products.dedup();
        products
    }

    #[test]
    fn english_names_hold_no_chinese_and_chinese_ones_no_english_nouns() {
        for known in catalogue() {
            let (en, zh) = (product(&known, Lang::En), product(&known, Lang::ZhCn));
            assert!(!en.contains(is_chinese) && !en.is_empty(), "{known}: {en}");
            let english = ["client", "agent ", "kernel", "endpoint def", "components", "encryption", "servicing"];
            for word in english {
                assert!(!format!("{zh} ").contains(word), "{known}: {zh}");
            }
            assert!(!zh.contains('(') || !zh.contains(is_chinese), "{known}: {zh}");
        }
    }

    #[test]
    fn every_row_of_the_tables_is_a_product() {
        let products = catalogue();
        let known = super::CHINESE.iter().chain(super::ENGLISH).map(|(name, _)| (*name).to_owned());
        let unknown: Vec<String> = known.filter(|name| !products.contains(name)).collect();
        assert_eq!(unknown, Vec::<String>::new());
    }

    #[test]
    fn vendor_and_product_read_as_one_name() {
        let both = |en, zh, product| {
            (name(en, Some(zh), Some(product), Lang::En), name(en, Some(zh), Some(product), Lang::ZhCn))
        };
        let expect =
            |found: (String, String), en: &str, zh: &str| assert_eq!((found.0.as_str(), found.1.as_str()), (en, zh));
        expect(
            both("AsiaInfo Security", "亚信安全", "OfficeScan (防毒墙网络版) client"),
            "AsiaInfo Security OfficeScan client",
            "亚信安全防毒墙网络版（OfficeScan）客户端",
        );
        expect(
            both("Huorong", "火绒", "Huorong Internet Security (火绒安全)"),
            "Huorong Internet Security",
            "火绒安全",
        );
        expect(both("Microsoft", "微软", "Defender Antivirus"), "Microsoft Defender Antivirus", "微软 Defender 防病毒");
        expect(both("Kingsoft", "金山", "Duba (金山毒霸)"), "Kingsoft Duba", "金山毒霸");
        expect(both("Qihoo 360", "奇虎360", "360 Safeguard (360安全卫士)"), "Qihoo 360 Safeguard", "奇虎360安全卫士");
        assert_eq!(name("ESET", None, Some("ESET Endpoint / NOD32"), Lang::ZhCn), "ESET Endpoint / NOD32");
        assert_eq!(name("Acme", None, None, Lang::ZhCn), "Acme");
    }
}
