//! Drives the two tasks over a world: any interleaving of the topics, batches, commits, partitions and threads.

use super::announced::Announced;
use super::naive::AtEnd;
use super::published::Published;
use super::world::World;
use postdict::aggregate::partial::PartialBatch;
use postdict::assess::Revisions;
use postdict::codec::{LabelDecoder, Message, PredictionDecoder};
use postdict::config::Config;
use postdict::event::{AlertRow, LabelBatch, MetricRow, Millis, Origin, PredictionBatch, Reject, Role, Settings};
use postdict::join::state::{JoinDelta, JoinRestore, SnapshotMark, SnapshotPace};
use postdict::join::{Accounting, PredictionReader};
use postdict::task::{AssessTask, JoinInput, JoinTask};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::channel;

/// Which topic is read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interleaving {
    PredictionsFirst,
    LabelsFirst,
    /// The record with the earlier time, predictions first: what replay does.
    ByTime,
    Random,
}

/// How the records of a world go through the tasks. Nothing of it may show in the fold.
#[derive(Debug, Clone)]
pub struct Plan {
    pub interleaving: Interleaving,
    pub partitions: usize,
    /// Records between two commits of a partition, at most.
    pub commit_records: usize,
    /// Records in a decoded batch, at most.
    pub batch_records: usize,
    /// Offsets begin anew with every batch, as they do with every file.
    pub restarts_offsets: bool,
    /// Batches of partials that ASSESS takes in one step, at most.
    pub step_batches: usize,
    pub revisions: Revisions,
    /// Commit once more between the last record and the end of input.
    pub commits_before_end: bool,
    /// After about as many records JOIN dies, loses what it did not commit, and goes on from its log; 0: never.
    pub dies_after: usize,
    /// References that begin later are announced only when the first prediction of their time is to be read.
    pub announces: bool,
    /// One thread per partition, so that ASSESS sees their partials as they come.
    pub threads: bool,
    pub seed: u64,
}

impl Plan {
    /// As `replay` does it, with everything in one commit.
    pub fn simple() -> Plan {
        Plan {
            interleaving: Interleaving::ByTime,
            partitions: 1,
            commit_records: usize::MAX,
            batch_records: usize::MAX,
            restarts_offsets: false,
            step_batches: 1,
            revisions: Revisions::Final,
            commits_before_end: true,
            dies_after: 0,
            announces: false,
            threads: false,
            seed: 1,
        }
    }
}

/// Any way of running.
pub fn plans() -> impl Strategy<Value = Plan> {
    use Interleaving::*;
    let sizes = || prop_oneof![Just(1usize), 2..40usize, Just(usize::MAX)];
    (
        prop::sample::select(vec![PredictionsFirst, LabelsFirst, ByTime, Random, Random]),
        prop_oneof![Just(1usize), 1..=16usize],
        (sizes(), sizes(), 1..4usize),
        prop::sample::select(vec![Revisions::All, Revisions::All, Revisions::Ended, Revisions::Final]),
        (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2), any::<bool>(), any::<bool>()),
        any::<u64>(),
    )
        .prop_map(
            |(
                interleaving,
                partitions,
                (commit_records, batch_records, step_batches),
                revisions,
                (commits_before_end, restarts_offsets, threads, dies, announces),
                seed,
            )| Plan {
                interleaving,
                partitions,
                commit_records,
                batch_records,
                step_batches,
                revisions,
                commits_before_end,
                restarts_offsets,
                dies_after: if dies { 7 } else { 0 },
                announces,
                threads,
                seed,
            },
        )
}

/// What came out.
#[derive(Debug, Default)]
pub struct Run {
    pub rows: Vec<MetricRow>,
    /// Windows that are final, as records of the `profiles` topic.
    pub profiles: BTreeMap<String, String>,
    pub alerts: Vec<AlertRow>,
    pub rejects: Vec<Reject>,
    /// Of all partitions together.
    pub accounting: Accounting,
    /// Partial rows that came for final windows.
    pub late_rows: u64,
    /// Outcomes that detectors did not read.
    pub skipped_outcomes: u64,
    /// Open windows and held panes at the end.
    pub held: (usize, usize),
}

/// Random numbers from a seed: SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    /// Less than `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// Both topics of one partition as JSON text, in their order, with times.
#[derive(Debug, Default, Clone)]
pub struct Topics {
    pub predictions: Vec<(Millis, String)>,
    pub labels: Vec<(Millis, String)>,
}

