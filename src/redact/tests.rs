use super::pseudonym::Secret;
use super::*;
use std::net::IpAddr;

mod scattered;

fn redactor() -> Redactor {
    let mut redactor = Redactor::with_secret(Secret([7; 32]));
    redactor.learn_computer("DESKTOP-A1B2");
    redactor.learn_account(r"CONTOSO\alice.doe");
    redactor.learn_account(r"NT AUTHORITY\SYSTEM");
    redactor.learn_account(r"Диспетчер окон\DWM-1");
    redactor.learn_account(r"DESKTOP-A1B2\bo");
    redactor.learn_account("张三");
    redactor.learn_host("filer01.corp.contoso.example");
    redactor.learn_text(r"C:\Users\Иван Петров\AppData\x.tmp");
    redactor.learn_text(r"C:\Users\user\AppData");
    redactor.learn_address("10.20.30.40".parse().unwrap());
    redactor.learn_address("2001:db8::12:34ff".parse().unwrap());
    redactor
}

#[test]
fn the_same_name_gets_the_same_pseudonym_in_any_case_and_length_stays() {
    let redaction = redactor().seal();
    let a = redaction.text(r"C:\Users\alice.doe\x");
    let b = redaction.text(r"c:\users\ALICE.DOE\x");
    assert_eq!(a[8..], b[8..].to_lowercase());
    // The case of letters shows, so that it can be put back.
    assert!(b.split('\\').nth(2).unwrap().chars().all(|c| c == '.' || c.is_ascii_uppercase()), "{b}");
    assert_eq!(a.len(), r"C:\Users\alice.doe\x".len());
    assert!(!a.contains("alice"), "{a}");
    // Letters stay letters, marks stay marks.
    let name = &a[9..18];
    assert!(name.bytes().enumerate().all(|(at, byte)| if at == 5 { byte == b'.' } else { byte.is_ascii_lowercase() }));
    // Another secret, another pseudonym.
    let mut other = Redactor::with_secret(Secret([8; 32]));
    other.learn_account("alice.doe");
    assert_ne!(other.seal().text(r"C:\Users\alice.doe\x"), a);
}

