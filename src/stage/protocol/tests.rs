//! Tests of the decisions: named cases from the error table, and a shell that fails at random.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn failure(call: Call, severity: Severity, cause: Cause) -> Failure {
    Failure { call, severity, cause, text: "why".to_owned() }
}

fn abortable(call: Call, cause: Cause) -> Event {
    Event::CommitDone(Err(failure(call, Severity::Abortable, cause)))
}

fn fatal(cause: Cause) -> Event {
    Event::CommitDone(Err(failure(Call::Commit, Severity::Fatal, cause)))
}

fn rebuilt() -> Event {
    Event::Rebuilt(Ok(()))
}

fn aborted() -> Event {
    Event::AbortDone(Ok(()))
}

fn restore(partition: i32, tag: Tag) -> Action {
    Action::Restore { partition, tag }
}

/// A protocol whose partitions 0 and 1 run, with tags 1 and 2.
fn running() -> Protocol {
    let mut protocol = Protocol::default();
    assert_eq!(protocol.on(Event::Assigned(vec![0, 1])), [restore(0, 1), restore(1, 2)]);
    for (partition, tag) in [(0, 1), (1, 2)] {
        assert_eq!(protocol.on(Event::Restored { partition, tag }), [Action::Start { partition, tag }]);
        assert!(protocol.is_running(partition, tag));
    }
    protocol
}

/// One that is committing on a tick.
fn committing() -> Protocol {
    let mut protocol = running();
    assert_eq!(protocol.on(Event::Tick), [Action::Commit(vec![0, 1])]);
    protocol
}

/// What is asked for after each event.
fn play(protocol: &mut Protocol, events: impl IntoIterator<Item = Event>) -> Vec<Action> {
    events.into_iter().map(|event| protocol.on(event)).last().unwrap_or_default()
}

fn failed(actions: &[Action]) -> bool {
    matches!(actions, [Action::Exit(Reason::Failed(_))])
}

#[test]
fn a_commit_waits_for_nothing_and_is_followed_by_nothing() {
    let mut protocol = committing();
    assert_eq!(protocol.on(Event::Tick), []);
    assert_eq!(protocol.on(Event::CommitDone(Ok(()))), []);
    assert_eq!(protocol.on(Event::Full), [Action::Commit(vec![0, 1])]);
}

#[test]
fn nothing_is_committed_for_what_does_not_run() {
    let mut protocol = Protocol::default();
    assert_eq!(protocol.on(Event::Tick), []);
    protocol.on(Event::Assigned(vec![0]));
    assert_eq!(protocol.on(Event::Tick), []);
}

#[test]
fn an_answer_to_an_assignment_that_is_over_is_ignored() {
    let mut protocol = Protocol::default();
    protocol.on(Event::Assigned(vec![0]));
    assert_eq!(protocol.on(Event::Lost(vec![0])), [Action::CancelRestore(0)]);
    assert_eq!(protocol.on(Event::Assigned(vec![0])), [restore(0, 2)]);
    assert_eq!(protocol.on(Event::Restored { partition: 0, tag: 1 }), []);
    assert_eq!(protocol.on(Event::RestoreFailed { partition: 0, tag: 1, why: String::new() }), []);
    assert!(!protocol.is_running(0, 1));
    assert!(failed(&protocol.on(Event::RestoreFailed { partition: 0, tag: 2, why: String::new() })));
}

#[test]
fn revoked_partitions_are_committed_and_then_let_go() {
    let mut protocol = running();
    assert_eq!(protocol.on(Event::Revoked(vec![1])), [Action::Commit(vec![0, 1])]);
    assert_eq!(protocol.on(Event::CommitDone(Ok(()))), [Action::Drop(1), Action::AckRevoke]);
    assert_eq!(protocol.on(Event::Tick), [Action::Commit(vec![0])]);
}

#[test]
fn partitions_that_do_not_run_yet_are_let_go_at_once() {
    let mut protocol = Protocol::default();
    protocol.on(Event::Assigned(vec![0]));
    assert_eq!(protocol.on(Event::Revoked(vec![0])), [Action::CancelRestore(0), Action::AckRevoke]);
}

