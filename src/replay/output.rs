//! The files that a replay writes: one JSON object a line, keys in the order of their schemas.

use super::ReplayError;
use super::line::put_metric_row;
use crate::event::{DeadLetterRow, LabelledRow, MetricRow, Reject};
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// One file being written.
struct Lines {
    path: PathBuf,
    writer: BufWriter<File>,
    row_count: u64,
}

impl Lines {
    fn create(directory: &Path, name: &str) -> Result<Lines, ReplayError> {
        let path = directory.join(name);
        let file = File::create(&path).map_err(|source| ReplayError::Output { path: path.clone(), source })?;
        Ok(Lines { path, writer: BufWriter::with_capacity(1 << 20, file), row_count: 0 })
    }

    fn write(&mut self, row: &impl Serialize) -> Result<(), ReplayError> {
        let failed = |source| ReplayError::Output { path: self.path.clone(), source };
        serde_json::to_writer(&mut self.writer, row).map_err(|error| failed(error.into()))?;
        self.writer.write_all(b"\n").map_err(failed)?;
        self.row_count += 1;
        Ok(())
    }

    /// Writes a row that is a line already.
    fn write_line(&mut self, line: &[u8]) -> Result<(), ReplayError> {
        self.writer.write_all(line).map_err(|source| ReplayError::Output { path: self.path.clone(), source })?;
        self.row_count += 1;
        Ok(())
    }

    fn finish(mut self) -> Result<Written, ReplayError> {
        self.writer.flush().map_err(|source| ReplayError::Output { path: self.path.clone(), source })?;
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
    dead_letters: Lines,
    labelled: Option<Lines>,
}

impl OutputFiles {
    /// Makes `directory` and the files in it.
    pub fn create(directory: &Path, with_labelled: bool) -> Result<OutputFiles, ReplayError> {
        std::fs::create_dir_all(directory)
            .map_err(|source| ReplayError::Output { path: directory.to_owned(), source })?;
        Ok(OutputFiles {
            metrics: Lines::create(directory, "metrics.ndjson")?,
            dead_letters: Lines::create(directory, "dead_letters.ndjson")?,
            labelled: with_labelled.then(|| Lines::create(directory, "labelled.ndjson")).transpose()?,
        })
    }

    pub(super) fn write_metrics(&mut self, rows: &[MetricRow]) -> Result<(), ReplayError> {
        let mut line = Vec::new();
        rows.iter().try_for_each(|row| {
            line.clear();
            put_metric_row(&mut line, row);
            self.metrics.write_line(&line)
        })
    }

    pub(super) fn write_rejects(&mut self, rejects: &[Reject]) -> Result<(), ReplayError> {
        rejects.iter().try_for_each(|reject| self.dead_letters.write(&DeadLetterRow::from(reject)))
    }

    pub(super) fn write_labelled(&mut self, rows: &[LabelledRow]) -> Result<(), ReplayError> {
        let Some(labelled) = &mut self.labelled else { return Ok(()) };
        rows.iter().try_for_each(|row| labelled.write(row))
    }

    pub(super) fn finish(self) -> Result<Vec<Written>, ReplayError> {
        [Some(self.metrics), Some(self.dead_letters), self.labelled].into_iter().flatten().map(Lines::finish).collect()
    }
}
