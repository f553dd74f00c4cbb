//! JOIN and ASSESS as stages, in a runtime without a broker: topics are lists, a commit is all or nothing, and either stage
//! dies now and then and goes on from its changelog. What is published must not show it, revisions included.

use crate::model::drive::Dice;
use crate::model::moving::references;
use flate2::read::GzDecoder;
use postdict::config::Config;
use postdict::event::MetricRow;
use postdict::join::state::SnapshotPace;
use postdict::stage::work::{
    Fetched, FetchedRecord, InputId, Outgoing, OutputId, Restored, SnapshotMark, Stage, StageTask, StateError, Unit,
};
use postdict::stage::{AssessPace, AssessStage, JoinStage};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

/// A partition of a topic: values by offset. What was deleted is `None`.
#[derive(Default)]
struct Topic(Vec<Option<Vec<u8>>>);

impl Topic {
    fn of_file(name: &str, limit: usize) -> Topic {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flights").join(name);
        let lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines().take(limit);
        Topic(lines.map(|line| Some(line.unwrap().into_bytes())).collect())
    }

    fn fetched(&self, from: i64, to: i64) -> Fetched {
        let mut fetched = Fetched::default();
        for offset in from..to {
            let value = self.0[offset as usize].as_ref().expect("a record that was deleted is not read");
            let start = fetched.bytes.len() as u32;
            fetched.bytes.extend_from_slice(value);
            fetched.records.push(FetchedRecord {
                offset,
                timestamp: Some(0),
                key: None,
                value: Some(start..fetched.bytes.len() as u32),
                headers: Vec::new(),
            });
        }
        fetched
    }
}

/// A stage on one partition, with its changelog.
struct Member {
    stage: Box<dyn Stage>,
    task: Box<dyn StageTask>,
    /// Next offset per input after the last commit, and after what was read.
    committed: Vec<i64>,
    read: Vec<i64>,
    log: Vec<(Vec<i64>, Unit)>,
    /// Commit in which the last snapshot began.
    begun: Option<usize>,
    deaths: usize,
    snapshots: usize,
    /// Most records that went out with one commit.
    most: usize,
}

impl Member {
    fn new(stage: Box<dyn Stage>) -> Member {
        let inputs = stage.inputs().len();
        let task = stage.restore(0).finish().unwrap().task;
        let (committed, read) = (vec![0; inputs], vec![0; inputs]);
        Member { stage, task, committed, read, log: Vec::new(), begun: None, deaths: 0, snapshots: 0, most: 0 }
    }

    fn step(&mut self, input: usize, topic: &Topic, records: usize, now: i64) {
        let from = self.read[input];
        let to = (from + records as i64).min(topic.0.len() as i64);
        if from < to {
            self.task.step(InputId(input as u8), &topic.fetched(from, to), now).unwrap();
            self.read[input] = to;
        }
    }

    /// What is durable with this commit. Deletes what a complete snapshot replaces, of `own` too if the stage alone
    /// reads it.
    fn commit(&mut self, now: i64, own: Option<&mut Topic>) -> Vec<Outgoing> {
        if self.task.is_catching_up() {
            return Vec::new();
        }
        let mut unit = self.task.commit(now);
        let outputs = std::mem::take(&mut unit.outputs);
        self.most = self.most.max(outputs.len());
        let mark = unit.snapshot;
        self.committed.clone_from(&self.read);
        self.log.push((self.committed.clone(), unit));
        if mark.is_some_and(SnapshotMark::starts) {
            self.begun = Some(self.log.len() - 1);
        }
        if mark.is_some_and(SnapshotMark::ends) {
            let begun = self.begun.take().expect("what ends has begun");
            self.log.drain(..begun);
            self.snapshots += 1;
            if let Some(topic) = own.filter(|_| self.stage.owns_inputs()) {
                let needed = self.log[0].0[0] as usize;
                topic.0[..needed].iter_mut().for_each(|value| *value = None);
            }
        }
        outputs
    }

    /// Dies, and goes on as another stage.
    fn restart(&mut self, stage: Box<dyn Stage>) {
        self.stage = stage;
        self.die();
    }

    /// What `stage` makes of the log.
    fn replayed(&self, stage: &dyn Stage) -> Result<Restored, StateError> {
        let mut restore = stage.restore(0);
        for (positions, unit) in &self.log {
            for piece in &unit.delta {
                restore.apply(positions, piece)?;
            }
            if unit.delta.is_empty() {
                restore.apply(positions, &[])?;
            }
        }
        restore.finish()
    }

