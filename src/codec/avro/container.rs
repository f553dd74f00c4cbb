//! Avro object container files, taken apart into blocks of records.
//!
//! Layout (Avro 1.11, *Object Container Files*): magic, metadata map with `avro.schema` and `avro.codec`, 16 bytes of
//! sync marker; then blocks: record count, byte count, bytes, the sync marker again. Blocks are read here, and not with
//! arrow-avro's reader, because a block that is damaged must not take the records before it along, and must say where
//! it is.

use std::io::{self, BufRead, Read};

/// No block may be larger than this, compressed or not: a damaged length must not fill the memory.
const MAX_BLOCK_BYTES: u64 = 1 << 30;

/// What can be wrong with a container file. Positions count the bytes of the file, after decompression if the file as
/// a whole was compressed.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The file does not begin as a container file does, or with one that cannot be read.
    #[error("not a readable Avro container file: {0}")]
    Header(String),
    /// A block is damaged or cut off. Everything before it was delivered.
    #[error("corrupt or truncated block at byte {position}: {problem}")]
    Corrupt {
        /// Where the block starts.
        position: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The file could not be read any further. Everything before was delivered.
    #[error("cannot be read after byte {position}: {source}")]
    Io {
        /// Where the last whole block ends.
        position: u64,
        /// Why.
        source: io::Error,
    },
}

/// Records of a file that were written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Number of the first record in the file, from 0.
    pub first_record: i64,
    /// How many records the block says it has; at most one per byte.
    pub record_count: usize,
    /// The records, one after the other, decompressed.
    pub bytes: Vec<u8>,
    /// Byte of the file at which the block starts.
    pub position: u64,
}

/// Reads a container file block by block.
#[derive(Debug)]
pub struct ContainerReader<R> {
    input: Counted<R>,
    schema: String,
    codec: Codec,
    sync: [u8; 16],
    next_record: i64,
    failed: bool,
}

impl<R: BufRead> ContainerReader<R> {
    /// Reads the header. Errors if it is not that of a container file with a known codec.
    pub fn open(reader: R) -> Result<Self, ContainerError> {
        let mut input = Counted { inner: reader, position: 0 };
        let header = |problem: Problem| ContainerError::Header(problem.to_string());
        if &input.array::<4>().map_err(header)? != b"Obj\x01" {
            return Err(ContainerError::Header("the first four bytes are not `Obj` and 1".to_owned()));
        }
        let (mut schema, mut codec) = (None, Codec::Null);
        loop {
            let mut count = input.long().map_err(header)?;
            if count == 0 {
                break;
            }
            if count < 0 {
                // A negative count is followed by the byte count of the map's block, which nobody needs here.
                input.long().map_err(header)?;
                count = count.saturating_neg();
            }
            for _ in 0..count {
                let key = input.bytes().map_err(header)?;
                let value = input.bytes().map_err(header)?;
                match key.as_slice() {
                    b"avro.schema" => schema = Some(value),
                    b"avro.codec" => codec = Codec::named(&value)?,
                    _ => {}
                }
            }
        }
        let schema = schema.ok_or_else(|| ContainerError::Header("it has no schema".to_owned()))?;
        let schema =
            String::from_utf8(schema).map_err(|_| ContainerError::Header("its schema is not UTF-8".to_owned()))?;
        let sync = input.array().map_err(header)?;
        Ok(ContainerReader { input, schema, codec, sync, next_record: 0, failed: false })
    }

