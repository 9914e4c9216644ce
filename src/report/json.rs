//! The case record as JSON, and the schema that describes it.

use crate::case::CaseRecord;
use serde::Serialize;
use std::io::{self, Write};

/// Writes any record as indented JSON with a final line end.
///
/// # Errors
/// Those of `out`.
pub fn write<T: Serialize>(out: &mut dyn Write, record: &T) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, record)?;
    out.write_all(b"\n")
}

/// The JSON Schema (draft 2020-12) of the case record, generated from its types.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<CaseRecord>()
        .to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("$id".to_owned(), format!("https://pmlblame.invalid/schema/{}", crate::case::SCHEMA).into());
    }
    schema
}
