//! The logs of both stages as files. What an earlier version wrote is read, and goes on as it would have gone on; what this
//! version writes is, byte for byte, what stands in `tests/data/changelogs`, so that a change of a format is seen.

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use postdict::config::Config;
use postdict::join::state::SnapshotPace;
use postdict::stage::block::{Block, Chain};
use postdict::stage::work::{Fetched, FetchedRecord, InputId, Restore, Restored, SnapshotMark, Stage, StageTask, Unit};
use postdict::stage::{AssessPace, AssessStage, JoinStage};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Set to `1`, the logs are written anew. For a new format, into a folder of its own: the others stay.
const WRITE: &str = "POSTDICT_WRITE_CHANGELOGS";
/// The folder of what this version writes.
const CURRENT: &str = "1";

const MINUTE: i64 = 60_000;
/// Event time in one commit.
const ROUND: i64 = 20 * MINUTE;
/// Rounds in the logs; what comes after is what a restored stage goes on with.
const LOGGED_ROUNDS: usize = 30;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/changelogs")
}

/// Configuration and records that a log was written with.
struct Inputs {
    stages: [Box<dyn Stage>; 2],
    /// Predictions and labels: times and records.
    topics: [Vec<(i64, Vec<u8>)>; 2],
}

impl Inputs {
    fn of(folder: &Path) -> Inputs {
        let config: Arc<Config> = Arc::new(postdict::config::load(&folder.join("postdict.yaml")).unwrap());
        let join = JoinStage::new(Arc::clone(&config), 1).unwrap();
        let join = join.with_pace(SnapshotPace { small_log_bytes: 6_000, rows_per_commit: 30 });
        let assess = AssessStage::new(config, 1).with_pace(AssessPace {
            repeated_bytes: 5_000,
            bytes_per_commit: 30_000,
            rows_per_commit: 100_000,
        });
        let topics = ["predictions", "labels"].map(|name| {
            let text = fs::read_to_string(folder.join(name).with_extension("ndjson")).unwrap();
            let time = |line: &str| serde_json::from_str::<Value>(line).unwrap()["timestamp"].as_i64().unwrap();
            text.lines().map(|line| (time(line), line.as_bytes().to_vec())).collect()
        });
        Inputs { stages: [Box::new(join), Box::new(assess)], topics }
    }

    /// First event time.
    fn begins(&self) -> i64 {
        self.topics.iter().map(|topic| topic[0].0).min().unwrap()
    }

    fn rounds(&self) -> usize {
        let end = self.topics.iter().map(|topic| topic.last().unwrap().0).max().unwrap();
        ((end - self.begins()) / ROUND) as usize + 1
    }
}

/// What one commit of ASSESS publishes.
#[derive(Debug, Default)]
struct Published {
    metrics: Vec<Vec<u8>>,
    alerts: Vec<Vec<u8>>,
}

/// The logs of both stages, the partials between them, and what is told of the metric rows and alerts.
#[derive(Debug, Default, PartialEq)]
struct Logs {
    join: Vec<Vec<u8>>,
    partials: Vec<Vec<u8>>,
    assess: Vec<Vec<u8>>,
    /// What is published with each commit after the end of the logs: [`told`].
    after: Vec<String>,
}

/// Both stages at work on partition 0.
struct Work<'i> {
    inputs: &'i Inputs,
    tasks: [Box<dyn StageTask>; 2],
    /// Number of the last commit, and next offsets per input after it.
    commits: [(u64, Vec<i64>); 2],
    partials: Vec<Vec<u8>>,
    /// Next offset of the partials.
    read: usize,
}

