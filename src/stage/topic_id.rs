//! Ids of topics: one that was deleted and created again under its old name has another, whatever its offsets are.
//!
//! rdkafka does not wrap the question, so it is asked here.

#![expect(unsafe_code, reason = "rdkafka has no call that asks for ids")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka_sys as sys;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};
use std::fmt;
use std::num::NonZeroU128;
use std::ptr::null_mut;
use std::time::Duration;

/// The id of a topic. Shown as Kafka's own tools show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub NonZeroU128);

impl fmt::Display for TopicId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&URL_SAFE_NO_PAD.encode(self.0.get().to_be_bytes()))
    }
}

/// The ids of those topics that have one. Brokers before Kafka 2.8 give none; nor does one that does not answer in time.
pub fn ask<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    topics: &[&str],
    timeout: Duration,
) -> BTreeMap<String, TopicId> {
    let names: Vec<CString> = topics.iter().filter_map(|topic| CString::new(*topic).ok()).collect();
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let mut found = BTreeMap::new();
    // SAFETY: the client lives as long as the consumer. All other objects are made here, looked at while they live, and
    // destroyed once, the event last of what belongs to it; the question copies the names.
    unsafe {
        let client = client.client().native_ptr();
        let queue = sys::rd_kafka_queue_new(client);
        let options =
            sys::rd_kafka_AdminOptions_new(client, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
        sys::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, null_mut(), 0);
        let collection = sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        sys::rd_kafka_DescribeTopics(client, collection, options, queue);
        sys::rd_kafka_TopicCollection_destroy(collection);
        sys::rd_kafka_AdminOptions_destroy(options);
        let event = sys::rd_kafka_queue_poll(queue, timeout_ms);
        let result = if event.is_null() { std::ptr::null() } else { sys::rd_kafka_event_DescribeTopics_result(event) };
        if !result.is_null() {
            let mut count = 0;
            let descriptions = sys::rd_kafka_DescribeTopics_result_topics(result, &mut count);
            for i in 0..count {
                found.extend(described(*descriptions.add(i)));
            }
        }
        if !event.is_null() {
            sys::rd_kafka_event_destroy(event);
        }
        sys::rd_kafka_queue_destroy(queue);
    }
    found
}

/// Name and id, if it has one.
///
/// # Safety
/// `topic` is a description that lives.
unsafe fn described(topic: *const sys::rd_kafka_TopicDescription_t) -> Option<(String, TopicId)> {
    // SAFETY: what is asked for belongs to the description, which the caller keeps alive.
    unsafe {
        let (name, id) = (sys::rd_kafka_TopicDescription_name(topic), sys::rd_kafka_TopicDescription_topic_id(topic));
        if name.is_null() || id.is_null() {
            return None;
        }
        let half = |bits: i64| u128::from(bits.cast_unsigned());
        let most = half(sys::rd_kafka_Uuid_most_significant_bits(id));
        let id = NonZeroU128::new(most << 64 | half(sys::rd_kafka_Uuid_least_significant_bits(id)))?;
        Some((CStr::from_ptr(name).to_string_lossy().into_owned(), TopicId(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_as_kafka_shows_it() {
        let id = TopicId(NonZeroU128::new(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10).expect("not zero"));
        assert_eq!(id.to_string(), "AQIDBAUGBwgJCgsMDQ4PEA");
    }
}
