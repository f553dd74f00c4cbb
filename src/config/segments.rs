//! Segment sets and protected columns: `segments: [country, [country, device], {bins_of: amount}]`,
//! `fairness: {protected: [sex]}`.

use super::nearest::nearest;
use super::problem::{At, Report};
use super::raw::RawModel;
use super::section::{Item, Section, Spanned};
use crate::event::segment::{NoBins, coarse_bins};
use crate::event::{FeatureBins, ModelSettings, Profile, SegmentColumn, SegmentSet};

/// Columns over whose groups fairness is computed, and the smallest group that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Protected {
    pub columns: Vec<String>,
    pub min_group: Option<u64>,
}

/// Reads `segments`; `None` if anything in it is wrong.
pub(super) fn read(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Vec<Spanned<SegmentSet>>>> {
    // None at all: a model without the segments of the defaults.
    let items = item.list_or_none(report, "columns such as `[country, [country, device]]`, or `[]`")?;
    let mut complete = true;
    let mut sets: Vec<Spanned<SegmentSet>> = Vec::new();
    for item in &items {
        let Some(set) = read_set(item, report) else {
            complete = false;
            continue;
        };
        if sets.iter().any(|earlier| sorted(&earlier.columns) == sorted(&set.columns)) {
            report.error(&item.at(), format!("the segments of `{}` twice", set.key())).help("remove one of them");
            complete = false;
        }
        sets.push(Spanned { value: set, at: item.at() });
    }
    complete.then(|| Spanned { value: sets, at: item.at() })
}

fn sorted(columns: &[SegmentColumn]) -> Vec<String> {
    let mut columns: Vec<String> = columns.iter().map(SegmentColumn::key).collect();
    columns.sort();
    columns
}

fn read_set(item: &Item<'_>, report: &mut Report) -> Option<SegmentSet> {
    if item.is_list() {
        let columns = read_each(item, report, read_part)?;
        return Some(SegmentSet { columns });
    }
    Some(SegmentSet { columns: vec![read_part(item, report)?.value] })
}

/// Reads the items of a list by `read`, none of them twice.
fn read_each<T: PartialEq + ToString>(
    item: &Item<'_>,
    report: &mut Report,
    read: impl Fn(&Item<'_>, &mut Report) -> Option<Spanned<T>>,
) -> Option<Vec<T>> {
    let items = item.list(report, "columns such as `[country, device]`")?;
    let mut complete = true;
    let mut columns: Vec<T> = Vec::new();
    for item in &items {
        let Some(column) = read(item, report) else {
            complete = false;
            continue;
        };
        if columns.contains(&column.value) {
            let name = column.value.to_string();
            report.error(&column.at, format!("the column `{name}` twice")).help("remove one of them");
            complete = false;
        }
        columns.push(column.value);
    }
    complete.then_some(columns)
}

/// A column, or a number in bins.
fn read_part(item: &Item<'_>, report: &mut Report) -> Option<Spanned<SegmentColumn>> {
    if !item.is_section() {
        let column = read_column(item, report)?;
        return Some(Spanned { value: SegmentColumn::Column(column.value), at: column.at });
    }
    let mut section = Section::open(item, report)?;
    // Another key instead is unknown, which is said; that this one is missing need not be, too.
    let is_empty = section.entries().next().is_none();
    let bins_of = match is_empty {
        true => section.require("bins_of", report, "write `{bins_of: amount}`: a number of the model's reference"),
        false => section.take("bins_of"),
    };
    let bins_of = bins_of.map(|item| read_column(&item, report));
    section.finish(report, &[], &[]);
    let bins_of = bins_of??;
    Some(Spanned { value: SegmentColumn::Bins { bins_of: bins_of.value }, at: bins_of.at })
}

fn read_column(item: &Item<'_>, report: &mut Report) -> Option<Spanned<String>> {
    let column = item.text(report, "the name of a column")?;
    if column.contains(',') {
        report.error(&column.at, format!("a comma in the column name `{}`", column.value)).help(
            "commas join columns in `segment_key`: give the column another name under `fields.predictions.segments`",
        );
        return None;
    }
    Some(column)
}

/// Reads `fairness`.
pub(super) fn read_fairness(item: &Item<'_>, report: &mut Report) -> Option<Spanned<Protected>> {
    let mut section = Section::open(item, report)?;
    let columns = section
        .require("protected", report, "write `{protected: [sex]}`: the columns whose groups are compared")
        .map(|item| read_each(&item, report, read_column));
    let min_group = section.take("min_group").map(|item| item.count(report, 1..=u32::MAX));
    section.finish(report, &[], &[]);
    let min_group = match min_group {
        Some(min_group) => Some(u64::from(min_group?.value)),
        None => None,
    };
    Some(Spanned { value: Protected { columns: columns??, min_group }, at: item.at() })
}

/// Checks that the references of a model have the numbers whose bins are its segments. Segments are its own, or those of
/// the defaults.
pub(super) fn check(model: &str, own: &RawModel, defaults: &RawModel, settings: &ModelSettings, report: &mut Report) {
    let profiles = settings.references.iter().filter_map(|reference| reference.profile.as_deref());
    let profiles: Vec<&Profile> = profiles.filter(|profile| profile.is_fitted()).collect();
    let written = own.segments.or(&defaults.segments).written();
    for set in written.into_iter().flat_map(|sets| &sets.value) {
        for feature in set.columns.iter().filter_map(SegmentColumn::binned) {
            // One that is wrong has its own problem, and what is inherited is for models that have one.
            if profiles.is_empty() && own.segments.written().is_some() && !own.reference.is_broken() {
                warn_of_no_bins(&set.at, &format!("`{model}` has no `reference:`"), report);
            }
            let without = profiles.iter().find_map(|profile| Some((*profile, coarse_bins(profile, feature).err()?)));
            if let Some((profile, why)) = without {
                let (message, help) = no_bins(model, feature, profile, why);
                report.error(&set.at, message).help(help);
            }
        }
    }
}

/// Checks that some model has a use for the bins in `defaults`.
pub(super) fn check_defaults(defaults: &RawModel, has_reference: bool, report: &mut Report) {
    let written = defaults.segments.written().into_iter().flat_map(|sets| &sets.value);
    let mut binned = written.filter(|set| set.columns.iter().any(|part| part.binned().is_some()));
    if let Some(set) = binned.next().filter(|_| !has_reference) {
        warn_of_no_bins(&set.at, "no model has a `reference:`", report);
    }
}

fn warn_of_no_bins(at: &At, why: &str, report: &mut Report) {
    report
        .warning(at, format!("{why}, in whose bins numbers lie: all are `__missing__`"))
        .help("write `reference: PATH` under `models.NAME`, or give a profile to `replay --reference`");
}

/// That `profile` has the numbers whose bins are segments of `model`.
///
/// # Errors
/// If it does not: which it has no bins for, and what to do.
pub fn check_bins(model: &str, settings: &ModelSettings, profile: &Profile) -> Result<(), String> {
    let refused = settings.binned_features().into_iter().find_map(|feature| {
        let (message, help) = no_bins(model, feature, profile, coarse_bins(profile, feature).err()?);
        Some(format!("segments: {message} ({help})"))
    });
    refused.map_or(Ok(()), Err)
}

/// Why `feature` has no bins in `profile`, and what to do.
fn no_bins(model: &str, feature: &str, profile: &Profile, why: NoBins) -> (String, String) {
    match why {
        NoBins::Category => (
            format!("`{feature}` is a category in the profile of `{model}`: it has no bins"),
            format!("name the column itself as segment: `{feature}`"),
        ),
        NoBins::Unknown => {
            let numbers = profile.features.iter().filter(|known| matches!(known.bins, FeatureBins::Numeric(_)));
            let help = match nearest(feature, numbers.map(|known| &*known.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`postdict profile show` lists the features that it has".to_owned(),
            };
            (format!("the profile of `{model}` has no feature `{feature}`"), help)
        }
    }
}
