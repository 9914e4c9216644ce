use super::*;

#[test]
fn files_streams_and_folders_ignoring_case() {
    let mut selection = Selection::default();
    assert!(selection.is_empty());
    assert!(selection.add_file("C:\\Windows\\A.dll"));
    assert!(!selection.add_file("c:\\windows\\a.DLL:stream"));
    assert!(selection.add_subtree("C:\\Windows\\WinSxS\\Temp\\InFlight\\"));
    for yes in [
        "c:\\WINDOWS\\a.dll",
        "C:\\Windows\\A.dll:Zone.Identifier",
        "C:\\Windows\\WinSxS\\Temp\\inflight",
        "C:\\Windows\\WinSxS\\Temp\\InFlight\\x\\y.dll:s",
    ] {
        assert!(selection.wants(yes), "{yes}");
        assert!(selection.wants_text(DetailText::Ascii(yes.as_bytes())), "{yes}");
    }
    for no in ["C:\\Windows\\B.dll", "C:\\Windows\\A.dll2", "C:\\Windows\\WinSxS\\Temp\\InFlight2\\x", "C:", ""] {
        assert!(!selection.wants(no), "{no}");
        assert!(!selection.wants_text(DetailText::Ascii(no.as_bytes())), "{no}");
    }
}

#[test]
fn other_alphabets_fold_too() {
    let mut selection = Selection::default();
    selection.add_file("D:\\ПАПКА\\防毒墙.dll");
    assert!(selection.wants("d:\\папка\\防毒墙.DLL"));
    assert!(!selection.wants("d:\\папка\\防毒.dll"));
}

#[test]
fn other_spellings_of_a_drive() {
    let mut selection = Selection::default();
    selection.add_file("C:\\Windows\\a.dll");
    selection.add_subtree("D:\\x");
    for yes in [
        "\\\\?\\C:\\Windows\\A.dll",
        "\\??\\c:\\windows\\a.dll:s",
        "\\DosDevices\\C:\\Windows\\a.dll",
        "\\GLOBAL??\\C:\\Windows\\a.dll",
        "\\Device\\HarddiskVolume3\\Windows\\a.dll",
        "\\device\\harddiskvolume12\\X\\y",
    ] {
        let wide: Vec<u8> = yes.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(selection.wants(yes), "{yes}");
        assert!(selection.wants_text(DetailText::Ascii(yes.as_bytes())), "{yes}");
        assert!(selection.wants_text(DetailText::Wide(crate::pml::Wide(&wide))), "{yes}");
    }
    for no in [
        "\\\\?\\C:\\Windows\\b.dll",
        "\\Device\\HarddiskVolumeShadowCopy3\\Windows\\a.dll",
        "\\Device\\NamedPipe\\Windows\\a.dll",
        "\\\\server\\C:\\Windows\\a.dll",
        "\\Device\\HarddiskVolume3",
    ] {
        assert!(!selection.wants(no), "{no}");
        assert!(!selection.wants_text(DetailText::Ascii(no.as_bytes())), "{no}");
    }
}

#[test]
fn files_of_the_same_name_elsewhere() {
    let mut selection = Selection::default();
    assert!(!selection.is_namesake("C:\\a\\b.dll"));
    let id = "0123456789abcdef0123456789ABCDEF";
    selection.add_namesakes(&format!("C:\\InFlight\\x\\{id}_Clip.dll:stream"));
    selection.add_namesakes("D:\\a");
    let other = format!("C:\\InFlight\\y\\{}_clip.DLL", "f".repeat(32));
    for yes in [other.as_str(), "C:\\Windows\\System32\\CLIP.dll", "E:\\x\\A", "clip.dll"] {
        let wide: Vec<u8> = yes.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(selection.is_namesake(yes), "{yes}");
        assert!(selection.is_namesake_text(DetailText::Ascii(yes.as_bytes())), "{yes}");
        assert!(selection.is_namesake_text(DetailText::Wide(crate::pml::Wide(&wide))), "{yes}");
        assert!(!selection.wants(yes), "{yes}");
    }
    for no in ["C:\\Windows\\xclip.dll", "C:\\clip.dll\\x", "C:\\clip.sys", "", "C:\\"] {
        let wide: Vec<u8> = no.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(!selection.is_namesake(no), "{no}");
        assert!(!selection.is_namesake_text(DetailText::Ascii(no.as_bytes())), "{no}");
        assert!(!selection.is_namesake_text(DetailText::Wide(crate::pml::Wide(&wide))), "{no}");
    }
}

