//! The `id` of a metric row: the same in every run, and in any program that follows this recipe.
//!
//! A [`RowId`] of the identifying columns one after the other; a number is 8 bytes big-endian. Order: model_id, model_version, segment_key, segment_value, metric, feature, class, predicted_class,
//! window_size_ms, window_advance_ms, window_start, reference_kind (of drift metrics `fixed` or another, of all others
//! null).

use crate::event::MetricRow;
use crate::event::row_id::{RowId, put_column};

/// Ids of the rows of one series after the other.
#[derive(Debug, Default)]
pub struct RowIds {
    /// What is hashed: the columns that name the series, and behind them those of the last row.
    columns: Vec<u8>,
    series_len: usize,
}

impl RowIds {
    /// Goes on to the series that `row` is of; what of it is no column of the series is not looked at.
    pub fn begin_series(&mut self, row: &MetricRow) {
        self.columns.clear();
        for text in [&row.model_id, &row.model_version, &row.segment_key, &row.segment_value] {
            self.add_text(Some(text));
        }
        self.series_len = self.columns.len();
    }

    /// The id of `row`, which is of the series begun last; its own `id` column is not looked at.
    pub fn id(&mut self, row: &MetricRow) -> RowId {
        self.columns.truncate(self.series_len);
        self.add_text(Some(&row.metric));
        for text in [&row.feature, &row.class, &row.predicted_class] {
            self.add_text(text.as_deref());
        }
        for number in [row.window_size_ms, row.window_advance_ms, row.window_start] {
            self.columns.extend_from_slice(&number.to_be_bytes());
        }
        self.add_text(row.reference_kind.as_deref());
        RowId::of(&self.columns)
    }

    fn add_text(&mut self, text: Option<&str>) {
        put_column(&mut self.columns, text);
    }
}

/// The id of `row`; its own `id` column is not looked at.
pub fn row_id(row: &MetricRow) -> String {
    let mut ids = RowIds::default();
    ids.begin_series(row);
    let mut text = String::new();
    ids.id(row).put_text(&mut text);
    text
}
