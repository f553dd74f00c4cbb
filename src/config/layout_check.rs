//! Compares the layout with the Avro schemas: a path that no schema has would make every record a dead letter, or a role
//! silently empty.

use super::fields::Layout;
use super::format::InputFormat;
use super::nearest::{enumerate, nearest};
use super::problem::Report;
use apache_avro::Schema;

/// Checks every written path, and the roles that each record needs under their default names.
pub(super) fn check<F>(layout: &Layout<F>, needed: &[(&str, &[String])], format: &InputFormat, report: &mut Report) {
    if format.schemas.is_empty() {
        return;
    }
    for path in &layout.written {
        let problem = match lookup_in(&format.schemas, &path.value) {
            Lookup::Found => continue,
            Lookup::Missing { name, known } => report
                .error(&path.at, format!("the schema has no field `{name}`"))
                .help(match nearest(&name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its fields are {}", enumerate(known.iter().map(String::as_str))),
                }),
            Lookup::NoRecord { name } => report
                .error(&path.at, format!("the schema has nothing inside `{name}`"))
                .help("it is not a record or map"),
        };
        problem.expected("a path that the schema has");
    }
    for (role, path) in needed {
        let written = layout.written.iter().any(|written| written.value == *path);
        if let (false, Lookup::Missing { known, .. }, Some(at)) =
            (written, lookup_in(&format.schemas, path), &format.at)
        {
            report
                .error(at, format!("the schema has no field `{role}`, which every record needs"))
                .help(format!("say under `fields` which place plays `{role}`; the schema's fields are {}", {
                    enumerate(known.iter().map(String::as_str))
                }));
        }
    }
}

#[derive(Debug, PartialEq)]
enum Lookup {
    Found,
    /// A record without the field; `known` are those that it has.
    Missing {
        name: String,
        known: Vec<String>,
    },
    /// Something that has no fields.
    NoRecord {
        name: String,
    },
}

/// Found if any schema has the path: writers of several versions may share a topic.
fn lookup_in(schemas: &[Schema], path: &[String]) -> Lookup {
    let mut last = Lookup::Found;
    for schema in schemas {
        last = lookup(schema, "", path);
        if last == Lookup::Found {
            break;
        }
    }
    last
}

fn lookup(schema: &Schema, parent: &str, path: &[String]) -> Lookup {
    let Some((name, rest)) = path.split_first() else { return Lookup::Found };
    match schema {
        Schema::Record(record) => match record.fields.iter().find(|field| field.name == *name) {
            Some(field) => lookup(&field.schema, name, rest),
            None => Lookup::Missing {
                name: name.clone(),
                known: record.fields.iter().map(|field| field.name.clone()).collect(),
            },
        },
        Schema::Map(map) => lookup(&map.types, name, rest),
        Schema::Union(union) => {
            let mut last = Lookup::NoRecord { name: parent.to_owned() };
            for variant in union.variants().iter().filter(|variant| !matches!(variant, Schema::Null)) {
                last = lookup(variant, parent, path);
                if last == Lookup::Found {
                    break;
                }
            }
            last
        }
        // A reference to a named type: what it holds is checked where it is defined.
        Schema::Ref { .. } => Lookup::Found,
        _ => Lookup::NoRecord { name: parent.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &[&str]) -> Lookup {
        let schema = r#"{"type": "record", "name": "P", "fields": [
            {"name": "id", "type": "string"},
            {"name": "out", "type": ["null", {"type": "record", "name": "O", "fields": [{"name": "score", "type": "double"}]}]},
            {"name": "tags", "type": {"type": "map", "values": "string"}}]}"#;
        let schema = Schema::parse_str(schema).expect("a valid schema");
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        lookup_in(&[schema], &path)
    }

    #[test]
    fn paths_go_through_records_unions_and_maps() {
        assert_eq!(found(&["out", "score"]), Lookup::Found);
        assert_eq!(found(&["tags", "anything"]), Lookup::Found);
    }

    #[test]
    fn what_the_schema_lacks_is_named() {
        let missing = Lookup::Missing { name: "scor".to_owned(), known: vec!["score".to_owned()] };
        assert_eq!(found(&["out", "scor"]), missing);
        assert_eq!(found(&["id", "x"]), Lookup::NoRecord { name: "id".to_owned() });
    }
}
