//! JSON records: one pass over the bytes, straight to the mapped values.

mod record;
mod visit;

pub(crate) use record::JsonRecord;

use super::message::Fault;
use super::trie::Trie;
use super::unknown::Watched;
use crate::event::Reason;
use serde_json::error::Category;

/// Reads one JSON object per message. Nothing is allocated per record unless mapped text contains escapes.
#[derive(Debug, Clone)]
pub(crate) struct JsonReader {
    trie: Trie,
    slots: usize,
    members: Option<usize>,
}

impl JsonReader {
    /// A reader of `paths`; the members of the object at slot `members` are kept.
    pub(crate) fn new(paths: &[Vec<String>], members: Option<usize>) -> Self {
        JsonReader { trie: Trie::new(paths), slots: paths.len(), members }
    }

    /// The same, noting the other members of an object.
    pub(crate) fn watching(self, watched: Option<Watched>) -> Self {
        JsonReader { trie: self.trie.watching(watched), ..self }
    }

    /// Room for one record at a time, to be used again for each.
    pub(crate) fn scratch<'de>(&self) -> JsonRecord<'de> {
        JsonRecord::new(self.slots, self.trie.len())
    }

    /// Reads `bytes` into `record`. The last of repeated members stands.
    ///
    /// What no path needs is checked for syntax only. Errors: `undecodable` if the bytes are not exactly one JSON
    /// object, `invalid_number` if a mapped number is beyond what a double can hold.
    pub(crate) fn read<'de>(&self, bytes: &'de [u8], record: &mut JsonRecord<'de>) -> Result<(), Fault> {
        record.clear();
        let mut parser = serde_json::Deserializer::from_slice(bytes);
        let parsed = visit::object(&mut parser, self, record).and_then(|()| parser.end());
        parsed.map_err(|error| fault(&error))
    }
}

/// serde_json has no kind of error for a number that overflows, only this text.
const OVERFLOW: &str = "number out of range";

fn fault(error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    if error.classify() == Category::Syntax && text.starts_with(OVERFLOW) {
        return Fault::new(Reason::InvalidNumber, text);
    }
    Fault::new(Reason::Undecodable, format!("not a JSON object: {text}"))
}

#[cfg(test)]
mod tests {
    use super::super::scalar::{Record, Scalar};
    use super::*;

    fn reader(paths: &[&str], members: Option<usize>) -> JsonReader {
        let paths: Vec<Vec<String>> = paths.iter().map(|path| path.split('.').map(str::to_owned).collect()).collect();
        JsonReader::new(&paths, members)
    }

    #[test]
    fn nested_members_are_found_and_the_rest_is_skipped() {
        let reader = reader(&["a.b", "a.c", "d"], None);
        let mut record = reader.scratch();
        reader.read(br#" {"x":{"a":[1,{"b":2}]},"a":{"c":null,"b":-7,"z":[]},"d":"t\u00e9"} "#, &mut record).unwrap();
        assert_eq!(record.scalar(0), Scalar::Int(-7));
        assert_eq!(record.scalar(1), Scalar::Null);
        assert_eq!(record.scalar(2), Scalar::Text("té"));
        reader.read(br#"{"d":18446744073709551615,"d":true,"a":{"b":1.5}}"#, &mut record).unwrap();
        assert_eq!((record.scalar(0), record.scalar(2)), (Scalar::Float(1.5), Scalar::Bool(true)));
    }

    #[test]
    fn a_value_in_the_way_of_a_path_is_seen_at_its_end() {
        let reader = reader(&["a.b", "c"], None);
        let mut record = reader.scratch();
        reader.read(br#"{"a":5,"c":{"x":1}}"#, &mut record).unwrap();
        assert_eq!(record.scalar(0), Scalar::Other("a number where an object should be"));
        assert_eq!(record.scalar(1), Scalar::Object);
        reader.read(br#"{"a":null,"c":[1,{}]}"#, &mut record).unwrap();
        assert_eq!((record.scalar(0), record.scalar(1)), (Scalar::Null, Scalar::Other("an array")));
    }

    #[test]
    fn members_are_kept_where_they_are_wanted() {
        let reader = reader(&["s", "s.x"], Some(0));
        let mut record = reader.scratch();
        reader.read(br#"{"s":{"old":1},"s":{"x":0.5,"\n":1,"y":{"z":[2]},"w":"t"}}"#, &mut record).unwrap();
        let mut members = Vec::new();
        let collect = &mut |name: &str, value: Scalar<'_>| {
            members.push(format!("{name:?} {value}"));
            Ok(())
        };
        record.members(0, collect).unwrap();
        assert_eq!(members, [r#""x" number 0.5"#, r#""\n" integer 1"#, r#""y" an object"#, r#""w" text "t""#]);
        assert_eq!((record.scalar(0), record.scalar(1)), (Scalar::Object, Scalar::Float(0.5)));
    }

    #[test]
    fn members_that_no_column_takes_are_noted_unless_null() {
        let known = vec!["x".to_owned(), "z".to_owned()];
        let watched = Watched { path: vec!["f".to_owned()], known };
        let reader = reader(&["f.x", "f.y", "a"], None).watching(Some(watched));
        let mut record = reader.scratch();
        let noted = |record: &JsonRecord<'_>| {
            let mut names = Vec::new();
            record.noted(&mut |name| names.push(name.to_owned()));
            names
        };
        let bytes = br#"{"a":1,"b":2,"f":{"n":null,"x":1,"y":2,"\u0077":[{"q":1}],"v":1,"v":null,"u":{}},"c":{"d":1}}"#;
        reader.read(bytes, &mut record).unwrap();
        assert_eq!(noted(&record), ["y", "w", "u"]);
        assert_eq!((record.scalar(0), record.scalar(1)), (Scalar::Int(1), Scalar::Int(2)));
        reader.read(br#"{"f":{"x":1,"y":null}}"#, &mut record).unwrap();
        assert!(noted(&record).is_empty());
        assert_eq!(reader.read(br#"{"f":{"n":nul}}"#, &mut record).unwrap_err().reason, Reason::Undecodable);
    }

    #[test]
    fn what_is_not_one_object_is_undecodable() {
        let reader = reader(&["a"], None);
        let mut record = reader.scratch();
        for bytes in
            ["", "{", "[]", "1", "null", "{} {}", r#"{"a":1"#, r#"{"a":01}"#, r#"{"a":"\ud800"}"#, r#"{"a":NaN}"#]
        {
            let fault = reader.read(bytes.as_bytes(), &mut record).unwrap_err();
            assert_eq!(fault.reason, Reason::Undecodable, "{bytes}");
        }
        assert_eq!(reader.read(b"{\"a\":\"\xff\"}", &mut record).unwrap_err().reason, Reason::Undecodable);
        assert_eq!(reader.read(br#"{"a":1e999}"#, &mut record).unwrap_err().reason, Reason::InvalidNumber);
        assert!(reader.read(br#"{"b":1e999}"#, &mut record).is_ok());
    }
}
