//! The built-in line of an alert, for a tired human: what, how bad, for how long, where.
//!
//! * `context`: what can be told.
//! * `number`: numbers, lengths of time and windows as people say them.

mod context;
pub(super) mod number;
#[cfg(test)]
mod tests;

pub use context::{Compared, Context, Measured, Subject};

use crate::event::Millis;
use crate::event::alert::{AlertCause, AlertState, Baseline, Presence, Unit};
use number::{
    baseline, digits_apart, digits_of_limit, duration, history, instant, number as human, part_of_windows, range, share,
};
use std::sync::Arc;

/// Longest line, in characters.
const MOST: usize = 300;
/// Names of a group that are told.
const NAMES: usize = 3;
/// Segments or features that are told.
const WORST: usize = 2;

/// The line of `context`: at most 300 characters, without line breaks.
pub fn summary(context: &Context) -> String {
    let whole = line(context, true);
    let fits = |line: &str| line.chars().count() <= MOST;
    let line = if fits(&whole) { whole } else { line(context, false) };
    cut(&line.replace(char::is_control, " "), MOST)
}

/// `text`, or what fits of it, and an ellipsis.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

fn line(context: &Context, with_details: bool) -> String {
    let is_over = context.state == AlertState::Resolved;
    let is_source = matches!(context.subject, Subject::Absence { of: Presence::Source, .. });
    let text = match (&context.subject, context.state) {
        (_, AlertState::Resolved) => over(context),
        (Subject::Metric(measured), AlertState::Ok) => {
            let value = measured.value.map_or_else(String::new, |_| format!("{}, ", value(context, measured)));
            format!("{value}good again before it was an alert")
        }
        (_, AlertState::Ok) => format!("{}: good again before it was an alert", context.rule),
        (Subject::Metric(measured), _) => claim(context, measured),
        (Subject::Absence { of, for_ms, since_ms }, _) => absence(*of, *for_ms, *since_ms),
        (Subject::Rules { firing, all, of }, _) => rules(context, firing, *all, *of),
        (Subject::Group { firing, of, names }, _) => group(context, *firing, *of, names),
    };
    let still = if context.cause == AlertCause::Repeat && !is_over { "still " } else { "" };
    let mut line =
        format!("{}{still}{text}{}", if is_source { String::new() } else { whose(context) }, change(context));
    if let (Subject::Metric(measured), true, true) = (&context.subject, is_bad(context.state), with_details) {
        line += &details(measured);
    }
    line + &suppressed(context)
}

fn is_bad(state: AlertState) -> bool {
    matches!(state, AlertState::Pending | AlertState::Firing | AlertState::NoData)
}

/// `fraud v7, country=BR: `
fn whose(context: &Context) -> String {
    let model = if context.model.is_empty() { "all models" } else { &context.model };
    let is_number = context.version.starts_with(|c: char| c.is_ascii_digit())
        && context.version.chars().all(|c| c.is_ascii_digit() || c == '.');
    let version = match &*context.version {
        "" => String::new(),
        version if is_number => format!(" v{version}"),
        version => format!(" {version}"),
    };
    let segment = if context.segment.is_empty() { String::new() } else { format!(", {}", context.segment) };
    format!("{model}{version}{segment}: ")
}

/// `psi of amount`, `recall of class a`.
fn metric(context: &Context, measured: &Measured) -> String {
    let of = match (&context.feature, &context.class, &context.predicted_class) {
        (Some(feature), _, _) => format!(" of {feature}"),
        (None, Some(class), Some(predicted)) => format!(" of {class} predicted as {predicted}"),
        (None, Some(class), None) => format!(" of class {class}"),
        (None, None, _) => String::new(),
    };
    format!("{}{of}", measured.metric)
}

/// The limit that was passed, or the only one there is, and whether it is the lower one.
fn passed(measured: &Measured) -> Option<(f64, bool)> {
    let (lower, upper) = (measured.threshold_lower, measured.threshold_upper);
    let judged = measured.judged();
    let is_below = lower.filter(|lower| judged.is_some_and(|judged| judged < *lower));
    let is_above = upper.filter(|upper| judged.is_some_and(|judged| judged > *upper));
    match (is_below, is_above, lower, upper) {
        (Some(lower), ..) | (None, None, Some(lower), None) => Some((lower, true)),
        (None, Some(upper), ..) | (None, None, None, Some(upper)) => Some((upper, false)),
        _ => None,
    }
}

