//! Wrong configurations: each with the place, the path, and what is said about it.

use super::parse_text;

/// What is said about a configuration, right or wrong.
fn said(text: &str) -> String {
    match parse_text(text) {
        Ok(config) => config.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

/// Each has one problem: at a place, about a path, saying something, with something to do about it.
const ONE_PROBLEM: &[(&str, &str, &str, &str, &str)] = &[
    // Names.
    ("modles: {}", "1:1", "modles", "unknown key `modles`", "did you mean `models`?"),
    ("colour: red", "1:1", "colour", "unknown key `colour`", "known keys here: `kafka`, `format`"),
    (
        "threshold: 0.5",
        "1:1",
        "threshold",
        "`threshold` does not belong here",
        "under `defaults`, or under `models.NAME`",
    ),
    (
        "models:\n  a:\n    treshold: 0.5",
        "3:5",
        "models.a.treshold",
        "unknown key `treshold`",
        "did you mean `threshold`?",
    ),
    (
        "models: {a.b: {window: [1d]}}",
        "1:16",
        "models.\"a.b\".window",
        "unknown key `window`",
        "did you mean `windows`?",
    ),
    ("models: {a: {caps: {}}}", "1:14", "models.a.caps", "`caps` does not belong here", "at the top level"),
    ("defaults: {compare: {}}", "1:12", "defaults.compare", "`compare` is not available in this version", "remove it"),
    ("models: {a: {compare: {}}}", "1:14", "models.a.compare", "`compare` is not available", "remove it"),
    (
        "models:\n  a:\n    threshold: 0.1\n    threshold: 0.2",
        "4:5",
        "models.a.threshold",
        "duplicate key `threshold`",
        "line 3",
    ),
    ("models: {a: &a {}, b: {<<: *a}}", "1:24", "models.b.\"<<\"", "merge keys", "under `defaults`"),
    ("models: {'': {}}", "1:10", "models.\"\"", "an empty model id", "remove it"),
    // Types.
    ("[]", "1:1", "", "wrong type: a list", "expected a section"),
    ("models: 5", "1:9", "models", "wrong type: the number `5`", "expected a section"),
    (
        "defaults:\n  threshold: high",
        "2:14",
        "defaults.threshold",
        "wrong type: the text `high`",
        "a number from 0 to 1",
    ),
    ("defaults:\n  threshold:", "2:3", "defaults.threshold", "wrong type: nothing", "a number from 0 to 1"),
    ("defaults: {threshold: 1.5}", "1:23", "defaults.threshold", "`1.5` is out of range", "a number from 0 to 1"),
    ("defaults: {threshold: .nan}", "1:23", "defaults.threshold", "`.nan` is out of range", "a number from 0 to 1"),
    ("defaults: {task: binray}", "1:18", "defaults.task", "unknown value `binray`", "did you mean `binary`?"),
    ("defaults: {positive_label: [1]}", "1:28", "defaults.positive_label", "wrong type: a list", "expected a class"),
    ("defaults: {positive_label: ''}", "1:28", "defaults.positive_label", "empty text", "expected a class"),
    ("defaults: {positive_label: .inf}", "1:28", "defaults.positive_label", "out of range", "a finite number"),
    (
        "defaults: {positive_label: !x 1}",
        "1:28",
        "defaults.positive_label",
        "tag `!x` is not supported",
        "without the tag",
    ),
    // Durations.
    ("defaults: {label_horizon: 90}", "1:27", "defaults.label_horizon", "`90` has no unit", "`90s`, `90m`, `90h`"),
    (
        "defaults: {label_horizon: 2w}",
        "1:27",
        "defaults.label_horizon",
        "unknown unit `w`",
        "`d`, `h`, `m`, `s` and `ms`",
    ),
    ("defaults: {label_horizon: 0s}", "1:27", "defaults.label_horizon", "`0s` is too short", "at least `1ms`"),
    ("defaults: {allowed_lateness: -1h}", "1:30", "defaults.allowed_lateness", "`-1h` is not a duration", "1h30m"),
    ("defaults: {allowed_lateness: 9999999d}", "1:30", "defaults.allowed_lateness", "is too long", "at most `36500d`"),
    ("defaults: {max_ahead: 30m1h}", "1:23", "defaults.max_ahead", "out of order", "the largest first"),
    ("emit_interval: [1s]", "1:16", "emit_interval", "wrong type: a list", "a duration such as"),
    ("commit_interval: 0s", "1:18", "commit_interval", "too short", "at least `1ms`"),
    ("idle_timeout: 1d", "1:15", "idle_timeout", "too long", "at most `1h`"),
    // Windows.
    ("defaults: {windows: 1d}", "1:21", "defaults.windows", "wrong type: the text `1d`", "write it as a list: `[1d]`"),
    ("defaults: {windows: []}", "1:21", "defaults.windows", "an empty list", "window sizes such as"),
    ("defaults: {windows: [1d, 24h]}", "1:26", "defaults.windows[1]", "the same window twice", "remove one"),
    ("defaults: {windows: [1h, 0s]}", "1:26", "defaults.windows[1]", "too short", "at least `1ms`"),
    (
        "defaults: {windows: [{size: 1d, advance: 2d}]}",
        "1:42",
        "defaults.windows[0].advance",
        "gaps",
        "at most the size, `1d`",
    ),
    (
        "defaults: {windows: [{advance: 1h}]}",
        "1:22",
        "defaults.windows[0]",
        "missing key `size`",
        "{size: 1d, advance: 1h}",
    ),
    (
        "defaults: {windows: [{size: 1d, step: 1h}]}",
        "1:33",
        "defaults.windows[0].step",
        "unknown key `step`",
        "`size`, `advance`",
    ),
    ("models:\n  a:\n    windows: [1m, {size: 5}]", "3:26", "models.a.windows[1].size", "`5` has no unit", "`5s`"),
    (
        "defaults: {windows: [1m, 30d]}",
        "1:26",
        "defaults.windows[1]",
        "in panes of `1m` has 43200",
        "at most 1000 panes",
    ),
    // Horizons together.
    ("defaults: {revise_for: 30d}", "1:24", "defaults.revise_for", "shorter than `label_horizon`", "at least `91d`"),
    (
        "defaults: {revise_for: 95d}\nmodels: {a: {label_horizon: 100d}}",
        "2:29",
        "models.a.label_horizon",
        "`revise_for` is `95d`, shorter",
        "at least `101d`",
    ),
    // Revisions.
    ("defaults: {revise_after: 1m}", "1:26", "defaults.revise_after", "wrong type", "`{min: 1m, growth: 10%}`"),
    (
        "defaults: {revise_after: {growth: -1}}",
        "1:35",
        "defaults.revise_after.growth",
        "out of range",
        "`10%` or `0.1`",
    ),
    (
        "defaults: {revise_after: {growth: ten%}}",
        "1:35",
        "defaults.revise_after.growth",
        "`ten%` is not a share",
        "`10%`",
    ),
    (
        "defaults: {revise_after: {growth: 10}}",
        "1:35",
        "defaults.revise_after.growth",
        "warning: `10` means 1000%",
        "`10%`",
    ),
    // Segments and fairness.
    ("defaults: {segments: country}", "1:22", "defaults.segments", "wrong type", "as a list: `[country]`"),
    ("defaults: {segments: [[a, b], [b, a]]}", "1:31", "defaults.segments[1]", "segments of `b,a` twice", "remove one"),
    ("defaults: {segments: [[a, a]]}", "1:27", "defaults.segments[0][1]", "the column `a` twice", "remove one"),
    ("defaults: {segments: [[]]}", "1:23", "defaults.segments[0]", "an empty list", "columns such as"),
    ("defaults: {segments: ['']}", "1:23", "defaults.segments[0]", "empty text", "the name of a column"),
    ("defaults: {segments: ['a,b']}", "1:23", "defaults.segments[0]", "a comma in the column name", "another name"),
    ("defaults: {fairness: {min_group: 5}}", "1:22", "defaults.fairness", "missing key `protected`", "[sex]"),
    (
        "defaults: {fairness: {protected: [a], min_group: 0}}",
        "1:50",
        "defaults.fairness.min_group",
        "range",
        "from 1 to",
    ),
    (
        "defaults: {fairness: {protected: [a], min_group: 1.5}}",
        "1:50",
        "defaults.fairness.min_group",
        "not whole",
        "from 1",
    ),
    // Tasks.
    (
        "models: {a: {task: regression, threshold: 0.5}}",
        "1:43",
        "models.a.threshold",
        "`threshold` makes no sense",
        "remove it",
    ),
    (
        "models: {a: {task: regression, positive_label: 1}}",
        "1:48",
        "models.a.positive_label",
        "makes no sense",
        "remove it",
    ),
    (
        "models: {a: {task: regression, fairness: {protected: [b]}}}",
        "1:42",
        "models.a.fairness",
        "`fairness` makes no sense",
        "remove it",
    ),
    (
        "models: {a: {task: multiclass, threshold: 0.5}}",
        "1:43",
        "models.a.threshold",
        "warning: `threshold` has no effect",
        "two classes",
    ),
    (
        "models: {a: {task: regression, on_expiry: {label: no}}}",
        "1:51",
        "models.a.on_expiry.label",
        "the label `no`",
        "a number",
    ),
    (
        "defaults: {on_expiry: {label: paid}}\nmodels: {a: {task: regression}}",
        "2:20",
        "models.a.task",
        "a regression model the label `paid`",
        "`on_expiry: none`",
    ),
    (
        "defaults: {on_expiry: never}",
        "1:23",
        "defaults.on_expiry",
        "wrong type: the text `never`",
        "`none` or `{label: X}`",
    ),
    (
        "defaults: {on_expiry: {lable: 0, label: 1}}",
        "1:24",
        "defaults.on_expiry.lable",
        "unknown key",
        "did you mean `label`?",
    ),
    (
        "defaults: {business_value: {true_positive: 1, false_positive: 1, true_negative: 0}}",
        "1:28",
        "defaults.business_value",
        "missing key `false_negative`",
        "write 0 for one that has none",
    ),
    // Kafka and topics.
    (
        "kafka: {bootstrap_servers: 'a:b'}",
        "1:28",
        "kafka.bootstrap_servers",
        "`a:b` is not a broker's address",
        "broker-1:9092",
    ),
    (
        "kafka: {bootstrap.servers: a}",
        "1:9",
        "kafka.\"bootstrap.servers\"",
        "unknown key",
        "did you mean `bootstrap_servers`?",
    ),
    ("kafka: {sasl.username: a}", "1:9", "kafka.\"sasl.username\"", "does not belong here", "under `kafka.properties`"),
    (
        "kafka: {properties: {group.id: a}}",
        "1:22",
        "kafka.properties.\"group.id\"",
        "a key of its own",
        "application_id",
    ),
    ("kafka: {properties: {group.protocol: a}}", "1:22", "kafka.properties.\"group.protocol\"", "is set by", "remove"),
    ("kafka: {application_id: 'a b'}", "1:25", "kafka.application_id", "`a b` cannot be part of an id", "letters"),
    (
        "kafka: {properties: {bootstrap.servers: a}}",
        "1:22",
        "kafka.properties.\"bootstrap.servers\"",
        "a key of its own",
        "kafka.boot",
    ),
    ("kafka: {properties: {a.b: [1]}}", "1:27", "kafka.properties.\"a.b\"", "wrong type: a list", "a text, number"),
    ("topics: {labels: 'a b'}", "1:18", "topics.labels", "not a name that Kafka allows", "letters, digits"),
    ("topics: {labels: metrics}", "1:18", "topics.labels", "the topic `metrics` plays two roles", "a topic of its own"),
    ("topics: {deadletters: a}", "1:10", "topics.deadletters", "unknown key", "did you mean `dead_letters`?"),
    ("topics: {metrics: {format: json}}", "1:19", "topics.metrics", "missing key `name`", "a topic's name"),
    (
        "topics: {metrics: {name: m, format: xml}}",
        "1:37",
        "topics.metrics.format",
        "unknown value `xml`",
        "`avro`, `json`",
    ),
    ("topics: {metrics: {name: m, format: avro}}", "1:37", "topics.metrics.format", "needs the id", "`schema_id: …`"),
    ("topics: {labels: l, metrics: {name: m, schema_id: 7}}", "1:51", "topics.metrics.schema_id", "is JSON", "avro"),
    ("topics: {profiles: {name: p, format: avro, schema_id: 7}}", "1:20", "topics.profiles", "JSON only", "leave out"),
    ("topics: {control: metrics}", "1:19", "topics.control", "plays two roles", "a topic of its own"),
    // Formats.
    ("format: jsn", "1:9", "format", "unknown value `jsn`", "did you mean `json`?"),
    ("format: avro", "1:9", "format", "Avro cannot be read without schemas", "schema_ids"),
    ("format: {schema: p.avsc}", "1:9", "format", "missing key `type`", "`type: avro`"),
    ("format: {type: json, schema: p.avsc}", "1:30", "format.schema", "JSON has no schema", "remove it"),
    (
        "format: {type: avro, schema: p.avsc, schema_ids: {1: p.avsc}}",
        "1:50",
        "format.schema_ids",
        "both",
        "Confluent framing",
    ),
    (
        "format: {type: avro, schema: no.avsc}",
        "1:30",
        "format.schema",
        "cannot read the schema file `conf/no.avsc`: no such",
        "folder",
    ),
    (
        "format: {type: avro, schema: broken.avsc}",
        "1:30",
        "format.schema",
        "`conf/broken.avsc` is not an Avro schema",
        "^^^",
    ),
    ("format: {type: avro, schema: string.avsc}", "1:30", "format.schema", "is not a record", "^^^"),
    (
        "format: {type: avro, schema_ids: {one: p.avsc}}",
        "1:35",
        "format.schema_ids.one",
        "`one` is not a schema id",
        "from 1",
    ),
    (
        "format: {type: avro, schema_ids: {1: p.avsc, 01: p.avsc}}",
        "1:46",
        "format.schema_ids.01",
        "schema id 1 twice",
        "keep one",
    ),
    ("format: {type: avro, schema_ids: {}}", "1:34", "format.schema_ids", "no schema at all", "{1: predictions.avsc}"),
    (
        "format: {labels: json}\ntopics: {labels: {name: l, format: json}}",
        "2:36",
        "topics.labels.format",
        "the format of labels twice",
        "`format.labels`",
    ),
    // Fields.
    ("fields: {predictions: {scroe: a}}", "1:24", "fields.predictions.scroe", "unknown key", "did you mean `score`?"),
    (
        "fields: {predictions: {score: a..b}}",
        "1:31",
        "fields.predictions.score",
        "an empty name in the path `a..b`",
        "single dots",
    ),
    (
        "fields: {predictions: {score: $keys}}",
        "1:31",
        "fields.predictions.score",
        "unknown place `$keys`",
        "did you mean `$key`?",
    ),
    (
        "fields: {labels: {request_id: =x}}",
        "1:31",
        "fields.labels.request_id",
        "`=x` cannot play this role",
        "`$header.NAME`",
    ),
    ("fields: {labels: {label: $timestamp}}", "1:26", "fields.labels.label", "cannot play this role", "=constant"),
    ("fields: {labels: {label: ~}}", "1:26", "fields.labels.label", "`label` is needed", "a place inside the value"),
    (
        "fields: {predictions: {features: $key}}",
        "1:34",
        "fields.predictions.features",
        "cannot play",
        "a place inside the value",
    ),
    (
        "fields: {predictions: {score: ~, predicted_label: ~, scores: ~, predicted_value: ~}}",
        "1:23",
        "fields.predictions",
        "predictions without any output",
        "`score`, `predicted_label`",
    ),
    (
        "fields: {predictions: {segments: {a: b}}}",
        "1:35",
        "fields.predictions.segments.a",
        "warning: no model has a segment with the column `a`",
        "remove it here",
    ),
    (
        "fields: {predictions: {features: ~, attributes: ~}}\ndefaults: {segments: [a]}",
        "2:22",
        "defaults.segments",
        "warning: the column `a` has no place in a record",
        "fields.predictions.segments.a",
    ),
    (
        "format: {predictions: {type: avro, schema: p.avsc}}\nfields: {predictions: {score: output.prop}}",
        "2:31",
        "fields.predictions.score",
        "the schema has no field `prop`",
        "did you mean `prob`?",
    ),
    (
        "format: {type: avro, schema: p.avsc}\nfields: {labels: {request_id: $key, label: lable}}",
        "2:44",
        "fields.labels.label",
        "the schema has no field `lable`",
        "did you mean `label`?",
    ),
    // Caps.
    ("caps: {segment_values: 70000}", "1:24", "caps.segment_values", "out of range", "from 1 to 65535"),
    ("caps: {classes: 0}", "1:17", "caps.classes", "out of range", "from 1 to 1000"),
    ("caps: {models: many}", "1:16", "caps.models", "wrong type: the text `many`", "from 1 to 1000000"),
    ("caps: {models: 1}\nmodels: {a: {}, b: {}}", "2:17", "models.b", "2 models, more than `caps.models` (1)", "raise"),
];

#[test]
fn each_mistake_is_named_with_its_place_and_what_to_do() {
    assert_one_problem_each(ONE_PROBLEM);
}

pub(super) fn assert_one_problem_each(wrong: &[(&str, &str, &str, &str, &str)]) {
    let mut failures = Vec::new();
    for (text, place, path, message, advice) in wrong {
        let said = said(text);
        let of_path = if path.is_empty() { String::new() } else { format!(" ({path})") };
        let place = format!("postdict.yaml:{place}{of_path}\n");
        let wanted = [place.as_str(), message, advice];
        let is_one = said.ends_with(": 1 error") || said.ends_with(": 1 warning");
        if !is_one || wanted.iter().any(|wanted| !said.contains(wanted)) {
            failures.push(format!("{text}\nwanted {wanted:?}, got\n{said}\n"));
        }
    }
    assert!(failures.is_empty(), "{} wrong:\n\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn ten_problems_in_one_file_are_ten_in_the_order_of_the_file() {
    let text = "kafka: {bootstrap_servers: ''}
topics: {labels: 'a b'}
format: xml
fields: {predictions: {score: a..b}}
defaults:
  threshold: 2
  windows: [1h, 1h]
  label_horizon: 90
models:
  car-loan:
    taks: binary
    compare: {}
emit_intervall: 10s
";
    let Err(problems) = parse_text(text) else { panic!("accepted") };
    let lines: Vec<usize> =
        problems.list().iter().filter_map(|problem| problem.place.map(|place| place.line)).collect();
    assert_eq!(lines, [1, 2, 3, 4, 6, 7, 8, 11, 12, 13], "{problems}");
    assert!(problems.to_string().ends_with("conf/postdict.yaml: 10 errors"));
}

#[test]
fn a_broken_value_raises_no_complaint_about_the_default_behind_it() {
    let said = said("defaults: {label_horizon: 5, revise_for: 10d}");
    assert!(said.contains("`5` has no unit") && said.ends_with(": 1 error"), "{said}");
}

#[test]
fn what_models_inherit_is_complained_about_once() {
    let said = said("defaults: {revise_for: 1d}\nmodels: {a: {}, b: {}, c: {threshold: 0.1}}");
    assert!(said.ends_with(": 1 error"), "{said}");
}

#[test]
fn the_rendering_is_exact() {
    let wanted = "\
error: unknown key `treshold`
 --> conf/postdict.yaml:3:5 (models.car-loan.treshold)
  |
3 |     treshold: 0.5
  |     ^^^^^^^^
  = help: did you mean `threshold`?

error: `90` has no unit
 --> conf/postdict.yaml:4:20 (models.car-loan.label_horizon)
  |
4 |     label_horizon: 90
  |                    ^^ expected a duration such as `90d`, `6h`, `15m`, `30s` or `500ms`
  = help: say what it counts: `90s`, `90m`, `90h` …

conf/postdict.yaml: 2 errors";
    assert_eq!(said("models:\n  car-loan:\n    treshold: 0.5\n    label_horizon: 90\n"), wanted);
}

#[test]
fn a_file_without_content_or_with_broken_yaml_has_one_problem() {
    for text in ["", "# nothing\n", "models: [1\n", "a: 'b", "models:\n\t- x: 1\n", "a: b: c\n"] {
        let said = said(text);
        assert!(said.ends_with("conf/postdict.yaml: 1 error"), "{text:?}: {said}");
    }
}