    /// Loses what it did not commit.
    fn die(&mut self) {
        let restored = self.replayed(&*self.stage).unwrap();
        self.task = restored.task;
        self.read = restored.read_from.unwrap_or_else(|| self.committed.clone());
        self.begun = None;
        self.deaths += 1;
    }
}

/// The last row per id. Fails where revisions are not 1, 2, 3 ….
pub fn fold(rows: &[MetricRow]) -> BTreeMap<String, MetricRow> {
    let mut fold: BTreeMap<String, MetricRow> = BTreeMap::new();
    for row in rows {
        let before = fold.insert(row.id.clone(), row.clone()).map_or(0, |before| before.revision);
        assert_eq!(row.revision, before + 1, "{row:?}");
    }
    fold.values_mut().for_each(|row| row.revision = 0);
    fold
}

/// The rows among what was published.
fn metric_rows(published: &[Outgoing]) -> Vec<MetricRow> {
    let rows = published.iter().filter(|record| record.output == OutputId(0));
    rows.map(|record| serde_json::from_slice(record.value.as_ref().expect("a row")).unwrap()).collect()
}

/// These settings of all models; those that say how drift is decided have a reference.
fn configuration(settings: &str) -> Arc<Config> {
    let text = format!("{{topics: {{predictions: p, labels: l, profiles: f}}, defaults: {settings}}}");
    let mut config = postdict::config::parse(&text, "postdict.yaml", &|_| unreachable!()).unwrap();
    if settings.contains("drift:") {
        Arc::make_mut(&mut config.settings.defaults).references = references(false);
    }
    Arc::new(config)
}

/// Both stages with these settings of all models, and snapshots every now and then.
fn stages(settings: &str) -> [Box<dyn Stage>; 2] {
    let config = configuration(settings);
    let join = JoinStage::new(Arc::clone(&config), 1).unwrap();
    let join = join.with_pace(SnapshotPace { small_log_bytes: 60_000, rows_per_commit: 300 });
    let assess = AssessStage::new(config, 1).with_pace(AssessPace {
        repeated_bytes: 4_000,
        bytes_per_commit: 9_000,
        rows_per_commit: 40,
    });
    [Box::new(join), Box::new(assess)]
}

/// Plays the flights under each of these settings of all models in turn. Returns what was published, and how often a
/// stage died and a snapshot was complete.
pub fn play(seed: u64, dies: bool, settings: &[&str]) -> (Vec<MetricRow>, [usize; 4]) {
    let (published, [join, assess]) = played(seed, dies, settings);
    let rows = metric_rows(&published);
    // The rows of a window are told together; those of several windows are not, if it can be helped.
    assert!(assess.most < 4_000, "{} rows with one commit", assess.most);
    (rows, [join.deaths, assess.deaths, join.snapshots, assess.snapshots])
}

/// [`play`], with profiles too, by key: each is published once.
pub fn play_profiles(seed: u64, dies: bool, settings: &[&str]) -> (Vec<MetricRow>, BTreeMap<String, String>, usize) {
    let (published, [_, assess]) = played(seed, dies, settings);
    let mut profiles = BTreeMap::new();
    for record in published.iter().filter(|record| record.output == OutputId(1)) {
        let [key, value] = [&record.key, &record.value].map(|part| String::from_utf8(part.clone().unwrap()).unwrap());
        assert_eq!(profiles.insert(key, value), None, "seed {seed}: twice");
    }
    (metric_rows(&published), profiles, assess.deaths)
}