fn limit(limit: f64) -> String {
    human(limit, digits_of_limit(limit))
}

/// `recall 0.71 (0.66–0.75)`
fn value(context: &Context, measured: &Measured) -> String {
    let name = metric(context, measured);
    let Some(value) = measured.value else { return format!("{name} undefined") };
    let other = match measured.compared {
        Compared::Relative { .. } => measured.baseline,
        _ => passed(measured).map(|(limit, _)| limit),
    };
    let digits = other.map_or(2, |other| digits_apart(value, other));
    let interval = match (measured.lower, measured.upper) {
        (Some(lower), Some(upper)) => format!(" ({})", range(lower, upper, digits)),
        _ => String::new(),
    };
    format!("{name} {}{interval}", human(value, digits))
}

/// Only that it is so: of what is a matter of yes and no.
fn plain_claim(context: &Context, measured: &Measured) -> Option<String> {
    let is_static = measured.compared == Compared::Static && measured.value.is_some_and(|value| value >= 1.0);
    let name = &*measured.metric;
    match (is_static && passed(measured).is_some_and(|(limit, is_below)| limit < 1.0 && !is_below), name) {
        (true, "drifted") => Some(match &context.feature {
            Some(feature) => format!("{feature} has drifted"),
            None => "has drifted".to_owned(),
        }),
        (true, _) => name.strip_suffix("_drift").map(|detector| format!("{detector} found concept drift")),
        (false, _) => None,
    }
}

/// What is bad, and in how many windows.
fn claim(context: &Context, measured: &Measured) -> String {
    let size_ms = measured.window_size_ms;
    let (claim, comma) = match (plain_claim(context, measured), &measured.compared, passed(measured)) {
        (Some(claim), ..) => (claim, ""),
        (None, Compared::Static, Some((bound, true))) => {
            (format!("{} < {}", value(context, measured), limit(bound)), "")
        }
        (None, Compared::Static, Some((bound, false))) => {
            (format!("{} > {}", value(context, measured), limit(bound)), "")
        }
        (None, Compared::Relative { baseline, unit, difference: Some(difference) }, bound) => {
            (relative(context, measured, baseline, *unit, *difference, bound), ",")
        }
        (None, Compared::Dynamic { baseline }, Some((bound, is_below))) => {
            let (side, end) = if is_below { ("below", "least") } else { ("above", "most") };
            let digits =
                measured.value.map_or(2, |value| digits_apart(value, bound)).max(digits_of_limit(bound).min(3));
            let median = measured.baseline.map_or_else(String::new, |m| format!(" (median {})", human(m, digits)));
            let (bound, history) = (limit(bound), history(baseline, size_ms));
            let value = value(context, measured);
            (format!("{value} is {side} {bound}, the {end} to expect after {history}{median}"), ",")
        }
        (None, ..) => (value(context, measured), ","),
    };
    let in_windows = match measured.of {
        0 | 1 => String::new(),
        of => format!("{comma} in {}", part_of_windows(measured.bad, of, size_ms)),
    };
    let pending = match context.state {
        AlertState::Pending if measured.bad < measured.fire => format!(", {} make an alert", measured.fire),
        _ => String::new(),
    };
    format!("{claim}{in_windows}{pending}")
}

fn amount(value: f64, digits: usize, unit: Unit) -> String {
    match unit {
        Unit::Absolute => human(value, digits),
        Unit::Percent => format!("{} %", human(value, digits)),
    }
}

