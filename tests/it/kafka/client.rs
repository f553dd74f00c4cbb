//! Plain clients of the tests: to make topics, to write inputs, and to read what was committed.

use super::reader::{Reader, Record};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// For questions that are answered at once by a broker that is up.
pub const ASK: Duration = Duration::from_secs(30);

/// Of any client of the tests.
pub fn config(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set_log_level(RDKafkaLogLevel::Critical);
    config
}

/// True if a broker answers there.
pub fn answers(bootstrap: &str) -> bool {
    let client: BaseConsumer = config(bootstrap).set("reconnect.backoff.max.ms", "200").create().unwrap();
    client.fetch_metadata(None, Duration::from_secs(2)).is_ok_and(|metadata| !metadata.brokers().is_empty())
}

/// Wakes the thread that waits for a future.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

fn admin(bootstrap: &str) -> AdminClient<DefaultClientContext> {
    config(bootstrap).create().unwrap()
}

/// Makes topics whose records are kept.
pub fn create_topics(bootstrap: &str, topics: &[(&str, i32)]) {
    let topics: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|(name, partitions)| {
            NewTopic::new(name, *partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1")
        })
        .collect();
    let options = AdminOptions::new().operation_timeout(Some(ASK));
    for made in wait(admin(bootstrap).create_topics(&topics, &options)).unwrap() {
        made.unwrap();
    }
}

/// Deletes a topic.
pub fn delete_topic(bootstrap: &str, topic: &str) {
    let options = AdminOptions::new().operation_timeout(Some(ASK));
    for deleted in wait(admin(bootstrap).delete_topics(&[topic], &options)).unwrap() {
        deleted.unwrap();
    }
}

/// Makes a topic again that was deleted; brokers need a moment until its name is free.
pub fn recreate_topic(bootstrap: &str, topic: &str, partitions: i32) {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1)).set("retention.ms", "-1");
    let deadline = Instant::now() + ASK;
    while wait(admin(bootstrap).create_topics([&new], &AdminOptions::new())).unwrap().iter().any(Result::is_err) {
        assert!(Instant::now() < deadline, "{topic} cannot be made");
    }
}

/// Raises the number of a topic's partitions.
pub fn add_partitions(bootstrap: &str, topic: &str, count: usize) {
    let more = NewPartitions::new(topic, count);
    for made in wait(admin(bootstrap).create_partitions([&more], &AdminOptions::new())).unwrap() {
        made.unwrap();
    }
}

/// Deletes the records of a partition before an offset.
pub fn delete_records(bootstrap: &str, topic: &str, partition: i32, before: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(before)).unwrap();
    let options = AdminOptions::new().operation_timeout(Some(ASK));
    wait(admin(bootstrap).delete_records(&list, &options)).unwrap();
}

/// Writes records: topic, partition, key, value. Returns when the broker has them.
pub fn write<'a>(bootstrap: &str, records: impl IntoIterator<Item = (&'a str, i32, String, Vec<u8>)>) {
    let records = records.into_iter().map(|(topic, partition, key, value)| {
        let record =
            Record { partition, offset: 0, key: Some(key.into_bytes()), value: Some(value), headers: Vec::new() };
        (topic, record)
    });
    write_records(bootstrap, records);
}

/// Writes records (their offsets are the broker's to choose), in their order. Returns when the broker has them.
pub fn write_records<'a>(bootstrap: &str, records: impl IntoIterator<Item = (&'a str, Record)>) {
    let producer: BaseProducer = config(bootstrap).set("enable.idempotence", "true").create().unwrap();
    for (topic, Record { partition, key, value, headers, .. }) in records {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition);
        record.key = key.as_deref();
        record.payload = value.as_deref();
        if !headers.is_empty() {
            let add = |all: OwnedHeaders, (key, value): &(String, Option<Vec<u8>>)| {
                all.insert(Header { key, value: value.as_ref() })
            };
            record.headers = Some(headers.iter().fold(OwnedHeaders::new(), add));
        }
        while let Err((_, back)) = producer.send(record) {
            record = back;
            producer.poll(Duration::from_millis(10));
        }
    }
    producer.flush(ASK).unwrap();
}

