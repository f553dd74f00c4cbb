//! Models, versions and segment values of one partition, interned: a pending row names its series in four bytes.
//!
//! A series here is a model, a version and the values of *all* of the model's segment sets; ASSESS takes it apart into
//! the published segments, so a row is folded once however many segments it belongs to.

use super::features::ModelFeatures;
use super::references::{Deviation, take_force};
use super::segment_bins::SegmentBins;
use crate::aggregate::ClassNames;
use crate::event::label::class_as_number;
use crate::event::segment::{MAX_NAME_BYTES, MISSING, OTHER};
use crate::event::{Caps, Millis, ModelSettings, PredictionColumns, SegmentColumn, Settings};
use hashbrown::HashMap;
use std::sync::Arc;

pub use crate::aggregate::SeriesId;

/// A model of one partition, interned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelId(pub u32);

/// Settings of models under which predictions were read, interned: configurations come and go, and a prediction is judged
/// as it was promised when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TermsId(pub u32);

/// What a series is, by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Series {
    /// Its model.
    pub model: ModelId,
    /// What its predictions were read under.
    pub terms: TermsId,
    /// `""` where the predictions have none.
    pub version: Arc<str>,
    /// One value per segment set of its terms; `None` for records that have no prediction (labels nobody met), and for
    /// features, which are counted over all segments.
    pub segments: Option<Box<[Arc<str>]>>,
}

/// Numbers whose text the settings declare as classes, read once: every label is compared with them.
#[derive(Debug, Clone, Copy)]
struct DeclaredNumbers {
    positive_label: Option<f64>,
    on_expiry: Option<f64>,
}

/// One model as the join sees it.
#[derive(Debug)]
pub struct Model {
    /// Its id; `""` for labels that name none.
    pub name: Arc<str>,
    /// What is declared about it now.
    pub settings: Arc<ModelSettings>,
    /// The same, interned.
    pub terms: TermsId,
    /// What was declared when it was first seen, interned: a snapshot of the names can refer to that whenever it begins.
    pub first_terms: TermsId,
    /// Its classes.
    pub classes: ClassNames,
    /// Per segment set, where its parts are found.
    pub segment_parts: Vec<Vec<SegmentPart>>,
    /// Numbers whose bins are segments.
    pub bins: Arc<SegmentBins>,
    /// What its predictions are compared with.
    pub features: Arc<ModelFeatures>,
    values: Vec<HashMap<Arc<str>, ()>>,
    versions: HashMap<Arc<str>, ()>,
    /// The series of its records without a prediction under today's terms, once there was one.
    without_prediction: Option<SeriesId>,
}

/// Where a part of a segment's value is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentPart {
    /// In the batch's segment column with this place.
    Column(usize),
    /// In the model's [`SegmentBins`], of the feature with this place.
    Bins(usize),
}

/// A model over the cap, or with a name that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyModels;

impl TooManyModels {
    /// For the dead letter.
    pub fn detail(self) -> String {
        format!("more models than the cap allows, or a name of more than {MAX_NAME_BYTES} bytes")
    }
}

/// All series of one partition.
#[derive(Debug)]
pub struct SeriesRegistry {
    settings: Arc<Settings>,
    columns: PredictionColumns,
    terms: Vec<Arc<ModelSettings>>,
    /// Of each of the terms.
    declared: Vec<DeclaredNumbers>,
    models: Vec<Model>,
    models_by_name: HashMap<Arc<str>, ModelId>,
    series: Vec<Series>,
    series_by_key: HashMap<Series, SeriesId>,
    folded: u64,
    /// Per series, that of its features, once it is known.
    features_of: Vec<Option<SeriesId>>,
}

/// Most versions of one model; further ones fold into `__other__`.
const MAX_VERSIONS: usize = 1_000;
/// Most series of one partition; further ones fold all their segments into `__other__`.
const MAX_SERIES: usize = 1 << 20;

impl SeriesRegistry {
    /// Without any series.
    pub fn new(settings: Arc<Settings>) -> Self {
        SeriesRegistry {
            columns: settings.columns(),
            settings,
            terms: Vec::new(),
            declared: Vec::new(),
            models: Vec::new(),
            models_by_name: HashMap::new(),
            series: Vec::new(),
            series_by_key: HashMap::new(),
            folded: 0,
            features_of: Vec::new(),
        }
    }

