//! What the bytes of a changelog record are: a piece of how one commit changed the state of one partition.
//!
//! ```text
//! magic "PDCL" │ version u16 │ stage (length u8, UTF-8) │ partition i32 │ commit u64 │ is base u8 │ piece u32 │
//! pieces u32 │ inputs u8 │ topic id u128 × inputs (0: unknown) │ previous position i64 × inputs │
//! next position i64 × inputs │ payload length u32 │ payload │ CRC-32
//! ```
//!
//! Little-endian; the CRC is over everything before it. The blocks of a partition are a chain: a commit's number is the
//! one before plus one, and its previous positions are the next positions of the one before. Every commit that moves a
//! position or writes an output has at least one block, even if the state did not change, because positions are taken
//! from here and not from the group's offsets, which can expire. A position means something in the topic that was read and
//! in no other of its name: hence the ids.

use super::topic_id::TopicId;
use super::work::MAX_PAYLOAD_BYTES;
use std::num::NonZeroU128;

const MAGIC: [u8; 4] = *b"PDCL";

/// The format that this program writes, and the newest that it reads.
pub const VERSION: u16 = 1;

/// Bytes of a block around its payload, at most: with it a block of a full payload stays below 1 MiB.
pub const MAX_HEADER_BYTES: usize = 4 + 2 + 1 + 255 + 4 + 8 + 1 + 4 + 4 + 1 + 255 * (16 + 8 + 8) + 4 + 4;

const _: () =
    assert!(MAX_PAYLOAD_BYTES + MAX_HEADER_BYTES < 1 << 20, "a block fits a record of a topic with default limits");

/// One piece of one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Name of the stage whose state it is.
    pub stage: String,
    /// Partition of the primary topic, and of the changelog.
    pub partition: i32,
    /// Number of the commit; the first is 1.
    pub commit: u64,
    /// A snapshot begins in this commit: the log may begin with it, once the snapshot is complete.
    pub is_base: bool,
    /// Which piece of the commit this is, from 0.
    pub piece: u32,
    /// How many pieces the commit has, > 0.
    pub pieces: u32,
    /// The topic of each input, where the brokers gave its id.
    pub topics: Vec<Option<TopicId>>,
    /// Next offset per input before the commit.
    pub previous: Vec<i64>,
    /// Next offset per input after it.
    pub next: Vec<i64>,
    /// A piece of the delta; empty if the state did not change.
    pub payload: Vec<u8>,
}

/// Why bytes are not a block that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The bytes were changed, cut off, or were never a block.
    #[error("the block is corrupt: {0}")]
    Corrupt(&'static str),
    /// Written by a newer version of the program.
    #[error(
        "the block has format {found}, newer than this program reads ({VERSION}): run the version that wrote it, or a newer one"
    )]
    Newer {
        /// The format that was found.
        found: u16,
    },
    /// A whole block, but of another stage, another partition, or out of order.
    #[error("the block does not follow: {0}")]
    DoesNotFollow(String),
}

impl Block {
    /// The bytes of the block.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload.len() + 64 + self.stage.len() + 32 * self.next.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.push(u8::try_from(self.stage.len()).expect("stages have short names"));
        bytes.extend(self.stage.as_bytes());
        bytes.extend(self.partition.to_le_bytes());
        bytes.extend(self.commit.to_le_bytes());
        bytes.push(u8::from(self.is_base));
        bytes.extend(self.piece.to_le_bytes());
        bytes.extend(self.pieces.to_le_bytes());
        bytes.push(u8::try_from(self.next.len()).expect("stages have few inputs"));
        for topic in &self.topics {
            bytes.extend(topic.map_or(0, |id| id.0.get()).to_le_bytes());
        }
        for position in self.previous.iter().chain(&self.next) {
            bytes.extend(position.to_le_bytes());
        }
        bytes.extend(u32::try_from(self.payload.len()).expect("a payload fits a record").to_le_bytes());
        bytes.extend(&self.payload);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Reads a block, trusting nothing.
    ///
    /// # Errors
    /// If the bytes are corrupt or newer than this program.
    pub fn decode(bytes: &[u8]) -> Result<Block, BlockError> {
        let (magic, _) = bytes.split_first_chunk::<4>().ok_or(BlockError::Corrupt("it is too short"))?;
        if *magic != MAGIC {
            return Err(BlockError::Corrupt("it does not begin as a block does: is the topic used by something else?"));
        }
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or(BlockError::Corrupt("it is too short"))?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(BlockError::Corrupt("its checksum is wrong"));
        }
        let mut rest = Reader(body.get(4..).unwrap_or_default());
        let found = u16::from_le_bytes(rest.take()?);
        if found > VERSION {
            return Err(BlockError::Newer { found });
        }
        if found != VERSION {
            return Err(BlockError::Corrupt("its format is not known"));
        }
        let [stage_length] = rest.take()?;
        let stage = String::from_utf8(rest.bytes(usize::from(stage_length))?.to_vec())
            .map_err(|_| BlockError::Corrupt("the stage is not UTF-8"))?;
        let partition = i32::from_le_bytes(rest.take()?);
        let commit = u64::from_le_bytes(rest.take()?);
        let [is_base] = rest.take()?;
        let piece = u32::from_le_bytes(rest.take()?);
        let pieces = u32::from_le_bytes(rest.take()?);
        let [inputs] = rest.take()?;
        let topics = rest.topics(usize::from(inputs))?;
        let previous = rest.positions(usize::from(inputs))?;
        let next = rest.positions(usize::from(inputs))?;
        let payload_length = u32::from_le_bytes(rest.take()?);
        let payload = rest.bytes(payload_length as usize)?.to_vec();
        if !rest.0.is_empty() {
            return Err(BlockError::Corrupt("bytes are left over"));
        }
        if commit == 0 || is_base > 1 {
            return Err(BlockError::Corrupt("its commit is impossible"));
        }
        if piece >= pieces {
            return Err(BlockError::Corrupt("the piece's number is past the number of pieces"));
        }
        if previous.iter().zip(&next).any(|(previous, next)| *previous < 0 || next < previous) {
            return Err(BlockError::Corrupt("a position goes backwards"));
        }
        Ok(Block { stage, partition, commit, is_base: is_base == 1, piece, pieces, topics, previous, next, payload })
    }
}

