//! Byte form of a batch of partials: one record per commit and destination.
//!
//! Names come once per batch, rows follow their series as distances between panes and the packed change. What the cells
//! hold as facts is folded first, so equal changes give equal bytes however they came about.

use super::*;
use crate::aggregate::first_match::{put_first_matches, take_first_matches};
use crate::aggregate::partial::{CellChange, ModelName, PartialBatch, PartialRow, Progress, SeriesName};
use crate::aggregate::{Cell, ClassId};

/// First byte: the version of the format.
const FORMAT: u8 = 1;

impl Wire for PartialBatch {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(FORMAT);
        put_signed(out, i64::from(self.partition));
        put_progress(out, self.predictions);
        put_progress(out, self.labels);
        put_varint(out, self.models.len() as u64);
        for model in &self.models {
            put_text(out, &model.id);
            put_varint(out, model.classes.len() as u64);
            model.classes.iter().for_each(|class| put_text(out, class));
            put_varint(out, model.segment_keys.len() as u64);
            model.segment_keys.iter().for_each(|key| put_text(out, key));
        }
        put_varint(out, self.series.len() as u64);
        let mut rows = self.rows.as_slice();
        for (number, series) in (0..).zip(&self.series) {
            put_varint(out, u64::from(series.model));
            put_text(out, &series.version);
            // 0: no prediction; else the number of values plus one.
            put_varint(out, series.segments.as_ref().map_or(0, |values| values.len() as u64 + 1));
            series.segments.iter().flatten().for_each(|value| put_text(out, value));
            let (own, rest) = rows.split_at(rows.partition_point(|row| row.series <= number));
            rows = rest;
            put_varint(out, own.len() as u64);
            let mut last = 0;
            for row in own {
                put_signed(out, row.pane - last);
                last = row.pane;
                row.change.to_cell().encode(out);
            }
        }
        put_first_matches(out, &self.rows);
    }

    fn decode(input: &mut &[u8]) -> Result<Self, WireError> {
        if take_byte(input)? != FORMAT {
            return Err(WireError::Malformed("an unknown format of partials"));
        }
        let partition =
            i32::try_from(take_signed(input)?).map_err(|_| WireError::Malformed("an impossible partition"))?;
        let (predictions, labels) = (take_progress(input)?, take_progress(input)?);
        let models = (0..take_length(input)?).map(|_| take_model(input)).collect::<Result<Vec<_>, _>>()?;
        let mut series = Vec::new();
        let mut rows = Vec::new();
        for number in 0..take_length(input)? {
            let name = take_series(input)?;
            let model: &ModelName =
                models.get(name.model as usize).ok_or(WireError::Malformed("a series of no model"))?;
            if name.segments.as_ref().is_some_and(|values| values.len() != model.segment_keys.len()) {
                return Err(WireError::Malformed("a segment value without a key"));
            }
            take_rows(input, number as u32, model.classes.len(), &mut rows)?;
            series.push(name);
        }
        take_first_matches(input, &mut rows)?;
        Ok(PartialBatch { partition, predictions, labels, models, series, rows })
    }
}

fn take_rows(input: &mut &[u8], series: u32, classes: usize, rows: &mut Vec<PartialRow>) -> Result<(), WireError> {
    let mut pane = 0_i64;
    for _ in 0..take_length(input)? {
        pane = pane.checked_add(take_signed(input)?).ok_or(WireError::Malformed("an impossible pane"))?;
        let cell = Cell::decode(input)?;
        if cell.max_class().is_some_and(|ClassId(class)| usize::from(class) >= classes) {
            return Err(WireError::Malformed("a class without a name"));
        }
        rows.push(PartialRow { series, pane, change: CellChange::Folded(Box::new(cell)), first_matches: Vec::new() });
    }
    Ok(())
}

fn take_model(input: &mut &[u8]) -> Result<ModelName, WireError> {
    let id = take_text(input)?;
    let classes = (0..take_length(input)?).map(|_| take_text(input)).collect::<Result<Vec<_>, _>>()?;
    let segment_keys = (0..take_length(input)?).map(|_| take_text(input)).collect::<Result<Vec<_>, _>>()?;
    Ok(ModelName { id, classes, segment_keys })
}

fn take_series(input: &mut &[u8]) -> Result<SeriesName, WireError> {
    let model = u32::try_from(take_varint(input)?).map_err(|_| WireError::Malformed("a series of no model"))?;
    let version = take_text(input)?;
    let segments = match take_length(input)? {
        0 => None,
        length => Some((1..length).map(|_| take_text(input)).collect::<Result<Box<[_]>, _>>()?),
    };
    Ok(SeriesName { model, version, segments })
}

/// Which of the two there are, in the lowest bits of a byte; then the number of checks and the time.
fn put_progress(out: &mut Vec<u8>, progress: Progress) {
    out.push(u8::from(progress.is_idle()) | u8::from(progress.newest.is_some()) << 1);
    if progress.is_idle() {
        put_varint(out, progress.idle_checks);
    }
    if let Some(newest) = progress.newest {
        put_signed(out, newest);
    }
}