    /// What was declared about all models.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The model called `name`, made if it is new.
    pub fn model_id(&mut self, name: &str) -> Result<ModelId, TooManyModels> {
        if let Some(id) = self.models_by_name.get(name) {
            return Ok(*id);
        }
        // Labels that name no model are not to cost a real one its place.
        let named = self.models.len() - usize::from(self.models_by_name.contains_key(""));
        if !name.is_empty() && (named >= self.settings.caps.models || name.len() > MAX_NAME_BYTES) {
            return Err(TooManyModels);
        }
        let terms = self.terms_id(&Arc::clone(self.settings.model(name)));
        Ok(self.add_model(name, terms))
    }

    fn add_model(&mut self, name: &str, terms: TermsId) -> ModelId {
        let settings = Arc::clone(self.settings.model(name));
        let bins = SegmentBins::new(&settings, &self.columns.features);
        let binned = settings.binned_features();
        let part = |part: &SegmentColumn| match part {
            SegmentColumn::Column(name) => {
                SegmentPart::Column(self.columns.segments.binary_search(name).unwrap_or(usize::MAX))
            }
            SegmentColumn::Bins { bins_of } => {
                let place = binned.iter().position(|feature| feature == bins_of);
                SegmentPart::Bins(place.expect("what is in bins is among all that is"))
            }
        };
        let segment_parts: Vec<Vec<SegmentPart>> =
            settings.segments.iter().map(|set| set.columns.iter().map(part).collect()).collect();
        let id = ModelId(self.models.len() as u32);
        let name: Arc<str> = name.into();
        self.models.push(Model {
            name: Arc::clone(&name),
            classes: ClassNames::new(self.settings.caps.classes),
            without_prediction: None,
            values: vec![HashMap::new(); segment_parts.len()],
            segment_parts,
            bins: Arc::new(bins),
            features: Arc::new(ModelFeatures::new(&settings, &self.columns.features)),
            settings,
            terms,
            first_terms: terms,
            versions: HashMap::new(),
        });
        self.models_by_name.insert(name, id);
        id
    }

    /// The model with `id`.
    pub fn model(&self, id: ModelId) -> &Model {
        &self.models[id.0 as usize]
    }

    /// The model with `id`, to intern its classes.
    pub fn model_mut(&mut self, id: ModelId) -> &mut Model {
        &mut self.models[id.0 as usize]
    }

    /// What `id` stands for.
    pub fn series(&self, id: SeriesId) -> &Series {
        &self.series[id.0 as usize]
    }

    /// The settings under which the predictions of `series` were read.
    pub fn settings_of(&self, series: SeriesId) -> &Arc<ModelSettings> {
        self.terms(self.series(series).terms)
    }

    /// The settings with the number `id`.
    pub fn terms(&self, id: TermsId) -> &Arc<ModelSettings> {
        &self.terms[id.0 as usize]
    }

    /// All settings under which anything was read, by their number.
    pub fn all_terms(&self) -> &[Arc<ModelSettings>] {
        &self.terms
    }

    /// Models share their settings, and there are few: those that are not the very same are compared once per model.
    fn terms_id(&mut self, settings: &Arc<ModelSettings>) -> TermsId {
        let is_same = |known: &Arc<ModelSettings>| Arc::ptr_eq(known, settings) || known == settings;
        let place = self.terms.iter().rposition(is_same).unwrap_or_else(|| {
            self.add_terms(Arc::clone(settings));
            self.terms.len() - 1
        });
        TermsId(place as u32)
    }

    fn add_terms(&mut self, settings: Arc<ModelSettings>) {
        self.declared.push(DeclaredNumbers {
            positive_label: class_as_number(&settings.positive_label),
            on_expiry: settings.on_expiry.as_deref().and_then(class_as_number),
        });
        self.terms.push(settings);
    }

    /// The number that the positive label of a series is the text of, if it is that of one.
    pub fn positive_number(&self, series: SeriesId) -> Option<f64> {
        self.declared[self.series(series).terms.0 as usize].positive_label
    }

    /// The same of the label that stands for none.
    pub fn on_expiry_number(&self, series: SeriesId) -> Option<f64> {
        self.declared[self.series(series).terms.0 as usize].on_expiry
    }

