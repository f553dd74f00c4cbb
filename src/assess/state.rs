//! All of ASSESS as bytes: a snapshot from which it goes on as if nothing had happened.
//!
//! Cells are written packed, so a snapshot is about as large as the memory that it describes. It is read under the
//! configuration under which it was written, or under another: windows and segments that were added begin with the next
//! window or pane that starts, those that were taken away are published until their windows are final; other panes are
//! refused.

use super::cells::{GroupId, Pane, VersionId};
use super::detection::Detection;
use super::detection_state::Known;
use super::model::ModelAssess;
use super::names::{Group, GroupKind, Names};
use super::past::Past;
use super::past_errors::PastErrors;
use super::promise::Horizons;
use super::rows::METRIC_SHIFT;
use super::watermark::{Source, Watermark};
use super::window::{Published, Window, Windows};
use super::{Assess, window_settings};
use crate::aggregate::WireError;
use crate::aggregate::partial::Progress;
use crate::aggregate::wire::{
    put_signed, put_text, put_varint, take_byte, take_bytes, take_length, take_signed, take_text, take_varint,
};
use crate::event::row_id::RowId;
use crate::event::{Millis, ModelSettings, Settings, WindowSpec};
use crate::metrics::Metric;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// First byte: the version of the format.
const FORMAT: u8 = 1;

/// Why a snapshot cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// It is not what ASSESS writes.
    #[error("{0}")]
    Corrupt(#[from] WireError),
    /// Written by a newer version of the program.
    #[error("a snapshot of format {0}, newer than this program reads")]
    Newer(u8),
    /// It was written under a configuration that meant something else.
    #[error("{0}")]
    Configuration(String),
}

impl SnapshotError {
    /// There is more than a snapshot.
    pub fn trailing() -> SnapshotError {
        WireError::Malformed("something behind the end of a snapshot").into()
    }
}

impl Assess {
    /// Appends everything to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        put_watermark(out, &self.watermark);
        put_varint(out, self.late_rows);
        put_texts(out, self.next_model.as_slice());
        // Rows name their metric by its number, which another version of the program may count otherwise.
        put_varint(out, Metric::ALL.len() as u64);
        Metric::ALL.iter().for_each(|metric| put_text(out, metric.name()));
        put_varint(out, self.models.len() as u64);
        for (id, model) in &self.models {
            put_text(out, id);
            put_model(out, model);
        }
    }

    /// From what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are not such, or the configuration means something else now.
    pub fn decode(mut input: &[u8], settings: Arc<Settings>, partition_count: usize) -> Result<Assess, SnapshotError> {
        let input = &mut input;
        match take_byte(input)? {
            FORMAT => {}
            newer => return Err(SnapshotError::Newer(newer)),
        }
        let mut assess = Assess::new(settings, partition_count);
        assess.watermark = take_watermark(input, partition_count)?;
        assess.late_rows = take_varint(input)?;
        assess.next_model = take_texts(input)?.pop();
        let number = |name: &Arc<str>| Metric::ALL.iter().position(|metric| *metric.name() == **name);
        let metrics: Vec<Option<usize>> = take_texts(input)?.iter().map(number).collect();
        for _ in 0..take_length(input)? {
            let id = take_text(input)?;
            let settings = window_settings(&assess.settings, &id);
            let mut model = ModelAssess::new(Arc::clone(&id), settings, assess.settings.caps);
            take_model(input, &mut model, assess.watermark.newest(), &metrics)?;
            assess.models.insert(id, model);
        }
        if !input.is_empty() {
            return Err(SnapshotError::trailing());
        }
        Ok(assess)
    }

    /// Goes on under other settings, as a snapshot would that is read under them. What they change in windows that are open
    /// is published when those are due.
    ///
    /// # Errors
    /// If the state cannot be used under them; it is as it was then.
    pub fn change_settings(&mut self, settings: Arc<Settings>) -> Result<(), SnapshotError> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        let mut changed = Assess::decode(&bytes, settings, self.watermark.partition_count())?;
        for (id, model) in &mut changed.models {
            if self.models.get(id).is_some_and(|before| before.settings != model.settings) {
                model.mark_all_changed();
                let news = model.news(self.watermark.newest());
                if let Some(promise) = &mut model.promise {
                    promise.before = news;
                }
            }
        }
        changed.texts = std::mem::take(&mut self.texts);
        *self = changed;
        Ok(())
    }

    /// Publishes the metrics with these names only, as another version of the program did.
    pub fn publish_only(&mut self, metrics: &[Arc<str>]) {
        self.texts.publish_only(metrics);
    }

    /// Publishes all metrics. Those that were left out appear in the open windows when those are due.
    pub fn publish_all(&mut self) {
        if self.texts.publish_all() {
            self.models.values_mut().for_each(ModelAssess::mark_all_changed);
        }
    }

    /// Says what of `settings` cannot be used with what is known of some models, which were kept under `before`.
    ///
    /// # Errors
    /// Why, and what to do.
    pub fn check_change<'m>(
        models: impl IntoIterator<Item = &'m Arc<str>>,
        before: &Settings,
        settings: &Settings,
    ) -> Result<(), SnapshotError> {
        let refusal = |model: &Arc<str>| settings.model(model).refusal(model, before.model(model));
        models.into_iter().find_map(refusal).map_or(Ok(()), |why| Err(SnapshotError::Configuration(why)))
    }
}