/// The records of a world, spread over partitions by request id.
pub fn topics(world: &World, partitions: usize) -> Vec<Topics> {
    let mut topics = vec![Topics::default(); partitions];
    let partition_of = |id: &str| id.bytes().fold(7usize, |hash, byte| hash * 31 + usize::from(byte)) % partitions;
    for record in &world.predictions {
        topics[partition_of(&record.request_id)].predictions.push((record.time, record.to_json()));
    }
    for record in &world.labels {
        topics[partition_of(&record.request_id)].labels.push((record.time, record.to_json()));
    }
    topics
}

/// Runs `world` through the tasks as `plan` says.
pub fn run(world: &World, plan: &Plan, at_end: AtEnd) -> Run {
    run_topics(&world.settings, &topics(world, plan.partitions), plan, at_end)
}

/// Runs topics that are spread over partitions already.
pub fn run_topics(settings: &Arc<Settings>, topics: &[Topics], plan: &Plan, at_end: AtEnd) -> Run {
    let mut run = Run::default();
    let mut assess = Assessing::new(Arc::clone(settings), topics.len(), plan);
    if plan.threads {
        std::thread::scope(|scope| {
            let (sender, receiver) = channel();
            let partitions = topics.iter().enumerate().map(|(number, topics)| {
                let sender = sender.clone();
                scope.spawn(move || join(settings, number, topics, plan, at_end, |batch| sender.send(batch).unwrap()))
            });
            let partitions: Vec<_> = partitions.collect();
            drop(sender);
            receiver.into_iter().for_each(|batch| assess.step(&[batch]));
            for partition in partitions {
                run.add(partition.join().unwrap());
            }
        });
    } else {
        let mut batches: Vec<std::vec::IntoIter<PartialBatch>> = Vec::new();
        for (number, topics) in topics.iter().enumerate() {
            let mut of_partition = Vec::new();
            run.add(join(settings, number, topics, plan, at_end, |batch| of_partition.push(batch)));
            batches.push(of_partition.into_iter());
        }
        let mut dice = Dice(plan.seed);
        while !batches.is_empty() {
            let mut step = Vec::new();
            for _ in 0..1 + dice.below(plan.step_batches) {
                let partition = dice.below(batches.len().max(1));
                match batches.get_mut(partition).map(Iterator::next) {
                    Some(Some(batch)) => step.push(batch),
                    Some(None) => drop(batches.swap_remove(partition)),
                    None => break,
                }
            }
            assess.step(&step);
        }
    }
    assess.finish(at_end, &mut run);
    run
}

impl Run {
    fn add(&mut self, (accounting, rejects): (Accounting, Vec<Reject>)) {
        self.accounting.merge(&accounting);
        self.rejects.extend(rejects);
    }

    /// Rejects with `reason`.
    pub fn rejected(&self, reason: &str) -> usize {
        self.rejects.iter().filter(|reject| reject.reason.as_str() == reason).count()
    }

    /// The last row of each id, without its revision. Fails if revisions of an id are not 1, 2, 3 …, a row comes after a
    /// final one, or a row says nothing new.
    pub fn fold(&self) -> BTreeMap<String, MetricRow> {
        let mut fold: BTreeMap<String, MetricRow> = BTreeMap::new();
        for row in &self.rows {
            let before = fold.insert(row.id.clone(), row.clone());
            let (revision, was_final) = before.as_ref().map_or((0, false), |row| (row.revision, row.is_final));
            assert_eq!(row.revision, revision + 1, "{row:?} after {before:?}");
            assert!(!was_final, "{row:?} after the final {before:?}");
            let same = before.map(|before| MetricRow { revision: row.revision, ..before });
            assert_ne!(same.as_ref(), Some(row), "a revision says something new");
        }
        fold.values_mut().for_each(|row| row.revision = 0);
        fold
    }

    /// The fold as text, bit by bit.
    pub fn fold_text(&self) -> BTreeMap<String, String> {
        self.fold().into_iter().map(|(id, row)| (id, serde_json::to_string(&row).unwrap())).collect()
    }
}

/// ASSESS and the clock that it is handed.
struct Assessing {
    task: AssessTask,
    now: Millis,
    published: Published,
    announced: Announced,
    partitions: usize,
    revisions: Revisions,
    /// Every so many steps it goes on from a snapshot of itself; 0: never.
    restarts_after: usize,
    steps: usize,
    /// What each partition said last, without rows.
    last: BTreeMap<i32, PartialBatch>,
}

impl Assessing {
    fn new(settings: Arc<Settings>, partitions: usize, plan: &Plan) -> Assessing {
        let announced = Announced::new(&settings, plan);
        Assessing {
            task: AssessTask::new(Arc::clone(&announced.known), partitions, plan.revisions),
            now: 0,
            published: Published::default(),
            announced,
            partitions,
            revisions: plan.revisions,
            restarts_after: plan.dies_after,
            steps: 0,
            last: BTreeMap::new(),
        }
    }