#[test]
fn lost_partitions_are_dropped_without_a_commit() {
    assert_eq!(running().on(Event::Lost(vec![0])), [Action::Drop(0)]);
}

#[test]
fn what_arrives_during_a_commit_comes_after_it_in_its_order() {
    let mut protocol = committing();
    assert_eq!(protocol.on(Event::Revoked(vec![0])), []);
    assert_eq!(protocol.on(Event::Assigned(vec![5])), []);
    assert_eq!(protocol.on(Event::CommitDone(Ok(()))), [Action::Commit(vec![0, 1])]);
    let expected = [Action::Drop(0), Action::AckRevoke, restore(5, 3)];
    assert_eq!(protocol.on(Event::CommitDone(Ok(()))), expected);
}

#[test]
fn after_a_clean_abort_the_same_bytes_are_sent_again_but_not_for_ever() {
    let mut protocol = committing();
    for _ in 1..ATTEMPTS_MAX {
        assert_eq!(protocol.on(abortable(Call::Offsets, Cause::Generation)), [Action::Abort]);
        assert_eq!(protocol.on(aborted()), [Action::Resend]);
    }
    assert_eq!(protocol.on(abortable(Call::Offsets, Cause::Generation)), [Action::Abort]);
    let restored = [Action::Drop(0), restore(0, 3), Action::Drop(1), restore(1, 4)];
    assert_eq!(protocol.on(aborted()), restored);
}

#[test]
fn after_a_failed_commit_call_the_log_decides() {
    let mut protocol = committing();
    let actions = play(&mut protocol, [abortable(Call::Commit, Cause::Other), aborted()]);
    assert_eq!(actions, [Action::Drop(0), restore(0, 3), Action::Drop(1), restore(1, 4)]);
}

#[test]
fn after_a_time_out_the_producer_is_a_new_one() {
    let mut protocol = committing();
    let timed_out = abortable(Call::Produce, Cause::TimedOut);
    assert_eq!(play(&mut protocol, [timed_out, aborted()]), [Action::RebuildProducer]);
    assert_eq!(protocol.on(rebuilt()), [Action::Resend]);
    let timed_out = abortable(Call::Commit, Cause::TimedOut);
    assert_eq!(play(&mut protocol, [timed_out, aborted()]), [Action::RebuildProducer]);
    assert!(protocol.on(rebuilt()).contains(&restore(0, 3)));
}

#[test]
fn after_a_fatal_error_everything_is_new() {
    let mut protocol = committing();
    assert_eq!(protocol.on(fatal(Cause::Fenced)), [Action::RebuildProducer]);
    assert_eq!(protocol.on(rebuilt()), [Action::Drop(0), restore(0, 3), Action::Drop(1), restore(1, 4)]);
}

#[test]
fn after_a_failed_abort_everything_is_new() {
    let mut protocol = committing();
    protocol.on(abortable(Call::Offsets, Cause::Generation));
    let failed = Event::AbortDone(Err(failure(Call::Abort, Severity::Fatal, Cause::Other)));
    assert_eq!(protocol.on(failed), [Action::RebuildProducer]);
    assert_eq!(protocol.on(rebuilt()).len(), 4);
}

#[test]
fn an_expelled_member_gives_up_everything_and_waits_to_be_told() {
    let mut protocol = committing();
    let actions = play(&mut protocol, [abortable(Call::Guard, Cause::Expelled), aborted()]);
    assert_eq!(actions, [Action::Drop(0), Action::Drop(1)]);
    assert_eq!(protocol.on(Event::Tick), []);
    assert_eq!(protocol.on(Event::Lost(vec![0, 1])), []);
    assert_eq!(protocol.on(Event::Assigned(vec![1])), [restore(1, 3)]);
}

#[test]
fn an_expelled_member_that_is_never_told_ends() {
    let mut protocol = committing();
    play(&mut protocol, [abortable(Call::Guard, Cause::Expelled), aborted()]);
    for _ in 0..LAPSED_TICKS_MAX {
        assert_eq!(protocol.on(Event::Tick), []);
    }
    assert!(failed(&protocol.on(Event::Tick)));
}

