//! The ids of alerts and of their changes: the same in every run, and in any program that follows this recipe.
//!
//! `alert_id`: a [`RowId`] of the identifying columns one after the other; a number is 8 bytes big-endian. Order: rule, model_id, model_version, segment_key, segment_value, metric, feature, class, predicted_class,
//! reference_kind, window_size_ms, window advance in ms (0 and 0 of what is about no windows).
//!
//! `id`: likewise over alert_id, started_at (0 where there is none) and sequence.

use super::series::SeriesColumns;
use crate::event::Millis;
use crate::event::row_id::{RowId, put_column};
use std::sync::Arc;

/// Of the alert of `rule` about a series.
pub fn alert_id(rule: &str, model: &str, series: &SeriesColumns) -> Arc<str> {
    let mut columns = Vec::new();
    for text in [rule, model, &series.version, &series.segment_key, &series.segment_value] {
        put_column(&mut columns, Some(text));
    }
    let named = [&series.metric, &series.feature, &series.class, &series.predicted_class, &series.reference_kind];
    named.into_iter().for_each(|text| put_column(&mut columns, text.as_deref()));
    let (size, advance) = series.spec.map_or((0, 0), |spec| (spec.size_ms, spec.advance_ms));
    [size, advance].into_iter().for_each(|number| columns.extend_from_slice(&number.to_be_bytes()));
    text_of(&columns).into()
}

/// Of a change of it.
pub fn change_id(alert_id: &str, started_at: Option<Millis>, sequence: i64) -> String {
    let mut columns = Vec::new();
    put_column(&mut columns, Some(alert_id));
    [started_at.unwrap_or(0), sequence].into_iter().for_each(|number| columns.extend_from_slice(&number.to_be_bytes()));
    text_of(&columns)
}

fn text_of(columns: &[u8]) -> String {
    let mut text = String::with_capacity(32);
    RowId::of(columns).put_text(&mut text);
    text
}
