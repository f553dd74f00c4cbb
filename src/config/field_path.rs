//! Reads where a value is found in a message: `output.score`, `tags."app.version"`, `$key`, `$header.NAME`, `$timestamp`,
//! `=constant`.

use super::nearest::nearest;
use crate::codec::FieldPath;

/// Why a text is not a path: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathError {
    pub message: String,
    pub help: String,
}

impl PathError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> PathError {
        PathError { message: message.into(), help: help.into() }
    }
}

/// Reads a path.
pub(super) fn parse(text: &str) -> Result<FieldPath, PathError> {
    if let Some(constant) = text.strip_prefix('=') {
        return if constant.is_empty() {
            Err(PathError::new("a constant without text", "write the text after the `=`, as in `\"=car-loan\"`"))
        } else {
            Ok(FieldPath::Constant(constant.to_owned()))
        };
    }
    if let Some(special) = text.strip_prefix('$') {
        return parse_special(special);
    }
    Ok(FieldPath::Value(parse_names(text)?))
}

fn parse_special(special: &str) -> Result<FieldPath, PathError> {
    match special {
        "key" => Ok(FieldPath::Key),
        "timestamp" => Ok(FieldPath::BrokerTimestamp),
        "header" | "header." => {
            Err(PathError::new("a header without a name", "write the header's name after it, as in `$header.trace-id`"))
        }
        _ => match special.strip_prefix("header.") {
            Some(name) => Ok(FieldPath::Header(name.to_owned())),
            None => {
                let known = ["key", "timestamp", "header"];
                let help = match nearest(special, known) {
                    Some("header") => "did you mean `$header.NAME`?".to_owned(),
                    Some(name) => format!("did you mean `${name}`?"),
                    None => "there are `$key`, `$timestamp` and `$header.NAME`; a field whose name starts with `$` is \
                             written in double quotes inside single ones: '\"$name\"'"
                        .to_owned(),
                };
                Err(PathError::new(format!("unknown place `${special}`"), help))
            }
        },
    }
}

/// Splits a dotted path into names; a name in double quotes may hold anything, `"` and `\` escaped by `\`.
fn parse_names(text: &str) -> Result<Vec<String>, PathError> {
    let empty = || {
        PathError::new(
            if text.is_empty() { "an empty path".to_owned() } else { format!("an empty name in the path `{text}`") },
            "write names separated by single dots, as in `output.score`",
        )
    };
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let (name, tail) = match rest.strip_prefix('"') {
            Some(quoted) => parse_quoted(quoted).ok_or_else(|| {
                PathError::new(format!("a quote that is not closed in the path `{text}`"), "close it with `\"`")
            })?,
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if name.is_empty() {
            return Err(empty());
        }
        names.push(name);
        if tail.is_empty() {
            return Ok(names);
        }
        rest = tail.strip_prefix('.').ok_or_else(|| {
            PathError::new(format!("something after a closing quote in the path `{text}`"), "separate names by a dot")
        })?;
    }
}

/// The name up to the closing quote, and what follows it.
fn parse_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((name, &text[index + 1..])),
            '\\' => name.push(characters.next()?.1),
            _ => name.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(names: &[&str]) -> FieldPath {
        FieldPath::Value(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn every_form_is_read() {
        let cases = [
            ("score", value(&["score"])),
            ("output.score", value(&["output", "score"])),
            (r#"tags."app.version""#, value(&["tags", "app.version"])),
            (r#""a \"b\" \\".c"#, value(&[r#"a "b" \"#, "c"])),
            (r#""$key""#, value(&["$key"])),
            ("$key", FieldPath::Key),
            ("$timestamp", FieldPath::BrokerTimestamp),
            ("$header.trace.id", FieldPath::Header("trace.id".to_owned())),
            ("=car-loan", FieldPath::Constant("car-loan".to_owned())),
            ("==", FieldPath::Constant("=".to_owned())),
        ];
        for (text, wanted) in cases {
            assert_eq!(parse(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_path_says_why() {
        let cases = [
            ("", "an empty path"),
            ("a..b", "an empty name"),
            (".a", "an empty name"),
            ("a.", "an empty name"),
            (r#""""#, "an empty name"),
            (r#"a."b"#, "not closed"),
            (r#""a"b"#, "after a closing quote"),
            ("$keys", "unknown place `$keys`"),
            ("$header", "without a name"),
            ("=", "a constant without text"),
        ];
        for (text, wanted) in cases {
            let error = parse(text).expect_err(text);
            assert!(error.message.contains(wanted), "{text}: {}", error.message);
        }
        assert_eq!(parse("$keys").map_err(|error| error.help), Err("did you mean `$key`?".to_owned()));
    }

    proptest! {
        #[test]
        fn quoting_protects_any_name(names in proptest::collection::vec("\\PC{1,8}", 1..4)) {
            let quote = |name: &String| format!("\"{}\"", name.replace('\\', r"\\").replace('"', "\\\""));
            let text = names.iter().map(quote).collect::<Vec<_>>().join(".");
            prop_assert_eq!(parse(&text), Ok(FieldPath::Value(names)));
        }

        #[test]
        fn no_text_panics(text in "[a$=.\"\\\\]{0,10}|\\PC{0,10}") {
            let _ = parse(&text);
        }
    }
}