fn take_progress(input: &mut &[u8]) -> Result<Progress, WireError> {
    let flags = take_byte(input)?;
    if flags > 3 {
        return Err(WireError::Malformed("an unknown progress"));
    }
    let idle_checks = if flags & 1 != 0 { take_varint(input)? } else { 0 };
    let newest = if flags & 2 != 0 { Some(take_signed(input)?) } else { None };
    Ok(Progress { newest, idle_checks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{BinaryOutcome, Count, LabelFact, Observation, PartialBuilder, QualityOutcome, SeriesId};

    const DAY: i64 = 86_400_000;

    fn late_label(pane: i64, score: f64) -> Observation<QualityOutcome<'static>> {
        let outcome =
            QualityOutcome::Binary(BinaryOutcome { score: Some(score), predicted: score >= 0.5, actual: true });
        Observation::Matched(LabelFact { time: pane + 90 * DAY, delay_ms: 90 * DAY - 1234, outcome })
    }

    fn batch(labels: i64) -> PartialBatch {
        let mut builder = PartialBuilder::default();
        for i in 0..labels {
            builder.observe(SeriesId(0), i * 60_000, &late_label(i * 60_000, (i as f64 + 0.7) / (labels + 1) as f64));
        }
        let rows = builder.take().into_iter().map(|((_, pane), change)| PartialRow {
            series: 0,
            pane,
            change,
            first_matches: Vec::new(),
        });
        PartialBatch {
            partition: 3,
            predictions: Progress { newest: Some(1_700_000_000_000), idle_checks: 0 },
            labels: Progress { newest: None, idle_checks: 300 },
            models: vec![ModelName {
                id: "fraud".into(),
                classes: vec!["a".into()],
                segment_keys: vec!["country".into()],
            }],
            series: vec![SeriesName { model: 0, version: "7".into(), segments: Some(["DE".into()].into()) }],
            rows: rows.collect(),
        }
    }

    fn encoded(batch: &PartialBatch) -> Vec<u8> {
        let mut bytes = Vec::new();
        batch.encode(&mut bytes);
        bytes
    }

    #[test]
    fn a_late_label_for_a_pane_of_its_own_costs_at_most_32_bytes() {
        let per_label = (encoded(&batch(1_001)).len() - encoded(&batch(1)).len()) as f64 / 1_000.0;
        assert!(per_label <= 32.0, "{per_label} bytes");
    }

    #[test]
    fn a_batch_comes_back_as_it_was_and_rows_only_folded() {
        let before = batch(5);
        let bytes = encoded(&before);
        let after = PartialBatch::decode(&mut bytes.as_slice()).expect("what was encoded");
        assert_eq!((after.partition, after.predictions, after.labels), (3, before.predictions, before.labels));
        assert_eq!((&after.models, &after.series), (&before.models, &before.series));
        for (a, b) in after.rows.iter().zip(&before.rows) {
            assert_eq!((a.series, a.pane, a.change.to_cell()), (b.series, b.pane, b.change.to_cell()));
            assert_eq!(a.change.to_cell().count(Count::Matched), 1);
        }
        assert_eq!(after.rows.len(), 5);
        assert_eq!(encoded(&after), bytes, "the form is canonical");
    }

    #[test]
    fn parts_of_a_batch_hold_its_rows_and_only_the_names_they_need() {
        let mut whole = batch(6);
        whole.models.push(ModelName { id: "churn".into(), classes: Vec::new(), segment_keys: Vec::new() });
        whole.series.push(SeriesName { model: 1, version: "".into(), segments: None });
        whole.rows[4].series = 1;
        whole.rows[5].series = 1;
        let [fraud, churn] = ["fraud", "churn"].map(|id| whole.of_models(|model| &*model.id == id));
        assert_eq!((fraud.rows.as_slice(), fraud.series.len(), fraud.models.len()), (&whole.rows[..4], 1, 1));
        assert_eq!((churn.rows.len(), churn.rows[0].series, &*churn.models[0].id), (2, 0, "churn"));
        let [first, second] = whole.halves().expect("several rows");
        assert_eq!((first.rows.len(), first.series.len()), (3, 1));
        assert_eq!((second.rows.len(), second.series.len(), second.models.len()), (3, 2, 2));
        assert_eq!((second.partition, second.predictions), (whole.partition, whole.predictions));
    }

    #[test]
    fn bytes_that_are_cut_off_or_damaged_are_an_error_and_never_a_panic() {
        let bytes = encoded(&batch(3));
        for end in 0..bytes.len() {
            assert!(PartialBatch::decode(&mut &bytes[..end]).is_err(), "cut at {end}");
        }
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                let _ = PartialBatch::decode(&mut damaged.as_slice());
            }
        }
        assert!(PartialBatch::decode(&mut [FORMAT + 1].as_slice()).is_err(), "a newer format is refused");
    }
}
