//! The log of ASSESS as bytes: when rows were published, under which configuration, what people had said of alerts, when
//! somebody took the work up, and snapshots.

use super::work::StateError;
use crate::aggregate::wire::{WireError, put_signed, take_byte, take_bytes, take_signed};
use crate::event::alert::Control;
use crate::event::{Millis, Settings};
use crate::metrics::Metric;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// First byte of every piece of a delta: the version of its format.
pub const FORMAT: u8 = 1;

/// A part of what is long: with what stands before it, it fits a record.
pub const PART_BYTES: usize = 768 << 10;

/// What rows were published by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// The configuration.
    pub settings: Arc<Settings>,
    /// Names of all metrics that the program knew.
    pub metrics: Vec<Arc<str>>,
    /// How many rows one commit was to publish, about.
    pub rows_per_commit: usize,
}

impl Basis {
    /// Of this program.
    pub fn of_today(settings: Arc<Settings>, rows_per_commit: usize) -> Basis {
        let metrics = Metric::ALL.iter().map(|metric| metric.name().into()).collect();
        Basis { settings, metrics, rows_per_commit }
    }

    /// The metrics that it had, if they are not those of this program.
    pub fn other_metrics(&self) -> Option<&[Arc<str>]> {
        let is_same = self.metrics.iter().map(|name| &**name).eq(Metric::ALL.iter().map(|metric| metric.name()));
        (!is_same).then_some(&self.metrics)
    }
}

/// When rows were published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publication {
    /// Next offset of the partials that were not yet taken in then.
    pub position: i64,
    /// The clock that was handed in.
    pub now: Millis,
    /// All inputs were silent, so that nothing was held back.
    pub is_flush: bool,
}

/// What happened, one thing after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Rows were published.
    Published(Publication),
    /// From here on, by another basis: before anything else was taken in.
    Changed(Arc<Basis>),
    /// From here on, people have said this of alerts: before anything else was taken in.
    Control(Arc<Control>),
    /// Somebody took the work up, after it was left.
    Resumed {
        /// As of a publication.
        position: i64,
        /// The clock that was handed in.
        now: Millis,
    },
}

impl Event {
    /// Partials from here on were not yet taken in when it happened; `None`: it happened right after the event before it.
    pub fn position(&self) -> Option<i64> {
        match self {
            Event::Published(Publication { position, .. }) | Event::Resumed { position, .. } => Some(*position),
            Event::Changed(_) | Event::Control(_) => None,
        }
    }
}

/// In place of the first offset that was ever read: none was read until then.
pub const NOTHING_READ: i64 = -1;

/// What an entry begins with. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Entry {
    /// The first offset that was ever read, or [`NOTHING_READ`].
    Start = 1,
    /// Rows were published.
    Published = 2,
    /// Rows were published, and nothing was held back.
    Flushed = 3,
    /// A snapshot of so many bytes begins: of the state after what was published last.
    SnapshotStart = 4,
    /// The next so many bytes of it.
    SnapshotPart = 5,
    /// The next so many bytes of a basis, which goes on.
    BasisPart = 6,
    /// The last so many bytes of a basis, which holds from here on.
    Basis = 7,
    /// So many bytes: the name of a model that was seen for the first time.
    Model = 8,
    /// The next so many bytes of what people have said of alerts, which goes on.
    ControlPart = 9,
    /// The last so many bytes of it, which holds from here on.
    Control = 10,
    /// Somebody took the work up at this time.
    Resumed = 11,
}

/// A piece with this entry; what belongs to it may be appended.
pub fn piece(entry: Entry, number: i64) -> Vec<u8> {
    let mut piece = vec![FORMAT];
    put(&mut piece, entry, number);
    piece
}

/// Appends an entry.
pub fn put(piece: &mut Vec<u8>, entry: Entry, number: i64) {
    piece.push(entry as u8);
    put_signed(piece, number);
}

/// Appends the name of a model.
pub fn put_model(piece: &mut Vec<u8>, name: &str) {
    put(piece, Entry::Model, name.len() as i64);
    piece.extend_from_slice(name.as_bytes());
}

/// Appends a basis, in as many pieces as it needs.
pub fn put_basis(delta: &mut Vec<Vec<u8>>, basis: &Basis) {
    put_json(delta, basis, (Entry::BasisPart, Entry::Basis));
}

/// Appends what people have said of alerts, in as many pieces as it needs.
pub fn put_control(delta: &mut Vec<Vec<u8>>, control: &Control) {
    put_json(delta, control, (Entry::ControlPart, Entry::Control));
}

fn put_json(delta: &mut Vec<Vec<u8>>, value: &impl Serialize, (goes_on, ends): (Entry, Entry)) {
    let bytes = serde_json::to_vec(value).expect("it is plain values");
    let count = bytes.len().div_ceil(PART_BYTES);
    for (part, number) in bytes.chunks(PART_BYTES).zip(1..) {
        let entry = if number == count { ends } else { goes_on };
        let mut piece = piece(entry, part.len() as i64);
        piece.extend_from_slice(part);
        delta.push(piece);
    }
}

/// What rows were published by at the start of what is to be gone through again, and at its end.
#[derive(Debug)]
pub struct Bases {
    /// At the start.
    pub first: Arc<Basis>,
    /// At the end.
    pub last: Arc<Basis>,
}

/// What a log says, as far as it was read.
#[derive(Debug, Default)]
pub struct Log {
    /// The first offset that is to be read again.
    pub start: Option<i64>,
    /// What rows were published by there.
    pub first: Option<Arc<Basis>>,
    /// What they were published by last.
    pub last: Option<Arc<Basis>>,
    /// What people had said of alerts there.
    pub first_control: Arc<Control>,
    /// What they had said last.
    pub control: Arc<Control>,
    /// What happened since then.
    pub events: VecDeque<Event>,
    /// The last complete snapshot: of the state at the start.
    pub snapshot: Option<Vec<u8>>,
    /// Models that were seen.
    pub models: BTreeSet<Arc<str>>,
    /// A snapshot that is not complete yet.
    arriving: Option<Arriving>,
    /// A part of what is long.
    part: Vec<u8>,
}