    /// The writer schema, as JSON text.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The next block; `None` at the end of the file, and after an error.
    pub fn next_block(&mut self) -> Result<Option<Block>, ContainerError> {
        if self.failed {
            return Ok(None);
        }
        let position = self.input.position;
        let block = self.read_block();
        self.failed = block.is_err();
        block.map_err(|problem| match problem {
            Problem::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                ContainerError::Io { position, source }
            }
            problem => ContainerError::Corrupt { position, problem: problem.to_string() },
        })
    }

    fn read_block(&mut self) -> Result<Option<Block>, Problem> {
        if self.input.inner.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let position = self.input.position;
        let count = self.input.long()?;
        let compressed = self.input.bytes()?;
        if self.input.array::<16>()? != self.sync {
            return Err(Problem::Damage("the sync marker after it does not match".to_owned()));
        }
        let bytes = self.codec.decompress(compressed)?;
        let record_count = usize::try_from(count)
            .ok()
            .filter(|count| *count <= bytes.len())
            .ok_or_else(|| Problem::Damage(format!("{count} records in {} bytes", bytes.len())))?;
        let first_record = self.next_record;
        self.next_record = first_record.saturating_add(count);
        Ok(Some(Block { first_record, record_count, bytes, position }))
    }
}

/// What went wrong, before it is known where.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Damage(String),
}

/// Reads Avro's own primitives and counts the bytes.
#[derive(Debug)]
struct Counted<R> {
    inner: R,
    position: u64,
}

impl<R: BufRead> Counted<R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes)?;
        self.position += N as u64;
        Ok(bytes)
    }

    fn long(&mut self) -> Result<i64, Problem> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(Problem::Damage("a number of more than ten bytes".to_owned()))
    }

    fn bytes(&mut self) -> Result<Vec<u8>, Problem> {
        let length = self.long()?;
        let length = u64::try_from(length)
            .ok()
            .filter(|length| *length <= MAX_BLOCK_BYTES)
            .ok_or_else(|| Problem::Damage(format!("a length of {length} bytes")))?;
        let mut bytes = Vec::new();
        // Grows with what is there: a wrong length of a short file costs nothing.
        let read = (&mut self.inner).take(length).read_to_end(&mut bytes)? as u64;
        self.position += read;
        if read < length {
            return Err(Problem::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(bytes)
    }
}

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Null,
    Deflate,
    Snappy,
    Zstandard,
}

impl Codec {
    fn named(name: &[u8]) -> Result<Self, ContainerError> {
        match name {
            b"null" => Ok(Codec::Null),
            b"deflate" => Ok(Codec::Deflate),
            b"snappy" => Ok(Codec::Snappy),
            b"zstandard" => Ok(Codec::Zstandard),
            other => Err(ContainerError::Header(format!(
                "its codec {:?} is not one of null, deflate, snappy, zstandard",
                String::from_utf8_lossy(other)
            ))),
        }
    }

    fn decompress(self, bytes: Vec<u8>) -> Result<Vec<u8>, Problem> {
        match self {
            Codec::Null => Ok(bytes),
            Codec::Deflate => limited(flate2::read::DeflateDecoder::new(&bytes[..])),
            Codec::Zstandard => limited(zstd::Decoder::with_buffer(&bytes[..])?),
            Codec::Snappy => unsnap(&bytes),
        }
    }
}

fn limited(decoder: impl Read) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    decoder.take(MAX_BLOCK_BYTES + 1).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 > MAX_BLOCK_BYTES {
        return Err(Problem::Damage(format!("it decompresses to more than {MAX_BLOCK_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Snappy blocks end in the CRC-32 of what was compressed, big-endian.
fn unsnap(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let (compressed, checksum) =
        bytes.split_last_chunk::<4>().ok_or_else(|| Problem::Damage("no room for a checksum".to_owned()))?;
    if snap::raw::decompress_len(compressed).map_err(damaged)? as u64 > MAX_BLOCK_BYTES {
        return Err(Problem::Damage(format!("it decompresses to more than {MAX_BLOCK_BYTES} bytes")));
    }
    let bytes = snap::raw::Decoder::new().decompress_vec(compressed).map_err(damaged)?;
    let mut crc = flate2::Crc::new();
    crc.update(&bytes);
    if crc.sum() != u32::from_be_bytes(*checksum) {
        return Err(Problem::Damage("its checksum does not match".to_owned()));
    }
    Ok(bytes)
}

fn damaged(error: impl std::fmt::Display) -> Problem {
    Problem::Damage(format!("it does not decompress: {error}"))
}
