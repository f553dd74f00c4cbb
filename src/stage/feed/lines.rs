//! One file: its lines in their order, each with its request id and its time.

use super::FeedError;
use crate::codec::compression::decompressed;
use crate::codec::{Heading, HeadingReader, LineChunk, LineReader};
use crate::event::{Millis, Role};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A file of JSON lines, plain or compressed, and the line it is at.
pub struct Lines {
    role: Role,
    path: PathBuf,
    reader: LineReader<Box<dyn BufRead + Send>>,
    headings: HeadingReader,
    chunk: Option<(LineChunk, Vec<Heading>)>,
    next: usize,
    /// Of the last line that had one: a line without a time goes with the one before it.
    time: Millis,
}

impl Lines {
    /// Opens a file at its first line. `chunk_bytes` is how much of its text is held.
    ///
    /// # Errors
    /// If it cannot be read, or is no text.
    pub fn open(role: Role, path: &Path, headings: HeadingReader, chunk_bytes: usize) -> Result<Lines, FeedError> {
        let wrong = |message: String| FeedError::Input { path: path.to_owned(), message };
        let file = File::open(path).map_err(|error| wrong(format!("cannot be opened: {error}")))?;
        let mut reader = decompressed(BufReader::new(file), &path.to_string_lossy())
            .map_err(|error| wrong(format!("cannot be decompressed: {error}")))?;
        let head = reader.fill_buf().map_err(|error| wrong(format!("cannot be read: {error}")))?;
        if head.starts_with(b"Obj\x01") || head.starts_with(b"PAR1") {
            return Err(wrong("is no text: only files with one JSON object per line can be sent".to_owned()));
        }
        let reader = LineReader::new(reader, chunk_bytes);
        let mut lines =
            Lines { role, path: path.to_owned(), reader, headings, chunk: None, next: 0, time: Millis::MIN };
        lines.fill()?;
        Ok(lines)
    }

    /// What the file holds.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Time of the line it is at; `None` at the end.
    pub fn time(&self) -> Option<Millis> {
        let (_, headings) = self.chunk.as_ref()?;
        Some(headings.get(self.next)?.time.unwrap_or(self.time))
    }

    /// Request id and text of the line it is at.
    pub fn record(&self) -> Option<(Option<&str>, &[u8])> {
        let (chunk, headings) = self.chunk.as_ref()?;
        Some((headings.get(self.next)?.request_id.as_deref(), chunk.line(self.next)?))
    }

    /// Goes to the next line.
    ///
    /// # Errors
    /// If the file cannot be read any further.
    pub fn advance(&mut self) -> Result<(), FeedError> {
        self.time = self.time().unwrap_or(self.time);
        self.next += 1;
        match &self.chunk {
            Some((_, headings)) if self.next < headings.len() => Ok(()),
            _ => self.fill(),
        }
    }

    fn fill(&mut self) -> Result<(), FeedError> {
        self.next = 0;
        let chunk = self.reader.next_chunk().map_err(|error| FeedError::Input {
            path: self.path.clone(),
            message: format!("cannot be read after byte {} of its text: {error}", self.reader.position()),
        })?;
        self.chunk = chunk.map(|chunk| {
            let headings = self.headings.read(&chunk.messages());
            (chunk, headings)
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn open(name: &str, text: &str) -> Result<Lines, FeedError> {
        let path = std::env::temp_dir().join(format!("postdict-lines-{}-{name}", std::process::id()));
        std::fs::write(&path, text).expect("the folder for such files is writable");
        let labels = Config::default().labels;
        let headings = HeadingReader::of_labels(&labels.format, &labels.fields)?;
        // So small that every line is a chunk.
        let lines = Lines::open(Role::Labels, &path, headings, 1);
        std::fs::remove_file(&path).expect("it was written just now");
        lines
    }

    #[test]
    fn a_line_without_a_time_goes_with_the_one_before_it() {
        let text = "{\"request_id\":\"a\",\"timestamp\":5}\n\nno json\n{\"request_id\":7,\"timestamp\":3}\n";
        let mut lines = open("times", text).expect("text");
        let mut seen = Vec::new();
        while let (Some(time), Some((key, value))) = (lines.time(), lines.record()) {
            seen.push((time, key.map(str::to_owned), value.len()));
            lines.advance().expect("the rest of the text");
        }
        assert_eq!(seen, [(5, Some("a".to_owned()), 32), (5, None, 7), (3, Some("7".to_owned()), 30)]);
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_name() {
        let error = open("container", "Obj\u{1}rest").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("container") && error.contains("one JSON object per line"), "{error}");
    }
}
