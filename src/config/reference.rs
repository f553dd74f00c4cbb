//! What a model is compared with (`reference:`) and how drift is decided (`drift:`).

use super::comparison;
use super::format::NamedFiles;
use super::problem::{At, Report};
use super::section::{Item, Section, Spanned};
use super::start;
use crate::event::{
    Comparison, DRIFT_METHOD_IN_UNITS, DRIFT_METHODS, DriftSettings, Millis, ModelSettings, Profile, Reference,
    Smoothing, TaskKind,
};
use jiff::Timestamp;
use std::sync::Arc;

/// A reference as written.
#[derive(Debug, Clone)]
pub(super) struct WrittenReference {
    pub reference: Reference,
    pub at: At,
}

const EXPECTED: &str = "a profile's path, `{profile: PATH, from: TIME}`, or a list of these";

/// Reads `reference:`.
pub(super) fn read(
    item: &Item<'_>,
    files: &NamedFiles<'_>,
    report: &mut Report,
) -> Option<Spanned<Vec<WrittenReference>>> {
    let items = if item.is_list() { item.list(report, EXPECTED)? } else { vec![item.clone()] };
    let read: Vec<Option<WrittenReference>> = items.iter().map(|item| read_one(item, files, report)).collect();
    let read: Option<Vec<WrittenReference>> = read.into_iter().collect();
    let references = read?;
    let from = |reference: &WrittenReference| reference.reference.begins();
    if let Some(pair) = references.windows(2).find(|pair| from(&pair[0]) >= from(&pair[1])) {
        report
            .error(&pair[1].at, "a reference that is not in force later than the one before".to_owned())
            .help("write references in the order in which they come into force, each but the first with `from`");
        return None;
    }
    Some(Spanned { value: references, at: item.at() })
}

fn read_one(item: &Item<'_>, files: &NamedFiles<'_>, report: &mut Report) -> Option<WrittenReference> {
    if !item.is_section() {
        let path = item.text(report, EXPECTED)?;
        return Some(WrittenReference { reference: load(&path, None, files, report)?, at: item.at() });
    }
    let mut section = Section::open(item, report)?;
    let path = section
        .require("profile", report, "write `{profile: PATH}`: a file that `postdict profile` wrote")
        .map(|item| item.text(report, "the path of a profile"));
    let from = section.take("from").map(|item| read_time(&item, report));
    section.finish(report, &[], &[]);
    let from = match from {
        Some(from) => Some(from?),
        None => None,
    };
    Some(WrittenReference { reference: load(&path??, from, files, report)?, at: item.at() })
}

pub(super) fn read_time(item: &Item<'_>, report: &mut Report) -> Option<Millis> {
    const EXPECTED: &str = "an event time such as `2026-05-01` or `2026-05-01T06:00:00Z`";
    let text = item.text(report, EXPECTED)?;
    let time = start::time(&text.value);
    if time.is_none() {
        report.error(&text.at, format!("`{}` is no time", text.value)).expected(EXPECTED);
    }
    time
}

fn load(
    path: &Spanned<String>,
    from_ms: Option<Millis>,
    files: &NamedFiles<'_>,
    report: &mut Report,
) -> Option<Reference> {
    let (full, text) = files.text(path, "profile", report)?;
    match Profile::from_json(&text) {
        Ok(profile) => Some(Reference { id: profile.id, from_ms, profile: Some(Arc::new(profile)) }),
        Err(error) => {
            report
                .error(&path.at, format!("cannot use the profile `{}`: {error}", full.display()))
                .help("make it with `postdict profile`");
            None
        }
    }
}

/// Checks what is written under `models.NAME` against the model: that profiles are of it, and that no window has two.
pub(super) fn check(model: &str, written: &[WrittenReference], settings: &ModelSettings, report: &mut Report) {
    for WrittenReference { reference, at } in written {
        let Some(profile) = &reference.profile else { continue };
        for (why, help) in of_another(profile, model, settings) {
            report.error(at, why).help(help);
        }
        if settings.drift.contributions && profile.features.iter().all(|feature| feature.outputs.is_none()) {
            let (why, help) = match profile.task {
                TaskKind::Multiclass => ("has many classes, whose scores are not added up", "remove `contributions`"),
                _ => ("has no outputs", "make it anew with `postdict profile`"),
            };
            report
                .warning(at, format!("`drift.contributions` has no effect: the profile of `{model}` {why}"))
                .help(help);
        }
        if let Some(next) = reference.from_ms.and_then(|from| boundary_after(from, settings)) {
            report
                .error(at, "a reference comes into force within a window, which would then mix two".to_owned())
                .expected(format!("`from` where a window of every size begins, such as `{next}`"));
        }
    }
}

