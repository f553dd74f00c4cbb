//! Partitions that are written in bursts and read each at its own pace, by processes that die, hand over and commit in
//! transactions that overlap, and looked at now and then, not always with an answer: however that is interleaved, what was
//! written in the order of event time is never late, and what is published is what one reader says that reads all in that
//! order.

use super::*;
use crate::aggregate::Wire;
use crate::aggregate::partial::PartialBatch;
use crate::assess::Revisions;
use crate::drift::draw::Draw;
use crate::event::{MetricRow, Settings};
use crate::stage::JoinStage;
use crate::stage::block::Block;
use crate::stage::intake::Intake;
use crate::stage::work::{Fetched, FetchedRecord, OutputId, Stage};
use crate::task::AssessTask;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

const MINUTE: usize = 60_000;
const START: Millis = 1_700_000_000_000;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Short against what is written at once: whoever runs ahead of what is unread loses it.
const CONFIGURATION: &str = "{topics: {predictions: p, labels: l}, defaults: {task: binary, windows: [1h], \
                             label_horizon: 2h, correction_horizon: 1m, early_label_retention: 1m, allowed_lateness: 0s, detectors: {adwin: {delta: 0.5, clock: 1}, ddm: {warm_start: 3}, \
                             page_hinkley: {threshold: 1}}}}";

fn one_of<T: Copy>(draw: &mut Draw, choices: &[T]) -> T {
    choices[draw.below(choices.len())]
}

/// A record: its input, its request and its JSON.
type Record = (usize, usize, String);