impl<'i> Work<'i> {
    fn new(inputs: &'i Inputs) -> Work<'i> {
        let tasks = [0, 1].map(|stage| inputs.stages[stage].restore(0).finish().unwrap().task);
        Work { inputs, tasks, commits: [(0, vec![0, 0]), (0, vec![0])], partials: Vec::new(), read: 0 }
    }

    /// One commit of either stage: what is published, and the blocks for the logs.
    fn round(&mut self, number: usize) -> (Published, [Vec<Vec<u8>>; 2]) {
        let now = number as i64 * 700;
        let until = self.inputs.begins() + (number as i64 + 1) * ROUND;
        let mut next = self.commits[0].1.clone();
        for (input, topic) in self.inputs.topics.iter().enumerate() {
            let from = next[input] as usize;
            let records: Vec<&Vec<u8>> =
                topic[from..].iter().take_while(|(time, _)| *time < until).map(|(_, record)| record).collect();
            self.tasks[0].step(InputId(input as u8), &fetched(from, &records), now).unwrap();
            next[input] += records.len() as i64;
        }
        let unit = self.tasks[0].commit(now);
        self.partials.extend(unit.outputs.iter().filter(|out| out.output.0 == 0).map(|out| out.value.clone().unwrap()));
        let join = self.blocks(0, unit, next);
        let records: Vec<&Vec<u8>> = self.partials[self.read..].iter().collect();
        self.tasks[1].step(InputId(0), &fetched(self.read, &records), now).unwrap();
        self.read = self.partials.len();
        let mut unit = self.tasks[1].commit(now);
        let mut published = Published::default();
        for row in std::mem::take(&mut unit.outputs) {
            let to = match self.inputs.stages[1].description().outputs[usize::from(row.output.0)].as_str() {
                "metrics" => &mut published.metrics,
                "alerts" => &mut published.alerts,
                other => panic!("nothing goes to {other}"),
            };
            to.push(row.value.unwrap());
        }
        let assess = self.blocks(1, unit, vec![self.read as i64]);
        (published, [join, assess])
    }

    fn blocks(&mut self, stage: usize, unit: Unit, next: Vec<i64>) -> Vec<Vec<u8>> {
        let (commit, previous) = &mut self.commits[stage];
        *commit += 1;
        let previous = std::mem::replace(previous, next.clone());
        let pieces = if unit.delta.is_empty() { vec![Vec::new()] } else { unit.delta };
        let block = |(piece, payload): (u32, Vec<u8>)| Block {
            stage: self.inputs.stages[stage].name().to_owned(),
            partition: 0,
            commit: *commit,
            is_base: unit.snapshot.is_some_and(SnapshotMark::starts),
            piece,
            pieces: 0,
            topics: vec![None; next.len()],
            previous: previous.clone(),
            next: next.clone(),
            payload,
        };
        let count = pieces.len() as u32;
        (0..).zip(pieces).map(block).map(|block| Block { pieces: count, ..block }.encode()).collect()
    }

    /// What is published from a round on.
    fn rest(&mut self, from: usize) -> Vec<Published> {
        (from..self.inputs.rounds()).map(|number| self.round(number).0).collect()
    }
}

/// How many metric rows and alerts there are, and a digest of what every version has to tell.
fn told(published: &Published) -> String {
    let metrics = digested(&published.metrics, &["id", "revision", "value", "count", "is_final"]);
    let alerts = digested(&published.alerts, &["id", "state", "severity", "cause", "value", "window_start"]);
    format!("{metrics}, {alerts}")
}

fn digested(rows: &[Vec<u8>], columns: &[&str]) -> String {
    let columns = |row: &Vec<u8>| {
        let row: Value = serde_json::from_slice(row).unwrap();
        let columns: Vec<String> = columns.iter().map(|column| row[column].to_string()).collect();
        columns.join(" ")
    };
    let mut lines: Vec<String> = rows.iter().map(columns).collect();
    lines.sort();
    let digest = Sha256::digest(lines.join("\n"));
    let digest: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {digest}", lines.len())
}

fn fetched(from: usize, records: &[&Vec<u8>]) -> Fetched {
    let mut fetched = Fetched::default();
    for (record, offset) in records.iter().zip(from as i64..) {
        let start = fetched.bytes.len() as u32;
        fetched.bytes.extend_from_slice(record);
        let value = Some(start..fetched.bytes.len() as u32);
        fetched.records.push(FetchedRecord { offset, timestamp: Some(0), key: None, value, headers: Vec::new() });
    }
    fetched
}

/// What this version writes of `inputs`.
fn written(inputs: &Inputs) -> Logs {
    let mut work = Work::new(inputs);
    let mut logs = Logs::default();
    for number in 0..LOGGED_ROUNDS {
        let [join, assess] = work.round(number).1;
        logs.join.extend(join);
        logs.assess.extend(assess);
    }
    logs.partials.clone_from(&work.partials);
    logs.after = work.rest(LOGGED_ROUNDS).iter().map(told).collect();
    logs
}

/// A stage's task as its log says, the number of the last commit, and the positions after it.
struct Again {
    restored: Restored,
    commit: u64,
    positions: Vec<i64>,
}

/// Restores a stage from the blocks of its log.
fn restored(stage: &dyn Stage, log: &[Vec<u8>]) -> Result<Again, String> {
    let mut chain = Chain::new(stage.name(), 0, stage.inputs().len());
    let mut restore: Box<dyn Restore> = stage.restore(0);
    for bytes in log {
        let block = Block::decode(bytes).map_err(|error| error.to_string())?;
        chain.follow(&block).map_err(|error| error.to_string())?;
        restore.apply(&block.next, &block.payload).map_err(|error| error.to_string())?;
    }
    let (commit, positions) = chain.finish().map_err(|error| error.to_string())?;
    let restored = restore.finish().map_err(|error| error.to_string())?;
    Ok(Again { restored, commit, positions: positions.unwrap_or_default() })
}

/// What is told after `logs` by stages that are restored from them.
fn continued(inputs: &Inputs, logs: &Logs) -> Result<Vec<String>, String> {
    Ok(published(inputs, logs)?.iter().map(told).collect())
}

/// What is published after `logs`, commit by commit.
fn published(inputs: &Inputs, logs: &Logs) -> Result<Vec<Published>, String> {
    let join = restored(&*inputs.stages[0], &logs.join)?;
    let assess = restored(&*inputs.stages[1], &logs.assess)?;
    let from = assess.restored.read_from.map_or(assess.positions[0], |from| from[0]) as usize;
    let records: Vec<&Vec<u8>> = logs.partials[from..].iter().collect();
    let mut task = assess.restored.task;
    task.step(InputId(0), &fetched(from, &records), 0).unwrap();
    assert!(!task.is_catching_up());
    let mut work = Work {
        inputs,
        tasks: [join.restored.task, task],
        commits: [(join.commit, join.positions), (assess.commit, assess.positions)],
        partials: logs.partials.clone(),
        read: logs.partials.len(),
    };
    Ok(work.rest(LOGGED_ROUNDS))
}

/// Commits in which complete snapshots begin: places in the log from which it can be read.
fn bases(log: &[Vec<u8>]) -> Vec<usize> {
    let is_base = |bytes: &Vec<u8>| Block::decode(bytes).is_ok_and(|block| block.is_base && block.piece == 0);
    (0..log.len()).filter(|place| is_base(&log[*place])).collect()
}

const FILES: [&str; 3] = ["join", "partials", "assess"];

impl Logs {
    fn records(&mut self) -> [&mut Vec<Vec<u8>>; 3] {
        [&mut self.join, &mut self.partials, &mut self.assess]
    }

