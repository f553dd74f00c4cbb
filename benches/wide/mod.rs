//! Wide records: predictions with many features, all numbers or all texts, as JSON and as Avro; and the profile of them.

use super::draws::draws;
use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use postdict::codec::{FieldPath, Format, Message, PredictionDecoder, PredictionFields};
use postdict::drift::profile::{MAX_CATEGORIES, OutputsBuilder, ProfileBuilder};
use postdict::event::{FeatureSource, Origin, PredictionBatch, PredictionColumns, Profile, Role};
use std::collections::BTreeMap;

/// Distinct texts of a category.
const TEXTS: u64 = 20;
/// Time of the first prediction.
const START: i64 = 1_760_000_000_000;

/// What the features of a record are.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Numbers,
    Texts,
}

impl Kind {
    /// For the tables.
    pub fn name(self) -> &'static str {
        if self == Kind::Numbers { "numbers" } else { "texts" }
    }
}

/// Records with so many features of one kind, in both forms.
pub struct Wide {
    pub features: usize,
    schema: String,
    json: Vec<Vec<u8>>,
    avro: Vec<Vec<u8>>,
}

/// A form of bytes.
#[derive(Clone, Copy)]
pub enum Form {
    Json,
    Avro,
}

impl Wide {
    /// `records` of them; one value in twenty is missing.
    pub fn new(kind: Kind, features: usize, records: usize) -> Wide {
        let schema = schema(kind, features);
        let parsed = Schema::parse_str(&schema).expect("a schema");
        let writer = GenericDatumWriter::builder(&parsed).build().expect("a writer");
        let mut draws = draws();
        let mut draw = || draws.next().unwrap_or_default();
        let mut wide = Wide { features, schema, json: Vec::new(), avro: Vec::new() };
        for number in 0..records as i64 {
            let value = |draw: &mut dyn FnMut() -> u64| match (draw().is_multiple_of(20), kind) {
                (true, _) => Value::Union(0, Box::new(Value::Null)),
                (_, Kind::Numbers) => {
                    let [a, b] = [draw(), draw()].map(|bits| (bits >> 11) as f64 / (1u64 << 53) as f64);
                    Value::Union(1, Box::new(Value::Double(100.0 * a * b)))
                }
                (_, Kind::Texts) => {
                    // The smaller of two draws: some texts are frequent.
                    let place = (draw() % TEXTS).min(draw() % TEXTS);
                    Value::Union(1, Box::new(Value::String(format!("value{place}"))))
                }
            };
            let values: Vec<(String, Value)> =
                written(features).into_iter().map(|name| (name, value(&mut draw))).collect();
            let record = Value::Record(vec![
                ("request_id".to_owned(), Value::String(format!("01890000-0000-7000-8000-{number:012x}"))),
                ("model_id".to_owned(), Value::String("model".to_owned())),
                ("timestamp".to_owned(), Value::Long(START + number)),
                ("score".to_owned(), Value::Double((draw() >> 11) as f64 / (1u64 << 53) as f64)),
                ("features".to_owned(), Value::Record(values)),
            ]);
            wide.json.push(json(&record).into_bytes());
            wide.avro.push(writer.write_value_to_vec(record).expect("it fits"));
        }
        wide
    }

    /// A decoder of one form, which maps all features or none.
    pub fn decoder(&self, form: Form, is_mapped: bool) -> PredictionDecoder {
        let features = if is_mapped { names(self.features) } else { Vec::new() };
        let columns = PredictionColumns { features, ..PredictionColumns::default() };
        let format = match form {
            Form::Json => Format::Json,
            Form::Avro => Format::AvroPlain { schema: self.schema.clone() },
        };
        PredictionDecoder::try_new(&format, &fields(), &columns).expect("a decoder")
    }

