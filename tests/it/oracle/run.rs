//! Runs the program as a user does: a configuration file, data files, a folder for what comes out.

use super::fold::Fold;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder of a test's own; removed with everything in it when it is dropped.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes a folder that no other test has.
    pub fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("oracle-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Folder { path }
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A test that failed has more to say than a folder that stays.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Predictions and their labels.
pub struct Data {
    /// File with predictions.
    pub predictions: PathBuf,
    /// File with labels.
    pub labels: PathBuf,
}

/// What `postdict replay` makes of `data` with a configuration (YAML), final rows only; `options` are added.
pub fn replay(data: &Data, config: &str, options: &[&str]) -> Fold {
    let folder = Folder::new();
    let config_file = folder.file("postdict.yaml");
    fs::write(&config_file, config).unwrap();
    let out = folder.file("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_postdict"));
    command.args(["replay", "--quiet", "--revisions", "final", "--config"]).arg(&config_file);
    command.arg("--predictions").arg(&data.predictions).arg("--labels").arg(&data.labels);
    command.arg("--out").arg(&out).args(options);
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {}\n{said}\n{config}", done.status);
    let dead = fs::read_to_string(out.join("dead_letters.ndjson")).unwrap();
    assert_eq!(dead, "", "every record of the oracle is good");
    Fold::read(&out.join("metrics.ndjson"))
}
