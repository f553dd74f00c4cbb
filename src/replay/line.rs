//! A row as a line of JSON.
//!
//! Rows of `metrics` are put together by hand, byte for byte as their derived form: most of what a replay writes are keys
//! and nulls, the same in every row. `serde_json` escapes each key anew and hands it on in pieces; here they are copied,
//! and only values are formatted.

use crate::event::MetricRow;
use serde::Serialize;

/// Appends `row` and a line feed to `out`, keys in the order of its columns.
pub fn put_row(out: &mut Vec<u8>, row: &impl Serialize) {
    put(out, "", row);
    out.push(b'\n');
}

/// The same for a row of `metrics`, faster.
pub fn put_metric_row(out: &mut Vec<u8>, row: &MetricRow) {
    // Named one by one, so that no new column is forgotten.
    let MetricRow {
        id,
        model_id,
        model_version,
        segment_key,
        segment_value,
        feature,
        class,
        predicted_class,
        metric,
        window_start,
        window_end,
        value,
        undefined_reason,
        lower,
        upper,
        error_bound,
        method,
        threshold,
        null_quantile,
        window_size_ms,
        window_advance_ms,
        count,
        label_coverage,
        reference_id,
        reference_kind,
        revision,
        is_final,
    } = row;
    put(out, r#"{"id":"#, id);
    put(out, r#","model_id":"#, model_id);
    put(out, r#","model_version":"#, model_version);
    put(out, r#","segment_key":"#, segment_key);
    put(out, r#","segment_value":"#, segment_value);
    put_option(out, r#","feature":"#, feature);
    put_option(out, r#","class":"#, class);
    put_option(out, r#","predicted_class":"#, predicted_class);
    put(out, r#","metric":"#, metric);
    put(out, r#","window_start":"#, window_start);
    put(out, r#","window_end":"#, window_end);
    put_option(out, r#","value":"#, value);
    put_option(out, r#","undefined_reason":"#, undefined_reason);
    put_option(out, r#","lower":"#, lower);
    put_option(out, r#","upper":"#, upper);
    put_option(out, r#","error_bound":"#, error_bound);
    put_option(out, r#","method":"#, method);
    put_option(out, r#","threshold":"#, threshold);
    put_option(out, r#","null_quantile":"#, null_quantile);
    put(out, r#","window_size_ms":"#, window_size_ms);
    put(out, r#","window_advance_ms":"#, window_advance_ms);
    put(out, r#","count":"#, count);
    put_option(out, r#","label_coverage":"#, label_coverage);
    put_option(out, r#","reference_id":"#, reference_id);
    put_option(out, r#","reference_kind":"#, reference_kind);
    put(out, r#","revision":"#, revision);
    put(out, r#","is_final":"#, is_final);
    out.extend_from_slice(b"}\n");
}

#[inline]
fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, key: &str, value: &T) {
    out.extend_from_slice(key.as_bytes());
    serde_json::to_writer(out, value).expect("rows are JSON, and memory takes them");
}

#[inline]
fn put_option<T: Serialize>(out: &mut Vec<u8>, key: &str, value: &Option<T>) {
    match value {
        Some(value) => put(out, key, value),
        None => {
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"null");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn text() -> impl Strategy<Value = Arc<str>> {
        prop_oneof![Just("".into()), "[a-z0-9_]{0,9}", any::<String>()].prop_map(Arc::from)
    }

    fn texts() -> impl Strategy<Value = [Option<Arc<str>>; 7]> {
        prop::array::uniform7(prop::option::of(text()))
    }

    fn numbers() -> impl Strategy<Value = [Option<f64>; 7]> {
        prop::array::uniform7(prop::option::of(prop_oneof![Just(0.0), -1.0..1.0, any::<f64>()]))
    }

    prop_compose! {
        fn row()(
            id in any::<String>(),
            [model_id, model_version, segment_key, segment_value, metric] in prop::array::uniform5(text()),
            [feature, class, predicted_class, undefined_reason, method, reference_id, reference_kind] in texts(),
            [value, lower, upper, error_bound, threshold, null_quantile, label_coverage] in numbers(),
            [window_start, window_end, window_size_ms, window_advance_ms, count] in any::<[i64; 5]>(),
            revision in any::<i32>(),
            is_final in any::<bool>(),
        ) -> MetricRow {
            MetricRow {
                id, model_id, model_version, segment_key, segment_value, feature, class, predicted_class, metric,
                window_start, window_end, value, undefined_reason, lower, upper, error_bound, method, threshold,
                null_quantile, window_size_ms, window_advance_ms, count, label_coverage, reference_id, reference_kind,
                revision, is_final,
            }
        }
    }

    proptest! {
        #[test]
        fn a_line_is_the_derived_form_of_its_row(row in row()) {
            let mut line = Vec::new();
            put_metric_row(&mut line, &row);
            let mut derived = Vec::new();
            put_row(&mut derived, &row);
            prop_assert_eq!(String::from_utf8(line).unwrap(), String::from_utf8(derived).unwrap());
        }
    }
}