#[test]
fn what_the_brokers_refuse_is_not_repeated() {
    let mut protocol = committing();
    assert_eq!(protocol.on(abortable(Call::Produce, Cause::Refused)), [Action::Abort]);
    assert!(failed(&protocol.on(aborted())));
    assert_eq!(protocol.on(Event::Revoked(vec![0])), [], "nothing is asked for after the end");
}

#[test]
fn a_revocation_is_answered_whatever_becomes_of_its_commit() {
    let let_go = |events: Vec<Event>| {
        let mut protocol = running();
        protocol.on(Event::Revoked(vec![0]));
        play(&mut protocol, events)
    };
    let unsent = abortable(Call::Commit, Cause::Other);
    let kept = [Action::Drop(1), restore(1, 3), Action::Drop(0), Action::AckRevoke];
    assert_eq!(let_go(vec![unsent, aborted()]), kept);
    assert_eq!(let_go(vec![fatal(Cause::Fenced), rebuilt()]), kept);
    let expelled = abortable(Call::Offsets, Cause::Expelled);
    assert_eq!(let_go(vec![expelled, aborted()]), [Action::Drop(0), Action::Drop(1), Action::AckRevoke]);
}

#[test]
fn failures_without_end_end_at_the_operator() {
    let mut protocol = committing();
    for _ in 0..=FAILURES_MAX {
        for event in [abortable(Call::Commit, Cause::Other), aborted()] {
            for action in protocol.on(event) {
                if let Action::Restore { partition, tag } = action {
                    protocol.on(Event::Restored { partition, tag });
                }
            }
        }
        if protocol.has_ended() {
            return;
        }
        assert!(matches!(protocol.on(Event::Tick)[..], [Action::Commit(_)]));
    }
    panic!("it goes on and on");
}

#[test]
fn stopping_leaves_the_group_and_ends_when_that_is_done() {
    let mut protocol = running();
    assert_eq!(protocol.on(Event::Stop), [Action::Leave]);
    assert_eq!(protocol.on(Event::Revoked(vec![0, 1])), [Action::Commit(vec![0, 1])]);
    assert_eq!(protocol.on(Event::CommitDone(Ok(()))).last(), Some(&Action::AckRevoke));
    assert_eq!(protocol.on(Event::Left), [Action::Exit(Reason::Stopped)]);
    assert!(protocol.has_ended());
}

/// A shell without Kafka, which holds the protocol to its rules.
#[derive(Default)]
struct Shell {
    protocol: Protocol,
    owned: BTreeSet<i32>,
    restoring: BTreeMap<i32, Tag>,
    running: BTreeMap<i32, Tag>,
    /// What the protocol waits for.
    open: Option<Open>,
    revocations: u32,
    last_tag: Tag,
    ended: bool,
    /// Whether the bytes of the last commit may be sent again: the transaction is aborted, and no commit was tried.
    resendable: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Open {
    Commit,
    Abort,
    Rebuild,
}

/// A random step of the group, the clock or the brokers.
#[derive(Debug, Clone)]
enum Step {
    Assign(i32),
    Revoke(i32),
    Lose(i32),
    Restored(i32),
    Tick,
    Succeed,
    Fail(Call, Severity, Cause),
}

fn step() -> impl Strategy<Value = Step> {
    let calls = prop::sample::select(vec![Call::Begin, Call::Produce, Call::Guard, Call::Offsets, Call::Commit]);
    let severities = prop::sample::select(vec![Severity::Abortable, Severity::Abortable, Severity::Fatal]);
    let causes = vec![Cause::Generation, Cause::Expelled, Cause::TimedOut, Cause::Fenced, Cause::Other];
    prop_oneof![
        2 => (0..4).prop_map(Step::Assign),
        1 => (0..4).prop_map(Step::Revoke),
        1 => (0..4).prop_map(Step::Lose),
        4 => (0..4).prop_map(Step::Restored),
        4 => Just(Step::Tick),
        6 => Just(Step::Succeed),
        3 => (calls, severities, prop::sample::select(causes)).prop_map(|(call, severity, cause)| Step::Fail(call, severity, cause)),
    ]
}

impl Shell {
    fn take(&mut self, step: Step) {
        let event = match step {
            Step::Assign(partition) => self.owned.insert(partition).then(|| Event::Assigned(vec![partition])),
            Step::Revoke(partition) => self.owned.remove(&partition).then(|| {
                self.revocations += 1;
                Event::Revoked(vec![partition])
            }),
            Step::Lose(partition) => self.owned.remove(&partition).then(|| Event::Lost(vec![partition])),
            Step::Restored(partition) => {
                self.restoring.get(&partition).map(|tag| Event::Restored { partition, tag: *tag })
            }
            Step::Tick => Some(Event::Tick),
            Step::Succeed => self.outcome(Ok(())),
            Step::Fail(call, severity, cause) => self.outcome(Err(failure(call, severity, cause))),
        };
        if let Some(event) = event {
            let actions = self.protocol.on(event);
            actions.into_iter().for_each(|action| self.perform(action));
        }
    }

