//! Members as processes of their own, which can be killed: this test binary again, with one test in it that is the member.

use super::pairing::Pairing;
use super::process::Process;
use super::scene::Scene;
use postdict::stage::{LogFormat, Stop, run, start_log};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// What the process is to be: `bootstrap name partitions instance`. Its options can be changed by [`SESSION`] and
/// [`TRANSACTION`].
const MEMBER: &str = "POSTDICT_TEST_MEMBER";

/// Its session's time-out in milliseconds.
pub const SESSION: &str = "POSTDICT_TEST_SESSION";
/// Its transactions' time-out in milliseconds.
pub const TRANSACTION: &str = "POSTDICT_TEST_TRANSACTION";

/// This binary, to run nothing but `test`.
pub fn this_binary(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command
}

/// Starts a member. `failpoint`: where it kills itself.
pub fn start(scene: &Scene, instance: &str, failpoint: Option<&str>) -> Process {
    let failpoint = failpoint.map(|step| ("POSTDICT_FAILPOINT", step));
    start_with(scene, instance, &Vec::from_iter(failpoint))
}

/// Starts a member that freezes at a step.
pub fn start_frozen(scene: &Scene, instance: &str, step: &str) -> Process {
    start_with(scene, instance, &[("POSTDICT_FAILPOINT", step), ("POSTDICT_FAILPOINT_STOP", "1")])
}

/// Starts a member that stands still at a step until `go_on` is there, with these environment variables too.
pub fn start_held(scene: &Scene, instance: &str, step: &str, go_on: &Path, others: &[(&str, &str)]) -> Process {
    let hold = [("POSTDICT_FAILPOINT", step), ("POSTDICT_FAILPOINT_HOLD", go_on.to_str().unwrap())];
    start_with(scene, instance, &[&hold, others].concat())
}

/// Starts a member with these environment variables.
pub fn start_with(scene: &Scene, instance: &str, variables: &[(&str, &str)]) -> Process {
    let mut command = this_binary("kafka::member::member");
    command.env(MEMBER, format!("{} {} {} {instance}", scene.bootstrap, scene.name, scene.partitions));
    command.envs(variables.iter().copied());
    Process::spawn(command)
}

/// Not a test: the member's process comes in here.
#[test]
fn member() {
    let Ok(member) = std::env::var(MEMBER) else { return };
    let words: Vec<&str> = member.split(' ').collect();
    let [bootstrap, name, partitions, instance] = words[..] else { panic!("{MEMBER}={member}") };
    start_log(LogFormat::Text, "info").unwrap();
    let scene =
        Scene { bootstrap: bootstrap.to_owned(), name: name.to_owned(), partitions: partitions.parse().unwrap() };
    // A name that begins with `-` is none: a dynamic member.
    let instance = (!instance.starts_with('-')).then_some(instance);
    let mut options = scene.options(instance);
    if let Ok(session) = std::env::var(SESSION) {
        options.properties.insert("session.timeout.ms".to_owned(), session);
    }
    if let Ok(transaction) = std::env::var(TRANSACTION) {
        options.transaction_timeout = Duration::from_millis(transaction.parse().unwrap());
    }
    let stop = Stop::default();
    stop.on_signals().unwrap();
    run(vec![Arc::new(Pairing::new(name))], &options, &stop).unwrap();
}
