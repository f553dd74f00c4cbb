//! Records of a topic partition in a file, as they were fetched: key, headers and the broker's timestamp beside the value.
//! What is read several times is fetched once, and is the same each time, whatever becomes of the topic meanwhile.
//!
//! The file is one Zstandard stream: [`MAGIC`], then per record its offset, its timestamp, its key, its value, the number of
//! its headers and each one's name and value; numbers with 8 bytes, least significant byte first, bytes with their length
//! before them, and what is null with the length -1. It is read by the program that wrote it and by no other.

use crate::codec::Message;
use crate::event::Millis;
use std::fs::File;
use std::io::{self, BufRead, BufWriter, Read, Write};
use std::ops::Range;
use std::path::Path;

/// What the decompressed file begins with.
pub(super) const MAGIC: &[u8] = b"Postdict records 1\n";

/// Of a timestamp that is not there: no broker says so.
const NO_TIME: i64 = i64::MIN;
/// No record of a topic is that large; a length beyond it is none.
const MAX_BYTES: i64 = 1 << 30;

/// Writes a file of records.
pub struct Spool {
    writer: zstd::Encoder<'static, BufWriter<File>>,
}

impl Spool {
    /// Makes the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: &Path) -> io::Result<Spool> {
        let mut writer = zstd::Encoder::new(BufWriter::new(File::create(path)?), 1)?;
        writer.write_all(MAGIC)?;
        Ok(Spool { writer })
    }

    /// Appends a record; offsets ascend.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, record: &Message<'_>) -> io::Result<()> {
        self.number(record.offset)?;
        self.number(record.timestamp.unwrap_or(NO_TIME))?;
        self.bytes(record.key)?;
        self.bytes(record.value)?;
        self.number(record.headers.len() as i64)?;
        for (name, value) in record.headers {
            self.bytes(Some(name.as_bytes()))?;
            self.bytes(value.as_deref())?;
        }
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> io::Result<()> {
        self.writer.finish()?.flush()
    }

    fn number(&mut self, number: i64) -> io::Result<()> {
        self.writer.write_all(&number.to_le_bytes())
    }

    fn bytes(&mut self, bytes: Option<&[u8]>) -> io::Result<()> {
        self.number(bytes.map_or(-1, |bytes| bytes.len() as i64))?;
        self.writer.write_all(bytes.unwrap_or_default())
    }
}

/// Some records of a file, with their bytes in one piece.
#[derive(Debug, Default)]
pub(super) struct SpooledChunk {
    bytes: Vec<u8>,
    records: Vec<SpooledRecord>,
}

#[derive(Debug)]
struct SpooledRecord {
    offset: i64,
    timestamp: Option<Millis>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl SpooledChunk {
    /// The records.
    pub(super) fn messages(&self) -> Vec<Message<'_>> {
        let bytes = |range: &Option<Range<usize>>| range.clone().map(|range| &self.bytes[range]);
        let mut messages = Vec::with_capacity(self.records.len());
        for SpooledRecord { offset, timestamp, key, value, headers } in &self.records {
            let (offset, timestamp) = (*offset, *timestamp);
            messages.push(Message { offset, timestamp, key: bytes(key), value: bytes(value), headers });
        }
        messages
    }
}

/// Reads chunks of records behind [`MAGIC`].
pub(super) struct SpoolReader<R> {
    reader: R,
    chunk_bytes: usize,
}