fn put_watermark(out: &mut Vec<u8>, watermark: &Watermark) {
    put_varint(out, watermark.partitions.len() as u64);
    for (partition, sources) in &watermark.partitions {
        put_signed(out, i64::from(*partition));
        for Source { progress, last_check, vouched } in sources {
            put_varint(out, progress.idle_checks);
            [progress.newest, *last_check, *vouched].into_iter().for_each(|time| put_time(out, time));
        }
    }
    watermark.reached.iter().chain(&watermark.pulled).for_each(|time| put_time(out, *time));
    put_time(out, watermark.newest);
}

fn take_watermark(input: &mut &[u8], partition_count: usize) -> Result<Watermark, WireError> {
    let mut watermark = Watermark::new(partition_count);
    for _ in 0..take_length(input)? {
        let partition = i32::try_from(take_signed(input)?).map_err(|_| WireError::Malformed("a partition"))?;
        let mut sources = [Source::default(); 2];
        for source in &mut sources {
            let idle_checks = take_varint(input)?;
            source.progress = Progress { newest: take_time(input)?, idle_checks };
            (source.last_check, source.vouched) = (take_time(input)?, take_time(input)?);
        }
        watermark.partitions.insert(partition, sources);
    }
    for time in watermark.reached.iter_mut().chain(&mut watermark.pulled) {
        *time = take_time(input)?;
    }
    watermark.newest = take_time(input)?;
    Ok(watermark)
}

fn put_model(out: &mut Vec<u8>, model: &ModelAssess) {
    put_signed(out, model.settings.pane_ms);
    Horizons::of(&model.settings, model.promise.as_ref()).put(out);
    put_names(out, &model.names);
    put_signed(out, model.expired_until);
    put_signed(out, model.orphaned_until);
    put_varint(out, model.panes.len() as u64);
    for (start, pane) in &model.panes {
        put_signed(out, *start);
        pane.encode(out);
    }
    put_varint(out, model.windows.len() as u64);
    model.windows.iter().for_each(|windows| put_windows(out, windows));
    model.past_errors.encode(out);
    model.past.encode(out);
    out.push(u8::from(model.detection.is_some()));
    if let Some(detection) = &model.detection {
        detection.encode(out);
    }
}