/// Writes a record in a transaction that is committed, or aborted.
pub fn write_transaction(bootstrap: &str, topic: &str, key: &str, commit: bool) {
    let id = format!("tests-{topic}");
    let producer: BaseProducer = config(bootstrap).set("transactional.id", id).create().unwrap();
    producer.init_transactions(ASK).unwrap();
    producer.begin_transaction().unwrap();
    producer.send(BaseRecord::<str, str>::to(topic).partition(0).key(key)).unwrap();
    producer.flush(ASK).unwrap();
    if commit { producer.commit_transaction(ASK) } else { producer.abort_transaction(ASK) }.unwrap();
}

/// Takes a transactional id over, as its next owner would: whatever its last owner had begun is ended.
pub fn fence(bootstrap: &str, transactional_id: &str) {
    let producer: BaseProducer = config(bootstrap).set("transactional.id", transactional_id).create().unwrap();
    producer.init_transactions(ASK).unwrap();
}

/// A committed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub partition: i32,
    pub offset: i64,
    pub key: String,
    pub value: Vec<u8>,
}

/// Everything that is committed in a topic, up to its end of now.
pub fn read_committed(bootstrap: &str, topic: &str) -> Vec<Committed> {
    let committed = |record: Record| Committed {
        partition: record.partition,
        offset: record.offset,
        key: String::from_utf8_lossy(&record.key.unwrap_or_default()).into_owned(),
        value: record.value.unwrap_or_default(),
    };
    Reader::new(bootstrap, topic).all().into_iter().map(committed).collect()
}

/// How many partitions a topic has.
pub fn partitions(client: &BaseConsumer, topic: &str) -> i32 {
    let metadata = client.fetch_metadata(Some(topic), ASK).unwrap();
    metadata.topics()[0].partitions().len() as i32
}

/// First offset of each partition that is there.
pub fn begins(bootstrap: &str, topic: &str) -> Vec<i64> {
    let client: BaseConsumer = config(bootstrap).create().unwrap();
    (0..partitions(&client, topic)).map(|p| client.fetch_watermarks(topic, p, ASK).unwrap().0).collect()
}

/// High watermark and last stable offset of each partition.
pub fn ends(bootstrap: &str, topic: &str) -> Vec<(i64, i64)> {
    let end = |isolation: &str, partition: i32| {
        let client: BaseConsumer = config(bootstrap).set("isolation.level", isolation).create().unwrap();
        client.fetch_watermarks(topic, partition, ASK).unwrap().1
    };
    let client: BaseConsumer = config(bootstrap).create().unwrap();
    (0..partitions(&client, topic)).map(|p| (end("read_uncommitted", p), end("read_committed", p))).collect()
}

/// The offset that a group committed.
pub fn group_offset(bootstrap: &str, group: &str, topic: &str, partition: i32) -> Option<i64> {
    let consumer: BaseConsumer = config(bootstrap).set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    let found = consumer.committed_offsets(list, ASK).unwrap();
    found.find_partition(topic, partition)?.offset().to_raw().filter(|offset| *offset >= 0)
}

/// Sets the offset of a group that has no member, as an operator would by hand.
pub fn set_group_offset(bootstrap: &str, group: &str, topic: &str, partition: i32, offset: i64) {
    let consumer: BaseConsumer = config(bootstrap).set("group.id", group).create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
    consumer.commit(&list, rdkafka::consumer::CommitMode::Sync).unwrap();
}

/// How many members of a settled group own partitions.
pub fn owners(bootstrap: &str, group: &str) -> usize {
    let client: BaseConsumer = config(bootstrap).create().unwrap();
    let Ok(groups) = client.fetch_group_list(Some(group), ASK) else { return 0 };
    let Some(found) = groups.groups().iter().find(|found| found.name() == group && found.state() == "Stable") else {
        return 0;
    };
    // An assignment without partitions is a version, the number of topics and the length of user data.
    let owns = |assignment: Option<&[u8]>| assignment.is_some_and(|bytes| bytes.get(2..6).is_some_and(|n| n != [0; 4]));
    found.members().iter().filter(|member| owns(member.assignment())).count()
}

/// State of a group, and how many members it has.
pub fn members(bootstrap: &str, group: &str) -> (String, usize) {
    let client: BaseConsumer = config(bootstrap).create().unwrap();
    let Ok(groups) = client.fetch_group_list(Some(group), ASK) else { return (String::new(), 0) };
    let found = groups.groups().iter().find(|found| found.name() == group);
    found.map_or((String::new(), 0), |found| (found.state().to_owned(), found.members().len()))
}
