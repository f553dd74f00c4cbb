//! Detectors of concept drift: each reads a stream of losses, one value after the other, and says when their level has
//! changed.
//!
//! A [`Detector`] holds one of six methods: [`Adwin`], [`Ddm`], [`Eddm`], [`HddmA`], [`HddmW`], [`PageHinkley`]. It starts
//! anew after a drift, and says of a drift where the change began and what the levels were before and after. Only ADWIN
//! has a good answer to that of its own: the cuts and warning zones of the others may have come by chance long before the
//! change. So all answer with ADWIN's window, of the values since the last drift, and the most significant cut of it
//! ([`cut`]). A detector takes about a kilobyte however long the stream is.
//!
//! What a detector finds depends on the order of its values, so the order is part of the definition: [`Sorter`] brings
//! outcomes of all partitions into it. Rounding depends on it too, and is the same everywhere: only operations that IEEE
//! 754 defines, and logarithms of `libm`. A state as bytes ([`Wire`]) has all of the detector, so that a restored one goes
//! on to the bit.

pub mod adwin;
mod bytes;
pub mod cut;
pub mod ddm;
pub mod eddm;
pub mod hddm_a;
pub mod hddm_w;
mod mean;
pub mod order;
#[cfg(test)]
mod order_tests;
pub mod page_hinkley;
pub mod parameters;
pub mod signal;
#[cfg(test)]
mod tests;
mod window;

pub use adwin::{Adwin, AdwinParameters};
pub use ddm::{Ddm, DdmParameters};
pub use eddm::{Eddm, EddmParameters};
pub use hddm_a::{HddmA, HddmAParameters};
pub use hddm_w::{HddmW, HddmWParameters};
pub use order::{Order, Outcome, Sorter};
pub use page_hinkley::{Direction, PageHinkley, PageHinkleyParameters};
pub use parameters::{DetectorKind, DetectorParameters, ParameterError};
pub use signal::{Change, Point, Shift, Signal, Verdict};

use crate::aggregate::wire::{Wire, WireError, put_varint, take_byte};
use crate::event::Millis;
use bytes::take_count;
use cut::CutTest;
use window::Window;

/// A detector of any kind, which numbers its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    method: Method,
    /// The values since the last drift, to find in it where a change began. Empty for ADWIN, which has its own.
    since_drift: Window,
    taken: u64,
    refused: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Method {
    Adwin(Adwin),
    Ddm(Ddm),
    Eddm(Eddm),
    HddmA(HddmA),
    HddmW(HddmW),
    PageHinkley(PageHinkley),
}

impl Detector {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// If a parameter is out of its range.
    pub fn try_new(parameters: DetectorParameters) -> Result<Detector, ParameterError> {
        let method = match parameters {
            DetectorParameters::Adwin(parameters) => Method::Adwin(Adwin::try_new(parameters)?),
            DetectorParameters::Ddm(parameters) => Method::Ddm(Ddm::try_new(parameters)?),
            DetectorParameters::Eddm(parameters) => Method::Eddm(Eddm::try_new(parameters)?),
            DetectorParameters::HddmA(parameters) => Method::HddmA(HddmA::try_new(parameters)?),
            DetectorParameters::HddmW(parameters) => Method::HddmW(HddmW::try_new(parameters)?),
            DetectorParameters::PageHinkley(parameters) => Method::PageHinkley(PageHinkley::try_new(parameters)?),
        };
        Ok(Detector { method, since_drift: Window::default(), taken: 0, refused: 0 })
    }

    /// The parameters that it was made with.
    pub fn parameters(&self) -> DetectorParameters {
        match &self.method {
            Method::Adwin(adwin) => DetectorParameters::Adwin(adwin.parameters()),
            Method::Ddm(ddm) => DetectorParameters::Ddm(ddm.parameters()),
            Method::Eddm(eddm) => DetectorParameters::Eddm(eddm.parameters()),
            Method::HddmA(hddm) => DetectorParameters::HddmA(hddm.parameters()),
            Method::HddmW(hddm) => DetectorParameters::HddmW(hddm.parameters()),
            Method::PageHinkley(test) => DetectorParameters::PageHinkley(test.parameters()),
        }
    }

    /// Which method it has.
    pub fn kind(&self) -> DetectorKind {
        self.parameters().kind()
    }

    /// Adds a value with its event time, which comes back as the time of a change. A value that the method
    /// [cannot take](DetectorKind::takes) changes nothing but the count of those that were refused.
    pub fn update(&mut self, value: f64, time: Millis) -> Signal {
        if !self.kind().takes(value) {
            self.refused += 1;
            return Signal::Stable;
        }
        let at = Point { index: self.taken, time };
        self.taken += 1;
        let verdict = match &mut self.method {
            Method::Adwin(adwin) => return adwin.update(value, at),
            Method::Ddm(ddm) => ddm.update(value),
            Method::Eddm(eddm) => eddm.update(value),
            Method::HddmA(hddm) => hddm.update(value),
            Method::HddmW(hddm) => hddm.update(value),
            Method::PageHinkley(test) => test.update(value),
        };
        let parameters = AdwinParameters::default();
        self.since_drift.insert(value, time, parameters.max_buckets as usize);
        match verdict {
            Verdict::Stable => Signal::Stable,
            Verdict::Warning => Signal::Warning,
            Verdict::Drift(shift) => {
                let window = std::mem::take(&mut self.since_drift);
                Signal::Drift(CutTest::of(&window, &parameters).change(&window, Some(shift), at))
            }
        }
    }

    /// How many values it took.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How many values it could not take.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// The kind, counts of values, what the method has, and the values since the last drift.
impl Wire for Detector {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind() as u8);
        put_varint(out, self.taken);
        put_varint(out, self.refused);
        match &self.method {
            Method::Adwin(adwin) => adwin.encode(out),
            Method::Ddm(ddm) => ddm.encode(out),
            Method::Eddm(eddm) => eddm.encode(out),
            Method::HddmA(hddm) => hddm.encode(out),
            Method::HddmW(hddm) => hddm.encode(out),
            Method::PageHinkley(test) => test.encode(out),
        }
        if self.kind() != DetectorKind::Adwin {
            self.since_drift.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        let kind = take_byte(input)?;
        let (taken, refused) = (take_count(input)?, take_count(input)?);
        let method = match DetectorKind::ALL.get(usize::from(kind)) {
            Some(DetectorKind::Adwin) => Method::Adwin(Adwin::decode(input)?),
            Some(DetectorKind::Ddm) => Method::Ddm(Ddm::decode(input)?),
            Some(DetectorKind::Eddm) => Method::Eddm(Eddm::decode(input)?),
            Some(DetectorKind::HddmA) => Method::HddmA(HddmA::decode(input)?),
            Some(DetectorKind::HddmW) => Method::HddmW(HddmW::decode(input)?),
            Some(DetectorKind::PageHinkley) => Method::PageHinkley(PageHinkley::decode(input)?),
            None => return Err(WireError::Malformed("an unknown detector")),
        };
        let has_window = !matches!(method, Method::Adwin(_));
        let since_drift = if has_window { Window::decode(input)? } else { Window::default() };
        if !since_drift.is_of(AdwinParameters::default().max_buckets as usize) {
            return Err(WireError::Malformed("a window of another form"));
        }
        Ok(Detector { method, since_drift, taken, refused })
    }
}
