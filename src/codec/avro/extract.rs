//! The mapped values of a row, out of nested columns.

use super::super::message::{Fault, Message};
use super::super::payload::Sink;
use super::super::scalar::{Member, Record, Scalar};
use super::super::unknown::Watched;
use super::datum::{Place, Staged};
use super::unmapped::Unmapped;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    Array, BinaryArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, MapArray, RecordBatch,
    StringArray, StructArray, UnionArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};

/// Hands the staged records to `sink` in the order of `messages`.
pub(super) fn emit(staged: &Staged, paths: &[Vec<String>], messages: &[Message<'_>], sink: &mut impl Sink) {
    let columns: Vec<BatchColumns<'_>> =
        staged.batches.iter().map(|(batch, _, unmapped)| BatchColumns::find(batch, paths, unmapped)).collect();
    for (message, place) in messages.iter().zip(&staged.places) {
        match place {
            Place::Row { batch, row } => {
                sink.record(message, staged.batches[*batch].1, &AvroRecord { columns: &columns[*batch], row: *row });
            }
            Place::Fault { fault, schema_id } => sink.fault(message, *schema_id, fault.clone()),
        }
    }
}

/// What is read of one batch.
struct BatchColumns<'a> {
    /// By slot.
    slots: Vec<Column<'a>>,
    unmapped: &'a Unmapped,
    /// The map whose keys are noted.
    map: Option<(Column<'a>, &'a Watched)>,
}

impl<'a> BatchColumns<'a> {
    fn find(batch: &'a RecordBatch, paths: &'a [Vec<String>], unmapped: &'a Unmapped) -> Self {
        let slots = paths.iter().map(|path| Column::find(batch, path)).collect();
        let map = unmapped.map.as_ref().map(|watched| (Column::find(batch, &watched.path), watched));
        BatchColumns { slots, unmapped, map }
    }
}

/// One row.
struct AvroRecord<'a> {
    columns: &'a BatchColumns<'a>,
    row: usize,
}

impl Record for AvroRecord<'_> {
    #[inline]
    fn scalar(&self, slot: usize) -> Scalar<'_> {
        self.columns.slots[slot].at(self.row)
    }

    fn members(&self, slot: usize, each: Member<'_>) -> Result<(), Fault> {
        self.columns.slots[slot].members(self.row, each)
    }

    fn noted(&self, each: &mut dyn FnMut(&str)) {
        self.columns.unmapped.fields.names().iter().for_each(|name| each(name));
        let Some((column, watched)) = &self.columns.map else { return };
        let mut of_key = |name: &str, value: Scalar<'_>| {
            if value != Scalar::Null && !watched.knows(name) {
                each(name);
            }
            Ok(())
        };
        column.members(self.row, &mut of_key).unwrap_or_default();
    }
}

