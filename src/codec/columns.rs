//! Builders of the columns of a batch. They grow once per batch, never per row.

use super::scalar::Scalar;
use super::validate::MAX_MAGNITUDE;
use crate::event::FeatureColumn;
use crate::event::prediction::TextColumn;
use arrow_array::{Array, ArrayRef, Float64Array, ListArray, PrimitiveArray, StringArray, StructArray};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Fields};
use hashbrown::HashTable;
use std::sync::Arc;

/// Builds a text column of repeating values: a code per row, each distinct value once, in order of first use.
#[derive(Debug)]
pub(crate) struct TextColumnBuilder {
    codes: Vec<u32>,
    valid: NullBufferBuilder,
    /// The distinct values, one after the other, and where each starts; one more start than values.
    bytes: String,
    starts: Vec<i32>,
    by_hash: HashTable<u32>,
}

impl TextColumnBuilder {
    pub(crate) fn new() -> Self {
        TextColumnBuilder {
            codes: Vec::new(),
            valid: NullBufferBuilder::new(0),
            bytes: String::new(),
            starts: vec![0],
            by_hash: HashTable::new(),
        }
    }

    pub(crate) fn reserve(&mut self, rows: usize) {
        self.codes.reserve(rows);
    }

    /// Appends a row.
    #[inline]
    pub(crate) fn push(&mut self, text: Option<&str>) {
        match text {
            Some(text) => {
                self.push_value(text);
            }
            None => {
                self.codes.push(0);
                self.valid.append_null();
            }
        }
    }

    /// Appends a row that is not null, and returns its code.
    #[inline]
    pub(crate) fn push_value(&mut self, text: &str) -> u32 {
        let code = self.code(text);
        self.codes.push(code);
        self.valid.append_non_null();
        code
    }

    #[inline]
    fn code(&mut self, text: &str) -> u32 {
        // Neighbours are often equal: a file is mostly of one model, a sorted one of one segment.
        if let Some(&last) = self.codes.last()
            && self.starts.len() > 1
            && value(&self.bytes, &self.starts, last) == text
        {
            return last;
        }
        let hash = hash(text.as_bytes());
        let (bytes, starts) = (&self.bytes, &self.starts);
        if let Some(&code) = self.by_hash.find(hash, |&code| value(bytes, starts, code) == text) {
            return code;
        }
        self.add(text, hash)
    }

    #[cold]
    fn add(&mut self, text: &str, text_hash: u64) -> u32 {
        let code = (self.starts.len() - 1) as u32;
        self.bytes.push_str(text);
        let end = i32::try_from(self.bytes.len()).expect("the distinct texts of one batch stay below 2 GiB");
        self.starts.push(end);
        let (bytes, starts) = (&self.bytes, &self.starts);
        self.by_hash.insert_unique(text_hash, code, |&code| hash(value(bytes, starts, code).as_bytes()));
        code
    }

    /// The column of all rows since the last call.
    pub(crate) fn finish(&mut self) -> TextColumn {
        self.by_hash.clear();
        let starts = std::mem::replace(&mut self.starts, vec![0]);
        let bytes = std::mem::take(&mut self.bytes).into_bytes();
        let values = StringArray::new(OffsetBuffer::new(starts.into()), Buffer::from_vec(bytes), None);
        let codes = PrimitiveArray::new(std::mem::take(&mut self.codes).into(), self.valid.finish());
        TextColumn::try_new(codes, Arc::new(values)).expect("every code has its value")
    }
}

#[inline]
fn value<'a>(bytes: &'a str, starts: &[i32], code: u32) -> &'a str {
    let code = code as usize;
    &bytes[starts[code] as usize..starts[code + 1] as usize]
}

/// Multiplies and folds eight bytes at a time. Codes do not depend on it, and a table lives for one batch, so equal
/// hashes made on purpose cost time within that batch and nothing else.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let fold = |state: u64, word: u64| {
        let product = u128::from(state ^ word) * u128::from(FACTOR);
        product as u64 ^ (product >> 64) as u64
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state =
        words.iter().fold(bytes.len() as u64 ^ FACTOR, |state, word| fold(state, u64::from_le_bytes(*word)));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        state = fold(state, u64::from_le_bytes(last));
    }
    fold(state, FACTOR)
}

/// Builds the column of a feature.
#[derive(Debug)]
pub(crate) struct FeatureColumnBuilder {
    numbers: Vec<f64>,
    valid: NullBufferBuilder,
    texts: TextColumnBuilder,
}

impl FeatureColumnBuilder {
    pub(crate) fn new() -> Self {
        FeatureColumnBuilder { numbers: Vec::new(), valid: NullBufferBuilder::new(0), texts: TextColumnBuilder::new() }
    }

    pub(crate) fn reserve(&mut self, rows: usize) {
        self.numbers.reserve(rows);
        self.texts.reserve(rows);
    }

    /// Appends a row: whatever a feature holds, the record is good.
    #[inline]
    pub(crate) fn push(&mut self, value: Scalar<'_>) {
        let number = match value {
            Scalar::Float(number) => number,
            Scalar::Int(number) => number as f64,
            Scalar::Unsigned(number) => number as f64,
            Scalar::Text(text) => return self.push_text(Some(text)),
            Scalar::Bool(truth) => return self.push_text(Some(if truth { "true" } else { "false" })),
            Scalar::Null | Scalar::Untyped("") => return self.push_text(None),
            Scalar::Untyped(text) => match text.parse() {
                Ok(number) => number,
                Err(_) => return self.push_text(Some(text)),
            },
            Scalar::Object | Scalar::Other(_) => f64::NAN,
        };
        self.numbers.push(if number.abs() <= MAX_MAGNITUDE { number } else { f64::NAN });
        self.valid.append_non_null();
        self.texts.push(None);
    }

