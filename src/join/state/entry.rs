//! One entry of the join's log as bytes: a tag, then what it says. The log is written through the network and kept by each
//! replica, and most of it is predictions and what became of them: what is mostly small in these is a varint.
//!
//! Entries of a snapshot are marked: they say what is already known to whoever has read the log from its beginning.

use crate::aggregate::ClassId;
use crate::aggregate::wire::{
    WireError, put_signed, put_text, put_varint, take_byte, take_bytes, take_length, take_signed, take_text,
    take_varint,
};
use crate::event::Millis;
use crate::join::accounting::LabelOutcome;
use crate::join::labels::LabelRow;
use crate::join::pending::{Payload, PayloadAt, PendingRow, RowKind, Settled};
use crate::join::request::RequestKey;
use crate::join::series::SeriesId;
use std::sync::Arc;

/// What an entry is. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// The log begins here: nothing came before.
    Genesis = 1,
    /// A prediction without payload that is held.
    Row = 2,
    /// A prediction with class scores or its request id.
    RowWithPayload = 3,
    /// A held prediction waits again, has another label, or is no more.
    RowChanged = 4,
    /// Predictions of earlier times are dropped.
    RowsDropped = 5,
    /// A label that is remembered.
    Label = 6,
    /// Something became of a remembered label, or it is no more.
    LabelChanged = 7,
    /// Labels of earlier times are dropped.
    LabelsDropped = 8,
    /// The next model.
    Model = 9,
    /// The next class of a model.
    Class = 10,
    /// The next series.
    Series = 11,
    /// The next text of labels.
    Text = 12,
    /// The next source of labels.
    Source = 13,
    /// Stream time and accounting after the commit.
    Progress = 14,
    /// A snapshot begins: whoever starts to read here needs nothing from before.
    SnapshotStart = 15,
    /// The snapshot is complete.
    SnapshotEnd = 16,
    /// The next settings of models.
    Terms = 17,
}

impl Tag {
    const ALL: [Tag; 17] = [
        Tag::Genesis,
        Tag::Row,
        Tag::RowWithPayload,
        Tag::RowChanged,
        Tag::RowsDropped,
        Tag::Label,
        Tag::LabelChanged,
        Tag::LabelsDropped,
        Tag::Model,
        Tag::Class,
        Tag::Series,
        Tag::Text,
        Tag::Source,
        Tag::Progress,
        Tag::SnapshotStart,
        Tag::SnapshotEnd,
        Tag::Terms,
    ];
    /// Set in the byte of an entry that is part of a snapshot.
    const IN_SNAPSHOT: u8 = 0x80;

    /// The tag as a byte.
    pub fn byte(self, in_snapshot: bool) -> u8 {
        self as u8 | if in_snapshot { Self::IN_SNAPSHOT } else { 0 }
    }

    /// Reads a tag, and whether its entry is part of a snapshot.
    pub fn take(input: &mut &[u8]) -> Result<(Tag, bool), WireError> {
        let byte = take_byte(input)?;
        let number = usize::from(byte & !Self::IN_SNAPSHOT).wrapping_sub(1);
        let tag = Tag::ALL.get(number).copied().ok_or(WireError::Malformed("an unknown entry"))?;
        Ok((tag, byte & Self::IN_SNAPSHOT != 0))
    }
}

/// Which held prediction a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowName {
    pub key: RequestKey,
    pub time: Millis,
    pub series: SeriesId,
    pub is_failed: bool,
}

impl RowName {
    /// The name of `row`: no two that are held at once have the same.
    pub fn of(row: &PendingRow) -> RowName {
        RowName { key: row.key, time: row.time, series: row.series, is_failed: row.kind == RowKind::Failed }
    }
}

/// Which remembered label a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelName {
    pub key: RequestKey,
    pub time: Millis,
    pub arrival: u64,
}

