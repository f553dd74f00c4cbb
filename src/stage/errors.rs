//! What Kafka's errors mean here, and what the operator is told.

use super::protocol::{Call, Cause, Failure, Severity};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

/// Why the stages of this process ended without being asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// They could not be started.
    #[error("cannot start: {0}")]
    Start(String),
    /// A stage cannot go on.
    #[error("stage `{stage}` stopped: {why}")]
    Failed {
        /// Which stage.
        stage: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// A call did not come back. Nothing is lost: what was not committed is read again.
    #[error(
        "stage `{stage}` has been in `{call}` for {seconds} s: the brokers do not answer, or the client hangs; start the \
         process again"
    )]
    Hung {
        /// Which stage.
        stage: String,
        /// What it waits for.
        call: String,
        /// For how long.
        seconds: u64,
    },
    /// Some stage did not end in time. Nothing is lost: what was not committed is read again.
    #[error("stopped without the last commit of stage `{stage}`, which is read again at the next start: {why}")]
    Unfinished {
        /// Which stage.
        stage: String,
        /// What it was at.
        why: String,
    },
}

/// What to do about an error of a transactional call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The same call with the same arguments.
    Again(String),
    /// It failed.
    Failed(Failure),
}

/// An error of a transactional call with librdkafka's marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionError {
    /// Its code.
    pub code: Code,
    /// The same call may be repeated.
    pub is_retriable: bool,
    /// The transaction must be aborted.
    pub needs_abort: bool,
    /// What librdkafka says.
    pub text: String,
}

impl From<&KafkaError> for TransactionError {
    fn from(error: &KafkaError) -> Self {
        let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
        match error {
            KafkaError::Transaction(inner) => TransactionError {
                code,
                is_retriable: inner.is_retriable(),
                needs_abort: inner.txn_requires_abort() && !inner.is_fatal(),
                text: inner.string(),
            },
            // What is not from the transaction's own calls (a full queue, a flush that ran out of time) leaves the
            // producer usable.
            _ => TransactionError { code, is_retriable: false, needs_abort: true, text: error.to_string() },
        }
    }
}

/// Judges an error of `call`; `doing` says what was tried.
pub fn judge(call: Call, error: &TransactionError, doing: &str) -> Verdict {
    let cause = cause(error.code);
    // A member that was expelled is told so by the group, which knows whether another process has its name: the coordinator
    // refuses a member's own earlier membership in the same words.
    let advice = if cause == Cause::Expelled { "" } else { advice(error.code) };
    let text = format!("{doing}: {}{advice}", error.text);
    if error.is_retriable {
        return Verdict::Again(text);
    }
    let severity = if error.needs_abort { Severity::Abortable } else { Severity::Fatal };
    Verdict::Failed(Failure { call, severity, cause, text })
}

/// What an error code means.
pub fn cause(code: Code) -> Cause {
    match code {
        Code::IllegalGeneration | Code::RebalanceInProgress => Cause::Generation,
        Code::UnknownMemberId | Code::FencedInstanceId => Cause::Expelled,
        Code::OperationTimedOut | Code::RequestTimedOut | Code::MessageTimedOut | Code::TimedOutQueue => {
            Cause::TimedOut
        }
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Cause::Fenced,
        _ if is_refusal(code) => Cause::Refused,
        _ => Cause::Other,
    }
}

/// True if a broker that gave this answer will give it again.
pub fn is_refusal(code: Code) -> bool {
    is_authorization(code)
        || matches!(
            code,
            Code::MessageSizeTooLarge
                | Code::MessageBatchTooLarge
                | Code::InvalidMessageSize
                | Code::InvalidTimestamp
                | Code::InvalidRecord
                | Code::InvalidTopic
                | Code::InvalidTransactionTimeout
                | Code::PolicyViolation
                | Code::UnknownPartition
                | Code::UnknownTopic
                | Code::UnknownTopicOrPartition
                | Code::UnsupportedForMessageFormat
                | Code::UnsupportedCompressionType
        )
}

/// True if the operator must change credentials or access rules.
pub fn is_authorization(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication
    )
}

/// True if this client does not trust the brokers' certificate, which no retry changes.
pub fn is_mistrust(code: Code, text: &str) -> bool {
    code == Code::SSL && text.contains("certificate verify failed")
}

