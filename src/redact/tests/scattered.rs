//! Names in addresses, below short names, and with letters beyond ASCII.

use super::*;

/// What a redactor that learned from `texts` makes of each.
fn hidden(texts: &[&str]) -> (Redaction, Vec<String>) {
    let mut redactor = Redactor::with_secret(Secret([7; 32]));
    texts.iter().for_each(|text| redactor.learn_text(text));
    let redaction = redactor.seal();
    let hidden = texts.iter().map(|text| redaction.text(text)).collect();
    (redaction, hidden)
}

#[test]
fn hosts_and_users_of_addresses_go_and_those_every_windows_knows_stay() {
    let texts = [
        ("file://filesrv22/share/x.docx", "filesrv22"),
        ("file:////filesrv23/share", "filesrv23"),
        (r"file:\\filesrv24\share", "filesrv24"),
        ("\"x.exe\" --url=http://wsusbox:8530/selfupdate", "wsusbox"),
        ("Type: REG_SZ, Length: 70, Data: https://wsus07.corp.contoso.com:8531", "wsus07"),
        ("ldap://dcmuc/DC=x", "dcmuc"),
        ("LDAPS://DC-BERLIN.AD.LOCAL:636/", "DC-BERLIN"),
        ("ftp://joegreen:hunter22@dropzone/pub", "joegreen"),
        ("ftp://joegreen:hunter22@dropzone/pub", "hunter22"),
        ("ftp://joegreen:hunter22@dropzone/pub", "dropzone"),
        ("jdbc:sqlserver://dbhost9;databaseName=x", "dbhost9"),
        ("svn+ssh://repohost/trunk", "repohost"),
        ("https://contoso-my.sharepoint.com/personal/x", "contoso-my"),
        ("smb://10.11.12.13/share", "10.11.12.13"),
        ("UserEmail Data: zhang.san@163.com", "zhang.san"),
        ("joe.green@contoso.com", "joe.green"),
        (r"HKCU\...\Accounts\joe_green@contoso.onmicrosoft.com\x", "contoso"),
        (r"C:\OneDrive - x\wsusbox.txt", "wsusbox"),
    ];
    let (redaction, out) = hidden(&texts.map(|(text, _)| text));
    for (hidden, (text, name)) in out.iter().zip(texts) {
        assert!(!hidden.to_lowercase().contains(&name.to_lowercase()), "{hidden}");
        assert_eq!(hidden.len(), text.len());
        let mut back = Restoration::new(&redaction.key()).unwrap();
        assert_eq!(back.text(hidden), text);
        assert_eq!(back.done().unknown, Vec::<String>::new(), "{hidden}");
    }
    let texts = [
        "http://go.microsoft.com/fwlink/?LinkId=1",
        "https://fe2.update.microsoft.com/v6 http://ctldl.windowsupdate.com/msdownload",
        "http://schemas.openxmlformats.org/package/2006 http://www.w3.org/2001/XMLSchema",
        "http://ocsp.digicert.com",
        "res://ieframe.dll/x.htm ms-appx://Microsoft.Windows.Cortana/x chrome://settings/",
        "http://localhost:8080 http://+:80/Temporary http://*:5357/ file:///C:/Windows/x file://C:/Windows",
        r"C:\x\icon@2x.png name@1.2.3.dll a@b.js \\?\C:\x a@b",
        "std::fmt http:// x",
        "support@microsoft.com",
    ];
    let (_, out) = hidden(&texts);
    assert_eq!(out, texts);
    // A public domain gives no words away that product paths are made of.
    let (redaction, out) =
        hidden(&["http://download.nvidia.com/x", "https://huorong.cn/", "http://update/", "http://printer/"]);
    for name in ["nvidia", "huorong", "/update/", "/printer/"] {
        assert!(!out.join(" ").contains(name), "{out:?}");
    }
    for text in [r"C:\Program Files\NVIDIA Corporation\Downloads\x", r"C:\Program Files\Huorong\Update", r"D:\Printers"]
    {
        assert_eq!(redaction.text(text), text);
    }
}

#[test]
fn profiles_below_the_short_name_of_their_folder_go() {
    let mut redactor = Redactor::with_secret(Secret([7; 32]));
    redactor.learn_root("USERPROFILE", r"D:\User Profiles\Company\johnsmith");
    redactor.learn_text(r"D:\USERPR~1\Company\JOHNSM~1\x");
    redactor.learn_text(r"C:\Users\MARYSM~1\AppData");
    redactor.learn_text(r"C:\DOCUME~1\PETERS~1.CON\x");
    let redaction = redactor.seal();
    let mut back = Restoration::new(&redaction.key()).unwrap();
    for (text, name) in [
        (r"D:\USERPR~1\Company\JOHNSM~1\x", "JOHNSM"),
        (r"D:\User Profiles\Company\johnsmith\x", "johnsmith"),
        (r"C:\Users\MARYSM~1\AppData", "MARYSM"),
        (r"TEMP=C:\Users\marysm~1\AppData", "marysm"),
        (r"C:\DOCUME~1\PETERS~1.CON\x", "PETERS"),
    ] {
        let hidden = redaction.text(text);
        assert!(!hidden.contains(name), "{hidden}");
        assert_eq!(back.text(&hidden), text);
    }
    assert_eq!(redaction.key().profile_roots, [r"\user profiles\company"]);
}

#[test]
fn letters_beyond_ascii_keep_their_case() {
    let mut redactor = Redactor::with_secret(Secret([7; 32]));
    redactor.learn_account(r"FIRMA\Jürgen.Müller");
    redactor.learn_account(r"Иван Петров");
    redactor.learn_account(r"Straßer-İz");
    let redaction = redactor.seal();
    let mut back = Restoration::new(&redaction.key()).unwrap();
    for text in [
        r"C:\USERS\JÜRGEN.MÜLLER\x",
        r"C:\Users\jürgen.müller\x",
        r"C:\Users\Jürgen.MÜLLER",
        "ИВАН петров",
        "иВан ПЕТРОВ",
        "STRAßER-iz",
    ] {
        let hidden = redaction.text(text);
        for name in ["rgen", "ller", "иван", "петров"] {
            assert!(!hidden.to_lowercase().contains(name), "{hidden}");
        }
        if !text.contains('ß') {
            assert_eq!(back.text(&hidden), text);
        }
    }
}
