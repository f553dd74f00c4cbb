//! A record that could not be used: why, where it was, and its raw bytes.

use super::{Millis, Origin};

/// Why a record went to `dead_letters`. The set is bounded: it labels metrics and is public (`as_str`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The bytes are not a record of the configured format.
    Undecodable,
    /// Confluent framing is missing or its magic byte is wrong.
    BadFraming,
    /// The schema id is not known.
    UnknownSchema,
    /// A mapped field has a type that its role cannot take.
    WrongType,
    /// `request_id` is missing, null or empty.
    MissingRequestId,
    /// No model id in the record and none configured for the topic.
    MissingModelId,
    /// No event time in the record and no broker timestamp.
    MissingTimestamp,
    /// A prediction without any output (score, class, class scores or value), or a label without a label.
    MissingValue,
    /// The event time is outside 1970–2100.
    AbsurdTime,
    /// Further ahead of the watermark than `max_ahead` allows.
    TooFarAhead,
    /// A score outside [0, 1].
    ScoreOutOfRange,
    /// NaN, infinite, or beyond 2⁵³·10³ in magnitude.
    InvalidNumber,
    /// A record of another task than the model is configured for.
    WrongTask,
    /// A label that the model's task cannot read (text for a regression model).
    WrongLabel,
    /// So late that its row or window is gone.
    Late,
    /// More models than the cap allows, or one with a very long name.
    TooManyModels,
    /// More labels of one request id than are remembered.
    TooManyLabels,
}

impl Reason {
    /// All reasons, in the order in which they are documented.
    pub const ALL: [Reason; 17] = [
        Reason::Undecodable,
        Reason::BadFraming,
        Reason::UnknownSchema,
        Reason::WrongType,
        Reason::MissingRequestId,
        Reason::MissingModelId,
        Reason::MissingTimestamp,
        Reason::MissingValue,
        Reason::AbsurdTime,
        Reason::TooFarAhead,
        Reason::ScoreOutOfRange,
        Reason::InvalidNumber,
        Reason::WrongTask,
        Reason::WrongLabel,
        Reason::Late,
        Reason::TooManyModels,
        Reason::TooManyLabels,
    ];

    /// The public name, as written to `dead_letters`.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Undecodable => "undecodable",
            Reason::BadFraming => "bad_framing",
            Reason::UnknownSchema => "unknown_schema",
            Reason::WrongType => "wrong_type",
            Reason::MissingRequestId => "missing_request_id",
            Reason::MissingModelId => "missing_model_id",
            Reason::MissingTimestamp => "missing_timestamp",
            Reason::MissingValue => "missing_value",
            Reason::AbsurdTime => "absurd_time",
            Reason::TooFarAhead => "too_far_ahead",
            Reason::ScoreOutOfRange => "score_out_of_range",
            Reason::InvalidNumber => "invalid_number",
            Reason::WrongTask => "wrong_task",
            Reason::WrongLabel => "wrong_label",
            Reason::Late => "late",
            Reason::TooManyModels => "too_many_models",
            Reason::TooManyLabels => "too_many_labels",
        }
    }
}

/// A rejected record, complete enough to be repaired and sent again.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// Topic and partition, or file.
    pub origin: Origin,
    /// Offset in the partition, or the record's number in the file (from 0).
    pub offset: i64,
    /// Broker timestamp, or the event time where only that is known.
    pub timestamp: Option<Millis>,
    /// Why.
    pub reason: Reason,
    /// What exactly was wrong, at most [`Reject::MAX_DETAIL`] characters.
    pub detail: String,
    /// Schema id of Confluent framing, where there was one.
    pub schema_id: Option<i32>,
    /// Message key as it came.
    pub key: Option<Vec<u8>>,
    /// Message value as it came; `None` where only the place is still known (a label that waited).
    pub value: Option<Vec<u8>>,
    /// Message headers as they came.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Reject {
    /// Longest `detail`, in characters.
    pub const MAX_DETAIL: usize = 200;
}
