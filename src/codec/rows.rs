//! Rows → bytes: JSON objects, or Avro in Confluent framing (a zero byte, the schema's id in 4 bytes big-endian, the datum).

use crate::event::{AlertRow, DeadLetterRow, LabelledRow, MetricRow, Reject};
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Schema, from_value, to_value};
use serde::Serialize;
use std::sync::LazyLock;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// One JSON object.
    Json,
    /// Avro in Confluent framing, under the id that the schema has in the registry.
    Avro {
        /// Of the schema in `schemas/`.
        schema_id: u32,
    },
}

static METRICS: LazyLock<Schema> = LazyLock::new(|| parsed(include_str!("../../schemas/metrics.avsc")));
static ALERTS: LazyLock<Schema> = LazyLock::new(|| parsed(include_str!("../../schemas/alerts.avsc")));
static DEAD_LETTERS: LazyLock<Schema> = LazyLock::new(|| parsed(include_str!("../../schemas/dead_letters.avsc")));
static LABELLED: LazyLock<Schema> = LazyLock::new(|| parsed(include_str!("../../schemas/labelled.avsc")));

fn parsed(schema: &str) -> Schema {
    Schema::parse_str(schema).expect("the shipped schemas are valid")
}

fn writer(schema: &'static Schema) -> GenericDatumWriter<'static> {
    GenericDatumWriter::builder(schema).build().expect("the shipped schemas name no others")
}

/// Writes rows of one kind.
pub struct RowEncoder {
    format: RowFormat,
    writer: GenericDatumWriter<'static>,
}

impl RowEncoder {
    /// Of rows of `metrics`.
    pub fn metrics(format: RowFormat) -> Self {
        RowEncoder { format, writer: writer(&METRICS) }
    }

    /// Of rows of `alerts`.
    pub fn alerts(format: RowFormat) -> Self {
        RowEncoder { format, writer: writer(&ALERTS) }
    }

    /// Of rows of `dead_letters`.
    pub fn dead_letters(format: RowFormat) -> Self {
        RowEncoder { format, writer: writer(&DEAD_LETTERS) }
    }

    /// Of rows of `labelled`.
    pub fn labelled(format: RowFormat) -> Self {
        RowEncoder { format, writer: writer(&LABELLED) }
    }

    /// A row of `metrics` as bytes.
    pub fn metric(&self, row: &MetricRow) -> Vec<u8> {
        self.row(row)
    }

    /// A row of `alerts` as bytes.
    pub fn alert(&self, row: &AlertRow) -> Vec<u8> {
        let RowFormat::Avro { schema_id } = self.format else { return json(row) };
        let Ok(Value::Record(mut fields)) = to_value(row) else { unreachable!("a row is a record") };
        // Its choices are texts, so that another one is no other schema.
        for (_, value) in &mut fields {
            if let Value::Enum(_, name) = value {
                *value = Value::String(std::mem::take(name));
            }
        }
        let record = Value::Record(fields).resolve(&ALERTS).expect("the row has the fields of its schema");
        let mut bytes = framing(schema_id);
        self.writer.write_value(&mut bytes, record).expect("the row has the fields of its schema");
        bytes
    }

    /// How it writes.
    pub fn format(&self) -> RowFormat {
        self.format
    }

    /// A row of `labelled` as bytes.
    pub fn labelled_row(&self, row: &LabelledRow) -> Vec<u8> {
        self.row(row)
    }

    /// A rejected record as bytes: its raw bytes are base64 text in JSON and bytes in Avro.
    pub fn dead_letter(&self, reject: &Reject) -> Vec<u8> {
        let row = DeadLetterRow::from(reject);
        let RowFormat::Avro { schema_id } = self.format else { return json(&row) };
        fn option<T>(value: Option<T>, of: impl FnOnce(T) -> Value) -> Value {
            match value {
                None => Value::Union(0, Box::new(Value::Null)),
                Some(value) => Value::Union(1, Box::new(of(value))),
            }
        }
        let fields = [
            ("topic", Value::String(row.topic.to_string())),
            ("partition", Value::Int(row.partition)),
            ("offset", Value::Long(row.offset)),
            ("timestamp", option(row.timestamp, Value::TimestampMillis)),
            ("reason", Value::String(row.reason.to_string())),
            ("detail", Value::String(row.detail)),
            ("schema_id", option(row.schema_id, Value::Int)),
            ("key", option(reject.key.clone(), Value::Bytes)),
            ("value", option(reject.value.clone(), Value::Bytes)),
            ("headers", option(row.headers, Value::String)),
        ];
        let record = Value::Record(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        let mut bytes = framing(schema_id);
        self.writer.write_value(&mut bytes, record).expect("the row has the fields of its schema");
        bytes
    }

    fn row(&self, row: &impl Serialize) -> Vec<u8> {
        let RowFormat::Avro { schema_id } = self.format else { return json(row) };
        let mut bytes = framing(schema_id);
        self.writer.write_ser(&mut bytes, row).expect("the row has the fields of its schema");
        bytes
    }
}

/// Reads what [`RowEncoder::alert`] wrote, in whichever format: JSON does not begin with a zero byte.
///
/// # Errors
/// If it is no row of `alerts`.
pub fn decode_alert(bytes: &[u8]) -> Result<AlertRow, String> {
    let [0, _, _, _, _, datum @ ..] = bytes else {
        return serde_json::from_slice(bytes).map_err(|error| error.to_string());
    };
    let reader = GenericDatumReader::builder(&ALERTS).build().expect("the shipped schemas name no others");
    let read = reader.read_value(&mut &datum[..]).and_then(|value| from_value(&value));
    read.map_err(|error| error.to_string())
}

fn json(row: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(row).expect("rows are JSON")
}

fn framing(schema_id: u32) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&schema_id.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Origin, Reason, Role};
    use serde::de::DeserializeOwned;

    const AVRO: RowFormat = RowFormat::Avro { schema_id: 258 };

    fn example<R: DeserializeOwned>(text: &str) -> R {
        serde_json::from_str(text).expect("an example")
    }

    fn decoded(schema: &'static Schema, bytes: &[u8]) -> Value {
        assert_eq!(bytes[..5], [0, 0, 0, 1, 2], "magic byte, then the schema's id");
        let reader = GenericDatumReader::builder(schema).build().expect("a schema");
        reader.read_value(&mut &bytes[5..]).expect("a datum")
    }

    #[test]
    fn rows_come_back_from_avro_and_from_json() {
        let row: MetricRow = example(include_str!("../../schemas/examples/metrics.json"));
        let bytes = RowEncoder::metrics(AVRO).metric(&row);
        assert_eq!(from_value::<MetricRow>(&decoded(&METRICS, &bytes)).expect("a row"), row);
        let bytes = RowEncoder::metrics(RowFormat::Json).metric(&row);
        assert_eq!(serde_json::from_slice::<MetricRow>(&bytes).expect("a row"), row);

        let row: AlertRow = example(include_str!("../../schemas/examples/alerts.json"));
        for format in [AVRO, RowFormat::Json] {
            let bytes = RowEncoder::alerts(format).alert(&row);
            assert_eq!(decode_alert(&bytes).as_ref(), Ok(&row));
            assert!(decode_alert(&bytes[..bytes.len() / 2]).is_err(), "it was cut");
        }
        assert!(decode_alert(b"").is_err() && decode_alert(&[0; 5]).is_err());

        let row: LabelledRow = example(include_str!("../../schemas/examples/labelled.json"));
        let bytes = RowEncoder::labelled(AVRO).labelled_row(&row);
        assert_eq!(from_value::<LabelledRow>(&decoded(&LABELLED, &bytes)).expect("a row"), row);
    }

    #[test]
    fn dead_letters_hold_raw_bytes() {
        let reject = Reject {
            origin: Origin { role: Role::Labels, topic: "labels".into(), partition: 3 },
            offset: 1 << 40,
            timestamp: Some(-1),
            reason: Reason::Undecodable,
            detail: "no".to_owned(),
            schema_id: None,
            key: Some(vec![0, 255]),
            value: Some(vec![1, 2, 254]),
            headers: vec![("h".to_owned(), None)],
        };
        let bytes = RowEncoder::dead_letters(AVRO).dead_letter(&reject);
        let Value::Record(fields) = decoded(&DEAD_LETTERS, &bytes) else { panic!("a record") };
        let of = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
        assert_eq!(of("value"), Some(Value::Union(1, Box::new(Value::Bytes(vec![1, 2, 254])))));
        assert_eq!(of("offset"), Some(Value::Long(1 << 40)));
        assert_eq!(of("schema_id"), Some(Value::Union(0, Box::new(Value::Null))));
        let bytes = RowEncoder::dead_letters(RowFormat::Json).dead_letter(&reject);
        assert_eq!(serde_json::from_slice::<DeadLetterRow>(&bytes).expect("a row"), DeadLetterRow::from(&reject));
    }
}
