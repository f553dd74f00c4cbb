//! Files of predictions for a reference profile: which features they have, and their batches one after the other.

use super::lane::{Batch, Lane, Layout};
use super::spool::{MAGIC, SpoolReader};
use super::{CHUNK_BUDGET_BYTES, Progress, ReplayError};
use crate::codec::avro::container::ContainerReader;
use crate::codec::compression::decompressed;
use crate::codec::{FieldPath, Format, LineReader, Message, PredictionFields};
use crate::event::{PredictionBatch, Role};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Text of a file that is looked at in one piece.
const CHUNK_BYTES: usize = 512 << 10;

/// Names of the features that the records of `files` have, sorted. Records of a topic are of `format`; other files say
/// themselves what they are.
///
/// # Errors
/// If a file cannot be read.
pub fn feature_names(
    files: &[PathBuf],
    format: &Format,
    fields: &PredictionFields,
) -> Result<Vec<String>, ReplayError> {
    let Some(FieldPath::Value(path)) = &fields.features else { return Ok(Vec::new()) };
    let mut names = BTreeSet::new();
    for file in files {
        let failed =
            |error: &dyn std::fmt::Display| ReplayError::Input { path: file.clone(), message: error.to_string() };
        let opened = File::open(file).map_err(|error| failed(&error))?;
        let mut reader = open(opened, file).map_err(|error| failed(&error))?;
        let head = reader.fill_buf().map_err(|error| failed(&error))?;
        if head.starts_with(b"Obj\x01") {
            let container = ContainerReader::open(reader).map_err(|error| failed(&error))?;
            names.extend(fields_of(container.schema(), path).map_err(|error| failed(&error))?);
            continue;
        }
        if head.starts_with(MAGIC) {
            match format {
                Format::Json => {
                    let mut records = SpoolReader::open(reader, CHUNK_BYTES).map_err(|error| failed(&error))?;
                    while let Some(chunk) = records.next_chunk().map_err(|error| failed(&error))? {
                        note_members(&chunk.messages(), path, &mut names);
                    }
                }
                Format::AvroPlain { schema } => {
                    names.extend(fields_of(schema, path).map_err(|error| failed(&error))?);
                }
                Format::AvroConfluent { schemas } => {
                    for schema in schemas.values() {
                        names.extend(fields_of(schema, path).map_err(|error| failed(&error))?);
                    }
                }
            }
            continue;
        }
        let mut lines = LineReader::new(reader, CHUNK_BYTES);
        while let Some(chunk) = lines.next_chunk().map_err(|error| failed(&error))? {
            note_members(&chunk.messages(), path, &mut names);
        }
    }
    Ok(names.into_iter().collect())
}

/// Adds the names of the members that JSON records have at `path`. What is no JSON becomes a dead letter when it is read.
fn note_members(messages: &[Message<'_>], path: &[String], names: &mut BTreeSet<String>) {
    for value in messages.iter().filter_map(|message| message.value) {
        let Ok(record) = serde_json::from_slice::<Value>(value) else { continue };
        let found = path.iter().try_fold(&record, |value, name| value.get(name));
        let members = found.and_then(Value::as_object);
        members.into_iter().flatten().for_each(|(name, _)| {
            if !names.contains(name) {
                names.insert(name.clone());
            }
        });
    }
}

/// Names of the fields of the record at `path` of an Avro schema in JSON.
fn fields_of(schema: &str, path: &[String]) -> serde_json::Result<Vec<String>> {
    serde_json::from_str(schema).map(|schema| fields_at(&schema, path))
}

fn open(file: File, path: &Path) -> std::io::Result<Box<dyn BufRead>> {
    let reader = decompressed(BufReader::with_capacity(64 * 1024, file), &path.to_string_lossy())?;
    Ok(Box::new(reader))
}

/// Names of the fields of the record at `path` of an Avro schema.
fn fields_at(schema: &Value, path: &[String]) -> Vec<String> {
    match schema {
        // A union: of what may be null.
        Value::Array(branches) => branches.iter().flat_map(|branch| fields_at(branch, path)).collect(),
        Value::Object(object) => {
            let Some(Value::Array(fields)) = object.get("fields") else {
                // A type within a type, such as `{"type": {"type": "record"}}`.
                return object
                    .get("type")
                    .filter(|inner| !inner.is_string())
                    .map_or(Vec::new(), |t| fields_at(t, path));
            };
            let name_of = |field: &Value| field["name"].as_str().map(str::to_owned);
            match path.split_first() {
                None => fields.iter().filter_map(name_of).collect(),
                Some((name, rest)) => {
                    let field = fields.iter().find(|field| name_of(field).as_deref() == Some(name));
                    field.map_or(Vec::new(), |field| fields_at(&field["type"], rest))
                }
            }
        }
        _ => Vec::new(),
    }
}

/// Gives `each` the predictions of `files`, one batch after the other; returns how many records were no predictions.
///
/// # Errors
/// If a file cannot be read to its end, or `each` fails.
pub fn read_predictions<E: From<ReplayError>>(
    files: &[PathBuf],
    layout: Layout,
    progress: &Progress,
    mut each: impl FnMut(&PredictionBatch) -> Result<(), E>,
) -> Result<u64, E> {
    let layout = Arc::new(layout);
    let chunk_bytes = (CHUNK_BUDGET_BYTES / 4).min(CHUNK_BYTES);
    let mut rejected = 0;
    for file in files {
        let lane = Lane::start(Role::Predictions, file.clone(), Arc::clone(&layout), progress.counter(), chunk_bytes);
        while let Some(chunk) = lane.next() {
            let chunk = chunk?;
            rejected += chunk.rejects.len() as u64;
            if let Batch::Predictions(reader) = &chunk.batch {
                each(reader.batch())?;
            }
        }
    }
    Ok(rejected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_the_fields_of_the_record_that_the_path_names() {
        let schema = serde_json::json!({"type": "record", "name": "p", "fields": [
            {"name": "id", "type": "string"},
            {"name": "input", "type": ["null", {"type": "record", "name": "i", "fields": [
                {"name": "features", "type": {"type": "record", "name": "f", "fields": [
                    {"name": "age", "type": "double"}, {"name": "plan", "type": ["null", "string"]}]}}]}]}]});
        let path = ["input".to_owned(), "features".to_owned()];
        assert_eq!(fields_at(&schema, &path), ["age", "plan"]);
        assert!(fields_at(&schema, &["other".to_owned()]).is_empty());
        assert!(fields_at(&schema, &["id".to_owned()]).is_empty());
    }
}