/// What was published, with the members as they are at the end.
fn played(seed: u64, dies: bool, settings: &[&str]) -> (Vec<Outgoing>, [Member; 2]) {
    let (first, later) = settings.split_first().unwrap();
    let mut later = later.iter();
    let [mut join, mut assess] = stages(first).map(Member::new);
    let inputs = [Topic::of_file("predictions.ndjson.gz", 12_000), Topic::of_file("labels.ndjson.gz", 11_500)];
    let mut partials = Topic::default();
    let mut all: Vec<Outgoing> = Vec::new();
    let mut dice = Dice(seed);
    let mut now = 0;
    let is_read = |join: &Member| inputs.iter().zip(&join.read).all(|(topic, read)| topic.0.len() as i64 == *read);
    while !is_read(&join) || assess.read[0] < partials.0.len() as i64 || assess.task.is_catching_up() {
        now += 400;
        for (input, topic) in inputs.iter().enumerate() {
            // Labels are read some hours behind, so that many are always under way.
            join.step(input, topic, 1 + dice.below([90, 80][input]), now);
        }
        assess.step(0, &partials, 1 + dice.below(40), now);
        if dice.below(3) == 0 {
            partials.0.extend(join.commit(now, None).into_iter().map(|record| record.value));
        }
        if dice.below(3) == 0 {
            all.extend(assess.commit(now, Some(&mut partials)));
        }
        // Not for ever: who dies faster than it catches up does not get there.
        let dies = dies && !is_read(&join);
        if dies && dice.below(12) == 0 {
            join.die();
        }
        if dies && dice.below(12) == 0 {
            assess.die();
        }
        // Wherever the work is then. JOIN is stopped, ASSESS dies.
        let share = join.read[0] as usize * settings.len() / inputs[0].0.len();
        if share + later.len() >= settings.len()
            && let Some(changed) = later.next()
        {
            partials.0.extend(join.commit(now, None).into_iter().map(|record| record.value));
            let [join_stage, assess_stage] = stages(changed);
            join.restart(join_stage);
            assess.restart(assess_stage);
        }
        if is_read(&join) {
            partials.0.extend(join.commit(now, None).into_iter().map(|record| record.value));
        }
    }
    // Looked at twice: the second time it is known of all that was said the first time.
    for _ in 0..2 {
        for input in [InputId(0), InputId(1)] {
            join.task.set_idle(input, true, now);
        }
        partials.0.extend(join.commit(now, None).into_iter().map(|record| record.value));
    }
    assess.step(0, &partials, partials.0.len(), now);
    loop {
        let published = assess.commit(now, Some(&mut partials));
        let is_empty = published.is_empty();
        all.extend(published);
        if !assess.task.wants_commit() {
            return (all, [join, assess]);
        }
        assert!(!is_empty, "there was more");
        if dies && dice.below(3) == 0 {
            assess.die();
            assess.step(0, &partials, partials.0.len(), now);
        }
    }
}

/// Where little comes, a restart repeats publications more than anything else.
#[test]
fn what_was_published_often_is_not_published_again_from_the_beginning() {
    const REPEATED_BYTES: usize = 60_000;
    let config = configuration("{}");
    let pace = AssessPace { repeated_bytes: REPEATED_BYTES, ..AssessPace::default() };
    let mut join = Member::new(Box::new(JoinStage::new(Arc::clone(&config), 1).unwrap()));
    let mut assess = Member::new(Box::new(AssessStage::new(config, 1).with_pace(pace)));
    let inputs = [Topic::of_file("predictions.ndjson.gz", 600), Topic::of_file("labels.ndjson.gz", 600)];
    let (mut partials, mut bytes) = (Topic::default(), 0);
    for now in (0..200).map(|commit| commit * 60_000) {
        inputs.iter().enumerate().for_each(|(input, topic)| join.step(input, topic, 3, now));
        for record in join.commit(now, None) {
            bytes += record.value.as_ref().unwrap().len();
            partials.0.push(record.value);
        }
        assess.step(0, &partials, partials.0.len(), now);
        assess.commit(now, Some(&mut partials));
    }
    assert!(bytes < REPEATED_BYTES, "{bytes} bytes of partials are reason enough");
    assert!(assess.snapshots > 0);
}

const SETTINGS: &str = "{task: binary, segments: [origin], windows: [1d], correction_horizon: 6h}";

#[test]
fn deaths_and_snapshots_do_not_show() {
    let (rows, [_, _, join_snapshots, assess_snapshots]) = play(1, false, &[SETTINGS]);
    assert!(join_snapshots > 1 && assess_snapshots > 0, "{join_snapshots} and {assess_snapshots} snapshots");
    let expected = fold(&rows);
    assert!(expected.len() > 500, "{} ids", expected.len());
    let mut deaths = 0;
    for seed in 2..6 {
        let (rows, [join_deaths, assess_deaths, _, _]) = play(seed, true, &[SETTINGS]);
        assert_eq!(fold(&rows), expected, "seed {seed}");
        deaths += join_deaths.min(assess_deaths);
    }
    assert!(deaths > 8, "{deaths} deaths");
}

/// Another size, another pace, another lateness, a worth of outcomes, another segment set.
const OTHER: &str = "{task: binary, segments: [[origin, carrier]], windows: [1d, {size: 7d, advance: 1d}], \
                     revise_after: {min: 3h, growth: 0%}, allowed_lateness: 2h, correction_horizon: 6h, \
                     business_value: {true_positive: 3, false_positive: -1, true_negative: 0, false_negative: -2}}";

