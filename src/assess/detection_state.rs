//! The detectors of a model as bytes, and what of them a changed configuration keeps.
//!
//! A detector goes on if it is configured with the same parameters still, and reads the same losses in the same order; one
//! that is new begins with what is read from then on.

use super::cells::{GroupId, VersionId};
use super::detection::{Detection, Firing, Source, Tally};
use super::window::PublishedSeries;
use crate::aggregate::wire::{
    Wire, WireError, put_double, put_signed, put_varint, take_byte, take_double, take_length, take_signed, take_varint,
};
use crate::drift::detectors::{Detector, DetectorParameters, Sorter};
use crate::event::{Detectors, LossKind, Millis};

/// How many groups and versions the model has: numbers of others are none that were written.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Groups.
    pub groups: usize,
    /// Versions.
    pub versions: usize,
}

impl Detection {
    /// Appends everything to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.settings.loss as u8);
        out.push(u8::from(self.settings.by_segment));
        put_varint(out, self.settings.methods.len() as u64);
        for parameters in &self.settings.methods {
            Detector::try_new(*parameters).expect("the configuration was checked").encode(out);
        }
        self.sorter.encode(out);
        put_signed(out, self.read_until);
        put_varint(out, self.sources.len() as u64);
        for source in &self.sources {
            put_version(out, source.version);
            put_varint(out, source.groups.len() as u64);
            source.groups.iter().for_each(|group| put_varint(out, u64::from(group.0)));
        }
        put_varint(out, self.streams.len() as u64);
        for (series, detectors) in &self.streams {
            put_series(out, *series);
            detectors.iter().for_each(|detector| detector.encode(out));
        }
        put_varint(out, self.tallies.len() as u64);
        for (pane, of_pane) in &self.tallies {
            put_signed(out, *pane);
            put_varint(out, of_pane.len() as u64);
            for (series, tallies) in of_pane {
                put_series(out, *series);
                tallies.iter().for_each(|tally| put_tally(out, tally));
            }
        }
        put_varint(out, self.unmet.len() as u64);
        for (pane, unmet) in &self.unmet {
            put_signed(out, *pane);
            put_signed(out, *unmet);
        }
    }

    /// Reads what [`Self::encode`] wrote, and keeps of it what `today` has a use for.
    ///
    /// # Errors
    /// If the bytes are not such.
    pub fn decode(
        input: &mut &[u8],
        today: Option<&Detectors>,
        known: Known,
    ) -> Result<Option<Box<Detection>>, WireError> {
        let loss = match take_byte(input)? {
            0 => LossKind::Error,
            1 => LossKind::LogLoss,
            _ => return Err(WireError::Malformed("an unknown loss")),
        };
        let by_segment = take_flag(input)?;
        let mut methods: Vec<DetectorParameters> = Vec::new();
        for _ in 0..take_length(input)? {
            methods.push(Detector::decode(input)?.parameters());
        }
        let sorter = Sorter::decode(input)?;
        let order = sorter.order();
        let mut was = Detection::new(Detectors { loss, order, by_segment, methods });
        was.sorter = sorter;
        was.read_until = take_signed(input)?;
        for number in 0..take_length(input)? {
            let version = take_version(input, known)?;
            let groups = (0..take_length(input)?).map(|_| take_group(input, known)).collect::<Result<_, _>>()?;
            if was.number(Source { version, groups }) as usize != number {
                return Err(WireError::Malformed("a source twice"));
            }
        }
        was.take_streams(input, known)?;
        was.take_tallies(input, known)?;
        for _ in 0..take_length(input)? {
            let pane = take_signed(input)?;
            was.unmet.insert(pane, take_signed(input)?);
        }
        Ok(today.map(|today| Box::new(was.under(today))))
    }

    fn take_streams(&mut self, input: &mut &[u8], known: Known) -> Result<(), WireError> {
        for _ in 0..take_length(input)? {
            let series = take_series(input, known)?;
            let mut detectors = Vec::new();
            for parameters in &self.settings.methods {
                let detector = Detector::decode(input)?;
                if detector.parameters() != *parameters {
                    return Err(WireError::Malformed("a detector of another kind"));
                }
                detectors.push(detector);
            }
            self.streams.insert(series, detectors);
        }
        Ok(())
    }

    fn take_tallies(&mut self, input: &mut &[u8], known: Known) -> Result<(), WireError> {
        for _ in 0..take_length(input)? {
            let pane: Millis = take_signed(input)?;
            for _ in 0..take_length(input)? {
                let series = take_series(input, known)?;
                let mut tallies = Vec::new();
                for _ in &self.settings.methods {
                    tallies.push(take_tally(input)?);
                }
                self.tallies.entry(pane).or_default().insert(series, tallies);
            }
        }
        Ok(())
    }

    /// What goes on under other settings.
    fn under(self, today: &Detectors) -> Detection {
        let was = &self.settings;
        if was == today {
            return self;
        }
        if (was.loss, was.order, was.by_segment) != (today.loss, today.order, today.by_segment) {
            return Detection::new(today.clone());
        }
        let places: Vec<Option<usize>> =
            today.methods.iter().map(|method| was.methods.iter().position(|other| other == method)).collect();
        let new = |place: usize| Detector::try_new(today.methods[place]).expect("the configuration was checked");
        let streams = self.streams.into_iter().map(|(series, detectors)| {
            let kept = places.iter().enumerate().map(|(place, was)| match was {
                Some(was) => detectors[*was].clone(),
                None => new(place),
            });
            (series, kept.collect())
        });
        let of_pane = |tallies: Vec<Tally>| -> Vec<Tally> {
            places.iter().map(|was| was.map_or_else(Tally::default, |was| tallies[was])).collect()
        };
        let tallies = self.tallies.into_iter().map(|(pane, series)| {
            (pane, series.into_iter().map(|(series, tallies)| (series, of_pane(tallies))).collect())
        });
        Detection { streams: streams.collect(), tallies: tallies.collect(), settings: today.clone(), ..self }
    }
}

