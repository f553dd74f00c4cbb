//! Worlds: settings, and the predictions and labels of two topics in their order, made so that everything happens that
//! the rules speak of, to the millisecond.

use super::references::references;
use postdict::event::detectors::{
    AdwinParameters, DdmParameters, EddmParameters, HddmAParameters, HddmWParameters, PageHinkleyParameters,
};
use postdict::event::{DetectorParameters, Detectors, LossKind, OutcomeOrder};
use postdict::event::{
    DriftSettings, Millis, ModelSettings, ReviseAfter, SegmentColumn, SegmentSet, Settings, TaskKind, WindowSpec,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SECOND: Millis = 1_000;
/// An hour, so that windows of any size begin here.
pub const START: Millis = 1_600_002_000_000;
/// No record comes more than this behind the newest of its topic, and no model allows less.
const DISORDER: Millis = 3 * SECOND;
/// Predictions that share a request id are no further apart; below every model's horizons, so that a repeated one is a
/// duplicate whether its label has come or not.
const SHADOW_SPREAD: Millis = 5 * SECOND;

/// One record of the predictions topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    pub request_id: String,
    pub model: &'static str,
    pub version: &'static str,
    pub time: Millis,
    pub score: Option<f64>,
    pub predicted_label: Option<Value>,
    pub scores: Vec<(&'static str, f64)>,
    pub predicted_value: Option<f64>,
    pub country: Option<&'static str>,
    pub device: Option<&'static str>,
    pub latency_ms: Option<f64>,
    pub failed: bool,
}

/// One record of the labels topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    pub request_id: String,
    pub time: Millis,
    pub label: Option<Value>,
    pub deleted: bool,
    pub model: Option<&'static str>,
}

/// Settings, and both topics in their order.
#[derive(Clone)]
pub struct World {
    pub settings: Arc<Settings>,
    pub predictions: Vec<Prediction>,
    pub labels: Vec<Label>,
}

/// What a failing case is printed as: what differs between models, and the records as they are in the topics.
impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "emit_interval {}", self.settings.emit_interval_ms)?;
        for name in MODELS {
            let model = self.settings.model(name);
            let windows = model.windows.iter().map(|window| (window.size_ms, window.advance_ms));
            writeln!(
                f,
                "{name}: windows {:?} horizon {} early {} correction {} lateness {} revise_for {} revise_after {:?} \
                 on_expiry {:?} segments {:?} protected {:?} detectors {:?} references {:?}",
                windows.collect::<Vec<_>>(),
                model.label_horizon_ms,
                model.early_label_retention_ms,
                model.correction_horizon_ms,
                model.allowed_lateness_ms,
                model.revise_for_ms,
                (model.revise_after.min_ms, model.revise_after.growth),
                model.on_expiry,
                model.segments.iter().map(SegmentSet::key).collect::<Vec<_>>(),
                model.protected,
                model.detectors,
                model.references.iter().map(|reference| (reference.id, reference.from_ms)).collect::<Vec<_>>(),
            )?;
        }
        self.predictions.iter().try_for_each(|record| writeln!(f, "prediction {}", record.to_json()))?;
        self.labels.iter().try_for_each(|record| writeln!(f, "label {}", record.to_json()))
    }
}