/// Why `profile` is of another model, or of one with another task, each with what to do.
pub(super) fn of_another(
    profile: &Profile,
    model: &str,
    settings: &ModelSettings,
) -> impl Iterator<Item = (String, &'static str)> {
    let other_model = (*profile.model_id != *model).then(|| {
        let why = format!("the profile is of model `{}`, not of `{model}`", profile.model_id);
        (why, "name the profile that was made of this model, or make one with `postdict profile`")
    });
    let other_task = settings.task.filter(|task| *task != profile.task).map(|task| {
        let why = format!("the profile is of a {} model, and `{model}` is {}", profile.task.name(), task.name());
        (why, "correct `task`, or make the profile anew: its outputs are others")
    });
    other_model.into_iter().chain(other_task)
}

/// A time after `from` at which windows of all sizes begin, if they do not at `from`.
pub(super) fn boundary_after(from: Millis, settings: &ModelSettings) -> Option<Timestamp> {
    let is_off = !settings.is_boundary(from);
    is_off.then(|| Timestamp::from_millisecond(settings.next_boundary(from)).ok()).flatten()
}

/// How drift is decided, as written.
#[derive(Debug, Clone)]
pub(super) struct WrittenDrift {
    pub settings: DriftSettings,
    /// `settings.compare_with`, if it is written, each with its place.
    pub compare_with: Vec<Spanned<Comparison>>,
}

/// Reads `drift:`.
pub(super) fn read_drift(item: &Item<'_>, report: &mut Report) -> Option<Spanned<WrittenDrift>> {
    let built_in = DriftSettings::default();
    let mut section = Section::open(item, report)?;
    let methods = DRIFT_METHODS.map(|name| (name, name));
    let method = section.take("method").map(|item| item.choice(report, &methods));
    let threshold = section.take("threshold").map(|item| item.number(report, 0.0..=f64::MAX, "a number, at least 0"));
    let alpha = section.take("alpha").map(|item| item.number(report, 1e-9..=0.5, "a probability from 1e-9 to 0.5"));
    let min_count = section.take("min_count").map(|item| item.count(report, 1..=u32::MAX));
    let by_segment = section.take("by_segment").map(|item| item.choice(report, &[("true", true), ("false", false)]));
    let contributions = section.take("contributions");
    let contributions = contributions.map(|item| item.choice(report, &[("true", true), ("false", false)]));
    let smoothing = section.take("smoothing").map(|item| read_smoothing(&item, report));
    let compare_with = section.take("compare_with").map(|item| comparison::read(&item, report));
    section.finish(report, &[], &[]);
    let method = match method {
        Some(method) => method?.value,
        None => DRIFT_METHODS[1],
    };
    let threshold = match threshold {
        Some(threshold) => Some(threshold?.value),
        None => None,
    };
    if method == DRIFT_METHOD_IN_UNITS && threshold.is_none() {
        report
            .error(&item.at(), format!("`{method}` has no threshold of its own: it is in the unit of the feature"))
            .help("write `threshold:`, or choose `wasserstein_normed`, which is in standard deviations");
        return None;
    }
    let alpha = match alpha {
        Some(alpha) => alpha?.value,
        None => built_in.alpha,
    };
    let min_count = match min_count {
        Some(min_count) => i64::from(min_count?.value),
        None => built_in.min_count,
    };
    let by_segment = match by_segment {
        Some(by_segment) => by_segment?.value,
        None => built_in.by_segment,
    };
    let contributions = match contributions {
        Some(contributions) => contributions?.value,
        None => built_in.contributions,
    };
    let smoothing = match smoothing {
        Some(smoothing) => smoothing?,
        None => built_in.smoothing,
    };
    let compare_with = match compare_with {
        Some(compare_with) => compare_with?,
        None => Vec::new(),
    };
    let mut settings = DriftSettings {
        method: method.to_owned(),
        threshold,
        alpha,
        min_count,
        by_segment,
        contributions,
        smoothing,
        ..built_in
    };
    if !compare_with.is_empty() {
        settings.compare_with = compare_with.iter().map(|comparison| comparison.value.clone()).collect();
    }
    Some(Spanned { value: WrittenDrift { settings, compare_with }, at: item.at() })
}

/// Reads `smoothing:`, one of three ways.
fn read_smoothing(item: &Item<'_>, report: &mut Report) -> Option<Smoothing> {
    let mut section = Section::open(item, report)?;
    let share = "a share, above 0 and below 1";
    let mut ways: Vec<Option<Smoothing>> = Vec::new();
    for (key, way) in [("zeros", Smoothing::Zeros as fn(f64) -> Smoothing), ("clip", Smoothing::Clip)] {
        if let Some(item) = section.take(key) {
            ways.push(item.number(report, f64::MIN_POSITIVE..=0.999, share).map(|number| way(number.value)));
        }
    }
    if let Some(item) = section.take("add") {
        let rows = item.number(report, 1e-9..=1e9, "rows that are added to every bin, above 0");
        ways.push(rows.map(|number| Smoothing::Add(number.value)));
    }
    section.finish(report, &[], &[]);
    match ways[..] {
        [way] => way,
        _ => {
            report
                .error(&item.at(), "`smoothing` is one of three ways".to_owned())
                .expected("`{zeros: 1e-4}`, `{clip: 1e-4}` or `{add: 0.5}`");
            None
        }
    }
}
