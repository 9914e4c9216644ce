use super::*;

const A: &str = "amd64_aaa_31bf3856ad364e35_10.0.17763.1_none_0123456789abcdef";
const B: &str = "amd64_bbb_31bf3856ad364e35_10.0.17763.1_none_0123456789abcdee";
const C: &str = "amd64_bbb_31bf3856ad364e35_10.0.17763.2_none_0123456789abcdea";

fn english() -> String {
    format!(
        "Folder PATH listing for volume Windows\r\nVolume serial number is 1234-5678\r\nC:\\WINDOWS\\WINSXS\r\n\
         │   root.txt\r\n│   \r\n├───{A}\r\n│   │   one.dll\r\n│   │   \r\n│   ├───f\r\n│   │       one.dll\r\n│   │       \r\n\
         │   └───r\r\n│           one.dll\r\n│           \r\n├───{B}\r\n│       two.dll\r\n│       \r\n\
         └───Manifests\r\n        {A}.manifest\r\n        \r\n"
    )
}

fn summary(listing: &Listing) -> Vec<(String, Vec<String>)> {
    let files = |directory: &Directory| directory.files.keys().map(|file| file.to_string()).collect();
    listing.directories.iter().map(|(name, directory)| (name.clone(), files(directory))).collect()
}

fn wanted_summary() -> Vec<(String, Vec<String>)> {
    vec![
        (A.to_owned(), vec!["f\\one.dll".to_owned(), "one.dll".to_owned(), "r\\one.dll".to_owned()]),
        (B.to_owned(), vec!["two.dll".to_owned()]),
    ]
}

#[test]
fn english_tree_in_unicode_437_and_ascii() {
    let text = english();
    let listing = Listing::read(text.as_bytes()).unwrap();
    assert_eq!((listing.form, listing.unparsed, summary(&listing)), (Form::Tree, 0, wanted_summary()));
    assert_eq!(listing.manifests.len(), 1);

    let oem: Vec<u8> = text
        .chars()
        .map(|c| match c {
            '│' => 0xB3,
            '├' => 0xC3,
            '└' => 0xC0,
            '─' => 0xC4,
            c => u8::try_from(c).unwrap(),
        })
        .collect();
    let listing = Listing::read(oem.as_slice()).unwrap();
    assert_eq!((listing.unparsed, summary(&listing)), (0, wanted_summary()));

    let ascii = text.replace('│', "|").replace('├', "+").replace('└', "\\").replace('─', "-");
    let listing = Listing::read(ascii.as_bytes()).unwrap();
    assert_eq!((listing.unparsed, summary(&listing)), (0, wanted_summary()));
}

#[test]
fn chinese_tree_in_gbk_utf8_and_utf16() {
    let text = format!(
        "卷 系统 的文件夹 PATH 列表\r\n卷序列号为 1234-5678\r\nC:\\WINDOWS\\WINSXS\r\n\
         │  root.txt\r\n│  \r\n├─{A}\r\n│  │  one.dll\r\n│  │  \r\n│  ├─f\r\n│  │      one.dll\r\n│  │      \r\n\
         │  └─r\r\n│          one.dll\r\n│          \r\n├─{B}\r\n│      two.dll\r\n│      \r\n└─补丁\r\n        x.txt\r\n"
    );
    let (gbk, _, _) = encoding_rs::GBK.encode(&text);
    let wide: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for (bytes, encoding) in
        [(gbk.to_vec(), Encoding::Gbk), (text.clone().into_bytes(), Encoding::Utf8), (wide, Encoding::Utf16Le)]
    {
        let listing = Listing::read(bytes.as_slice()).unwrap();
        assert_eq!((listing.unparsed, summary(&listing)), (0, wanted_summary()), "{encoding:?}");
        assert_eq!(listing.form, Form::Tree);
    }
    assert_eq!(Listing::read(gbk.as_ref()).unwrap().encoding, Encoding::Gbk);
}

