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