pub fn put_row(out: &mut Vec<u8>, row: &PendingRow) {
    out.extend_from_slice(&row.key.0.to_le_bytes());
    put_signed(out, row.time);
    out.extend_from_slice(&row.output.to_bits().to_le_bytes());
    put_varint(out, u64::from(row.series.0));
    put_varint(out, u64::from(row.class));
    put_settled(out, row.settled);
    out.push(row.kind as u8);
}

pub fn take_row(input: &mut &[u8]) -> Result<PendingRow, WireError> {
    Ok(PendingRow {
        key: RequestKey(u128::from_le_bytes(take_array(input)?)),
        time: take_signed(input)?,
        output: f64::from_bits(u64::from_le_bytes(take_array(input)?)),
        series: take_series(take_varint(input)?)?,
        payload: PayloadAt::NONE,
        class: u16::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("an unknown class"))?,
        settled: take_settled(input)?,
        kind: RowKind::ALL
            .get(usize::from(take_byte(input)?))
            .copied()
            .ok_or(WireError::Malformed("an unknown kind of row"))?,
    })
}

pub fn put_payload(out: &mut Vec<u8>, payload: Payload) {
    put_varint(out, payload.scores.len() as u64);
    for (class, score) in payload.scores {
        out.extend_from_slice(&class.0.to_le_bytes());
        out.extend_from_slice(&score.to_bits().to_le_bytes());
    }
    out.push(u8::from(payload.request_id.is_some()));
    if let Some(id) = payload.request_id {
        put_text(out, id);
    }
}

/// Reads class scores into `scores`, and the request id.
pub fn take_payload(input: &mut &[u8], scores: &mut Vec<(ClassId, f64)>) -> Result<Option<Arc<str>>, WireError> {
    scores.clear();
    for _ in 0..take_length(input)? {
        let class = ClassId(u16::from_le_bytes(take_array(input)?));
        scores.push((class, f64::from_bits(u64::from_le_bytes(take_array(input)?))));
    }
    if take_byte(input)? == 0 { Ok(None) } else { take_text(input).map(Some) }
}

pub fn put_row_name(out: &mut Vec<u8>, name: RowName) {
    out.extend_from_slice(&name.key.0.to_le_bytes());
    put_signed(out, name.time);
    put_varint(out, u64::from(name.series.0) << 1 | u64::from(name.is_failed));
}

pub fn take_row_name(input: &mut &[u8]) -> Result<RowName, WireError> {
    let key = RequestKey(u128::from_le_bytes(take_array(input)?));
    let time = take_signed(input)?;
    let series_and_failed = take_varint(input)?;
    Ok(RowName { key, time, series: take_series(series_and_failed >> 1)?, is_failed: series_and_failed & 1 != 0 })
}

fn take_series(number: u64) -> Result<SeriesId, WireError> {
    u32::try_from(number).map(SeriesId).map_err(|_| WireError::Malformed("an unknown series"))
}

/// Writes how a row is settled: 0 where it waits, 1 where it is no more, 3 where it waits again, else 2 and the delay of
/// its label.
pub fn put_settled(out: &mut Vec<u8>, settled: Settled) {
    match settled.delay_ms() {
        None if settled == Settled::WAITING_AGAIN => out.push(3),
        None => out.push(u8::from(settled == Settled::REMOVED)),
        Some(delay_ms) => {
            out.push(2);
            put_signed(out, delay_ms);
        }
    }
}

/// Reads what [`put_settled`] wrote.
pub fn take_settled(input: &mut &[u8]) -> Result<Settled, WireError> {
    match take_byte(input)? {
        0 => Ok(Settled::WAITING),
        1 => Ok(Settled::REMOVED),
        2 => take_signed(input).map(Settled::after),
        3 => Ok(Settled::WAITING_AGAIN),
        _ => Err(WireError::Malformed("an unknown way to be settled")),
    }
}

pub fn put_label(out: &mut Vec<u8>, label: &LabelRow) {
    put_label_name(out, label.name());
    out.extend_from_slice(&label.to_bytes());
}

pub fn take_label(input: &mut &[u8]) -> Result<LabelRow, WireError> {
    let name = take_label_name(input)?;
    LabelRow::from_bytes(name, take_array(input)?).ok_or(WireError::Malformed("an unknown kind of label"))
}

