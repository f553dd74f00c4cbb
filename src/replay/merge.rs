//! The order in which files are read: their heads are merged by event time; inside a file the file's order stands, as on
//! a partition; ties go by argument order, predictions first.

use super::ReplayError;
use super::lane::{Chunk, Lane};
use crate::event::Millis;
use std::ops::Range;

/// A lane and the chunk it is at.
#[derive(Debug)]
struct Head {
    lane: Lane,
    chunk: Option<Chunk>,
    next_row: usize,
}

/// Files merged by the event time of their heads.
#[derive(Debug)]
pub struct Merge {
    heads: Vec<Head>,
    /// The head whose run was given last.
    current: usize,
    errors: Vec<ReplayError>,
    rejects: Vec<crate::event::Reject>,
}

impl Merge {
    /// Merges `lanes`, which are in order of precedence.
    pub fn new(lanes: Vec<Lane>) -> Self {
        let heads = lanes.into_iter().map(|lane| Head { lane, chunk: None, next_row: 0 }).collect();
        let mut merge = Merge { heads, current: 0, errors: Vec::new(), rejects: Vec::new() };
        (0..merge.heads.len()).for_each(|place| merge.advance(place));
        merge
    }

    /// The next run of rows that come before every other head, with the chunk they are in. It comes again until rows of it
    /// are taken.
    pub fn next(&mut self) -> Option<(&mut Chunk, Range<usize>)> {
        let (time, place) = self.heads.iter().enumerate().filter_map(|(i, head)| Some((head.time()?, i))).min()?;
        debug_assert!(self.heads[place].time() == Some(time));
        let others = self.heads.iter().enumerate().filter(|(i, _)| *i != place);
        let limit = others.filter_map(|(i, head)| Some((head.time()?, i))).min();
        let head = &mut self.heads[place];
        let chunk = head.chunk.as_mut()?;
        let first = head.next_row;
        let times = &chunk.batch.times().values()[first..];
        // Another head with a time that is equal goes first if it is earlier in the order.
        let before_limit = |time: &&Millis| limit.is_none_or(|limit| (**time, place) < limit);
        let len = times.iter().take_while(before_limit).count().max(1);
        self.current = place;
        Some((chunk, first..first + len))
    }

    /// Takes the first `len` rows of the run that `next` gave.
    pub fn take(&mut self, len: usize) {
        let head = &mut self.heads[self.current];
        head.next_row += len;
        if head.chunk.as_ref().is_some_and(|chunk| head.next_row >= chunk.batch.len()) {
            self.advance(self.current);
        }
    }

    fn advance(&mut self, place: usize) {
        let head = &mut self.heads[place];
        head.next_row = 0;
        head.chunk = None;
        while let Some(item) = head.lane.next() {
            match item {
                Ok(mut chunk) => {
                    self.rejects.append(&mut chunk.rejects);
                    if chunk.batch.len() > 0 {
                        head.chunk = Some(chunk);
                        return;
                    }
                }
                Err(error) => self.errors.push(error),
            }
        }
    }

    /// Records that could not be decoded, of the chunks loaded since the last call.
    pub fn take_rejects(&mut self) -> Vec<crate::event::Reject> {
        std::mem::take(&mut self.rejects)
    }

    /// Files that could not be read to their end.
    pub fn into_errors(self) -> Vec<ReplayError> {
        self.errors
    }
}

impl Head {
    fn time(&self) -> Option<Millis> {
        let chunk = self.chunk.as_ref()?;
        (self.next_row < chunk.batch.len()).then(|| chunk.batch.time(self.next_row))
    }
}
