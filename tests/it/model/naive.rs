//! The naive model: every record in a list, every question answered by looking at all of them. Written from the contract's
//! *Rules* and *Semantics*, sharing nothing with the code that it is held against.

use super::detection::read_until;
use super::segments::{key, segment_value};
use super::world::{Label, Prediction, World};
use postdict::event::{Millis, ModelSettings, TaskKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a label says.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    Number(f64),
    Text(String),
}

/// What a label did to a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    Nothing,
    Unreadable,
    Duplicate,
    Retracted,
    Corrected,
    Matched,
}

/// What a prediction predicts.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    Binary { score: Option<f64>, positive: bool },
    Multiclass { class: String, scores: Vec<(String, f64)> },
    Regression(f64),
    Failed,
}

/// A prediction that was accepted, or a failed request.
#[derive(Debug, Clone)]
pub struct Row<'w> {
    pub record: &'w Prediction,
    pub output: Output,
    /// What each label that concerned it did, with the label's time.
    pub effects: Vec<(Effect, Millis)>,
    /// The label in force at the end, with its time.
    pub truth: Option<(Truth, Millis)>,
    /// The first label that it ever had, with its time.
    pub first: Option<(Truth, Millis)>,
    /// Labels that were in force once and were corrected or taken back.
    pub taken_back: Vec<Truth>,
}

/// Both topics joined.
#[derive(Debug)]
pub struct Joined<'w> {
    pub world: &'w World,
    pub rows: Vec<Row<'w>>,
    pub duplicates: Vec<&'w Prediction>,
    pub wrong_task: Vec<&'w Prediction>,
    /// Labels that no prediction met.
    pub unmet: Vec<&'w Label>,
}

/// What happens at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtEnd {
    Hold,
    Close,
}

/// One published series in one window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    pub model: String,
    pub version: String,
    pub segment_key: String,
    pub segment_value: String,
    pub size_ms: Millis,
    pub advance_ms: Millis,
    pub start: Millis,
}

/// Everything that counts in one series in one window.
#[derive(Debug, Default)]
pub struct SeriesWindow<'j> {
    pub is_final: bool,
    pub predictions: Vec<&'j Row<'j>>,
    pub failed: i64,
    pub latencies_ms: Vec<f64>,
    pub delays_ms: Vec<f64>,
    /// Matched rows with their truth, those that `on_expiry` gave one included.
    pub labelled: Vec<(&'j Output, Truth)>,
    pub matched: i64,
    pub pending: i64,
    pub expired: i64,
    pub orphans: i64,
    pub duplicate_predictions: i64,
    pub dead_letters: i64,
    pub effects: BTreeMap<Effect, i64>,
}

/// What the finality of a window rests on, over the whole model.
#[derive(Debug, Default)]
struct WholeWindow {
    unmatched: bool,
    unmet: bool,
    last_label_time: Option<Millis>,
}

impl Truth {
    fn of(label: &Value) -> Truth {
        match label {
            Value::Number(number) => Truth::Number(number.as_f64().unwrap()),
            Value::Bool(value) => Truth::Text(value.to_string()),
            Value::String(text) => match text.parse::<f64>() {
                Ok(number) if text_of(number) == *text => Truth::Number(number),
                _ => Truth::Text(text.clone()),
            },
            other => panic!("no label: {other}"),
        }
    }

    /// As a class.
    pub fn text(&self) -> String {
        match self {
            Truth::Number(number) => text_of(*number),
            Truth::Text(text) => text.clone(),
        }
    }

    /// As a class of a binary model: `true` is `1`.
    pub fn binary_text(&self) -> String {
        match self.text().as_str() {
            "true" => "1".to_owned(),
            "false" => "0".to_owned(),
            text => text.to_owned(),
        }
    }

    /// As a number.
    pub fn number(&self) -> Option<f64> {
        match self {
            Truth::Number(number) => Some(*number),
            Truth::Text(text) => text.parse().ok(),
        }
    }
}

fn text_of(number: f64) -> String {
    if number == 0.0 { "0".to_owned() } else { number.to_string() }
}

