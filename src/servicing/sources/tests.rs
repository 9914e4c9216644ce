use std::io::Write;

use super::*;

const LOG: &str = "2022-10-08 13:49:31, Info                  CBS    TI: --- Initializing Trusted Installer ---\r\n";

fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn cabbed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = cab::CabinetBuilder::new();
    let folder = builder.add_folder(cab::CompressionType::MsZip);
    for (name, _) in entries {
        folder.add_file(*name);
    }
    let mut writer = builder.build(Cursor::new(Vec::new())).unwrap();
    let mut bytes = entries.iter();
    while let Some(mut file) = writer.next_file().unwrap() {
        file.write_all(bytes.next().unwrap().1).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Path below the folder and length.
type FoundLogs = Vec<(String, u64)>;
/// Path below the folder and code.
type SkippedInputs = Vec<(String, &'static str)>;

fn run(files: &[(&str, &[u8])], limits: Limits) -> (FoundLogs, SkippedInputs) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let prefix = format!("{}/", folder.path().display());
    let below = |path: String| path.replace('\\', "/").trim_start_matches(&prefix.replace('\\', "/")).to_owned();
    let mut found = Vec::new();
    let skipped = visit(&[folder.path().to_owned()], limits, &mut |log, stream| {
        // A damaged stream counts up to where it breaks off.
        found.push((below(log.path), io::BufReader::new(stream).bytes().take_while(Result::is_ok).count() as u64));
        Ok(())
    })
    .unwrap();
    (found, skipped.into_iter().map(|skipped| (below(skipped.path), skipped.reason.as_code())).collect())
}

#[test]
fn logs_are_found_by_content_at_every_depth() {
    let log = LOG.as_bytes();
    let wide: Vec<u8> = LOG.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cab = cabbed(&[("CbsPersist_20220928050108.log", log), ("notes.txt", b"hello")]);
    let inner = zipped(&[
        ("Windows/Logs/CBS/CbsPersist_1.cab", &cab),
        ("dism.log", b"2022-10-08 13:49:31, Info                  DISM   x"),
    ]);
    let outer = zipped(&[("日志/inner.zip", &inner), ("strange-name.txt", log)]);
    let (found, skipped) =
        run(&[("a/CBS.log", log), ("b.zip", &outer), ("c.bin", &wide), ("d.txt", b"no log")], Limits::default());
    let length = log.len() as u64;
    assert_eq!(
        found,
        [
            ("a/CBS.log".to_owned(), length),
            ("b.zip/日志/inner.zip/Windows/Logs/CBS/CbsPersist_1.cab/CbsPersist_20220928050108.log".to_owned(), length),
            ("b.zip/strange-name.txt".to_owned(), length),
            ("c.bin".to_owned(), length * 2),
        ]
    );
    assert_eq!(skipped, []);
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

#[test]
fn gzip_is_known_by_content_and_nests() {
    let log = LOG.as_bytes();
    let length = log.len() as u64;
    // Two members in one file, as when logs are appended; a gzip in a zip in a gzip; no ending in the name.
    let both = [gzipped(log), gzipped(log)].concat();
    let zip = zipped(&[("CbsPersist_2.log.GZ", &gzipped(log)), ("notes.gz", &gzipped(b"hello"))]);
    let files: &[(&str, &[u8])] =
        &[("CBS.log.gz", &both), ("a", &gzipped(log)), ("b.zip.gz", &gzipped(&zip)), ("c.gz", &gzipped(&gzipped(log)))];
    let (found, skipped) = run(files, Limits::default());
    assert_eq!(
        found,
        [
            ("CBS.log.gz/CBS.log".to_owned(), 2 * length),
            ("a/a".to_owned(), length),
            ("b.zip.gz/b.zip/CbsPersist_2.log.GZ/CbsPersist_2.log".to_owned(), length),
            ("c.gz/c/c".to_owned(), length),
        ]
    );
    assert_eq!(skipped, []);
    let (found, skipped) = run(files, Limits { depth: 1, ..Limits::default() });
    assert_eq!(found.len(), 2);
    assert_eq!(skipped, [("b.zip.gz/b.zip".to_owned(), "too_deep"), ("c.gz/c".to_owned(), "too_deep")]);
}

#[test]
fn what_a_torn_gzip_still_holds_is_read() {
    let lines: String =
        (0..2000).map(|n| LOG.replace("Initializing", &format!("Initializing {n} {}", n * 7919 % 4093))).collect();
    let whole = gzipped(lines.as_bytes());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("CBS.log.gz");
    fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    let mut logs = Vec::new();
    let skipped = visit(&[path], Limits::default(), &mut |_, stream| {
        logs.push(super::super::cbs::analyse(stream, &mut |_| true)?);
        Ok(())
    })
    .unwrap();
    assert_eq!((skipped.len(), logs.len()), (0, 1));
    let notes: Vec<&str> = logs[0].notes.iter().map(|note| note.code.as_code()).collect();
    assert!(logs[0].lines.records > 300 && logs[0].lines.records < 1000, "{}", logs[0].lines.records);
    assert!(notes.contains(&"read_error"), "{notes:?}");
    // Nothing but noise behind the head: said so.
    let (found, skipped) = run(&[("x.gz", &[0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 0, 3, 0xFF, 0xFF, 0xFF])], Limits::default());
    assert_eq!((found.len(), skipped), (0, vec![("x.gz/x".to_owned(), "archive_damaged")]));
}

#[test]
fn bombs_are_bounded() {
    let mut huge = LOG.as_bytes().to_vec();
    huge.resize(4 << 20, b'x');
    let bomb = zipped(&[("1.log", &huge), ("2.log", &huge)]);
    let limits = Limits { unpacked: 5 << 20, ..Limits::default() };
    let (found, skipped) = run(&[("bomb.zip", &bomb)], limits);
    assert_eq!(found, [("bomb.zip/1.log".to_owned(), 4 << 20), ("bomb.zip/2.log".to_owned(), 1 << 20)]);
    assert_eq!(skipped, [("bomb.zip/2.log".to_owned(), "too_large")]);

    let mut nested = zipped(&[("CBS.log", LOG.as_bytes())]);
    for _ in 0..6 {
        nested = zipped(&[("deeper.zip", &nested)]);
    }
    let (found, skipped) = run(&[("nest.zip", &nested)], Limits::default());
    assert_eq!(found, []);
    assert_eq!(skipped.iter().map(|(_, code)| *code).collect::<Vec<_>>(), ["too_deep"]);

    let limits = Limits { nested: 1 << 20, ..Limits::default() };
    let stored = zipped(&[("inner.zip", &{
        let mut bytes = zipped(&[("CBS.log", LOG.as_bytes())]);
        bytes.resize(2 << 20, 0);
        bytes
    })]);
    let (_, skipped) = run(&[("large.zip", &stored)], limits);
    assert_eq!(skipped, [("large.zip/inner.zip".to_owned(), "too_large")]);

    let many: Vec<(String, Vec<u8>)> = (0..50).map(|n| (format!("{n}.txt"), Vec::new())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let limits = Limits { entries: 20, ..Limits::default() };
    let (_, skipped) = run(&[("many.zip", &zipped(&many))], limits);
    assert_eq!(skipped, [("many.zip".to_owned(), "too_many")]);
}

#[test]
fn damaged_archives_are_named_and_never_fatal() {
    let zip = zipped(&[("CBS.log", LOG.as_bytes())]);
    let (found, skipped) = run(&[("cut.zip", &zip[..zip.len() / 2]), ("good.log", LOG.as_bytes())], Limits::default());
    // What the torn one still holds of its log is read too.
    assert_eq!(found.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["cut.zip/CBS.log", "good.log"]);
    assert_eq!(skipped, [("cut.zip".to_owned(), "archive_cut_off")]);
    let cab = cabbed(&[("CBS.log", LOG.repeat(50).as_bytes())]);
    // Blocks of 32,768 bytes: the first is whole.
    let lines: String =
        (0..2000u32).map(|n| LOG.replace("Initializing", &n.wrapping_mul(2_654_435_761).to_string())).collect();
    let mut large = cabbed(&[("CBS.log", lines.as_bytes())]);
    let at = large.len() * 2 / 3;
    large[at] ^= 0x41;
    let (found, _) = run(&[("x.cab", &large)], Limits::default());
    assert_eq!(found, [("x.cab/CBS.log".to_owned(), 98_304)]);
    for at in 0..cab.len() {
        let mut broken = cab.clone();
        broken[at] ^= 0x41;
        run(&[("x.cab", &broken)], Limits::default());
    }
    for at in 0..zip.len() {
        let mut broken = zip.clone();
        broken[at] ^= 0x41;
        run(&[("x.zip", &broken)], Limits::default());
    }
}

#[test]
fn a_named_file_that_is_no_log_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.txt");
    fs::write(&path, "no log").unwrap();
    let skipped = visit(&[path, folder.path().join("none")], Limits::default(), &mut |_, _| Ok(())).unwrap();
    let codes: Vec<_> = skipped.iter().map(|skipped| skipped.reason.as_code()).collect();
    assert_eq!(codes, ["not_a_log", "unreadable"]);
}

#[test]
fn what_a_torn_zip_still_holds_is_read() {
    let log = LOG.as_bytes();
    let whole = zipped(&[("CBS.log", log), ("CbsPersist_1.log", log)]);
    // The directory at the end is gone, the first file is whole.
    let second = whole.windows(4).rposition(|four| four == b"PK\x03\x04").unwrap();
    let (found, skipped) = run(&[("logs.zip", &whole[..second])], Limits::default());
    assert_eq!(found, [("logs.zip/CBS.log".to_owned(), log.len() as u64)]);
    assert_eq!(skipped, [("logs.zip".to_owned(), "archive_cut_off")]);
}

/// As a packer writes it that cannot go back: sizes stand behind the contents.
fn streamed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new_stream(Vec::new());
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_torn_zip_of_untold_sizes_is_read_member_by_member() {
    let lines: String = (0..2000u32).map(|n| LOG.replace("Init", &n.wrapping_mul(2_654_435_761).to_string())).collect();
    let log = lines.as_bytes();
    let members: &[(&str, &[u8])] = &[("pictures/x.png", &[7; 5000]), ("CBS.log", log), ("CbsPersist_1.log", log)];
    for whole in [streamed(members), zipped(members)] {
        let directory = whole.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
        let second = whole.windows(4).rposition(|four| four == b"PK\x03\x04").unwrap();
        let length = log.len() as u64;
        // The directory lost, then cut in the last member, then right behind the first log.
        for (cut, expected) in [(directory + 20, vec![length, length]), (second, vec![length])] {
            let (found, skipped) = run(&[("logs.zip", &whole[..cut])], Limits::default());
            assert_eq!(found.iter().map(|(_, length)| *length).collect::<Vec<_>>(), expected, "{cut}");
            assert_eq!(skipped, [("logs.zip".to_owned(), "archive_cut_off")]);
        }
        let (found, _) = run(&[("logs.zip", &whole[..second + (directory - second) / 2])], Limits::default());
        assert_eq!((found.len(), found[0].1), (2, length));
        assert!(found[1].1 > length / 4 && found[1].1 < length * 3 / 4, "{found:?}");
    }
}

#[test]
fn a_torn_zip_tells_where_its_log_breaks_off() {
    let lines: String = (0..2000u32).map(|n| LOG.replace("Init", &n.wrapping_mul(2_654_435_761).to_string())).collect();
    let member: &[(&str, &[u8])] = &[("CBS.log", lines.as_bytes())];
    for whole in [streamed(member), zipped(member)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs.zip");
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let mut notes = Vec::new();
        visit(&[path], Limits::default(), &mut |_, stream| {
            let facts = super::super::cbs::analyse(stream, &mut |_| true)?;
            notes.extend(facts.notes.iter().map(|note| note.code.as_code()));
            Ok(())
        })
        .unwrap();
        assert!(notes.contains(&"read_error"), "{notes:?}");
    }
}

#[test]
fn what_a_torn_cabinet_still_holds_is_read() {
    let lines: String = (0..4000u32).map(|n| LOG.replace("Init", &n.wrapping_mul(2_654_435_761).to_string())).collect();
    let whole = cabbed(&[("CBS.log", LOG.as_bytes()), ("CbsPersist_1.log", lines.as_bytes())]);
    let (found, skipped) = run(&[("logs.cab", &whole[..whole.len() / 2])], Limits::default());
    assert_eq!(
        found.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
        ["logs.cab/CBS.log", "logs.cab/CbsPersist_1.log"]
    );
    assert_eq!(found[0].1, LOG.len() as u64);
    // Whole blocks of 32,768 bytes, less the first file.
    assert_eq!((found[1].1 + LOG.len() as u64) % 32_768, 0, "{found:?}");
    assert!(found[1].1 > lines.len() as u64 / 4, "{found:?}");
    assert_eq!(skipped, []);
}

/// Many different lines, of which no two packed stretches are alike.
fn many_lines(count: u32) -> String {
    (0..count).map(|n| LOG.replace("Init", &n.wrapping_mul(2_654_435_761).to_string())).collect()
}

#[test]
fn a_zip_without_its_beginning_is_read_from_the_next_member_on() {
    let lines = many_lines(300);
    let whole = zipped(&[("x.bin", &[7; 90_000]), ("CBS.log", lines.as_bytes())]);
    let expected = vec![("logs.zip/CBS.log".to_owned(), lines.len() as u64)];
    let second = whole.windows(4).rposition(|four| four == b"PK\x03\x04").unwrap();
    assert_eq!(run(&[("logs.zip", &whole[second - 40..])], Limits::default()).0, expected);
    // Behind a program that unpacks itself, the directory still counts.
    let mut program = b"MZ".to_vec();
    program.extend([b'P'; 5000]);
    program.extend(&whole);
    assert_eq!(run(&[("logs.zip", &program)], Limits::default()), (expected, Vec::new()));
    // What is left of a member alone is none.
    let (found, skipped) = run(&[("logs.zip", &whole[second + 10..])], Limits::default());
    assert_eq!((found, skipped), (Vec::new(), vec![("logs.zip".to_owned(), "archive_cut_off")]));
}

/// A stored member of untold sizes, as a packer writes it that cannot go back.
fn stored_stream(name: &str, bytes: &[u8], wide: bool) -> Vec<u8> {
    let mut out = b"PK\x03\x04\x14\0\x08\0\0\0\0\0\0\0".to_vec();
    out.extend([0; 12]);
    out.extend([u8::try_from(name.len()).unwrap(), 0, 0, 0]);
    out.extend(name.as_bytes());
    out.extend(bytes);
    out.extend(b"PK\x07\x08\x01\x02\x03\x04");
    let length = (bytes.len() as u64).to_le_bytes();
    let size = if wide { &length[..] } else { &length[..4] };
    out.extend([size, size].concat());
    out
}

#[test]
fn stored_members_of_untold_size_end_at_their_descriptor() {
    let mut first = many_lines(9000).into_bytes();
    // What looks like a descriptor is none when its sizes do not fit.
    first.splice(100..100, *b"PK\x07\x08abcdefghijklmnopqrst");
    for wide in [false, true] {
        let mut whole = stored_stream("CBS.log", &first, wide);
        let last = whole.len();
        whole.extend(stored_stream("CbsPersist_1.log", LOG.as_bytes(), wide));
        let (found, skipped) = run(&[("logs.zip", &whole)], Limits::default());
        let name = |name: &str| format!("logs.zip/{name}");
        let expected = [(name("CBS.log"), first.len() as u64), (name("CbsPersist_1.log"), LOG.len() as u64)];
        assert_eq!(found, expected);
        assert_eq!(skipped, [("logs.zip".to_owned(), "archive_cut_off")]);
        let (found, _) = run(&[("logs.zip", &whole[..last / 2])], Limits::default());
        assert_eq!(found, [(name("CBS.log"), (last / 2 - 30 - "CBS.log".len()) as u64)]);
    }
}

#[test]
fn archives_that_are_not_read_are_named() {
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let seven = b"7z\xBC\xAF\x27\x1C\0\x04rest".as_slice();
    let nested = zipped(&[("a.rar", b"Rar!\x1A\x07\x01\0rest")]);
    let (found, skipped) = run(
        &[("a.7z", seven), ("b.tar", &tar), ("c.zip", &nested), ("d.cab", b"no cabinet"), ("e.txt", b"text")],
        Limits::default(),
    );
    assert_eq!(found, []);
    let kind = |path: &str| (path.to_owned(), "archive_kind");
    let expected = [kind("a.7z"), kind("b.tar"), kind("c.zip/a.rar"), ("d.cab".to_owned(), "archive_headless")];
    assert_eq!(skipped, expected);
}

/// A cabinet of one folder with its blocks as given; `next` names the cabinet in which the last file goes on.
fn cabinet(kind: u16, files: &[(&str, usize)], blocks: &[(Vec<u8>, usize)], next: Option<&str>) -> Vec<u8> {
    let half = |value: usize| u16::try_from(value).unwrap().to_le_bytes();
    let word = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    let set: Vec<u8> = next.map(|name| [name.as_bytes(), b"\0disk\0"].concat()).unwrap_or_default();
    let mut names = Vec::new();
    let mut start = 0;
    for (at, (name, length)) in files.iter().enumerate() {
        let goes_on = next.is_some() && at + 1 == files.len();
        let folder = if goes_on { [0xFE, 0xFF] } else { [0, 0] };
        names.extend([&word(*length)[..], &word(start), &folder, &[0; 6], name.as_bytes(), b"\0"].concat());
        start += length;
    }
    let first_file = 36 + set.len() + 8;
    // A checksum of zero is none.
    let data: Vec<u8> = blocks
        .iter()
        .flat_map(|(packed, size)| [&[0; 4][..], &half(packed.len()), &half(*size), packed].concat())
        .collect();
    let total = first_file + names.len() + data.len();
    let head = [&b"MSCF\0\0\0\0"[..], &word(total), &[0; 4], &word(first_file), &[0, 0, 0, 0, 3, 1, 1, 0]].concat();
    let counts = [&half(files.len())[..], &half(usize::from(next.is_some()) * 2), &[0; 4]].concat();
    let folder = [&word(first_file + names.len())[..], &half(blocks.len()), &kind.to_le_bytes()].concat();
    [head, counts, set, folder, names, data].concat()
}

#[test]
fn a_cabinet_of_lzx_is_read() {
    let lines = many_lines(700);
    // LZX of a window of 32 KiB whose blocks are not compressed: 3 bits of kind, 24 of length, three old distances.
    let block = |(at, chunk): (usize, &[u8])| {
        let bits = if at == 0 { 1 + 3 + 24 } else { 3 + 24 };
        let head = (3u32 << 24 | u32::try_from(chunk.len()).unwrap()) << (32 - bits);
        let mut packed: Vec<u8> = [(head >> 16) as u16, head as u16].into_iter().flat_map(u16::to_le_bytes).collect();
        packed.extend([1, 0, 0, 0].repeat(3));
        packed.extend(chunk);
        packed.resize(packed.len().next_multiple_of(2), 0);
        (packed, chunk.len())
    };
    let blocks: Vec<_> = lines.as_bytes().chunks(32 * 1024).enumerate().map(block).collect();
    assert!(blocks.len() > 1);
    let cab = cabinet(3 | 15 << 8, &[("CBS.log", lines.len())], &blocks, None);
    let (found, skipped) = run(&[("logs.cab", &cab)], Limits::default());
    assert_eq!(skipped, []);
    assert_eq!(found, [("logs.cab/CBS.log".to_owned(), lines.len() as u64)]);
}

#[test]
fn a_cabinet_of_a_set_is_named() {
    let lines = many_lines(10);
    let blocks = [(lines.clone().into_bytes(), lines.len())];
    let cab = cabinet(0, &[("CBS.log", lines.len()), ("t.log", 100_000)], &blocks, Some("logs2.cab"));
    let (found, skipped) = run(&[("logs1.cab", &cab)], Limits::default());
    assert_eq!((found, skipped), (Vec::new(), vec![("logs1.cab".to_owned(), "part_of_set")]));
}
