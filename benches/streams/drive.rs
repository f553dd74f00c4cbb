//! A simulated stream through JOIN and ASSESS, with the built-in rules.

use super::rows::{CATEGORIES, FEATURES, Row, Rows};
use super::{HOUR, REFERENCE_WINDOWS, Stream};
use arrow_array::types::UInt32Type;
use arrow_array::{BooleanArray, DictionaryArray, Float64Array, StringArray, UInt32Array};
use postdict::assess::{Outlet, Revisions};
use postdict::config::Config;
use postdict::drift::profile::{MAX_CATEGORIES, ProfileBuilder};
use postdict::event::alert::{AlertRow, AlertSettings};
use postdict::event::prediction::TextColumn;
use postdict::event::unknown::UnknownFeatures;
use postdict::event::{
    FeatureColumn, LabelBatch, MetricRow, ModelSettings, Origin, PredictionBatch, Profile, Reference, Role, Settings,
    TaskKind, WindowSpec,
};
use postdict::join::PredictionReader;
use postdict::task::{AssessTask, JoinInput, JoinTask};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An alert that fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Fired {
    pub rule: Arc<str>,
    /// The window that it was told of, counted from the first of the stream.
    pub window: i64,
    /// Windows from the start of the stream until it was told.
    pub told: f64,
    pub summary: String,
}

/// What was told of one window when it was final.
#[derive(Debug, Clone, Default)]
pub struct Final {
    /// By metric, of the model: value and count.
    pub values: BTreeMap<Arc<str>, (f64, i64)>,
    /// By feature: Jensen-Shannon distance, and of numbers Wasserstein's over the deviation.
    pub columns: BTreeMap<Arc<str>, (f64, Option<f64>)>,
}

/// What was told of a stream.
#[derive(Debug, Default)]
pub struct Seen {
    first: i64,
    /// Ends where alerts begin, in the order in which they were told.
    pub fired: Vec<Fired>,
    /// Final windows by their number; those of the reference are below 0, where it went through too.
    pub finals: BTreeMap<i64, Final>,
}

impl Outlet for Seen {
    fn row(&mut self, row: &MetricRow) {
        const METRICS: [&str; 4] = ["roc_auc", "accuracy", "mae", "drifted_share"];
        let (Some(value), true, "") = (row.value, row.is_final, &*row.model_version) else { return };
        let window = self.finals.entry((row.window_start - self.first).div_euclid(HOUR)).or_default();
        match (&row.feature, &*row.metric) {
            (Some(feature), "jensen_shannon") => window.columns.entry(Arc::clone(feature)).or_default().0 = value,
            (Some(feature), "wasserstein_normed") => {
                window.columns.entry(Arc::clone(feature)).or_default().1 = Some(value);
            }
            (None, metric) if row.class.is_none() && METRICS.contains(&metric) => {
                window.values.insert(Arc::clone(&row.metric), (value, row.count));
            }
            _ => {}
        }
    }

    fn alert(&mut self, alert: &AlertRow) {
        if alert.state.is_open() && !alert.previous_state.is_open() {
            let start = alert.window_start.unwrap_or(alert.evaluated_at);
            self.fired.push(Fired {
                rule: Arc::clone(&alert.rule),
                window: (start - self.first).div_euclid(HOUR),
                told: (alert.evaluated_at - self.first) as f64 / HOUR as f64,
                summary: alert.summary.clone(),
            });
        }
    }
}

/// The stream with the rules of `alerts`; `None`: the built-in ones.
pub fn drive(stream: &Stream, alerts: Option<Arc<AlertSettings>>) -> Seen {
    let mut rows = Rows::new(*stream);
    let reference: Vec<Vec<Row>> = (0..REFERENCE_WINDOWS).map(|_| rows.window()).collect();
    let profile = stream.has_reference.then(|| profile(stream, &reference));
    let settings = settings(stream, profile, alerts);
    let mut join = JoinTask::new(0, Arc::clone(&settings), false);
    let mut assess = AssessTask::new(settings, 1, Revisions::Ended);
    let first = reference[0].first().map_or(0, |row| row.time) / HOUR * HOUR + REFERENCE_WINDOWS as i64 * HOUR;
    let mut seen = Seen { first, ..Seen::default() };
    let mut waiting: Vec<(i64, u64, f64)> = Vec::new();
    let mut offsets = (0, 0);
    // What came before the stream is known to the peers' rules only by the reference, and to ours not at all.
    let mut now = 0;
    for _ in 0..stream.windows {
        let window = rows.window();
        let Some(last) = window.last() else { continue };
        now = last.time;
        waiting.extend(window.iter().map(|row| (row.label_time, row.number, row.label)));
        let count = window.len();
        let mut reader = PredictionReader::new(predictions(stream, &window, offsets.0));
        offsets.0 += count as i64;
        assert!(join.step(JoinInput::Predictions(&mut reader, 0..count)).is_empty(), "every prediction is good");
        waiting.sort_unstable_by_key(|(time, number, _)| (*time, *number));
        let arrived: Vec<_> = waiting.drain(..waiting.partition_point(|(time, ..)| *time <= now)).collect();
        if !arrived.is_empty() {
            let batch = labels(stream, &arrived, offsets.1);
            offsets.1 += arrived.len() as i64;
            assert!(join.step(JoinInput::Labels(&batch, 0..arrived.len())).is_empty(), "every label is good");
        }
        let commit = join.commit();
        assess.step_to([&commit.partials], now, usize::MAX, &mut seen);
    }
    assess.close_to(now, &mut seen);
    seen
}

