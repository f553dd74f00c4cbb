//! What is written about one model (or about all, under `defaults`), before anything is filled in.
//!
//! A key that is written but wrong is remembered as such: checks that compare it with others are then left out, because
//! they would complain about a default that the operator never chose.

use super::alerts::{self, Rules};
use super::detectors::{self, WrittenDetectors};
use super::document::Kind;
use super::features::{self, WrittenFeatures};
use super::format::NamedFiles;
use super::problem::{At, Report};
use super::reference::{self, WrittenDrift, WrittenReference};
use super::section::{Elsewhere, Item, Section, Spanned};
use super::segments::{self, Protected};
use super::windows;
use crate::event::label::number_as_class;
use crate::event::{BusinessValue, Millis, SegmentSet, TaskKind, WindowSpec};

/// A key as found.
#[derive(Debug, Clone, Default)]
pub(super) enum Field<T> {
    /// Not written.
    #[default]
    Absent,
    /// Written, and already reported.
    Broken,
    /// Written.
    Written(Spanned<T>),
}

impl<T> Field<T> {
    /// Reads the value of a key that may be there.
    pub fn read<'a>(item: Option<Item<'a>>, read: impl FnOnce(&Item<'a>) -> Option<Spanned<T>>) -> Field<T> {
        match item {
            None => Field::Absent,
            Some(item) => read(&item).map_or(Field::Broken, Field::Written),
        }
    }

    /// This one, or else what the defaults say.
    pub fn or<'f>(&'f self, defaults: &'f Field<T>) -> &'f Field<T> {
        if matches!(self, Field::Absent) { defaults } else { self }
    }

    /// The value, where there is one.
    pub fn written(&self) -> Option<&Spanned<T>> {
        match self {
            Field::Written(value) => Some(value),
            Field::Absent | Field::Broken => None,
        }
    }

    /// True where nothing can be concluded from the value.
    pub fn is_broken(&self) -> bool {
        matches!(self, Field::Broken)
    }
}

impl<T: Clone> Field<T> {
    /// The value, or the built-in default.
    pub fn value_or(&self, default: T) -> T {
        self.written().map_or(default, |written| written.value.clone())
    }
}

/// A class as written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Class {
    Boolean(bool),
    Number(f64),
    Text(String),
}

impl Class {
    /// Largest magnitude of a number that a record can hold.
    const MAX_NUMBER: f64 = 9_007_199_254_740_992_000.0;

