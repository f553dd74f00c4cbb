//! Partials on their way from JOIN to ASSESS: which partition a model's go to, and how they become records.

use super::work::{MAX_PAYLOAD_BYTES, Outgoing, OutputId};
use crate::aggregate::Wire;
use crate::aggregate::partial::{ModelName, PartialBatch, Progress};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// The partition of `partition_count` that `model` lives in. All of a model meets in one place; the number of partitions
/// can therefore not change while there is state.
pub fn partition_of(model: &str, partition_count: i32) -> i32 {
    let mut hash = SipHasher13::new();
    hash.write(model.as_bytes());
    (hash.finish() % partition_count.max(1) as u64) as i32
}

/// Sends the partials of one JOIN partition.
#[derive(Debug)]
pub struct PartialSender {
    output: OutputId,
    partition_count: i32,
    /// What every destination knows of the progress.
    told: Option<[Progress; 2]>,
}

impl PartialSender {
    /// To `partition_count` partitions of `output`. Nothing was told yet.
    pub fn new(output: OutputId, partition_count: i32) -> Self {
        PartialSender { output, partition_count, told: None }
    }

    /// Appends the records of one commit. Every destination hears of the progress when it has changed, also without rows:
    /// the slowest partition decides what is final.
    pub fn send(&mut self, batch: &PartialBatch, out: &mut Vec<Outgoing>) {
        let progress = [batch.predictions, batch.labels];
        let has_progressed = self.told != Some(progress);
        for destination in 0..self.partition_count {
            let is_there = |model: &ModelName| partition_of(&model.id, self.partition_count) == destination;
            let part = batch.of_models(is_there);
            if has_progressed || !part.rows.is_empty() {
                self.put(&part, destination, out);
            }
        }
        self.told = Some(progress);
    }

    fn put(&self, batch: &PartialBatch, destination: i32, out: &mut Vec<Outgoing>) {
        let mut bytes = Vec::new();
        batch.encode(&mut bytes);
        if bytes.len() > MAX_PAYLOAD_BYTES
            && let Some([mut first, second]) = batch.halves()
        {
            // Nothing may be final before the second half has come.
            [first.predictions, first.labels] = self.told.unwrap_or_default();
            self.put(&first, destination, out);
            return self.put(&second, destination, out);
        }
        out.push(Outgoing {
            output: self.output,
            partition: Some(destination),
            timestamp: None,
            key: None,
            value: Some(bytes),
            headers: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::partial::{CellChange, PartialRow, SeriesName};
    use crate::aggregate::{
        Cell, ClassId, Count, MulticlassAccumulator, Observation, OneVsRest, PartialBuilder, Quality, QualityOutcome,
        SCORE_BINS, ScoreBins, SeriesId,
    };

    fn batch(models: &[&str], panes: i64, newest: i64) -> PartialBatch {
        let mut builder = PartialBuilder::default();
        let observation: Observation<QualityOutcome> = Observation::Counted { what: Count::UnmetLabels, by: 1 };
        for number in 0..models.len() as u32 {
            (0..panes).for_each(|pane| builder.observe(SeriesId(number), pane * 1_000_003, &observation));
        }
        let rows = builder.take().into_iter();
        let name = |id: &&str| ModelName { id: (*id).into(), classes: Vec::new(), segment_keys: Vec::new() };
        let series = |model: u32| SeriesName { model, version: "".into(), segments: None };
        PartialBatch {
            partition: 3,
            predictions: Progress { newest: Some(newest), idle_checks: 0 },
            labels: Progress::default(),
            models: models.iter().map(name).collect(),
            series: (0..models.len() as u32).map(series).collect(),
            rows: rows
                .map(|((id, pane), change)| PartialRow { series: id.0, pane, change, first_matches: Vec::new() })
                .collect(),
        }
    }

    fn sent(sender: &mut PartialSender, batch: &PartialBatch) -> Vec<(i32, PartialBatch)> {
        let mut out = Vec::new();
        sender.send(batch, &mut out);
        let decoded = |record: Outgoing| {
            let bytes = record.value.expect("a value");
            assert!(bytes.len() <= MAX_PAYLOAD_BYTES);
            (record.partition.expect("a destination"), PartialBatch::decode(&mut &bytes[..]).expect("a batch"))
        };
        out.into_iter().map(decoded).collect()
    }

    #[test]
    fn a_model_is_in_one_partition_and_every_partition_hears_of_progress() {
        let mut sender = PartialSender::new(OutputId(0), 4);
        let models = ["a", "b", "c", "d", "e"];
        let records = sent(&mut sender, &batch(&models, 2, 10));
        assert_eq!(records.len(), 4);
        for (destination, part) in &records {
            assert!(part.models.iter().all(|model| partition_of(&model.id, 4) == *destination));
            assert_eq!(part.predictions.newest, Some(10));
        }
        assert_eq!(records.iter().map(|(_, part)| part.rows.len()).sum::<usize>(), 10);
        assert_eq!(sent(&mut sender, &batch(&[], 0, 10)), [], "nothing is new");
        assert_eq!(sent(&mut sender, &batch(&[], 0, 11)).len(), 4, "time went on");
        assert_eq!(sent(&mut sender, &batch(&["a"], 1, 11)).len(), 1, "only rows of one model are new");
    }

    #[test]
    fn what_does_not_fit_a_record_is_split_and_tells_of_progress_last() {
        let mut sender = PartialSender::new(OutputId(0), 1);
        let whole = batch(&["a"], 200_000, 10);
        let records = sent(&mut sender, &whole);
        assert!(records.len() > 1);
        let (last, before) = records.split_last().expect("records");
        assert!(before.iter().all(|(_, part)| part.predictions.newest.is_none()));
        assert_eq!(last.1.predictions.newest, Some(10));
        assert_eq!(records.iter().map(|(_, part)| part.rows.len()).sum::<usize>(), 200_000);
    }

    #[test]
    fn one_cell_of_many_classes_is_split_too() {
        const CLASSES: u16 = 1_000;
        let mut bins = ScoreBins::default();
        (0..SCORE_BINS as u16).for_each(|bin| bins.add(bin, 1));
        let of_a_class = OneVsRest { positives: ScoreBins::default(), negatives: bins };
        let multiclass = MulticlassAccumulator {
            confusion: (0..CLASSES).map(|class| ((ClassId(class), ClassId(0)), 3)).collect(),
            scored: 3_000,
            one_vs_rest: (0..CLASSES).map(|class| (ClassId(class), of_a_class.clone())).collect(),
            ..MulticlassAccumulator::default()
        };
        let quality = Quality { multiclass: Some(Box::new(multiclass)), ..Quality::default() };
        let mut cell = Cell::default();
        cell.quality = quality;
        cell.add_count(Count::Matched, 3_000);
        let mut whole = batch(&["m"], 1, 10);
        whole.models[0].classes = (0..CLASSES).map(|class| format!("class {class}").into()).collect();
        whole.rows[0].change = CellChange::Folded(Box::new(cell.clone()));

        let records = sent(&mut PartialSender::new(OutputId(0), 1), &whole);
        assert!(records.len() > 1);
        assert!(records.iter().rev().skip(1).all(|(_, part)| part.predictions.newest.is_none()));
        let mut sum = Cell::default();
        records.iter().flat_map(|(_, part)| &part.rows).for_each(|row| sum.merge(&row.change.to_cell()));
        assert_eq!(sum, cell);
    }
}
