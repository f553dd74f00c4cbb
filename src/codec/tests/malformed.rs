//! One bad record of each kind between two good ones: the exact reason, and the neighbours unharmed.

use super::*;
use Reason::*;
use arrow_array::Array;
use proptest::prelude::*;
use std::collections::BTreeMap;

const GOOD: &str = r#"{"request_id":"g","model_id":"m","timestamp":1700000000000,"score":0.5}"#;

fn prediction(member: &str, value: &str) -> String {
    let mut members = BTreeMap::from([
        ("request_id", r#""r""#),
        ("model_id", r#""m""#),
        ("timestamp", "1700000000000"),
        ("score", "0.25"),
    ]);
    members.insert(member, value);
    object(&members)
}

fn object(members: &BTreeMap<&str, &str>) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn decode_json(values: &[impl AsRef<[u8]>]) -> Decoded<crate::event::PredictionBatch> {
    let mut decoder = PredictionDecoder::try_new(&Format::Json, &prediction_fields(), &columns()).unwrap();
    decoder.decode(&origin(Role::Predictions), &messages(values))
}

#[test]
fn each_bad_json_prediction_has_its_reason() {
    let bad = [
        ("request_id", "null", MissingRequestId),
        ("request_id", r#""""#, MissingRequestId),
        ("request_id", "1.5", WrongType),
        ("request_id", "true", WrongType),
        ("model_id", "null", MissingModelId),
        ("model_id", r#""""#, MissingModelId),
        ("model_id", "[]", WrongType),
        ("model_version", "{}", WrongType),
        ("timestamp", "null", MissingTimestamp),
        ("timestamp", r#""yesterday""#, WrongType),
        ("timestamp", "1.5", WrongType),
        ("timestamp", "-1", AbsurdTime),
        ("timestamp", "4102444800000", AbsurdTime),
        ("timestamp", "18446744073709551615", AbsurdTime),
        ("score", "1.0000001", ScoreOutOfRange),
        ("score", "-0.1", ScoreOutOfRange),
        ("score", r#""0.5""#, WrongType),
        ("score", "true", WrongType),
        ("score", "1e999", InvalidNumber),
        ("score", "null", MissingValue),
        ("predicted_label", "[1]", WrongType),
        ("predicted_label", "1e300", InvalidNumber),
        ("scores", "[0.1]", WrongType),
        ("scores", r#"{"a":"x"}"#, WrongType),
        ("scores", r#"{"a":-0.1}"#, ScoreOutOfRange),
        ("scores", r#"{"a":1e30}"#, InvalidNumber),
        ("predicted_value", "9007199254740993000", InvalidNumber),
        ("predicted_value", r#""7""#, WrongType),
        ("latency_ms", "-1", InvalidNumber),
        ("error", "5", WrongType),
        ("attributes", r#"{"country":["DE"]}"#, WrongType),
        ("attributes", r#""DE""#, WrongType),
        ("features", r#"{"tier":{"a":1}}"#, WrongType),
    ];
    for (member, value, reason) in bad {
        let record = prediction(member, value);
        let decoded = decode_json(&[GOOD, &record, GOOD]);
        assert_eq!(reasons(&decoded), [(11, reason)], "{record}");
        let reject = &decoded.rejects[0];
        assert_eq!(reject.value.as_deref(), Some(record.as_bytes()));
        assert!(
            reject.detail.contains(match member {
                "attributes" => "country",
                "features" => "tier",
                _ if reason == MissingValue || value == "1e999" => "",
                _ => member,
            }),
            "{}",
            reject.detail
        );
        let good = decode_json(&[GOOD, GOOD]);
        assert_eq!(decoded.batch.offset.values().to_vec(), [10, 12]);
        assert_eq!(shown(&decoded.batch.request_id), shown(&good.batch.request_id));
        assert_eq!(shown(&decoded.batch.model_id), shown(&good.batch.model_id));
        assert_eq!(shown(&decoded.batch.segments), shown(&good.batch.segments));
    }
}

#[test]
fn bytes_that_are_no_json_object_are_undecodable() {
    for bytes in [&b""[..], b"\xff\xfe", b"[]", b"{", b"{}{}", b"null"] {
        let decoded = decode_json(&[GOOD.as_bytes(), bytes]);
        assert_eq!(reasons(&decoded), [(11, Undecodable)]);
        assert_eq!(decoded.batch.len(), 1);
    }
    let tombstone = Message { value: None, key: Some(b"k"), ..Message::of_file(0, b"") };
    let mut decoder =
        PredictionDecoder::try_new(&Format::Json, &prediction_fields(), &PredictionColumns::default()).unwrap();
    let decoded = decoder.decode(&origin(Role::Predictions), &[tombstone]);
    assert_eq!(reasons(&decoded), [(0, Undecodable)]);
    assert_eq!((decoded.rejects[0].key.as_deref(), decoded.rejects[0].value.as_deref()), (Some(&b"k"[..]), None));
}

#[test]
fn a_failed_request_needs_no_output() {
    for (error, failed) in [(r#""timeout""#, true), ("true", true), (r#""""#, false), ("false", false), ("null", false)]
    {
        let record = format!(r#"{{"request_id":"r","model_id":"m","timestamp":0,"error":{error}}}"#);
        let decoded = decode_json(&[record]);
        assert_eq!(decoded.batch.len(), usize::from(failed), "{error}");
        assert_eq!(decoded.batch.failed.iter().flatten().all(|failed| failed), failed || decoded.batch.is_empty());
    }
}

#[test]
fn a_segment_value_is_taken_from_its_path_then_attributes_then_features() {
    let mut fields = prediction_fields();
    fields.segments.insert("tier".to_owned(), FieldPath::Header("tier".to_owned()));
    let record = r#"{"request_id":1,"model_id":"m","score":1,"attributes":{"country":null,"tier":"a"},"features":{"country":2.0}}"#;
    let headers = [("tier".to_owned(), Some(b"gold".to_vec()))];
    let message = Message { headers: &headers, timestamp: Some(5), ..Message::of_file(0, record.as_bytes()) };
    let mut decoder = PredictionDecoder::try_new(&Format::Json, &fields, &columns()).unwrap();
    let batch = decoder.decode(&origin(Role::Predictions), &[message]).batch;
    let text = |column: &crate::event::prediction::TextColumn| {
        column.downcast_dict::<arrow_array::StringArray>().unwrap().into_iter().next().flatten().map(str::to_owned)
    };
    assert_eq!(batch.segments.iter().map(text).collect::<Vec<_>>(), [Some("2".to_owned()), Some("gold".to_owned())]);
    assert_eq!((batch.time(0), batch.request_id.value(0)), (5, "1"));
}

#[test]
fn each_bad_json_label_has_its_reason() {
    let bad = [
        (r#"{"timestamp":0,"label":1}"#, MissingRequestId),
        (r#"{"request_id":"r","label":1}"#, MissingTimestamp),
        (r#"{"request_id":"r","timestamp":0}"#, MissingValue),
        (r#"{"request_id":"r","timestamp":0,"deleted":false}"#, MissingValue),
        (r#"{"request_id":"r","timestamp":0,"label":[1]}"#, WrongType),
        (r#"{"request_id":"r","timestamp":0,"label":1e300}"#, InvalidNumber),
        (r#"{"request_id":"r","timestamp":0,"label":1,"deleted":"yes"}"#, WrongType),
        (r#"{"request_id":"r","timestamp":0,"label":1,"weight":"2"}"#, WrongType),
        (r#"{"request_id":"r","timestamp":-5,"label":1}"#, AbsurdTime),
    ];
    let mut decoder = LabelDecoder::try_new(&Format::Json, &label_fields()).unwrap();
    for (record, reason) in bad {
        let decoded = decoder.decode(&origin(Role::Labels), &messages(&[record]));
        assert_eq!(reasons(&decoded), [(10, reason)], "{record}");
    }
}

#[test]
fn a_label_is_a_number_where_its_text_is_canonical() {
    let label = |label: &str| format!(r#"{{"request_id":"r","timestamp":0,"model_id":"","label":{label}}}"#);
    let records = ["1", r#""1""#, "true", r#""1.0""#, r#""-0.5""#, "1.0"].map(label);
    let deleted = r#"{"request_id":"r","timestamp":0,"deleted":true}"#.to_owned();
    let records: Vec<String> = records.into_iter().chain([deleted]).collect();
    let mut decoder = LabelDecoder::try_new(&Format::Json, &label_fields()).unwrap();
    let batch = decoder.decode(&origin(Role::Labels), &messages(&records)).batch;
    assert_eq!(
        batch.number.iter().collect::<Vec<_>>(),
        [Some(1.0), Some(1.0), None, None, Some(-0.5), Some(1.0), None]
    );
    let text = batch.text.downcast_dict::<arrow_array::StringArray>().unwrap();
    let texts: Vec<Option<&str>> = text.into_iter().collect();
    assert_eq!(texts, [None, None, Some("true"), Some("1.0"), None, None, None]);
    assert_eq!(batch.deleted.true_count(), 1);
    assert_eq!(batch.model_id.null_count(), batch.len());
}

const SCHEMA: &str = r#"{"type":"record","name":"L","fields":[
    {"name":"request_id","type":"string"},{"name":"note","type":["null","string"]},
    {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"label","type":"int"}]}"#;

/// A record of `SCHEMA`: id `r`, no note, 1 s, label 1.
const RECORD: [u8; 7] = [2, b'r', 0, 0x80, 0x89, 0x7A, 2];

fn framed(id: i32, record: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), record].concat()
}

fn confluent() -> LabelDecoder {
    let schemas = BTreeMap::from([
        (7, SCHEMA.to_owned()),
        (8, SCHEMA.replace("\"label\",\"type\":\"int\"", "\"label\",\"type\":\"string\"")),
    ]);
    LabelDecoder::try_new(&Format::AvroConfluent { schemas }, &label_fields()).unwrap()
}

#[test]
fn each_bad_avro_message_has_its_reason() {
    let good = framed(7, &RECORD);
    let bad = [
        (vec![], BadFraming),
        (vec![0, 0, 0, 0], BadFraming),
        (vec![1, 0, 0, 0, 7, 2], BadFraming),
        (framed(9, &RECORD), UnknownSchema),
        (framed(7, &RECORD[..6]), Undecodable),
        (framed(7, &[]), Undecodable),
        (framed(7, &[&RECORD[..], &[0]].concat()), Undecodable),
        (framed(7, &[2, 0xFF, 0, 0x80, 0x89, 0x7A, 2]), Undecodable),
        (framed(7, &[0, 0, 0x80, 0x89, 0x7A, 2]), MissingRequestId),
        (framed(7, &[2, b'r', 0, 1, 2]), AbsurdTime),
    ];
    for (bytes, reason) in &bad {
        let decoded = confluent().decode(&origin(Role::Labels), &messages(&[&good, bytes, &good, &good]));
        assert_eq!(reasons(&decoded), [(11, *reason)], "{bytes:?}");
        assert_eq!(decoded.batch.offset.values().to_vec(), [10, 12, 13]);
        assert_eq!(decoded.batch.time.values().to_vec(), [1000; 3]);
        assert_eq!(decoded.rejects[0].schema_id.is_none(), *reason == BadFraming);
    }
    // All of them at once, each between good ones.
    let mixed: Vec<&Vec<u8>> = bad.iter().flat_map(|(bytes, _)| [&good, bytes]).chain([&good]).collect();
    let decoded = confluent().decode(&origin(Role::Labels), &messages(&mixed));
    let expected: Vec<(i64, Reason)> = (11..).step_by(2).zip(bad.iter().map(|(_, reason)| *reason)).collect();
    assert_eq!(reasons(&decoded), expected);
    assert_eq!(decoded.batch.len(), bad.len() + 1);
}

#[test]
fn schemas_may_alternate_within_a_batch() {
    let text = framed(8, &[2, b's', 0, 0x80, 0x89, 0x7A, 2, b'x']);
    let number = framed(7, &RECORD);
    let batch = confluent().decode(&origin(Role::Labels), &messages(&[&number, &text, &number, &text])).batch;
    assert_eq!(batch.request_id.iter().flatten().collect::<Vec<_>>(), ["r", "s", "r", "s"]);
    assert_eq!(batch.number.iter().collect::<Vec<_>>(), [Some(1.0), None, Some(1.0), None]);
}

#[test]
fn an_unusable_schema_is_an_error_of_the_configuration() {
    for schema in ["", "{}", r#""string""#, r#"{"type":"record","name":"R"}"#] {
        let format = Format::AvroPlain { schema: schema.to_owned() };
        assert!(LabelDecoder::try_new(&format, &label_fields()).is_err(), "{schema}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_and_never_vanish(
        values in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(|record| framed(7, &record)),
            "[\\[\\]{}\":,a0-9.e-]{0,30}".prop_map(String::into_bytes),
        ], 0..12),
    ) {
        let messages = messages(&values);
        let role = origin(Role::Labels);
        for format in [Format::Json, Format::AvroPlain { schema: SCHEMA.to_owned() }] {
            let decoded = LabelDecoder::try_new(&format, &label_fields()).unwrap().decode(&role, &messages);
            prop_assert_eq!(decoded.batch.len() + decoded.rejects.len(), values.len());
        }
        let decoded = confluent().decode(&role, &messages);
        prop_assert_eq!(decoded.batch.len() + decoded.rejects.len(), values.len());
    }
}