fn take_model(
    input: &mut &[u8],
    model: &mut ModelAssess,
    newest: Option<Millis>,
    metrics: &[Option<usize>],
) -> Result<(), SnapshotError> {
    check_panes(&model.id, take_signed(input)?, &model.settings)?;
    let horizons = Horizons::take(input)?;
    let known_sets = take_names(input, &mut model.names)?;
    model.expired_until = take_signed(input)?;
    model.orphaned_until = take_signed(input)?;
    for _ in 0..take_length(input)? {
        let start = take_signed(input)?;
        model.panes.insert(start, Pane::decode(input)?);
    }
    // Of a window that has begun, the first rows are in panes that may be gone.
    let news = model.news(newest);
    (model.settings, model.promise) = horizons.kept(&model.settings, news);
    for set in (0..model.names.configured).filter(|set| !known_sets.contains(set)) {
        model.names.begins[set] = news;
    }
    let mut known = Vec::new();
    for _ in 0..take_length(input)? {
        let mut windows = take_windows(input, metrics)?;
        known.push(windows.spec);
        match model.windows.iter_mut().find(|slot| slot.spec == windows.spec) {
            Some(slot) => {
                if windows.opens_from == Millis::MAX {
                    windows.opens_from = news;
                }
                *slot = windows;
            }
            None => {
                windows.opens_from = Millis::MAX;
                model.windows.push(windows);
            }
        }
    }
    for windows in model.windows.iter_mut().filter(|windows| !known.contains(&windows.spec)) {
        windows.opens_from = news;
    }
    model.windows.retain(|windows| !windows.is_done());
    model.past_errors = PastErrors::decode(input)?;
    model.past = Past::decode(input, &model.settings, model.windows.iter().map(|windows| windows.spec))?;
    if take_byte(input)? != 0 {
        let known = Known { groups: model.names.groups().len(), versions: model.names.versions().len() };
        model.detection = Detection::decode(input, model.settings.detectors.as_ref(), known)?;
    }
    Ok(())
}

fn check_panes(model: &str, was: Millis, settings: &ModelSettings) -> Result<(), SnapshotError> {
    let before = ModelSettings { pane_ms: was, ..ModelSettings::clone(settings) };
    settings.refusal(model, &before).map_or(Ok(()), |why| Err(SnapshotError::Configuration(why)))
}

fn put_names(out: &mut Vec<u8>, names: &Names) {
    put_texts(out, &names.segment_keys);
    names.begins.iter().for_each(|begins| put_signed(out, *begins));
    put_varint(out, names.configured as u64);
    put_varint(out, names.groups().len() as u64);
    for group in names.groups() {
        put_varint(out, group.set.map_or(0, |set| u64::from(set) + 1));
        put_text(out, &group.value);
        out.push(group.kind as u8);
    }
    put_texts(out, names.versions());
    put_texts(out, names.classes.names());
    put_texts(out, names.features());
}

/// Returns the places of the segment sets that were configured when the names were written.
fn take_names(input: &mut &[u8], names: &mut Names) -> Result<BTreeSet<usize>, WireError> {
    let keys = take_texts(input)?;
    let places: Vec<u16> = keys.into_iter().map(|key| names.place_of(key)).collect();
    for place in &places {
        names.begins[usize::from(*place)] = take_signed(input)?;
    }
    let configured = take_length(input)?;
    let configured = places.iter().take(configured).map(|place| usize::from(*place)).collect();
    for _ in 0..take_length(input)? {
        let set = match take_varint(input)? {
            0 => None,
            set => {
                let place = usize::try_from(set - 1).ok().and_then(|set| places.get(set));
                Some(*place.ok_or(WireError::Malformed("a group of no segment set"))?)
            }
        };
        let value = take_text(input)?;
        let kind = match take_byte(input)? {
            0 => GroupKind::Value,
            1 => GroupKind::Comparison,
            2 => GroupKind::Features,
            3 => GroupKind::Expectations,
            4 => GroupKind::Moving,
            _ => return Err(WireError::Malformed("a group of no kind")),
        };
        names.restore_group(Group { set, value, kind });
    }
    for version in take_texts(input)? {
        names.version_id(&version);
    }
    take_texts(input)?.into_iter().for_each(|class| names.classes.restore(class));
    for feature in take_texts(input)? {
        names.feature_number(&feature);
    }
    Ok(configured)
}

fn put_windows(out: &mut Vec<u8>, windows: &Windows) {
    put_signed(out, windows.spec.size_ms);
    put_signed(out, windows.spec.advance_ms);
    put_signed(out, windows.opens_from);
    let (below, closed) = windows.closed();
    put_signed(out, below);
    put_varint(out, closed.len() as u64);
    closed.iter().for_each(|start| put_signed(out, *start));
    put_varint(out, windows.open.len() as u64);
    for (start, window) in &windows.open {
        put_signed(out, *start);
        put_window(out, window);
    }
}