#[test]
fn changes_of_the_configuration_neither_skip_nor_repeat_a_revision_and_lose_nothing() {
    const DAY: i64 = 86_400_000;
    let [only, only_other] = [SETTINGS, OTHER].map(|settings| fold(&play(1, false, &[settings]).0));
    let first_day = only.values().map(|row| row.window_start).min().unwrap();
    let mut deaths = 0;
    for seed in 10..15 {
        let (rows, [join_deaths, assess_deaths, _, _]) = play(seed, true, &[SETTINGS, OTHER, SETTINGS]);
        deaths += join_deaths.min(assess_deaths);
        assert!(rows.iter().any(|row| &*row.metric == "business_value" && row.value.is_some()), "seed {seed}");
        // Checks the revisions.
        let mut fold = fold(&rows);
        // Told to be gone, once outcomes had no worth any more.
        fold.retain(|_, row| &*row.metric != "business_value");
        for row in fold.values().filter(|row| row.segment_key.is_empty()) {
            let expected = if row.window_size_ms == DAY { &only } else { &only_other };
            assert_eq!(Some(row), expected.get(&row.id), "seed {seed}");
        }
        let days_of = |is_it: &dyn Fn(&MetricRow) -> bool| -> BTreeSet<i64> {
            let days = fold.values().filter(|row| is_it(row)).map(|row| (row.window_start - first_day) / DAY);
            days.collect()
        };
        // A week is added with the third of the data in which it is configured, and kept up when it is not any more.
        let weeks = days_of(&|row| row.window_size_ms == 7 * DAY);
        assert!(weeks.first().is_some_and(|day| (4..8).contains(day)) && weeks.last() < Some(&10), "{weeks:?}");
        let of_other = days_of(&|row| &*row.segment_key == "origin,carrier" && row.window_size_ms == DAY);
        assert!(of_other.first() >= Some(&4) && of_other.last() < Some(&10), "{of_other:?}");
        let of_origin = days_of(&|row| &*row.segment_key == "origin" && row.window_size_ms == DAY);
        assert!(of_origin.contains(&0) && of_origin.contains(&12) && !of_origin.contains(&7), "{of_origin:?}");
        let is_complete = |day: i64| !(4..=9).contains(&day);
        for row in fold.values().filter(|row| &*row.segment_key == "origin" && row.window_size_ms == DAY) {
            if is_complete((row.window_start - first_day) / DAY) {
                assert_eq!(Some(row), only.get(&row.id), "seed {seed}");
            }
        }
    }
    assert!(deaths > 10, "{deaths} deaths");
}

#[test]
fn predictions_wait_for_their_labels_as_long_as_they_were_promised() {
    const HOUR: i64 = 3_600_000;
    // Many labels come later than the short horizon, which would also make windows final before they come.
    let long = "{task: binary, windows: [1h], label_horizon: 5d, correction_horizon: 6h, allowed_lateness: 1m}";
    let short = "{task: binary, windows: [1h], label_horizon: 1h, correction_horizon: 1m, allowed_lateness: 1m}";
    let [only_long, only_short] = [long, short].map(|settings| fold(&play(1, false, &[settings]).0));
    let differ = only_long.iter().filter(|(id, row)| only_short.get(*id) != Some(row)).count();
    assert!(differ > 1_000, "{differ} rows");
    // Half of the predictions are read under each; of the last hours before, labels are still under way.
    let predictions = Topic::of_file("predictions.ndjson.gz", 6_000).0;
    let last: serde_json::Value = serde_json::from_slice(predictions[5_999].as_ref().unwrap()).unwrap();
    let changed = last["timestamp"].as_i64().unwrap();
    for (seed, settings, expected) in [(20, [long, short], &only_long), (21, [short, long], &only_short)] {
        let fold = fold(&play(seed, true, &settings).0);
        let mut lately = 0;
        for row in fold.values().filter(|row| row.window_end <= changed) {
            let expected = &expected[&row.id];
            // A longer horizon than was promised delays what is told of the time, and changes nothing else.
            if settings[0] == long || !["pending", "expired"].contains(&&*row.metric) {
                let is_final = if settings[0] == long { expected.is_final } else { row.is_final };
                assert_eq!(*row, MetricRow { is_final, ..expected.clone() }, "seed {seed}");
                lately += usize::from(row.window_end > changed - 4 * HOUR);
            }
        }
        assert!(lately > 50, "{lately} rows of the last hours");
    }
}

#[test]
fn a_changed_pane_or_task_is_refused_by_both_stages_with_the_command_that_resets() {
    let (_, members) = played(1, false, &[SETTINGS]);
    for (changed, named) in [
        ("{task: binary, windows: [1h]}", "had a greatest common divisor of 86400000 ms and now have 3600000 ms"),
        ("{task: multiclass, windows: [1d]}", "the task of model flight-late15 was binary and is now multiclass"),
    ] {
        for (member, stage) in members.iter().zip(stages(changed)) {
            let refusal = member.replayed(&*stage).err().expect("it cannot go on").to_string();
            assert!(refusal.contains(named) && refusal.contains("`postdict topics reset`"), "{refusal}");
        }
    }
}