/// Predictions every ten minutes or so, each with a label within two hours, in the order of event time. Both topics end
/// with the same time.
fn history() -> Vec<Record> {
    let mut dice = Draw::new(7);
    let mut records: Vec<(Millis, Record)> = Vec::new();
    let predictions = 3_000;
    let mut time = START;
    for id in 0..predictions {
        time += dice.below(20 * MINUTE) as Millis;
        let score = dice.below(1_000) as f64 / 1_000.0;
        let prediction = format!(r#"{{"request_id":"r{id}","model_id":"m","timestamp":{time},"score":{score}}}"#);
        records.push((time, (0, id, prediction)));
        let at = time + dice.below(120 * MINUTE) as Millis;
        let label = dice.below(2);
        records.push((at, (1, id, format!(r#"{{"request_id":"r{id}","timestamp":{at},"label":{label}}}"#))));
    }
    records.retain(|(at, _)| *at <= time);
    let id = predictions - 1;
    records.push((time, (1, id, format!(r#"{{"request_id":"r{id}","timestamp":{time},"label":1}}"#))));
    records.sort_by_key(|(time, (input, ..))| (*time, *input));
    records.into_iter().map(|(_, record)| record).collect()
}

/// A partition with the process that has it.
struct Partition {
    written: [Vec<String>; 2],
    fetched: [usize; 2],
    /// How far that was at the last commit.
    committed: [usize; 2],
    tasks: Tasks,
    /// The tag of its assignment.
    tag: Tag,
    /// Blocks of its changelog.
    log: Vec<Vec<u8>>,
    /// A commit that is under way.
    commit: Option<Commit>,
    /// Open, and with what was found once somebody has looked.
    questions: Vec<(Question, Option<bool>)>,
}

/// A transaction of one partition.
struct Commit {
    parts: Vec<Part>,
    /// Where its records are among the partials.
    partials: Range<usize>,
    fetched: [usize; 2],
}

/// A record of the partials, and whether its transaction was committed, once that is known.
type Partial = (PartialBatch, Option<bool>);

impl Partition {
    fn new(stage: &JoinStage, number: i32, at: Instant) -> Partition {
        let mut partition = Partition {
            written: Default::default(),
            fetched: [0; 2],
            committed: [0; 2],
            tasks: Tasks::default(),
            tag: 0,
            log: Vec::new(),
            commit: None,
            questions: Vec::new(),
        };
        partition.restart(stage, number, at);
        partition
    }

    /// Another process takes it, and goes on where its log ends.
    fn restart(&mut self, stage: &JoinStage, number: i32, at: Instant) {
        let (mut restore, mut commit) = (stage.restore(number), 0);
        for block in &self.log {
            let block = Block::decode(block).expect("whole");
            restore.apply(&block.next, &block.payload).expect("its own log");
            commit = block.commit;
        }
        let restored = restore.finish().expect("its own log");
        let positions = self.committed.iter().map(|position| *position as i64).collect();
        self.tag += 1;
        (self.tasks, self.fetched) = (Tasks::default(), self.committed);
        self.questions.clear();
        let (tag, topics) = (self.tag, vec![None, None]);
        let task = RestoredTask { partition: number, tag, restored, commit, positions, topics, is_late_start: false };
        self.tasks.start(task, tag, at);
    }

    fn is_read(&self) -> bool {
        self.committed == [0, 1].map(|input| self.written[input].len())
    }

    fn fetch(&mut self, number: i32, input: usize, most: usize, at: Instant) {
        let from = self.fetched[input];
        let to = (from + most).min(self.written[input].len());
        let mut fetched = Fetched::default();
        for offset in from..to {
            let start = fetched.bytes.len() as u32;
            fetched.bytes.extend_from_slice(self.written[input][offset].as_bytes());
            let value = Some(start..fetched.bytes.len() as u32);
            let (offset, headers) = (offset as i64, Vec::new());
            fetched.records.push(FetchedRecord { offset, timestamp: None, key: None, value, headers });
        }
        self.fetched[input] = to;
        let (input, place) = (InputId(input as u8), Intake::new(1).take(0));
        self.tasks
            .step(vec![Batch { partition: number, tag: self.tag, input, fetched, place }], 0, at)
            .expect("good records");
    }

    fn ask(&mut self, at: Instant) {
        let asked = self.tasks.silent(TIMEOUT, at);
        self.questions.extend(asked.into_iter().map(|question| (question, None)));
    }

    /// Somebody looks at what one of the questions asks for.
    fn look(&mut self, dice: &mut Draw) {
        let place = dice.below(self.questions.len().max(1));
        if let Some((question, found)) = self.questions.get_mut(place) {
            let written = &self.written[usize::from(question.input.0)];
            let answers = dice.below(8) != 0;
            found.get_or_insert(answers && question.position == written.len() as i64);
        }
    }

    fn answer(&mut self, dice: &mut Draw, at: Instant) {
        let place = dice.below(self.questions.len().max(1));
        if let Some((question, Some(found))) = self.questions.get(place).copied() {
            self.questions.remove(place);
            self.tasks.answer(question, found, 0, at);
        }
    }

    fn begin_commit(&mut self, number: i32, partials: &mut Vec<Partial>) {
        let parts = self.tasks.commit("join", &[number], 0);
        let first = partials.len();
        for record in parts.iter().flat_map(|part| &part.outputs) {
            assert_eq!(record.output, OutputId(0), "nothing is a dead letter");
            let value = record.value.as_deref().expect("partials");
            partials.push((PartialBatch::decode(&mut &value[..]).expect("partials"), None));
        }
        self.commit = Some(Commit { parts, partials: first..partials.len(), fetched: self.fetched });
    }

    fn end_commit(&mut self, is_durable: bool, partials: &mut [Partial]) {
        let Some(commit) = self.commit.take() else { return };
        partials[commit.partials].iter_mut().for_each(|partial| partial.1 = Some(is_durable));
        if is_durable {
            self.log.extend(commit.parts.iter().flat_map(Part::blocks).cloned());
            self.tasks.committed(&commit.parts);
            self.committed = commit.fetched;
        }
    }
}

/// What ASSESS has published last, by id.
#[derive(Default)]
struct Fold(BTreeMap<String, MetricRow>);

impl Fold {
    fn add(&mut self, rows: Vec<MetricRow>) {
        let rows = rows.into_iter().map(|row| (row.id.clone(), MetricRow { revision: 0, ..row }));
        self.0.extend(rows);
    }
}

fn stage() -> (JoinStage, Arc<Settings>) {
    let config = crate::config::parse(CONFIGURATION, "postdict.yaml", &|_| unreachable!()).expect("a configuration");
    let settings = Arc::new(config.settings.clone());
    (JoinStage::new(Arc::new(config), 1).expect("there are no schemas"), settings)
}

/// What is published if one reader is given all in order, so that nothing it reads is ahead of anything.
fn in_order(records: &[Record]) -> BTreeMap<String, MetricRow> {
    let (stage, settings) = stage();
    let (mut dice, mut at, mut partials) = (Draw::new(1), Instant::now(), Vec::new());
    let mut partition = Partition::new(&stage, 0, at);
    for (input, _, text) in records {
        partition.written[*input].push(text.clone());
        partition.fetch(0, *input, 1, at);
    }
    let (mut assess, mut fold) = (AssessTask::new(settings, 1, Revisions::Final), Fold::default());
    while !assess.assess().watermark().is_settled() {
        partition.begin_commit(0, &mut partials);
        partition.end_commit(true, &mut partials);
        let batches: Vec<PartialBatch> = partials.drain(..).map(|(batch, _)| batch).collect();
        fold.add(assess.step(&batches, 0).metrics);
        at += TIMEOUT;
        partition.ask(at);
        while !partition.questions.is_empty() {
            partition.look(&mut dice);
            partition.answer(&mut dice, at);
        }
    }
    fold.add(assess.flush(0).metrics);
    fold.0
}

/// What is published in the end, by id; and how many rows came too late.
fn published(records: &[Record], partition_count: usize, seed: u64) -> (BTreeMap<String, MetricRow>, u64) {
    let (stage, settings) = stage();
    let (mut dice, mut at) = (Draw::new(seed), Instant::now());
    let mut partitions: Vec<Partition> =
        (0..partition_count).map(|number| Partition::new(&stage, number as i32, at)).collect();
    let mut assess = AssessTask::new(Arc::clone(&settings), partition_count, Revisions::All);
    let (mut unwritten, mut partials, mut taken, mut now) = (records.iter(), Vec::<Partial>::new(), 0, 0);
    let mut fold = Fold::default();
    // Between two bursts inputs may be found idle, many times, or never.
    let pause = one_of(&mut dice, &[1, 10, 100]);
    // How rarely something dies.
    let life = one_of(&mut dice, &[3, 30, 300]);
    for _ in 0..100_000_000 {
        let number = dice.below(partition_count);
        let partition = &mut partitions[number];
        let action = dice.below(12);
        if partition.commit.is_some() && (1..10).contains(&action) {
            // Its process waits for that. It may die, and nobody knows what became of the commit but the brokers; or hand
            // over after it.
            // Not for ever: who dies faster than it looks at its inputs does not come to rest.
            let may = |dice: &mut Draw, one_in: usize| dice.below(one_in) == 0 && unwritten.len() > 0;
            let (ends, dies, hands_over) = (dice.below(2) == 0, may(&mut dice, life), may(&mut dice, 2 * life));
            if ends {
                partition.end_commit(!dies || dice.below(2) == 0, &mut partials);
                if dies || hands_over {
                    partition.restart(&stage, number as i32, at);
                }
            }
            continue;
        }
        // The higher its number, the less often a partition is read.
        match action {
            0 if dice.below(pause) == 0 => {
                for (input, id, text) in unwritten.by_ref().take(one_of(&mut dice, &[1, 30, 200])) {
                    partitions[id % partition_count].written[*input].push(text.clone());
                }
            }
            1..5 if dice.below(1 + 3 * number) == 0 => {
                let input = dice.below(2);
                partition.fetch(number as i32, input, one_of(&mut dice, &[1, 40, 5_000]), at);
            }
            5 => partition.ask(at),
            6 | 7 => partition.look(&mut dice),
            8 => partition.answer(&mut dice, at),
            9 => partition.begin_commit(number as i32, &mut partials),
            10 => {
                // Up to the first transaction that is still open, without those that were aborted.
                let open = partials[taken..].iter().position(|(_, is_durable)| is_durable.is_none());
                let stable = open.map_or(partials.len(), |open| taken + open);
                let to = (taken + one_of(&mut dice, &[0, 1, 50])).min(stable);
                let read = partials[taken..to].iter().filter(|(_, is_durable)| *is_durable == Some(true));
                let batches: Vec<PartialBatch> = read.map(|(batch, _)| batch.clone()).collect();
                now += 700;
                fold.add(assess.step(&batches, now).metrics);
                taken = to;
                if dice.below(20 * life) == 0 {
                    let settings = Arc::clone(&settings);
                    assess = AssessTask::restored(&assess.snapshot(), settings, partition_count, Revisions::All)
                        .expect("its own snapshot");
                }
            }
            11 => at += TIMEOUT / one_of(&mut dice, &[1, 2, 20]),
            _ => {}
        }
        if unwritten.len() == 0
            && taken == partials.len()
            && partitions.iter().all(|partition| partition.is_read() && partition.commit.is_none())
            && assess.assess().watermark().is_settled()
        {
            fold.add(assess.flush(now).metrics);
            return (fold.0, assess.assess().late_rows());
        }
    }
    panic!("it does not come to rest");
}

#[test]
fn nothing_that_was_written_in_order_is_late_however_partitions_are_read() {
    let records = history();
    let expected = in_order(&records);
    let matched = |fold: &BTreeMap<String, MetricRow>| {
        let rows = fold.values().filter(|row| &*row.metric == "matched" && row.model_version.is_empty());
        rows.filter_map(|row| row.value).sum::<f64>() as usize
    };
    let labels = records.iter().filter(|(input, ..)| *input == 1).count();
    assert_eq!(matched(&expected), labels);
    for seed in 0..12 {
        let partition_count = 1 + seed as usize % 4;
        let (fold, late) = published(&records, partition_count, seed);
        assert_eq!((matched(&fold), late), (labels, 0), "seed {seed}, {partition_count} partitions");
        assert_eq!(fold, expected, "seed {seed}, {partition_count} partitions");
    }
}
