//! The headers that make an alert's record a CloudEvent, in binary mode: the record's value stays the row, and what the
//! event is stands beside it (CloudEvents 1.0, Kafka protocol binding, 3.2).

use super::rows::RowFormat;
use crate::event::{AlertRow, Millis};
use jiff::Timestamp;

/// Names with values, in UTF-8.
pub type Headers = Vec<(String, Option<Vec<u8>>)>;

/// The headers of the record of `row`, which is written as `format` by the service `application_id`.
///
/// `ce_source` and `ce_id` together name the event: the same change has the same ones, whenever it is written again. Without
/// `ce_dataschema`: it is a URI, and the id of the schema in its registry is in the record already.
pub fn alert_headers(row: &AlertRow, application_id: &str, format: RowFormat) -> Headers {
    let content_type = match format {
        RowFormat::Json => "application/json",
        RowFormat::Avro { .. } => "application/avro",
    };
    let headers = [
        ("ce_specversion", "1.0".to_owned()),
        ("ce_id", row.id.clone()),
        ("ce_source", source(application_id, &row.model_id)),
        ("ce_type", format!("io.postdict.alert.{}.v1", row.state.name())),
        ("ce_subject", row.alert_id.to_string()),
        ("content-type", content_type.to_owned()),
    ];
    let time = rfc_3339(row.evaluated_at).map(|time| ("ce_time", time));
    headers.into_iter().chain(time).map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))).collect()
}

/// A URI reference; of what is about all models, that of the service.
fn source(application_id: &str, model_id: &str) -> String {
    let mut source = "/postdict".to_owned();
    for part in [application_id, model_id].into_iter().filter(|part| !part.is_empty()) {
        source.push('/');
        put_segment(&mut source, part);
    }
    source
}

/// Appends a segment of a path: what is not unreserved (RFC 3986, 2.3) is percent-encoded.
fn put_segment(out: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    // Segments of dots are steps in a path, in whatever encoding.
    let is_dots = text == "." || text == "..";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || byte == b'.' && !is_dots {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
        }
    }
}

fn rfc_3339(time: Millis) -> Option<String> {
    Timestamp::from_millisecond(time).ok().map(|time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::alert::AlertState;

    fn row() -> AlertRow {
        serde_json::from_str(include_str!("../../schemas/examples/alerts.json")).expect("an example")
    }

    fn headers(row: &AlertRow, format: RowFormat) -> Vec<(String, String)> {
        let text = |value: Option<Vec<u8>>| String::from_utf8(value.expect("a value")).expect("UTF-8");
        alert_headers(row, "postdict", format).into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    fn value<'h>(headers: &'h [(String, String)], name: &str) -> &'h str {
        let mut found = headers.iter().filter(|(found, _)| found == name);
        let (_, value) = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(found.next(), None, "{name} twice");
        value
    }

    #[test]
    fn an_alert_is_a_cloud_event() {
        let headers = headers(&row(), RowFormat::Json);
        for (name, expected) in [
            ("ce_specversion", "1.0"),
            ("ce_id", "0b7d5c1e9f2a4d6883a1c0e7b5f4d291"),
            ("ce_source", "/postdict/postdict/fraud"),
            ("ce_type", "io.postdict.alert.firing.v1"),
            ("ce_subject", "4f1d2a7c6b0e49d8"),
            ("ce_time", "2026-05-01T03:00:00Z"),
            ("content-type", "application/json"),
        ] {
            assert_eq!(value(&headers, name), expected);
        }
        assert_eq!(headers.len(), 7);
    }

    #[test]
    fn names_of_attributes_and_values_are_what_the_specification_allows() {
        for state in AlertState::ALL {
            let row = AlertRow { state, model_id: "Kredit/EU: \u{e9} 100%".into(), evaluated_at: -1, ..row() };
            let headers = headers(&row, RowFormat::Avro { schema_id: 7 });
            for (name, value) in &headers {
                // Attributes are lower-case letters and digits, with the prefix; the data's type is a header of its own.
                let attribute = name.strip_prefix("ce_");
                let is_attribute = |name: &str| name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
                assert!(attribute.map_or(name == "content-type", is_attribute), "{name}");
                assert!(!value.is_empty() && !value.contains(char::is_control), "{name}: {value}");
            }
            assert_eq!(value(&headers, "ce_source"), "/postdict/postdict/Kredit%2FEU%3A%20%C3%A9%20100%25");
            assert_eq!(value(&headers, "ce_type"), format!("io.postdict.alert.{}.v1", state.name()));
            assert_eq!(value(&headers, "content-type"), "application/avro");
            assert_eq!(value(&headers, "ce_time"), "1969-12-31T23:59:59.999Z");
        }
    }

    #[test]
    fn a_model_without_a_name_or_of_dots_is_no_step_in_a_path() {
        assert_eq!(source("a.b", ""), "/postdict/a.b");
        assert_eq!(source("postdict", ".."), "/postdict/postdict/%2E%2E");
    }
}
