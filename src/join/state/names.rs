//! Names in the join's log: models, classes, series, texts and sources of labels, each in the order of its numbers, so that
//! an entry needs none.

use super::entry::Tag;
use super::journal::Journal;
use crate::aggregate::wire::{
    WireError, put_signed, put_text, put_varint, take_byte, take_length, take_signed, take_text, take_varint,
};
use crate::event::segment::UNRECORDED;
use crate::event::{ModelSettings, Origin, Role, TaskKind};
use crate::join::series::{ModelId, Series, SeriesRegistry};
use crate::join::sources::Sources;
use crate::join::texts::LabelTexts;
use std::sync::Arc;

/// How many names of each kind the log has.
#[derive(Debug, Clone, Default)]
pub struct LoggedNames {
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
            classes: names.registry.models().iter().map(|model| model.classes.names().len()).collect(),
            series: names.registry.all_series().len(),
            texts: names.texts.all().len(),
            sources: names.sources.all().len(),
        }
    }

    /// Logs the names between these and `to`. `in_snapshot`: they are part of a snapshot.
    pub fn log_up_to(&self, to: &LoggedNames, names: Names, in_snapshot: bool, journal: &mut Journal) {
        let models = names.registry.models();
        for model in &models[self.classes.len()..to.classes.len()] {
            journal.append(Tag::Model, in_snapshot, |out| put_model(out, &model.name, &model.settings));
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

/// What a model meant when it was logged.
#[derive(Debug, PartialEq, Eq)]
pub struct LoggedModel {
    /// Its id.
    pub name: Arc<str>,
    task: Option<TaskKind>,
    pane_ms: i64,
    segment_keys: Vec<Arc<str>>,
}

impl LoggedModel {
    /// Says what of the configuration does not fit the state any more.
    pub fn check(&self, settings: &ModelSettings) -> Result<(), String> {
        let name = if self.name.is_empty() { "the defaults".to_owned() } else { format!("model {}", self.name) };
        if settings.pane_ms != self.pane_ms {
            let (was, is) = (self.pane_ms, settings.pane_ms);
            return Err(format!(
                "the windows of {name} had a greatest common divisor of {was} ms and now have {is} ms: sizes and \
                 advances may be added or taken away only if that stays"
            ));
        }
        if settings.task != self.task {
            let text = |task: Option<TaskKind>| task.map_or("none", TaskKind::name);
            return Err(format!("the task of {name} was {} and is now {}", text(self.task), text(settings.task)));
        }
        Ok(())
    }

    /// The values of `segments`, which were logged, in the order of today's segment sets. A set that did not exist then
    /// has no value: not even that it was missing.
    fn in_todays_order(&self, segments: &[Arc<str>], settings: &ModelSettings) -> Box<[Arc<str>]> {
        let value = |key: String| {
            let place = self.segment_keys.iter().position(|logged| **logged == *key);
            place.and_then(|place| segments.get(place)).map_or_else(|| UNRECORDED.into(), Arc::clone)
        };
        settings.segments.iter().map(|set| value(set.key())).collect()
    }
}

fn put_model(out: &mut Vec<u8>, name: &str, settings: &ModelSettings) {
    put_text(out, name);
    let task = settings.task.and_then(|task| TaskKind::ALL.iter().position(|kind| *kind == task));
    out.push(task.map_or(0, |task| task as u8 + 1));
    put_signed(out, settings.pane_ms);
    put_varint(out, settings.segments.len() as u64);
    settings.segments.iter().for_each(|set| put_text(out, &set.key()));
}

/// Reads a model.
pub fn take_model(input: &mut &[u8]) -> Result<LoggedModel, WireError> {
    Ok(LoggedModel {
        name: take_text(input)?,
        task: match take_byte(input)? {
            0 => None,
            number => {
                let task = TaskKind::ALL.get(usize::from(number) - 1);
                Some(*task.ok_or(WireError::Malformed("an unknown task"))?)
            }
        },
        pane_ms: take_signed(input)?,
        segment_keys: (0..take_length(input)?).map(|_| take_text(input)).collect::<Result<_, _>>()?,
    })
}

fn put_series(out: &mut Vec<u8>, series: &Series) {
    put_varint(out, u64::from(series.model.0));
    put_text(out, &series.version);
    // 0: no prediction; else the number of values plus one.
    put_varint(out, series.segments.as_ref().map_or(0, |values| values.len() as u64 + 1));
    series.segments.iter().flatten().for_each(|value| put_text(out, value));
}

/// Reads a series of one of `models`, whose settings are today's.
pub fn take_series(
    input: &mut &[u8],
    models: &[LoggedModel],
    settings: impl Fn(ModelId) -> Arc<ModelSettings>,
) -> Result<Series, WireError> {
    let model = take_varint(input)?;
    let logged = usize::try_from(model).ok().and_then(|model| models.get(model));
    let logged = logged.ok_or(WireError::Malformed("a series of no model"))?;
    let model = ModelId(model as u32);
    let version = take_text(input)?;
    // Each value takes a byte at least, so a wrong number ends with the input.
    let segments = match take_varint(input)? {
        0 => None,
        length => Some((1..length).map(|_| take_text(input)).collect::<Result<Vec<_>, _>>()?),
    };
    let segments = segments.map(|segments| logged.in_todays_order(&segments, &settings(model)));
    Ok(Series { model, version, segments })
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
