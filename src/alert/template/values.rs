//! What a template can name, and what that is of an alert.

use crate::alert::Contributor;
use crate::alert::summary::{self, Compared, Context, Measured, Subject, number};
use crate::event::alert::Unit;
use minijinja::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a template can name. What an alert does not have is an empty text, or none if it were a number.
pub const VARIABLES: [&str; 41] = [
    "acknowledged_by",
    "alert_id",
    "bad",
    "baseline",
    "baseline_text",
    "cause",
    "class",
    "count",
    "coverage",
    "difference",
    "feature",
    "fire",
    "firing",
    "labels",
    "lower",
    "members",
    "metric",
    "model",
    "of",
    "open_ms",
    "predicted_class",
    "reference_id",
    "rule",
    "segment",
    "severity",
    "state",
    "summary",
    "suppressed_by",
    "threshold_lower",
    "threshold_upper",
    "unit",
    "upper",
    "value",
    "version",
    "window",
    "window_end",
    "window_size_ms",
    "window_start",
    "worst",
    "absent",
    "absent_ms",
];

fn text(text: &Option<Arc<str>>) -> Value {
    Value::from(text.as_deref().unwrap_or(""))
}

/// All of [`VARIABLES`].
pub(super) fn values(context: &Context) -> BTreeMap<&'static str, Value> {
    let labels: BTreeMap<Arc<str>, Value> =
        context.labels.iter().map(|(name, value)| (Arc::clone(name), Value::from(&**value))).collect();
    let mut values: BTreeMap<&'static str, Value> = VARIABLES.iter().map(|name| (*name, Value::from(()))).collect();
    for name in ["metric", "reference_id", "window", "baseline_text", "unit", "absent"] {
        values.insert(name, Value::from(""));
    }
    values.extend([
        ("rule", Value::from(&*context.rule)),
        ("alert_id", Value::from(&*context.alert_id)),
        ("state", Value::from(context.state.name())),
        ("severity", Value::from(context.severity.name())),
        ("cause", Value::from(context.cause.name())),
        ("model", Value::from(&*context.model)),
        ("version", Value::from(&*context.version)),
        ("segment", Value::from(&*context.segment)),
        ("feature", text(&context.feature)),
        ("class", text(&context.class)),
        ("predicted_class", text(&context.predicted_class)),
        ("open_ms", Value::from(context.open_ms)),
        ("suppressed_by", text(&context.suppressed_by)),
        ("acknowledged_by", text(&context.acknowledged_by)),
        ("labels", Value::from(labels)),
        ("worst", Value::from(Vec::<Value>::new())),
        ("members", Value::from(Vec::<Value>::new())),
        ("summary", Value::from(summary::summary(context))),
    ]);
    let named = |names: &[Arc<str>]| names.iter().map(|name| Value::from(&**name)).collect::<Vec<Value>>();
    match &context.subject {
        Subject::Metric(measured) => values.extend(measurement(measured)),
        Subject::Absence { of, for_ms, .. } => {
            values.extend([("absent", Value::from(of.name())), ("absent_ms", Value::from(*for_ms))]);
        }
        Subject::Rules { firing, of, .. } => values.extend([
            ("firing", Value::from(firing.len())),
            ("of", Value::from(*of)),
            ("members", Value::from(named(firing))),
        ]),
        Subject::Group { firing, of, names } => values.extend([
            ("firing", Value::from(*firing)),
            ("of", Value::from(*of)),
            ("members", Value::from(named(names))),
        ]),
    }
    values
}

fn measurement(measured: &Measured) -> Vec<(&'static str, Value)> {
    let size_ms = measured.window_size_ms;
    let (baseline_text, unit, difference) = match &measured.compared {
        Compared::Static => (String::new(), "", None),
        Compared::Relative { baseline, unit, difference } => {
            let unit = if *unit == Unit::Percent { "%" } else { "" };
            (number::baseline(baseline, size_ms), unit, *difference)
        }
        Compared::Dynamic { baseline } => (number::history(baseline, size_ms), "", None),
    };
    let contributor = |worst: &Contributor| {
        let fields = [
            ("name", Value::from(&*worst.name)),
            ("value", Value::from(worst.value)),
            ("count", Value::from(worst.count)),
        ];
        Value::from(BTreeMap::from(fields))
    };
    let worst: Vec<Value> = measured.worst.iter().map(contributor).collect();
    vec![
        ("metric", Value::from(&*measured.metric)),
        ("value", Value::from(measured.value)),
        ("lower", Value::from(measured.lower)),
        ("upper", Value::from(measured.upper)),
        ("baseline", Value::from(measured.baseline)),
        ("baseline_text", Value::from(baseline_text)),
        ("difference", Value::from(difference)),
        ("unit", Value::from(unit)),
        ("threshold_lower", Value::from(measured.threshold_lower)),
        ("threshold_upper", Value::from(measured.threshold_upper)),
        ("bad", Value::from(measured.bad)),
        ("of", Value::from(measured.of)),
        ("fire", Value::from(measured.fire)),
        ("window", Value::from(number::window(size_ms))),
        ("window_start", Value::from(measured.window_start)),
        ("window_end", Value::from(measured.window_start.saturating_add(size_ms))),
        ("window_size_ms", Value::from(size_ms)),
        ("count", Value::from(measured.count)),
        ("coverage", Value::from(measured.coverage)),
        ("worst", Value::from(worst)),
        ("reference_id", text(&measured.reference_id)),
    ]
}