impl Output {
    /// `None`: the record is of another task than its model's.
    fn of(record: &Prediction, settings: &ModelSettings) -> Option<Output> {
        let label = record.predicted_label.as_ref().map(Truth::of);
        if record.failed {
            return Some(Output::Failed);
        }
        let inferred = match record {
            _ if !record.scores.is_empty() => TaskKind::Multiclass,
            _ if record.score.is_some() => TaskKind::Binary,
            _ if record.predicted_value.is_some() => TaskKind::Regression,
            _ => TaskKind::Multiclass,
        };
        match settings.task.unwrap_or(inferred) {
            TaskKind::Binary => {
                let positive = match (&label, record.score) {
                    (Some(label), _) => label.binary_text() == settings.positive_label,
                    (None, score) => score? >= settings.threshold,
                };
                Some(Output::Binary { score: record.score, positive })
            }
            TaskKind::Multiclass => {
                let scores: Vec<_> = record.scores.iter().map(|(class, score)| ((*class).to_owned(), *score)).collect();
                let mut best: Vec<_> = scores.clone();
                // The greatest first; of equal ones the first by text.
                best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                let class = label.map(|label| label.text()).or(best.first().map(|(class, _)| class.clone()))?;
                Some(Output::Multiclass { class, scores })
            }
            TaskKind::Regression => record.predicted_value.map(Output::Regression),
        }
    }

    fn can_read(&self, truth: &Truth) -> bool {
        !matches!(self, Output::Regression(_)) || truth.number().is_some()
    }

    fn reads_the_same(&self, one: &Truth, other: &Truth) -> bool {
        match self {
            Output::Binary { .. } => one.binary_text() == other.binary_text(),
            Output::Regression(_) => one.number() == other.number(),
            Output::Multiclass { .. } | Output::Failed => one.text() == other.text(),
        }
    }
}

impl<'w> Row<'w> {
    /// Takes the row through the labels of its request id in arrival order; `met` is told which of them met it.
    fn take_labels(&mut self, labels: &[Label], settings: &ModelSettings, met: &mut BTreeSet<usize>) {
        for (number, label) in labels.iter().enumerate() {
            let effect = self.take(label, settings);
            if effect != Effect::Nothing {
                self.effects.push((effect, label.time));
                met.insert(number);
            }
        }
    }

    fn take(&mut self, label: &Label, settings: &ModelSettings) -> Effect {
        let delay = label.time - self.record.time;
        let is_mine = label.request_id == self.record.request_id
            && label.model.is_none_or(|model| model == self.record.model)
            && delay >= -settings.early_label_retention_ms;
        if !is_mine {
            return Effect::Nothing;
        }
        let correction = settings.correction_horizon_ms;
        let is_in_time = match &self.truth {
            None => delay <= settings.label_horizon_ms,
            Some(_) if correction == 0 => false,
            Some((_, time)) => label.time <= time + correction && delay <= settings.label_horizon_ms + correction,
        };
        if !is_in_time {
            return Effect::Nothing;
        }
        if label.deleted {
            let Some((old, _)) = self.truth.take() else { return Effect::Duplicate };
            self.taken_back.push(old);
            return Effect::Retracted;
        }
        let new = Truth::of(label.label.as_ref().unwrap());
        if !self.output.can_read(&new) {
            return Effect::Unreadable;
        }
        let effect = match &self.truth {
            None => Effect::Matched,
            Some((old, _)) if self.output.reads_the_same(old, &new) => return Effect::Duplicate,
            Some((old, _)) => {
                self.taken_back.push(old.clone());
                Effect::Corrected
            }
        };
        self.first.get_or_insert_with(|| (new.clone(), label.time));
        self.truth = Some((new, label.time));
        effect
    }

    fn is_failed(&self) -> bool {
        self.output == Output::Failed
    }
}