#[test]
fn plain_paths() {
    let text = format!(
        "C:\\Windows\\WinSxS\\{A}\r\nC:\\Windows\\WinSxS\\{A}\\one.dll\r\nC:\\Windows\\WinSxS\\{A}\\f\r\n\
         C:\\Windows\\WinSxS\\{A}\\f\\one.dll\r\nC:\\Windows\\WinSxS\\Manifests\\{A}.manifest\r\n"
    );
    let listing = Listing::read(text.as_bytes()).unwrap();
    assert_eq!((listing.form, listing.directories.len(), listing.manifests.len()), (Form::Paths, 1, 1));
    assert!(matches!(Listing::read("hello\nworld".as_bytes()), Err(ListingError::NotAListing)));
}

#[test]
fn what_lacks_is_ranked_by_the_log() {
    let good = english() + "C:\\x\r\n";
    let good = Listing::read(good.as_bytes()).unwrap();
    let paths = format!("C:\\Windows\\WinSxS\\{A}\\one.dll\r\nC:\\Windows\\WinSxS\\{A}\\f\\one.dll\r\n");
    let bad = Listing::read(paths.as_bytes()).unwrap();
    let item = |rank, path: &str, files| Lacking { rank, path: path.to_owned(), files };

    let found = compare(&bad, &good, &Wanted::default());
    let lost = format!("{A}\\r\\one.dll");
    assert_eq!(found.lacking, [item(Rank::Other, &lost, None), item(Rank::Other, B, Some(1))]);

    let wanted = Wanted { directories: vec![B.to_uppercase(), C.to_owned(), A.to_owned()], files: Vec::new() };
    let found = compare(&bad, &good, &wanted);
    assert_eq!(found.lacking, [item(Rank::AskedByLog, &lost, None), item(Rank::AskedByLog, B, Some(1))]);
    assert_eq!((found.not_on_good, found.present_on_bad), (vec![C.to_owned()], vec![A.to_owned()]));

    let wanted = Wanted { directories: vec![C.to_owned()], files: Vec::new() };
    assert_eq!(compare(&bad, &good, &wanted).lacking[0], item(Rank::SameComponent, B, Some(1)));

    let wanted = Wanted { directories: Vec::new(), files: vec![("BBB".into(), None, "two.dll".into())] };
    assert_eq!(compare(&bad, &good, &wanted).lacking[0], item(Rank::AskedByLog, B, Some(1)));
}

#[test]
fn levels_without_a_bar_below_one_with_it_keep_their_width() {
    let deep = "amd64_deep_31bf3856ad364e35_10.0.17763.1_none_0123456789abcdef";
    let tree = |branch: &str, last: &str, bar: &str| {
        format!(
            "{branch}{deep}\n{bar}{last}one\n{bar}    {last}two\n{bar}        {bar}x.txt\n{bar}        {bar}\n{bar}        {branch}three\n\
             {bar}        {bar}    y.txt\n{bar}        {bar}    \n{bar}        {last}four\n{bar}                z.txt\n{last}{B}\n        two.dll\n"
        )
    };
    let expected = ["one\\two\\four\\z.txt", "one\\two\\three\\y.txt", "one\\two\\x.txt"];
    for text in [tree("├─", "└─", "│  "), tree("├───", "└───", "│   "), tree("+---", "\\---", "|   ")]
    {
        let listing = Listing::read(text.as_bytes()).unwrap();
        assert_eq!(listing.unparsed, 0);
        assert_eq!(listing.directories[deep].files.keys().map(|file| &**file).collect::<Vec<_>>(), expected, "{text}");
        assert_eq!(listing.directories[B].files.keys().map(|file| &**file).collect::<Vec<_>>(), ["two.dll"]);
    }
}

#[test]
fn a_listing_of_folders_only_lacks_no_files() {
    let good = Listing::read(english().as_bytes()).unwrap();
    let bad =
        Listing::read(format!("C:\\WINDOWS\\WINSXS\r\n├───{A}\r\n│   ├───f\r\n│   └───r\r\n└───Temp\r\n").as_bytes())
            .unwrap();
    assert_eq!(bad.files(), 0);
    let lacking = compare(&bad, &good, &Wanted::default()).lacking;
    assert_eq!(lacking.iter().map(|item| item.path.as_str()).collect::<Vec<_>>(), [B]);
}