pub fn put_label_name(out: &mut Vec<u8>, name: LabelName) {
    out.extend_from_slice(&name.key.0.to_le_bytes());
    out.extend_from_slice(&name.time.to_le_bytes());
    out.extend_from_slice(&name.arrival.to_le_bytes());
}

pub fn take_label_name(input: &mut &[u8]) -> Result<LabelName, WireError> {
    Ok(LabelName {
        key: RequestKey(u128::from_le_bytes(take_array(input)?)),
        time: take_time(input)?,
        arrival: u64::from_le_bytes(take_array(input)?),
    })
}

/// Writes what became of a label; `None`: it is no more.
pub fn put_outcome(out: &mut Vec<u8>, outcome: Option<LabelOutcome>) {
    out.push(outcome.map_or(u8::MAX, |outcome| outcome as u8));
}

pub fn take_outcome(input: &mut &[u8]) -> Result<Option<LabelOutcome>, WireError> {
    match take_byte(input)? {
        u8::MAX => Ok(None),
        byte => {
            let outcome = LabelOutcome::ALL.get(usize::from(byte)).copied();
            outcome.map(Some).ok_or(WireError::Malformed("an unknown outcome of a label"))
        }
    }
}

pub fn take_time(input: &mut &[u8]) -> Result<Millis, WireError> {
    take_array(input).map(i64::from_le_bytes)
}

pub fn take_array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], WireError> {
    let mut array = [0; N];
    array.copy_from_slice(take_bytes(input, N)?);
    Ok(array)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest delay that a row keeps, in ms: 2^39 − 2.
    const DELAY_MAX_MS: Millis = (1 << 39) - 2;

    fn settled() -> Vec<Settled> {
        let delays = [-DELAY_MAX_MS, -1, 0, 1, 86_400_000, DELAY_MAX_MS].map(Settled::after);
        [Settled::WAITING, Settled::WAITING_AGAIN, Settled::REMOVED].into_iter().chain(delays).collect()
    }

    #[test]
    fn rows_and_their_names_come_back_from_bytes() {
        let times = [Millis::MIN, -1, 0, 1_767_225_600_000, Millis::MAX];
        for (time, settled) in
            times.into_iter().flat_map(|time| settled().into_iter().map(move |settled| (time, settled)))
        {
            for (series, kind) in
                [0, 63, u32::MAX].into_iter().flat_map(|series| RowKind::ALL.map(|kind| (series, kind)))
            {
                let row = PendingRow {
                    key: RequestKey(u128::MAX / 3),
                    time,
                    output: f64::NAN,
                    series: SeriesId(series),
                    payload: PayloadAt::NONE,
                    class: u16::MAX,
                    settled,
                    kind,
                };
                let mut bytes = Vec::new();
                put_row(&mut bytes, &row);
                put_row_name(&mut bytes, RowName::of(&row));
                let input = &mut bytes.as_slice();
                let read = take_row(input).unwrap();
                assert_eq!((read.key, read.time, read.output.to_bits()), (row.key, time, row.output.to_bits()));
                assert_eq!((read.series, read.class, read.settled, read.kind), (row.series, row.class, settled, kind));
                assert_eq!(take_row_name(input), Ok(RowName::of(&row)));
                assert!(input.is_empty());
            }
        }
    }

    #[test]
    fn a_waiting_row_is_short() {
        let mut bytes = vec![Tag::Row.byte(false)];
        put_row(
            &mut bytes,
            &PendingRow {
                key: RequestKey(1),
                time: 1_767_225_600_000,
                output: 0.25,
                series: SeriesId(20),
                payload: PayloadAt::NONE,
                class: 1,
                settled: Settled::WAITING,
                kind: RowKind::Binary,
            },
        );
        assert_eq!(bytes.len(), 35);
    }

    #[test]
    fn another_way_to_be_settled_is_refused() {
        assert!(take_settled(&mut [4].as_slice()).is_err());
    }
}