impl Prediction {
    /// The record as JSON text in the default layout.
    pub fn to_json(&self) -> String {
        let mut record = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                record.insert(name.to_owned(), value);
            }
        };
        put("request_id", Some(json!(self.request_id)));
        put("model_id", Some(json!(self.model)));
        put("model_version", (!self.version.is_empty()).then(|| json!(self.version)));
        put("timestamp", Some(json!(self.time)));
        put("score", self.score.map(|score| json!(score)));
        put("predicted_label", self.predicted_label.clone());
        let scores: Map<String, Value> =
            self.scores.iter().map(|(class, score)| ((*class).to_owned(), json!(score))).collect();
        put("scores", (!scores.is_empty()).then_some(Value::Object(scores)));
        put("predicted_value", self.predicted_value.map(|value| json!(value)));
        put("attributes", Some(json!({"country": self.country, "device": self.device})));
        put("features", Some(self.features()));
        put("latency_ms", self.latency_ms.map(|latency| json!(latency)));
        put("error", self.failed.then(|| json!("timeout")));
        Value::Object(record).to_string()
    }

    /// A number that may be none, a category of many values, and what no reference has: all of it follows from the rest of
    /// the record.
    pub fn features(&self) -> Value {
        let country = self.country.unwrap_or_default();
        let amount = if self.latency_ms == Some(0.0) { json!("nothing") } else { json!(self.latency_ms) };
        json!({"amount": amount, "channel": self.request_id, format!("from_{country}"): 1, "nothing": null})
    }
}

impl Label {
    /// The record as JSON text in the default layout.
    pub fn to_json(&self) -> String {
        let deleted = self.deleted.then_some(true);
        json!({
            "request_id": self.request_id,
            "timestamp": self.time,
            "label": self.label,
            "deleted": deleted,
            "model_id": self.model,
        })
        .to_string()
    }
}

/// How long labels are remembered once they are matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Every model has a correction horizon.
    All,
    /// No model has one.
    None,
    /// Some have one; a model that has none sees each request id once.
    Some,
}

/// When a label comes, relative to a prediction of its request id.
#[derive(Debug, Clone, Copy)]
enum Delay {
    /// Milliseconds around the earliest that is inside.
    AroundEarliest(Millis),
    /// Milliseconds around the last that is inside.
    AroundHorizon(Millis),
    /// Any share of the way between the two, per mille.
    Within(Millis),
}

/// A label before it is known which prediction it follows.
#[derive(Debug, Clone)]
struct LabelPlan {
    of: prop::sample::Index,
    delay: Delay,
    /// Comes this long after the label before it instead.
    after_last: Option<Millis>,
    label: Option<Value>,
    only_this_model: bool,
    disorder: Millis,
}

#[derive(Debug, Clone)]
struct PredictionPlan {
    record: Prediction,
    offset: Millis,
    disorder: Millis,
}

#[derive(Debug, Clone)]
struct RequestPlan {
    time: Millis,
    predictions: Vec<PredictionPlan>,
    labels: Vec<LabelPlan>,
}

const MODELS: [&str; 4] = ["binary", "multiclass", "regression", "inferred"];

fn window_sets() -> impl Strategy<Value = (Vec<WindowSpec>, Millis)> {
    let window = |size, advance| WindowSpec { size_ms: size * SECOND, advance_ms: advance * SECOND };
    prop::sample::select(vec![
        (vec![window(10, 10)], 10 * SECOND),
        (vec![window(4, 4), window(6, 6)], 2 * SECOND),
        (vec![window(10, 10), window(30, 10)], 10 * SECOND),
        // A size that is no multiple of its advance.
        (vec![window(15, 6)], 3 * SECOND),
        (vec![window(5, 5), window(60, 60)], 5 * SECOND),
    ])
}

fn segment_sets() -> impl Strategy<Value = (Vec<SegmentSet>, Vec<String>)> {
    let set = |columns: &[&str]| SegmentSet { columns: columns.iter().map(|column| (*column).into()).collect() };
    let amounts = SegmentColumn::Bins { bins_of: "amount".to_owned() };
    let of_amounts = |columns: &[&str]| {
        let columns = columns.iter().map(|column| (*column).into());
        SegmentSet { columns: columns.chain([amounts.clone()]).collect() }
    };
    prop::sample::select(vec![
        (vec![], vec![]),
        (vec![set(&["country"])], vec!["country".to_owned()]),
        (vec![set(&["country"]), set(&["country", "device"])], vec![]),
        (vec![set(&["country"]), of_amounts(&[])], vec!["country".to_owned()]),
        (vec![of_amounts(&["country"]), of_amounts(&[])], vec![]),
    ])
}

