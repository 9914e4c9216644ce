use super::*;
use std::net::IpAddr;

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
    assert_eq!(a[8..], b[8..]);
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
    let expected = redaction.text("alice.doe");
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
        same.extend_from_slice(format!("x{expected}x\0").as_bytes());
        same.extend(wide(&expected));
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
    assert_eq!(again.restore(&redaction.text(text)), text);
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
