//! The configuration as a whole: what right ones mean, and (in `wrong`) what is said about wrong ones.

mod alerts;
mod wrong;
mod wrong_alerts;
mod wrong_conditions;
mod wrong_detectors;
mod wrong_features;
mod wrong_gates;
mod wrong_reference;
mod wrong_segments;

use super::*;
use crate::codec::{FieldPath, RowFormat};
use crate::event::detectors::{DdmParameters, Direction, PageHinkleyParameters};
use crate::event::{
    BusinessValue, Caps, DetectorKind, DetectorParameters, Detectors, DriftSettings, LossKind, ModelSettings,
    OutcomeOrder, ReviseAfter, SegmentSet, TaskKind, WindowSpec,
};
use proptest::prelude::*;

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;

const SCHEMA: &str = r#"{"type": "record", "name": "P", "fields": [
    {"name": "request_id", "type": "string"}, {"name": "model_id", "type": "string"}, {"name": "label", "type": "int"},
    {"name": "output", "type": {"type": "record", "name": "O", "fields": [{"name": "prob", "type": "double"}]}}]}"#;

/// Schema files as the tests know them.
fn read_file(path: &Path) -> io::Result<String> {
    match path.to_str() {
        Some("conf/p.avsc") => Ok(SCHEMA.to_owned()),
        Some("conf/string.avsc") => Ok("\"string\"".to_owned()),
        Some("conf/broken.avsc") => Ok("{\"type\": \"recrod\"}".to_owned()),
        _ => Err(io::Error::new(io::ErrorKind::NotFound, "no such file")),
    }
}

fn parse_text(text: &str) -> Result<Config, Problems> {
    parse(text, "conf/postdict.yaml", &read_file)
}

fn right(text: &str) -> Config {
    let config = parse_text(text).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    config
}

fn value(names: &[&str]) -> FieldPath {
    FieldPath::Value(names.iter().map(|name| (*name).to_owned()).collect())
}

fn segments(sets: &[&[&str]]) -> Vec<SegmentSet> {
    let set = |columns: &&[&str]| SegmentSet { columns: columns.iter().map(|column| (*column).into()).collect() };
    sets.iter().map(set).collect()
}

#[test]
fn nothing_written_means_the_defaults() {
    for text in ["{}", "\u{feff}{}", "models:\ndefaults:\nkafka: {}\n", "---\nfields: {predictions: {}, labels: {}}\n"]
    {
        assert_eq!(right(text), Config::default(), "{text}");
    }
}

#[test]
fn the_example_says_what_the_defaults_are() {
    let text = include_str!("../../postdict.example.yaml");
    let config = right(text);
    let example = &config.settings.models["car-loan"];
    assert_eq!(example.threshold, 0.35);
    assert_eq!(config.settings.models.len(), 1);
    let settings = Settings { models: Default::default(), ..config.settings.clone() };
    assert_eq!(Config { settings, ..config }, Config::default());
}

#[test]
fn what_the_example_leaves_commented_out_is_right_too() {
    // `#: ` marks configuration that is commented out; other comments are prose.
    let text = include_str!("../../postdict.example.yaml");
    let uncommented: Vec<String> = text
        .lines()
        .map(|line| match line.trim_start().strip_prefix("#: ") {
            Some(code) => format!("{}{code}", " ".repeat(line.len() - line.trim_start().len())),
            None => line.to_owned(),
        })
        .collect();
    let config = parse_text(&uncommented.join("\n")).unwrap_or_else(|problems| panic!("{problems}"));
    assert_ne!(uncommented.join("\n"), text);
    assert_eq!(config.topics.labelled.map(|topic| topic.name), Some("labelled".to_owned()));
    assert_eq!(config.kafka.instance_id.as_deref(), Some("postdict-0"));
    assert_eq!(config.settings.defaults.protected, ["sex"]);
    assert_eq!(config.settings.defaults.task, Some(TaskKind::Binary));
    assert_eq!(config.settings.defaults.detectors, Some(all_detectors()), "what it shows are the defaults");
}

