//! Replacing names: lengths never change, learned names never remain, the same stays the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pmlblame::redact::{KeyFile, Redactor};

const KEY: &str = r#"{"schema":"pmlblame/redaction-key/1",
    "secret":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f","names":[]}"#;

fuzz_target!(|data: &[u8]| {
    let key = KeyFile::parse(KEY).expect("the key is one");
    let mut redactor = Redactor::from_key(&key).expect("and gives a redactor");
    redactor.learn_account(r"CONTOSO\alicedoe");
    redactor.learn_bytes(data);
    if let Ok(text) = std::str::from_utf8(data) {
        redactor.learn_text(text);
    }
    let redaction = redactor.seal();
    let mut bytes = data.to_vec();
    redaction.bytes(&mut bytes);
    assert_eq!(bytes.len(), data.len());
    assert!(!bytes.to_ascii_lowercase().windows(8).any(|window| window == b"alicedoe"));
    if let Ok(text) = std::str::from_utf8(data) {
        let out = redaction.text(text);
        assert_eq!(out.encode_utf16().count(), text.encode_utf16().count());
        assert!(!out.to_ascii_lowercase().contains("alicedoe"));
        assert_eq!(redaction.text(text), out);
    }
});
