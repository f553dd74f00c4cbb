//! A member as a process of its own, which can be killed: this test binary again, with one test in it that is the member.

use super::broker::folder;
use super::pairing::Pairing;
use super::scene::{Scene, WAIT_MAX};
use postdict::stage::{LogFormat, Stop, run, start_log};
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the process is to be: `bootstrap name partitions instance`. Its options can be changed by [`SESSION`] and
/// [`TRANSACTION`].
const MEMBER: &str = "POSTDICT_TEST_MEMBER";

/// Its session's time-out in milliseconds.
pub const SESSION: &str = "POSTDICT_TEST_SESSION";
/// Its transactions' time-out in milliseconds.
pub const TRANSACTION: &str = "POSTDICT_TEST_TRANSACTION";

/// A running process.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a member. `failpoint`: where it kills itself.
    pub fn start(scene: &Scene, instance: &str, failpoint: Option<&str>) -> Process {
        let failpoint = failpoint.map(|step| ("POSTDICT_FAILPOINT", step));
        Process::start_with(scene, instance, &Vec::from_iter(failpoint))
    }

    /// Starts a member that freezes at a step.
    pub fn start_frozen(scene: &Scene, instance: &str, step: &str) -> Process {
        Process::start_with(scene, instance, &[("POSTDICT_FAILPOINT", step), ("POSTDICT_FAILPOINT_STOP", "1")])
    }

    /// Starts a member with these environment variables.
    pub fn start_with(scene: &Scene, instance: &str, variables: &[(&str, &str)]) -> Process {
        let log = folder(instance).join("log");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "kafka::process::member", "--nocapture"])
            .env(MEMBER, format!("{} {} {} {instance}", scene.bootstrap, scene.name, scene.partitions))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .envs(variables.iter().copied())
            .stderr(File::create(&log).unwrap());
        Process { child: command.spawn().unwrap(), log }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Kills it, as a crash would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// True while it has not ended.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it ends.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + WAIT_MAX;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the member does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it is stopped by a signal.
    pub fn wait_until_frozen(&mut self) {
        let stat = format!("/proc/{}/stat", self.child.id());
        let deadline = Instant::now() + WAIT_MAX;
        // The state follows the name, which is in parentheses.
        let frozen = || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
        while !frozen() {
            assert!(self.runs() && Instant::now() < deadline, "it does not freeze: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until its log says this.
    pub fn wait_for_log(&mut self, text: &str) {
        let deadline = Instant::now() + WAIT_MAX;
        while !self.log().contains(text) {
            assert!(self.runs() && Instant::now() < deadline, "`{text}` is not in its log: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until its failpoint has killed it.
    pub fn killed_itself(&mut self) {
        let status = self.ended();
        assert_eq!(status.signal(), Some(9), "{status}: {}", self.log());
    }

    /// Asks it to stop as an operator would, and waits until it has.
    pub fn stopped(mut self) {
        self.signal("TERM");
        let status = self.ended();
        assert!(status.success(), "{status}: {}", self.log());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