/// `accuracy 0.81 is 6.2 % below the median of the last 7 days (0.86), more than 5 %`
fn relative(
    context: &Context,
    measured: &Measured,
    from: &Baseline,
    unit: Unit,
    difference: f64,
    bound: Option<(f64, bool)>,
) -> String {
    let digits = bound.map_or(2, |(bound, _)| digits_apart(difference.abs(), bound.abs()));
    let far = match difference {
        0.0 => "is the same as".to_owned(),
        _ => {
            let side = if difference < 0.0 { "below" } else { "above" };
            format!("is {} {side}", amount(difference.abs(), digits, unit))
        }
    };
    let digits = measured.value.zip(measured.baseline).map_or(2, |(value, of)| digits_apart(value, of));
    let of = measured.baseline.map_or_else(String::new, |value| format!(" ({})", human(value, digits)));
    let limit = |bound: f64| amount(bound.abs(), digits_of_limit(bound), unit);
    let than = match bound {
        Some((bound, true)) if difference < 0.0 && bound <= 0.0 => format!(", more than {}", limit(bound)),
        Some((bound, false)) if difference > 0.0 && bound >= 0.0 => format!(", more than {}", limit(bound)),
        Some((bound, is_lower)) => {
            let (side, least) =
                (if bound < 0.0 { "below" } else { "above" }, if is_lower == (bound < 0.0) { "most" } else { "least" });
            format!(", should be at {least} {} {side}", limit(bound))
        }
        None => String::new(),
    };
    let value = value(context, measured);
    format!("{value} {far} {}{of}{than}", baseline(from, measured.window_size_ms))
}

/// What was bad, without how bad it is now.
fn condition(context: &Context, measured: &Measured) -> String {
    let name = metric(context, measured);
    let (lower, upper) = (measured.threshold_lower, measured.threshold_upper);
    match (&measured.compared, lower, upper) {
        (Compared::Static, None, Some(upper)) if upper < 1.0 && *measured.metric == *"drifted" => {
            match &context.feature {
                Some(feature) => format!("drift of {feature}"),
                None => "drift".to_owned(),
            }
        }
        (Compared::Static, Some(lower), None) => format!("{name} < {}", limit(lower)),
        (Compared::Static, None, Some(upper)) => format!("{name} > {}", limit(upper)),
        (Compared::Static, Some(lower), Some(upper)) => format!("{name} outside of {}–{}", limit(lower), limit(upper)),
        (Compared::Static, None, None) => name,
        (Compared::Relative { baseline: from, unit, .. }, ..) => {
            let than = |bound: f64| amount(bound.abs(), digits_of_limit(bound), *unit);
            let from = baseline(from, measured.window_size_ms);
            match (lower, upper) {
                (Some(lower), None) if lower <= 0.0 => format!("{name} more than {} below {from}", than(lower)),
                (None, Some(upper)) if upper >= 0.0 => format!("{name} more than {} above {from}", than(upper)),
                (Some(lower), Some(upper)) if lower == -upper => format!("{name} more than {} off {from}", than(upper)),
                _ => format!("{name} too far from {from}"),
            }
        }
        (Compared::Dynamic { .. }, Some(_), None) => format!("{name} lower than was to be expected"),
        (Compared::Dynamic { .. }, None, Some(_)) => format!("{name} higher than was to be expected"),
        (Compared::Dynamic { .. }, ..) => format!("{name} other than was to be expected"),
    }
}

/// That it is over.
fn over(context: &Context) -> String {
    let what = match &context.subject {
        Subject::Metric(measured) => condition(context, measured),
        Subject::Absence { of, for_ms, .. } => return came_back(context, *of, *for_ms),
        Subject::Rules { .. } | Subject::Group { .. } => context.rule.to_string(),
    };
    let after = context.open_ms.map_or_else(String::new, |ms| format!(" after {}", duration(ms)));
    let now = match &context.subject {
        Subject::Metric(measured) if measured.value.is_some() => format!("; {}", value(context, measured)),
        Subject::Group { firing: 0, of, .. } => format!("; it fires for none of {of}"),
        _ => String::new(),
    };
    match context.cause {
        AlertCause::Gone => format!("{what} is over{after}: no more windows come"),
        AlertCause::RuleRemoved => format!("{what} is over{after}: the rule was taken out"),
        AlertCause::Revision => format!("{what} does not hold any more{}{now}", revised(context)),
        _ => format!("{what} is over{after}{now}"),
    }
}

fn revised(context: &Context) -> &'static str {
    match &context.subject {
        Subject::Metric(Measured { coverage: Some(_), .. }) => " after labels came in",
        _ => " after more came in",
    }
}

fn absence(of: Presence, for_ms: Millis, since_ms: Option<Millis>) -> String {
    let since = since_ms.map_or_else(String::new, |ms| format!(" (since {})", instant(ms)));
    let for_time = duration(for_ms);
    match of {
        Presence::Predictions => format!("no predictions for {for_time}{since}"),
        Presence::Labels => format!("no labels for {for_time}{since}"),
        Presence::Version => format!("no predictions for {for_time}{since}, while other versions have some"),
        Presence::Source => format!("nothing has come of any model for {for_time}{since}"),
    }
}