/// What is wrong with a client's properties, without their values: they may be passwords.
pub fn wrong_properties(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, what, name, _) => format!("`{name}` under `kafka.properties`: {what}"),
        _ => error.to_string(),
    }
}

/// What to do about an error code, ready to be appended.
pub fn advice(code: Code) -> &'static str {
    match code {
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidMessageSize => {
            "; raise the topic's `max.message.bytes` (and `message.max.bytes` under `kafka.properties`)"
        }
        Code::TopicAuthorizationFailed => {
            "; allow READ on the topics that are read, WRITE on those that are written, and both on those that begin with \
             `kafka.application_id`"
        }
        Code::GroupAuthorizationFailed => "; allow READ on groups that begin with `kafka.application_id`",
        Code::TransactionalIdAuthorizationFailed => {
            "; allow WRITE and DESCRIBE on transactional ids that begin with `kafka.application_id`"
        }
        Code::SSL => "; `ssl.ca.location` under `kafka.properties` must name who signed the brokers' certificate",
        Code::ClusterAuthorizationFailed => "; allow IDEMPOTENT_WRITE on the cluster",
        Code::SaslAuthenticationFailed | Code::Authentication => "; check the credentials under `kafka.properties`",
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
            "; create the topic, or correct its name under `topics`"
        }
        Code::InvalidTransactionTimeout => "; raise the brokers' `transaction.max.timeout.ms`",
        Code::FencedInstanceId | Code::UnreleasedInstanceId => {
            "; another process has the same POSTDICT_INSTANCE or `kafka.instance_id`: give each process its own"
        }
        Code::InvalidTimestamp => {
            "; the topic refuses old or future timestamps: raise its `message.timestamp.*.max.ms`"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code, is_retriable: bool, needs_abort: bool) -> TransactionError {
        TransactionError { code, is_retriable, needs_abort, text: "librdkafka says so".to_owned() }
    }

    #[test]
    fn an_error_without_a_mark_is_fatal() {
        let Verdict::Failed(failure) = judge(Call::Commit, &error(Code::State, false, false), "committing") else {
            panic!("not to be repeated")
        };
        assert_eq!((failure.severity, failure.cause), (Severity::Fatal, Cause::Other));
    }

    #[test]
    fn what_can_be_repeated_is() {
        let verdict = judge(Call::Offsets, &error(Code::NotCoordinator, true, false), "sending offsets");
        assert!(matches!(verdict, Verdict::Again(_)));
    }

    #[test]
    fn a_fenced_member_is_not_told_of_a_twin_that_may_not_be() {
        let verdict = judge(Call::Offsets, &error(Code::FencedInstanceId, false, true), "sending offsets");
        let Verdict::Failed(failure) = verdict else { panic!("it stays fenced") };
        assert_eq!((failure.severity, failure.cause), (Severity::Abortable, Cause::Expelled));
        assert!(!failure.text.contains("another process"), "{}", failure.text);
    }

    #[test]
    fn no_value_of_a_property_is_shown() {
        let (mut config, mut said) = (rdkafka::ClientConfig::new(), Vec::new());
        for (name, value) in [("sasl.pasword", "hunter2"), ("sasl.jaas.config", "password=hunter2")] {
            config.set(name, value);
            let error = config.create_native_config().err().expect("there is no such property");
            said.push(wrong_properties(&error));
            config.remove(name);
        }
        assert!(said[0].contains("`sasl.pasword`") && said[1].contains("`sasl.jaas.config`"), "{said:?}");
        assert!(!said.concat().contains("hunter2"), "{said:?}");
    }

    #[test]
    fn the_operator_is_told_what_to_do() {
        let error = error(Code::MessageSizeTooLarge, false, true);
        let Verdict::Failed(failure) = judge(Call::Produce, &error, "writing to metrics/3") else {
            panic!("a large record stays large")
        };
        assert_eq!((failure.severity, failure.cause), (Severity::Abortable, Cause::Refused));
        for part in ["metrics/3", "librdkafka says so", "max.message.bytes"] {
            assert!(failure.text.contains(part), "{}", failure.text);
        }
    }
}
