//! The program itself on the broker of the tests: started with arguments, watched, stopped by signals.

use super::broker::folder;
use super::scene::WAIT_MAX;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// Between two looks at a process.
const LOOK: Duration = Duration::from_millis(5);

/// A name that no other test and no other run has.
pub fn unique(test: &str) -> String {
    let nanos = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("{test}-{}-{nanos:x}", std::process::id())
}

/// A running `postdict`.
pub struct Program {
    child: Child,
    output: PathBuf,
}

impl Program {
    /// Starts it in the package's folder.
    pub fn start<S: AsRef<str>>(arguments: &[S]) -> Program {
        let output = folder("program").join("output");
        let file = File::create(&output).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_postdict"))
            .args(arguments.iter().map(AsRef::as_ref))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Program { child, output }
    }

    /// Runs it to its end: exit status and everything that it said.
    pub fn run<S: AsRef<str>>(arguments: &[S]) -> (Option<i32>, String) {
        let mut program = Program::start(arguments);
        let status = program.ended();
        (status.code(), program.said())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
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

    /// What it said so far, on both outputs.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