impl<'w> Joined<'w> {
    pub fn new(world: &'w World) -> Joined<'w> {
        let mut joined =
            Joined { world, rows: Vec::new(), duplicates: Vec::new(), wrong_task: Vec::new(), unmet: Vec::new() };
        for record in &world.predictions {
            let Some(output) = Output::of(record, world.settings.model(record.model)) else {
                joined.wrong_task.push(record);
                continue;
            };
            let is_same = |row: &Row| {
                let of = |record: &Prediction| (record.request_id.clone(), record.model, record.version, record.failed);
                of(row.record) == of(record)
            };
            if joined.rows.iter().any(is_same) {
                joined.duplicates.push(record);
            } else {
                joined.rows.push(Row {
                    record,
                    output,
                    effects: Vec::new(),
                    truth: None,
                    first: None,
                    taken_back: Vec::new(),
                });
            }
        }
        let mut met = BTreeSet::new();
        for row in &mut joined.rows {
            row.take_labels(&world.labels, world.settings.model(row.record.model), &mut met);
        }
        joined.unmet =
            world.labels.iter().enumerate().filter(|(i, _)| !met.contains(i)).map(|(_, label)| label).collect();
        joined
    }

    /// Settings by which a model's windows are kept. Labels that name no model may concern any model's predictions, so
    /// model `""` waits as long as any model does.
    pub fn settings(&self, model: &str) -> Arc<ModelSettings> {
        let settings = Arc::clone(self.world.settings.model(model));
        if !model.is_empty() {
            return settings;
        }
        let most = |of: fn(&ModelSettings) -> Millis| self.world.settings.all().map(of).max().unwrap();
        Arc::new(ModelSettings {
            allowed_lateness_ms: most(|model| model.allowed_lateness_ms),
            early_label_retention_ms: most(|model| model.early_label_retention_ms),
            ..(*settings).clone()
        })
    }

    /// The event time that both topics have reached at the end of input.
    pub fn reached(&self) -> Option<Millis> {
        let rows = self.rows.iter().map(|row| row.record.time);
        let predictions = rows.chain(self.duplicates.iter().map(|record| record.time)).max();
        let labels = self.world.labels.iter().map(|label| label.time).max();
        Some(predictions?.min(labels?))
    }

    /// All series of all windows.
    pub fn windows(&'w self, at_end: AtEnd) -> BTreeMap<SeriesKey, SeriesWindow<'w>> {
        let wholes = self.whole_windows();
        let mut windows: BTreeMap<SeriesKey, SeriesWindow> = BTreeMap::new();
        for row in &self.rows {
            self.each_series(row.record, |key| {
                windows.entry(key).or_default().add_row(row);
            });
        }
        for record in &self.duplicates {
            self.each_series(record, |key| windows.entry(key).or_default().duplicate_predictions += 1);
        }
        for record in &self.wrong_task {
            self.each_series(record, |key| windows.entry(key).or_default().dead_letters += 1);
        }
        let is_final = |model: &str, size: Millis, advance: Millis, start: Millis| {
            at_end == AtEnd::Close
                || self.is_final(model, size, &wholes[&(model.to_owned(), size, advance, start)], start)
        };
        for (key, window) in &mut windows {
            window.is_final = is_final(&key.model, key.size_ms, key.advance_ms, key.start);
            let settings = self.settings(&key.model);
            for row in std::mem::take(&mut window.predictions) {
                let is_expired =
                    window.is_final || self.has_passed(&settings, row.record.time, settings.label_horizon_ms);
                window.settle(row, is_expired, &settings);
                window.predictions.push(row);
            }
        }
        for label in &self.unmet {
            let model = label.model.unwrap_or_default();
            let settings = self.settings(model);
            for (size_ms, advance_ms, start) in windows_of(&settings, label.time) {
                let is_final = is_final(model, size_ms, advance_ms, start);
                let key = SeriesKey {
                    model: model.to_owned(),
                    version: String::new(),
                    segment_key: String::new(),
                    segment_value: String::new(),
                    size_ms,
                    advance_ms,
                    start,
                };
                if is_final || self.has_passed(&settings, label.time, settings.early_label_retention_ms) {
                    let window = windows.entry(key).or_default();
                    window.orphans += 1;
                    window.is_final = is_final;
                }
            }
        }
        windows
    }

    /// Calls `visit` with every series and window that a prediction counts in.
    fn each_series(&self, record: &Prediction, mut visit: impl FnMut(SeriesKey)) {
        let settings = self.settings(record.model);
        let versions = BTreeSet::from(["", record.version]);
        let mut segments = vec![(String::new(), String::new())];
        segments.extend(settings.segments.iter().map(|set| (key(set), segment_value(record, set, &settings))));
        for (size_ms, advance_ms, start) in windows_of(&settings, record.time) {
            for version in &versions {
                for (segment_key, segment_value) in &segments {
                    visit(SeriesKey {
                        model: record.model.to_owned(),
                        version: (*version).to_owned(),
                        segment_key: segment_key.clone(),
                        segment_value: segment_value.clone(),
                        size_ms,
                        advance_ms,
                        start,
                    });
                }
            }
        }
    }

    fn whole_windows(&self) -> BTreeMap<(String, Millis, Millis, Millis), WholeWindow> {
        let mut wholes: BTreeMap<_, WholeWindow> = BTreeMap::new();
        let mut each = |model: &str, time: Millis, change: &dyn Fn(&mut WholeWindow)| {
            for (size, advance, start) in windows_of(&self.settings(model), time) {
                change(wholes.entry((model.to_owned(), size, advance, start)).or_default());
            }
        };
        for row in &self.rows {
            each(row.record.model, row.record.time, &|whole| {
                if !row.is_failed() {
                    whole.unmatched |= row.truth.is_none();
                    let changing = row.effects.iter().filter(|(effect, _)| *effect > Effect::Unreadable);
                    whole.last_label_time = whole.last_label_time.max(changing.map(|(_, time)| *time).max());
                }
            });
        }
        for record in self.duplicates.iter().chain(&self.wrong_task) {
            each(record.model, record.time, &|_| {});
        }
        for label in &self.unmet {
            each(label.model.unwrap_or_default(), label.time, &|whole| whole.unmet = true);
        }
        wholes
    }

    fn watermark(&self, settings: &ModelSettings) -> Option<Millis> {
        self.reached().map(|reached| reached - settings.allowed_lateness_ms)
    }

    /// True if the watermark has passed the pane of `time` by `horizon`.
    fn has_passed(&self, settings: &ModelSettings, time: Millis, horizon: Millis) -> bool {
        let pane_end = (time / settings.pane_ms + 1) * settings.pane_ms;
        self.watermark(settings).is_some_and(|watermark| watermark >= pane_end + horizon)
    }

    fn is_final(&self, model: &str, size: Millis, whole: &WholeWindow, start: Millis) -> bool {
        let settings = self.settings(model);
        let Some(watermark) = self.watermark(&settings) else { return false };
        let end = start + size;
        let all_known = (!whole.unmatched || watermark >= end + settings.label_horizon_ms)
            && (!whole.unmet || watermark >= end + settings.early_label_retention_ms)
            && watermark >= end + settings.allowed_lateness_ms
            && whole.last_label_time.is_none_or(|time| watermark > time + settings.correction_horizon_ms);
        let is_over = all_known || watermark >= end + settings.revise_for_ms.max(settings.early_label_retention_ms);
        is_over && end <= read_until(self, model, AtEnd::Hold)
    }
}

impl<'j> SeriesWindow<'j> {
    fn add_row(&mut self, row: &'j Row<'j>) {
        self.latencies_ms.extend(row.record.latency_ms);
        if row.is_failed() {
            self.failed += 1;
            return;
        }
        self.predictions.push(row);
        for (effect, _) in &row.effects {
            *self.effects.entry(*effect).or_default() += 1;
        }
        self.dead_letters += row.effects.iter().filter(|(effect, _)| *effect == Effect::Unreadable).count() as i64;
    }

    fn settle(&mut self, row: &'j Row<'j>, is_expired: bool, settings: &ModelSettings) {
        match (&row.truth, is_expired, &settings.on_expiry) {
            (Some((truth, time)), _, _) => {
                self.matched += 1;
                self.delays_ms.push((time - row.record.time) as f64);
                self.labelled.push((&row.output, truth.clone()));
            }
            (None, false, _) => self.pending += 1,
            (None, true, None) => self.expired += 1,
            (None, true, Some(label)) => {
                let truth = Truth::of(&Value::String(label.clone()));
                if row.output.can_read(&truth) {
                    self.matched += 1;
                    self.labelled.push((&row.output, truth));
                } else {
                    self.expired += 1;
                }
            }
        }
    }
}

/// Size, advance and start of every window that `time` lies in.
fn windows_of(settings: &ModelSettings, time: Millis) -> Vec<(Millis, Millis, Millis)> {
    let mut found = Vec::new();
    for window in &settings.windows {
        let mut start = time / window.advance_ms * window.advance_ms;
        while start + window.size_ms > time {
            found.push((window.size_ms, window.advance_ms, start));
            start -= window.advance_ms;
        }
    }
    found
}
