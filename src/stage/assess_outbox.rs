//! What ASSESS publishes, on its way into the next transaction; or into nothing, where it was published before.

use super::work::{Outgoing, OutputId};
use crate::assess::Outlet;
use crate::codec::cloud_event::{Headers, alert_headers};
use crate::codec::{MAX_PROFILE_BYTES, RowEncoder, profile_records};
use crate::config::Config;
use crate::event::{AlertRow, MetricRow, Profile, ProfileWindow};

const METRICS: OutputId = OutputId(0);

/// The topics that are written, and how.
pub struct Outputs {
    metrics: RowEncoder,
    alerts: RowEncoder,
    application_id: String,
    /// Where closed windows go as profiles, if they do.
    profiles: Option<OutputId>,
    /// Where alerts go, if they do.
    alerts_to: Option<OutputId>,
}

impl Outputs {
    /// Names of the topics, in the order of their ids: without that of alerts unless it is said to be there.
    pub fn topics(config: &Config, has_alerts: bool) -> Vec<String> {
        let topics = &config.topics;
        let alerts = has_alerts.then_some(&topics.alerts.name);
        [&topics.metrics.name].into_iter().chain(&topics.profiles).chain(alerts).cloned().collect()
    }

    /// Of a configuration; `written`: [`Outputs::topics`].
    pub fn new(config: &Config, written: &[String]) -> Outputs {
        let topics = &config.topics;
        let id = |topic: &String| (0..).zip(written).find(|(_, name)| *name == topic).map(|(id, _)| OutputId(id));
        Outputs {
            metrics: RowEncoder::metrics(topics.metrics.format),
            alerts: RowEncoder::alerts(topics.alerts.format),
            application_id: config.kafka.application_id.clone(),
            profiles: topics.profiles.as_ref().and_then(id),
            alerts_to: id(&topics.alerts.name),
        }
    }
}

/// Records for the output topics.
#[derive(Debug, Default)]
pub struct Outbox {
    /// In the order in which they were published.
    pub outputs: Vec<Outgoing>,
    /// Features that are larger than a record each, and are in no profile.
    pub left_out: u64,
    /// Alerts for which there is no topic.
    pub untold_alerts: u64,
}

/// One publication.
pub struct Publishing<'p> {
    /// Where to.
    pub to: &'p Outputs,
    /// `None`: into nothing.
    pub outbox: Option<&'p mut Outbox>,
    /// Rows so far.
    pub rows: usize,
    /// Alerts among them.
    pub alerts: usize,
}

impl Outlet for Publishing<'_> {
    fn row(&mut self, row: &MetricRow) {
        self.rows += 1;
        if let Some(outbox) = &mut self.outbox {
            outbox.outputs.push(record(METRICS, row.id.clone(), self.to.metrics.metric(row), Headers::new()));
        }
    }

    fn takes_profiles(&self) -> bool {
        self.to.profiles.is_some() && self.outbox.is_some()
    }

    fn profile(&mut self, profile: Profile, window: ProfileWindow) {
        if let (Some(outbox), Some(to)) = (&mut self.outbox, self.to.profiles) {
            let made = profile_records(profile, window, MAX_PROFILE_BYTES);
            outbox.left_out += made.left_out;
            let records = made.records.into_iter();
            let records = records.map(|made| record(to, made.key, made.value.into_bytes(), Headers::new()));
            outbox.outputs.extend(records);
        }
    }

    fn alert(&mut self, alert: &AlertRow) {
        self.rows += 1;
        self.alerts += 1;
        let Some(outbox) = &mut self.outbox else { return };
        let Some(to) = self.to.alerts_to else {
            outbox.untold_alerts += 1;
            return;
        };
        let encoder = &self.to.alerts;
        let headers = alert_headers(alert, &self.to.application_id, encoder.format());
        outbox.outputs.push(record(to, alert.alert_id.to_string(), encoder.alert(alert), headers));
    }
}

fn record(output: OutputId, key: String, value: Vec<u8>, headers: Headers) -> Outgoing {
    Outgoing { output, partition: None, timestamp: None, key: Some(key.into_bytes()), value: Some(value), headers }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> AlertRow {
        serde_json::from_str(include_str!("../../schemas/examples/alerts.json")).expect("an example")
    }

    /// What goes out of a configuration, of an alert.
    fn published(config: &Config, has_alerts: bool) -> (Vec<String>, Outbox, usize) {
        let topics = Outputs::topics(config, has_alerts);
        let (to, mut outbox) = (Outputs::new(config, &topics), Outbox::default());
        let mut publishing = Publishing { to: &to, outbox: Some(&mut outbox), rows: 0, alerts: 0 };
        publishing.alert(&alert());
        let alerts = publishing.alerts;
        (topics, outbox, alerts)
    }

    #[test]
    fn an_alert_goes_to_its_topic_as_a_cloud_event() {
        for profiles in [None, Some("profiles".to_owned())] {
            let mut config = Config::default();
            config.topics.profiles = profiles;
            let (topics, outbox, alerts) = published(&config, true);
            let [record] = &outbox.outputs[..] else { panic!("one record") };
            assert_eq!((topics[usize::from(record.output.0)].as_str(), alerts), ("alerts", 1));
            assert_eq!(record.key.as_deref(), Some(alert().alert_id.as_bytes()));
            assert_eq!(crate::codec::rows::decode_alert(record.value.as_deref().unwrap_or_default()), Ok(alert()));
            assert!(record.headers.contains(&("ce_id".to_owned(), Some(alert().id.into_bytes()))));
        }
    }

    #[test]
    fn without_a_topic_alerts_are_counted() {
        let (topics, outbox, alerts) = published(&Config::default(), false);
        assert_eq!((topics, outbox.outputs.len(), outbox.untold_alerts, alerts), (vec!["metrics".to_owned()], 0, 1, 1));
    }
}