fn take_windows(input: &mut &[u8], metrics: &[Option<usize>]) -> Result<Windows, WireError> {
    let spec = WindowSpec { size_ms: take_signed(input)?, advance_ms: take_signed(input)? };
    let mut windows = Windows::new(spec);
    windows.opens_from = take_signed(input)?;
    let below = take_signed(input)?;
    let closed = (0..take_length(input)?).map(|_| take_signed(input)).collect::<Result<_, _>>()?;
    windows.restore_closed(below, closed);
    for _ in 0..take_length(input)? {
        let start = take_signed(input)?;
        windows.open.insert(start, take_window(input, metrics)?);
    }
    Ok(windows)
}

fn put_window(out: &mut Vec<u8>, window: &Window) {
    put_signed(out, window.unmatched);
    put_signed(out, window.unmet);
    put_time(out, window.last_label_time);
    put_varint(out, window.changed.len() as u64);
    window.changed.iter().for_each(|group| put_varint(out, u64::from(group.0)));
    out.push(u8::from(window.revised_at.is_some()));
    if let Some((event_time, now)) = window.revised_at {
        put_signed(out, event_time);
        put_signed(out, now);
    }
    put_varint(out, window.published.len() as u64);
    for ((group, version), rows) in &window.published {
        put_varint(out, u64::from(group.0));
        put_varint(out, version.map_or(0, |version| u64::from(version.0) + 1));
        put_varint(out, rows.len() as u64);
        for row in rows {
            put_varint(out, row.row);
            out.extend_from_slice(&row.content.to_le_bytes());
            put_signed(out, i64::from(row.revision));
            out.extend_from_slice(&row.id.to_bytes());
        }
    }
}

fn take_window(input: &mut &[u8], metrics: &[Option<usize>]) -> Result<Window, WireError> {
    let mut window = Window {
        unmatched: take_signed(input)?,
        unmet: take_signed(input)?,
        last_label_time: take_time(input)?,
        ..Window::default()
    };
    for _ in 0..take_length(input)? {
        window.changed.insert(GroupId(take_number(input)?));
    }
    if take_byte(input)? != 0 {
        window.revised_at = Some((take_signed(input)?, take_signed(input)?));
    }
    let mut published = BTreeMap::new();
    for _ in 0..take_length(input)? {
        let group = GroupId(take_number(input)?);
        let version = take_number(input)?.checked_sub(1).map(VersionId);
        let mut rows: Vec<Published> = Vec::new();
        for _ in 0..take_length(input)? {
            rows.extend(take_published(input, metrics)?);
        }
        rows.sort_unstable_by_key(|published| published.row);
        published.insert((group, version), rows);
    }
    window.published = published;
    Ok(window)
}

/// `None` for a row of a metric that exists no more.
fn take_published(input: &mut &[u8], metrics: &[Option<usize>]) -> Result<Option<Published>, WireError> {
    let row = take_varint(input)?;
    let mut content = [0; 8];
    content.copy_from_slice(take_bytes(input, 8)?);
    let revision = i32::try_from(take_signed(input)?).map_err(|_| WireError::Malformed("a revision"))?;
    let mut id = [0; 16];
    id.copy_from_slice(take_bytes(input, 16)?);
    let metric = usize::try_from(row >> METRIC_SHIFT).ok().and_then(|metric| metrics.get(metric));
    let metric = *metric.ok_or(WireError::Malformed("a row of no metric"))?;
    let in_series = row & ((1 << METRIC_SHIFT) - 1);
    Ok(metric.map(|metric| Published {
        row: (metric as u64) << METRIC_SHIFT | in_series,
        content: u64::from_le_bytes(content),
        revision,
        id: RowId::from_bytes(id),
    }))
}

fn put_texts(out: &mut Vec<u8>, texts: &[Arc<str>]) {
    put_varint(out, texts.len() as u64);
    texts.iter().for_each(|text| put_text(out, text));
}

fn take_texts(input: &mut &[u8]) -> Result<Vec<Arc<str>>, WireError> {
    (0..take_length(input)?).map(|_| take_text(input)).collect()
}

fn put_time(out: &mut Vec<u8>, time: Option<Millis>) {
    out.push(u8::from(time.is_some()));
    if let Some(time) = time {
        put_signed(out, time);
    }
}

fn take_time(input: &mut &[u8]) -> Result<Option<Millis>, WireError> {
    if take_byte(input)? == 0 { Ok(None) } else { take_signed(input).map(Some) }
}

fn take_number(input: &mut &[u8]) -> Result<u32, WireError> {
    u32::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a number is too large"))
}