/// Detectors that fire in the few records that a world has.
fn detectors() -> impl Strategy<Value = Detectors> {
    let adwin = AdwinParameters { delta: 0.9, clock: 1, max_buckets: 5, min_window_length: 1, grace_period: 1 };
    let methods = vec![
        DetectorParameters::Adwin(adwin),
        DetectorParameters::Ddm(DdmParameters { warm_start: 1, warning_threshold: 0.1, drift_threshold: 0.2 }),
        DetectorParameters::Eddm(EddmParameters { warm_start: 1, alpha: 1.0, beta: 1.0 }),
        DetectorParameters::HddmA(HddmAParameters { drift_confidence: 0.8, warning_confidence: 0.9, two_sided: true }),
        DetectorParameters::HddmW(HddmWParameters {
            drift_confidence: 0.8,
            warning_confidence: 0.9,
            lambda: 0.5,
            two_sided: true,
        }),
        DetectorParameters::PageHinkley(PageHinkleyParameters {
            min_instances: 2,
            delta: 0.0,
            threshold: 0.3,
            ..PageHinkleyParameters::default()
        }),
    ];
    let losses = prop::sample::select(vec![LossKind::Error, LossKind::Error, LossKind::LogLoss]);
    let orders =
        prop::sample::select(vec![OutcomeOrder::LabelTime, OutcomeOrder::LabelTime, OutcomeOrder::PredictionTime]);
    (losses, orders, any::<bool>(), prop::sample::subsequence(methods, 1..=6))
        .prop_map(|(loss, order, by_segment, methods)| Detectors { loss, order, by_segment, methods })
}

fn model_settings(task: Option<TaskKind>, memory: Memory) -> impl Strategy<Value = Arc<ModelSettings>> {
    let correction = match memory {
        Memory::All => (SHADOW_SPREAD..12 * SECOND).boxed(),
        Memory::None => Just(0).boxed(),
        Memory::Some => prop_oneof![Just(0), SHADOW_SPREAD..12 * SECOND].boxed(),
    };
    let spans = (6 * SECOND..20 * SECOND, prop_oneof![Just(0), 0..8 * SECOND], correction, 0..2 * SECOND);
    let revisions = (0..4 * SECOND, prop::sample::select(vec![0.0, 0.3]), prop_oneof![Just(0), 0..20 * SECOND]);
    let on_expiry = prop::option::weighted(0.3, prop::sample::select(vec!["0", "1"]));
    let detectors = prop::option::weighted(0.6, detectors());
    (
        spans,
        window_sets(),
        segment_sets(),
        revisions,
        on_expiry,
        0u64..3,
        (detectors, references(task), any::<[bool; 2]>()),
    )
        .prop_map(
            move |(
                (horizon, early, correction, lateness),
                (windows, pane_ms),
                (segments, protected),
                revise,
                on_expiry,
                min_group,
                (detectors, references, [by_segment, contributions]),
            )| {
                let (min_ms, growth, longer) = revise;
                Arc::new(ModelSettings {
                    task,
                    windows,
                    pane_ms,
                    label_horizon_ms: horizon,
                    allowed_lateness_ms: DISORDER + lateness,
                    early_label_retention_ms: early,
                    correction_horizon_ms: correction,
                    on_expiry: on_expiry.map(str::to_owned),
                    segments,
                    protected,
                    min_group,
                    revise_after: ReviseAfter { min_ms, growth },
                    revise_for_ms: horizon + correction + longer,
                    detectors,
                    references,
                    drift: DriftSettings { by_segment, contributions, min_count: 3, ..DriftSettings::default() },
                    ..ModelSettings::default()
                })
            },
        )
}

fn settings(memory: Memory) -> impl Strategy<Value = Settings> {
    let tasks = [Some(TaskKind::Binary), Some(TaskKind::Multiclass), Some(TaskKind::Regression), None];
    let models = tasks.map(|task| model_settings(task, memory));
    (models, 0..3 * SECOND).prop_map(|([binary, multiclass, regression, inferred], emit_interval_ms)| Settings {
        defaults: inferred,
        models: [("binary", binary), ("multiclass", multiclass), ("regression", regression)]
            .map(|(name, settings)| (name.to_owned(), settings))
            .into(),
        emit_interval_ms,
        ..Settings::default()
    })
}

