//! The JOIN stage: predictions and labels in; partials, dead letters and joined rows out.

use super::partials::PartialSender;
use super::plan::{changelog_topic, partials_topic};
use super::references::{References, Seen};
use super::work::{BadRecord, Description, Fetched, InputId, Outgoing, OutputId, Restore, Restored, Stage, StageTask};
use super::work::{MAX_PAYLOAD_BYTES, StateError, Unit};
use crate::codec::{CodecError, LabelDecoder, Message, PredictionDecoder, RowEncoder};
use crate::config::Config;
use crate::event::{Millis, Origin, Reject, Role, Settings};
use crate::join::state::{JoinRestore, RestoreError, SnapshotPace};
use crate::join::{Deviation, PredictionReader};
use crate::task::{JoinInput, JoinTask};
use std::sync::Arc;

const PREDICTIONS: InputId = InputId(0);
const PARTIALS: OutputId = OutputId(0);
const DEAD_LETTERS: OutputId = OutputId(1);
const LABELLED: OutputId = OutputId(2);

/// First byte of every piece of a delta: the version of its format.
const FORMAT: u8 = 1;

/// JOIN as a stage.
pub struct JoinStage {
    config: Arc<Config>,
    references: Arc<References>,
    description: Description,
    partials_partitions: i32,
    pace: SnapshotPace,
}

impl JoinStage {
    /// By the configuration; the partials topic has `partials_partitions`.
    ///
    /// # Errors
    /// If the schemas of the inputs do not fit what is to be read of them.
    pub fn new(config: Arc<Config>, partials_partitions: i32) -> Result<JoinStage, CodecError> {
        let topics = &config.topics;
        let id = &config.kafka.application_id;
        let written = [partials_topic(id), topics.dead_letters.name.clone()];
        let labelled = topics.labelled.as_ref().map(|topic| topic.name.clone());
        let stage = JoinStage {
            references: References::new(Arc::new(config.settings.clone())),
            description: Description {
                name: "join",
                inputs: vec![topics.predictions.clone(), topics.labels.clone()],
                outputs: written.into_iter().chain(labelled).collect(),
                placed_outputs: vec![partials_topic(id)],
                changelog: changelog_topic(id, "join"),
                owns_inputs: false,
                needs_idleness: true,
            },
            partials_partitions,
            pace: SnapshotPace::default(),
            config,
        };
        decoders(&stage.config, &stage.config.settings)?;
        Ok(stage)
    }

    /// The same with snapshots at another pace.
    pub fn with_pace(self, pace: SnapshotPace) -> JoinStage {
        JoinStage { pace, ..self }
    }

    /// The same with the references that are announced, too.
    pub fn with_references(self, references: Arc<References>) -> JoinStage {
        JoinStage { references, ..self }
    }
}

fn decoders(config: &Config, settings: &Settings) -> Result<(PredictionDecoder, LabelDecoder), CodecError> {
    let (predictions, labels) = (&config.predictions, &config.labels);
    Ok((
        PredictionDecoder::try_new(&predictions.format, &predictions.fields, &settings.columns())?,
        LabelDecoder::try_new(&labels.format, &labels.fields)?,
    ))
}

impl Stage for JoinStage {
    fn description(&self) -> &Description {
        &self.description
    }

    fn restore(&self, partition: i32) -> Box<dyn Restore> {
        let seen = self.references.look();
        let (predictions, labels) = decoders(&self.config, &seen.value)
            .expect("checked when the stage was made, and of each reference when it was announced");
        let topics = &self.config.topics;
        let origin = |role: Role, topic: &str| Origin { role, topic: topic.into(), partition };
        let labelled = topics.labelled.as_ref().map(|topic| RowEncoder::labelled(topic.format));
        let state = JoinRestore::new(Arc::clone(&seen.value), labelled.is_some(), self.pace);
        Box::new(JoinWorkRestore {
            state,
            partition,
            equipment: Equipment {
                predictions,
                labels,
                origins: [origin(Role::Predictions, &topics.predictions), origin(Role::Labels, &topics.labels)],
                dead_letters: RowEncoder::dead_letters(topics.dead_letters.format),
                labelled,
                partials: PartialSender::new(PARTIALS, self.partials_partitions),
                config: Arc::clone(&self.config),
                references: Arc::clone(&self.references),
                seen,
            },
        })
    }
}