    /// Records with their lengths before them.
    fn read(folder: &Path) -> Logs {
        let mut logs = Logs::default();
        for (name, records) in FILES.iter().zip(logs.records()) {
            let mut bytes = Vec::new();
            GzDecoder::new(File::open(folder.join(name).with_extension("gz")).unwrap())
                .read_to_end(&mut bytes)
                .unwrap();
            let mut rest = bytes.as_slice();
            while let Some((length, after)) = rest.split_first_chunk::<4>() {
                let (record, after) = after.split_at(u32::from_le_bytes(*length) as usize);
                records.push(record.to_vec());
                rest = after;
            }
        }
        let after = fs::read_to_string(folder.join("after.txt")).unwrap();
        logs.after = after.lines().map(str::to_owned).collect();
        logs
    }

    fn write(&mut self, folder: &Path) {
        for (name, records) in FILES.iter().zip(self.records()) {
            let file = File::create(folder.join(name).with_extension("gz")).unwrap();
            let mut file = GzEncoder::new(file, Compression::best());
            for record in records {
                file.write_all(&(record.len() as u32).to_le_bytes()).unwrap();
                file.write_all(record).unwrap();
            }
            file.finish().unwrap();
        }
        fs::write(folder.join("after.txt"), self.after.join("\n") + "\n").unwrap();
    }
}

#[test]
fn what_is_written_is_what_stands_there() {
    let folder = root().join(CURRENT);
    let mut logs = written(&Inputs::of(&folder));
    if std::env::var(WRITE).is_ok_and(|write| write == "1") {
        logs.write(&folder);
    }
    let before = Logs::read(&folder);
    for (name, is_same) in ["join", "partials", "assess", "after"].iter().zip([
        before.join == logs.join,
        before.partials == logs.partials,
        before.assess == logs.assess,
        before.after == logs.after,
    ]) {
        assert!(
            is_same,
            "{name} is written otherwise than it stands in tests/data/changelogs/{CURRENT}. If its format is to change, it \
             needs a new number; then make a new folder with `{WRITE}=1 cargo test --test it changelogs`"
        );
    }
}

#[test]
fn what_earlier_versions_wrote_is_read_from_any_beginning_and_goes_on() {
    for folder in fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()) {
        let (inputs, logs) = (Inputs::of(&folder), Logs::read(&folder));
        let expected = &logs.after;
        assert!(expected.iter().filter(|told| !told.starts_with("0 ")).count() >= 8, "{expected:?}");
        assert!(expected.iter().filter(|told| !told.contains(", 0 ")).count() >= 5, "{expected:?}");
        assert_eq!(continued(&inputs, &logs).as_ref(), Ok(expected), "{}", folder.display());
        let [join_bases, assess_bases] = [&logs.join, &logs.assess].map(|log| bases(log));
        let mut complete = [0, 0];
        for (stage, bases) in [join_bases, assess_bases].into_iter().enumerate() {
            for base in bases {
                let mut cut = Logs::read(&folder);
                [&mut cut.join, &mut cut.assess][stage].drain(..base);
                match continued(&inputs, &cut) {
                    Ok(found) => {
                        assert_eq!(&found, expected, "stage {stage} from record {base} on");
                        complete[stage] += 1;
                    }
                    // The last one may not be.
                    Err(error) => assert!(error.contains("snapshot that is not complete"), "{error}"),
                }
            }
        }
        assert!(complete.iter().all(|complete| *complete > 0), "{complete:?} snapshots");
    }
}