#[test]
fn everything_that_names_somebody_goes_and_the_rest_stays() {
    let redaction = redactor().seal();
    for (text, originals) in [
        (r"\\filer01\share\desktop-a1b2.log", &["filer01", "desktop-a1b2"][..]),
        (r"backup.exe /to:filer01.corp.contoso.example /as CONTOSO\Alice.Doe", &["filer01", "contoso", "alice"]),
        (r"D:\данные\ИВАН ПЕТРОВ\отчёт.docx", &["иван", "петров"]),
        (r"C:\Users\张三\x", &["张三"]),
        (r"C:\Users\bo\x", &[r"\bo\"]),
        (r"ping 10.20.30.40 -t 2001:db8::12:34ff", &["10.20.30.40", "2001:db8::12:34ff"]),
        (r"HKU\S-1-5-21-1111111111-222222222-3333333333-1001\Software", &["1111111111-222222222-3333333333", "-1001"]),
        ("curl http://192.168.7.9:8080/", &["192.168.7.9"]),
    ] {
        let out = redaction.text(text);
        assert_eq!(out.encode_utf16().count(), text.encode_utf16().count(), "{out}");
        for original in originals {
            assert!(!out.to_lowercase().contains(original), "{original} in {out}");
        }
    }
    for text in [
        r"C:\Windows\System32\user32.dll",
        r"C:\Windows\WinSxS\Temp\InFlight\about.boxes",
        r"C:\Program Files\Tool\1.2.3.4\tool.exe",
        r"C:\Windows\WinSxS\amd64_foo_31bf3856ad364e35_10.0.1.1_none_0\x.dll",
        r"NT AUTHORITY\SYSTEM",
        r"C:\Users\Public\Desktop",
        "S-1-5-18",
        "127.0.0.1",
        r"\\.\pipe\x",
        r"\\?\C:\Windows\x",
        "12:34:56",
    ] {
        assert_eq!(redaction.text(text), text);
    }
    // The account called "user": as a word, not within others.
    let out = redaction.text(r"C:\Users\user\user32.dll");
    assert!(out.starts_with(r"C:\Users\") && out.ends_with(r"\user32.dll") && !out.contains(r"\user\"), "{out}");
}

#[test]
fn bytes_are_searched_in_every_encoding_and_alignment() {
    let redaction = redactor().seal();
    let (first, second) = (redaction.text("ALICE.doe"), redaction.text("Alice.Doe"));
    assert_eq!(first.to_lowercase(), second.to_lowercase());
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for padding in 0..3 {
        let mut bytes = vec![0xCC; padding];
        bytes.extend_from_slice(b"xALICE.doex\0");
        bytes.extend(wide("Alice.Doe"));
        bytes.push(9);
        bytes.extend(wide("张三"));
        let before = bytes.len();
        redaction.bytes(&mut bytes);
        assert_eq!(bytes.len(), before);
        let mut same = vec![0xCC; padding];
        same.extend_from_slice(format!("x{first}x\0").as_bytes());
        same.extend(wide(&second));
        same.push(9);
        same.extend(wide(&redaction.text("张三")));
        assert_eq!(bytes, same);
    }
}

#[test]
fn sids_agree_in_text_and_in_bytes() {
    let redaction = redactor().seal();
    let mut bytes = vec![0xAA, 1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0];
    for part in [1_111_111_111u32, 222_222_222, 3_333_333_333, 1001] {
        bytes.extend_from_slice(&part.to_le_bytes());
    }
    bytes.push(0xBB);
    let text = redaction.text("S-1-5-21-1111111111-222222222-3333333333-1001");
    redaction.bytes(&mut bytes);
    assert_eq!(crate::nt::Sid(&bytes[1..29]).to_string(), text);
    assert_ne!(text, "S-1-5-21-1111111111-222222222-3333333333-1001");
    // The built-in administrator keeps its relative id, in the same disguised domain.
    let admin = redaction.text("S-1-5-21-1111111111-222222222-3333333333-500");
    assert_eq!(admin.rsplit_once('-').unwrap(), (text.rsplit_once('-').unwrap().0, "500"));
}

#[test]
fn addresses_keep_their_kind_and_length() {
    let redaction = redactor().seal();
    for address in ["10.20.30.40", "8.8.8.8", "2001:db8::12:34ff", "fe80::1"] {
        let address: IpAddr = address.parse().unwrap();
        let out = redaction.address(address);
        assert_ne!(out, address);
        assert_eq!(out.to_string().len(), address.to_string().len());
        assert_eq!(
            redaction.text(&format!("at {address} there")).contains(&address.to_string()),
            address.to_string() == "fe80::1"
        );
    }
    let v4 = [10, 20, 30, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let stored = redaction.stored_address(&v4);
    assert_eq!(redaction.text("10.20.30.40"), format!("{}.{}.{}.{}", stored[0], stored[1], stored[2], stored[3]));
    assert_eq!(redaction.address("127.0.0.1".parse().unwrap()).to_string(), "127.0.0.1");
}

#[test]
fn a_key_file_gives_the_same_pseudonyms_and_maps_back() {
    let redaction = redactor().seal();
    let key = KeyFile::parse(&redaction.key().to_json()).unwrap();
    let again = Redactor::from_key(&key).unwrap().seal();
    let text = r"CONTOSO\alice.doe on DESKTOP-A1B2 at 10.20.30.40, filer01.corp.contoso.example, 张三";
    assert_eq!(again.text(text), redaction.text(text));
    let mut back = Restoration::new(&key).unwrap();
    assert_eq!(back.text(&redaction.text(text)), text);
    assert_eq!(back.done(), Restored { places: 6, unknown: Vec::new() });
    // A name learned later does not change the others.
    let mut more = Redactor::from_key(&key).unwrap();
    more.learn_account("carol");
    assert_eq!(more.seal().text(text), redaction.text(text));
    assert!(KeyFile::parse("{}").is_err());
    assert!(KeyFile::parse(r#"{"schema":"pmlblame/redaction-key/1","secret":"00","names":[]}"#).is_err());
}

#[test]
fn environments_give_names_away() {
    let mut redactor = Redactor::with_secret(Secret([1; 32]));
    let block =
        "COMPUTERNAME=BUILD-HOST7\0LOGONSERVER=\\\\DC-MAIN2\0USERDNSDOMAIN=CORP.EXAMPLE\0USERNAME=svc_builder\0";
    let bytes: Vec<u8> = [9].into_iter().chain(block.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    redactor.learn_bytes(&bytes);
    let known: Vec<&str> = redactor.names.values().map(|name| name.original.as_str()).collect();
    assert_eq!(known, ["BUILD-HOST7", "DC-MAIN2", "CORP.EXAMPLE", "svc_builder"]);
}

#[test]
fn a_name_that_must_stay_hides_no_other() {
    let mut redactor = Redactor::with_secret(Secret([1; 32]));
    redactor.learn_account("abo");
    redactor.learn_account("bobby-tables");
    let out = redactor.seal().text("xabobby-tables");
    assert!(out.starts_with("xa") && !out.contains("bobby"), "{out}");
}

#[test]
fn json_is_replaced_but_for_codes() {
    let mut value = serde_json::json!({
        "schema": "pmlblame/case/1",
        "capture": { "computer": "DESKTOP-A1B2" },
        "failures": [ { "path": "C:\\Users\\alice.doe\\x", "result": "DELETE PENDING", "cause": "delete_pending" } ],
    });
    let mut redactor = Redactor::with_secret(Secret([7; 32]));
    redactor.learn_json(&value);
    let redaction = redactor.seal();
    redaction.json(&mut value);
    assert_eq!(value["failures"][0]["cause"], "delete_pending");
    let text = value.to_string();
    assert!(!text.contains("alice") && !text.contains("DESKTOP-A1B2") && text.contains("C:\\\\Users\\\\"), "{text}");
}

#[test]
fn ipv6_addresses_go_in_every_spelling_and_with_a_port() {
    let mut redactor = redactor();
    redactor.learn_address("2001:db8::1c2:3d4:5e6f:7a8b".parse().unwrap());
    redactor.learn_address("fe80::21a:2bff:fe3c:4d5e".parse().unwrap());
    let redaction = redactor.seal();
    let shown = |address: &str| redaction.address(address.parse().unwrap());
    let (first, second) = (shown("2001:db8::1c2:3d4:5e6f:7a8b"), shown("fe80::21a:2bff:fe3c:4d5e"));
    let groups = |address: IpAddr| {
        let IpAddr::V6(address) = address else { panic!("{address}") };
        address.segments().map(|segment| format!("{segment:x}")).join(":")
    };
    for (text, expected) in [
        ("2001:db8:0:0:1c2:3d4:5e6f:7a8b:49812", format!("{}:49812", groups(first))),
        ("2001:db8::1c2:3d4:5e6f:7a8b:49812 x", format!("{first}:49812 x")),
        ("2001:0DB8:0:0:1c2:3d4:5e6f:7a8b", {
            let (head, tail) = groups(first).split_once(':').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            format!("{head}:0{tail}")
        }),
        ("a -> fe80:0:0:0:21a:2bff:fe3c:4d5e:https", format!("a -> {}:https", groups(second))),
        ("fe80::21a:2bff:fe3c:4d5e:445", format!("{second}:445")),
        ("[fe80::21a:2bff:fe3c:4d5e]:domain", format!("[{second}]:domain")),
        ("fe80::21a:2bff:fe3c:4d5e:domain", format!("{second}:domain")),
        ("fd12:0:0:0:0:0:0:7:80", format!("{}:80", groups(shown("fd12::7")))),
    ] {
        assert_eq!(redaction.text(text).to_lowercase(), expected, "{text}");
    }
    for text in ["0:0:0:0:0:0:0:1:80", "12:34:56", "std::fmt::cafe", "a::b:https"] {
        assert_eq!(redaction.text(text), text);
    }
}

#[test]
fn addresses_as_path_components_go_when_private_or_learned_and_versions_stay() {
    let mut redactor = redactor();
    redactor.learn_address("20.1.2.3".parse().unwrap());
    redactor.learn_address("10.0.1.6".parse().unwrap());
    let redaction = redactor.seal();
    for text in [
        r"C:\Windows\WinSxS\Temp\InFlight\10.1.2.3\x.dll",
        r"HKCU\Software\Terminal Server Client\Servers\192.168.1.5",
        r"C:\x\20.1.2.3\y",
        r"C:\x\172.16.4.5",
        r"C:\x\10.0.1.6\y",
    ] {
        let out = redaction.text(text);
        let address = |text: &str| text.split('\\').find(|part| part.parse::<IpAddr>().is_ok()).unwrap().to_owned();
        let (from, to) = (address(text), address(&out));
        assert_ne!(from, to);
        assert_eq!(out, text.replace(&from, &to));
        assert_eq!(to, redaction.address(from.parse().unwrap()).to_string());
    }
    for text in [
        r"C:\Program Files\Tool\1.2.3.4\tool.exe",
        r"C:\Program Files\Tool\10.0.17763.1\tool.exe",
        r"C:\Program Files\Tool\10.0.1.7-beta\tool.exe",
        r"C:\Windows\WinSxS\amd64_foo_31bf3856ad364e35_10.0.1.6_none_0\x.dll",
        "Package_1_for_KB5~31bf3856ad364e35~amd64~~10.0.1.6",
        "Foo, Version=10.0.1.6, Culture=neutral",
        "7.10.0.1.6",
    ] {
        assert_eq!(redaction.text(text), text);
    }
}

#[test]
fn a_host_is_the_same_with_and_without_its_domain() {
    let mut redactor = Redactor::with_secret(Secret([7; 32]));
    redactor.learn_host("ANNPC.corp.contoso.local");
    redactor.learn_host("desktop-6pciall.localdomain");
    redactor.learn_computer("DESKTOP-6PCIALL");
    redactor.learn_account(r"CONTOSO\ann");
    redactor.learn_host("www.contoso.local");
    redactor.learn_text(r"\Device\Mup\srv9\d$\x");
    redactor.learn_text(r"\Device\Mup\;LanmanRedirector\;Z:0000000000012345\filer7\d$");
    redactor.learn_text(r"\\nas42\share");
    redactor.learn_text(r"\??\UNC\fs1\share");
    let redaction = redactor.seal();
    let key = redaction.key();
    let again = Redactor::from_key(&key).unwrap().seal();
    for redaction in [redaction, again] {
        let text = |text: &str| redaction.text(text);
        assert_eq!(text("annpc.corp.contoso.local"), format!("{}.{}", text("annpc"), text("corp.contoso.local")));
        assert_ne!(text("annpc"), "annpc");
        assert!(!text("corp.contoso.local").contains("contoso"));
        assert!(text("desktop-6pciall.localdomain").starts_with(&format!("{}.", text("desktop-6pciall"))));
        assert_ne!(text("desktop-6pciall"), "desktop-6pciall");
        assert_eq!(text("contoso.local").split('.').next().unwrap(), text("contoso"));
        // Short names only as words, the computer's wherever it stands, services not at all.
        assert_eq!(text("xannpcx"), "xannpcx");
        assert!(!text("xdesktop-6pciallx").contains("6pci"));
        assert_eq!(text(r"C:\inetpub\www\x"), r"C:\inetpub\www\x");
        for (path, name) in [
            (r"\Device\Mup\srv9\d$\x", "srv9"),
            (r"HKCU\Network\Servers\SRV9", "SRV9"),
            (r"C:\x\nas42.log", "nas42"),
            (r"D:\filer7", "filer7"),
            (r"\Device\Mup\fs1\d$\x", "fs1"),
        ] {
            assert!(!text(path).contains(name), "{}", text(path));
        }
        assert_eq!(text(r"\Device\Mup"), r"\Device\Mup");
    }
}

#[test]
fn everything_maps_back_and_what_the_key_does_not_know_is_counted() {
    let mut redactor = redactor();
    let sid = "S-1-5-21-1111111111-222222222-3333333333-1001";
    redactor.learn_text(sid);
    let redaction = redactor.seal();
    let key = redaction.key();
    let mut back = Restoration::new(&key).unwrap();
    for text in [
        r"C:\Users\bo\x.tmp",
        r"DESKTOP-A1B2\bo",
        r"C:\Users\bo\bo.txt",
        r"\\filer01\share\DESKTOP-A1B2.log",
        "2001:db8:0:0:0:0:12:34ff:445 -> 10.20.30.40",
        r"HKU\S-1-5-21-1111111111-222222222-3333333333-1001\Software",
        r"C:\Users\张三\Иван Петров",
    ] {
        assert_ne!(redaction.text(text), text);
        assert_eq!(back.text(&redaction.text(text)), text);
    }
    assert_eq!(back.done().unknown, Vec::<String>::new());
    let places = back.done().places;
    // Nothing of another key is touched.
    for text in [r"C:\Users\Public\x", r"C:\Users\carol\x \\nas9\y 8.8.4.4", "Version=10.20.30.40", "127.0.0.1"] {
        assert_eq!(back.text(text), text);
    }
    assert_eq!(back.done(), Restored { places, unknown: ["8.8.4.4", "carol", "nas9"].map(str::to_owned).to_vec() });
    // In bytes, too.
    let mut bytes = vec![1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0];
    bytes.extend([1_111_111_111u32, 222_222_222, 3_333_333_333, 1001].map(u32::to_le_bytes).concat());
    bytes.extend("xAlice.Doex".to_lowercase().encode_utf16().flat_map(u16::to_le_bytes));
    let mut hidden = bytes.clone();
    redaction.bytes(&mut hidden);
    assert_ne!(hidden, bytes);
    back.bytes(&mut hidden);
    assert_eq!(hidden, bytes);
}

#[test]
fn profiles_elsewhere_are_told_by_the_environment_and_the_registry() {
    let mut redactor = Redactor::with_secret(Secret([7; 32]));
    redactor.learn_roots("USERNAME=x\0USERPROFILE=D:\\Profiles\\bob\0PUBLIC=E:\\Homes\\Public\0HOMEPATH=\\\0");
    redactor
        .learn_root(r"HKLM\SOFTWARE\...\ProfileList\S-1-5-21-1-2-3-1004\ProfileImagePath", r"\\nas1\profiles$\eve.V6");
    redactor.learn_root(r"HKLM\...\ProfileList\ProfilesDirectory", r"%SystemDrive%\Data\People");
    // No folder of profiles: what lies in it stays readable.
    for service in [
        r"C:\Windows\system32\config\systemprofile",
        r"C:\ProgramData\svc",
        r"C:\Windows\ServiceProfiles\NetworkService",
    ] {
        redactor.learn_root("USERPROFILE", service);
    }
    redactor.learn_root("USERPROFILE", r"F:\kim");
    for text in [r"E:\homes\dora\x", r"C:\Data\People\mallory\x", r"\\nas1\profiles$\trent\x"] {
        redactor.learn_text(text);
    }
    let redaction = redactor.seal();
    let again = Redactor::from_key(&KeyFile::parse(&redaction.key().to_json()).unwrap()).unwrap().seal();
    let mut back = Restoration::new(&redaction.key()).unwrap();
    for redaction in [redaction, again] {
        for (text, name) in [
            (r"D:\Profiles\bob\AppData\x", "bob"),
            (r"\Device\HarddiskVolume3\profiles\BOB\x", "bob"),
            (r"D:\\Profiles\\bob\\x", "bob"),
            (r"HOMEPATH=\Profiles\bob", "bob"),
            (r"E:\Homes\dora\x", "dora"),
            (r"C:\Data\People\mallory", "mallory"),
            (r"\\nas1\profiles$\eve.V6\x", "eve"),
            (r"\Device\Mup\nas1\profiles$\trent\x", "trent"),
            (r"F:\kim\x", "kim"),
        ] {
            let out = redaction.text(text);
            assert!(!out.to_lowercase().contains(&format!("\\{name}")), "{out}");
            assert_eq!(back.text(&out).to_lowercase(), text.to_lowercase());
        }
        for text in [
            r"C:\ProgramData\Microsoft\x",
            r"C:\Windows\system32\config\systemprofile\x",
            r"C:\Windows\ServiceProfiles\NetworkService\x",
            r"E:\Homes\Public\x",
            r"C:\Program Files\Profiles\bob.exe",
            r"F:\kimono\x",
        ] {
            assert_eq!(redaction.text(text), text);
        }
    }
}

#[test]
fn keys_of_accounts_are_no_profiles_but_their_names_are_names() {
    let mut redactor = Redactor::with_secret(Secret([7; 32]));
    for text in [
        r"HKLM\SAM\SAM\Domains\Account\Users\Names\qmallory\(Default)",
        r"HKLM\SAM\SAM\DOMAINS\Account\Users\000003E9\F",
        r"HKLM\SAM\SAM\Domains\Builtin\Users\Names",
        r"HKLM\SAM\SAM\DOMAINS\Builtin\Users\Names\HomeUsers",
        r"HKLM\SAM\SAM\DOMAINS\Builtin\Users\Names\Nobody Known\x",
        r"HKLM\SAM\SAM\DOMAINS\Account\Users\Names\HomeUsers",
        r"HKLM\System\services\eventlog\Application\ServiceModel Audit 4.0.0.0, Name: CardSpace 4.0.0.0 0.158.114.52",
    ] {
        redactor.learn_text(text);
    }
    let known: Vec<&str> = redactor.names.values().map(|name| name.original.as_str()).collect();
    assert_eq!(known, ["qmallory"]);
    let redaction = redactor.seal();
    for text in [r"HKCR\Explorer\Desktop\NameSpace\000003E9", "ServiceModel Audit 4.0.0.0, 0.158.114.52"] {
        assert_eq!(redaction.text(text), text);
    }
    assert!(!redaction.text(r"C:\Users\qmallory\x").contains("qmallory"));
    assert_ne!(redaction.text("ServiceModel at 4.3.2.1"), "ServiceModel at 4.3.2.1");
}

#[test]
fn hosts_that_hold_an_address_and_every_case_of_letters_map_back() {
    let mut redactor = Redactor::with_secret(Secret([7; 32]));
    for host in ["50.22.196.70-static.reverse.softhost.com", "254.253.254.87.dynamic.monhost.mc"] {
        redactor.learn_host(host);
    }
    redactor.learn_address("87.254.253.254".parse().unwrap());
    redactor.learn_account(r"CORPDOM\AliceDoe");
    let redaction = redactor.seal();
    let mut back = Restoration::new(&redaction.key()).unwrap();
    for text in [
        "VM:1226 -> 50.22.196.70-static.reverse.softhost.com:http",
        "VM:1226 -> 254.253.254.87.dynamic.monhost.mc:16471",
        "VM:1226 -> 87.254.253.254:16471",
        r"C:\Users\alicedoe, C:\USERS\ALICEDOE, C:\Users\AliceDoe, corpdom\ALICEdoe",
    ] {
        let hidden = redaction.text(text);
        for part in ["22.196.70", "softhost", "253.254", "monhost", "alice", "corpdom"] {
            assert!(!hidden.to_lowercase().contains(part), "{part} in {hidden}");
        }
        assert_eq!(back.text(&hidden), text);
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let plain = bytes.clone();
        redaction.bytes(&mut bytes);
        assert_ne!(bytes, plain);
        back.bytes(&mut bytes);
        assert_eq!(bytes, plain, "{text}");
    }
    assert_eq!(back.done(), Restored { places: 16, unknown: Vec::new() });
}