fn scores() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (0u8..=16).prop_map(|sixteenths| f64::from(sixteenths) / 16.0),
        3 => 0.0..=1.0f64,
        1 => Just(1.0 - f64::EPSILON),
        1 => Just(1e-12),
    ]
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![3 => (-8i8..24).prop_map(f64::from), 2 => -10.0..1e3f64, 1 => Just(0.0), 1 => Just(4096.0)]
}

fn predictions() -> impl Strategy<Value = PredictionPlan> {
    let class = || prop::sample::select(vec![json!("a"), json!("b"), json!("c"), json!(1), json!(true), json!("0")]);
    let class_scores = prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c", "1"]), scores(), 1..4);
    let output = (0u8..10, scores(), class(), class_scores, values());
    let about = (
        prop::sample::select(MODELS.to_vec()),
        prop::sample::select(vec!["", "v1", "v2"]),
        prop::option::weighted(0.8, prop::sample::select(vec!["DE", "FR", "N,L"])),
        prop::option::weighted(0.8, prop::sample::select(vec!["phone", "web"])),
        prop::option::weighted(0.5, prop_oneof![0.0..500.0f64, Just(0.0)]),
        prop::bool::weighted(0.08),
    );
    let times = (0..=SHADOW_SPREAD, 0..=DISORDER);
    (output, about, times).prop_map(
        |(
            (kind, score, class, class_scores, value),
            (model, version, country, device, latency_ms, failed),
            (offset, disorder),
        )| {
            let task = match (model, kind) {
                // A record of another task than its model's is a dead letter.
                (_, 0) => "none of it",
                ("inferred", 1..=3) => "binary",
                ("inferred", 4..=6) => "multiclass",
                ("inferred", 7..=8) => "regression",
                (model, _) => model,
            };
            let (is_binary, is_multiclass) = (task == "binary", task == "multiclass");
            let labelled = kind == 9 || kind == 1 || (kind == 0 && model == "regression");
            let record = Prediction {
                request_id: String::new(),
                model,
                version,
                time: 0,
                score: (is_binary && kind != 9).then_some(score),
                predicted_label: (labelled && task != "regression").then_some(class),
                scores: if is_multiclass && kind != 9 { class_scores.into_iter().collect() } else { Vec::new() },
                predicted_value: (task == "regression" || (kind == 0 && !labelled)).then_some(value),
                country,
                device,
                latency_ms,
                failed,
            };
            PredictionPlan { record, offset, disorder }
        },
    )
}

fn label_plans() -> impl Strategy<Value = LabelPlan> {
    let delay = prop_oneof![
        2 => (-1..=1i64).prop_map(Delay::AroundEarliest),
        2 => (-1..=1i64).prop_map(Delay::AroundHorizon),
        6 => (-150..1150i64).prop_map(Delay::Within),
    ];
    let label = prop_oneof![
        6 => prop::sample::select(vec![json!(1), json!(0), json!("1"), json!(true), json!("false"), json!(1.0)]),
        4 => prop::sample::select(vec![json!("a"), json!("b"), json!("c")]),
        4 => values().prop_map(|value| json!(value)),
        1 => prop::sample::select(vec![json!("2.50"), json!("-0"), json!(2.5)]),
    ];
    let after_last = prop::option::weighted(0.4, prop_oneof![Just(0), 0..2 * SECOND, 0..12 * SECOND]);
    (
        any::<prop::sample::Index>(),
        delay,
        after_last,
        prop::option::weighted(0.85, label),
        prop::bool::weighted(0.15),
        0..=DISORDER,
    )
        .prop_map(|(of, delay, after_last, label, only_this_model, disorder)| LabelPlan {
            of,
            delay,
            after_last,
            label,
            only_this_model,
            disorder,
        })
}

