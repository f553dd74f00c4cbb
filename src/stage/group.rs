//! The few calls that rdkafka does not wrap: a consumer's group metadata, looked at before it is sent with offsets.
//!
//! The coordinator takes offsets without any check from a consumer that has not joined (an empty member id and generation
//! -1), so what is sent must be looked at first, and rdkafka's own type cannot be looked into.

#![expect(
    unsafe_code,
    reason = "rdkafka's metadata is opaque, and the object that is checked must be the one that is sent"
)]

use super::errors::TransactionError;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka_sys as sys;
use std::ffi::{CStr, c_char};
use std::ptr::NonNull;
use std::time::Duration;

/// A member's identity in its group at one moment.
pub struct GroupMetadata(NonNull<sys::rd_kafka_consumer_group_metadata_t>);

// SAFETY: a copy of a few texts and numbers, which belongs to no thread and which nothing changes.
unsafe impl Send for GroupMetadata {}
// SAFETY: as above.
unsafe impl Sync for GroupMetadata {}

impl GroupMetadata {
    /// That of the consumer, now. `None` if it has no group.
    pub fn of<C: ConsumerContext>(consumer: &BaseConsumer<C>) -> Option<GroupMetadata> {
        // SAFETY: the client lives as long as the consumer; the call gives a new object, or null.
        let metadata = unsafe { sys::rd_kafka_consumer_group_metadata(consumer.client().native_ptr()) };
        NonNull::new(metadata).map(GroupMetadata)
    }

    /// The member's id; empty before it joined and after it was expelled.
    pub fn member_id(&self) -> String {
        // SAFETY: the object is alive, and the text belongs to it.
        unsafe { text(sys::rd_kafka_consumer_group_metadata_member_id(self.0.as_ptr())) }
    }

    /// The group's generation; negative before it joined.
    pub fn generation(&self) -> i32 {
        // SAFETY: the object is alive.
        unsafe { sys::rd_kafka_consumer_group_metadata_generation_id(self.0.as_ptr()) }
    }
}

impl Drop for GroupMetadata {
    fn drop(&mut self) {
        // SAFETY: the object is ours and is not used afterwards.
        unsafe { sys::rd_kafka_consumer_group_metadata_destroy(self.0.as_ptr()) }
    }
}

/// Adds offsets to the producer's open transaction, as that member. `timeout` bounds the requests; the call itself may not
/// come back, see [`super::producer`].
///
/// # Errors
/// With librdkafka's marks.
pub fn send_offsets<C: ProducerContext>(
    producer: &BaseProducer<C>,
    offsets: &TopicPartitionList,
    member: &GroupMetadata,
    timeout: Duration,
) -> Result<(), TransactionError> {
    let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: all three objects are alive during the call, which copies what it keeps; the error is ours to destroy.
    unsafe {
        let client = producer.client().native_ptr();
        let error = sys::rd_kafka_send_offsets_to_transaction(client, offsets.ptr(), member.0.as_ptr(), timeout_ms);
        if error.is_null() {
            return Ok(());
        }
        let found = TransactionError {
            code: sys::rd_kafka_error_code(error).into(),
            is_retriable: sys::rd_kafka_error_is_retriable(error) != 0,
            needs_abort: sys::rd_kafka_error_txn_requires_abort(error) != 0 && sys::rd_kafka_error_is_fatal(error) == 0,
            text: text(sys::rd_kafka_error_string(error)),
        };
        sys::rd_kafka_error_destroy(error);
        Err(found)
    }
}

/// # Safety
/// `text` is null or a C text.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: not null, so a C text, as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
