//! Access rules: those that the README lists, and how they are given to a user. rdkafka does not wrap the call.

#![expect(unsafe_code, reason = "rdkafka has no call that creates access rules")]

use crate::deploy::text;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka_sys as sys;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::ptr::null_mut;
use sys::rd_kafka_AclOperation_t as Operation;
use sys::rd_kafka_ResourceType_t as Resource;

/// A right on resources of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// `topic`, `group` or `transactional id`.
    pub kind: String,
    /// The resource, or how those begin that are meant, with `*` at the end.
    pub name: String,
    /// As Kafka calls it.
    pub operation: String,
}

/// What the README's table grants for a command.
pub fn granted(command: &str) -> BTreeSet<Right> {
    let readme = text("README.md");
    let table = readme.split("| for | resource | name | operations |").nth(1).expect("the table").split("\n\n").next();
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut rights = BTreeSet::new();
    for row in table.unwrap_or_default().lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, commands, kind, names, operations, _] = cells[..] else { continue };
        if !quoted(commands).iter().any(|found| found == command) {
            continue;
        }
        for name in quoted(names) {
            for operation in operations.split(',').map(str::trim) {
                let (kind, operation) = (kind.to_owned(), operation.to_owned());
                rights.insert(Right { kind, name: name.clone(), operation });
            }
        }
    }
    assert!(!rights.is_empty(), "nothing is granted for {command}");
    rights
}

/// Gives a user rights, as whoever may do everything at `bootstrap`.
pub fn allow<'a>(bootstrap: &str, user: &str, rights: impl IntoIterator<Item = &'a Right>) {
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let c_text = |text: &str| CString::new(text).unwrap();
    let (principal, host) = (c_text(&format!("User:{user}")), c_text("*"));
    // SAFETY: the client lives during the calls; what is made here is looked at while it lives and destroyed once.
    unsafe {
        let client = client.client().native_ptr();
        let mut bindings: Vec<*mut sys::rd_kafka_AclBinding_t> = Vec::new();
        for right in rights {
            let (name, pattern) = match right.name.strip_suffix('*') {
                Some(prefix) => (prefix, sys::rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_PREFIXED),
                None => (right.name.as_str(), sys::rd_kafka_ResourcePatternType_t::RD_KAFKA_RESOURCE_PATTERN_LITERAL),
            };
            let binding = sys::rd_kafka_AclBinding_new(
                kind(&right.kind),
                c_text(name).as_ptr(),
                pattern,
                principal.as_ptr(),
                host.as_ptr(),
                operation(&right.operation),
                sys::rd_kafka_AclPermissionType_t::RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW,
                null_mut(),
                0,
            );
            assert!(!binding.is_null(), "{right:?}");
            bindings.push(binding);
        }
        let queue = sys::rd_kafka_queue_new(client);
        let options = sys::rd_kafka_AdminOptions_new(client, sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATEACLS);
        sys::rd_kafka_CreateAcls(client, bindings.as_mut_ptr(), bindings.len(), options, queue);
        let event = sys::rd_kafka_queue_poll(queue, 30_000);
        assert!(!event.is_null(), "the broker answers");
        let mut count = 0;
        let results = sys::rd_kafka_CreateAcls_result_acls(sys::rd_kafka_event_CreateAcls_result(event), &mut count);
        assert_eq!(count, bindings.len());
        for i in 0..count {
            assert!(sys::rd_kafka_acl_result_error(*results.add(i)).is_null(), "rule {i} is refused");
        }
        sys::rd_kafka_event_destroy(event);
        sys::rd_kafka_AdminOptions_destroy(options);
        sys::rd_kafka_queue_destroy(queue);
        sys::rd_kafka_AclBinding_destroy_array(bindings.as_mut_ptr(), bindings.len());
    }
}

fn kind(name: &str) -> Resource {
    match name {
        "topic" => Resource::RD_KAFKA_RESOURCE_TOPIC,
        "group" => Resource::RD_KAFKA_RESOURCE_GROUP,
        "transactional id" => Resource::RD_KAFKA_RESOURCE_TRANSACTIONAL_ID,
        other => panic!("the README's table has the resource `{other}`"),
    }
}

fn operation(name: &str) -> Operation {
    match name {
        "Read" => Operation::RD_KAFKA_ACL_OPERATION_READ,
        "Write" => Operation::RD_KAFKA_ACL_OPERATION_WRITE,
        "Create" => Operation::RD_KAFKA_ACL_OPERATION_CREATE,
        "Delete" => Operation::RD_KAFKA_ACL_OPERATION_DELETE,
        "Describe" => Operation::RD_KAFKA_ACL_OPERATION_DESCRIBE,
        "DescribeConfigs" => Operation::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS,
        other => panic!("the README's table has the operation `{other}`"),
    }
}
