//! A deployment whose rules a test breaks at will: windows of a minute of event time, which close when the test says so.

use super::broker::Broker;
use super::client;
use super::deployment::{Deployment, Settings};
use super::process::Process;
use super::scene::WAIT_MAX;
use postdict::codec::rows::decode_alert;
use postdict::event::AlertRow;
use std::collections::BTreeMap;
use std::time::Instant;

const MINUTE: i64 = 60_000;
/// A whole minute.
const START: i64 = 1_700_000_040_000;
const PARTITIONS: i32 = 2;

/// The deployment.
pub struct Alerting {
    pub deployment: Deployment,
    bootstrap: String,
}

impl Alerting {
    /// With these rules for every model but one, which only moves event time.
    pub fn new(broker: &Broker, test: &str, rules: &str) -> Alerting {
        let lines = format!(
            "defaults: {{task: binary, windows: [1m], label_horizon: 1m, correction_horizon: 0s, allowed_lateness: 0s, \
             alerts: [{rules}]}}\n"
        );
        let models = "clock: {task: binary, alerts: none}";
        let settings = Settings { lines: &lines, ..Settings::default() };
        let deployment = Deployment::new(&broker.bootstrap, test, settings);
        let text = std::fs::read_to_string(deployment.config()).unwrap();
        let text = text.replace("m: {task: binary, windows: [1h]}", models);
        assert!(text.contains(models), "{text}");
        std::fs::write(deployment.config(), text).unwrap();
        deployment.create_topics(PARTITIONS as usize);
        Alerting { deployment, bootstrap: broker.bootstrap.clone() }
    }

    /// Writes so many predictions of a model in a minute, and no labels.
    pub fn predict(&self, model: &str, minute: i64, count: usize) {
        let topic = self.deployment.topic("predictions");
        let records = (0..count).map(|number| {
            let (id, time) = (format!("{model}-{minute}-{number}"), START + minute * MINUTE + number as i64);
            let record = format!(
                "{{\"request_id\":\"{id}\",\"model_id\":\"{model}\",\"timestamp\":{time},\"score\":0.5,\"predicted_label\":1}}"
            );
            (topic.as_str(), number as i32 % PARTITIONS, id, record.into_bytes())
        });
        client::write(&self.bootstrap, records);
    }

    /// Event time comes to a minute, in every partition of both inputs.
    pub fn come_to(&self, minute: i64) {
        let topics = ["predictions", "labels"].map(|role| self.deployment.topic(role));
        let time = START + minute * MINUTE;
        for partition in 0..PARTITIONS {
            let id = format!("clock-{minute}-{partition}");
            let prediction = format!(
                "{{\"request_id\":\"{id}\",\"model_id\":\"clock\",\"timestamp\":{time},\"score\":0.5,\"predicted_label\":1}}"
            );
            let label = format!("{{\"request_id\":\"{id}\",\"timestamp\":{time},\"label\":1}}");
            let records = topics.iter().zip([prediction, label]);
            let records = records.map(|(topic, text)| (topic.as_str(), partition, id.clone(), text.into_bytes()));
            client::write(&self.bootstrap, records);
        }
    }

    /// What is told of the alerts of a model, in its order. Fails where sequences are not 1, 2, 3 …, or an event came twice.
    pub fn told(&self, model: &str) -> Vec<AlertRow> {
        let records = self.deployment.read(&self.deployment.topic("alerts"));
        let mut rows: Vec<AlertRow> = records.iter().map(|record| decode_alert(&record.value).unwrap()).collect();
        rows.retain(|row| *row.model_id == *model);
        for (place, row) in rows.iter().enumerate() {
            let before = rows[..place].iter().filter(|before| before.alert_id == row.alert_id).count();
            assert_eq!(row.sequence, before as i64 + 1, "{rows:#?}");
            assert!(rows[..place].iter().all(|before| before.id != row.id), "an event came twice: {rows:#?}");
        }
        rows
    }

    /// Waits until so many changes are told of a model, and gives the last one.
    pub fn wait_for(&self, model: &str, count: usize, running: &mut Process) -> AlertRow {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let told = self.told(model);
            if let Some(last) = told.last().filter(|_| told.len() == count) {
                return last.clone();
            }
            let is_less = told.len() < count;
            assert!(is_less && running.runs() && Instant::now() < deadline, "{count}: {told:#?}\n{}", running.said());
        }
    }

    /// Waits until the metrics say that a model had so many predictions, over all windows.
    pub fn wait_until_predicted(&self, model: &str, count: usize, running: &mut Process) {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            let mut windows = BTreeMap::new();
            for record in self.deployment.read(&self.deployment.topic("metrics")) {
                let row: serde_json::Value = serde_json::from_slice(&record.value).unwrap();
                if row["metric"] == "predictions" && row["model_version"] == "" && row["model_id"] == model {
                    windows.insert(record.key, row["value"].as_f64().unwrap());
                }
            }
            if windows.values().sum::<f64>() == count as f64 {
                return;
            }
            assert!(running.runs() && Instant::now() < deadline, "{windows:?}: {}", running.said());
        }
    }

    /// Runs `postdict alerts`, which does what it is asked.
    pub fn say(&self, words: &[&str]) -> String {
        let (code, said) = self.deployment.run(&[&["alerts"], words].concat());
        assert_eq!(code, Some(0), "{words:?}: {said}");
        said
    }

    /// How many processes have partitions of the stage that tells of alerts.
    pub fn wait_for_owners(&self, count: usize, running: &mut Process) {
        let (deadline, group) = (Instant::now() + WAIT_MAX, format!("{}-assess", self.deployment.name));
        while client::owners(&self.bootstrap, &group) != count {
            assert!(running.runs() && Instant::now() < deadline, "not {count} own partitions: {}", running.said());
        }
    }
}