fn requests() -> impl Strategy<Value = RequestPlan> {
    let repeated = (prop::bool::weighted(0.3), 0..=SHADOW_SPREAD, 0..=DISORDER);
    (0..60 * SECOND, prop::collection::vec((predictions(), repeated), 0..4), prop::collection::vec(label_plans(), 0..5))
        .prop_map(|(time, plans, labels)| {
            let mut predictions: Vec<PredictionPlan> = Vec::new();
            for (plan, (again, offset, disorder)) in plans {
                // The same prediction once more, perhaps with another time.
                predictions.extend(again.then(|| PredictionPlan { offset, disorder, ..plan.clone() }));
                predictions.push(plan);
            }
            RequestPlan { time: START + time, predictions, labels }
        })
}

/// Worlds in which no record is behind its watermark.
pub fn worlds(memory: Memory) -> impl Strategy<Value = World> {
    (settings(memory), prop::collection::vec(requests(), 1..14))
        .prop_map(|(settings, requests)| world(settings, requests))
}

fn world(settings: Settings, requests: Vec<RequestPlan>) -> World {
    // What every model forgets on match cannot be found again, so request ids have one prediction each.
    let forgets_all = settings.all().all(|model| model.correction_horizon_ms == 0);
    // With its place in the topic: time plus disorder.
    let mut predictions: Vec<(Millis, Prediction)> = Vec::new();
    let mut labels: Vec<(Millis, Label)> = Vec::new();
    for (number, request) in requests.into_iter().enumerate() {
        let request_id = format!("r{number}");
        let mut of_request: Vec<Prediction> = Vec::new();
        let mut models_seen = BTreeSet::new();
        for plan in request.predictions {
            let forgets = settings.model(plan.record.model).correction_horizon_ms == 0;
            let is_first = models_seen.insert(plan.record.model);
            if forgets && !is_first || forgets_all && !of_request.is_empty() {
                continue;
            }
            let time = request.time + plan.offset;
            let record = Prediction { request_id: request_id.clone(), time, ..plan.record };
            predictions.push((time + plan.disorder, record.clone()));
            of_request.push(record);
        }
        let mut last = None;
        for plan in request.labels {
            let of = (!of_request.is_empty()).then(|| &of_request[plan.of.index(of_request.len())]);
            let (model, time) = of.map_or(("binary", request.time), |of| (of.model, of.time));
            let delay = delay(plan.delay, settings.model(model));
            let time = match (plan.after_last, last) {
                (Some(after), Some(last)) => last + after,
                _ => time + delay,
            };
            last = Some(time);
            let label = Label {
                request_id: request_id.clone(),
                time,
                deleted: plan.label.is_none(),
                label: plan.label,
                model: plan.only_this_model.then_some(model),
            };
            labels.push((time + plan.disorder, label));
        }
    }
    predictions.sort_by_key(|(place, _)| *place);
    labels.sort_by_key(|(place, _)| *place);
    World {
        settings: Arc::new(settings),
        predictions: predictions.into_iter().map(|(_, record)| record).collect(),
        labels: labels.into_iter().map(|(_, record)| record).collect(),
    }
}

fn delay(delay: Delay, settings: &ModelSettings) -> Millis {
    let (earliest, horizon) = (-settings.early_label_retention_ms, settings.label_horizon_ms);
    match delay {
        Delay::AroundEarliest(by) => earliest + by,
        Delay::AroundHorizon(by) => horizon + by,
        Delay::Within(per_mille) => earliest + (horizon - earliest) * per_mille / 1000,
    }
}

/// A world of one model with these settings, for named cases.
pub fn world_of(settings: ModelSettings, predictions: Vec<Prediction>, labels: Vec<Label>) -> World {
    let settings = Settings { defaults: Arc::new(settings), models: BTreeMap::new(), ..Settings::default() };
    World { settings: Arc::new(settings), predictions, labels }
}