    fn outcome(&mut self, result: Result<(), Failure>) -> Option<Event> {
        let open = self.open.take()?;
        match open {
            Open::Commit => {
                let clean = |failure: &Failure| failure.call != Call::Commit && failure.severity == Severity::Abortable;
                self.resendable = result.as_ref().is_err_and(clean);
                Some(Event::CommitDone(result))
            }
            Open::Abort => {
                self.resendable &= result.is_ok();
                Some(Event::AbortDone(result))
            }
            // A producer that cannot be opened ends everything: not interesting here.
            Open::Rebuild => Some(Event::Rebuilt(Ok(()))),
        }
    }

    fn perform(&mut self, action: Action) {
        assert!(!self.ended, "{action:?} after the end");
        assert_eq!(self.open, None, "{action:?} while a transaction is under way");
        match action {
            Action::Restore { partition, tag } => {
                assert!(tag > self.last_tag, "a tag is used once");
                assert!(!self.running.contains_key(&partition), "restored beside a running task");
                self.last_tag = tag;
                self.restoring.insert(partition, tag);
            }
            Action::CancelRestore(partition) => assert!(self.restoring.remove(&partition).is_some()),
            Action::Start { partition, tag } => {
                assert_eq!(self.restoring.remove(&partition), Some(tag));
                self.running.insert(partition, tag);
            }
            Action::Drop(partition) => assert!(self.running.remove(&partition).is_some()),
            Action::Commit(partitions) => {
                assert!(partitions.iter().eq(self.running.keys()), "all that runs is committed, and nothing else");
                self.open = Some(Open::Commit);
            }
            Action::Resend => {
                assert!(self.resendable, "sent again without a clean abort");
                self.open = Some(Open::Commit);
            }
            Action::Abort => self.open = Some(Open::Abort),
            Action::RebuildProducer => self.open = Some(Open::Rebuild),
            Action::AckRevoke => {
                assert!(self.revocations > 0, "answered twice");
                self.revocations -= 1;
            }
            Action::Leave => {}
            Action::Exit(_) => self.ended = true,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_happens_the_rules_hold_and_everything_settles(steps in prop::collection::vec(step(), 0..120)) {
        let mut shell = Shell::default();
        steps.into_iter().for_each(|step| shell.take(step));
        // Then all goes well: every revocation is answered, and what is owned and was not given up runs.
        for _ in 0..200 {
            shell.take(Step::Succeed);
            (0..4).for_each(|partition| shell.take(Step::Restored(partition)));
        }
        if !shell.ended {
            prop_assert_eq!(shell.open, None);
            prop_assert_eq!(shell.revocations, 0);
            prop_assert!(shell.restoring.is_empty());
            let running: BTreeSet<i32> = shell.running.keys().copied().collect();
            prop_assert!(running.is_subset(&shell.owned), "{:?} of {:?}", running, shell.owned);
            for (partition, tag) in &shell.running {
                prop_assert!(shell.protocol.is_running(*partition, *tag));
            }
        }
    }
}
