//! Captures inside something else, and files under a capture's name that hold none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod places;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pmlblame")).args(arguments).args(["--lang", "en", "--quiet"]).output().unwrap()
}

fn sample() -> Vec<u8> {
    std::fs::read(places::samples().join("founding-delete-pending.PML")).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The record of a capture, but for what the capture was stored in.
fn record(path: &Path) -> (serde_json::Value, String) {
    let output = run(&[path.to_str().unwrap(), "--json", "-", "--reproducible"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    (serde_json::from_slice(&output.stdout).unwrap(), errors)
}

/// In each wrapping, with the bytes before the header: read as if it had none, recovered to the very bytes, digest and all.
#[test]
fn a_capture_is_read_out_of_what_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let whole = sample();
    let plain = folder.path().join("capture.PML");
    std::fs::write(&plain, &whole).unwrap();
    let (truth, errors) = record(&plain);
    assert_eq!(errors, "");
    let http = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n";
    // A tar archive: a head of 512 bytes, the file, zeros.
    let mut tar = vec![0; 512];
    tar[..11].copy_from_slice(b"capture.PML");
    tar.extend(&whole);
    let cases = [
        ("gateway", [&[0xA5; 37], &whole[..]].concat(), 37),
        ("proxy", [http, &whole[..]].concat(), http.len()),
        ("page", [&b"<html><body>Your download begins.</body></html>"[..], &whole].concat(), 47),
        ("table", [&b"Name,Size\r\ncapture.PML,1\r\n"[..], &whole].concat(), 26),
        ("far", [&vec![b'P'; 3 << 20][..], &whole].concat(), 3 << 20),
        ("tar", tar.clone(), 512),
        ("gzip", gzip(&whole), 0),
        ("tar in gzip", gzip(&tar), 512),
        ("zip", zip(&[("readme.txt", b"the capture"), ("x/capture.PML", &whole)]), 0),
        ("zip in gzip", gzip(&zip(&[("capture.PML", &whole)])), 0),
    ];
    for (name, bytes, before) in cases {
        // The record names the file.
        let place = folder.path().join(name);
        std::fs::create_dir(&place).unwrap();
        let file = place.join("capture.PML");
        std::fs::write(&file, bytes).unwrap();
        let (found, errors) = record(&file);
        assert_eq!(found, truth, "{name}");
        let said = format!("begins at offset {before:#x}; the {before} bytes before it are passed over");
        assert_eq!(errors.contains(&said), before > 0, "{name}: {errors}");
        assert_eq!(errors.is_empty(), before == 0, "{name}: {errors}");
        for more in [&[][..], &["--no-mmap"]] {
            let fixed = place.join("fixed");
            let arguments = ["recover", file.to_str().unwrap(), "-o", fixed.to_str().unwrap()];
            let output = run(&[&arguments[..], more].concat());
            let lines = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success() && lines.contains(&said) == (before > 0), "{name}: {lines}");
            assert!(lines.contains("nothing had to be rescued"), "{name}: {lines}");
            assert!(std::fs::read(&fixed).unwrap() == whole, "{name}");
        }
    }
}

#[test]
fn a_damaged_one_is_rescued_out_of_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut killed = sample();
    killed[0x248..0x268].fill(0);
    let file = folder.path().join("capture.PML");
    std::fs::write(&file, [&[0xA5; 37], &killed[..]].concat()).unwrap();
    let (found, errors) = record(&file);
    assert!(errors.contains("begins at offset 0x25") && errors.contains("header at offset 0x248"), "{errors}");
    assert_eq!(found["capture"]["quality"][0]["code"], "recovered");
}

#[test]
fn what_holds_none_is_called_by_its_name_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let whole = sample();
    let out = folder.path().join("out.PML");
    let cases: [(&[u8], &str); 9] = [
        (b"<!DOCTYPE html><html><head><title>403 Forbidden</title></head></html>", "a web page, not a capture"),
        (b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "a web page, not a capture"),
        (b"7z\xBC\xAF\x27\x1C\0\x04abcdefgh", "a 7z archive. Unpack it"),
        (b"MSCF\0\0\0\0abcdefgh", "a cab archive. Unpack it"),
        (b"From: a@b\r\nContent-Type: multipart/mixed\r\n\r\n", "a mail message."),
        (b"UE1MXwkAAAABAAAA", "a capture encoded as base64 text"),
        (&[0; 4096], "begins with zeros only"),
        (&zip(&[("a.txt", b"nothing")]), "a zip archive without a capture"),
        (
            &zip(&[("a.PML", &whole), ("a-1.PML", &whole)]),
            "a zip archive with 2 captures or exports (a.PML, a-1.PML). Unpack it",
        ),
    ];
    for (bytes, said) in cases {
        let file = folder.path().join("capture.PML");
        std::fs::write(&file, bytes).unwrap();
        let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
        for arguments in [
            &["blame", file][..],
            &["why", file, "--event", "1"],
            &["events", file],
            &["audit", file],
            &["extract", file, "-o", out, "--case"],
            &["recover", file, "-o", out],
        ] {
            let output = run(arguments);
            let errors = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {errors}");
            assert!(errors.contains(&format!("capture.PML: header at offset 0x0: {said}")), "{arguments:?}: {errors}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("capture.PML");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (file, out) = (pipe.to_str().unwrap(), folder.path().join("out"));
    for arguments in [&["blame", file][..], &["recover", file, "-o", out.to_str().unwrap()]] {
        let output = run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(errors.contains("capture.PML: is a pipe or a device"), "{errors}");
    }
}