    /// The series of records of `model` that have no prediction.
    pub fn without_prediction(&mut self, model: ModelId) -> SeriesId {
        let Model { terms, without_prediction, .. } = *self.model(model);
        without_prediction.unwrap_or_else(|| {
            let series = self.intern(Series { model, terms, version: "".into(), segments: None });
            self.model_mut(model).without_prediction = Some(series);
            series
        })
    }

    /// The series of a prediction: `column(i)` is its value in the batch's segment column `i`, `bins` are its codes in the
    /// model's `SegmentBins`.
    pub fn of_prediction<'a>(
        &mut self,
        model_id: ModelId,
        version: &str,
        column: impl Fn(usize) -> Option<&'a str>,
        bins: &[u32],
    ) -> SeriesId {
        let caps = self.settings.caps;
        let model = &mut self.models[model_id.0 as usize];
        let (version, version_folded) = capped(&mut model.versions, version, MAX_VERSIONS);
        let mut folded = u64::from(version_folded);
        let mut text = String::new();
        let known_bins = Arc::clone(&model.bins);
        let part = |part: SegmentPart| match part {
            SegmentPart::Column(place) => column(place).unwrap_or(MISSING),
            SegmentPart::Bins(place) => known_bins.name(bins[place]),
        };
        let segments = (model.segment_parts.iter().zip(&mut model.values))
            .map(|(parts, values)| {
                segment_value(parts, part, &mut text);
                let (value, value_folded) = capped_value(values, &text, caps);
                folded += u64::from(value_folded);
                value
            })
            .collect();
        self.folded += folded;
        let series = Series { model: model_id, terms: model.terms, version, segments: Some(segments) };
        if self.series.len() < MAX_SERIES || self.series_by_key.contains_key(&series) {
            return self.intern(series);
        }
        self.folded += 1;
        let others = series.segments.iter().flatten().map(|_| OTHER.into()).collect();
        self.intern(Series { segments: Some(others), ..series })
    }

    /// The series under which the features of `series` are counted: its model and version, whatever its segments are.
    pub fn of_features(&mut self, series: SeriesId) -> SeriesId {
        let place = series.0 as usize;
        if let Some(Some(known)) = self.features_of.get(place) {
            return *known;
        }
        let whole = self.intern(Series { segments: None, ..self.series(series).clone() });
        self.features_of.resize(self.series.len(), None);
        self.features_of[place] = Some(whole);
        whole
    }

    /// All models, by their number.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// All series, by their number.
    pub fn all_series(&self) -> &[Series] {
        &self.series
    }

    /// Adds the next settings, as the log says.
    pub fn restore_terms(&mut self, settings: ModelSettings) {
        self.add_terms(Arc::new(settings));
    }

    /// Adds the next model, as the log says, whatever the cap is; `terms` are the last that it was read under.
    pub fn restore_model(&mut self, name: &str, terms: TermsId) {
        self.add_model(name, terms);
    }

    /// From now on, predictions are read under today's settings; of those that were read, `newest` is the newest. Gives the
    /// references that come into force later than declared, with their models.
    pub fn begin_terms(&mut self, newest: Option<Millis>) -> Vec<(Arc<str>, Deviation)> {
        let mut deviations = Vec::new();
        let known = self.known_terms();
        for (place, known) in known.into_iter().enumerate() {
            let declared = Arc::clone(self.settings.model(&self.models[place].name));
            let before: Vec<&ModelSettings> = known.iter().map(|terms| &**self.terms(*terms)).collect();
            let (references, found) = take_force(&declared, &before, newest);
            let settings = if references == declared.references {
                declared
            } else {
                Arc::new(ModelSettings { references, ..ModelSettings::clone(&declared) })
            };
            let terms = self.terms_id(&settings);
            let has_references = !settings.references.is_empty();
            let model = &mut self.models[place];
            let is_known = |found: &Deviation| match found {
                Deviation::Postponed { id, begins, .. } => {
                    let before = &model.settings.references;
                    before.iter().any(|known| known.id == *id && known.from_ms == Some(*begins))
                }
                Deviation::Dropped { .. } => false,
            };
            let news = found.into_iter().filter(|found| !is_known(found));
            deviations.extend(news.map(|found| (Arc::clone(&model.name), found)));
            model.features = Arc::new(ModelFeatures::new(&settings, &self.columns.features));
            model.bins = Arc::new(SegmentBins::new(&settings, &self.columns.features));
            (model.settings, model.terms, model.without_prediction) = (settings, terms, None);
            if has_references {
                // A series is logged: a restart knows from when on they were in force, whether anything was read or not.
                self.without_prediction(ModelId(place as u32));
            }
        }
        deviations
    }

    /// Per model, the settings under which anything of it was read, its last ones last.
    fn known_terms(&self) -> Vec<Vec<TermsId>> {
        let mut known: Vec<Vec<TermsId>> = self.models.iter().map(|model| vec![model.terms]).collect();
        for series in &self.series {
            let of_model = &mut known[series.model.0 as usize];
            // Few, and one after the other.
            if !of_model.iter().rev().any(|terms| *terms == series.terms) {
                of_model.push(series.terms);
            }
        }
        for (model, known) in self.models.iter().zip(&mut known) {
            // Of a model that was restored, it is not known which were its last.
            let is_last = |terms: TermsId| terms == model.terms && terms != model.first_terms;
            known.sort_by_key(|terms| (is_last(*terms), *terms));
        }
        known
    }

    /// Goes on with other references: all else in `settings` is as it was. See [`Self::begin_terms`].
    pub fn change_references(&mut self, settings: Arc<Settings>, newest: Option<Millis>) -> Vec<(Arc<str>, Deviation)> {
        self.columns = settings.columns();
        self.settings = settings;
        self.begin_terms(newest)
    }

    /// Adds the next class of a model, as the log says; `None` if there is no such model.
    pub fn restore_class(&mut self, model: usize, name: Arc<str>) -> Option<()> {
        self.models.get_mut(model)?.classes.restore(name);
        Some(())
    }

    /// Adds the next series, as the log says: whatever the caps are. Its values are known from then on.
    pub fn restore_series(&mut self, series: Series) {
        let model = &mut self.models[series.model.0 as usize];
        if *series.version != *OTHER {
            model.versions.insert(Arc::clone(&series.version), ());
        }
        let sets = &self.terms[series.terms.0 as usize].segments;
        for (set, value) in sets.iter().zip(series.segments.iter().flatten()).filter(|(_, value)| ***value != *OTHER) {
            let today = model.settings.segments.iter().position(|today| today == set);
            if let Some(known) = today.and_then(|place| model.values.get_mut(place)) {
                known.insert(Arc::clone(value), ());
            }
        }
        self.series_by_key.insert(series.clone(), SeriesId(self.series.len() as u32));
        self.series.push(series);
    }

    /// Goes on counting from what the log says.
    pub fn restore_folded(&mut self, folded: u64) {
        self.folded = folded;
    }

    /// How often a cap folded a version or a segment value, per distinct combination and batch, or a class, per record.
    pub fn folded(&self) -> u64 {
        self.folded + self.models.iter().map(|model| model.classes.folded()).sum::<u64>()
    }

    fn intern(&mut self, series: Series) -> SeriesId {
        if let Some(id) = self.series_by_key.get(&series) {
            return *id;
        }
        let id = SeriesId(self.series.len() as u32);
        self.series.push(series.clone());
        self.series_by_key.insert(series, id);
        id
    }
}