    fn read(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Class>> {
        const EXPECTED: &str = "a class: a number, a text, `true` or `false`";
        let class = match item.scalar(report, EXPECTED)? {
            (Kind::Boolean(value), _) => Class::Boolean(value),
            (Kind::Number(_), _) => {
                Class::Number(item.number(report, -Self::MAX_NUMBER..=Self::MAX_NUMBER, "a finite number")?.value)
            }
            (_, text) => {
                item.text(report, EXPECTED)?;
                Class::Text(text.to_owned())
            }
        };
        Some(Spanned { value: class, at: item.at() })
    }

    /// Canonical text of a class of a binary model: `true` is `1`, `false` is `0`.
    pub fn as_binary(&self) -> String {
        match self {
            Class::Boolean(true) => "1".to_owned(),
            Class::Boolean(false) => "0".to_owned(),
            Class::Text(text) if text == "true" => "1".to_owned(),
            Class::Text(text) if text == "false" => "0".to_owned(),
            other => other.as_text(),
        }
    }

    /// Canonical text of a class of any other model.
    pub fn as_text(&self) -> String {
        match self {
            Class::Boolean(value) => value.to_string(),
            Class::Number(number) => number_as_class(*number),
            Class::Text(text) => text.clone(),
        }
    }
}

/// The keys of one model.
#[derive(Debug, Clone, Default)]
pub(super) struct RawModel {
    pub task: Field<TaskKind>,
    pub positive_label: Field<Class>,
    pub threshold: Field<f64>,
    pub windows: Field<Vec<WindowSpec>>,
    pub label_horizon: Field<Millis>,
    pub allowed_lateness: Field<Millis>,
    pub early_label_retention: Field<Millis>,
    pub correction_horizon: Field<Millis>,
    /// `None` for `max_ahead: none`.
    pub max_ahead: Field<Option<Millis>>,
    /// `None` for `on_expiry: none`.
    pub on_expiry: Field<Option<Spanned<Class>>>,
    pub revise_after_min: Field<Millis>,
    pub revise_after_growth: Field<f64>,
    pub revise_for: Field<Millis>,
    pub segments: Field<Vec<Spanned<SegmentSet>>>,
    pub fairness: Field<Protected>,
    pub business_value: Field<BusinessValue>,
    pub reference: Field<Vec<WrittenReference>>,
    pub features: Field<WrittenFeatures>,
    pub drift: Field<WrittenDrift>,
    /// `None` for `detectors: none`.
    pub detectors: Field<Option<WrittenDetectors>>,
    /// Empty for `alerts: none`.
    pub alerts: Field<Rules>,
}

/// Keys of a model, so that one written elsewhere can be sent to its place.
pub(super) const KEYS: [&str; 20] = [
    "task",
    "positive_label",
    "threshold",
    "windows",
    "label_horizon",
    "allowed_lateness",
    "early_label_retention",
    "correction_horizon",
    "max_ahead",
    "on_expiry",
    "revise_after",
    "revise_for",
    "segments",
    "fairness",
    "business_value",
    "reference",
    "features",
    "drift",
    "detectors",
    "alerts",
];

/// Keys of a model whose parts do not exist yet.
const LATER: [&str; 1] = ["compare"];

/// Reads the keys of one model.
pub(super) fn read_model(
    item: &Item<'_>,
    files: &NamedFiles<'_>,
    report: &mut Report,
    elsewhere: Elsewhere<'_>,
) -> RawModel {
    let Some(mut section) = Section::open(item, report) else { return RawModel::default() };
    let (revise_after_min, revise_after_growth) = read_revise_after(section.take("revise_after"), report);
    let tasks = [TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression].map(|task| (task.name(), task));
    let model = RawModel {
        task: Field::read(section.take("task"), |item| item.choice(report, &tasks)),
        positive_label: Field::read(section.take("positive_label"), |item| Class::read(item, report)),
        threshold: Field::read(section.take("threshold"), |item| {
            item.number(report, 0.0..=1.0, "a number from 0 to 1")
        }),
        windows: Field::read(section.take("windows"), |item| windows::read(item, report)),
        label_horizon: Field::read(section.take("label_horizon"), |item| item.duration(report, 1)),
        allowed_lateness: Field::read(section.take("allowed_lateness"), |item| item.duration(report, 0)),
        early_label_retention: Field::read(section.take("early_label_retention"), |item| item.duration(report, 0)),
        correction_horizon: Field::read(section.take("correction_horizon"), |item| item.duration(report, 0)),
        max_ahead: Field::read(section.take("max_ahead"), |item| read_max_ahead(item, report)),
        on_expiry: Field::read(section.take("on_expiry"), |item| read_on_expiry(item, report)),
        revise_after_min,
        revise_after_growth,
        revise_for: Field::read(section.take("revise_for"), |item| item.duration(report, 1)),
        segments: Field::read(section.take("segments"), |item| segments::read(item, report)),
        fairness: Field::read(section.take("fairness"), |item| segments::read_fairness(item, report)),
        business_value: Field::read(section.take("business_value"), |item| read_business_value(item, report)),
        reference: Field::read(section.take("reference"), |item| reference::read(item, files, report)),
        features: Field::read(section.take("features"), |item| features::read(item, report)),
        drift: Field::read(section.take("drift"), |item| reference::read_drift(item, report)),
        detectors: Field::read(section.take("detectors"), |item| detectors::read(item, report)),
        alerts: Field::read(section.take("alerts"), |item| alerts::read(item, report)),
    };
    section.finish(report, &LATER, elsewhere);
    model
}

fn read_max_ahead(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Option<Millis>>> {
    if item.is_text("none") {
        return Some(Spanned { value: None, at: item.at() });
    }
    item.duration(report, 1).map(|ahead| Spanned { value: Some(ahead.value), at: ahead.at })
}

fn read_on_expiry(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Option<Spanned<Class>>>> {
    if item.is_text("none") {
        return Some(Spanned { value: None, at: item.at() });
    }
    if !item.is_section() {
        item.wrong_type(report, "`none` or `{label: X}`");
        return None;
    }
    let mut section = Section::open(item, report)?;
    let label = section.require("label", report, "write `{label: X}`: the label that a prediction gets without one");
    let label = label.map(|label| Class::read(&label, report));
    section.finish(report, &[], &[]);
    Some(Spanned { value: Some(label??), at: item.at() })
}

fn read_revise_after(item: Option<Item<'_>>, report: &mut Report) -> (Field<Millis>, Field<f64>) {
    let Some(item) = item else { return (Field::Absent, Field::Absent) };
    if !item.is_section() {
        item.wrong_type(report, "`{min: 1m, growth: 10%}`");
        return (Field::Broken, Field::Broken);
    }
    let Some(mut section) = Section::open(&item, report) else { return (Field::Broken, Field::Broken) };
    let min = Field::read(section.take("min"), |item| item.duration(report, 0));
    let growth = Field::read(section.take("growth"), |item| read_growth(item, report));
    section.finish(report, &[], &[]);
    (min, growth)
}

/// `10%` or `0.1`.
fn read_growth(item: &Item<'_>, report: &mut Report) -> Option<Spanned<f64>> {
    const EXPECTED: &str = "a share of a window's age such as `10%` or `0.1`";
    let (kind, text) = item.scalar(report, EXPECTED)?;
    let percent = text.strip_suffix('%').filter(|_| kind == Kind::Text);
    let growth = match percent {
        Some(number) => number.trim_end().parse::<f64>().ok().map(|number| number / 100.0),
        None => return read_plain_growth(item, report, EXPECTED),
    };
    match growth.filter(|growth| growth.is_finite() && *growth >= 0.0) {
        Some(growth) => Some(Spanned { value: growth, at: item.at() }),
        None => {
            report.error(&item.at(), format!("`{text}` is not a share")).expected(EXPECTED);
            None
        }
    }
}

fn read_plain_growth(item: &Item<'_>, report: &mut Report, expected: &str) -> Option<Spanned<f64>> {
    let growth = item.number(report, 0.0..=f64::MAX, expected)?;
    if growth.value > 1.0 {
        let (growth_at, number) = (&growth.at, growth.value);
        report
            .warning(growth_at, format!("`{number}` means {}% of a window's age", number * 100.0))
            .help(format!("write `{number}%` if that is meant"));
    }
    Some(growth)
}

fn read_business_value(item: &Item<'_>, report: &mut Report) -> Option<Spanned<BusinessValue>> {
    let mut section = Section::open(item, report)?;
    let mut worth = |key: &'static str, report: &mut Report| -> Option<f64> {
        let item = section.require(key, report, "all four outcomes need a worth; write 0 for one that has none")?;
        Some(item.number(report, -Class::MAX_NUMBER..=Class::MAX_NUMBER, "a finite number")?.value)
    };
    let true_positive = worth("true_positive", report);
    let false_positive = worth("false_positive", report);
    let true_negative = worth("true_negative", report);
    let false_negative = worth("false_negative", report);
    let at: At = item.at();
    section.finish(report, &[], &[]);
    let value = BusinessValue {
        true_positive: true_positive?,
        false_positive: false_positive?,
        true_negative: true_negative?,
        false_negative: false_negative?,
    };
    Some(Spanned { value, at })
}
