//! From the log back to a join.

use super::entry::{self, Tag};
use super::names::{self, LoggedNames};
use super::{COMMIT_BYTES, SnapshotPace, StateLog};
use crate::aggregate::ClassId;
use crate::aggregate::wire::{WireError, take_signed, take_text, take_varint};
use crate::event::{Role, Settings};
use crate::join::Join;
use crate::join::accounting::Accounting;
use crate::join::pending::{Payload, PendingRow};
use crate::join::series::TermsId;
use crate::join::watermark::StreamTime;
use std::sync::Arc;

/// Why a log cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// It is not what a join writes.
    #[error("{0}")]
    Corrupt(String),
    /// It was written under a configuration that meant something else.
    #[error("{0}")]
    Configuration(String),
}

impl From<WireError> for RestoreError {
    fn from(error: WireError) -> Self {
        RestoreError::Corrupt(error.to_string())
    }
}

/// Where the log that is read begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// Not seen yet: what comes before is not needed.
    Unknown,
    /// At the beginning of everything.
    Genesis,
    /// At a snapshot, which is not complete yet.
    IncompleteSnapshot,
    /// At a snapshot.
    Snapshot,
}

/// A join in the making.
#[derive(Debug)]
pub struct JoinRestore {
    join: Join,
    base: Base,
    scores: Vec<(ClassId, f64)>,
    /// Length of what was read since the last complete snapshot began; of one that its writer did not finish, nothing may be
    /// deleted.
    bytes: usize,
    /// The same since the last one that began, while it is not complete.
    arriving_bytes: Option<usize>,
    is_empty: bool,
    pace: SnapshotPace,
}

impl JoinRestore {
    /// Nothing was read yet.
    pub fn new(settings: Arc<Settings>, with_labelled: bool, pace: SnapshotPace) -> Self {
        JoinRestore {
            join: Join::new(settings, with_labelled),
            base: Base::Unknown,
            scores: Vec::new(),
            bytes: 0,
            arriving_bytes: None,
            is_empty: true,
            pace,
        }
    }

    /// Applies one piece of a delta; pieces come in the order in which they were committed.
    ///
    /// # Errors
    /// If the log is not what a join writes, or was written under a configuration that meant something else.
    pub fn apply(&mut self, mut piece: &[u8]) -> Result<(), RestoreError> {
        self.count(piece.len());
        self.is_empty = false;
        while !piece.is_empty() {
            self.entry(&mut piece)?;
        }
        Ok(())
    }

    /// Takes note of a commit or a piece of one, `bytes` long: also of those in which nothing changed.
    pub fn count(&mut self, bytes: usize) {
        let bytes = bytes + COMMIT_BYTES;
        self.bytes += bytes;
        if let Some(arriving) = &mut self.arriving_bytes {
            *arriving += bytes;
        }
    }

    /// The join as it was after the last commit; a fresh one if nothing was ever logged.
    ///
    /// # Errors
    /// If the log lacks a part.
    pub fn finish(mut self) -> Result<Join, RestoreError> {
        match self.base {
            Base::Unknown if self.is_empty => {}
            Base::Unknown => return Err(corrupt("the log is empty where it begins")),
            Base::IncompleteSnapshot => return Err(corrupt("the log begins with a snapshot that is not complete")),
            Base::Genesis | Base::Snapshot => {}
        }
        self.join.log = Some(StateLog {
            names: LoggedNames::all(self.join.names()),
            is_new: self.is_empty,
            bytes: self.bytes,
            pace: self.pace,
            ..StateLog::default()
        });
        // What is new since then is logged with the first commit.
        let newest = self.join.time.newest(Role::Predictions);
        self.join.deviations = self.join.registry.begin_terms(newest);
        self.join.keep_promises();
        self.join.pending.log_changes();
        self.join.labels.log_changes();
        if let Some(reached) = self.join.time.reached() {
            self.join.labels.restore_passed(reached - self.join.allowed_lateness_ms);
        }
        Ok(self.join)
    }