/// Takes bytes from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BlockError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(BlockError::Corrupt("it ends early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], BlockError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(BlockError::Corrupt("it ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn topics(&mut self, count: usize) -> Result<Vec<Option<TopicId>>, BlockError> {
        (0..count).map(|_| Ok(NonZeroU128::new(u128::from_le_bytes(self.take()?)).map(TopicId))).collect()
    }

    fn positions(&mut self, count: usize) -> Result<Vec<i64>, BlockError> {
        (0..count).map(|_| Ok(i64::from_le_bytes(self.take()?))).collect()
    }
}

/// Follows the chain of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    stage: String,
    partition: i32,
    inputs: usize,
    /// Number of the last commit that is complete, 0 before the first.
    commit: u64,
    /// Next offset per input after it; `None` before the first.
    positions: Option<Vec<i64>>,
    /// The topic of each input, as the last block has it.
    topics: Vec<Option<TopicId>>,
    /// The commit whose pieces are still arriving: its last piece so far.
    open: Option<Open>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    piece: u32,
    pieces: u32,
    next: Vec<i64>,
}

impl Chain {
    /// The chain of a partition before its first commit.
    pub fn new(stage: &str, partition: i32, inputs: usize) -> Chain {
        Chain { stage: stage.to_owned(), partition, inputs, commit: 0, positions: None, topics: Vec::new(), open: None }
    }

    /// The topic of each input as the last block has it, where it is known; nothing before the first block.
    pub fn topics(&self) -> &[Option<TopicId>] {
        &self.topics
    }

    /// True before the first block.
    pub fn is_new(&self) -> bool {
        self.commit == 0 && self.open.is_none()
    }

    /// Takes the next block of the log.
    ///
    /// # Errors
    /// If it is not the one that follows.
    pub fn follow(&mut self, block: &Block) -> Result<(), BlockError> {
        let fail = |what: String| Err(BlockError::DoesNotFollow(what));
        if block.stage != self.stage {
            return fail(format!("it is of the stage `{}`, not `{}`", block.stage, self.stage));
        }
        if block.partition != self.partition {
            return fail(format!("it is of partition {}", block.partition));
        }
        if block.next.len() != self.inputs {
            return fail(format!("it has positions of {} inputs, the stage has {}", block.next.len(), self.inputs));
        }
        if self.is_new() && block.is_base && block.piece == 0 {
            // What came before is not needed and may be deleted.
            self.commit = block.commit - 1;
        }
        let (piece, commit) = match &self.open {
            Some(open) => (open.piece + 1, self.commit + 1),
            None => (0, self.commit + 1),
        };
        if (block.commit, block.piece) != (commit, piece) {
            let found = format!("piece {} of commit {}", block.piece, block.commit);
            return fail(format!("{found} where piece {piece} of commit {commit} belongs"));
        }
        if let Some(open) = &self.open
            && (block.pieces, &block.next) != (open.pieces, &open.next)
        {
            return fail(format!("the pieces of commit {commit} contradict each other"));
        }
        if let Some(positions) = &self.positions
            && block.previous != *positions
        {
            return fail(format!("commit {commit} follows positions {:?}, not {positions:?}", block.previous));
        }
        self.topics.clone_from(&block.topics);
        if block.piece + 1 == block.pieces {
            self.open = None;
            self.commit = block.commit;
            self.positions = Some(block.next.clone());
        } else {
            self.open = Some(Open { piece: block.piece, pieces: block.pieces, next: block.next.clone() });
        }
        Ok(())
    }

    /// Ends the chain: the number of the last commit (0: none) and its next positions.
    ///
    /// # Errors
    /// If the last commit misses pieces.
    pub fn finish(self) -> Result<(u64, Option<Vec<i64>>), BlockError> {
        match self.open {
            Some(open) => {
                let what =
                    format!("commit {} ends after {} of {} pieces", self.commit + 1, open.piece + 1, open.pieces);
                Err(BlockError::DoesNotFollow(what))
            }
            None => Ok((self.commit, self.positions)),
        }
    }
}

#[cfg(test)]
#[path = "block_tests.rs"]
mod tests;