    fn step(&mut self, batches: &[PartialBatch]) {
        self.now += 700;
        self.steps += 1;
        if self.restarts_after > 0 && self.steps.is_multiple_of(self.restarts_after) {
            let bytes = self.task.snapshot();
            let settings = Arc::clone(&self.announced.known);
            self.task = AssessTask::restored(&bytes, settings, self.partitions, self.revisions).unwrap();
            assert_eq!(self.task.snapshot(), bytes, "a snapshot is all that there is");
        }
        let newest = batches.iter().filter_map(|batch| batch.predictions.newest).max();
        if let Some(settings) = self.announced.news(newest) {
            self.task.change_settings(settings).unwrap();
        }
        self.task.step_to(batches, self.now, usize::MAX, &mut self.published);
        for batch in batches {
            self.last.insert(batch.partition, batch.of_models(|_| false));
        }
    }

    /// Every partition looks at its end again.
    fn look_again(&mut self) {
        for batch in self.last.values_mut() {
            batch.predictions.idle_checks += 1;
            batch.labels.idle_checks += 1;
        }
        let looks: Vec<PartialBatch> = self.last.values().cloned().collect();
        looks.iter().for_each(|batch| self.step(std::slice::from_ref(batch)));
    }

    fn finish(mut self, at_end: AtEnd, run: &mut Run) {
        if at_end == AtEnd::Hold {
            // Once to have looked after all was said, and once more to know of all that was said then.
            self.look_again();
            self.look_again();
            assert!(self.task.assess().watermark().is_settled());
        }
        match at_end {
            AtEnd::Hold => self.task.flush_to(self.now, usize::MAX, &mut self.published),
            AtEnd::Close => self.task.close_to(self.now, &mut self.published),
        };
        (run.rows, run.profiles, run.alerts) = (self.published.rows, self.published.profiles, self.published.alerts);
        run.late_rows = self.task.assess().late_rows();
        run.skipped_outcomes = self.task.assess().skipped_outcomes();
        run.held = self.task.assess().held();
    }
}

/// One topic of a partition, decoded, and how far it was read.
struct Reading<B> {
    batches: Vec<B>,
    times: Vec<Millis>,
    batch_records: usize,
    next: usize,
}

impl<B> Reading<B> {
    fn new(
        records: &[(Millis, String)],
        role: Role,
        plan: &Plan,
        mut decode: impl FnMut(&Origin, &[Message]) -> B,
    ) -> Reading<B> {
        let origin = Origin { role, topic: role.name().into(), partition: 0 };
        let batch_records = plan.batch_records.min(records.len().max(1));
        let batches = records.chunks(batch_records).zip(0..).map(|(records, batch)| {
            let first = if plan.restarts_offsets { 0 } else { batch * batch_records as i64 };
            let numbered = records.iter().zip(first..);
            let messages = numbered.map(|((_, text), offset)| Message::of_file(offset, text.as_bytes()));
            decode(&origin, &messages.collect::<Vec<_>>())
        });
        let batches = batches.collect();
        Reading { batches, times: records.iter().map(|(time, _)| *time).collect(), batch_records, next: 0 }
    }

    fn head(&self) -> Option<Millis> {
        self.times.get(self.next).copied()
    }

    /// The next record: its batch and its row there.
    fn take(&mut self) -> (&mut B, usize) {
        let number = self.next;
        self.next += 1;
        (&mut self.batches[number / self.batch_records], number % self.batch_records)
    }
}

impl Reading<PredictionReader> {
    /// What was looked up for another join, or under other settings, is worth nothing.
    fn look_up_anew(&mut self) {
        self.batches.iter_mut().for_each(|reader| *reader = PredictionReader::new(reader.batch().clone()));
    }
}

fn decode_predictions(settings: &Settings) -> impl FnMut(&Origin, &[Message]) -> PredictionReader {
    let input = Config::default().predictions;
    let mut decoder = PredictionDecoder::try_new(&input.format, &input.fields, &settings.columns()).unwrap();
    move |origin, messages| {
        let decoded = decoder.decode(origin, messages);
        assert_eq!(decoded.rejects, [], "every record of a world can be decoded");
        let batch: PredictionBatch = decoded.batch;
        PredictionReader::new(batch)
    }
}