/// What a path leads to in the columns of one batch.
enum Column<'a> {
    /// Nothing, or nothing but null.
    Null,
    Bool(&'a BooleanArray),
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    Float(&'a Float32Array),
    Double(&'a Float64Array),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Enum {
        codes: &'a Int32Array,
        symbols: &'a StringArray,
    },
    /// A date or timestamp, in ticks of `ticks_per_ms` to the millisecond or of `ms_per_tick`.
    Time {
        values: Times<'a>,
        nulls: Option<&'a NullBuffer>,
        ticks_per_ms: i64,
        ms_per_tick: i64,
    },
    /// The path ends at a record or map.
    Struct {
        array: &'a StructArray,
        fields: Vec<(&'a str, Column<'a>)>,
    },
    Map {
        array: &'a MapArray,
        names: &'a StringArray,
        values: Box<Column<'a>>,
    },
    /// The path goes on inside a record that may be null.
    Within {
        nulls: &'a NullBuffer,
        column: Box<Column<'a>>,
    },
    /// The path goes on in a map's entry.
    Entry {
        array: &'a MapArray,
        names: &'a StringArray,
        name: &'a str,
        values: Box<Column<'a>>,
    },
    /// One of several types in each row; branches by type id.
    Union {
        array: &'a UnionArray,
        branches: Vec<Column<'a>>,
    },
    /// What no role can take.
    Other {
        nulls: Option<&'a NullBuffer>,
        kind: &'static str,
    },
}

enum Times<'a> {
    Days(&'a [i32]),
    Ticks(&'a [i64]),
}

impl<'a> Column<'a> {
    fn find(batch: &'a RecordBatch, path: &'a [String]) -> Self {
        match path.split_first() {
            Some((name, rest)) => batch.column_by_name(name).map_or(Column::Null, |array| Column::new(array, rest)),
            None => Column::Other { nulls: None, kind: "the whole record" },
        }
    }

    /// The values at `path` within `array`.
    fn new(array: &'a dyn Array, path: &'a [String]) -> Self {
        match array.data_type() {
            DataType::Null => Column::Null,
            DataType::Struct(_) => Column::in_struct(array.as_struct(), path),
            DataType::Map(..) => Column::in_map(array.as_map(), path),
            DataType::Union(fields, _) => {
                let array = array.as_union();
                let size = fields.iter().map(|(id, _)| id as usize + 1).max().unwrap_or(0);
                let mut branches: Vec<Column<'a>> = (0..size).map(|_| Column::Null).collect();
                for (id, _) in fields.iter() {
                    branches[id as usize] = Column::new(array.child(id), path);
                }
                Column::Union { array, branches }
            }
            _ if path.is_empty() => Column::leaf(array),
            other => Column::Other { nulls: array.nulls(), kind: in_the_way(other) },
        }
    }

    fn leaf(array: &'a dyn Array) -> Self {
        let time = |values, ticks_per_ms, ms_per_tick| Column::Time {
            values,
            nulls: array.nulls(),
            ticks_per_ms,
            ms_per_tick,
        };
        match array.data_type() {
            DataType::Boolean => Column::Bool(array.as_boolean()),
            DataType::Int32 => Column::Int(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Column::Long(array.as_primitive::<Int64Type>()),
            DataType::Float32 => Column::Float(array.as_primitive::<Float32Type>()),
            DataType::Float64 => Column::Double(array.as_primitive::<Float64Type>()),
            DataType::Utf8 => Column::Text(array.as_string()),
            DataType::Binary => Column::Bytes(array.as_binary()),
            DataType::Dictionary(..) => match array.as_dictionary_opt::<Int32Type>() {
                Some(codes) => match codes.values().as_string_opt() {
                    Some(symbols) => Column::Enum { codes: codes.keys(), symbols },
                    None => Column::Other { nulls: array.nulls(), kind: "a dictionary" },
                },
                None => Column::Other { nulls: array.nulls(), kind: "a dictionary" },
            },
            DataType::Date32 => time(Times::Days(array.as_primitive::<Date32Type>().values()), 1, 86_400_000),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => time(Times::Ticks(array.as_primitive::<TimestampSecondType>().values()), 1, 1000),
                TimeUnit::Millisecond => {
                    time(Times::Ticks(array.as_primitive::<TimestampMillisecondType>().values()), 1, 1)
                }
                TimeUnit::Microsecond => {
                    time(Times::Ticks(array.as_primitive::<TimestampMicrosecondType>().values()), 1000, 1)
                }
                TimeUnit::Nanosecond => {
                    time(Times::Ticks(array.as_primitive::<TimestampNanosecondType>().values()), 1_000_000, 1)
                }
            },
            other => Column::Other { nulls: array.nulls(), kind: kind(other) },
        }
    }

    fn in_struct(array: &'a StructArray, path: &'a [String]) -> Self {
        let Some((name, rest)) = path.split_first() else {
            let names = array.fields().iter().map(|field| field.name().as_str());
            let columns = array.columns().iter().map(|column| Column::new(column, &[]));
            return Column::Struct { array, fields: names.zip(columns).collect() };
        };
        let column = array.column_by_name(name).map_or(Column::Null, |column| Column::new(column, rest));
        match array.nulls() {
            None => column,
            Some(nulls) => Column::Within { nulls, column: Box::new(column) },
        }
    }

    fn in_map(array: &'a MapArray, path: &'a [String]) -> Self {
        let names = array.keys().as_string();
        match path.split_first() {
            None => Column::Map { array, names, values: Box::new(Column::new(array.values(), &[])) },
            Some((name, rest)) => {
                Column::Entry { array, names, name, values: Box::new(Column::new(array.values(), rest)) }
            }
        }
    }

    /// The value in `row`.
    #[inline]
    fn at(&self, row: usize) -> Scalar<'a> {
        macro_rules! value {
            ($array:expr, $scalar:expr) => {
                if $array.is_null(row) { Scalar::Null } else { $scalar($array.value(row)) }
            };
        }
        match self {
            Column::Null => Scalar::Null,
            Column::Bool(array) => value!(array, Scalar::Bool),
            Column::Int(array) => value!(array, |value| Scalar::Int(i64::from(value))),
            Column::Long(array) => value!(array, Scalar::Int),
            Column::Float(array) => value!(array, |value| Scalar::Float(f64::from(value))),
            Column::Double(array) => value!(array, Scalar::Float),
            Column::Text(array) => value!(array, Scalar::Text),
            _ => self.at_nested(row),
        }
    }

    fn at_nested(&self, row: usize) -> Scalar<'a> {
        match self {
            Column::Bytes(array) if array.is_null(row) => Scalar::Null,
            Column::Bytes(array) => {
                let array: &'a BinaryArray = array;
                std::str::from_utf8(array.value(row)).map_or(Scalar::Other("bytes that are not UTF-8"), Scalar::Text)
            }
            Column::Enum { codes, .. } if codes.is_null(row) => Scalar::Null,
            Column::Enum { codes, symbols } => {
                let symbols: &'a StringArray = symbols;
                Scalar::Text(symbols.value(codes.value(row) as usize))
            }
            Column::Time { values, nulls, ticks_per_ms, ms_per_tick } => {
                if is_null(*nulls, row) {
                    return Scalar::Null;
                }
                let ticks = match values {
                    Times::Days(days) => i64::from(days[row]),
                    Times::Ticks(ticks) => ticks[row],
                };
                Scalar::Int(ticks.div_euclid(*ticks_per_ms).saturating_mul(*ms_per_tick))
            }
            Column::Struct { array, .. } if array.is_null(row) => Scalar::Null,
            Column::Map { array, .. } if array.is_null(row) => Scalar::Null,
            Column::Struct { .. } | Column::Map { .. } => Scalar::Object,
            Column::Other { nulls, .. } if is_null(*nulls, row) => Scalar::Null,
            Column::Other { kind, .. } => Scalar::Other(kind),
            Column::Within { .. } | Column::Entry { .. } | Column::Union { .. } => {
                self.inner(row).map_or(Scalar::Null, |(column, row)| column.at(row))
            }
            _ => self.at(row),
        }
    }

    /// Where the path goes on for `row`; `None` if it does not.
    fn inner(&self, row: usize) -> Option<(&Column<'a>, usize)> {
        match self {
            Column::Within { nulls, column } => nulls.is_valid(row).then_some((&**column, row)),
            Column::Entry { array, names, name, values } => {
                // The last of repeated names stands.
                let entry = entries(array, row).rev().find(|&entry| names.value(entry) == *name);
                entry.map(|entry| (&**values, entry))
            }
            Column::Union { array, branches } => {
                let branch = branches.get(array.type_id(row) as usize)?;
                Some((branch, array.value_offset(row)))
            }
            _ => None,
        }
    }

    /// Calls `each` with the members of the object in `row`.
    fn members(&self, row: usize, each: Member<'_>) -> Result<(), Fault> {
        match self {
            Column::Struct { array, fields } if array.is_valid(row) => {
                fields.iter().try_for_each(|(name, column)| each(name, column.at(row)))
            }
            Column::Map { array, names, values } => {
                entries(array, row).try_for_each(|entry| each(names.value(entry), values.at(entry)))
            }
            _ => match self.inner(row) {
                Some((column, row)) => column.members(row, each),
                None => Ok(()),
            },
        }
    }
}

fn is_null(nulls: Option<&NullBuffer>, row: usize) -> bool {
    nulls.is_some_and(|nulls| nulls.is_null(row))
}

/// The entries of the map in `row`; none if it is null.
fn entries(array: &MapArray, row: usize) -> std::ops::Range<usize> {
    if array.is_null(row) {
        return 0..0;
    }
    let offsets = array.value_offsets();
    offsets[row] as usize..offsets[row + 1] as usize
}

fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::List(_) => "an array",
        DataType::FixedSizeBinary(_) => "fixed bytes",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "a decimal"
        }
        DataType::Time32(_) | DataType::Time64(_) => "a time of day",
        DataType::Interval(_) => "a duration",
        _ => "a type that no role takes",
    }
}

fn in_the_way(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "a boolean where an object should be",
        DataType::Utf8 | DataType::Dictionary(..) => "text where an object should be",
        DataType::List(_) => "an array where an object should be",
        _ => "a number where an object should be",
    }
}