#[test]
fn every_key_of_a_model_arrives() {
    let config = right(
        "models:
  car-loan:
    task: binary
    positive_label: true
    threshold: 0.25
    windows: [1d, {size: 6h, advance: 4h}, 1h]
    label_horizon: 30d
    allowed_lateness: 0s
    early_label_retention: 2h
    correction_horizon: 0
    max_ahead: 1h30m
    on_expiry: {label: false}
    revise_after: {min: 30s, growth: 5%}
    revise_for: 40d
    segments: [country, [country, device]]
    fairness: {protected: [sex, country], min_group: 30}
    business_value: {true_positive: 5, false_positive: -1.5, true_negative: 0, false_negative: -20}
    detectors: {loss: log_loss, order: prediction_time, by_segment: true, page_hinkley: {threshold: 20, direction: up}, adwin:}
",
    );
    let wanted = ModelSettings {
        task: Some(TaskKind::Binary),
        positive_label: "1".to_owned(),
        threshold: 0.25,
        windows: vec![
            WindowSpec { size_ms: HOUR, advance_ms: HOUR },
            WindowSpec { size_ms: 6 * HOUR, advance_ms: 4 * HOUR },
            WindowSpec { size_ms: DAY, advance_ms: DAY },
        ],
        pane_ms: HOUR,
        label_horizon_ms: 30 * DAY,
        allowed_lateness_ms: 0,
        early_label_retention_ms: 2 * HOUR,
        correction_horizon_ms: 0,
        max_ahead_ms: Some(90 * 60_000),
        on_expiry: Some("0".to_owned()),
        segments: segments(&[&["country"], &["country", "device"], &["sex"]]),
        protected: vec!["sex".to_owned(), "country".to_owned()],
        min_group: 30,
        revise_after: ReviseAfter { min_ms: 30_000, growth: 0.05 },
        revise_for_ms: 40 * DAY,
        business_value: Some(BusinessValue {
            true_positive: 5.0,
            false_positive: -1.5,
            true_negative: 0.0,
            false_negative: -20.0,
        }),
        references: Vec::new(),
        drift: DriftSettings::default(),
        detectors: Some(Detectors {
            loss: LossKind::LogLoss,
            order: OutcomeOrder::PredictionTime,
            by_segment: true,
            methods: vec![
                DetectorKind::Adwin.defaults(),
                DetectorParameters::PageHinkley(PageHinkleyParameters {
                    threshold: 20.0,
                    direction: Direction::Up,
                    ..PageHinkleyParameters::default()
                }),
            ],
        }),
    };
    assert_eq!(*config.settings.models["car-loan"], wanted);
    assert_eq!(*config.settings.defaults, ModelSettings::default());
}

fn all_detectors() -> Detectors {
    let methods = DetectorKind::ALL.map(DetectorKind::defaults).to_vec();
    Detectors { loss: LossKind::Error, order: OutcomeOrder::LabelTime, by_segment: false, methods }
}

#[test]
fn a_model_inherits_the_detectors_that_its_task_has_a_use_for() {
    let config = right(
        "defaults: {detectors: {adwin: {}, ddm: {}, eddm: {}, hddm_a: {}, hddm_w: {}, page_hinkley: {}}}
models:
  classes: {task: multiclass}
  numbers: {task: regression}
  without: {detectors: none}
  own: {detectors: {ddm: {warm_start: 100}}}
",
    );
    let of = |model: &str| config.settings.models[model].detectors.clone();
    assert_eq!(
        (config.settings.defaults.detectors.clone(), of("classes")),
        (Some(all_detectors()), Some(all_detectors()))
    );
    let any_size = [DetectorKind::Adwin, DetectorKind::PageHinkley].map(DetectorKind::defaults).to_vec();
    assert_eq!(of("numbers"), Some(Detectors { methods: any_size, ..all_detectors() }));
    assert_eq!(of("without"), None);
    let ddm = DdmParameters { warm_start: 100, ..DdmParameters::default() };
    assert_eq!(of("own").map(|own| own.methods), Some(vec![DetectorParameters::Ddm(ddm)]));
}