    /// The records as messages.
    pub fn messages(&self, form: Form) -> Vec<Message<'_>> {
        let values = match form {
            Form::Json => &self.json,
            Form::Avro => &self.avro,
        };
        (0..).zip(values).map(|(offset, value)| Message::of_file(offset, value)).collect()
    }

    /// Bytes of a record, on average.
    pub fn bytes(&self, form: Form) -> usize {
        self.messages(form).iter().map(|message| message.value.map_or(0, <[u8]>::len)).sum::<usize>() / self.json.len()
    }

    /// All records, decoded.
    pub fn batch(&self) -> PredictionBatch {
        self.decoded(&self.messages(Form::Avro))
    }

    fn decoded(&self, messages: &[Message<'_>]) -> PredictionBatch {
        let decoded = self.decoder(Form::Avro, true).decode(&origin(), messages);
        assert!(decoded.rejects.is_empty(), "every record is a prediction");
        decoded.batch
    }

    /// The profile of the first half of the records: their features, without the score.
    pub fn profile(&self) -> Profile {
        let messages = self.messages(Form::Avro);
        let mut builder = ProfileBuilder::new(None, &names(self.features), BTreeMap::new(), MAX_CATEGORIES);
        builder.add(&self.decoded(&messages[..messages.len() / 2])).expect("there are not too many numbers");
        let (mut profile, _) = builder.finish(false).expect("a profile");
        profile.features.retain(|feature| feature.source == FeatureSource::Feature);
        profile.with_id()
    }

    /// The same with the scores of these records, added up per bin.
    pub fn profile_with_outputs(&self) -> Profile {
        let messages = self.messages(Form::Avro);
        let mut builder = OutputsBuilder::try_new(self.profile(), &names(self.features)).expect("there are scores");
        builder.add(&self.decoded(&messages[..messages.len() / 2]));
        builder.finish()
    }
}

/// Where the records come from.
pub fn origin() -> Origin {
    Origin { role: Role::Predictions, topic: "predictions".into(), partition: 0 }
}

/// Names in the order in which producers write them: not that of the alphabet.
fn written(features: usize) -> Vec<String> {
    (0..features).map(|feature| format!("feature_{:03}", feature * 37 % features)).collect()
}

fn names(features: usize) -> Vec<String> {
    let mut names = written(features);
    names.sort();
    names
}

fn schema(kind: Kind, features: usize) -> String {
    let field = |name: &str, of: &str| format!(r#"{{"name":"{name}","type":{of}}}"#);
    let of = if kind == Kind::Numbers { r#"["null","double"]"# } else { r#"["null","string"]"# };
    let features: Vec<String> = written(features).iter().map(|name| field(name, of)).collect();
    let record = format!(r#"{{"type":"record","name":"Features","fields":[{}]}}"#, features.join(","));
    let fields = [
        field("request_id", r#""string""#),
        field("model_id", r#""string""#),
        field("timestamp", r#""long""#),
        field("score", r#""double""#),
        field("features", &record),
    ];
    format!(r#"{{"type":"record","name":"Prediction","fields":[{}]}}"#, fields.join(","))
}

/// The same as JSON, its members in their order.
fn json(value: &Value) -> String {
    match value {
        Value::Union(_, inner) => json(inner),
        Value::String(text) => format!("\"{text}\""),
        Value::Double(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Record(fields) => {
            let members: Vec<String> =
                fields.iter().map(|(name, value)| format!("\"{name}\":{}", json(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        _ => "null".to_owned(),
    }
}

fn fields() -> PredictionFields {
    let path = |name: &str| FieldPath::Value(vec![name.to_owned()]);
    PredictionFields {
        request_id: path("request_id"),
        model_id: path("model_id"),
        model_version: None,
        timestamp: path("timestamp"),
        score: Some(path("score")),
        predicted_label: None,
        scores: None,
        predicted_value: None,
        features: Some(path("features")),
        attributes: None,
        latency_ms: None,
        error: None,
        segments: BTreeMap::new(),
    }
}