/// What a task reads and writes with.
struct Equipment {
    predictions: PredictionDecoder,
    labels: LabelDecoder,
    /// By input.
    origins: [Origin; 2],
    dead_letters: RowEncoder,
    labelled: Option<RowEncoder>,
    partials: PartialSender,
    config: Arc<Config>,
    references: Arc<References>,
    /// The references that it goes by.
    seen: Seen,
}

struct JoinWorkRestore {
    state: JoinRestore,
    partition: i32,
    equipment: Equipment,
}

impl Restore for JoinWorkRestore {
    fn apply(&mut self, _positions: &[i64], payload: &[u8]) -> Result<(), StateError> {
        let Some((format, entries)) = payload.split_first() else {
            self.state.count(0);
            return Ok(());
        };
        if *format != FORMAT {
            return Err(StateError::Newer { found: u32::from(*format), known: u32::from(FORMAT) });
        }
        self.state.apply(entries).map_err(state_error)
    }

    fn finish(self: Box<Self>) -> Result<Restored, StateError> {
        let task = JoinTask::restored(self.partition, self.state).map_err(state_error)?;
        let mut work = JoinWork {
            task,
            partition: self.partition,
            equipment: self.equipment,
            outgoing: Vec::new(),
            uncommitted_bytes: 0,
        };
        work.tell_deviations();
        Ok(Restored { task: Box::new(work), read_from: None })
    }
}

fn state_error(error: RestoreError) -> StateError {
    match error {
        RestoreError::Corrupt(what) => StateError::Corrupt(what),
        RestoreError::Configuration(what) => StateError::Configuration(what),
    }
}

/// JOIN of one partition.
struct JoinWork {
    task: JoinTask,
    partition: i32,
    equipment: Equipment,
    /// Dead letters since the last commit.
    outgoing: Vec<Outgoing>,
    uncommitted_bytes: usize,
}

/// What a record leaves behind until the commit, about: a row of the log, and its part of a partial.
const BYTES_PER_RECORD: usize = 100;
/// A row for the topic of labelled predictions, about, with what it becomes.
const BYTES_PER_LABELLED: usize = 800;

impl StageTask for JoinWork {
    fn step(&mut self, input: InputId, records: &Fetched, _now: Millis) -> Result<(), BadRecord> {
        self.follow_references();
        let messages = records.messages();
        self.uncommitted_bytes += messages.len() * BYTES_PER_RECORD;
        let (undecoded, rejected) = if input == PREDICTIONS {
            let decoded = self.equipment.predictions.decode(&self.equipment.origins[0], &messages);
            let len = decoded.batch.len();
            let mut reader = PredictionReader::new(decoded.batch);
            (decoded.rejects, self.task.step(JoinInput::Predictions(&mut reader, 0..len)))
        } else {
            let decoded = self.equipment.labels.decode(&self.equipment.origins[1], &messages);
            (decoded.rejects, self.task.step(JoinInput::Labels(&decoded.batch, 0..decoded.batch.len())))
        };
        undecoded.iter().for_each(|reject| self.dead_letter(reject));
        let origin = self.equipment.origins[usize::from(input.0)].clone();
        for reject in rejected {
            self.dead_letter(&with_bytes(reject, &origin, &messages));
        }
        Ok(())
    }

    fn before_look(&mut self, input: InputId) {
        self.task.step(JoinInput::BeforeLook(role_of(input)));
    }

    fn set_idle(&mut self, input: InputId, idle: bool, _now: Millis) {
        self.task.step(JoinInput::Idle(role_of(input), idle));
    }

    fn commit(&mut self, _now: Millis) -> Unit {
        self.follow_references();
        let commit = self.task.commit();
        let mut outputs = std::mem::take(&mut self.outgoing);
        self.uncommitted_bytes = 0;
        self.equipment.partials.send(&commit.partials, &mut outputs);
        if let Some(encoder) = &self.equipment.labelled {
            outputs.extend(commit.labelled.iter().map(|row| Outgoing {
                output: LABELLED,
                partition: None,
                timestamp: None,
                key: Some(row.request_id.clone().into_bytes()),
                value: Some(encoder.labelled_row(row)),
                headers: Vec::new(),
            }));
        }
        let delta = commit.delta.pieces.into_iter().map(|mut piece| {
            piece.insert(0, FORMAT);
            piece
        });
        Unit { outputs, delta: delta.collect(), snapshot: commit.delta.snapshot }
    }

