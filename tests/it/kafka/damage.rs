//! Bad records: in the service's own topics it stops at them, and says where and what to do; in the inputs they become dead
//! letters, and nothing else changes.

use super::broker;
use super::client;
use super::deployment::{Deployment, Settings};
use super::reader::Reader;
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka_sys as sys;
use std::ffi::CString;
use std::time::Duration;

fn without_value(bootstrap: &str, topic: &str) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    producer.send(BaseRecord::<str, str>::to(topic).partition(0).key("k")).unwrap();
    producer.flush(Duration::from_secs(30)).unwrap();
}

#[test]
fn a_foreign_record_among_the_partials_stops_the_service_with_its_place() {
    let Some(broker) = broker::shared("a_foreign_record_among_the_partials") else { return };
    for (kind, named) in [("junk", "not a record of this service"), ("null", "it has no value")] {
        let deployment = Deployment::new(&broker.bootstrap, &format!("partials-{kind}"), Settings::default());
        deployment.create_topics(1);
        let mut service = deployment.start(&["run"]);
        deployment.produce(100);
        deployment.wait_for_matched(100, &mut service);
        let topic = format!("{}-partials", deployment.name);
        let at = client::ends(&broker.bootstrap, &topic)[0].0;
        match kind {
            "junk" => client::write(&broker.bootstrap, [(topic.as_str(), 0, String::new(), b"junk".to_vec())]),
            _ => without_value(&broker.bootstrap, &topic),
        }
        let refused = |said: String, code: Option<i32>| {
            assert_eq!(code, Some(1), "{said}");
            for part in [named, &format!("`{topic}`/0, offset "), "start anew", "stage `assess` stopped"] {
                assert!(said.contains(part), "`{part}` is not in: {said}");
            }
            assert!(!said.contains("panicked"), "{said}");
            let offset = said.split(&format!("`{topic}`/0, offset ")).nth(1).and_then(|rest| rest.split(':').next());
            // JOIN may have written in between.
            assert!(offset.and_then(|offset| offset.parse::<i64>().ok()).is_some_and(|offset| offset >= at), "{said}");
        };
        let status = service.ended();
        refused(service.said(), status.code());
        // It is not skipped by starting again.
        let (code, said) = deployment.run(&["run"]);
        refused(said, code);
    }
}

#[test]
fn a_bad_record_becomes_a_dead_letter_once_and_the_rest_is_unharmed() {
    let Some(broker) = broker::shared("a_bad_record_becomes_a_dead_letter_once") else { return };
    let deployment = Deployment::new(&broker.bootstrap, "bad", Settings::default());
    deployment.create_topics(1);
    deployment.produce(50);
    let bad = ["{\"request_id\":\"no-score\",\"model_id\":\"m\",\"timestamp\":1700000000000}", "not json", "{}"];
    // The last one does not fit a dead letter.
    let long = "x".repeat(950_000);
    let bad = [bad[0], bad[1], bad[2], &long];
    let file = deployment.write("bad.ndjson", &bad.map(|line| format!("{line}\n")).concat());
    let (code, said) = deployment.run(&["produce", "--predictions", &file]);
    assert_eq!(code, Some(0), "{said}");
    deployment.produce(50);
    for _ in 0..2 {
        let mut service = deployment.start(&["run"]);
        deployment.wait_for_matched(100, &mut service);
        service.signal("TERM");
        assert!(service.ended().success(), "{}", service.said());
        let letters = deployment.read(&deployment.topic("dead_letters"));
        let offsets: Vec<i64> = letters
            .iter()
            .map(|letter| {
                let letter: serde_json::Value = serde_json::from_slice(&letter.value).unwrap();
                assert_eq!(letter["topic"], deployment.topic("predictions"), "{letter}");
                let offset = letter["offset"].as_i64().unwrap();
                assert!(letter["reason"].is_string() && letter["value"].is_string() == (offset < 53), "{letter}");
                offset
            })
            .collect();
        assert_eq!(offsets, [50, 51, 52, 53]);
    }
}

/// A record with a header whose name is no text, as clients that are not Java's may write it.
#[expect(unsafe_code, reason = "rdkafka writes headers with texts for names only")]
fn with_unreadable_header(bootstrap: &str, topic: &str) {
    use sys::rd_kafka_vtype_t as v;
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let topic = CString::new(topic).unwrap();
    // SAFETY: the arguments are of the kinds that are named before them, and are copied.
    let error = unsafe {
        sys::rd_kafka_producev(
            producer.client().native_ptr(),
            v::RD_KAFKA_VTYPE_TOPIC,
            topic.as_ptr(),
            v::RD_KAFKA_VTYPE_VALUE,
            c"none".as_ptr(),
            4_usize,
            v::RD_KAFKA_VTYPE_MSGFLAGS,
            sys::RD_KAFKA_MSG_F_COPY,
            v::RD_KAFKA_VTYPE_HEADER,
            c"trace\xff".as_ptr(),
            c"1".as_ptr(),
            1_isize,
            v::RD_KAFKA_VTYPE_END,
        )
    };
    assert_eq!(error, sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
    producer.flush(Duration::from_secs(30)).unwrap();
}

#[test]
fn a_header_with_a_name_that_is_no_text_stops_nothing() {
    let Some(broker) = broker::shared("a_header_with_a_name_that_is_no_text_stops_nothing") else { return };
    let deployment = Deployment::new(&broker.bootstrap, "header", Settings::default());
    deployment.create_topics(1);
    with_unreadable_header(&broker.bootstrap, &deployment.topic("predictions"));
    deployment.produce(50);
    let mut service = deployment.start(&["run"]);
    deployment.wait_for_matched(50, &mut service);
    service.stopped();
    let letters = Reader::new(&broker.bootstrap, &deployment.topic("dead_letters")).all();
    let headers: Vec<_> = letters.into_iter().map(|letter| letter.headers).collect();
    assert_eq!(headers, [[("trace\u{fffd}".to_owned(), Some(b"1".to_vec()))]]);
}