fn decode_labels() -> impl FnMut(&Origin, &[Message]) -> LabelBatch {
    let input = Config::default().labels;
    let mut decoder = LabelDecoder::try_new(&input.format, &input.fields).unwrap();
    move |origin, messages| {
        let decoded = decoder.decode(origin, messages);
        assert_eq!(decoded.rejects, [], "every record of a world can be decoded");
        decoded.batch
    }
}

/// Runs JOIN over one partition; checks the conservation law at every commit.
pub fn join(
    settings: &Arc<Settings>,
    partition: usize,
    topics: &Topics,
    plan: &Plan,
    at_end: AtEnd,
    mut send: impl FnMut(PartialBatch),
) -> (Accounting, Vec<Reject>) {
    let mut predictions = Reading::new(&topics.predictions, Role::Predictions, plan, decode_predictions(settings));
    let mut labels = Reading::new(&topics.labels, Role::Labels, plan, decode_labels());
    let mut log = Log::default();
    let mut announced = Announced::new(settings, plan);
    let mut task = log.restored(&announced.known, partition);
    let mut dice = Dice(plan.seed.wrapping_add(partition as u64));
    let mut rejects = Vec::new();
    let mut uncommitted = Vec::new();
    let mut commit = |task: &mut JoinTask, log: &mut Log, rejected: &mut Vec<Reject>| {
        let output = task.commit();
        assert_eq!(output.accounting.check(), Ok(()), "{:?}", output.accounting);
        send(output.partials);
        log.append(output.delta);
        rejects.append(rejected);
        output.accounting
    };
    let mut since_commit = 0;
    let mut committed = (0, 0);
    loop {
        let reads_prediction = match (predictions.head(), labels.head()) {
            (None, None) => break,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(prediction), Some(label)) => match plan.interleaving {
                Interleaving::PredictionsFirst => true,
                Interleaving::LabelsFirst => false,
                Interleaving::ByTime => prediction <= label,
                Interleaving::Random => dice.below(2) == 0,
            },
        };
        uncommitted.extend(if reads_prediction {
            if let Some(settings) = announced.news(predictions.head()) {
                task.change_references(settings);
                predictions.look_up_anew();
            }
            let (reader, row) = predictions.take();
            task.step(JoinInput::Predictions(reader, row..row + 1))
        } else {
            let (batch, row) = labels.take();
            task.step(JoinInput::Labels(batch, row..row + 1))
        });
        since_commit += 1;
        if since_commit >= plan.commit_records {
            since_commit = 0;
            commit(&mut task, &mut log, &mut uncommitted);
            committed = (predictions.next, labels.next);
        }
        if plan.dies_after > 0 && dice.below(plan.dies_after) == 0 {
            (since_commit, predictions.next, labels.next) = (0, committed.0, committed.1);
            uncommitted.clear();
            task = log.restored(&announced.known, partition);
            predictions.look_up_anew();
        }
    }
    if at_end == AtEnd::Hold {
        if plan.commits_before_end {
            commit(&mut task, &mut log, &mut uncommitted);
        }
        for role in [Role::Predictions, Role::Labels] {
            task.step(JoinInput::Idle(role, true));
        }
    }
    let accounting = commit(&mut task, &mut log, &mut uncommitted);
    assert_eq!(task.take_deviations(), [], "it was announced in time");
    (accounting, rejects)
}

/// What a partition committed of its state.
#[derive(Debug, Default)]
struct Log {
    commits: Vec<JoinDelta>,
    /// The commit in which the last snapshot began.
    snapshot: Option<usize>,
}

impl Log {
    fn append(&mut self, delta: JoinDelta) {
        let mark = delta.snapshot;
        self.commits.push(delta);
        if mark.is_some_and(SnapshotMark::starts) {
            self.snapshot = Some(self.commits.len() - 1);
        }
        // Every other time nothing is deleted, so that complete snapshots are met in the middle of a log too.
        if mark.is_some_and(SnapshotMark::ends) && self.commits.len().is_multiple_of(2) {
            self.commits.drain(..self.snapshot.take().expect("what ends has begun"));
        }
    }

    /// A join that goes on from here. Snapshots are written all the time.
    fn restored(&mut self, settings: &Arc<Settings>, partition: usize) -> JoinTask {
        // A snapshot that its writer did not finish is never finished.
        self.snapshot = None;
        let pace = SnapshotPace { small_log_bytes: 400, rows_per_commit: 3 };
        let mut restore = JoinRestore::new(Arc::clone(settings), false, pace);
        for piece in self.commits.iter().flat_map(|delta| &delta.pieces) {
            restore.apply(piece).unwrap();
        }
        JoinTask::restored(partition as i32, restore).unwrap()
    }
}
