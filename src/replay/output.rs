//! The files that a replay writes: one JSON object a line, keys in the order of their schemas.

use super::ReplayError;
use super::line::{put_metric_row, put_row};
use crate::codec::ProfileRecord;
use crate::event::{AlertRow, DeadLetterRow, LabelledRow, MetricRow, Reject};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// One file being written.
struct Lines {
    path: PathBuf,
    file: File,
    /// Whole lines that are not written yet.
    buffer: Vec<u8>,
    row_count: u64,
}

impl Lines {
    fn create(directory: &Path, name: &str) -> Result<Lines, ReplayError> {
        let path = directory.join(name);
        let file = File::create(&path).map_err(|source| ReplayError::Output { path: path.clone(), source })?;
        Ok(Lines { path, file, buffer: Vec::new(), row_count: 0 })
    }

    /// Adds the line that `put` appends to the buffer it is given.
    fn write(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Result<(), ReplayError> {
        put(&mut self.buffer);
        self.row_count += 1;
        if self.buffer.len() < BUFFER_BYTES { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), ReplayError> {
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|source| ReplayError::Output { path: self.path.clone(), source })
    }

    fn finish(mut self) -> Result<Written, ReplayError> {
        self.flush()?;
        Ok(Written { path: self.path, row_count: self.row_count })
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// Rows in it.
    pub row_count: u64,
}

/// The output of a replay.
pub struct OutputFiles {
    metrics: Lines,
    alerts: Lines,
    dead_letters: Lines,
    labelled: Option<Lines>,
    profiles: Option<Lines>,
}

impl OutputFiles {
    /// Names of the files that may be written.
    pub const NAMES: [&str; 5] =
        ["metrics.ndjson", "alerts.ndjson", "dead_letters.ndjson", "labelled.ndjson", "profiles.ndjson"];

    /// Makes `directory` and the files in it.
    pub fn create(directory: &Path, with_labelled: bool, with_profiles: bool) -> Result<OutputFiles, ReplayError> {
        std::fs::create_dir_all(directory)
            .map_err(|source| ReplayError::Output { path: directory.to_owned(), source })?;
        let [metrics, alerts, dead_letters, labelled, profiles] = Self::NAMES;
        Ok(OutputFiles {
            metrics: Lines::create(directory, metrics)?,
            alerts: Lines::create(directory, alerts)?,
            dead_letters: Lines::create(directory, dead_letters)?,
            labelled: with_labelled.then(|| Lines::create(directory, labelled)).transpose()?,
            profiles: with_profiles.then(|| Lines::create(directory, profiles)).transpose()?,
        })
    }

    pub(super) fn write_metric(&mut self, row: &MetricRow) -> Result<(), ReplayError> {
        self.metrics.write(|out| put_metric_row(out, row))
    }

    pub(super) fn write_alert(&mut self, row: &AlertRow) -> Result<(), ReplayError> {
        self.alerts.write(|out| put_row(out, row))
    }

    pub(super) fn takes_profiles(&self) -> bool {
        self.profiles.is_some()
    }

    pub(super) fn write_profiles(&mut self, records: &[ProfileRecord]) -> Result<(), ReplayError> {
        let Some(profiles) = &mut self.profiles else { return Ok(()) };
        records.iter().try_for_each(|record| {
            profiles.write(|out| {
                out.extend_from_slice(record.value.as_bytes());
                out.push(b'\n');
            })
        })
    }

    pub(super) fn write_rejects(&mut self, rejects: &[Reject]) -> Result<(), ReplayError> {
        rejects.iter().try_for_each(|reject| self.dead_letters.write(|out| put_row(out, &DeadLetterRow::from(reject))))
    }

    pub(super) fn write_labelled(&mut self, rows: &[LabelledRow]) -> Result<(), ReplayError> {
        let Some(labelled) = &mut self.labelled else { return Ok(()) };
        rows.iter().try_for_each(|row| labelled.write(|out| put_row(out, row)))
    }

    pub(super) fn finish(self) -> Result<Vec<Written>, ReplayError> {
        let all = [Some(self.metrics), Some(self.alerts), Some(self.dead_letters), self.labelled, self.profiles];
        all.into_iter().flatten().map(Lines::finish).collect()
    }
}