#[test]
fn the_quick_look_lets_everything_below_a_folder_pass() {
    let folders = ["C:\\Windows\\InFlight", "D:\\Папка\\x\\", "C:\\a"];
    let below = ["", "\\", "\\x", "\\x\\y.dll:s", ":s", "2", "2\\x", "\\İ"];
    for count in 1..=folders.len() {
        let mut selection = Selection::default();
        folders.iter().take(count).for_each(|folder| {
            selection.add_subtree(folder);
        });
        for (at, path) in folders.iter().enumerate().flat_map(|(at, folder)| {
            below.map(|below| (at, format!("{}{below}", folder.trim_end_matches('\\').to_uppercase())))
        }) {
            let wide: Vec<u8> = path.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let expected = at < count && !path.contains('2');
            assert_eq!(selection.wants(&path), expected, "{path}");
            assert_eq!(selection.wants_text(DetailText::Wide(crate::pml::Wide(&wide))), expected, "{path} wide");
            if path.is_ascii() {
                assert_eq!(selection.wants_text(DetailText::Ascii(path.as_bytes())), expected, "{path}");
            }
        }
    }
}

/// What the quick look must never change.
fn wants_slowly(files: &[String], path: &str) -> bool {
    let file = fold(without_stream(path).trim_end_matches('\\'));
    files.iter().any(|have| fold(have) == file)
}

#[test]
fn the_quick_look_turns_away_nothing_that_is_wanted() {
    let names = ["a.dll", "B.DLL", "ab.dll", "İstanbul.txt", "ключ.sys", "防毒墙.dll", "x", "K.dll"];
    let folders = ["C:\\", "C:\\Windows\\", "c:\\WINDOWS\\Система\\", "\\\\server\\share\\"];
    let endings = ["", "\\", ":stream", "\\:stream:$DATA", "\\below.dll", "2", ":"];
    let all: Vec<String> =
        folders.iter().flat_map(|folder| names.iter().map(move |name| format!("{folder}{name}"))).collect();
    // Few lengths and many, which take different ways.
    for count in [1, 3, all.len()] {
        for skip in 0..all.len() {
            let files: Vec<String> = all.iter().cycle().skip(skip).take(count).cloned().collect();
            let mut selection = Selection::default();
            files.iter().for_each(|file| {
                selection.add_file(file);
            });
            for path in all.iter().flat_map(|path| endings.map(|ending| format!("{path}{ending}"))) {
                let wide: Vec<u8> = path.encode_utf16().flat_map(u16::to_le_bytes).collect();
                let expected = wants_slowly(&files, &path);
                assert_eq!(selection.wants(&path), expected, "{path} of {files:?}");
                let text = DetailText::Wide(crate::pml::Wide(&wide));
                assert_eq!(selection.wants_text(text), expected, "{path} wide of {files:?}");
                if path.is_ascii() {
                    assert_eq!(selection.wants_text(DetailText::Ascii(path.as_bytes())), expected, "{path}");
                }
            }
        }
    }
}

#[test]
fn a_look_at_the_end_turns_away_nothing_that_is_wanted() {
    let mut selection = Selection::default();
    for file in
        ["C:\\a", "C:\\Temp\\clip.dll", "C:\\Temp\\clap.exe", "C:\\Temp\\文件名.dat", "C:\\Temp\\Ordner\u{fc}.dat"]
    {
        selection.add_file(file);
    }
    selection.add_subtree("D:\\x");
    selection.add_subtree("D:\\Folder\\Below");
    let wide = |path: &str| path.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let yes = [
        "c:\\A",
        "C:\\a:s",
        "C:\\a\\",
        "C:\\TEMP\\CLIP.DLL",
        "C:\\temp\\clap.exe:stream:$DATA",
        "C:\\Temp\\clip.dll\\",
        "C:\\Temp\\文件名.DAT",
        "C:\\Temp\\文件名.dat:s",
        "C:\\temp\\ordner\u{dc}.dat",
        "D:\\X\\y",
        "d:\\folder\\below\\a\\b:c",
        "D:\\Folder\\Below\\文件",
    ];
    for path in yes {
        assert!(selection.wants(path), "{path}");
        assert!(selection.wants_text(DetailText::Wide(crate::pml::Wide(&wide(path)))), "{path}");
        if path.is_ascii() {
            assert!(selection.wants_text(DetailText::Ascii(path.as_bytes())), "{path}");
        }
    }
    for path in ["C:\\b", "C:\\Temp\\clip.dlx", "C:\\Temp\\clip.dll.bak", "C:\\Temp\\xlip.exe", "D:\\Folder\\Belo"] {
        assert!(!selection.wants_text(DetailText::Ascii(path.as_bytes())), "{path}");
        assert!(!selection.wants_text(DetailText::Wide(crate::pml::Wide(&wide(path)))), "{path}");
    }
    // Turned away without a look at the whole path.
    for path in ["C:\\Temp\\chip.dla", "C:\\Temp\\clip.dll.bak", "C:\\Windows\\System32\\drivers\\etc\\hosts"] {
        assert!(!selection.may_want(DetailText::Ascii(path.as_bytes())), "{path}");
    }
}