#[test]
fn a_service_that_is_all_silent_keeps_its_logs_short() {
    let config = configuration("{}");
    let pace = AssessPace { repeated_bytes: 60_000, ..AssessPace::default() };
    let join_pace = SnapshotPace { small_log_bytes: 60_000, ..SnapshotPace::default() };
    let new_join = || Box::new(JoinStage::new(Arc::clone(&config), 1).unwrap().with_pace(join_pace));
    let new_assess = || Box::new(AssessStage::new(Arc::clone(&config), 1).with_pace(pace));
    let (mut join, mut assess) = (Member::new(new_join()), Member::new(new_assess()));
    let inputs = [Topic::of_file("predictions.ndjson.gz", 200), Topic::of_file("labels.ndjson.gz", 200)];
    let mut partials = Topic::default();
    inputs.iter().enumerate().for_each(|(input, topic)| join.step(input, topic, 200, 0));
    let mut rows = Vec::new();
    for look in 0..10_000 {
        let now = look * 10_000;
        for input in [InputId(0), InputId(1)] {
            join.task.before_look(input);
            join.task.set_idle(input, true, now);
        }
        partials.0.extend(join.commit(now, None).into_iter().map(|record| record.value));
        assess.step(0, &partials, partials.0.len(), now);
        rows.extend(assess.commit(now, Some(&mut partials)));
        if look % 777 == 0 {
            join.restart(new_join());
            assess.restart(new_assess());
            assess.step(0, &partials, partials.0.len(), now);
        }
    }
    assert!(join.snapshots > 5 && assess.snapshots > 5, "{} and {} snapshots", join.snapshots, assess.snapshots);
    assert!(join.log.len() < 2_000 && assess.log.len() < 2_000, "{} and {}", join.log.len(), assess.log.len());
    let kept = partials.0.iter().filter(|value| value.is_some()).count();
    assert!(kept < 2_000, "{kept} partials are kept");
    assert!(fold(&metric_rows(&rows)).len() > 50);
}

/// Where rows go out a few at a time, each model has its turn after the one before. A turn in which nothing is due is one.
#[test]
fn a_restart_knows_whose_turn_it_was() {
    let config = configuration("{task: binary, windows: [1h]}");
    let pace = AssessPace { rows_per_commit: 1, ..AssessPace::default() };
    let new = || Box::new(AssessStage::new(Arc::clone(&config), 1).with_pace(pace));
    let mut join = Member::new(Box::new(JoinStage::new(Arc::clone(&config), 1).unwrap()));
    let mut assess = Member::new(new());
    let (first, hour) = (1_700_000_000_000_i64, 3_600_000_i64);
    let line = |(number, (model, hours)): (usize, (&str, i64))| {
        let time = first + hours * hour;
        Some(format!(r#"{{"request_id":"{number}","model_id":"{model}","timestamp":{time},"score":0.5}}"#).into_bytes())
    };
    // c is known from the beginning, and has nothing to tell when a and b have.
    let waves = [("c", 0), ("a", 2), ("b", 2), ("a", 4), ("b", 4), ("c", 4)];
    let inputs = Topic(waves.into_iter().enumerate().map(line).collect());
    let (mut partials, mut now, mut rows) = (Topic::default(), 0, Vec::new());
    let mut commits = |assess: &mut Member, partials: &mut Topic, count: usize| {
        for _ in 0..count {
            now += 1_000;
            rows.extend(assess.commit(now, Some(partials)));
        }
    };
    for (count, commit_count) in [(1, 6), (2, 6), (3, 1)] {
        join.step(0, &inputs, count, 0);
        partials.0.extend(join.commit(0, None).into_iter().map(|record| record.value));
        assess.step(0, &partials, partials.0.len(), 0);
        commits(&mut assess, &mut partials, commit_count);
    }
    assess.restart(new());
    assess.step(0, &partials, partials.0.len(), 0);
    commits(&mut assess, &mut partials, 6);
    // Of each model both windows, each row once.
    let fold = fold(&metric_rows(&rows));
    for model in ["a", "b", "c"] {
        let told = fold.values().filter(|row| &*row.model_id == model && &*row.metric == "predictions");
        let starts: BTreeSet<i64> = told.map(|row| row.window_start).collect();
        assert_eq!(starts.len(), 2, "{model}");
    }
}
