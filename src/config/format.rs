//! How the bytes of the two inputs are read (`format:`), with the schema files that this needs.

use super::problem::{At, Report};
use super::section::{Item, Section, Spanned};
use crate::codec::Format;
use apache_avro::Schema;
use std::io;
use std::path::{Path, PathBuf};

/// A format, and the schemas of its files as parsed.
#[derive(Debug, Clone)]
pub(super) struct InputFormat {
    pub format: Format,
    pub schemas: Vec<Schema>,
    /// Where the format is written; `None` for the default.
    pub at: Option<At>,
}

impl Default for InputFormat {
    fn default() -> Self {
        InputFormat { format: Format::Json, schemas: Vec::new(), at: None }
    }
}

/// Reads files (schemas, profiles), which the operator names relative to the configuration's folder.
pub(super) struct NamedFiles<'a> {
    pub folder: &'a Path,
    pub read: &'a dyn Fn(&Path) -> io::Result<String>,
}

impl NamedFiles<'_> {
    /// The whole path and the text of the file at `path`; `what` says what it is.
    pub fn text(&self, path: &Spanned<String>, what: &str, report: &mut Report) -> Option<(PathBuf, String)> {
        let full = self.folder.join(&path.value);
        match (self.read)(&full) {
            Ok(text) => Some((full, text)),
            Err(error) => {
                let message = format!("cannot read the {what} `{}`: {error}", full.display());
                report.error(&path.at, message).help("paths are relative to the folder of the configuration file");
                None
            }
        }
    }

    /// The text and meaning of the file that `item` names.
    fn load(&self, item: &Item<'_>, report: &mut Report) -> Option<(String, Schema)> {
        let path = item.text(report, "the path of an Avro schema file (.avsc)")?;
        let (full, text) = self.text(&path, "schema file", report)?;
        match Schema::parse_str(&text) {
            Ok(schema @ Schema::Record(_)) => Some((text, schema)),
            Ok(_) => {
                report.error(&path.at, format!("the schema in `{}` is not a record", full.display()));
                None
            }
            Err(error) => {
                report.error(&path.at, format!("`{}` is not an Avro schema: {error}", full.display()));
                None
            }
        }
    }
}

/// The formats that `format:` gives to predictions and labels.
#[derive(Debug, Default)]
pub(super) struct Formats {
    pub predictions: Option<InputFormat>,
    pub labels: Option<InputFormat>,
    /// True where `format:` names the two inputs apart.
    pub separate: bool,
}

/// Reads `format:`: one format for both inputs, or `{predictions: …, labels: …}`.
pub(super) fn read_both(item: Option<Item<'_>>, files: &NamedFiles<'_>, report: &mut Report) -> Formats {
    let Some(item) = item else { return Formats::default() };
    if item.is_section() {
        let Some(mut section) = Section::open(&item, report) else { return Formats::default() };
        let predictions = section.take("predictions");
        let labels = section.take("labels");
        if predictions.is_some() || labels.is_some() {
            section.finish(report, &[], &[("type", "under `predictions` and `labels`")]);
            return Formats {
                predictions: predictions.and_then(|item| read_one(&item, files, report)),
                labels: labels.and_then(|item| read_one(&item, files, report)),
                separate: true,
            };
        }
    }
    let both = read_one(&item, files, report);
    Formats { predictions: both.clone(), labels: both, separate: false }
}

const EXPECTED: &str = "`json`, `{type: avro, schema: FILE}` or `{type: avro, schema_ids: {ID: FILE}}`";

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Json,
    Avro,
}

const KINDS: [(&str, Kind); 2] = [("json", Kind::Json), ("avro", Kind::Avro)];

/// Reads the format of one input.
pub(super) fn read_one(item: &Item<'_>, files: &NamedFiles<'_>, report: &mut Report) -> Option<InputFormat> {
    let json = |at: At| Some(InputFormat { at: Some(at), ..InputFormat::default() });
    if !item.is_section() {
        if item.is_null() || item.is_list() {
            item.wrong_type(report, EXPECTED);
            return None;
        }
        let kind = item.choice(report, &KINDS)?;
        if kind.value == Kind::Avro {
            report.error(&kind.at, "Avro cannot be read without schemas").expected(EXPECTED);
            return None;
        }
        return json(kind.at);
    }
    let mut section = Section::open(item, report)?;
    let kind = section.require("type", report, "write `type: json` or `type: avro`");
    let kind = kind.and_then(|kind| kind.choice(report, &KINDS));
    let plain = section.take("schema");
    let framed = section.take("schema_ids");
    section.finish(report, &[], &[]);
    let kind = kind?;
    if kind.value == Kind::Json {
        for schema in [plain, framed].into_iter().flatten() {
            report.error(&schema.at(), "JSON has no schema").help("remove it, or write `type: avro`");
        }
        return json(item.at());
    }
    match (plain, framed) {
        (Some(plain), None) => {
            let (schema, parsed) = files.load(&plain, report)?;
            Some(InputFormat { format: Format::AvroPlain { schema }, schemas: vec![parsed], at: Some(item.at()) })
        }
        (None, Some(framed)) => read_framed(&framed, files, report, item.at()),
        (Some(_), Some(framed)) => {
            report.error(&framed.at(), "both `schema` and `schema_ids`").help(
                "`schema_ids` is for records with a schema id in front (Confluent framing), `schema` for plain ones",
            );
            None
        }
        (None, None) => {
            report.error(&item.at(), "Avro cannot be read without schemas").expected(EXPECTED);
            None
        }
    }
}

fn read_framed(item: &Item<'_>, files: &NamedFiles<'_>, report: &mut Report, at: At) -> Option<InputFormat> {
    let section = Section::open(item, report)?;
    let mut schemas = std::collections::BTreeMap::new();
    let mut parsed = Vec::new();
    let mut complete = true;
    for (id, file) in section.entries() {
        let number = read_id(&id, report);
        let loaded = files.load(&file, report);
        match (number, loaded) {
            (Some(number), Some((text, schema))) => {
                if schemas.insert(number, text).is_some() {
                    report.error(&id.at, format!("schema id {number} twice")).help("keep one of them");
                    complete = false;
                }
                parsed.push(schema);
            }
            _ => complete = false,
        }
    }
    if complete && schemas.is_empty() {
        report.error(section.at(), "no schema at all").expected("schema ids and files: `{1: predictions.avsc}`");
        complete = false;
    }
    complete.then_some(InputFormat { format: Format::AvroConfluent { schemas }, schemas: parsed, at: Some(at) })
}

fn read_id(id: &Spanned<&str>, report: &mut Report) -> Option<i32> {
    let number = id.value.parse().ok().filter(|number: &i32| *number > 0);
    if number.is_none() {
        let message = format!("`{}` is not a schema id", id.value);
        report.error(&id.at, message).expected("the registry's number of the schema, from 1");
    }
    number
}
