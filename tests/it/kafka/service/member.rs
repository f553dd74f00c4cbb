//! A process of the service that writes small snapshots often: this test binary again. It runs the stages of the program.

use super::super::member::this_binary;
use super::super::process::Process;
use super::Service;
use postdict::join::state::SnapshotPace;
use postdict::stage::{
    AssessPace, AssessStage, INSTANCE_VARIABLE, JoinStage, LogFormat, Options, Stop, run, start_log,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What the process is to be: partitions of the inputs and of the partials, and the configuration.
const SERVICE: &str = "POSTDICT_TEST_SERVICE";

impl Service {
    /// Starts such a process, with these environment variables. A name that begins with `-` is none.
    pub(super) fn start_small(&self, instance: &str, variables: &[(&str, &str)]) -> Process {
        let mut command = this_binary("kafka::service::member::member");
        let partials = self.partitions.min(4);
        command.env(SERVICE, format!("{} {partials} {}", self.partitions, self.config().display()));
        if !instance.starts_with('-') {
            command.env(INSTANCE_VARIABLE, instance);
        }
        command.envs(variables.iter().copied());
        Process::spawn(command)
    }
}

/// Not a test: the process comes in here.
#[test]
fn member() {
    let Ok(service) = std::env::var(SERVICE) else { return };
    let mut words = service.splitn(3, ' ');
    let mut number = || words.next().unwrap().parse::<usize>().unwrap();
    let (partitions, partials) = (number(), number());
    let path = PathBuf::from(words.next().unwrap());
    start_log(LogFormat::Text, "info").unwrap();
    let config = Arc::new(postdict::config::load(&path).unwrap());
    let mut options = Options::new(&config, std::env::var(INSTANCE_VARIABLE).ok()).unwrap();
    options.transaction_timeout = Duration::from_secs(4);
    let join = JoinStage::new(Arc::clone(&config), partials as i32).unwrap();
    let join = join.with_pace(SnapshotPace { small_log_bytes: 20_000, rows_per_commit: 50 });
    let assess = AssessStage::new(Arc::clone(&config), partitions);
    let assess =
        assess.with_pace(AssessPace { repeated_bytes: 10_000, bytes_per_commit: 20_000, rows_per_commit: 500 });
    let stop = Stop::default();
    stop.on_signals().unwrap();
    run(vec![Arc::new(join), Arc::new(assess)], &options, &stop).unwrap();
}