/// A snapshot that is being read.
#[derive(Debug)]
struct Arriving {
    bytes: Vec<u8>,
    length: usize,
    /// Next offset of the partials that it does not hold.
    position: i64,
    /// Events that it holds.
    events: usize,
    /// What it was taken under.
    basis: Option<Arc<Basis>>,
    control: Arc<Control>,
}

impl Log {
    /// Reads a piece of a commit after which the partials go on at `position`.
    ///
    /// # Errors
    /// If it is not what ASSESS writes.
    pub fn read(&mut self, position: i64, mut piece: &[u8]) -> Result<(), StateError> {
        let input = &mut piece;
        match take_byte(input).map_err(corrupt)? {
            FORMAT => {}
            found => return Err(StateError::Newer { found: u32::from(found), known: u32::from(FORMAT) }),
        }
        while !input.is_empty() {
            self.entry(input, position)?;
        }
        Ok(())
    }

    fn entry(&mut self, input: &mut &[u8], position: i64) -> Result<(), StateError> {
        let tag = take_byte(input).map_err(corrupt)?;
        let number = take_signed(input).map_err(corrupt)?;
        let length = || usize::try_from(number).map_err(|_| StateError::Corrupt("an impossible length".to_owned()));
        let is = |entry: Entry| tag == entry as u8;
        if is(Entry::Start) {
            self.start = Some(if number == NOTHING_READ { position } else { number });
        } else if is(Entry::Published) || is(Entry::Flushed) {
            let publication = Publication { position, now: number, is_flush: is(Entry::Flushed) };
            self.events.push_back(Event::Published(publication));
        } else if is(Entry::SnapshotStart) {
            // One that its writer did not finish is never finished.
            let (length, events, basis) = (length()?, self.events.len(), self.last.clone());
            let (bytes, control) = (Vec::new(), Arc::clone(&self.control));
            self.arriving = Some(Arriving { bytes, length, position, events, basis, control });
        } else if is(Entry::SnapshotPart) {
            let bytes = take_bytes(input, length()?).map_err(corrupt)?;
            let Some(arriving) = &mut self.arriving else {
                return Err(StateError::Corrupt("a part of no snapshot".to_owned()));
            };
            arriving.bytes.extend_from_slice(bytes);
            if arriving.bytes.len() >= arriving.length {
                self.complete();
            }
        } else if is(Entry::BasisPart) || is(Entry::Basis) {
            self.part.extend_from_slice(take_bytes(input, length()?).map_err(corrupt)?);
            if is(Entry::Basis) {
                let basis = self.whole("a configuration")?;
                self.change(Arc::new(basis));
            }
        } else if is(Entry::ControlPart) || is(Entry::Control) {
            self.part.extend_from_slice(take_bytes(input, length()?).map_err(corrupt)?);
            if is(Entry::Control) {
                let control: Control = self.whole("what was said of alerts")?;
                // Snapshots repeat it.
                if control != *self.control {
                    self.control = Arc::new(control);
                    self.events.push_back(Event::Control(Arc::clone(&self.control)));
                }
            }
        } else if is(Entry::Resumed) {
            self.events.push_back(Event::Resumed { position, now: number });
        } else if is(Entry::Model) {
            let name = take_bytes(input, length()?).map_err(corrupt)?;
            let name = str::from_utf8(name).map_err(|_| StateError::Corrupt("a name that is no text".to_owned()))?;
            self.models.insert(name.into());
        } else {
            return Err(StateError::Corrupt(format!("an unknown entry {tag}")));
        }
        Ok(())
    }

    /// What has arrived in parts.
    fn whole<T: DeserializeOwned>(&mut self, what: &str) -> Result<T, StateError> {
        let read = serde_json::from_slice(&std::mem::take(&mut self.part));
        read.map_err(|error| StateError::Corrupt(format!("{what}: {error}")))
    }

    /// Snapshots repeat the basis, as the log may begin with them.
    fn change(&mut self, basis: Arc<Basis>) {
        match &self.last {
            None => self.first = Some(Arc::clone(&basis)),
            Some(last) if *last == basis => return,
            Some(_) => self.events.push_back(Event::Changed(Arc::clone(&basis))),
        }
        self.last = Some(basis);
    }

    /// Goes on from the snapshot that has arrived.
    fn complete(&mut self) {
        if let Some(arrived) = self.arriving.take() {
            self.events.drain(..arrived.events);
            self.start = Some(arrived.position);
            self.first = arrived.basis;
            self.first_control = arrived.control;
            self.snapshot = Some(arrived.bytes);
        }
    }

    /// What rows were published by at the start and at the end; `None` if the log is empty.
    ///
    /// # Errors
    /// If something is missing.
    pub fn bases(&self) -> Result<Option<Bases>, StateError> {
        if self.start.is_none() && self.events.is_empty() {
            return Ok(None);
        }
        if self.start.is_none() {
            return Err(StateError::Corrupt("the log begins with a snapshot that is not complete".to_owned()));
        }
        match (&self.first, &self.last) {
            (Some(first), Some(last)) => Ok(Some(Bases { first: Arc::clone(first), last: Arc::clone(last) })),
            _ => Err(StateError::Corrupt("the log does not say what rows were published by".to_owned())),
        }
    }
}

fn corrupt(error: WireError) -> StateError {
    StateError::Corrupt(error.to_string())
}