/// What the same metrics were over the windows of the reference, each by itself.
pub fn reference_windows(stream: &Stream) -> Seen {
    let before = Stream { windows: REFERENCE_WINDOWS, harmed_from: usize::MAX, has_reference: false, ..*stream };
    let seed = stream.seed ^ 0x5eed;
    drive(&Stream { seed, ..before }, Some(Arc::default()))
}

fn settings(stream: &Stream, profile: Option<Profile>, alerts: Option<Arc<AlertSettings>>) -> Arc<Settings> {
    let references =
        profile.map(|profile| Reference { id: profile.id, from_ms: None, profile: Some(Arc::new(profile)) });
    let model = ModelSettings {
        task: Some(stream.task),
        windows: vec![WindowSpec { size_ms: HOUR, advance_ms: HOUR }],
        pane_ms: HOUR,
        label_horizon_ms: (12.0 * stream.delay_hours) as i64 * HOUR,
        references: references.into_iter().collect(),
        ..ModelSettings::default()
    };
    let alerts = alerts.unwrap_or_else(|| Config::default().settings.alerts);
    Arc::new(Settings { defaults: Arc::new(model), alerts, ..Settings::default() })
}

fn names() -> Vec<String> {
    (0..FEATURES).map(|number| format!("f{number}")).collect()
}

fn profile(stream: &Stream, windows: &[Vec<Row>]) -> Profile {
    // Enough rows that the chance part of drift is not exact, which takes long.
    let most = 20_000;
    let all: usize = windows.iter().map(Vec::len).sum();
    let every = all.div_ceil(most).max(1);
    let rows: Vec<Row> = windows.iter().flatten().step_by(every).cloned().collect();
    let mut builder = ProfileBuilder::new(None, &names(), BTreeMap::new(), MAX_CATEGORIES);
    builder.add(&predictions(stream, &rows, 0)).expect("there are not too many numbers");
    builder.finish(false).expect("a profile").0
}

/// A text column from a code per row.
fn texts(name: &str, codes: impl Iterator<Item = Option<usize>>, distinct: usize) -> TextColumn {
    let keys: UInt32Array = codes.map(|code| code.map(|code| code as u32)).collect();
    let values: StringArray = (0..distinct).map(|code| Some(format!("{name}{code}"))).collect();
    DictionaryArray::<UInt32Type>::try_new(keys, Arc::new(values)).expect("codes are below their number")
}

fn origin(role: Role) -> Origin {
    Origin { role, topic: role.name().into(), partition: 0 }
}

fn id(number: u64) -> Option<String> {
    Some(format!("r{number}"))
}

fn predictions(stream: &Stream, rows: &[Row], first_offset: i64) -> PredictionBatch {
    let count = rows.len();
    let none = || Float64Array::new_null(count);
    let outputs = || rows.iter().map(|row| Some(row.output)).collect::<Float64Array>();
    let no_text = || texts("", rows.iter().map(|_| None), 0);
    let feature = |number: usize| match number + 1 == FEATURES {
        true => FeatureColumn {
            number: none(),
            text: texts("c", rows.iter().map(|row| Some(row.features[number] as usize)), CATEGORIES),
        },
        false => FeatureColumn { number: rows.iter().map(|row| Some(row.features[number])).collect(), text: no_text() },
    };
    PredictionBatch {
        origin: origin(Role::Predictions),
        offset: (first_offset..).take(count).map(Some).collect(),
        request_id: rows.iter().map(|row| id(row.number)).collect(),
        model_id: texts("model", rows.iter().map(|_| Some(0)), 1),
        model_version: texts("v", rows.iter().map(|_| Some(0)), 1),
        time: rows.iter().map(|row| Some(row.time)).collect(),
        score: if stream.task == TaskKind::Binary { outputs() } else { none() },
        predicted_label: match stream.task {
            TaskKind::Multiclass => texts("k", rows.iter().map(|row| Some(row.class)), 3),
            _ => no_text(),
        },
        scores: None,
        predicted_value: if stream.task == TaskKind::Regression { outputs() } else { none() },
        latency_ms: none(),
        failed: BooleanArray::from(vec![false; count]),
        segments: Vec::new(),
        features: if stream.has_reference { (0..FEATURES).map(feature).collect() } else { Vec::new() },
        unknown: UnknownFeatures::default(),
    }
}

fn labels(stream: &Stream, labels: &[(i64, u64, f64)], first_offset: i64) -> LabelBatch {
    let is_class = stream.task == TaskKind::Multiclass;
    let rows = labels.len();
    LabelBatch {
        origin: origin(Role::Labels),
        offset: (first_offset..).take(rows).map(Some).collect(),
        request_id: labels.iter().map(|(_, number, _)| id(*number)).collect(),
        time: labels.iter().map(|(time, ..)| Some(*time)).collect(),
        number: labels.iter().map(|(.., label)| (!is_class).then_some(*label)).collect(),
        text: texts("k", labels.iter().map(|(.., label)| is_class.then_some(*label as usize)), 3),
        deleted: BooleanArray::from(vec![false; rows]),
        model_id: texts("", labels.iter().map(|_| None), 0),
        weight: Float64Array::new_null(rows),
    }
}
