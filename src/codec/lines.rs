//! NDJSON: text of one record per line, cut into chunks of whole lines.

use super::message::Message;
use std::io::{self, BufRead, Read};
use std::ops::Range;

/// No line may be longer than this: a file without line ends must not fill the memory.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// Reads chunks of lines. Blank lines are no records; `\r\n` ends a line as `\n` does; the last may have no end.
#[derive(Debug)]
pub struct LineReader<R> {
    reader: R,
    chunk_bytes: usize,
    next_record: i64,
    position: u64,
    failure: Option<io::Error>,
    ended: bool,
}

/// Some lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineChunk {
    /// Number of the first record in the file, from 0.
    pub first_record: i64,
    /// Byte of the file (after decompression) at which the chunk starts.
    pub position: u64,
    bytes: Vec<u8>,
    lines: Vec<Range<usize>>,
}

impl LineChunk {
    /// The lines as messages; the offset is the record's number in the file.
    pub fn messages(&self) -> Vec<Message<'_>> {
        let numbers = self.first_record..;
        numbers.zip(&self.lines).map(|(number, line)| Message::of_file(number, &self.bytes[line.clone()])).collect()
    }

    /// The line at `place`, from 0; `None` after the last.
    pub fn line(&self, place: usize) -> Option<&[u8]> {
        self.lines.get(place).map(|line| &self.bytes[line.clone()])
    }
}

impl<R: BufRead> LineReader<R> {
    /// Reads `reader` in chunks that end with the first line that reaches `chunk_bytes`.
    pub fn new(reader: R, chunk_bytes: usize) -> Self {
        LineReader { reader, chunk_bytes, next_record: 0, position: 0, failure: None, ended: false }
    }

    /// Bytes of the file that have been delivered as whole lines.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next chunk; `None` at the end. An error is returned after every whole line before it; the line that it
    /// cuts is lost.
    pub fn next_chunk(&mut self) -> io::Result<Option<LineChunk>> {
        let mut chunk = LineChunk {
            first_record: self.next_record,
            position: self.position,
            bytes: Vec::with_capacity(self.chunk_bytes.min(MAX_LINE_BYTES)),
            lines: Vec::new(),
        };
        while !self.ended && chunk.bytes.len() < self.chunk_bytes {
            let start = chunk.bytes.len();
            let limit = MAX_LINE_BYTES as u64 + 1;
            let read = match (&mut self.reader).take(limit).read_until(b'\n', &mut chunk.bytes) {
                Ok(read) if read as u64 == limit => Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the line at byte {} is longer than {MAX_LINE_BYTES} bytes", self.position),
                )),
                other => other,
            };
            match read {
                Ok(read) => {
                    self.ended = read == 0;
                    self.position += read as u64;
                    let line = trimmed(&chunk.bytes, start);
                    if !line.is_empty() {
                        chunk.lines.push(line);
                        self.next_record += 1;
                    }
                }
                Err(error) => {
                    chunk.bytes.truncate(start);
                    self.failure = Some(error);
                    self.ended = true;
                }
            }
        }
        if !chunk.lines.is_empty() {
            return Ok(Some(chunk));
        }
        match self.failure.take() {
            Some(error) => Err(error),
            None if self.ended => Ok(None),
            // A chunk of nothing but blank lines.
            None => self.next_chunk(),
        }
    }
}

/// The line from `start` to the end of `bytes`, without white space around it and, at the start of a file, without
/// the byte order mark that some editors leave there.
fn trimmed(bytes: &[u8], start: usize) -> Range<usize> {
    let line = &bytes[start..];
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let start = bytes.len() - line.trim_ascii_start().len();
    start..start + line.trim_ascii().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(text: &[u8], chunk_bytes: usize) -> Vec<(i64, String)> {
        let mut reader = LineReader::new(text, chunk_bytes);
        let mut lines = Vec::new();
        while let Some(chunk) = reader.next_chunk().expect("a slice can be read") {
            for message in chunk.messages() {
                let text = String::from_utf8_lossy(message.value.expect("a line")).into_owned();
                lines.push((message.offset, text));
            }
        }
        lines
    }

    #[test]
    fn blank_lines_carriage_returns_and_a_missing_end_are_handled() {
        let lines = read_all(b"\xEF\xBB\xBF{1}\r\n\n  \r\n{2}\n{3}", 1 << 20);
        assert_eq!(lines, [(0, "{1}".to_owned()), (1, "{2}".to_owned()), (2, "{3}".to_owned())]);
        assert_eq!(read_all(b"\n\n\n", 1), []);
    }

    proptest! {
        #[test]
        fn the_size_of_chunks_does_not_matter(text in "[ab\\r\\n ]{0,80}", chunk_bytes in 1usize..40) {
            let expected: Vec<String> =
                text.split('\n').map(|line| line.trim_ascii().to_owned()).filter(|line| !line.is_empty()).collect();
            let lines = read_all(text.as_bytes(), chunk_bytes);
            prop_assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..expected.len() as i64).collect::<Vec<_>>());
            prop_assert_eq!(lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn an_error_comes_after_the_whole_lines_before_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let input = io::BufReader::new(b"{1}\n{2}\n{3".chain(Broken));
        let mut reader = LineReader::new(input, 1 << 20);
        assert_eq!(reader.next_chunk().unwrap().unwrap().messages().len(), 2);
        assert_eq!(reader.position(), 8);
        assert_eq!(reader.next_chunk().unwrap_err().to_string(), "gone");
        assert!(reader.next_chunk().unwrap().is_none());
    }
}