    fn push_text(&mut self, text: Option<&str>) {
        self.numbers.push(0.0);
        self.valid.append_null();
        self.texts.push(text);
    }

    /// The column of all rows since the last call.
    pub(crate) fn finish(&mut self) -> FeatureColumn {
        let number = Float64Array::new(std::mem::take(&mut self.numbers).into(), self.valid.finish());
        FeatureColumn { number, text: self.texts.finish() }
    }
}

/// Builds the column of class scores: per row a list of classes with their scores.
#[derive(Debug)]
pub(crate) struct ScoresBuilder {
    ends: Vec<i32>,
    valid: NullBufferBuilder,
    classes: TextColumnBuilder,
    scores: Vec<f64>,
    /// By class code: where the class stands, if it occurred in the row that is being built.
    places: Vec<usize>,
    row_start: usize,
    any: bool,
}

impl ScoresBuilder {
    pub(crate) fn new() -> Self {
        ScoresBuilder {
            ends: vec![0],
            valid: NullBufferBuilder::new(0),
            classes: TextColumnBuilder::new(),
            scores: Vec::new(),
            places: Vec::new(),
            row_start: 0,
            any: false,
        }
    }

    pub(crate) fn reserve(&mut self, rows: usize) {
        self.ends.reserve(rows);
    }

    /// Adds a class to the row that is being built; the last score of a repeated class stands.
    pub(crate) fn add(&mut self, class: &str, score: f64) {
        let code = self.classes.push_value(class) as usize;
        if code == self.places.len() {
            self.places.push(usize::MAX);
        }
        let place = self.places[code];
        if (self.row_start..self.scores.len()).contains(&place) {
            self.scores[place] = score;
            self.classes.codes.pop();
            self.classes.valid.truncate(self.scores.len());
        } else {
            self.places[code] = self.scores.len();
            self.scores.push(score);
        }
    }

    /// Ends the row; one without classes is null.
    pub(crate) fn end_row(&mut self) {
        let some = self.scores.len() > self.row_start;
        self.any |= some;
        self.valid.append(some);
        self.row_start = self.scores.len();
        self.ends.push(i32::try_from(self.row_start).expect("the class scores of one batch stay below 2³¹"));
    }

    /// The column of all rows since the last call; `None` where no row has any.
    pub(crate) fn finish(&mut self) -> Option<ListArray> {
        let any = std::mem::take(&mut self.any);
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        let valid = self.valid.finish();
        let classes: ArrayRef = Arc::new(self.classes.finish());
        let scores: ArrayRef = Arc::new(Float64Array::new(std::mem::take(&mut self.scores).into(), None));
        self.places.clear();
        self.row_start = 0;
        any.then(|| {
            let fields = Fields::from(vec![
                Field::new("class", classes.data_type().clone(), false),
                Field::new("score", DataType::Float64, false),
            ]);
            let items = StructArray::new(fields, vec![classes, scores], None);
            let item = Arc::new(Field::new("item", items.data_type().clone(), false));
            let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
            ListArray::new(item, offsets, Arc::new(items), valid)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::cast::AsArray;
    use arrow_array::types::Float64Type;
    use proptest::prelude::*;

    fn read(column: &TextColumn) -> Vec<Option<String>> {
        let texts = column.downcast_dict::<StringArray>().expect("text");
        texts.into_iter().map(|text| text.map(str::to_owned)).collect()
    }

    proptest! {
        #[test]
        fn a_text_column_holds_each_distinct_value_once(rows in prop::collection::vec(prop::option::of("[a-c]{0,12}"), 0..60)) {
            let mut builder = TextColumnBuilder::new();
            // The second batch must not remember the first.
            for _ in 0..2 {
                rows.iter().for_each(|text| builder.push(text.as_deref()));
                let column = builder.finish();
                prop_assert_eq!(&read(&column), &rows);
                let distinct: std::collections::BTreeSet<_> = rows.iter().flatten().collect();
                prop_assert_eq!(column.values().len(), distinct.len());
            }
        }
    }

    #[test]
    fn the_last_score_of_a_repeated_class_stands() {
        let mut builder = ScoresBuilder::new();
        builder.end_row();
        for (class, score) in [("a", 0.1), ("b", 0.2), ("a", 0.3)] {
            builder.add(class, score);
        }
        builder.end_row();
        builder.add("a", 1.0);
        builder.end_row();
        let list = builder.finish().expect("two rows have scores");
        assert_eq!((list.len(), list.is_null(0), list.value_length(1), list.value_length(2)), (3, true, 2, 1));
        let items = list.values().as_struct();
        assert_eq!(items.column(1).as_primitive::<Float64Type>().values().to_vec(), [0.3, 0.2, 1.0]);
        assert_eq!(
            items.column(0).as_dictionary::<arrow_array::types::UInt32Type>().keys().values().to_vec(),
            [0, 1, 0]
        );
        assert!(builder.finish().is_none());
    }
}