fn came_back(context: &Context, of: Presence, for_ms: Millis) -> String {
    match (of, context.cause) {
        (Presence::Labels, AlertCause::Gone) => {
            format!("labels are not waited for any more, after {}", duration(for_ms))
        }
        (_, AlertCause::Gone) => format!("predictions are not waited for any more, after {}", duration(for_ms)),
        (_, AlertCause::RuleRemoved) => format!("{} is over: the rule was taken out", context.rule),
        (Presence::Predictions | Presence::Version, _) => format!("predictions come again after {}", duration(for_ms)),
        (Presence::Labels, _) => format!("labels come again after {}", duration(for_ms)),
        (Presence::Source, _) => format!("records come again after {}", duration(for_ms)),
    }
}

/// `a`, `a and b`, `a, b, c and 9 more`.
fn listed(names: &[Arc<str>], of: usize) -> String {
    let told: Vec<&str> = names.iter().take(NAMES).map(|name| &**name).collect();
    let more = of.saturating_sub(told.len());
    match (told.split_last(), more) {
        (None, _) => String::new(),
        (Some((last, [])), 0) => (*last).to_owned(),
        (Some((last, before)), 0) => format!("{} and {last}", before.join(", ")),
        (Some(_), _) => format!("{} and {more} more", told.join(", ")),
    }
}

fn rules(context: &Context, firing: &[Arc<str>], all: bool, of: usize) -> String {
    let names = listed(firing, firing.len());
    match firing.len() {
        0 => context.rule.to_string(),
        1 => format!("{}: {names} fires, one of {of} rules", context.rule),
        _ if all => format!("{}: {names} fire together", context.rule),
        firing => format!("{}: {names} fire, {firing} of {of} rules", context.rule),
    }
}

fn group(context: &Context, firing: usize, of: usize, names: &[Arc<str>]) -> String {
    let listed = listed(names, firing);
    let colon = if listed.is_empty() { "" } else { ": " };
    format!("{} fires for {firing} of {of}{colon}{listed}", context.rule)
}

/// What changed, where that is no news of the windows.
fn change(context: &Context) -> String {
    match (context.cause, context.state, &context.acknowledged_by) {
        (_, AlertState::Resolved | AlertState::Ok, _) => String::new(),
        (AlertCause::Repeat, _, _) => match (&context.subject, context.open_ms) {
            (Subject::Absence { .. }, _) | (_, None) => String::new(),
            (_, Some(ms)) => format!(", for {}", duration(ms)),
        },
        (AlertCause::Revision, _, _) => format!(",{}", revised(context)),
        (AlertCause::Acknowledgement, _, Some(by)) => format!(", acknowledged by {by}"),
        (AlertCause::Acknowledgement, _, None) => ", not acknowledged any more".to_owned(),
        _ => String::new(),
    }
}

fn details(measured: &Measured) -> String {
    let coverage = measured.coverage.map_or_else(String::new, |of| format!(", labels {} in", share(of)));
    // Of what is a matter of yes and no, the number says nothing.
    let is_plain = &*measured.metric == "drifted_share";
    let told = measured.worst.iter().filter(|worst| !is_plain || worst.value > 0.0).take(WORST);
    let worst: Vec<String> = told
        .map(
            |worst| if is_plain { worst.name.to_string() } else { format!("{} {}", worst.name, human(worst.value, 2)) },
        )
        .collect();
    let what = if is_plain { "among them" } else { "worst" };
    let worst = if worst.is_empty() { String::new() } else { format!("; {what}: {}", worst.join(", ")) };
    coverage + &worst
}

fn suppressed(context: &Context) -> String {
    let why = match context.suppressed_by.as_deref() {
        None => return String::new(),
        Some("silence") => "silenced",
        Some("inactive_hours") => "outside of active hours",
        Some("inhibited") => "another alert says why",
        Some("cooldown") => "too soon after it was over",
        Some("too_many") => "too many alerts of this rule",
        Some(other) => other,
    };
    format!(" ({why})")
}
