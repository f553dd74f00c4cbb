//! What a pending row keeps beside its 48 bytes: class scores, and the request id where joined rows are published.
//!
//! A heap of words per table, so that payloads go with the table in one piece.

use super::row::PayloadAt;
use crate::aggregate::ClassId;

/// Payloads of one table. An entry is a head word (score count, text length), the scores as f64 bits, the class ids four
/// to a word, then the text.
#[derive(Debug, Default, Clone)]
pub struct PayloadHeap {
    words: Vec<u64>,
}

/// What is kept for one row.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Payload<'a> {
    /// Score per class, as the model gave them.
    pub scores: &'a [(ClassId, f64)],
    /// The request id, where it must be known when the row leaves.
    pub request_id: Option<&'a str>,
}

impl PayloadHeap {
    /// Keeps `payload`; [`PayloadAt::NONE`] if there is nothing to keep, or no room left in the heap's 32 GiB.
    pub fn push(&mut self, payload: Payload) -> PayloadAt {
        if payload.scores.is_empty() && payload.request_id.is_none() {
            return PayloadAt::NONE;
        }
        let Some(at) = u32::try_from(self.words.len()).ok().filter(|at| *at != u32::MAX) else {
            return PayloadAt::NONE;
        };
        let text = payload.request_id.unwrap_or_default().as_bytes();
        self.words.push(payload.scores.len() as u64 | (text.len() as u64) << 32);
        self.words.extend(payload.scores.iter().map(|(_, score)| score.to_bits()));
        for classes in payload.scores.chunks(4) {
            let packed = classes.iter().rev().fold(0, |word, (class, _)| word << 16 | u64::from(class.0));
            self.words.push(packed);
        }
        for bytes in text.chunks(8) {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            self.words.push(u64::from_le_bytes(word));
        }
        PayloadAt(at)
    }

    /// Reads the class scores at `at` into `scores`.
    pub fn scores(&self, at: PayloadAt, scores: &mut Vec<(ClassId, f64)>) {
        scores.clear();
        if at == PayloadAt::NONE {
            return;
        }
        let (score_count, _, body) = self.entry(at);
        let classes = &body[score_count..];
        scores.extend((0..score_count).map(|i| {
            let class = (classes[i / 4] >> (16 * (i % 4))) as u16;
            (ClassId(class), f64::from_bits(body[i]))
        }));
    }

    /// Reads the request id at `at`; empty if none was kept.
    pub fn request_id(&self, at: PayloadAt) -> String {
        if at == PayloadAt::NONE {
            return String::new();
        }
        let (score_count, text_len, body) = self.entry(at);
        let words = &body[score_count + score_count.div_ceil(4)..];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).take(text_len).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Copies the entry at `at` of `other` to the end of this heap.
    pub fn copy_from(&mut self, other: &PayloadHeap, at: PayloadAt) -> PayloadAt {
        if at == PayloadAt::NONE {
            return at;
        }
        let (score_count, text_len, body) = other.entry(at);
        let len = score_count + score_count.div_ceil(4) + text_len.div_ceil(8);
        let Some(copied_at) = u32::try_from(self.words.len()).ok().filter(|at| *at != u32::MAX) else {
            return PayloadAt::NONE;
        };
        self.words.push(other.words[at.0 as usize]);
        self.words.extend_from_slice(&body[..len]);
        PayloadAt(copied_at)
    }

    /// Resident size.
    pub fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    fn entry(&self, at: PayloadAt) -> (usize, usize, &[u64]) {
        let head = self.words[at.0 as usize];
        ((head & 0xffff_ffff) as usize, (head >> 32) as usize, &self.words[at.0 as usize + 1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_kept_comes_back(
            entries in prop::collection::vec(
                (prop::collection::vec((any::<u16>(), any::<i32>()), 0..9), prop::option::of("[a-z]{0,20}")), 1..20)
        ) {
            let mut heap = PayloadHeap::default();
            let mut copy = PayloadHeap::default();
            for (scores, id) in entries {
                let scores: Vec<_> = scores.into_iter().map(|(class, score)| (ClassId(class), f64::from(score))).collect();
                let at = heap.push(Payload { scores: &scores, request_id: id.as_deref() });
                let copied_at = copy.copy_from(&heap, at);
                let mut read = Vec::new();
                for (heap, at) in [(&heap, at), (&copy, copied_at)] {
                    heap.scores(at, &mut read);
                    prop_assert_eq!(&read, &scores);
                    prop_assert_eq!(heap.request_id(at), id.clone().unwrap_or_default());
                }
            }
        }
    }
}