    fn reached(&self, input: InputId) -> Option<Millis> {
        self.task.join().time().newest(role_of(input))
    }

    fn uncommitted_bytes(&self) -> usize {
        self.uncommitted_bytes + BYTES_PER_LABELLED * self.task.join().labelled_len()
    }
}

fn role_of(input: InputId) -> Role {
    if input == PREDICTIONS { Role::Predictions } else { Role::Labels }
}

impl JoinWork {
    /// Goes on with what was announced meanwhile.
    fn follow_references(&mut self) {
        let Some(news) = self.equipment.references.news(&self.equipment.seen) else { return };
        self.task.change_references(Arc::clone(&news.value));
        (self.equipment.predictions, self.equipment.labels) =
            decoders(&self.equipment.config, &news.value).expect("checked when the reference was announced");
        self.equipment.seen = news;
        self.tell_deviations();
    }

    /// Says where references are not in force as declared.
    fn tell_deviations(&mut self) {
        let time = |time: Millis| jiff::Timestamp::from_millisecond(time).map_or(String::new(), |at| at.to_string());
        for (model, deviation) in self.task.take_deviations() {
            let (partition, model) = (self.partition, &*model);
            match deviation {
                Deviation::Postponed { id, declared, begins } => {
                    let (begins, declared) = (time(begins), declared.map_or("the beginning".to_owned(), time));
                    tracing::warn!(
                        stage = "join",
                        partition,
                        model,
                        "reference {id} is in force from {begins} on, not from {declared}: predictions after that were read \
                         before it came, and no window mixes two references"
                    );
                }
                Deviation::Dropped { id } => tracing::warn!(
                    stage = "join",
                    partition,
                    model,
                    "reference {id} was in force and is not known any more: what was counted under it is compared with nothing"
                ),
            }
        }
    }

    /// The record goes out as it came in: key and headers on the record too, so that it can be sent again from there. One
    /// that is too long for that is named by its place.
    fn dead_letter(&mut self, reject: &Reject) {
        let encoder = &self.equipment.dead_letters;
        let mut letter = letter_of(encoder, reject);
        if letter.bytes() > MAX_PAYLOAD_BYTES {
            letter = letter_of(encoder, &without_bytes(reject, letter.bytes()));
        }
        self.uncommitted_bytes += letter.bytes();
        self.outgoing.push(letter);
    }
}

fn letter_of(encoder: &RowEncoder, reject: &Reject) -> Outgoing {
    Outgoing {
        output: DEAD_LETTERS,
        partition: None,
        timestamp: None,
        key: reject.key.clone(),
        value: Some(encoder.dead_letter(reject)),
        headers: reject.headers.clone(),
    }
}

/// The reject of a record that is too long to be repeated: that would take so many bytes.
fn without_bytes(reject: &Reject, bytes: usize) -> Reject {
    let why = format!("too long to be repeated here, {bytes} bytes: read it at its offset; {}", reject.detail);
    Reject {
        key: None,
        value: None,
        headers: Vec::new(),
        detail: why.chars().take(Reject::MAX_DETAIL).collect(),
        ..reject.clone()
    }
}