/// The first revision of each id, and the metrics that they are of. Fails where revisions do not follow each other.
fn first_revisions(published: Vec<Published>) -> BTreeMap<String, (i64, String)> {
    let (mut first, mut last) = (BTreeMap::new(), BTreeMap::new());
    for row in published.iter().flat_map(|published| &published.metrics) {
        let row: Value = serde_json::from_slice(row).unwrap();
        let (id, revision) = (row["id"].as_str().unwrap().to_owned(), row["revision"].as_i64().unwrap());
        first.entry(id.clone()).or_insert_with(|| (revision, row["metric"].as_str().unwrap().to_owned()));
        let before = last.insert(id, revision);
        assert!(before.is_none_or(|before| revision == before + 1), "{row}");
    }
    first
}

#[test]
fn a_metric_that_an_earlier_version_did_not_have_begins_at_revision_1_and_moves_no_other() {
    let folder = root().join(CURRENT);
    let inputs = Inputs::of(&folder);
    let mut logs = Logs::read(&folder);
    let before = first_revisions(published(&inputs, &logs).unwrap());
    // What wrote this log called two metrics otherwise.
    for bytes in &mut logs.assess {
        let mut block = Block::decode(bytes).unwrap();
        let mut places = Vec::new();
        places.extend((0..block.payload.len()).filter(|place| block.payload[*place..].starts_with(b"accuracy")));
        places.iter().for_each(|place| block.payload[place + 7] = b'z');
        *bytes = block.encode();
    }
    let after = first_revisions(published(&inputs, &logs).unwrap());
    let is_new = |metric: &str| metric.ends_with("accuracy");
    let mut counts = [0, 0];
    for (id, (revision, metric)) in after {
        let expected = before.get(&id).map(|(revision, _)| *revision);
        if is_new(&metric) {
            assert_eq!(revision, 1, "{metric}");
            counts[0] += usize::from(expected.is_some_and(|revision| revision > 1));
        } else {
            assert!(expected.is_none_or(|expected| revision == expected), "{metric}: {revision}, not {expected:?}");
            counts[1] += usize::from(expected.is_some());
        }
    }
    assert!(counts[0] > 20 && counts[1] > 500, "{counts:?}");
}

/// The bytes with a right checksum again.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 4);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

#[test]
fn what_is_newer_damaged_or_does_not_follow_is_refused_with_what_is_wrong() {
    type Damage = fn(&mut Vec<Vec<u8>>);
    fn change(log: &mut [Vec<u8>], change: impl FnOnce(&mut Block)) {
        let mut block = Block::decode(&log[9]).unwrap();
        change(&mut block);
        log[9] = block.encode();
    }
    let damages: [(Damage, &str); 9] = [
        (|log| log[9][30] ^= 1, "the block is corrupt: its checksum is wrong"),
        (|log| log[9].truncate(40), "its checksum is wrong"),
        (|log| log[9][0] = b'X', "is the topic used by something else?"),
        (
            |log| {
                log[9][4] = 9;
                log[9] = sealed(log[9].clone());
            },
            "the block has format 9, newer than this program reads (1): run the version that wrote it, or a newer one",
        ),
        (|log| change(log, |block| block.payload[0] = 7), "the state has format 7, newer than this program reads (1)"),
        (|log| drop(log.remove(9)), "belongs"),
        (|log| change(log, |block| block.stage = "other".to_owned()), "it is of the stage `other`, not `"),
        (|log| change(log, |block| block.partition = 3), "it is of partition 3"),
        (|log| change(log, |block| block.pieces += 1), "piece"),
    ];
    let folder = root().join(CURRENT);
    let inputs = Inputs::of(&folder);
    for (damage, named) in damages {
        for stage in 0..2 {
            let mut logs = Logs::read(&folder);
            damage([&mut logs.join, &mut logs.assess][stage]);
            let error = continued(&inputs, &logs).expect_err(named);
            assert!(error.contains(named), "stage {stage}: `{named}` is not in: {error}");
        }
    }
    // The end of the log is missing in the middle of a commit.
    let mut logs = Logs::read(&folder);
    let of_several = |log: &[Vec<u8>]| log.iter().rposition(|bytes| Block::decode(bytes).unwrap().pieces > 1).unwrap();
    let last = of_several(&logs.assess);
    logs.assess.truncate(last);
    let error = continued(&inputs, &logs).expect_err("a piece is missing");
    assert!(error.contains("ends after"), "{error}");
}
