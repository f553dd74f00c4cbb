//! YAML text as a tree in which every key and value knows its place.
//!
//! Built from the parser's events rather than with the parser's own tree, because that one stops at the first duplicate
//! key, where all of them are wanted, and resolves aliases without a limit on depth.

use super::problem::{At, Place, Report, child_path};
use saphyr::{Scalar as YamlScalar, ScalarStyle, Tag};
use saphyr_parser::{Event, Marker, Parser, ScanError, Span};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Deepest nesting; a configuration needs about ten. Keeps every recursion over the tree shallow.
const MAX_DEPTH: usize = 64;
/// Most nodes that aliases may copy in total, so that a few nested ones cannot fill the memory.
const MAX_ALIAS_NODES: usize = 10_000;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Scalar { text: String, kind: Kind },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// What YAML's core schema makes of a scalar's text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Null,
    Boolean(bool),
    Number(f64),
    Text,
}

/// A key and its value. Keys are unique within their map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

/// Reads the one document of `text`; `None` if it could not be read, with the reason in `report`.
pub(super) fn read(text: &str, report: &mut Report) -> Option<Node> {
    let mut builder = Builder { text, report, stack: Vec::new(), anchors: BTreeMap::new(), copied: 0, root: None };
    let mut parser = Parser::new_from_str(text);
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                builder.syntax_error(&error);
                return None;
            }
        };
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                let at = At { place: place_of(span), path: String::new() };
                builder
                    .report
                    .error(&at, "a second YAML document")
                    .expected("the end of the file")
                    .help("a configuration is one document: remove the `---`");
                return None;
            }
        }
        builder.take(event, span)?;
    }
    match builder.root {
        Some(Node { value: Value::Scalar { kind: Kind::Null, .. }, .. }) | None => {
            report
                .file_error("the configuration is empty")
                .help("write at least `{}` for all defaults; every key is explained in `postdict.example.yaml`");
            None
        }
        root => root,
    }
}

/// A list or map that is still open.
struct Frame {
    anchor: usize,
    start: Marker,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, lines: BTreeMap<String, usize>, key: Option<(String, Place)> },
}

