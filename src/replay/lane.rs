//! One input file: read and decompressed on a thread of its own, decoded in chunks on all cores, handed on in order.

use super::ReplayError;
use super::spool::{MAGIC, SpoolReader, SpooledChunk};
use crate::codec::avro::container::ContainerReader;
use crate::codec::compression::decompressed;
use crate::codec::{
    Format, LabelDecoder, LabelFields, LineChunk, LineReader, Message, PredictionDecoder, PredictionFields,
};
use crate::event::{LabelBatch, Millis, Origin, PredictionColumns, Reject, Role};
use crate::join::PredictionReader;
use arrow_array::Int64Array;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

/// How the records of one role are read.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Of predictions.
    pub predictions: (Format, PredictionFields),
    /// Of labels.
    pub labels: (Format, LabelFields),
    /// What is decoded of features and attributes.
    pub columns: PredictionColumns,
}

/// Decoded records of one chunk.
#[derive(Debug)]
pub enum Batch {
    Predictions(Box<PredictionReader>),
    Labels(Box<LabelBatch>),
}

impl Batch {
    /// The file.
    pub fn origin(&self) -> &Origin {
        match self {
            Batch::Predictions(reader) => &reader.batch().origin,
            Batch::Labels(batch) => &batch.origin,
        }
    }

    /// Event times of the rows.
    pub fn times(&self) -> &Int64Array {
        match self {
            Batch::Predictions(reader) => &reader.batch().time,
            Batch::Labels(batch) => &batch.time,
        }
    }

    /// Event time of `row`.
    pub fn time(&self, row: usize) -> Millis {
        self.times().value(row)
    }

    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            Batch::Predictions(reader) => reader.batch().len(),
            Batch::Labels(batch) => batch.len(),
        }
    }
}

/// One chunk of a file, decoded, with its raw bytes for dead letters.
#[derive(Debug)]
pub struct Chunk {
    /// The valid records.
    pub batch: Batch,
    /// The others.
    pub rejects: Vec<Reject>,
    raw: Option<Raw>,
}

/// Records of one chunk before they are decoded.
#[derive(Debug)]
enum Raw {
    Lines(LineChunk),
    Spooled(SpooledChunk),
}

impl Raw {
    fn messages(&self) -> Vec<Message<'_>> {
        match self {
            Raw::Lines(lines) => lines.messages(),
            Raw::Spooled(records) => records.messages(),
        }
    }
}

impl Chunk {
    /// The raw bytes of the record that `reject` names; `None` if it is of another chunk (a label that waited), and for
    /// container files, whose records have none of their own.
    pub fn raw(&self, reject: &Reject) -> Option<Vec<u8>> {
        if *self.batch.origin() != reject.origin {
            return None;
        }
        let messages = self.raw.as_ref()?.messages();
        let found = messages.iter().find(|message| message.offset == reject.offset)?;
        found.value.map(<[u8]>::to_vec)
    }
}

/// What a lane hands on: chunks, then the end or an error.
type Item = Result<Chunk, ReplayError>;

/// Chunks of a file that are decoded ahead of their use.
const CHUNKS_AHEAD: usize = 3;

/// One input file as a sequence of chunks.
#[derive(Debug)]
pub struct Lane {
    queue: Receiver<Receiver<Item>>,
}

impl Lane {
    /// Starts reading `path`. `bytes_read` counts what was read of the file itself; `chunk_bytes` bounds a chunk's text.
    pub fn start(
        role: Role,
        path: PathBuf,
        layout: Arc<Layout>,
        bytes_read: Arc<AtomicU64>,
        chunk_bytes: usize,
    ) -> Lane {
        let (sender, queue) = sync_channel(CHUNKS_AHEAD);
        let reading = move || {
            let feed = Feed { role, path, layout, decoders: Arc::default(), sender };
            feed.run(bytes_read, chunk_bytes);
        };
        std::thread::Builder::new()
            .name(format!("read-{}", role.name()))
            .spawn(reading)
            .expect("the system can start a thread");
        Lane { queue }
    }

