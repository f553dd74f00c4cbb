//! A process of a test, whatever runs in it: started, watched, signalled, killed; gone when its handle is dropped.

use super::broker::folder;
use super::scene::WAIT_MAX;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Between two looks at a process.
const LOOK: Duration = Duration::from_millis(5);

/// A running process.
pub struct Process {
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts a command; what it says on both outputs is kept.
    pub fn spawn(mut command: Command) -> Process {
        let output = folder("process").join("output");
        let file = File::create(&output).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Process { child: command.spawn().unwrap(), output }
    }

    /// Starts `postdict` in the package's folder.
    pub fn start<S: AsRef<str>>(arguments: &[S]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
        command.args(arguments.iter().map(AsRef::as_ref)).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")));
        Process::spawn(command)
    }

    /// Runs `postdict` to its end: exit status and everything that it said.
    pub fn run<S: AsRef<str>>(arguments: &[S]) -> (Option<i32>, String) {
        let mut process = Process::start(arguments);
        let status = process.ended();
        (status.code(), process.said())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().signal(), Some(9), "it ended before: {}", self.said());
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
            assert!(Instant::now() < deadline, "it does not end: {}", self.said());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until it is stopped by a signal.
    pub fn wait_until_frozen(&mut self) {
        let stat = format!("/proc/{}/stat", self.child.id());
        let deadline = Instant::now() + WAIT_MAX;
        // The state follows the name, which is in parentheses.
        let frozen = || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T "));
        while !frozen() {
            assert!(self.runs() && Instant::now() < deadline, "it does not freeze: {}", self.said());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until it says this.
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + WAIT_MAX;
        while !self.said().contains(text) {
            assert!(self.runs() && Instant::now() < deadline, "`{text}` is not in what it said: {}", self.said());
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until its failpoint has killed it.
    pub fn killed_itself(&mut self) {
        let status = self.ended();
        assert_eq!(status.signal(), Some(9), "{status}: {}", self.said());
    }

    /// SIGTERM: it ends with everything committed, and says so by its status.
    pub fn stopped(mut self) {
        self.signal("TERM");
        let status = self.ended();
        assert!(status.success(), "{status}: {}", self.said());
    }

    /// What it said so far, on both outputs.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
