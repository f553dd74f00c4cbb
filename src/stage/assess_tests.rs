//! Tests of the ASSESS stage by its log: what people say of alerts and when the work was taken up is gone through again at the
//! same place.

use super::*;
use crate::aggregate::partial::JoinState;
use crate::event::alert::{AlertRule, AlertSettings, Gates, Matcher, Presence, Severity, Silence, Watch};
use crate::stage::work::FetchedRecord;
use std::collections::BTreeMap;

/// A configuration with a rule.
fn config() -> Arc<Config> {
    let rule = AlertRule {
        id: "silent".into(),
        watch: Watch::Absence { of: Presence::Source, for_ms: 60_000, severity: Severity::Warning, model: None },
        gates: Gates::default(),
        repeat_ms: None,
        group: false,
        notify: true,
        labels: BTreeMap::new(),
        summary: None,
        dashboard: None,
        runbook: None,
    };
    let mut config = Config::default();
    config.settings.alerts =
        Arc::new(AlertSettings { defaults: Arc::new(vec![rule]), ..AlertSettings::default() });
    Arc::new(config)
}

fn control(id: &str) -> Arc<Control> {
    let (by, comment) = ("ada".into(), "x".repeat(PART_BYTES).into());
    let silence = Silence { matcher: Matcher::default(), from_ms: 0, to_ms: 1, by, comment };
    Arc::new(Control { silences: BTreeMap::from([(id.into(), silence)]), ..Control::default() })
}

/// A stage on one partition, its log, and how far it has read.
struct Member {
    stage: AssessStage,
    control: Arc<Controls>,
    task: Box<dyn StageTask>,
    log: Vec<(i64, Vec<Vec<u8>>)>,
    read: i64,
}

impl Member {
    fn new(config: Arc<Config>, pace: AssessPace) -> Member {
        let control = Controls::new(Arc::default());
        let stage = AssessStage::new(config, 1).with_pace(pace).with_control(Arc::clone(&control));
        let task = stage.restore(0).finish().expect("an empty log").task;
        Member { stage, control, task, log: Vec::new(), read: 0 }
    }

    /// Takes in a batch that says how far time has come.
    fn step(&mut self, time: Millis) {
        let state = JoinState { watermark: time, newest: time, is_idle: false };
        let batch = batch(state);
        let length = batch.len() as u32;
        let record =
            FetchedRecord { offset: self.read, timestamp: None, key: None, value: Some(0..length), headers: Vec::new() };
        self.task.step(InputId(0), &Fetched { bytes: batch, records: vec![record] }, 0).expect("a batch");
        self.read += 1;
    }

    /// True if the commit wrote something.
    fn commit(&mut self, now: Millis) -> bool {
        let unit = self.task.commit(now);
        let has_written = !unit.delta.is_empty();
        self.log.push((self.read, unit.delta));
        has_written
    }

    fn log(&self) -> Log {
        let mut log = Log::default();
        for (position, delta) in &self.log {
            delta.iter().for_each(|piece| log.read(*position, piece).expect("its own log"));
        }
        log
    }

    /// Dies, and is restored; has read all it had read before, once that is over.
    fn die(&mut self) {
        let mut restore = self.stage.restore(0);
        for (position, delta) in &self.log {
            delta.iter().for_each(|piece| restore.apply(&[*position], piece).expect("its own log"));
        }
        let restored = restore.finish().expect("its own log");
        self.task = restored.task;
        self.read = restored.read_from.map_or(self.read, |from| from[0]);
    }
}
