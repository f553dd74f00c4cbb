//! Reading the headers of a record, whatever their names are.
//!
//! Any bytes may be a header's name, as brokers do not look at them; rdkafka's own reader panics where they are not UTF-8.

#![expect(unsafe_code, reason = "rdkafka reads names as texts only")]

use rdkafka::message::BorrowedMessage;
use rdkafka_sys as sys;
use std::ffi::CStr;
use std::ptr::{null, null_mut};

/// Names with values. What is not UTF-8 in a name is replaced by U+FFFD.
pub type Headers = Vec<(String, Option<Vec<u8>>)>;

/// Those of a message, in their order.
pub fn of(message: &BorrowedMessage<'_>) -> Headers {
    let mut headers = null_mut();
    // SAFETY: the message is alive, and the headers belong to it.
    unsafe {
        match sys::rd_kafka_message_headers(message.ptr(), &mut headers) {
            sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR if !headers.is_null() => all(headers),
            _ => Vec::new(),
        }
    }
}

/// Bytes that headers take, about.
pub fn size(headers: &[(String, Option<Vec<u8>>)]) -> usize {
    let one = |(name, value): &(String, Option<Vec<u8>>)| name.len() + value.as_ref().map_or(0, Vec::len);
    size_of_val(headers) + headers.iter().map(one).sum::<usize>()
}

/// # Safety
/// `headers` are alive.
unsafe fn all(headers: *const sys::rd_kafka_headers_t) -> Headers {
    let mut found = Vec::new();
    let (mut name, mut value, mut size) = (null(), null(), 0);
    // SAFETY: the call fails past the last header; before, it gives a C text, and null or so many bytes, which live as long
    // as the headers.
    unsafe {
        while sys::rd_kafka_header_get_all(headers, found.len(), &mut name, &mut value, &mut size)
            == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
        {
            let name = CStr::from_ptr(name).to_string_lossy().into_owned();
            let bytes = || std::slice::from_raw_parts(value.cast::<u8>(), size).to_vec();
            found.push((name, (!value.is_null()).then(bytes)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_may_be_a_name_and_a_value() {
        let given: [(&[u8], Option<&[u8]>); 4] =
            [(b"a", Some(b"1")), (b"trace\xff", Some(b"\x00\xff")), (b"", Some(b"")), (b"a", None)];
        // SAFETY: the headers are made here, looked at while they live, and destroyed once; adding copies.
        let found = unsafe {
            let headers = sys::rd_kafka_headers_new(4);
            for (name, value) in given {
                let (bytes, size) = value.map_or((null(), 0), |value| (value.as_ptr(), value.len() as isize));
                sys::rd_kafka_header_add(headers, name.as_ptr().cast(), name.len() as isize, bytes.cast(), size);
            }
            let found = all(headers);
            sys::rd_kafka_headers_destroy(headers);
            found
        };
        let expected = [("a", Some(&b"1"[..])), ("trace\u{fffd}", Some(b"\x00\xff")), ("", Some(b"")), ("a", None)];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec))));
        assert_eq!(size(&found), 4 * size_of::<(String, Option<Vec<u8>>)>() + 1 + 1 + 8 + 2 + 1);
    }
}