/// The reject with the raw bytes of its record, if that is one of `messages` from `origin`.
fn with_bytes(reject: Reject, origin: &Origin, messages: &[Message]) -> Reject {
    let place = messages.binary_search_by_key(&reject.offset, |message| message.offset);
    let Some(message) = place.ok().map(|place| &messages[place]).filter(|_| reject.origin == *origin) else {
        return reject;
    };
    Reject {
        timestamp: message.timestamp.or(reject.timestamp),
        key: message.key.map(<[u8]>::to_vec),
        value: message.value.map(<[u8]>::to_vec),
        headers: message.headers.to_vec(),
        ..reject
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::AnnouncedReference;
    use crate::stage::work::FetchedRecord;
    use std::collections::BTreeSet;

    #[test]
    fn a_dead_letter_counts_with_all_that_is_kept_of_it() {
        let stage = JoinStage::new(Arc::new(Config::default()), 1).expect("there are no schemas");
        let mut task = stage.restore(0).finish().expect("nothing was logged").task;
        let headers = vec![("trace".to_owned(), Some(vec![b'x'; 100_000]))];
        let record = FetchedRecord { offset: 0, timestamp: None, key: Some(0..50_000), value: Some(0..4), headers };
        let fetched = Fetched { bytes: vec![b'k'; 50_000], records: vec![record] };
        task.step(PREDICTIONS, &fetched, 0).expect("it becomes a dead letter");
        // Key and headers are on the record, and in its value too.
        assert!(task.uncommitted_bytes() > 2 * 150_000, "{}", task.uncommitted_bytes());
        assert_eq!(task.commit(0).outputs.len(), 2, "and how far the inputs are");
        assert_eq!(task.uncommitted_bytes(), 0);
    }

    #[test]
    fn a_record_that_is_too_long_for_a_dead_letter_is_named_by_its_place() {
        let stage = JoinStage::new(Arc::new(Config::default()), 1).expect("there are no schemas");
        for (length, is_whole) in [(500_000, true), (1_000_000, false)] {
            let mut task = stage.restore(0).finish().expect("nothing was logged").task;
            let mut fetched = fetched(17, &["x".repeat(length)]);
            fetched.records[0].headers = vec![("trace".to_owned(), None)];
            task.step(PREDICTIONS, &fetched, 0).expect("it becomes a dead letter");
            let unit = task.commit(0);
            let record = unit.outputs.iter().find(|record| record.output == DEAD_LETTERS).expect("a dead letter");
            let bytes = record.value.as_deref().expect("a value");
            assert!(bytes.len() <= MAX_PAYLOAD_BYTES, "{} bytes", bytes.len());
            let letter: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
            assert_eq!((&letter["offset"], &letter["reason"]), (&17.into(), &"undecodable".into()));
            let has_bytes = letter.get("value").is_some_and(serde_json::Value::is_string);
            assert_eq!((has_bytes, record.headers.len()), (is_whole, usize::from(is_whole)));
            let detail = letter["detail"].as_str().expect("a detail");
            assert_eq!(detail.contains("too long to be repeated here, "), !is_whole, "{detail}");
        }
    }

    fn fetched(first: i64, values: &[String]) -> Fetched {
        let mut fetched = Fetched::default();
        for (offset, value) in (first..).zip(values) {
            let start = fetched.bytes.len() as u32;
            fetched.bytes.extend_from_slice(value.as_bytes());
            let value = Some(start..fetched.bytes.len() as u32);
            fetched.records.push(FetchedRecord { offset, timestamp: None, key: None, value, headers: Vec::new() });
        }
        fetched
    }

    #[test]
    fn what_expires_together_goes_out_part_by_part_and_each_once_also_after_a_restart() {
        const ROWS: usize = 60_000;
        let mut config = Config::default();
        config.topics.labelled = Some(config.topics.metrics.clone());
        let stage = JoinStage::new(Arc::new(config), 1).expect("there are no schemas");
        let (mut log, mut told) = (Vec::new(), BTreeSet::new());
        let mut commit = |task: &mut Box<dyn StageTask>, log: &mut Vec<Vec<u8>>| {
            let unit = task.commit(0);
            log.extend(unit.delta);
            let rows: Vec<Outgoing> = unit.outputs.into_iter().filter(|row| row.output == LABELLED).collect();
            let count = rows.len();
            rows.into_iter().for_each(|row| assert!(told.insert(row.key), "twice"));
            (count, told.len())
        };
        let (start, later) = (1_700_000_000_000_i64, 1_720_000_000_000_i64);
        let prediction =
            |id: usize, time: i64| format!(r#"{{"request_id":"r{id}","model_id":"m","timestamp":{time},"score":0.5}}"#);
        let label = |id: &str| vec![format!(r#"{{"request_id":"{id}","timestamp":{later},"label":1}}"#)];
        let predictions: Vec<String> = (0..ROWS).map(|id| prediction(id, start)).collect();

        let mut task = stage.restore(0).finish().expect("nothing was logged").task;
        task.step(PREDICTIONS, &fetched(0, &predictions), 0).expect("predictions");
        assert_eq!(commit(&mut task, &mut log), (0, 0));
        task.step(PREDICTIONS, &fetched(ROWS as i64, &[prediction(ROWS, later)]), 0).expect("a prediction");
        task.step(InputId(1), &fetched(0, &label("a")), 0).expect("a label");
        assert!(task.uncommitted_bytes() < 20 << 20, "{} bytes at once", task.uncommitted_bytes());
        let (first, _) = commit(&mut task, &mut log);
        assert!((10_000..40_000).contains(&first), "{first} at once");

        let mut restore = stage.restore(0);
        log.iter().for_each(|piece| restore.apply(&[0, 0], piece).expect("its own log"));
        task = restore.finish().expect("its own log").task;
        task.step(InputId(1), &fetched(1, &label("b")), 0).expect("a label");
        // The rest goes out with commits, though nothing comes.
        let counts: Vec<(usize, usize)> = (0..3).map(|_| commit(&mut task, &mut log)).collect();
        assert!(counts.iter().all(|(count, _)| *count < 40_000), "{counts:?}");
        assert_eq!(counts.last(), Some(&(0, ROWS)));
    }

    #[test]
    fn a_snapshot_that_was_not_finished_is_begun_again_after_a_restart() {
        let pace = SnapshotPace { small_log_bytes: 10_000, rows_per_commit: 1 };
        let stage = JoinStage::new(Arc::new(Config::default()), 1).expect("there are no schemas").with_pace(pace);
        let prediction =
            |id: i64| format!(r#"{{"request_id":"r{id}","model_id":"m","timestamp":1700000000000,"score":0.5}}"#);
        let mut log = Vec::new();
        let mut task = stage.restore(0).finish().expect("nothing was logged").task;
        let mut offset = 0;
        // Commits a record each, the same ones over and over, until a snapshot begins.
        let mut commits_until_one_begins = |task: &mut Box<dyn StageTask>, log: &mut Vec<Vec<u8>>| {
            for commits in 1.. {
                task.step(PREDICTIONS, &fetched(offset, &[prediction(offset % 20)]), 0).expect("a prediction");
                offset += 1;
                let unit = task.commit(0);
                log.extend(unit.delta);
                if unit.snapshot.is_some() {
                    assert_eq!(unit.snapshot, Some(crate::stage::work::SnapshotMark::Start));
                    return commits;
                }
            }
            0
        };
        assert!(commits_until_one_begins(&mut task, &mut log) > 40);
        for _ in 0..3 {
            let mut restore = stage.restore(0);
            log.iter().for_each(|piece| restore.apply(&[0, 0], piece).expect("its own log"));
            task = restore.finish().expect("its own log").task;
            assert_eq!(commits_until_one_begins(&mut task, &mut log), 2, "what the log is long by is still there");
        }
    }

    #[test]
    fn a_snapshot_that_begins_with_new_references_can_be_read_without_what_was_before() {
        let pace = SnapshotPace { small_log_bytes: 1_000, rows_per_commit: 1_000 };
        let config = Config::default();
        let profile = Arc::new(crate::event::profile::samples::profile());
        let references = References::new(Arc::new(config.settings.clone()));
        let stage = JoinStage::new(Arc::new(config.clone()), 1).expect("there are no schemas");
        let stage = stage.with_pace(pace).with_references(Arc::clone(&references));
        let prediction = r#"{"request_id":"r","model_id":"m","timestamp":1700000000000,"score":0.5}"#.to_owned();
        let mut task = stage.restore(0).finish().expect("nothing was logged").task;
        for offset in 0.. {
            task.step(PREDICTIONS, &fetched(offset, std::slice::from_ref(&prediction)), 0).expect("a prediction");
            // With each commit another one: what the snapshot will hold is settled before the commit in which it begins.
            let from_ms = Some(1_800_000_000_000 + 86_400_000 * offset);
            let announced = AnnouncedReference { model_id: "m".into(), from_ms, profile: Arc::clone(&profile) };
            references.replace(Arc::new(config.settings_with([&announced])));
            let unit = task.commit(0);
            if unit.snapshot.is_some() {
                let mut restore = stage.restore(0);
                unit.delta.iter().for_each(|piece| restore.apply(&[0, 0], piece).expect("its own log"));
                restore.finish().expect("a whole snapshot");
                return;
            }
        }
    }
}