struct Builder<'a> {
    text: &'a str,
    report: &'a mut Report,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, Node>,
    copied: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    /// Takes the next event; `None` if the rest of the file is better not read.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                self.open(Frame { anchor, start: span.start, content: Content::List(Vec::new()) })
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                let content = Content::Map { entries: Vec::new(), lines: BTreeMap::new(), key: None };
                self.open(Frame { anchor, start: span.start, content })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(span);
                Some(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(&text, style, tag.as_deref(), span);
                self.insert(node, anchor);
                Some(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Some(())
            }
        }
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let marker = error.marker();
        // The end of the file is a line of its own to the parser; point to the last one that can be shown.
        let last_line = self.text.lines().count().max(1);
        let place = if marker.line() > last_line {
            let end = self.text.lines().last().map_or(0, |line| line.chars().count());
            Place { line: last_line, column: end + 1, length: 1 }
        } else {
            Place { line: marker.line().max(1), column: marker.col() + 1, length: 1 }
        };
        let at = At { place, path: String::new() };
        self.report
            .error(&at, format!("not valid YAML: {}", error.info()))
            .help("look at the indentation (blanks, not tabs), quotes, brackets and colons up to here");
    }

    /// Tags such as `!env` would otherwise be dropped without a word.
    fn refuse_tag(&mut self, tag: Option<&Tag>, span: Span) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let at = At { place: place_of(span), path: self.path() };
            let message = format!("tag `{}{}` is not supported", tag.handle, tag.suffix);
            self.report.error(&at, message).help("write the value without the tag");
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Node {
        self.refuse_tag(tag, span);
        let tag = tag.map(Cow::Borrowed);
        let kind = match YamlScalar::parse_from_cow_and_metadata(Cow::Borrowed(text), style, tag.as_ref()) {
            Some(YamlScalar::Null) => Kind::Null,
            Some(YamlScalar::Boolean(value)) => Kind::Boolean(value),
            // Beyond 2^53 an integer is rounded, as every number in a record is.
            Some(YamlScalar::Integer(value)) => Kind::Number(value as f64),
            Some(YamlScalar::FloatingPoint(value)) => Kind::Number(value.into_inner()),
            Some(YamlScalar::String(_)) => Kind::Text,
            None => {
                let at = At { place: place_of(span), path: self.path() };
                self.report.error(&at, format!("`{text}` is not what its tag says")).help("write it without the tag");
                Kind::Text
            }
        };
        Node { place: place_of(span), value: Value::Scalar { text: text.to_owned(), kind } }
    }

    fn open(&mut self, frame: Frame) -> Option<()> {
        if self.stack.len() >= MAX_DEPTH {
            self.too_deep(frame.start);
            return None;
        }
        self.stack.push(frame);
        Some(())
    }

    fn too_deep(&mut self, marker: Marker) {
        let at = At { place: place_of(Span::empty(marker)), path: String::new() };
        self.report.error(&at, format!("nested more than {MAX_DEPTH} deep")).help("nothing here needs more than ten");
    }

    fn close(&mut self, span: Span) {
        let Some(frame) = self.stack.pop() else { return };
        let value = match frame.content {
            Content::List(items) => Value::List(items),
            Content::Map { entries, .. } => Value::Map(entries),
        };
        self.insert(Node { place: place_of(Span::new(frame.start, span.end)), value }, frame.anchor);
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Option<()> {
        // The parser itself refuses an alias without an anchor; what remains is one inside its own anchor.
        let node = self.anchors.get(&anchor).cloned();
        let at = At { place: place_of(span), path: self.path() };
        let Some(node) = node else {
            self.report.error(&at, "an alias inside what it stands for").help("write the value out");
            return None;
        };
        let (nodes, depth) = measure(&node);
        self.copied += nodes;
        if self.copied > MAX_ALIAS_NODES {
            self.report
                .error(&at, format!("aliases stand for more than {MAX_ALIAS_NODES} values"))
                .help("put what models share under `defaults`");
            return None;
        }
        if self.stack.len() + depth > MAX_DEPTH {
            self.too_deep(span.start);
            return None;
        }
        self.insert(node, 0);
        Some(())
    }

    /// Puts a finished node where it belongs: as item, key, value or root.
    fn insert(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let path = self.path();
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, lines, key } => match key.take() {
                None => *key = Some(key_of(node, &path, self.report)),
                Some((key, key_place)) => {
                    if let Some(first) = lines.get(&key) {
                        self.report
                            .error(&At { place: key_place, path }, format!("duplicate key `{key}`"))
                            .help(format!("it is already written in line {first}: keep one of them"));
                    } else {
                        lines.insert(key.clone(), key_place.line);
                        entries.push(Entry { key, key_place, node });
                    }
                }
            },
        }
    }

    /// Path of the value that comes next.
    fn path(&self) -> String {
        self.stack.iter().fold(String::new(), |path, frame| match &frame.content {
            Content::List(items) => format!("{path}[{}]", items.len()),
            Content::Map { key: Some((key, _)), .. } => child_path(&path, key),
            Content::Map { key: None, .. } => path,
        })
    }
}

/// A node as a key. One that is not plain text is reported, and stands as `?`.
fn key_of(node: Node, path: &str, report: &mut Report) -> (String, Place) {
    match node.value {
        Value::Scalar { text, .. } => (text, node.place),
        Value::List(_) | Value::Map(_) => {
            let at = At { place: node.place, path: path.to_owned() };
            report.error(&at, "a list or section as a key").expected("text");
            ("?".to_owned(), node.place)
        }
    }
}

/// Number of nodes and depth of a tree.
fn measure(node: &Node) -> (usize, usize) {
    let children: Vec<(usize, usize)> = match &node.value {
        Value::Scalar { .. } => Vec::new(),
        Value::List(items) => items.iter().map(measure).collect(),
        Value::Map(entries) => entries.iter().map(|entry| measure(&entry.node)).collect(),
    };
    let nodes = children.iter().map(|(nodes, _)| nodes).sum::<usize>();
    (1 + nodes, 1 + children.iter().map(|(_, depth)| *depth).max().unwrap_or(0))
}