/// Writes the value of a segment into `text`: those of its parts joined by `,`; where there are several, `,` and `\` in a value
/// are escaped by `\`.
fn segment_value<'a>(parts: &[SegmentPart], value: impl Fn(SegmentPart) -> &'a str, text: &mut String) {
    text.clear();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        let value = value(*part);
        if parts.len() == 1 {
            text.push_str(value);
        } else {
            for character in value.chars() {
                if matches!(character, ',' | '\\') {
                    text.push('\\');
                }
                text.push(character);
            }
        }
    }
}

fn capped_value(values: &mut HashMap<Arc<str>, ()>, value: &str, caps: Caps) -> (Arc<str>, bool) {
    capped(values, value, caps.segment_values)
}

/// `value` if it is known or there is room for it, else `__other__` and true. There is none for a very long one.
fn capped(known: &mut HashMap<Arc<str>, ()>, value: &str, cap: usize) -> (Arc<str>, bool) {
    if let Some((value, ())) = known.get_key_value(value) {
        return (Arc::clone(value), false);
    }
    if known.len() >= cap || value.len() > MAX_NAME_BYTES {
        return (OTHER.into(), true);
    }
    let value: Arc<str> = value.into();
    known.insert(Arc::clone(&value), ());
    (value, false)
}

#[cfg(test)]
#[path = "series_tests.rs"]
mod tests;