    /// The next chunk; `None` at the end of the file.
    pub fn next(&self) -> Option<Item> {
        // Both channels close when the reading thread is done, or has panicked: then the panic is reported by the runtime.
        self.queue.recv().ok()?.recv().ok()
    }
}

/// A decoder of either role.
#[derive(Debug)]
enum Decoder {
    Predictions(Box<PredictionDecoder>),
    Labels(Box<LabelDecoder>),
}

impl Decoder {
    fn try_new(role: Role, layout: &Layout, schema: Option<&str>) -> Result<Decoder, ReplayError> {
        let plain = |format: &Format| match schema {
            Some(schema) => Format::AvroPlain { schema: schema.to_owned() },
            None => format.clone(),
        };
        let decoder = match role {
            Role::Predictions => {
                let (format, fields) = &layout.predictions;
                PredictionDecoder::try_new(&plain(format), fields, &layout.columns)
                    .map(|decoder| Decoder::Predictions(Box::new(decoder)))
            }
            Role::Labels => {
                let (format, fields) = &layout.labels;
                LabelDecoder::try_new(&plain(format), fields).map(|decoder| Decoder::Labels(Box::new(decoder)))
            }
        };
        decoder.map_err(|error| ReplayError::Schema { message: error.to_string() })
    }

    fn decode(&mut self, origin: &Origin, messages: &[Message]) -> (Batch, Vec<Reject>) {
        match self {
            Decoder::Predictions(decoder) => {
                let decoded = decoder.decode(origin, messages);
                (Batch::Predictions(Box::new(PredictionReader::new(decoded.batch))), decoded.rejects)
            }
            Decoder::Labels(decoder) => {
                let decoded = decoder.decode(origin, messages);
                (Batch::Labels(Box::new(decoded.batch)), decoded.rejects)
            }
        }
    }
}

/// The reading side of a lane.
struct Feed {
    role: Role,
    path: PathBuf,
    layout: Arc<Layout>,
    /// Decoders that are not in use: as many as chunks were ever decoded at once.
    decoders: Arc<Mutex<Vec<Decoder>>>,
    sender: SyncSender<Receiver<Item>>,
}

impl Feed {
    fn run(&self, bytes_read: Arc<AtomicU64>, chunk_bytes: usize) {
        if let Err(error) = self.read(bytes_read, chunk_bytes) {
            let (sender, receiver) = sync_channel(1);
            // The other side may have stopped listening: then nobody wants to know.
            if sender.send(Err(error)).is_ok() {
                let _ = self.sender.send(receiver);
            }
        }
    }

    fn read(&self, bytes_read: Arc<AtomicU64>, chunk_bytes: usize) -> Result<(), ReplayError> {
        let file = File::open(&self.path).map_err(|error| self.error("cannot be opened", 0, &error))?;
        let counted = BufReader::with_capacity(64 * 1024, CountingReader { reader: file, count: bytes_read });
        let name = self.path.to_string_lossy();
        let mut reader =
            decompressed(counted, &name).map_err(|error| self.error("cannot be decompressed", 0, &error))?;
        let head = reader.fill_buf().map_err(|error| self.error("cannot be read", 0, &error))?;
        if head.starts_with(b"Obj\x01") {
            self.read_container(reader)
        } else if head.starts_with(MAGIC) {
            let mut records =
                SpoolReader::open(reader, chunk_bytes).map_err(|error| self.error("cannot be read", 0, &error))?;
            self.read_chunks(|| (records.next_chunk().map(|chunk| chunk.map(Raw::Spooled)), 0))
        } else {
            let mut lines = LineReader::new(reader, chunk_bytes);
            self.read_chunks(|| (lines.next_chunk().map(|chunk| chunk.map(Raw::Lines)), lines.position()))
        }
    }