#[test]
fn a_model_falls_back_to_defaults_key_by_key() {
    let config = right(
        "defaults: {threshold: 0.7, label_horizon: 10d, revise_after: {growth: 0.2}, max_ahead: 1h, segments: [a]}
models:
  x: {label_horizon: 20d, revise_after: {min: 5m}, max_ahead: none}
  y: {segments: [b]}
  z:
",
    );
    let x = &config.settings.models["x"];
    assert_eq!((x.threshold, x.label_horizon_ms, x.revise_for_ms), (0.7, 20 * DAY, 21 * DAY));
    assert_eq!(x.revise_after, ReviseAfter { min_ms: 5 * 60_000, growth: 0.2 });
    assert_eq!((x.max_ahead_ms, &x.segments), (None, &segments(&[&["a"]])));
    assert_eq!(config.settings.models["y"].segments, segments(&[&["b"]]));
    assert_eq!(config.settings.models["z"], config.settings.defaults);
}

#[test]
fn a_regression_model_does_not_inherit_what_is_about_classes() {
    let config = right(
        "defaults:
  fairness: {protected: [sex]}
  business_value: {true_positive: 1, false_positive: 1, true_negative: 1, false_negative: 1}
models:
  price: {task: regression, on_expiry: {label: 0.50}}
",
    );
    let price = &config.settings.models["price"];
    assert!(price.protected.is_empty() && price.segments.is_empty() && price.business_value.is_none());
    assert_eq!(price.on_expiry.as_deref(), Some("0.5"));
}

#[test]
fn classes_have_one_canonical_text() {
    let cases =
        [("1", "1"), ("1.0", "1"), ("true", "1"), ("\"true\"", "1"), ("false", "0"), ("\"1\"", "1"), ("-0.0", "0")];
    for (written, wanted) in cases.into_iter().chain([("fraud", "fraud"), ("\"01\"", "01"), ("1e3", "1000")]) {
        let config = right(&format!("defaults: {{positive_label: {written}}}"));
        assert_eq!(config.settings.defaults.positive_label, wanted, "{written}");
    }
    let config = right("defaults: {task: multiclass, on_expiry: {label: true}}");
    assert_eq!(config.settings.defaults.on_expiry.as_deref(), Some("true"));
}

#[test]
fn the_service_keys_arrive() {
    let config = right(
        "kafka:
  bootstrap_servers: [a:9092, 'b:9093, c']
  application_id: quality.eu
  instance_id: quality-0
  properties: {security.protocol: SSL, socket.timeout.ms: 5000, enable.ssl.certificate.verification: true}
topics:
  predictions: scores
  labels: {name: truth}
  metrics: {name: quality, format: avro, schema_id: 7}
  labelled: joined
  profiles: closed
commit_interval: 500ms
emit_interval: 1m
idle_timeout: 30s
caps: {segment_values: 65535, classes: 1000, models: 1, pending_rows: 5000}
",
    );
    assert_eq!(config.kafka.bootstrap_servers, "a:9092,b:9093,c");
    assert_eq!(config.kafka.application_id, "quality.eu");
    assert_eq!(config.kafka.instance_id.as_deref(), Some("quality-0"));
    assert_eq!(config.kafka.properties["socket.timeout.ms"], "5000");
    assert_eq!(config.kafka.properties["enable.ssl.certificate.verification"], "true");
    assert_eq!((config.topics.predictions.as_str(), config.topics.labels.as_str()), ("scores", "truth"));
    assert_eq!(
        config.topics.metrics,
        OutputTopic { name: "quality".to_owned(), format: RowFormat::Avro { schema_id: 7 } }
    );
    assert_eq!(config.topics.labelled, Some(OutputTopic { name: "joined".to_owned(), format: RowFormat::Json }));
    assert_eq!(config.topics.profiles.as_deref(), Some("closed"));
    let settings = &config.settings;
    assert_eq!((config.commit_interval_ms, settings.emit_interval_ms, settings.idle_timeout_ms), (500, 60_000, 30_000));
    assert_eq!(settings.caps, Caps { segment_values: 65_535, classes: 1000, models: 1, pending_rows: 5_000 });
}