fn put_version(out: &mut Vec<u8>, version: Option<VersionId>) {
    put_varint(out, version.map_or(0, |version| u64::from(version.0) + 1));
}

fn take_version(input: &mut &[u8], known: Known) -> Result<Option<VersionId>, WireError> {
    match take_varint(input)?.checked_sub(1) {
        None => Ok(None),
        Some(version) if version < known.versions as u64 => Ok(Some(VersionId(version as u32))),
        Some(_) => Err(WireError::Malformed("an unknown version")),
    }
}

fn take_group(input: &mut &[u8], known: Known) -> Result<GroupId, WireError> {
    let group = take_varint(input)?;
    if group < known.groups as u64 { Ok(GroupId(group as u32)) } else { Err(WireError::Malformed("an unknown group")) }
}

fn put_series(out: &mut Vec<u8>, (group, version): PublishedSeries) {
    put_varint(out, u64::from(group.0));
    put_version(out, version);
}

fn take_series(input: &mut &[u8], known: Known) -> Result<PublishedSeries, WireError> {
    Ok((take_group(input, known)?, take_version(input, known)?))
}

fn put_tally(out: &mut Vec<u8>, tally: &Tally) {
    put_varint(out, tally.read);
    put_varint(out, tally.fired);
    out.push(u8::from(tally.last.is_some()));
    if let Some(firing) = &tally.last {
        put_varint(out, firing.read);
        put_signed(out, firing.began);
        put_double(out, firing.before);
        put_double(out, firing.after);
    }
}

fn take_tally(input: &mut &[u8]) -> Result<Tally, WireError> {
    let (read, fired) = (take_count(input)?, take_count(input)?);
    let last = match take_flag(input)? {
        false => None,
        true => Some(Firing {
            read: take_count(input)?,
            began: take_signed(input)?,
            before: take_double(input)?,
            after: take_double(input)?,
        }),
    };
    Ok(Tally { read, fired, last })
}

fn take_flag(input: &mut &[u8]) -> Result<bool, WireError> {
    match take_byte(input)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(WireError::Malformed("neither yes nor no")),
    }
}

/// Reads a count whose sums do not overflow.
fn take_count(input: &mut &[u8]) -> Result<u64, WireError> {
    const COUNT_MAX: u64 = 1 << 48;
    let count = take_varint(input)?;
    if count > COUNT_MAX { Err(WireError::Malformed("a count is too large")) } else { Ok(count) }
}