    /// Has what `next` gives decoded on all cores, until there is nothing more; with each chunk goes the byte of the file
    /// up to which it was read, if that is known.
    fn read_chunks(&self, mut next: impl FnMut() -> (std::io::Result<Option<Raw>>, u64)) -> Result<(), ReplayError> {
        let origin = self.origin();
        loop {
            let (chunk, position) = next();
            match chunk {
                Ok(Some(chunk)) => {
                    let (sender, receiver) = sync_channel(1);
                    if self.sender.send(receiver).is_err() {
                        return Ok(());
                    }
                    let (origin, layout, decoders, role) =
                        (origin.clone(), Arc::clone(&self.layout), Arc::clone(&self.decoders), self.role);
                    rayon::spawn(move || {
                        let idle = decoders.lock().ok().and_then(|mut decoders| decoders.pop());
                        let item = idle.map_or_else(|| Decoder::try_new(role, &layout, None), Ok).map(|mut decoder| {
                            let (batch, rejects) = decoder.decode(&origin, &chunk.messages());
                            if let Ok(mut decoders) = decoders.lock() {
                                decoders.push(decoder);
                            }
                            Chunk { batch, rejects, raw: Some(chunk) }
                        });
                        let _ = sender.send(item);
                    });
                }
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.error("cannot be read", position, &error)),
            }
        }
    }

    /// Container files are decoded where they are read: their blocks are the unit.
    fn read_container(&self, reader: impl BufRead) -> Result<(), ReplayError> {
        let origin = self.origin();
        let failed =
            |error: &dyn std::fmt::Display| ReplayError::Input { path: self.path.clone(), message: error.to_string() };
        let mut container = ContainerReader::open(reader).map_err(|error| failed(&error))?;
        let mut decoder = Decoder::try_new(self.role, &self.layout, Some(container.schema()))?;
        while let Some(block) = container.next_block().map_err(|error| failed(&error))? {
            let (batch, rejects, corrupt) = match &mut decoder {
                Decoder::Predictions(decoder) => {
                    let read = decoder.decode_block(&origin, &block);
                    let batch = Batch::Predictions(Box::new(PredictionReader::new(read.decoded.batch)));
                    (batch, read.decoded.rejects, read.corrupt)
                }
                Decoder::Labels(decoder) => {
                    let read = decoder.decode_block(&origin, &block);
                    (Batch::Labels(Box::new(read.decoded.batch)), read.decoded.rejects, read.corrupt)
                }
            };
            let (sender, receiver) = sync_channel(1);
            if sender.send(Ok(Chunk { batch, rejects, raw: None })).is_err() || self.sender.send(receiver).is_err() {
                return Ok(());
            }
            if let Some(error) = corrupt {
                return Err(failed(&error));
            }
        }
        Ok(())
    }

    fn origin(&self) -> Origin {
        Origin { role: self.role, topic: self.path.to_string_lossy().into(), partition: 0 }
    }

    fn error(&self, what: &str, position: u64, error: &std::io::Error) -> ReplayError {
        let message = match position {
            0 => format!("{what}: {error}"),
            position => format!("{what} after byte {position} of its text: {error}"),
        };
        ReplayError::Input { path: self.path.clone(), message }
    }
}

/// Counts what is read, for the progress bar.
struct CountingReader<R> {
    reader: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.reader.read(buffer)?;
        self.count.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

/// Says what is wrong with an input file before anything is started.
pub fn check_readable(path: &Path) -> Result<u64, String> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?;
    if metadata.is_dir() {
        return Err(format!("{shown}: is a directory"));
    }
    if !metadata.is_file() {
        // What is read from a pipe to look at it would be missing later.
        return Ok(0);
    }
    let mut file = File::open(path).map_err(|error| format!("{shown}: {error}"))?;
    let mut head = [0; 4];
    let len = file.read(&mut head).map_err(|error| format!("{shown}: {error}"))?;
    match &head[..len] {
        [] => Err(format!("{shown}: is empty")),
        b"PAR1" => {
            Err(format!("{shown}: is a Parquet file, which this version does not read; NDJSON and Avro it does"))
        }
        _ => Ok(metadata.len()),
    }
}