/// The first line of a span; a value over several lines is marked by its first character.
fn place_of(span: Span) -> Place {
    let (start, end) = (span.start, span.end);
    let length = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Place { line: start.line().max(1), column: start.col() + 1, length: length.max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let mut report = Report::default();
        let root = read(text, &mut report);
        let problems = report.into_problems("p.yaml", text);
        assert!(root.is_some() || problems.has_errors());
        problems.to_string()
    }

    #[test]
    fn every_key_and_value_has_its_place() {
        let text = "a: 1\nbc:\n  - [x, yz]\n";
        let mut report = Report::default();
        let Some(Node { value: Value::Map(entries), .. }) = read(text, &mut report) else { panic!("not a map") };
        assert_eq!(entries[0].key_place, Place { line: 1, column: 1, length: 1 });
        assert_eq!(entries[0].node.place, Place { line: 1, column: 4, length: 1 });
        assert_eq!(entries[1].key_place, Place { line: 2, column: 1, length: 2 });
        let Value::List(outer) = &entries[1].node.value else { panic!("not a list") };
        assert_eq!(outer[0].place, Place { line: 3, column: 5, length: 7 });
        let Value::List(inner) = &outer[0].value else { panic!("not a list") };
        assert_eq!(inner[1].place, Place { line: 3, column: 9, length: 2 });
    }

    #[test]
    fn all_duplicate_keys_are_named() {
        let shown = problems("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n");
        assert!(shown.contains("p.yaml:4:3 (b.c)") && shown.contains("p.yaml:5:1 (a)"), "{shown}");
        assert!(shown.contains("line 3") && shown.contains("line 1"), "{shown}");
    }

    #[test]
    fn aliases_are_copied_within_limits() {
        assert_eq!(problems("a: &x [1, 2]\nb: *x\n"), "p.yaml: no problems");
        let mut bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
        for i in 1..9 {
            let items = vec![format!("*a{}", i - 1); 10].join(",");
            bomb.push_str(&format!("a{i}: &a{i} [{items}]\n"));
        }
        assert!(problems(&bomb).contains("aliases stand for more than"));
        assert!(problems("a: *nothing\n").contains("p.yaml:1:4"));
        assert!(problems("a: &a [*a]\n").contains("alias"));
    }

    #[test]
    fn deep_nesting_is_refused_before_any_stack_is_at_risk() {
        assert!(problems(&"[".repeat(100)).contains("nested more than"));
        assert!(problems(&format!("{}1", "- ".repeat(1000))).contains("nested more than"));
        // The parser has a limit of its own for brackets, and gets there first.
        assert!(problems(&"[".repeat(100_000)).contains("1 error"));
    }

    #[test]
    fn an_empty_file_and_a_second_document_are_refused() {
        for text in ["", "\n\n", "# only a comment\n", "---\n", "~\n"] {
            assert!(problems(text).contains("the configuration is empty"), "{text:?}");
        }
        assert!(problems("a: 1\n---\nb: 2\n").contains("p.yaml:2:1"));
        assert_eq!(problems("---\na: 1\n...\n"), "p.yaml: no problems");
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        for (text, place) in [("a: [1, 2\nb: 3\n", "p.yaml:2"), ("a: 'x\n", "p.yaml:1"), ("a: 1\n b: 2\n", "p.yaml:2")]
        {
            let shown = problems(text);
            assert!(shown.contains("not valid YAML") && shown.contains(place), "{shown}");
        }
    }

    #[test]
    fn tags_and_complex_keys_are_not_dropped_silently() {
        assert!(problems("a: !env HOME\n").contains("tag `!env` is not supported"));
        assert!(problems("a: !!int x\n").contains("not what its tag says"));
        assert_eq!(problems("a: !!str 1\n"), "p.yaml: no problems");
        assert!(problems("? [a, b]\n: 1\n").contains("as a key"));
    }
}