impl<R: BufRead> SpoolReader<R> {
    /// Reads `reader`, which is at its beginning, in chunks that end with the record that reaches `chunk_bytes`.
    ///
    /// # Errors
    /// If it is no such file.
    pub(super) fn open(mut reader: R, chunk_bytes: usize) -> io::Result<Self> {
        let mut magic = [0; MAGIC.len()];
        reader.read_exact(&mut magic)?;
        if magic != *MAGIC {
            return Err(corrupt());
        }
        Ok(SpoolReader { reader, chunk_bytes })
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// If the file is cut or damaged.
    pub(super) fn next_chunk(&mut self) -> io::Result<Option<SpooledChunk>> {
        let mut chunk = SpooledChunk::default();
        while chunk.bytes.len() < self.chunk_bytes && !self.reader.fill_buf()?.is_empty() {
            let (offset, time) = (self.number()?, self.number()?);
            let key = self.bytes(&mut chunk.bytes)?;
            let value = self.bytes(&mut chunk.bytes)?;
            let mut headers = Vec::new();
            for _ in 0..self.number()? {
                let (mut name, mut value) = (Vec::new(), Vec::new());
                self.bytes(&mut name)?.ok_or_else(corrupt)?;
                let is_there = self.bytes(&mut value)?.is_some();
                headers.push((String::from_utf8(name).map_err(|_| corrupt())?, is_there.then_some(value)));
            }
            let timestamp = Some(time).filter(|time| *time != NO_TIME);
            chunk.records.push(SpooledRecord { offset, timestamp, key, value, headers });
        }
        Ok((!chunk.records.is_empty()).then_some(chunk))
    }

    fn number(&mut self) -> io::Result<i64> {
        let mut bytes = [0; 8];
        self.reader.read_exact(&mut bytes)?;
        Ok(i64::from_le_bytes(bytes))
    }

    /// Appends the next bytes to `out`; says where they are there, unless they are null.
    fn bytes(&mut self, out: &mut Vec<u8>) -> io::Result<Option<Range<usize>>> {
        let length = self.number()?;
        if length == -1 {
            return Ok(None);
        }
        let length = u64::try_from(length).ok().filter(|_| length <= MAX_BYTES).ok_or_else(corrupt)?;
        let start = out.len();
        let read = (&mut self.reader).take(length).read_to_end(out)?;
        if read as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some(start..out.len()))
    }
}

fn corrupt() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "damaged: these are no records that were kept of a topic")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::compression::decompressed;
    use proptest::prelude::*;
    use std::io::BufReader;

    type Bytes = Option<Vec<u8>>;
    type Record = (i64, Option<i64>, Bytes, Bytes, Vec<(String, Bytes)>);

    fn records() -> impl Strategy<Value = Vec<Record>> {
        let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
        let headers = prop::collection::vec((any::<String>(), bytes()), 0..3);
        let record = (any::<i64>(), prop::option::of(0..i64::MAX), bytes(), bytes(), headers);
        prop::collection::vec(record, 0..30)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn records_come_back_as_they_were(records in records(), chunk_bytes in 1usize..200) {
            let path = std::env::temp_dir().join(format!("postdict-spool-test-{}", std::process::id()));
            let mut spool = Spool::create(&path).unwrap();
            for (offset, timestamp, key, value, headers) in &records {
                let (offset, timestamp) = (*offset, *timestamp);
                let message = Message { offset, timestamp, key: key.as_deref(), value: value.as_deref(), headers };
                spool.write(&message).unwrap();
            }
            spool.finish().unwrap();
            let file = BufReader::new(File::open(&path).unwrap());
            let mut reader = SpoolReader::open(decompressed(file, "spool").unwrap(), chunk_bytes).unwrap();
            let mut read: Vec<Record> = Vec::new();
            while let Some(chunk) = reader.next_chunk().unwrap() {
                read.extend(chunk.messages().iter().map(|message| {
                    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
                    let Message { offset, timestamp, key, value, headers } = *message;
                    (offset, timestamp, owned(key), owned(value), headers.to_vec())
                }));
            }
            std::fs::remove_file(&path).unwrap();
            prop_assert_eq!(read, records);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [MAGIC, &bytes[..]].concat();
            let mut reader = SpoolReader::open(&bytes[..], 50).unwrap();
            while let Ok(Some(_)) = reader.next_chunk() {}
        }
    }
}