    fn entry(&mut self, input: &mut &[u8]) -> Result<(), RestoreError> {
        let (tag, in_snapshot) = Tag::take(input)?;
        // A snapshot says what is known already, unless the log begins with it.
        let is_new = match self.base {
            Base::Unknown if !matches!(tag, Tag::Genesis | Tag::SnapshotStart) => {
                return Err(corrupt("the log has neither a beginning nor a snapshot where it begins"));
            }
            Base::Unknown => true,
            Base::IncompleteSnapshot => true,
            Base::Genesis | Base::Snapshot => !in_snapshot,
        };
        match tag {
            Tag::Genesis if self.base == Base::Unknown => self.base = Base::Genesis,
            Tag::Genesis => return Err(corrupt("the log begins twice")),
            Tag::SnapshotStart => {
                self.arriving_bytes = Some(0);
                if self.base == Base::Unknown {
                    self.base = Base::IncompleteSnapshot;
                }
            }
            Tag::SnapshotEnd => {
                self.bytes = self.arriving_bytes.take().unwrap_or(self.bytes);
                if self.base == Base::IncompleteSnapshot {
                    self.base = Base::Snapshot;
                }
            }
            Tag::Row => {
                let row = entry::take_row(input)?;
                if is_new {
                    self.row(row, None)?;
                }
            }
            Tag::RowWithPayload => {
                let row = entry::take_row(input)?;
                let id = entry::take_payload(input, &mut self.scores)?;
                if is_new {
                    self.row(row, Some(id))?;
                }
            }
            Tag::RowChanged => {
                let name = entry::take_row_name(input)?;
                let settled = entry::take_settled(input)?;
                self.known(|join| join.pending.restore_change(name, settled), "a change of a prediction")?;
            }
            Tag::RowsDropped => self.join.pending.restore_dropped(entry::take_time(input)?),
            Tag::Label => {
                let label = entry::take_label(input)?;
                if is_new {
                    self.join.labels.insert(label);
                }
            }
            Tag::LabelChanged => {
                let name = entry::take_label_name(input)?;
                let outcome = entry::take_outcome(input)?;
                self.known(|join| join.labels.change(name, outcome), "a change of a label")?;
            }
            Tag::LabelsDropped => self.join.labels.restore_dropped(entry::take_time(input)?),
            Tag::Terms => {
                let settings = names::take_terms(input)?;
                if is_new {
                    self.join.registry.restore_terms(settings);
                }
            }
            Tag::Model => {
                let (name, terms) = names::take_model(input)?;
                if is_new {
                    self.model(&name, terms)?;
                }
            }
            Tag::Class => {
                let (model, name) = names::take_class(input)?;
                if is_new {
                    self.join.registry.restore_class(model, name).ok_or_else(|| corrupt("a class of no model"))?;
                }
            }
            Tag::Series => {
                let series = names::take_series(input, &self.join.registry)?;
                if is_new {
                    self.join.registry.restore_series(series);
                }
            }
            Tag::Text => {
                let text = take_text(input)?;
                if is_new {
                    self.join.texts.restore(text);
                }
            }
            Tag::Source => {
                let origin = names::take_source(input)?;
                if is_new {
                    self.join.sources.intern(&origin);
                }
            }
            Tag::Progress => self.progress(input)?,
        }
        Ok(())
    }

    fn row(&mut self, row: PendingRow, payload: Option<Option<Arc<str>>>) -> Result<(), RestoreError> {
        if row.series.0 as usize >= self.join.registry.all_series().len() {
            return Err(corrupt("a prediction of no series"));
        }
        let payload = match &payload {
            None => Payload::default(),
            Some(id) => Payload { scores: &self.scores, request_id: id.as_deref() },
        };
        self.join.pending.restore_row(row, payload);
        Ok(())
    }

    fn model(&mut self, name: &str, terms: usize) -> Result<(), RestoreError> {
        let registry = &mut self.join.registry;
        let before = registry.all_terms().get(terms).ok_or_else(|| corrupt("a model without settings"))?;
        if let Some(why) = registry.settings().model(name).refusal(name, before) {
            return Err(RestoreError::Configuration(why));
        }
        registry.restore_model(name, TermsId(terms as u32));
        Ok(())
    }

    /// Applies a change of something that must be known, unless the snapshot that has it is still to come.
    fn known(&mut self, change: impl FnOnce(&mut Join) -> bool, what: &str) -> Result<(), RestoreError> {
        let is_held = change(&mut self.join);
        if is_held || self.base == Base::IncompleteSnapshot {
            return Ok(());
        }
        Err(corrupt(&format!("{what} that is not held")))
    }

    fn progress(&mut self, input: &mut &[u8]) -> Result<(), RestoreError> {
        let mut time = [0; StreamTime::NUMBERS];
        for number in &mut time {
            *number = take_signed(input)?;
        }
        self.join.time = StreamTime::from_numbers(time);
        let mut numbers = Accounting::default().to_numbers();
        for number in &mut numbers {
            *number = take_varint(input)?;
        }
        self.join.accounting = Accounting::from_numbers(numbers);
        self.join.registry.restore_folded(self.join.accounting.folded);
        Ok(())
    }
}

fn corrupt(what: &str) -> RestoreError {
    RestoreError::Corrupt(what.to_owned())
}
