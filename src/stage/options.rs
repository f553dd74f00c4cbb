//! How the stages of a process are run: what of the configuration concerns Kafka, and limits.

use crate::config::{Config, Start, is_id};
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything the runtime needs to know besides the stages.
#[derive(Clone)]
pub struct Options {
    /// `host:port`, several separated by commas.
    pub bootstrap_servers: String,
    /// The operator's own properties for all clients.
    pub properties: BTreeMap<String, String>,
    /// Beginning of group ids and transactional ids.
    pub application_id: String,
    /// Stable name of this process, if it has one.
    pub instance_id: Option<String>,
    /// Where inputs that others write are read from where there is no state.
    pub start: Start,
    /// Time between two commits.
    pub commit_interval: Duration,
    /// After how much silence an input partition that was read to its end is idle.
    pub idle_timeout: Duration,
    /// How much may wait for the next commit, over all partitions of a stage.
    pub uncommitted_bytes_max: usize,
    /// How much may be fetched and not yet taken in, per stage.
    pub fetched_bytes_max: usize,
    /// After which time brokers abort a transaction. Longer than a restart of a broker, or commits fail meanwhile.
    pub transaction_timeout: Duration,
    /// For how long a call may not come back before the process ends.
    pub watchdog: Duration,
    /// How long a stop may take.
    pub stop_timeout: Duration,
    /// Time between two looks at whether the topics are still what they were.
    pub topic_check_interval: Duration,
}

impl Options {
    /// Options from the configuration. `instance` is the process's own name ([`INSTANCE_VARIABLE`]), which goes before the
    /// configured one.
    ///
    /// # Errors
    /// If that name cannot be part of ids.
    pub fn new(config: &Config, instance: Option<String>) -> Result<Options, String> {
        let instance = instance.filter(|id| !id.is_empty());
        if let Some(id) = instance.as_deref().filter(|id| !is_id(id)) {
            return Err(format!("{INSTANCE_VARIABLE} is `{id}`: letters, digits, `.`, `_` and `-` only, at most 100"));
        }
        let millis = |value: i64| Duration::from_millis(u64::try_from(value).unwrap_or(0));
        Ok(Options {
            bootstrap_servers: config.kafka.bootstrap_servers.clone(),
            properties: config.kafka.properties.clone(),
            application_id: config.kafka.application_id.clone(),
            instance_id: instance.or_else(|| config.kafka.instance_id.clone()),
            start: config.start,
            commit_interval: millis(config.commit_interval_ms),
            idle_timeout: millis(config.settings.idle_timeout_ms),
            uncommitted_bytes_max: 32 << 20,
            fetched_bytes_max: 4 << 20,
            transaction_timeout: Duration::from_secs(30),
            watchdog: Duration::from_secs(300),
            stop_timeout: Duration::from_secs(20),
            topic_check_interval: Duration::from_secs(30),
        })
    }
}

/// Environment variable with a stable name of the process.
pub const INSTANCE_VARIABLE: &str = "POSTDICT_INSTANCE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_before_the_configuration() {
        let mut config = Config::default();
        config.kafka.instance_id = Some("configured".to_owned());
        let instance =
            |variable: Option<&str>| Options::new(&config, variable.map(str::to_owned)).map(|o| o.instance_id);
        assert_eq!(instance(Some("own")), Ok(Some("own".to_owned())));
        assert_eq!(instance(Some("")), Ok(Some("configured".to_owned())));
        assert_eq!(instance(None), Ok(Some("configured".to_owned())));
        assert!(instance(Some("a b")).is_err_and(|error| error.contains(INSTANCE_VARIABLE)));
    }
}
