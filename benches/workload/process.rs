//! What this process costs: CPU time and resident memory, as Linux tells; and running a scenario in a process of its
//! own, so that its memory is its own.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark measures the machine")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::Duration;

/// Resident memory in bytes.
pub fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// The most memory that was ever resident, in bytes.
pub fn peak() -> u64 {
    memory_of("self", "VmHWM:")
}

/// A line of `/proc/…/status` of a process, in bytes: `VmHWM:` is the most memory that was ever resident, `VmRSS:` what is
/// now.
pub fn memory_of(process: &str, what: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// CPU time that all threads of this process have used, user and system, in seconds.
pub fn cpu_seconds() -> f64 {
    cpu_seconds_of("self")
}

/// The same of another process.
pub fn cpu_seconds_of(process: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the process may contain blanks, but ends with the last parenthesis. Clock ticks are 10 ms.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// CPU time of the thread that makes it, to the nanosecond: what others do on the machine does not count, except for the
/// cache that they take.
pub struct ThreadClock {
    statistics: File,
}

impl ThreadClock {
    /// The clock of this thread.
    pub fn new() -> ThreadClock {
        let path = "/proc/thread-self/schedstat";
        ThreadClock { statistics: File::open(path).unwrap_or_else(|error| panic!("{path}: {error}")) }
    }

    /// CPU time until now.
    pub fn now(&self) -> Duration {
        // The kernel adds up what a thread has used when it might switch to another.
        std::thread::yield_now();
        let mut text = [0; 64];
        let length = self.statistics.read_at(&mut text, 0).expect("it could be opened");
        let first = text[..length].split(|byte| *byte == b' ').next().unwrap_or_default();
        let ns = std::str::from_utf8(first).ok().and_then(|ns| ns.parse().ok()).expect("nanoseconds come first");
        Duration::from_nanos(ns)
    }

    /// How long `work` keeps this thread busy.
    pub fn time<T>(&self, spent: &mut Duration, work: impl FnOnce() -> T) -> T {
        let started = self.now();
        let result = work();
        *spent += self.now() - started;
        result
    }
}

/// Runs this program again with `arguments`; returns what it printed.
pub fn run_apart(arguments: &[&str]) -> String {
    let program = std::env::current_exe().expect("a program knows its own path");
    let output = Command::new(program)
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .expect("this program can be started again");
    assert!(output.status.success(), "{arguments:?} failed");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// The arguments after those that cargo adds.
pub fn arguments() -> Vec<String> {
    std::env::args().skip(1).filter(|argument| argument != "--bench").collect()
}

/// True if figures are wanted (`cargo bench`), false if it is only to be seen that the benchmark runs.
pub fn is_measuring() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}
