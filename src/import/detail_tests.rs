//! Printed details and what they mean.

use super::*;

#[test]
fn opens() {
    let text = "Desired Access: Generic Read/Write, Delete, Disposition: OpenIf, Options: Synchronous IO Non-Alert, \
                Non-Directory File, Delete On Close, Attributes: HSA, ShareMode: Read, Delete, AllocationSize: 0, \
                Impersonating: NT AUTHORITY\\SYSTEM, OpenResult: Created";
    let expected = Create {
        access: Some(AccessMask(0x13_019F)),
        share: Some(ShareAccess(5)),
        disposition: Some(CreateDisposition::OPEN_IF),
        options: CreateOptions(0x1060),
        attributes: FileAttributes(0x26),
        result: Some(OpenResult::CREATED),
        impersonating: true,
    };
    assert_eq!(create(text, true), expected);
    assert_eq!(create(text, false).result, None);
    let failed = "Desired Access: Generic Write, Disposition: Create, Options: Directory, Attributes: n/a, \
                  ShareMode: None, AllocationSize: 0";
    let failed = create(failed, false);
    assert_eq!(failed.share, Some(ShareAccess::NONE));
    assert_eq!(failed.attributes, FileAttributes::NONE);
    assert_eq!(failed.disposition, Some(CreateDisposition::CREATE));
    assert!(!failed.impersonating);
    // Procmon 4 prints seven fields.
    let short = text.strip_suffix(", OpenResult: Created").unwrap();
    assert_eq!(create(short, true), Create { result: None, ..expected });
    for (disposition, result) in [("Create", OpenResult::CREATED), ("Open", OpenResult::OPENED)] {
        let short = short.replace("OpenIf", disposition);
        assert_eq!(create(&short, true).result, Some(result));
        assert_eq!(create(&short, false).result, None);
        assert_eq!(create(short.split(", Impersonating").next().unwrap(), true).result, None);
    }
    // Nothing told, nothing guessed.
    let nothing = create("", true);
    assert_eq!((nothing.access, nothing.share, nothing.disposition, nothing.result), (None, None, None, None));
    assert_eq!(create("Desired Access: Fly, Disposition: <unknown>", true).access, None);
}

#[test]
fn every_access_mask_that_procmon_prints_comes_back() {
    for (name, mask) in ACCESS {
        assert_eq!(access(name), Some(AccessMask(mask)), "{name}");
    }
    assert_eq!(access("None 0x0"), Some(AccessMask(0)));
    assert_eq!(access("None 0x800000"), Some(AccessMask(0x80_0000)));
    assert_eq!(access("Read Data/List Directory, Synchronize"), Some(AccessMask(0x10_0001)));
}

#[test]
fn attribute_letters_have_one_reading() {
    for mask in 0..1u32 << ATTRIBUTES.len() {
        let text: String =
            ATTRIBUTES.iter().enumerate().filter(|(at, _)| mask >> at & 1 != 0).map(|(_, (name, _))| *name).collect();
        let expected = ATTRIBUTES.iter().enumerate().filter(|(at, _)| mask >> at & 1 != 0).map(|(_, (_, bit))| *bit);
        let expected = expected.fold(0, |all, bit| all | bit);
        // `D` alone may be either: a directory is what it always is.
        if expected & 0x50 == 0x40 && expected & 0x20 == 0 {
            assert_eq!(attributes(&text), Some(FileAttributes(expected ^ 0x50)), "{text}");
        } else if mask != 0 {
            assert_eq!(attributes(&text), Some(FileAttributes(expected)), "{text}");
        }
    }
    assert_eq!(attributes("A 0x80000"), Some(FileAttributes(0x8_0020)));
    assert_eq!(attributes("Q"), None);
}

#[test]
fn renames_links_and_dispositions() {
    let (flags, name) = rename("ReplaceIfExists: True, FileName: C:\\a, b\\c, FileName: d.txt");
    assert_eq!((flags, name), (RenameFlags::REPLACE_IF_EXISTS, Some("C:\\a, b\\c, FileName: d.txt")));
    let (flags, name) = rename("ReplaceIfExists: False, FileName: D:\\x");
    assert_eq!((flags, name), (RenameFlags::NONE, Some("D:\\x")));
    let (flags, name) =
        rename("Flags: FILE_RENAME_REPLACE_IF_EXISTS, FILE_RENAME_POSIX_SEMANTICS, 0x80, FileName: D:\\x");
    assert_eq!((flags, name), (RenameFlags(0x83), Some("D:\\x")));
    let (flags, _) = rename("Flags: FILE_LINK_REPLACE_IF_EXISTS, FileName: D:\\x");
    assert_eq!(flags, RenameFlags(1));
    assert_eq!(delete("Delete: True"), Some(true));
    assert_eq!(delete("Delete: Maybe"), None);
    let ex =
        "Flags: FILE_DISPOSITION_DELETE, FILE_DISPOSITION_POSIX_SEMANTICS, FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK";
    assert_eq!(disposition_ex(ex), Some(DispositionFlags(7)));
    assert_eq!(disposition_ex("Delete: False"), Some(DispositionFlags::NONE));
    assert_eq!(disposition_ex("Flags: 0x13"), Some(DispositionFlags(0x13)));
    assert_eq!(disposition_ex(""), None);
}

