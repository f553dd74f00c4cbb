//! Names in the join's log: settings, models, classes, series, texts and sources of labels, each in the order of its
//! numbers, so that an entry needs none.

use super::entry::Tag;
use super::journal::Journal;
use crate::aggregate::wire::{WireError, put_signed, put_text, put_varint, take_signed, take_text, take_varint};
use crate::event::{ModelSettings, Origin, Role};
use crate::join::series::{Model, ModelId, Series, SeriesRegistry, TermsId};
use crate::join::sources::Sources;
use crate::join::texts::LabelTexts;
use std::sync::Arc;

/// How many names of each kind the log has.
#[derive(Debug, Clone, Default)]
pub struct LoggedNames {
    terms: usize,
    /// Classes of each logged model.
    classes: Vec<usize>,
    series: usize,
    texts: usize,
    sources: usize,
}

/// All names of one partition.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Models, their classes, and series.
    pub registry: &'a SeriesRegistry,
    /// Texts of labels.
    pub texts: &'a LabelTexts,
    /// Where labels came from.
    pub sources: &'a Sources,
}

impl LoggedNames {
    /// All names that there are.
    pub fn all(names: Names) -> LoggedNames {
        LoggedNames {
            terms: names.registry.all_terms().len(),
            classes: names.registry.models().iter().map(|model| model.classes.names().len()).collect(),
            series: names.registry.all_series().len(),
            texts: names.texts.all().len(),
            sources: names.sources.all().len(),
        }
    }

    /// Logs the names between these and `to`. `in_snapshot`: they are part of a snapshot.
    pub fn log_up_to(&self, to: &LoggedNames, names: Names, in_snapshot: bool, journal: &mut Journal) {
        for settings in &names.registry.all_terms()[self.terms..to.terms] {
            journal.append(Tag::Terms, in_snapshot, |out| put_terms(out, settings));
        }
        let models = names.registry.models();
        for model in &models[self.classes.len()..to.classes.len()] {
            journal.append(Tag::Model, in_snapshot, |out| put_model(out, model));
        }
        for (number, known) in to.classes.iter().enumerate() {
            let first = self.classes.get(number).copied().unwrap_or(0);
            for class in &models[number].classes.names()[first..*known] {
                journal.append(Tag::Class, in_snapshot, |out| {
                    put_varint(out, number as u64);
                    put_text(out, class);
                });
            }
        }
        for series in &names.registry.all_series()[self.series..to.series] {
            journal.append(Tag::Series, in_snapshot, |out| put_series(out, series));
        }
        for text in &names.texts.all()[self.texts..to.texts] {
            journal.append(Tag::Text, in_snapshot, |out| put_text(out, text));
        }
        for origin in &names.sources.all()[self.sources..to.sources] {
            journal.append(Tag::Source, in_snapshot, |out| {
                put_text(out, &origin.topic);
                put_signed(out, i64::from(origin.partition));
            });
        }
    }
}

fn put_terms(out: &mut Vec<u8>, settings: &ModelSettings) {
    let settings = &settings.without_profiles();
    put_text(out, &serde_json::to_string(settings).expect("settings are plain values"));
}

/// Reads settings of models.
pub fn take_terms(input: &mut &[u8]) -> Result<ModelSettings, WireError> {
    serde_json::from_str(&take_text(input)?).map_err(|_| WireError::Malformed("settings of models"))
}

fn put_model(out: &mut Vec<u8>, model: &Model) {
    put_text(out, &model.name);
    put_varint(out, u64::from(model.first_terms.0));
}

/// Reads a model: its id, and the number of its settings.
pub fn take_model(input: &mut &[u8]) -> Result<(Arc<str>, usize), WireError> {
    let name = take_text(input)?;
    let terms = usize::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a model without settings"))?;
    Ok((name, terms))
}

fn put_series(out: &mut Vec<u8>, series: &Series) {
    put_varint(out, u64::from(series.model.0));
    put_varint(out, u64::from(series.terms.0));
    put_text(out, &series.version);
    // 0: no prediction; else the number of values plus one.
    put_varint(out, series.segments.as_ref().map_or(0, |values| values.len() as u64 + 1));
    series.segments.iter().flatten().for_each(|value| put_text(out, value));
}

/// Reads a series of one of the models and settings of `registry`.
pub fn take_series(input: &mut &[u8], registry: &SeriesRegistry) -> Result<Series, WireError> {
    let known = |number: u64, count: usize, what| {
        let is_known = usize::try_from(number).is_ok_and(|number| number < count);
        if is_known { Ok(number as u32) } else { Err(WireError::Malformed(what)) }
    };
    let model = known(take_varint(input)?, registry.models().len(), "a series of no model")?;
    let terms = known(take_varint(input)?, registry.all_terms().len(), "a series without settings")?;
    let version = take_text(input)?;
    // Each value takes a byte at least, so a wrong number ends with the input.
    let segments = match take_varint(input)? {
        0 => None,
        length => Some((1..length).map(|_| take_text(input)).collect::<Result<Box<[_]>, _>>()?),
    };
    Ok(Series { model: ModelId(model), terms: TermsId(terms), version, segments })
}

/// Reads a class: the number of its model, and its name.
pub fn take_class(input: &mut &[u8]) -> Result<(usize, Arc<str>), WireError> {
    let model = usize::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a class of no model"))?;
    Ok((model, take_text(input)?))
}

/// Reads a source of labels.
pub fn take_source(input: &mut &[u8]) -> Result<Origin, WireError> {
    let topic = take_text(input)?;
    let partition = i32::try_from(take_signed(input)?).map_err(|_| WireError::Malformed("an impossible partition"))?;
    Ok(Origin { role: Role::Labels, topic, partition })
}