#[test]
fn another_layout_arrives() {
    let config = right(
        "fields:
  predictions:
    score: output.prob
    timestamp: $timestamp
    request_id: $key
    model_id: =car-loan
    model_version: $header.version
    latency_ms: ~
    segments: {country: geo.country, release: 'tags.\"app.version\"'}
  labels: {label: 'truth', weight: ~, timestamp: $timestamp}
defaults: {segments: [country, release]}
",
    );
    let fields = &config.predictions.fields;
    assert_eq!(fields.score, Some(value(&["output", "prob"])));
    assert_eq!((&fields.timestamp, &fields.request_id), (&FieldPath::BrokerTimestamp, &FieldPath::Key));
    assert_eq!(fields.model_id, FieldPath::Constant("car-loan".to_owned()));
    assert_eq!(fields.model_version, Some(FieldPath::Header("version".to_owned())));
    assert_eq!((&fields.latency_ms, &fields.scores), (&None, &Some(value(&["scores"]))));
    assert_eq!(fields.segments["release"], value(&["tags", "app.version"]));
    assert_eq!(config.labels.fields.label, value(&["truth"]));
    assert_eq!((&config.labels.fields.weight, &config.labels.fields.model_id), (&None, &Some(value(&["model_id"]))));
}

#[test]
fn formats_are_read_together_or_apart() {
    let plain = Format::AvroPlain { schema: SCHEMA.to_owned() };
    let framed = Format::AvroConfluent { schemas: [(7, SCHEMA.to_owned())].into() };
    for (text, predictions, labels) in [
        ("format: json", &Format::Json, &Format::Json),
        ("format: {type: avro, schema: p.avsc}", &plain, &plain),
        ("format: {labels: {type: avro, schema_ids: {7: p.avsc}}}", &Format::Json, &framed),
        ("format: {predictions: {type: avro, schema: p.avsc}, labels: json}", &plain, &Format::Json),
        ("topics: {labels: {name: l, format: {type: avro, schema_ids: {7: p.avsc}}}}", &Format::Json, &framed),
        ("format: {type: avro, schema: p.avsc}\ntopics: {labels: {name: l, format: json}}", &plain, &Format::Json),
    ] {
        let config = right(text);
        assert_eq!((&config.predictions.format, &config.labels.format), (predictions, labels), "{text}");
    }
}

#[test]
fn anchors_share_values() {
    let config = right("models:\n  a: &shared {threshold: 0.1}\n  b: *shared\n");
    assert_eq!(config.settings.models["b"].threshold, 0.1);
}

#[test]
fn files_are_read_with_their_schemas_beside_them() {
    let folder = std::env::temp_dir().join(format!("postdict-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the test");
    let path = folder.join("postdict.yaml");
    std::fs::write(folder.join("p.avsc"), SCHEMA).expect("written");
    std::fs::write(&path, "format: {type: avro, schema: p.avsc}\n").expect("written");
    let config = load(&path);
    std::fs::write(&path, b"a: 1\nb: \xff\n").expect("written");
    let not_utf8 = load(&path).map_err(|problems| problems.to_string());
    let missing = load(&folder.join("nothing.yaml")).map_err(|problems| problems.to_string());
    std::fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(config.map(|config| config.predictions.format), Ok(Format::AvroPlain { schema: SCHEMA.to_owned() }));
    assert!(not_utf8.is_err_and(|shown| shown.contains("not UTF-8") && shown.contains("line 2")));
    assert!(
        missing.is_err_and(|shown| shown.contains("cannot read the configuration") && shown.contains("nothing.yaml"))
    );
}

proptest! {
    #[test]
    fn no_text_panics_and_every_error_can_be_shown(
        text in "([a-z]{1,6}|models|defaults|windows|format|fields|[:\\[\\]{},&*!'\"~-]|[ \n]){0,40}",
    ) {
        if let Err(problems) = parse_text(&text) {
            prop_assert!(problems.has_errors());
            prop_assert!(problems.to_string().contains("error"));
        }
    }
}