#[test]
fn targets_in_every_form() {
    let to = |name| target(name, "C:\\dir\\old.txt", "C:\\Windows");
    assert_eq!(to("D:\\new.txt").as_deref(), Some("D:\\new.txt"));
    assert_eq!(to("\\??\\D:\\new.txt").as_deref(), Some("D:\\new.txt"));
    assert_eq!(to("\\??\\UNC\\srv\\s\\n").as_deref(), Some("\\\\srv\\s\\n"));
    assert_eq!(to("\\SystemRoot\\WinSxS\\x").as_deref(), Some("C:\\Windows\\WinSxS\\x"));
    assert_eq!(to("new.txt").as_deref(), Some("C:\\dir\\new.txt"));
    assert_eq!(to("sub\\new.txt"), None);
}

#[test]
fn ranges_locks_and_sections() {
    assert_eq!(range("Offset: 1,024, Length: 5, I/O Flags: Non-cached"), Some((1024, 5)));
    assert_eq!(range("Offset: 1.904.640, Length: 8\u{a0}192"), Some((1_904_640, 8192)));
    let text = "Exclusive: True, Offset: -1, Length: 4,294,967,295, Fail Immediately: False";
    assert_eq!(range(text), Some((-1, 4_294_967_295)));
    assert_eq!(lock_length(4_294_967_295), -1);
    assert_eq!(lock(text), Some((true, false)));
    assert!(paging("Offset: 0, Length: 1, I/O Flags: Non-cached, Paging I/O, Priority: Normal"));
    assert!(paging("Offset: 0, Length: 1, I/O Flags: Synchronous Paging I/O"));
    assert!(!paging("Offset: 0, Length: 1, I/O Flags: Non-cached, Priority: Normal"));
    assert_eq!(section("SyncType: SyncTypeOther"), None);
    assert_eq!(section("SyncType: SyncTypeCreateSection, PageProtection: PAGE_EXECUTE_READ|PAGE_NOCACHE"), Some(0x220));
    assert_eq!(section("SyncType: SyncTypeCreateSection, PageProtection: "), Some(0));
    assert_eq!(control("Control: FSCTL_REQUEST_OPLOCK"), Some(0x90240));
    assert_eq!(control("Control: 0x94264 (Device:0x9 Function:153 Method: 0)"), Some(0x94264));
}

#[test]
fn queries() {
    let all = "CreationTime: 7/1/2020 1:00:00 AM, FileAttributes: DRP, AllocationSize: 0, NumberOfLinks: 2, \
               DeletePending: True, Directory: False, IndexNumber: 0x1000000000abc";
    assert_eq!(file_attributes(all), Some(FileAttributes(0x410)));
    assert_eq!(index_number(all), Some(0x1_0000_0000_0ABC));
    assert_eq!(standard(all), Some((2, true, false)));
    assert_eq!(file_attributes("Attributes: A, ReparseTag: 0x0"), Some(FileAttributes(0x20)));
    assert_eq!(number("EndOfFile: 1,228", "EndOfFile: "), Some(1228));
}

#[test]
fn processes() {
    let text = "Parent PID: 7308, Command line: \"C:\\a, b.exe\" , Current directory: C:\\x\\, Environment: \r;\t=::=::\\\r;\tA=, Environment: 1";
    assert_eq!(
        process_start(text),
        Start { parent_pid: Some(7308), command_line: Some("\"C:\\a, b.exe\" "), current_directory: Some("C:\\x\\") }
    );
    // Version 7 prints the parent only.
    assert_eq!(process_start("Parent PID: 1432"), Start { parent_pid: Some(1432), ..Start::default() });
    let tricky = "Parent PID: 1, Command line: x , Current directory: no, Current directory: C:\\yes\\, Environment: ";
    assert_eq!(process_start(tricky).current_directory, Some("C:\\yes\\"));
    let cut = format!("Parent PID: 1, Command line: {}, Current directory: C:\\cu", "x".repeat(4070));
    assert_eq!(process_start(&cut).current_directory, None);
    assert_eq!(process_create("PID: 2520, Command line: \"C:\\h.exe\" "), Some((2520, "\"C:\\h.exe\" ")));
    assert_eq!(process_create("Command line: x"), None);
}

#[test]
fn directories_without_their_pattern() {
    assert_eq!(directory("C:\\dir\\*.dll", Some("Filter: *.dll, 1: a.dll")), "C:\\dir");
    assert_eq!(directory("C:\\*", Some("FileInformationClass: X, Filter: *, 2: a")), "C:\\");
    assert_eq!(directory("C:\\dir\\Temp", Some("FileInformationClass: X, Filter: Temp")), "C:\\dir");
    assert_eq!(directory("C:\\dir\\Temp", Some("0: ., 1: ..")), "C:\\dir\\Temp");
    assert_eq!(directory("C:\\dir\\Temp", Some("Filter: Temperature")), "C:\\dir\\Temp");
    assert_eq!(directory("C:\\dir\\*", None), "C:\\dir");
    assert_eq!(directory("C:\\dir\\x", None), "C:\\dir\\x");
}
