//! Splitting of records and blocks.

use super::*;

fn values(text: &str) -> Result<(Vec<String>, usize), BadReason> {
    let mut fields = Vec::new();
    let end = split(text.as_bytes(), 0, b',', &mut fields)?;
    let value = |field: &Field| {
        let raw = &text.as_bytes()[field.start as usize..field.end as usize];
        String::from_utf8(if field.escaped { unescape(raw) } else { raw.to_vec() }).unwrap()
    };
    Ok((fields.iter().map(value).collect(), end))
}

#[test]
fn records() {
    let ok = |text: &str, expected: &[&str], end: usize| {
        let (got, at) = values(text).unwrap();
        assert_eq!((got, at), (expected.iter().map(|s| (*s).to_owned()).collect(), end), "{text:?}");
    };
    ok("\"a\",\"b\"\r\nnext", &["a", "b"], 9);
    ok("\"a\",\"\"\n", &["a", ""], 7);
    ok("\"say \"\"x\"\"\",\"\"\"\"", &["say \"x\"", "\""], 16);
    ok("\"two\r\nlines\",b\r\n", &["two\r\nlines", "b"], 16);
    ok("a,b c,\r\n", &["a", "b c", ""], 8);
    ok("a,b", &["a", "b"], 3);
    ok("\"\0\",x", &["\0", "x"], 5);
    for bad in ["\"open", "\"a\"b,c\r\n", "a\"b,c\r\n", "\"a\"\rb"] {
        assert_eq!(values(bad), Err(BadReason::Quotes), "{bad:?}");
    }
    assert_eq!(values(&",".repeat(600)), Err(BadReason::FieldCount));
}

#[test]
fn headers_with_any_delimiter() {
    let found = |text: &str| {
        let (titles, delimiter, end) = header(text.as_bytes()).unwrap();
        (titles.join("|"), delimiter, end)
    };
    assert_eq!(found("\"PID\",\"Path\"\r\n\"4\""), ("PID|Path".to_owned(), b',', 14));
    assert_eq!(found("PID;Date & Time;Path\n"), ("PID|Date & Time|Path".to_owned(), b';', 21));
    assert_eq!(found("PID\tPath\r\n"), ("PID|Path".to_owned(), b'\t', 10));
}

/// All rows of `text`, read through blocks.
fn through_blocks(text: Vec<u8>, fields: usize) -> (Vec<Vec<u8>>, usize) {
    let shape = Shape { delimiter: b',', fields };
    let mut blocks = CsvBlocks::new(Box::new(std::io::Cursor::new(text)), shape, 0);
    let mut rows = Vec::new();
    let mut count = 0;
    while let Some(block) = blocks.next() {
        count += 1;
        assert!(block.data.len() <= 2 * BLOCK, "{}", block.data.len());
        let (mut at, mut split_fields) = (0, Vec::new());
        while at < block.data.len() {
            at = split(&block.data, at, b',', &mut split_fields).unwrap();
            assert_eq!(split_fields.len(), fields);
            let last = split_fields[fields - 1];
            rows.push(block.data[last.start as usize..last.end as usize].to_vec());
        }
    }
    (rows, count)
}

#[test]
fn blocks_end_between_records_even_where_fields_hold_line_breaks() {
    let mut text = Vec::new();
    for n in 0..40_000 {
        text.extend_from_slice(format!("\"{n}\",\"line\r\n\"\"two\"\",\r\nthree {n}\",\"{n}\"\r\n").as_bytes());
    }
    let (rows, blocks) = through_blocks(text, 3);
    assert_eq!(rows.len(), 40_000);
    assert!(rows.iter().enumerate().all(|(n, row)| *row == n.to_string().into_bytes()));
    assert!(blocks > 1, "{blocks}");
}

#[test]
fn a_line_without_end_is_one_piece_and_the_next_line_is_read() {
    let mut text = vec![b'"'];
    text.resize(LONGEST + 3 * BLOCK, b'x');
    text.extend_from_slice(b"\n\"1\",\"2\"\r\n");
    let mut blocks = CsvBlocks::new(Box::new(std::io::Cursor::new(text)), Shape { delimiter: b',', fields: 2 }, 0);
    let first = blocks.next().unwrap();
    assert!(first.oversized);
    assert_eq!(first.data.len(), 256);
    let second = blocks.next().unwrap();
    assert_eq!((second.oversized, second.data), (false, b"\"1\",\"2\"\r\n".to_vec()));
    assert!(blocks.next().is_none());
}
